"""Keeps each incident's ladder of steps in line with what has happened to it; every change is a row of the group."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from agent.config import Config
from agent.group import Group
from correlation.calendar import ALWAYS, Calendar, calendar_named
from correlation.incident import Incident
from escalation.agenda import Agenda
from escalation.sla import Pause, SlaPolicy, Target, due, fold
from escalation.store import Step
from escalation.timetable import EscalationPolicy, PlannedStep, TimetableStep, next_repetition, plan


class Ladder:
    """Plans, moves and ends the steps of incidents."""

    def __init__(self, agenda: Agenda, config: Config) -> None:
        self.agenda = agenda
        self.config = config
        self.policies: dict[int, tuple[SlaPolicy, EscalationPolicy]] = {}

    # planning

    def begin(self, incident: Incident, group: Group) -> None:
        """An incident is new: its targets are snapshotted, its steps planned (procedure R105, R93)."""
        self._snapshot(incident)
        for planned in self._plan(incident):
            self._add(incident, planned, group)
        self.refresh(incident, group)

    def regrade(self, incident: Incident, group: Group) -> None:
        """The severity has changed: plan anew from the report time; what is overdue fires at once (R96)."""
        self._snapshot(incident)
        self._close(incident, lambda s: True, "superseded", group, incident.updated_at, {"code": "regraded"})
        for planned in self._plan(incident):
            if planned.step.clock == "response" and incident.acknowledged_at is not None:
                continue
            self._add(incident, planned, group)
        self.refresh(incident, group)

    def relapse(self, incident: Incident, now: datetime, group: Group) -> None:
        """It fires again after it was resolved.

        Who holds it is paged at once and must acknowledge again; unacknowledged after the response target, the
        ladder starts anew. Where nobody holds it, the ladder starts anew at once. The resolution steps that were
        not taken before are planned again.
        """
        incident.acknowledged_at = None
        target, calendar = self._target(incident), self._calendar(incident)
        start = now
        if incident.assignee:
            self.call(incident, "relapse", ["assignee"], now, group, relapse=incident.relapse)
            start = due(now, target.response, calendar, ()) or now
        incident.response_due_at = due(now, target.response, calendar, ())
        policy = self._policy(incident)
        pauses = self._pauses(incident)
        for planned in plan(policy, incident.severity, start, target, calendar, pauses, incident.relapse, start):
            if planned.step.clock != "resolution":
                self._add(incident, planned, group)
        self._resume_resolution(incident, now, group)
        self.refresh(incident, group)

    def reopen(self, incident: Incident, now: datetime, group: Group) -> None:
        """A person refused the resolution: the resolution clock runs again, with the steps not yet taken."""
        self._resume_resolution(incident, now, group)
        self.refresh(incident, group)

    def _resume_resolution(self, incident: Incident, now: datetime, group: Group) -> None:
        """Plan the resolution steps that have no record yet, and go on repeating those that repeat."""
        taken = incident.targets.get("taken", ())
        pending = {_base(s.planned) for s in self.agenda.of(incident.id)}
        again = incident.relapse + int(incident.resolution.get("reopened", 0))
        for planned in self._plan(incident):
            if planned.step.clock != "resolution" or _base(planned) in pending:
                continue
            if planned.key not in taken:
                self._add(incident, replace(planned, relapse=again), group)
            elif planned.step.repeat is not None:
                anew = replace(planned, relapse=again)
                repeated = next_repetition(anew, planned.due_at or now, self._workdays(), now)
                if repeated is not None:
                    self._add(incident, repeated, group)

    def call(
        self, incident: Incident, step: str, tell: list[str], now: datetime, group: Group, *, relapse: int = 0
    ) -> None:
        """One step outside the timetable, due now: a relapse, an assignment, a manual escalation."""
        definition = TimetableStep.model_validate({"id": step, "clock": "created", "at": 0, "tell": tell})
        count = sum(1 for key in incident.targets.get("calls", ()) if key == step)
        incident.targets = {**incident.targets, "calls": [*incident.targets.get("calls", ()), step]}
        self._add(incident, PlannedStep(incident.severity, definition, now, count, relapse), group)

    # what acts do to it

    def acknowledged(self, incident: Incident, now: datetime, group: Group, by: str) -> None:
        """Somebody has it: the response ladder ends, the resolution ladder goes on."""
        why = {"code": "acknowledged", "by": by}
        self._close(incident, lambda s: _seeks(s, incident.relapse), "cancelled", group, now, why)
        self.refresh(incident, group)

    def stopped(self, incident: Incident, now: datetime, group: Group, code: str) -> None:
        """Resolved, cancelled, out of scope: nothing more is due."""
        self._close(incident, lambda s: True, "cancelled", group, now, {"code": code})
        self.refresh(incident, group)

    def clocks_moved(self, incident: Incident, group: Group) -> None:
        """A pause began or ended: resolution steps move with their clock (OUTSIDE §5: null while paused)."""
        dues = {_base(p): p.due_at for p in self._plan(incident)}
        pauses = self._pauses(incident)
        standing = bool(pauses) and pauses[-1].to_at is None
        for step in self.agenda.of(incident.id):
            if step.planned.step.clock != "resolution":
                continue
            again = step.due_at or incident.updated_at
            due_at = None if standing else again if step.planned.repetition else dues.get(_base(step.planned), again)
            if due_at != step.due_at:
                self.agenda.move(step, due_at)
                group.steps[step.id] = step
        self.refresh(incident, group)

    def taken(
        self, step: Step, outcome: str, now: datetime, why: dict[str, Any], incident: Incident, group: Group
    ) -> None:
        """A due step gets its one record; a repeated one is planned again."""
        late = now - (step.due_at or now)
        step.late_ms = round(late / timedelta(milliseconds=1))
        self.agenda.close([step], outcome, now, {**why, "code": outcome})
        group.steps[step.id] = step
        incident.targets = {**incident.targets, "taken": [*incident.targets.get("taken", ()), _base(step.planned)]}
        again = next_repetition(step.planned, step.due_at or now, self._workdays(), now)
        if again is not None:
            self._add(incident, again, group)

    def refresh(self, incident: Incident, group: Group) -> None:
        """Set the due instants that the record shows."""
        target, calendar = self._target(incident), self._calendar(incident)
        pauses = self._pauses(incident)
        if incident.relapse == 0:
            incident.response_due_at = due(incident.opened_at, target.response, calendar, ())
        incident.resolve_due_at = due(incident.opened_at, target.resolve, calendar, pauses)
        incident.next_due_at = self.agenda.due_of(incident.id)
        group.incidents[incident.id] = incident

    # what it is planned by

    def _plan(self, incident: Incident) -> list[PlannedStep]:
        return plan(
            self._policy(incident),
            incident.severity,
            incident.opened_at,
            self._target(incident),
            self._calendar(incident),
            self._pauses(incident),
        )

    def _snapshot(self, incident: Incident) -> None:
        target = self._policies(incident)[0].default[incident.severity]
        incident.targets = {
            **incident.targets,
            "response_s": target.response.total_seconds(),
            "resolve_s": target.resolve.total_seconds(),
            "calendar": target.calendar,
        }

    def _target(self, incident: Incident) -> Target:
        held = incident.targets
        return Target(
            response=timedelta(seconds=held["response_s"]),
            resolve=timedelta(seconds=held["resolve_s"]),
            calendar=held["calendar"],
        )

    def _calendar(self, incident: Incident) -> Calendar:
        return calendar_named(incident.targets["calendar"], self.config.calendars)

    def _workdays(self) -> Calendar:
        """The calendar by which a step repeats each workday."""
        return self.config.calendars.get("business") or ALWAYS

    def _policy(self, incident: Incident) -> EscalationPolicy:
        return self._policies(incident)[1]

    def _policies(self, incident: Incident) -> tuple[SlaPolicy, EscalationPolicy]:
        """An open incident keeps the targets and the timetable it was opened with (OUTSIDE §2)."""
        return self.policies.get(incident.config_version, (self.config.sla, self.config.escalation))

    def _pauses(self, incident: Incident) -> tuple[Pause, ...]:
        return fold(incident.history, self.config.sla.pause_in)

    def _add(self, incident: Incident, planned: PlannedStep, group: Group) -> None:
        step = Step(id=self.agenda.next_id(), incident=incident.id, planned=planned, due_at=planned.due_at)
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
    """The key of a step without repetition and relapse: `2/p75`."""
    return f"{planned.severity}/{planned.step.id}"


def _seeks(step: Step, relapse: int) -> bool:
    """Whether a pending step looks for somebody who takes it: the response ladder, and its restart after a relapse."""
    clock = step.planned.step.clock
    return clock == "response" or (clock == "created" and relapse > 0 and step.planned.relapse == relapse)
