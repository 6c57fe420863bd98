"""Every table of the room, as rows of the store."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from correlation.rows import number_key


class AlertRow(SQLModel, table=True):
    """What a firing was when it came: written once. No index on the fingerprint."""

    __tablename__ = "alert"
    id: int = Field(sa_column=number_key())
    previous_id: int | None = Field(default=None, sa_type=BigInteger)
    """The firing of the same alert before this one: the way back through its history."""
    origin: str
    source: str
    fingerprint: str
    starts_at: datetime
    starts_text: str
    received_at: datetime
    labels: str = Field(sa_type=Text)
    annotations: str = Field(sa_type=Text)
    generator_url: str
    repairs: str
    latest_at: datetime | None = None
    """The start told last, where an earlier one was told after it."""


_LOOSE = "NOT open AND incident_id = 0"


class EpisodeRow(SQLModel, table=True):
    """The narrow row beside it: what changes."""

    __tablename__ = "episode"
    __table_args__ = (
        Index("ix_episode_open", "alert_id", sqlite_where=text("open"), postgresql_where=text("open")),
        Index("ix_episode_incident", "incident_id"),
        Index("ix_episode_closed", "closed_at", sqlite_where=text("NOT open"), postgresql_where=text("NOT open")),
        Index("ix_episode_loose", "closed_at", sqlite_where=text(_LOOSE), postgresql_where=text(_LOOSE)),
    )
    alert_id: int = Field(sa_column=number_key())
    incident_id: int = Field(sa_type=BigInteger)
    open: bool
    decision: str
    why: str = Field(sa_type=Text)
    rejected: str | None = Field(default=None, sa_type=Text)
    ends_at: datetime | None
    ends_text: str
    closed_at: datetime | None
    last_at: datetime
    expires_at: datetime | None
    level: str
    count: int
    placed_at: datetime | None = None
    """When it came into an incident; null: it never did, or before there was this column."""
    group_key: str | None = None
    parent: str | None = None
    """Origin and fingerprint of the alert that it came of, and how sure that is."""
    weight: float | None = None


class TouchRow(SQLModel, table=True):
    """How often a firing was told and when last, since it was told again: what changes most has the narrowest row.

    What `episode` says of both is of its first telling; where there is a row here, this one counts.
    """

    __tablename__ = "touch"
    alert_id: int = Field(sa_column=number_key())
    last_at: datetime
    count: int


class IncidentRow(SQLModel, table=True):
    """An incident: the columns are the fields of `Incident`; what is no scalar is JSON text."""

    __tablename__ = "incident"
    __table_args__ = (
        Index("ix_incident_number", "number", unique=True),
        Index("ix_incident_state", "state", "next_due_at"),
        Index("ix_incident_opened", "opened_at"),
        Index("ix_incident_updated", "updated_at"),
    )
    id: int = Field(sa_column=number_key())
    number: str
    title: str
    state: str
    version: int
    kind: str
    source: str
    channel: str
    severity: int
    urgency: int
    impact: int
    initial_severity: int
    final_severity: int | None
    category: str
    initial_category: str
    final_category: str | None
    group: str
    tier: str
    assignee: str | None
    service: str
    recorder: str
    reporter: str | None
    symptom: str = Field(sa_type=Text)
    occurred_at: datetime
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    service_restored_at: datetime | None
    resolved_at: datetime | None
    response_due_at: datetime | None
    resolve_due_at: datetime | None
    next_due_at: datetime | None
    resolves_at: datetime | None
    held_until: datetime | None
    resume_at: datetime | None
    relapse: int
    relapsed_at: datetime | None
    grew_at: datetime | None
    storm: str | None
    grown: str = Field(sa_type=Text)
    bounces: int
    open_alerts: int
    alert_count: int
    root: str | None = Field(sa_type=Text)
    known_errors: str = Field(sa_type=Text)
    to_rank: bool = False
    targets: str = Field(sa_type=Text)
    history: str = Field(sa_type=Text)
    rests: str = Field(sa_type=Text)
    resolution: str = Field(sa_type=Text)
    next_action: str = Field(sa_type=Text)
    next_action_eta: datetime | None
    preempted_by: str | None
    billable: bool
    heard_at: datetime | None
    merged_into: str | None
    recurrence_of: str | None
    config_version: int
    links: str = Field(sa_type=Text)
    commander: str | None
    major: str | None = Field(sa_type=Text)
    rules_confirmed: str = Field(sa_type=Text)
    feedback: str = Field(sa_type=Text)
    form: str = Field(sa_type=Text)
    digest_at: datetime | None
    storming: str | None = Field(sa_type=Text)
    together: str | None = Field(sa_type=Text)
    untold_since: datetime | None


class TimelineRow(SQLModel, table=True):
    """What happened, append-only. `facts` is JSON; a sentence is made when it is read.

    The last columns are its seal (correlation/timeline.py); triggers refuse every change but an erasure on the record.
    """

    __tablename__ = "timeline"
    __table_args__ = (Index("ix_timeline_incident", "incident_id", "id"),)
    id: int = Field(sa_column=number_key())
    incident_id: int = Field(sa_type=BigInteger)
    at: datetime
    kind: str
    actor: str
    facts: str = Field(sa_type=Text)
    salt: str
    digest: str
    link: str
    erased_by: int = Field(sa_type=BigInteger)


class ChainRow(SQLModel, table=True):
    """The head of a chain, and the last row before it that retention has let go of."""

    __tablename__ = "chain"
    name: str = Field(primary_key=True)
    last_id: int = Field(sa_type=BigInteger)
    last_link: str
    base_id: int = Field(sa_type=BigInteger)
    base_link: str


class SilenceRow(SQLModel, table=True):
    __tablename__ = "silence"
    id: str = Field(primary_key=True)
    matchers: str = Field(sa_type=Text)
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str = Field(sa_type=Text)
    created_at: datetime


class CounterRow(SQLModel, table=True):
    """The count of incidents of one day; a number is never given twice (procedure R40)."""

    __tablename__ = "counter"
    day: str = Field(primary_key=True)
    count: int


class BeatRow(SQLModel, table=True):
    """The heartbeat of a source."""

    __tablename__ = "beat"
    origin: str = Field(primary_key=True)
    last_at: datetime
    apart_s: float
    missed: bool
    gap_s: float


class ItemEditRow(SQLModel, table=True):
    """What a person wrote over a configuration item; `changes` is JSON, `until` its optional end (procedure R103)."""

    __tablename__ = "item_edit"
    id: int = Field(sa_column=number_key())
    item: str
    changes: str = Field(sa_type=Text)
    author: str
    reason: str = Field(sa_type=Text)
    at: datetime
    until: datetime | None


class LessonRow(SQLModel, table=True):
    """What people taught of two kinds of alert: the columns are the fields of `Lesson`; `said` is JSON."""

    __tablename__ = "lesson"
    what: str = Field(primary_key=True)
    one: str = Field(primary_key=True)
    other: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    said: str = Field(sa_type=Text)
    by: str
    at: datetime


class JournalRow(SQLModel, table=True):
    """Every intent in order: the evidence, and what a replay reads. `body` is compressed (zlib)."""

    __tablename__ = "journal"
    seq: int = Field(sa_column=number_key())
    at: datetime
    kind: str
    source: str
    body: bytes = Field(sa_type=LargeBinary)
