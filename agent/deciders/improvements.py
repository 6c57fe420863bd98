"""Suggestions of improvement: written by people, taken from reviews and callbacks, decided on (procedure R33)."""

from collections.abc import Mapping
from typing import Any

from agent.deciders.links import link
from agent.group import as_json
from agent.intents import ImprovementActed, ImprovementSuggested, PersonActed
from agent.turn import Turn
from correlation.callback import is_unsatisfied
from correlation.incident import IMPROVEMENT, Action, Incident
from correlation.need import Missing
from knowledge.improvement import MAY_DECIDE, MAY_SUGGEST, Improvement, ImprovementOrigin, act, check, number_of
from knowledge.store import UPSERT_IMPROVEMENT, improvement_values

_TITLE = 200


def improvement_suggested(turn: Turn, intent: ImprovementSuggested) -> Improvement:
    """Somebody writes a suggestion. Raises Forbidden, and NoSuchIncident for the incident that it names."""
    body, actor = intent.body, intent.actor
    check(actor, MAY_SUGGEST, "to suggest an improvement")
    incident = turn.incident(body["incident"]) if body.get("incident") else None
    turn.journal("improvement", actor.id, as_json(dict(body)))
    return _register(turn, body, ImprovementOrigin.PERSON, incident, actor.id)


def improvement_acted(turn: Turn, intent: ImprovementActed) -> Improvement:
    """A person decides on a suggestion, or tells what came of it. Raises what refuses it."""
    improvement = turn.desk.casebook.improvement(intent.number)
    check(intent.actor, MAY_DECIDE, f"{intent.action} of an improvement")
    owner = intent.body.get("owner")
    if owner and owner not in turn.config.people:
        raise Missing(["owner"], f"there is no person {owner!r} in people.yaml")
    facts = act(improvement, intent.action, intent.body, intent.actor, turn.now)
    if facts is None:
        return improvement
    said = {"number": improvement.number, "action": intent.action, "body": dict(intent.body)}
    turn.journal("improvement", intent.actor.id, as_json(said))
    _keep(turn, improvement)
    turn.audit(intent.actor.id, "improvement", {"improvement": improvement.number, "act": str(intent.action), **facts})
    return improvement


def suggest_from(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """The lessons of a review, and what an unsatisfied customer said, are suggestions: one of each incident."""
    body = intent.body
    if incident.linked(IMPROVEMENT):
        return
    if intent.action is Action.REVIEW and body.get("lessons"):
        told, origin = body["lessons"], ImprovementOrigin.REVIEW
    elif intent.action is Action.CALLBACK and is_unsatisfied(body) and body.get("remark"):
        told, origin = body["remark"], ImprovementOrigin.CALLBACK
    else:
        return
    title = " ".join(told.split())[:_TITLE]
    _register(turn, {"title": title, "text": told}, origin, incident, intent.actor.id)


def _register(
    turn: Turn, body: Mapping[str, Any], origin: ImprovementOrigin, incident: Incident | None, by: str
) -> Improvement:
    row = turn.board.next_id("improvement")
    improvement = Improvement(
        id=row,
        number=number_of(row),
        title=body["title"],
        text=body.get("text") or "",
        about=body.get("about") or "",
        incident=incident.number if incident is not None else None,
        origin=origin,
        suggested_by=by,
        suggested_at=turn.now,
        updated_at=turn.now,
    )
    _keep(turn, improvement)
    if incident is not None:
        link(turn, incident, IMPROVEMENT, improvement.number, by)
    told = {"improvement": improvement.number, "origin": str(origin), "title": improvement.title}
    turn.audit(by, "improvement", {**told, "text": improvement.text, "incident": improvement.incident or ""})
    return improvement


def _keep(turn: Turn, improvement: Improvement) -> None:
    turn.desk.casebook.improvements[improvement.number] = improvement
    turn.group.add(UPSERT_IMPROVEMENT, *improvement_values(improvement))
