"""Where people stand in each table, and what of a row is changed when one is erased: one rule for every table."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlmodel import SQLModel

from agent.erasing.identity import ERASED, Identity
from agent.storage.store import AnswerRow, AttachmentRow, AuditRow, ConfigRow, DeadLetterRow, TokenRow
from agent.storage.writer import Compressed
from correlation.form import WORDS
from correlation.tables import (
    AlertRow,
    EpisodeRow,
    IncidentRow,
    ItemEditRow,
    JournalRow,
    LessonRow,
    SilenceRow,
    TimelineRow,
)
from escalation.store import NoticeRow, PageRow, RotaRow, StepRow
from knowledge.store import ChangeRow, ImprovementRow, KnownErrorRow, LinkRow, ProblemRow, RunRow


@dataclass(frozen=True)
class Table:
    """Where people stand in a table: in columns of their own, within texts, within JSON, within bytes."""

    model: type[SQLModel]
    people: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """Columns of JSON by which alerts are known again: only the name in them changes."""
    blob: str = ""
    is_sent: bool = False
    """Whether the bytes are what sources of alerts sent."""
    part: str = ""
    """What of a table this is, where it is not all of it."""
    wide: str = ""
    """Which rows of a table with bytes are looked through: a condition."""
    own_json: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By a column with a person: a column of JSON, and the keys of it that are theirs altogether."""
    theirs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By a column with a person: what is theirs altogether, and goes whatever it says."""
    goes: str = ""
    """The column with a person whose rows go altogether."""
    further: Callable[[dict[str, Any]], Mapping[str, Any]] = lambda row: {}
    """What else becomes of a row that named them in a column of its own."""
    held: bool = True
    """Whether the daemon holds rows of it in memory, and has to read them anew."""

    @property
    def name(self) -> str:
        return str(self.model.__tablename__)

    @property
    def rule(self) -> str:
        """By what this is found: the name of the table, or of a part of it."""
        return self.part or self.name

    @property
    def key(self) -> tuple[str, ...]:
        columns: Iterable[Any] = self.model.__table__.primary_key  # type: ignore[attr-defined]  # of table classes
        return tuple(column.name for column in columns)

    def erased(self, row: Mapping[str, Any], who: Identity) -> dict[str, Any]:
        """What of a row has to be changed, by column."""
        fresh = dict(row)
        named = any(who.is_(row[column]) for column in self.people)
        for column in self.people:
            fresh[column] = who.person(row[column])
        for column in self.texts:
            fresh[column] = who.text(row[column])
        for column, owned in self.theirs.items():
            if who.is_(row[column]):
                fresh |= {name: ERASED for name in owned if row[name]}
        for column in self.json:
            fresh[column] = self._facts(row, column, who)
        for column in self.labels:
            fresh[column] = _changed(row[column], who.within)
        for column, (document, *keys) in self.own_json.items():
            if who.is_(row[column]):
                filled = msgspec.json.decode(fresh[document])
                gone = {key: ERASED for key in keys if filled.get(key)}
                fresh[document] = msgspec.json.encode(filled | gone).decode()
        if self.blob:
            fresh[self.blob] = blob_without(row[self.blob], who, theirs=named, is_sent=self.is_sent)
        if named:
            fresh |= self.further(fresh)
        return {name: value for name, value in fresh.items() if value is not row[name] and value != row[name]}

    def _facts(self, row: Mapping[str, Any], column: str, who: Identity) -> Any:
        theirs = any(who.is_(row[name]) for name in ("actor", "who") if name in row)
        return _changed(row[column], lambda value: who.facts(value, theirs=theirs))


def _changed(document: str | None, change: Callable[[Any], Any]) -> str | None:
    """A document of JSON, changed; the very same text where nothing of it is."""
    if document is None:
        return None
    value = msgspec.json.decode(document)
    fresh = change(value)
    return document if fresh == value else msgspec.json.encode(fresh).decode()


def blob_without(stored: bytes, who: Identity, *, theirs: bool = False, is_sent: bool = False) -> Any:
    """Bytes as they were received or kept: JSON without what names the person, of anything else nothing."""
    raw = _unpacked(stored)
    if not theirs and not who.named_in_bytes(raw):
        return stored
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Compressed(b"") if raw is not stored else b""
    fresh = msgspec.json.encode(who.sent(value) if is_sent else who.facts(value, theirs=theirs))
    return Compressed(fresh) if raw is not stored else fresh


def _unpacked(stored: bytes) -> bytes:
    try:
        return zlib.decompress(stored)
    except zlib.error:
        return stored


def _of_incident(row: dict[str, Any]) -> Mapping[str, Any]:
    """What may still come back to work goes back to its group, not to somebody who is gone."""
    gone = row["state"] in ("resolved", "pending_review") and str(row["assignee"] or "").startswith("erased-")
    return {"assignee": None} if gone else {}


def _of_page(row: dict[str, Any]) -> Mapping[str, Any]:
    """Its address and its key go too: the key is a digest of the name. What was still to be sent is cancelled."""
    fresh: dict[str, Any] = {"address": "", "key": f"{row['person']}/{row['id']}"}
    if row["open"]:
        fresh |= {"open": False, "state": "cancelled", "lease_until": None, "outcome": "its person was erased"}
    return fresh


SEALED = (
    Table(TimelineRow, people=("actor",), json=("facts",), held=False),
    Table(AuditRow, people=("who",), json=("facts",), held=False),
)
"""The evidence: changed on the record alone (`tables.UNLOCK`)."""
PAGES = Table(PageRow, people=("person",), texts=("outcome",), json=("reason",), further=_of_page)
PLAIN = (
    Table(StepRow, json=("why",)),
    Table(
        NoticeRow, people=("edited_by", "held_by"), texts=("text",), json=("facts",), theirs={"edited_by": ("text",)}
    ),
    Table(SilenceRow, people=("created_by",), texts=("comment",), theirs={"created_by": ("comment",)}),
    Table(
        RotaRow, people=("person", "replaces", "author", "ended_by"), texts=("reason",), theirs={"author": ("reason",)}
    ),
    Table(
        ProblemRow,
        people=("owner", "opened_by"),
        texts=("title", "root_cause", "workaround", "solution", "reason"),
        json=("facts",),
    ),
    Table(ChangeRow, people=("author", "approver"), texts=("title", "risk", "plan", "back_out", "reason", "outcome")),
    Table(
        ImprovementRow,
        people=("suggested_by", "owner", "decided_by"),
        texts=("title", "text", "about", "reason", "outcome"),
    ),
    Table(LinkRow, people=("by",)),
    Table(RunRow, people=("decided_by",), texts=("output",), json=("labels", "argv", "why")),
    Table(LessonRow, people=("by",), json=("said",)),
    Table(
        KnownErrorRow,
        people=("author", "edited_by"),
        texts=("reason",),
        json=("entry",),
        theirs={"edited_by": ("reason",)},
    ),
    Table(ItemEditRow, people=("author",), texts=("reason",), json=("changes",), theirs={"author": ("reason",)}),
    Table(ConfigRow, json=("effective",), held=False),
    Table(DeadLetterRow, texts=("reason",), blob="body", held=False),
    Table(
        JournalRow,
        people=("source",),
        blob="body",
        wide="(kind NOT LIKE 'webhook/%' OR kind = 'webhook/email')",
        held=False,
    ),
    Table(AttachmentRow, people=("by",), texts=("name",), goes="by", held=False),
    Table(TokenRow, people=("person", "created_by"), goes="person", held=False),
    Table(AnswerRow, people=("person",), blob="body", goes="person", held=False),
)
ALERTS = (
    Table(AlertRow, json=("annotations",), held=False),
    Table(
        AlertRow,
        texts=("generator_url",),
        labels=("labels",),
        part="alert/over",
        wide="id NOT IN (SELECT alert_id FROM episode WHERE open)",
        held=False,
    ),
    Table(EpisodeRow, json=("why", "rejected"), held=False),
    Table(
        JournalRow,
        blob="body",
        is_sent=True,
        part="journal/sent",
        wide="(kind LIKE 'webhook/%' AND kind <> 'webhook/email')",
        held=False,
    ),
)
"""What alerts carry: looked through where that is asked for. Labels of what fires stay: it is known by them."""
INCIDENTS = Table(
    IncidentRow,
    people=("assignee", "recorder", "reporter", "commander"),
    texts=("title", "symptom", "next_action"),
    json=("resolution", "targets", "major", "rules_confirmed", "form", "root", "known_errors"),
    own_json={"reporter": ("form", "reporter_contact", *WORDS)},
    theirs={"reporter": ("title", "symptom")},
    further=_of_incident,
)
"""Looked through last: they say how a person is reached, and who begins anew after a crash has to find that."""
BY_NAME: Mapping[str, Table] = {table.rule: table for table in (PAGES, *SEALED, *PLAIN, *ALERTS, INCIDENTS)}
