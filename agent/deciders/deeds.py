"""What a step of the timetable does besides telling people: each deed once, and on the record of its step (4.3)."""

from collections.abc import Callable, Mapping

from agent.deciders.links import inform, inform_desk
from agent.deciders.majors import declare_by_timetable
from agent.deciders.problems import open_problem, propose_problem
from agent.turn import AGENT, Turn
from collectors.moment import moment_text
from correlation.incident import FROM, ITEM, PROBLEM, Action, Incident, State
from correlation.vendor import calls_of
from escalation.roles import ASSIGNEE
from escalation.store import Step
from escalation.timetable import HANDOVER
from knowledge.brief import drafted
from knowledge.problem import Origin

DONE, BEFORE = "done", "done_before"
_SECOND_LINE = frozenset({"l2", "l2_lead"})


def do(turn: Turn, incident: Incident, step: Step) -> dict[str, str]:
    """Do what a step says, and return what came of each deed: `done`, `done_before`, or why it is not possible.

    A repetition does nothing a second time.
    """
    if step.planned.repetition:
        return {}
    return {deed: _DEEDS[deed](turn, incident, step) for deed in step.planned.step.do if deed in _DEEDS}


def _hand_over(turn: Turn, incident: Incident, step: Step) -> str:
    """The agent hands over as the desk would: to the second line, which has to take it (procedure R13, 2.12)."""
    held_by = turn.config.people.get(incident.assignee or "")
    if incident.tier in ("l2", "vendor") or (held_by is not None and _SECOND_LINE & set(held_by.roles)):
        return BEFORE
    if incident.state not in FROM[Action.HANDOVER]:
        return f"not_while_{incident.state}"
    was, incident.tier, incident.assignee = incident.assignee, "l2", None
    incident.move(State.ASSIGNED, turn.now)
    incident.version += 1
    turn.tell(incident.id, "handed_over", AGENT, {"to": "l2", "reason": step.key, "was": was or ""})
    inform_desk(turn, incident, {"handed_to": "l2"})
    if not {"l2", "l2_lead"} & set(step.planned.step.tell):
        turn.ladder.call(incident, "handover", ["l2"], turn.now, turn.group)
    return DONE


def _propose_vendor(turn: Turn, incident: Incident, step: Step) -> str:
    """The agent calls nobody: whoever works on it and the desk are told whom they might call (procedure R64, 2.12)."""
    if calls_of(incident.targets) or "vendor_proposed" in incident.targets:
        return BEFORE
    vendors = vendors_of(turn, incident)
    incident.targets = {**incident.targets, "vendor_proposed": moment_text(turn.now)}
    turn.tell(incident.id, "vendor_proposed", AGENT, {"vendors": vendors})
    inform(turn, incident, "vendor_proposed", [ASSIGNEE, "desk"])
    return DONE


def vendors_of(turn: Turn, incident: Incident) -> list[str]:
    """Who might be called: the vendors of its configuration items, then those of its group."""
    items = (turn.desk.register.items.get(item) for item in incident.linked(ITEM))
    of_items = [item.vendor for item in items if item is not None and item.vendor]
    group = turn.config.groups.get(incident.group)
    return list(dict.fromkeys([*of_items, *(group.vendors if group is not None else ())]))


def _declare_major(turn: Turn, incident: Incident, step: Step) -> str:
    return DONE if declare_by_timetable(turn, incident, step.key) else BEFORE


def _draft_brief(turn: Turn, incident: Incident, step: Step) -> str:
    """The brief is drafted from the record; what nobody knows yet is listed, for people to find out (S5.1)."""
    if not incident.major:
        return "no_major_incident"
    if "drafted_at" in incident.major:
        return BEFORE
    items = (turn.desk.register.items.get(item) for item in incident.linked(ITEM))
    places = [item.location for item in items if item is not None and item.location]
    missing = [field.name for field in drafted(incident, places) if not field.known]
    incident.major = {**incident.major, "drafted_at": moment_text(turn.now)}
    turn.tell(incident.id, "brief_drafted", AGENT, {"missing": missing})
    return DONE


def _open_problem(turn: Turn, incident: Incident, step: Step) -> str:
    return DONE if open_problem(turn, incident, Origin.UNSOLVED, {}) else BEFORE


def _propose_problem(turn: Turn, incident: Incident, step: Step) -> str:
    if incident.linked(PROBLEM):
        return BEFORE
    propose_problem(turn, incident, Origin.UNSOLVED, {})
    return DONE


_DEEDS: Mapping[str, Callable[[Turn, Incident, Step], str]] = {
    HANDOVER: _hand_over,
    "propose_vendor": _propose_vendor,
    "major_incident": _declare_major,
    "brief_draft": _draft_brief,
    "open_problem": _open_problem,
    "propose_problem": _propose_problem,
}
