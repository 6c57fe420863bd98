"""The plan of an incident: each step with its due instant and its days, what was promised, and the clocks beside."""

from datetime import timedelta
from typing import TYPE_CHECKING

from agent.http import views
from agent.http.render.stored import history_of, json_of, rests_of
from correlation.calendar import calendar_named
from correlation.tables import IncidentRow
from correlation.vendor import calls_of
from escalation.ola import STAYS
from escalation.sla import Pause, explain, fold, stopped_at
from escalation.store import StepRow
from escalation.timetable import TimetableStep

if TYPE_CHECKING:
    from agent.http.render.reader import Reader


def plan_step(reader: "Reader", row: StepRow, incident: IncidentRow) -> views.PlanStep:
    """A step, taken or to come: when it falls due by which calendar, whom it tells, and why."""
    definition = TimetableStep.model_validate_json(row.definition)
    why = json_of(row.why)
    facts = {k: v for k, v in why.items() if k != "code"}
    return views.PlanStep(
        step=row.key,
        clock=definition.clock,
        due_at=row.due_at,
        tell=list(definition.tell),
        targets=list(why.get("told", ())) if row.outcome else reader.targets(row, incident),
        outcome=row.outcome or None,
        at=row.at,
        late_ms=row.late_ms,
        why=reader.why({"code": why.get("code", row.outcome), "facts": facts}) if row.outcome else None,
        calendar=_calendar_name(definition, incident),
        days=_days(reader, definition, row, incident),
    )


def plan_of(reader: "Reader", row: IncidentRow, steps: list[views.PlanStep]) -> views.Plan:
    """The steps, with what was promised and the clocks that run beside ours."""
    targets = json_of(row.targets)
    held = {name: targets[name] for name in ("severity", "response_s", "resolve_s", "calendar")}
    promised = views.Promised(**held, service=row.service, contracts=targets.get("contracts", []))
    olas = [views.OlaClock(**stay) for stay in targets.get(STAYS, ())]
    return views.Plan(items=steps, held=reader.held(row), promised=promised, olas=olas, vendors=vendor_clocks(row))


def vendor_clocks(row: IncidentRow) -> list[views.VendorClock]:
    """The vendors called; a clock stops where the incident does, and not while it waits."""
    stopped = stopped_at(history_of(row), rests_of(row))
    return [
        views.VendorClock(
            **{name: called[name] for name in ("vendor", "ticket", "by", "calendar")},
            called_at=called["at"],
            response_due_at=called["response_due_at"],
            resolve_due_at=called["resolve_due_at"],
            stopped_at=stopped,
        )
        for called in calls_of(json_of(row.targets))
    ]


def _calendar_name(step: TimetableStep, incident: IncidentRow) -> str:
    """Created steps count real time, the others the time of the calendar that the incident was promised."""
    return "24x7" if step.clock == "created" else str(json_of(incident.targets).get("calendar", "24x7"))


def _days(reader: "Reader", step: TimetableStep, row: StepRow, incident: IncidentRow) -> list[views.PlanDay]:
    """Which day of the calendar gave how many minutes, from the report to the due instant."""
    if row.due_at is None or row.repetition or row.relapse:
        return []
    calendar = calendar_named(_calendar_name(step, incident), reader.config.calendars)
    known = getattr(calendar, "known_until", None)
    pauses = _pauses(reader, incident) if step.clock == "resolution" else ()
    return [
        views.PlanDay(
            day=given.day.isoformat(),
            minutes=round(given.counted / timedelta(minutes=1), 3),
            from_at=given.windows[0][0],
            until=given.windows[-1][1],
            official=known is None or given.day <= known,
        )
        for given in explain(incident.opened_at, row.due_at, calendar, pauses)
    ]


def _pauses(reader: "Reader", incident: IncidentRow) -> tuple[Pause, ...]:
    return fold(history_of(incident), reader.config.sla.pause_in, rests_of(incident))
