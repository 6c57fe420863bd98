"""The tables of escalation: steps with their due instants, and the pages of the outbox."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Index, Text, text
from sqlmodel import Field, SQLModel

from correlation.rows import columns, number_key, select, upsert
from escalation.notice import Notice
from escalation.rota import RotaChange
from escalation.timetable import PlannedStep, TimetableStep

_encode = msgspec.json.Encoder().encode


class StepRow(SQLModel, table=True):
    """One step of one incident. `outcome` is set once and for ever: the terminal record."""

    __tablename__ = "step"
    __table_args__ = (
        Index("ix_step_pending", "due_at", sqlite_where=text("outcome = ''"), postgresql_where=text("outcome = ''")),
        Index("ix_step_key", "incident_id", "key", unique=True),
    )
    id: int = Field(sa_column=number_key())
    incident_id: int = Field(sa_type=BigInteger)
    key: str
    definition: str = Field(sa_type=Text)
    severity: int
    repetition: int
    relapse: int
    due_at: datetime | None
    planned_at: datetime | None
    """When it is due, were its clock running; `due_at` is null while the clock stands."""
    outcome: str
    """"" while pending; then paged, fallback, superseded, cancelled."""
    at: datetime | None
    late_ms: int | None
    why: str = Field(sa_type=Text)


class PageRow(SQLModel, table=True):
    """The promise to tell one person by one channel; `key` is what a receiver dedups by."""

    __tablename__ = "page"
    __table_args__ = (
        Index("ix_page_open", "next_attempt_at", sqlite_where=text("open"), postgresql_where=text("open")),
        Index("ix_page_incident", "incident_id"),
        Index("ix_page_person", "person"),
    )
    id: int = Field(sa_column=number_key())
    incident_id: int = Field(sa_type=BigInteger)
    key: str
    step: str
    person: str
    role: str
    notifier: str
    address: str
    rank: int
    """Which of the person's contacts it is: 0 first."""
    seeks_responder: bool
    reason: str = Field(sa_type=Text)
    supersedes: str = Field(sa_type=Text)
    open: bool
    state: str
    """pending, claimed, sent, failed, cancelled."""
    due_at: datetime
    created_at: datetime
    next_attempt_at: datetime
    lease_until: datetime | None
    attempts: int
    failing_since: datetime | None
    unconfirmed: bool
    """An earlier delivery may have arrived: bytes went out, no answer was read."""
    sent_at: datetime | None
    outcome: str = Field(sa_type=Text)
    provider_id: str


class RotaRow(SQLModel, table=True):
    """What somebody has laid over a schedule; the fields are those of `RotaChange`."""

    __tablename__ = "rota"
    __table_args__ = (Index("ix_rota_until", "until"),)
    id: str = Field(primary_key=True)
    schedule: str
    person: str
    replaces: str | None
    from_at: datetime
    until: datetime | None
    author: str
    reason: str = Field(sa_type=Text)
    created_at: datetime
    swap: str
    ended_by: str


UPSERT_ROTA = upsert(RotaRow)
ROTA_TO_COME = select(RotaRow, "WHERE until IS NULL OR until > ? ORDER BY created_at, id")
UPSERT_STEP, UPSERT_PAGE = upsert(StepRow), upsert(PageRow)
FORGET_STEPS = "DELETE FROM step WHERE incident_id = ?"
FORGET_NOTICES = "DELETE FROM notice WHERE incident_id = ?"
FORGET_PAGES = "DELETE FROM page WHERE incident_id = ? AND NOT open"
PENDING_STEPS = f"{select(StepRow)} WHERE outcome = '' ORDER BY id"
OPEN_PAGES = f"{select(PageRow)} WHERE open ORDER BY id"
PAGED = (
    "SELECT p.incident_id, p.step, p.person, MAX(p.rank), MAX(CASE WHEN p.seeks_responder THEN 1 ELSE 0 END), "
    "MAX(CASE WHEN p.state = 'sent' AND p.seeks_responder THEN 1 ELSE 0 END) FROM page p"
)
TOLD_BESIDES = (
    "WHERE p.step LIKE '%/told_besides%' AND p.incident_id IN (SELECT id FROM incident WHERE state IN "
    "('new', 'sales_decision', 'assigned', 'in_progress', 'pending_customer', 'pending_vendor', 'pending_change'))"
)
"""Of incidents that are worked on, those of groups that are told besides."""
PAGED_EACH = "GROUP BY p.incident_id, p.step, p.person"
"""Per step, who was called, by which of their contacts at most, whether as a responder, and whether that arrived."""
_OF_END = "p.step LIKE '%/recovered%'"


def reached(incidents: int) -> str:
    """Whom of ours pages of so many incidents may have reached, by which channel, and as whom.

    With the last such page, and the last one by that channel that told them that it is over (0: none).
    """
    marks = ", ".join("?" * incidents)
    return (
        "SELECT p.incident_id, p.person, p.notifier, p.address, MIN(p.role), "  # noqa: S608 - marks alone
        f"MAX(CASE WHEN {_OF_END} THEN 0 ELSE p.id END), MAX(CASE WHEN {_OF_END} THEN p.id ELSE 0 END) "
        f"FROM page p WHERE p.incident_id IN ({marks}) AND (p.state = 'sent' OR p.unconfirmed) "
        "AND p.role NOT IN ('reporter', 'customer', 'vendor') "
        "GROUP BY p.incident_id, p.person, p.notifier, p.address ORDER BY MIN(p.id)"
    )


class Step(msgspec.Struct, kw_only=True):
    """A step as the agenda holds it."""

    id: int
    incident: int
    planned: PlannedStep
    due_at: datetime | None
    outcome: str = ""
    at: datetime | None = None
    late_ms: int | None = None
    why: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """What names the step within its incident, `2/p75`."""
        return self.planned.key


def step_values(step: Step) -> tuple[Any, ...]:
    """A tuple for UPSERT_STEP."""
    planned = step.planned
    return (
        step.id,
        step.incident,
        planned.key,
        planned.step.written,
        planned.severity,
        planned.repetition,
        planned.relapse,
        step.due_at,
        planned.due_at,
        step.outcome,
        step.at,
        step.late_ms,
        _encode(step.why).decode() if step.why else "{}",
    )


def step_from(row: tuple[Any, ...]) -> Step:
    """The step of a row of PENDING_STEPS and its like."""
    id_, incident, _, definition, severity, repetition, relapse, due_at, planned_at, outcome, at, late_ms, why = row
    planned = PlannedStep(severity, TimetableStep.model_validate_json(definition), planned_at, repetition, relapse)
    return Step(
        id=id_,
        incident=incident,
        planned=planned,
        due_at=due_at,
        outcome=outcome,
        at=at,
        late_ms=late_ms,
        why=msgspec.json.decode(why),
    )


def rota_values(change: RotaChange) -> tuple[Any, ...]:
    """A tuple for UPSERT_ROTA."""
    return tuple(msgspec.structs.asdict(change).values())


def rota_from(row: tuple[Any, ...]) -> RotaChange:
    """The change of a row of ROTA_TO_COME."""
    return RotaChange(**dict(zip(columns(RotaRow), row, strict=True)))


class Page(msgspec.Struct, kw_only=True):
    """A page as the outbox holds it; the fields are the columns of `PageRow`."""

    id: int
    incident_id: int
    key: str
    step: str
    person: str
    role: str
    notifier: str
    address: str
    rank: int = 0
    seeks_responder: bool
    reason: dict[str, Any]
    supersedes: list[str] = []
    open: bool = True
    state: str = "pending"
    due_at: datetime
    created_at: datetime
    next_attempt_at: datetime
    lease_until: datetime | None = None
    attempts: int = 0
    failing_since: datetime | None = None
    unconfirmed: bool = False
    sent_at: datetime | None = None
    outcome: str = ""
    provider_id: str = ""


_PAGE_JSON = frozenset({"reason", "supersedes"})
_PAGE_JSON_PLACES = [place for place, name in enumerate(Page.__struct_fields__) if name in _PAGE_JSON]


def page_values(page: Page) -> tuple[Any, ...]:
    """A tuple for UPSERT_PAGE."""
    values = list(msgspec.structs.astuple(page))
    for place in _PAGE_JSON_PLACES:
        values[place] = _encode(values[place]).decode()
    return tuple(values)


def page_from(row: tuple[Any, ...]) -> Page:
    """The page of a row of OPEN_PAGES."""
    values = dict(zip(columns(PageRow), row, strict=True))
    for name in _PAGE_JSON:
        values[name] = msgspec.json.decode(values[name])
    return Page(**values)


class NoticeRow(SQLModel, table=True):
    """What goes out by the calendar, each once; the columns are the fields of `Notice`, `facts` is JSON."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_key", "key", unique=True),
        Index("ix_notice_pending", "due_at", sqlite_where=text("outcome = ''"), postgresql_where=text("outcome = ''")),
        Index("ix_notice_incident", "incident_id"),
    )
    id: int = Field(sa_column=number_key())
    key: str
    name: str
    about: str
    day: str
    incident_id: int = Field(sa_type=BigInteger)
    due_at: datetime
    outcome: str
    at: datetime | None
    late_ms: int | None
    text: str = Field(sa_type=Text)
    edited_by: str
    held_by: str
    facts: str = Field(sa_type=Text)


UPSERT_NOTICE = upsert(NoticeRow)
ROUNDS_DONE = (
    "SELECT about, due_at FROM notice WHERE name = 'round' AND outcome NOT IN ('', 'moved') AND due_at >= ? "
    "ORDER BY due_at"
)
"""By when the windows of rounds were to be filled that were filled or missed, the last one last."""
PENDING_NOTICES = f"{select(NoticeRow)} WHERE outcome = '' ORDER BY id"
NOTICE_BY_ID = f"{select(NoticeRow)} WHERE id = ?"
TOLD_AHEAD = "SELECT key, due_at FROM notice WHERE outcome NOT IN ('', 'moved') AND due_at > ?"
"""Notices that have their outcome, and are due only later by a clock that was set back since."""
TOLD_THROUGH = (
    "SELECT name, about, MAX(day) FROM notice WHERE outcome NOT IN ('', 'moved') AND incident_id = 0 AND day <> '' "
    "GROUP BY name, about"
)
"""By name and calendar, the last day whose notice has its outcome."""


def notice_values(notice: Notice) -> tuple[Any, ...]:
    """A tuple for UPSERT_NOTICE."""
    values = {**msgspec.structs.asdict(notice), "facts": msgspec.json.encode(notice.facts).decode()}
    return tuple(values.values())


def notice_from(row: tuple[Any, ...]) -> Notice:
    """The notice of a row of PENDING_NOTICES."""
    values = dict(zip(columns(NoticeRow), row, strict=True))
    return Notice(**{**values, "facts": msgspec.json.decode(values["facts"])})
