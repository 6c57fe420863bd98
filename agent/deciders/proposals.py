"""What the agent proposes of a new incident and a person decides: that it is a change, or out of scope (R6, R48)."""

from collections.abc import Mapping
from typing import Any

from agent.contracts import COVERED, scope_of
from agent.deciders.changes import raise_standard
from agent.turn import AGENT, Turn
from correlation.form import IS_CHANGE, SCOPE
from correlation.incident import CHANGE, ITEM, Incident, Why


def propose(turn: Turn, incident: Incident) -> None:
    """Judge an incident anew where something has changed that it is judged by."""
    if incident.active:
        judge_scope(turn, incident)
        propose_change(turn, incident)


def judge_scope(turn: Turn, incident: Incident) -> None:
    """Keep the verdict of the contracts (procedure R48); what is out of scope is proposed to the desk.

    The agent refuses nothing: the ladder goes on until a person has decided. What sales took up is in scope.
    """
    if not turn.config.contracts or incident.billable:
        return
    judged_by = [incident.service, incident.form.get("customer") or "", *sorted(incident.linked(ITEM))]
    held: Mapping[str, Any] = incident.form.get(SCOPE) or {}
    if held.get("by") == judged_by:
        return
    verdict = scope_of(incident, turn.config)
    if verdict is None:
        incident.form = {name: value for name, value in incident.form.items() if name != SCOPE}
        return
    said = {"code": verdict.code, "facts": verdict.facts}
    incident.form = {**incident.form, SCOPE: {"by": judged_by, **said}}
    turn.group.incidents[incident.id] = incident
    if verdict.code != COVERED and (held.get("code"), held.get("facts")) != (verdict.code, verdict.facts):
        turn.tell(incident.id, "out_of_scope_proposed", AGENT, {"why": said})
        _ask(turn, incident, "out_of_scope_proposed")


def propose_change(turn: Turn, incident: Incident) -> None:
    """What is really a change is proposed as one, once (procedure R6).

    Nothing is raised without a person, but a standard change of the pack, which says what is done and how it is undone.
    """
    policy = turn.config.classification.changes
    if incident.kind == "change_request":
        why = Why("kind_is_change", {"kind": incident.kind})
    elif incident.category in policy.categories or incident.category in policy.standard:
        why = Why("category_is_change", {"category": incident.category})
    else:
        return
    if IS_CHANGE in incident.form or incident.linked(CHANGE):
        return
    said = {"code": why.code, "facts": why.facts}
    incident.form = {**incident.form, IS_CHANGE: said}
    standard = policy.standard.get(incident.category)
    if standard is None:
        turn.tell(incident.id, "change_proposed", AGENT, {"why": said})
        _ask(turn, incident, "change_proposed")
        return
    turn.group.incidents[incident.id] = incident
    raise_standard(turn, incident, standard)


def _ask(turn: Turn, incident: Incident, step: str) -> None:
    """The desk is told, by one page with whatever else it is told of the incident now."""
    turn.ladder.call(incident, step, ["desk"], turn.now, turn.group)
    turn.ladder.refresh(incident, turn.group)
