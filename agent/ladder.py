"""Keeps each incident's ladder of steps in line with what has happened to it; every change is a row of the group.

The ladder of an incident is its pending steps: those of its timetable, and calls that an act asked for beside it. It is
climbed anew after a relapse, a growth, a reopening and a change of severity. Each climb has a number, so that the same
step of two climbs is two rows. A step that has its record is marked as taken, and not planned a second time in the same
climb; one of the resolution clock not in any, for that clock never starts anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from agent.configuration.config import Config
from agent.group import Group
from agent.terms import Terms
from collectors.remembering import remembers
from correlation.calendar import ALWAYS
from correlation.incident import Incident, Why
from escalation.agenda import Agenda
from escalation.roles import ASSIGNEE
from escalation.sla import comes_at, due
from escalation.store import Step
from escalation.timetable import (
    Mark,
    PlannedStep,
    TimetableStep,
    next_repetition,
    seeks_responder,
)

UNCLASSIFIED = "unclassified"
"""The step that tells what has waited too long to be classified; it is of no timetable."""
_NO_WHY: Mapping[str, Any] = MappingProxyType({})
HALTED = "halted"
"""In an incident's targets: the state of `stop_in` in which its timetable stands still."""


@remembers("steps_by_themselves", 1024)
def _by_itself(step: str, after: timedelta, tell: tuple[str, ...]) -> TimetableStep:
    """A step of no timetable, counted from the report."""
    return TimetableStep.model_validate({"id": step, "clock": "created", "at": Mark(None, after), "tell": list(tell)})


class Ladder:
    """Plans, moves and ends the steps of incidents.

    Its methods are named after what has happened to an incident. Each leaves the due instants of its record right
    (`refresh`); but for `call`, `add`, `catch_up` and `taken`, whose caller refreshes once at the end.
    """

    def __init__(self, agenda: Agenda, config: Config) -> None:
        self.agenda = agenda
        self.terms = Terms(config)

    # planning

    def begin(self, incident: Incident, group: Group) -> None:
        """An incident is new: its targets are fixed on it, its steps planned (procedure R105, R93)."""
        self.terms.snapshot(incident)
        self._climb(incident)
        for planned in self.terms.plan(incident):
            self.add(incident, planned, group)
        self.refresh(incident, group)

    def regrade(self, incident: Incident, group: Group) -> None:
        """The severity or the timetable has changed: plan anew from the report time (R96).

        What is overdue fires at once; what has its record on this timetable is not taken a second time. Where
        somebody has it already, nobody is looked for; a raise is told to those who are told of a new incident.
        What an act asked for beside the timetable (a handover, say) and waits to be told is told all the same.
        """
        raised = incident.severity < incident.targets.get("severity", 0)
        self.terms.snapshot(incident)
        stay = {UNCLASSIFIED, *incident.targets.get("calls", ())}
        why = {"code": "regraded"}
        self._close(incident, lambda s: s.planned.step.id not in stay, "superseded", group, incident.updated_at, why)
        self._plan_untaken(incident, group, {"code": "severity_raised"} if raised else None)
        self.refresh(incident, group)

    def _plan_untaken(self, incident: Incident, group: Group, told_for: Mapping[str, Any] | None = None) -> None:
        """Plan what has no record yet; of what looks for a responder nothing where there is one.

        `told_for` is why those who are told of a new incident are told again; None: they are not.
        """
        if HALTED in incident.targets or not incident.active:
            return
        climb, has_responder = self._climb(incident), incident.acknowledged_at is not None
        for planned in self.terms.plan_from_relapse(incident):
            again = told_for if planned.step.clock == "created" else None
            if planned.step.clock == "resolution" or again is not None or not has_responder:
                self._add_untaken(incident, planned, climb, incident.updated_at, group, again or _NO_WHY)

    def relapse(self, incident: Incident, now: datetime, group: Group) -> None:
        """It fires again after it was resolved.

        Who holds it is paged at once and must acknowledge again; unacknowledged after the response target, the
        ladder starts anew. Where nobody holds it, the ladder starts anew at once. The resolution steps that were
        not taken before are planned again.
        """
        if incident.assignee:
            self.call(incident, "relapse", ["assignee"], now, group, relapse=incident.relapse)
        climb = self._ask_anew(incident, now, group)
        self._resume_resolution(incident, climb, now, group)
        self.refresh(incident, group)

    def grew(self, incident: Incident, why: Why, now: datetime, group: Group) -> None:
        """It has grown while somebody held it: they are paged at once, snoozed or not, and must acknowledge again.

        Unacknowledged after the response target, the ladder starts anew; where nobody holds it, at once.
        """
        told_for = {**why.facts, "code": why.code}
        incident.grew_at, incident.held_until = now, None
        if incident.assignee:
            self.call(incident, "grew", ["assignee"], now, group, why=told_for)
        self._ask_anew(incident, now, group, told_for)
        self.refresh(incident, group)

    def _ask_anew(self, incident: Incident, now: datetime, group: Group, why: Mapping[str, Any] = _NO_WHY) -> int:
        """Have it wait for another acknowledgement from now on, and plan the steps that seek one.

        Returns the number of this climb.
        """
        incident.acknowledged_at = None
        asked_before = f"@{incident.relapse}"
        taken = [mark for mark in incident.targets.get("taken", ()) if not mark.endswith(asked_before)]
        incident.targets = {**incident.targets, "taken": taken}
        climb = self._climb(incident)
        if HALTED not in incident.targets:
            for planned in self.terms.plan_again(incident, self.terms.again_from(incident, now)):
                self.add(incident, replace(planned, relapse=climb), group, why)
        return climb

    def reopen(self, incident: Incident, now: datetime, group: Group) -> None:
        """A person refused the resolution: whoever has it is told, and the clocks run again (R75).

        The resolution steps not yet taken are planned again; where nobody ever had it, the response steps too.
        """
        climb = self._climb(incident)
        self.call(incident, "reopened", ["assignee"], now, group)
        if incident.acknowledged_at is None:
            for planned in self.terms.plan_again(incident, now):
                if planned.step.clock == "response":
                    self.add(incident, replace(planned, relapse=climb), group)
        self._resume_resolution(incident, climb, now, group)
        self.refresh(incident, group)

    def answer_again(self, incident: Incident, now: datetime, group: Group) -> None:
        """Nobody has answered any more: the response steps that were not taken fall due as if nobody ever had."""
        if incident.acknowledged_at is not None:
            return
        pending = {_base(s.planned) for s in self.agenda.of(incident.id)}
        planned_now = self.terms.plan_from_relapse(incident)
        fresh = [p for p in planned_now if p.step.clock == "response" and _base(p) not in pending]
        if fresh:
            climb = self._climb(incident)
            for planned in fresh:
                self._add_untaken(incident, planned, climb, now, group)
            self.refresh(incident, group)

    def _resume_resolution(self, incident: Incident, climb: int, now: datetime, group: Group) -> None:
        """Plan the resolution steps that have no record yet, and go on repeating those that repeat."""
        pending = {_base(s.planned) for s in self.agenda.of(incident.id)}
        for planned in self.terms.plan(incident):
            if planned.step.clock == "resolution" and _base(planned) not in pending:
                self._add_untaken(incident, planned, climb, now, group)

    def _climb(self, incident: Incident) -> int:
        """The number under which this timetable is climbed now: the relapse, or the next one never used.

        A step is named by its severity, itself and this number, so no two steps of an incident have one name.
        """
        climbs: dict[str, int] = incident.targets.get("climbs", {})
        climb = max(incident.relapse, climbs.get(str(incident.severity), 0))
        incident.targets = {**incident.targets, "climbs": {**climbs, str(incident.severity): climb + 1}}
        return climb

    def _add_untaken(
        self,
        incident: Incident,
        planned: PlannedStep,
        climb: int,
        now: datetime,
        group: Group,
        why: Mapping[str, Any] = _NO_WHY,
    ) -> None:
        """Plan a step that has no record on this timetable yet; of one that repeats, its next repetition."""
        anew: PlannedStep | None = replace(planned, relapse=climb)
        if _mark(planned, incident) in incident.targets.get("taken", ()):
            anew = next_repetition(replace(planned, relapse=climb), planned.due_at or now, self.terms.workdays(), now)
        if anew is not None:
            self.add(incident, anew, group, why)

    def call(
        self,
        incident: Incident,
        step: str,
        tell: list[str],
        now: datetime,
        group: Group,
        *,
        relapse: int = 0,
        why: Mapping[str, Any] = _NO_WHY,
    ) -> None:
        """One step outside the timetable, due now: a relapse, an assignment, a manual escalation."""
        definition = _by_itself(step, timedelta(), tuple(tell))
        count = sum(1 for key in incident.targets.get("calls", ()) if key == step)
        incident.targets = {**incident.targets, "calls": [*incident.targets.get("calls", ()), step]}
        self.add(incident, PlannedStep(incident.severity, definition, now, count, relapse), group, why)

    def still_to_come(self, incident: Incident, step: str, now: datetime) -> Step | None:
        """The pending step of this id that is not due yet; None where there is none."""
        return next(
            (
                s
                for s in self.agenda.of(incident.id)
                if s.planned.step.id == step and not s.planned.repetition and (s.due_at is None or s.due_at > now)
            ),
            None,
        )

    def await_classification(
        self, incident: Incident, after: timedelta, tell: list[str], now: datetime, group: Group
    ) -> None:
        """Have these roles told if it still waits to be classified by then; once, whatever its severity becomes."""
        definition = _by_itself(UNCLASSIFIED, after, tuple(tell))
        self.add(incident, PlannedStep(incident.severity, definition, now + after), group)
        self.refresh(incident, group)

    def classified(self, incident: Incident, now: datetime, group: Group) -> None:
        """It waits for that no more."""
        if any(map(_waits, self.agenda.of(incident.id))):
            self._close(incident, _waits, "cancelled", group, now, {"code": "classified"})
            self.refresh(incident, group)

    # what acts do to it

    def acknowledged(self, incident: Incident, now: datetime, group: Group, by: str) -> None:
        """Somebody has it: the response ladder ends, the resolution ladder goes on."""
        why = {"code": "acknowledged", "by": by}
        self._close(incident, _seeks, "cancelled", group, now, why)
        self.refresh(incident, group)

    def stopped(self, incident: Incident, now: datetime, group: Group, code: str) -> None:
        """Resolved, cancelled, out of scope: nothing more is due."""
        incident.targets = {k: v for k, v in incident.targets.items() if k != HALTED}
        self._close(incident, lambda s: True, "cancelled", group, now, {"code": code})
        self.refresh(incident, group)

    def clocks_moved(self, incident: Incident, group: Group) -> None:
        """A pause began or ended: resolution steps move with their clock (null while paused).

        What had fallen due before it keeps its instant. In a state of `stop_in` nothing is left to move.
        """
        self._halt(incident, group)
        planned = {_base(p): p for p in self.terms.plan(incident)}
        pauses = self.terms.pauses(incident)
        for step in self.agenda.of(incident.id):
            if step.planned.step.clock != "resolution" or _was_brought_forward(step):
                continue
            found = planned.get(_base(step.planned))
            if step.planned.repetition or found is None:
                was = step.planned.due_at or incident.updated_at
                due_at = comes_at(was, pauses)
                step.planned = replace(step.planned, due_at=due_at or was)
            else:
                due_at = found.due_at
            if due_at != step.due_at:
                self.agenda.move(step, due_at)
                group.steps[step.id] = step
        self.refresh(incident, group)

    def _halt(self, incident: Incident, group: Group) -> None:
        """Nothing of the timetable is pending in a state of `stop_in`; out of it, what was not taken is planned."""
        state, halted = incident.state, HALTED in incident.targets
        if incident.active and state in self.terms.rules(incident).stop_in and not halted:
            incident.targets = {**incident.targets, HALTED: str(state)}
            its_own = {step.id for step in self.terms.timetable(incident)}
            why = {"code": "stops_in", "state": str(state)}
            self._close(incident, lambda s: s.planned.step.id in its_own, "cancelled", group, incident.updated_at, why)
        elif halted and state not in self.terms.rules(incident).stop_in:
            incident.targets = {k: v for k, v in incident.targets.items() if k != HALTED}
            self._plan_untaken(incident, group)

    def clock_adopted(self, incident: Incident, group: Group) -> None:
        """The wall clock was put right and every due instant moved along: steps in business time are counted anew."""
        if self.terms.calendar(incident) is not ALWAYS:
            planned = {_base(p): p.due_at for p in self.terms.plan_from_relapse(incident)}
            for step in self.agenda.of(incident.id):
                due_at = planned.get(_base(step.planned))
                as_planned = step.due_at == step.planned.due_at and not _was_brought_forward(step)
                if due_at is not None and as_planned and not step.planned.repetition:
                    self._move(step, due_at, group)
        self.refresh(incident, group)

    def due_by_step(self, incident: Incident) -> dict[str, datetime | None]:
        """By step of the timetable (`2/p75`), when it falls due as its calendar is now; None while its clock stands."""
        return {_base(planned): planned.due_at for planned in self.terms.plan_from_relapse(incident)}

    def calendar_changed(self, incident: Incident, was: Mapping[str, datetime | None], group: Group) -> bool:
        """Its calendar was changed: steps that fell due by the old one fall due by the new one.

        `was` is `due_by_step` before the change: a step that fell due at another instant had its own reason for it, and
        stays. Returns whether any step has moved.
        """
        now, moved = self.due_by_step(incident), False
        for step in self.agenda.of(incident.id):
            base, due_at = _base(step.planned), now.get(_base(step.planned))
            as_counted = step.due_at is not None and step.due_at == was.get(base) and not step.planned.repetition
            if as_counted and due_at is not None and due_at != step.due_at:
                self._move(step, due_at, group)
                moved = True
        self.refresh(incident, group)
        return moved

    def _move(self, step: Step, due_at: datetime, group: Group) -> None:
        step.planned = replace(step.planned, due_at=due_at)
        self.agenda.move(step, due_at)
        group.steps[step.id] = step

    def catch_up(self, step: Step, incident: Incident, now: datetime, group: Group) -> bool:
        """After an outage: plan the newest repetition of a due step that has itself come due; return whether one has.

        The repetitions between them are passed over: nobody is told the same several times at once.
        """
        again = next_repetition(step.planned, step.due_at or now, self.terms.workdays(), now)
        if again is None or again.due_at is None or again.due_at > now:
            return False
        self.add(incident, again, group)
        return True

    def taken(
        self,
        step: Step,
        outcome: str,
        now: datetime,
        why: dict[str, Any],
        incident: Incident,
        group: Group,
        *,
        repeats: bool = True,
    ) -> None:
        """A due step gets its one record; one that repeats is planned again, unless its repetition is there already."""
        late = now - (step.due_at or now)
        step.late_ms = round(late / timedelta(milliseconds=1))
        self.agenda.close([step], outcome, now, {**why, "code": outcome})
        group.steps[step.id] = step
        mark, taken = _mark(step.planned, incident), incident.targets.get("taken", ())
        if mark not in taken:
            incident.targets = {**incident.targets, "taken": [*taken, mark]}
        again = next_repetition(step.planned, step.due_at or now, self.terms.workdays(), now) if repeats else None
        if again is not None:
            self.add(incident, again, group)

    def refresh(self, incident: Incident, group: Group) -> None:
        """Set the due instants that the record shows."""
        target, calendar = self.terms.target(incident), self.terms.calendar(incident)
        pauses = self.terms.pauses(incident)
        asked_at = self.terms.asked_anew_at(incident) or incident.opened_at
        incident.response_due_at = due(asked_at, target.response, calendar, ())
        incident.resolve_due_at = due(incident.opened_at, target.resolve, calendar, pauses)
        incident.next_due_at = self.agenda.due_of(incident.id)
        group.incidents[incident.id] = incident

    def comes_early_at(self, incident: Incident, now: datetime) -> datetime | None:
        """When silence will bring the step of an expected breach before its time; None where its time is first."""
        step = self.still_to_come(incident, self.terms.breach_policy(incident).fire, now) if incident.active else None
        moment = self.terms.silent_at(incident) if step is not None else None
        early = step is not None and moment is not None and (step.due_at is None or moment < step.due_at)
        return moment if early else None

    def add(self, incident: Incident, planned: PlannedStep, group: Group, why: Mapping[str, Any] = _NO_WHY) -> None:
        """One more pending step, with its row; `why` where the timetable alone would not bring it now."""
        due_at = planned.due_at
        if planned.repetition and planned.step.clock == "resolution" and due_at is not None:
            due_at = comes_at(due_at, self.terms.pauses(incident))
        step = Step(id=self.agenda.next_id(), incident=incident.id, planned=planned, due_at=due_at, why=dict(why))
        self.agenda.add(step)
        group.steps[step.id] = step

    def _close(
        self,
        incident: Incident,
        which: Callable[[Step], bool],
        outcome: str,
        group: Group,
        now: datetime,
        why: dict[str, Any],
    ) -> None:
        for step in self.agenda.close_where(incident.id, which, outcome, now, why):
            group.steps[step.id] = step


def _base(planned: PlannedStep) -> str:
    """What names a step on any climb: its severity and its id, `2/p75`."""
    return f"{planned.severity}/{planned.step.id}"


def _mark(planned: PlannedStep, incident: Incident) -> str:
    """What marks a step as taken: `2/p75`; on the clocks that start anew with each relapse, `2/r15@1`."""
    base = _base(planned)
    return base if planned.step.clock == "resolution" else f"{base}@{incident.relapse}"


def _was_brought_forward(step: Step) -> bool:
    """Whether a breach that is to be expected has brought it before its time (`agent/deciders/forecast.py`)."""
    return step.why.get("code") == "breach_expected"


def _waits(step: Step) -> bool:
    """Whether a step waits for somebody to classify its incident."""
    return step.planned.step.id == UNCLASSIFIED


def _seeks(step: Step) -> bool:
    """Whether a pending step looks for somebody who takes it."""
    definition = step.planned.step
    if definition.clock == "created":
        return ASSIGNEE in definition.tell or seeks_responder(definition)
    return definition.clock == "response"
