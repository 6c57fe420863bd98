"""Escalations are acknowledged by a person; one that nobody acknowledges is repeated, then goes up (R92, R95)."""

from collections.abc import Sequence

from agent.turn import Turn
from correlation.incident import Incident
from correlation.permission import Actor
from escalation.roles import MANAGEMENT
from escalation.store import Step
from escalation.timetable import PlannedStep, TimetableStep, hierarchical

_UNHEARD = frozenset({"unacknowledged", "raised_unacknowledged"})
_WORKERS = frozenset({"desk", "l1", "l2", "vendor", "pm"})


def await_acknowledgement(turn: Turn, incident: Incident, taken: Sequence[tuple[Step, str]]) -> None:
    """Management was told by the resolution clock: unless one of them takes note, they are told again, then others.

    `taken` are the steps taken at this moment with their outcomes, the highest first: that one is waited for. One
    that repeats at a pace of its own does so already.
    """
    step = next((s for s, outcome in taken if _tells_management(s) and outcome in ("paged", "fallback")), None)
    if step is None:
        return
    definition, rules = step.planned.step, turn.ladder.terms.rules(incident)
    if any(s.planned.step.id == definition.id and s.planned.repetition == 0 for s, _ in taken):
        _supersede(turn, incident, step)
    if definition.repeat is not None or not rules.ack_required:
        return
    repetition = step.planned.repetition + 1
    raises = repetition % (rules.unacked_raise_after + 1) == 0
    told = [role for role in definition.tell if role in MANAGEMENT]
    tell = _next_level(turn, incident, told) if raises else told
    if not tell:
        return
    again = definition.model_copy(update={"tell": tell, "do": []})
    due_at = turn.ladder.terms.calendar(incident).add(turn.now, rules.unacked_repeat)
    planned = PlannedStep(step.planned.severity, again, due_at, repetition, step.planned.relapse)
    turn.ladder.add(incident, planned, turn.group, {"code": "raised_unacknowledged" if raises else "unacknowledged"})


def _tells_management(step: Step) -> bool:
    return step.planned.step.clock == "resolution" and hierarchical(step.planned.step)


def _next_level(turn: Turn, incident: Incident, told: Sequence[str]) -> list[str]:
    """The lowest role above those told that somebody holds; none where nobody is higher."""
    highest = max(MANAGEMENT.index(role) for role in told)
    for role in MANAGEMENT[highest + 1 :]:
        if not turn.desk.directory.reach([role], incident.group, turn.now).by_fallback:
            return [role]
    return []


def _supersede(turn: Turn, incident: Incident, step: Step) -> None:
    """A further step of the timetable takes the place of what waits for an acknowledgement of those before it."""
    waiting = [s for s in turn.agenda.of(incident.id) if s.why.get("code") in _UNHEARD and s.id != step.id]
    for closed in turn.agenda.close(waiting, "superseded", turn.now, {"code": "superseded", "by_step": step.key}):
        turn.group.steps[closed.id] = closed


def take_note(turn: Turn, incident: Incident, actor: Actor) -> bool:
    """Whoever was told by a management step takes note of it: its repeats end. Returns whether any did."""
    told = turn.outbox.paged(incident.id) - turn.outbox.sought(incident.id)
    stands_in = actor.id in told and not actor.rights & _WORKERS
    if not stands_in and not actor.roles & set(MANAGEMENT):
        return False
    ended = [s for s in turn.agenda.of(incident.id) if _is_ended_by(s, actor, stands_in=stands_in)]
    for closed in turn.agenda.close(ended, "cancelled", turn.now, {"code": "noted", "by": actor.id}):
        turn.group.steps[closed.id] = closed
    return bool(ended)


def _is_ended_by(step: Step, actor: Actor, *, stands_in: bool) -> bool:
    if not step.planned.repetition or step.planned.step.clock != "resolution":
        return False
    return stands_in or step.why.get("code") in _UNHEARD or bool(actor.roles & set(step.planned.step.tell))


def is_management_ack(turn: Turn, actor: Actor, incident: Incident) -> bool:
    """A manager who was paged takes note; the incident stays with whoever works on it.

    Whoever stands in for a responder is no manager: they were asked to take it.
    """
    told = turn.outbox.paged(incident.id) - turn.outbox.sought(incident.id)
    return not actor.rights & _WORKERS and actor.id in told


def acknowledge_step(turn: Turn, actor: Actor, incident: Incident) -> Incident:
    """Take note of the escalation, on the record; the state and the assignee stay as they are."""
    told = incident.targets.get("noted_by", [])
    if not take_note(turn, incident, actor) and actor.id in told:
        return incident
    incident.targets = {**incident.targets, "noted_by": list(dict.fromkeys([*told, actor.id]))}
    turn.ladder.refresh(incident, turn.group)
    turn.touch(incident)
    turn.tell(incident.id, "escalation_acknowledged", actor.id, {})
    return incident


def one_level_up(turn: Turn, incident: Incident) -> list[str]:
    """Whom a request for escalation tells: the roles of the next management step that was neither taken nor asked for.

    Where there is none, those of the last one; pm where the timetable has none.
    """
    rows = [s for s in turn.ladder.terms.timetable(incident) if s.clock == "resolution" and hierarchical(s)]
    passed = {*incident.targets.get("taken", ()), *incident.targets.get("requested", ())}
    above = next((s for s in rows if _row(incident, s) not in passed), None)
    if above is not None:
        asked = [*incident.targets.get("requested", ()), _row(incident, above)]
        incident.targets = {**incident.targets, "requested": asked}
    row = above or (rows[-1] if rows else None)
    return list(row.tell) if row is not None else ["pm"]


def _row(incident: Incident, step: TimetableStep) -> str:
    return f"{incident.severity}/{step.id}"
