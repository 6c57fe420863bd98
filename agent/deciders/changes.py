"""Requests for change: raised from an incident or by themselves, decided on, carried out (procedure R69, R70, R104)."""

from collections.abc import Mapping
from typing import Any

from agent.deciders.links import inform, link
from agent.group import as_json
from agent.intents import ChangeActed, ChangeRaised, PersonActed
from agent.turn import AGENT, Turn
from correlation.classify import StandardChange
from correlation.incident import CHANGE, Incident, State
from correlation.permission import Forbidden
from knowledge.change import MAY_RAISE, Change, ChangeAction, act, check, number_of


def next_number(turn: Turn) -> str:
    """The number that the next change gets."""
    return number_of(turn.board.last_ids.get("change", 0) + 1)


def on_change_raised(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """Its row is written, and the project manager told (procedure R69)."""
    change = _create(turn, intent.body, intent.actor.id, incident.number)
    link(turn, incident, CHANGE, change.number, intent.actor.id)
    inform(turn, incident, "change", ["pm"])


def change_raised(turn: Turn, intent: ChangeRaised) -> Change:
    """A change that no incident asks for."""
    actor = intent.actor
    if not actor.rights & MAY_RAISE:
        raise Forbidden(f"a change is raised by {', '.join(sorted(MAY_RAISE))}; {actor.id} is none of these")
    if intent.body.get("problem"):
        turn.desk.casebook.problem(intent.body["problem"])
    turn.journal("change", actor.id, as_json(dict(intent.body)))
    change = _create(turn, intent.body, actor.id, None)
    turn.audit(actor.id, "change", {"change": change.number, "state": str(change.state)})
    return change


def raise_standard(turn: Turn, incident: Incident, standard: StandardChange) -> None:
    """A change that is always made the same way is raised by the agent; a person approves it (procedure R6)."""
    body = {"title": incident.title, **standard.model_dump()}
    change = _create(turn, body, AGENT, incident.number)
    link(turn, incident, CHANGE, change.number, AGENT)
    turn.tell(
        incident.id, "change_raised", AGENT, {name: getattr(change, name) for name in ("number", "title", "risk")}
    )
    inform(turn, incident, "change", ["pm"])


def _create(turn: Turn, body: Mapping[str, Any], author: str, incident: str | None) -> Change:
    row = turn.board.next_id("change")
    change = Change(
        id=row,
        number=number_of(row),
        title=body["title"],
        risk=body["risk"],
        plan=body["plan"],
        back_out=body["back_out"],
        incident=incident,
        problem=body.get("problem"),
        author=author,
        raised_at=turn.now,
        updated_at=turn.now,
    )
    turn.keep_change(change)
    return change


def change_acted(turn: Turn, intent: ChangeActed) -> Change:
    """A person decides on a change, or tells what came of it; its incident hears of it. Raises what refuses it."""
    change = turn.desk.casebook.change(intent.number)
    check(intent.actor, intent.action, change)
    facts = act(change, intent.action, intent.body, intent.actor, turn.now)
    if facts is None:
        return change
    turn.journal("change", intent.actor.id, as_json({"number": change.number, "action": intent.action, **facts}))
    turn.keep_change(change)
    turn.audit(intent.actor.id, "change", {"change": change.number, "act": str(intent.action), **facts})
    held = turn.board.numbers.get(change.incident or "")
    if held is not None:
        _come_back(turn, turn.board.incidents[held], change, intent, facts)
    return change


def _come_back(turn: Turn, incident: Incident, change: Change, intent: ChangeActed, facts: Mapping[str, Any]) -> None:
    """The incident hears of its change; where nothing else is waited for, work goes on (procedure R70)."""
    told = {"change": change.number, "state": str(change.state), **facts}
    turn.tell(incident.id, "change_acted", intent.actor.id, told)
    waits = turn.desk.casebook.open_changes_of(incident.number)
    if change.ended and incident.state is State.PENDING_CHANGE and not waits:
        incident.resume_at = None
        incident.move(State.IN_PROGRESS, turn.now)
        turn.tell(incident.id, "resumed", intent.actor.id, {"why": "change", "change": change.number})
        turn.ladder.clocks_moved(incident, turn.group)
    incident.version += 1
    turn.touch(incident)
    if incident.active and intent.action in (ChangeAction.APPROVE, ChangeAction.REFUSE):
        inform(turn, incident, "change_decided", ["assignee"])
