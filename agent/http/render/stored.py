"""What the columns of rows stand for: documents of JSON, moments, and the values that deciders take."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from agent.http.reads.alerts import AlertPair
from collectors.moment import ZERO_YEAR, moment_text, parse_moment
from correlation.incident import ACTIVE, State
from correlation.silence import Silence
from correlation.store import silence_from
from correlation.tables import IncidentRow, SilenceRow
from escalation.sla import Pause
from escalation.store import Step, StepRow
from escalation.timetable import PlannedStep, TimetableStep


def json_of(text: str | None) -> Any:
    """A column of JSON text."""
    return None if text is None else json.loads(text)


def silence_of(row: SilenceRow) -> Silence:
    """The silence of a row."""
    return silence_from(tuple(getattr(row, name) for name in SilenceRow.model_fields))


def starts_text(pair: AlertPair) -> str:
    """`startsAt` as it was received; where the sender gave none, the moment that was taken for it."""
    alert = pair[0]
    return alert.starts_text or moment_text(alert.starts_at) or ""


def ends_text(pair: AlertPair) -> str:
    """`endsAt` as it was received; Alertmanager's year 1 while it fires, our own moment where no end was told."""
    episode = pair[1]
    if episode.open:
        return ZERO_YEAR
    return episode.ends_text or moment_text(episode.ends_at) or ZERO_YEAR


def history_of(row: IncidentRow) -> list[tuple[datetime, str]]:
    """When an incident entered which state, oldest first."""
    history = [(parse_moment(at), state) for at, state in json_of(row.history)]
    return [(at, state) for at, state in history if at is not None]


def restored_since(row: IncidentRow) -> datetime | None:
    """Since when nothing of it fires though it is still open; as Incident.restored_since."""
    waits = State(row.state) in ACTIVE and not row.open_alerts and row.resolves_at is not None
    return row.service_restored_at if waits else None


class Firing(NamedTuple):
    """Whether alerts of an incident fire: `since` when, or since when none of them does any more (`cleared`)."""

    since: datetime | None = None
    cleared: datetime | None = None


def firing_of(row: IncidentRow) -> Firing:
    """What is known of it while an incident is open; of one that no alert is part of, and of what is over, nothing."""
    if State(row.state) not in ACTIVE or not row.alert_count:
        return Firing()
    if row.open_alerts:
        return Firing(since=max(row.occurred_at, row.relapsed_at or row.occurred_at))
    return Firing(cleared=row.service_restored_at)


def rests_of(row: IncidentRow) -> list[Pause]:
    """The spans in which nothing of an incident fired; one that goes on has no end."""
    moments = [(parse_moment(since), parse_moment(until)) for since, until in json_of(row.rests)]
    rests = [Pause(since, until) for since, until in moments if since is not None]
    since = restored_since(row)
    return [*rests, Pause(since, None)] if since is not None else rests


def decision_of(stored: str) -> str:
    """What was decided about a firing, as it is shown: a heartbeat is suppressed for being one."""
    return "suppressed" if stored == "heartbeat" else stored


def step_of(row: StepRow) -> Step:
    """The pending step of a row."""
    definition = TimetableStep.model_validate_json(row.definition)
    planned = PlannedStep(row.severity, definition, row.due_at, row.repetition, row.relapse)
    return Step(id=row.id, incident=row.incident_id, planned=planned, due_at=row.due_at)
