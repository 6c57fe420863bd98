"""What of a row names a person, and what it says once they are erased; pure, so that every table has one rule."""

import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from sqlmodel import SQLModel

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

ERASED = "(erased)"
"""What stands in place of a text."""
_SHORTEST = 2
"""A name of one character is looked for where people stand, not within texts."""
SAID = frozenset(
    {"actions", "back_out", "cause", "comment", "file", "lessons", "next_action", "note", "plan", "reason", "remark"}
    | {"resolution", "risk", "symptom", "text", "title"}
)
"""Keys under which people write freely: of what they did themselves, all of it goes."""
_CODES = frozenset(
    {"calendar", "category", "clock", "code", "do", "final_category", "for", "group", "groups", "kind", "number"}
    | {"outcome", "roles_told", "state", "step", "suggested_group", "tier", "to", "type"}
)
"""Keys whose values are words of the house: a person called `desk` takes no group with them."""


_IDENTITY = frozenset({"labels", "commonLabels", "groupLabels", "groupKey", "generatorURL", "externalURL"})
"""Keys of a webhook under which an alert is known again: of a value the rest stays, so that two stay two."""


@dataclass(frozen=True)
class Identity:
    """By what a person is known (`names`, with contact details), and what stands for them since (`alias`)."""

    names: frozenset[str]
    alias: str

    @cached_property
    def _folded(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.names)

    @cached_property
    def _within(self) -> re.Pattern[str] | None:
        """A name within a text; one of Latin letters is a word of its own, a Chinese one has no bounds."""
        found = [re.escape(n) for n in sorted(self.names, key=len, reverse=True) if len(n) >= _SHORTEST]
        bounded = rf"(?<![A-Za-z0-9_])(?:{'|'.join(found)})(?![A-Za-z0-9_])"
        return re.compile(bounded, re.IGNORECASE) if found else None

    def is_(self, value: object) -> bool:
        """Whether this is the person, by one of their names."""
        return isinstance(value, str) and value.casefold() in self._folded

    def person(self, value: Any) -> Any:
        """A column that holds a person."""
        return self.alias if self.is_(value) else value

    def text(self, value: Any) -> Any:
        """A text: all of it goes where it names them, for the rest of it is about them."""
        if not isinstance(value, str) or not self.named_in(value):
            return value
        return self.alias if self.is_(value) else ERASED

    def named_in(self, text: str) -> bool:
        """Whether a text names them."""
        return self.is_(text) or (self._within is not None and self._within.search(text) is not None)

    @cached_property
    def escaped(self) -> frozenset[str]:
        """Names as JSON of plain ASCII writes them."""
        return frozenset(json.dumps(n)[1:-1].casefold() for n in self.names if not n.isascii() and len(n) >= _SHORTEST)

    def named_in_bytes(self, raw: bytes) -> bool:
        """Whether JSON, or any text, names them."""
        text = raw.decode("utf-8", "replace")
        return self.named_in(text) or ("\\u" in text and any(name in text.casefold() for name in self.escaped))

    def within(self, value: Any) -> Any:
        """What an alert is known by: their name alone changes, wherever it stands."""
        match value:
            case dict():
                return {k: self.within(v) for k, v in value.items()}
            case list():
                return [self.within(one) for one in value]
            case str():
                named = self.person(value)
                return self._within.sub(self.alias, named) if self._within is not None else named
        return value

    def sent(self, value: Any) -> Any:
        """What a source sent: labels keep their shape, of anything else a text that names them goes."""
        match value:
            case dict():
                return {k: self.within(v) if k in _IDENTITY else self.sent(v) for k, v in value.items()}
            case list():
                return [self.sent(one) for one in value]
        return self.text(value)

    def facts(self, value: Any, *, theirs: bool = False, key: str = "") -> Any:
        """A value of JSON; `theirs`: they did or said it, so that what they wrote freely goes too."""
        match value:
            case dict():
                theirs = theirs or self._acted(value)
                if self.is_(value.get("affected_user")) and value.get("affected_contact"):
                    value = {**value, "affected_contact": ERASED}
                return {self.person(k): self._under(k, v, theirs) for k, v in value.items()}
            case list():
                return [self.facts(one, theirs=theirs, key=key) for one in value]
            case str() if key in _CODES:
                return value
            case str() if theirs and key in SAID and value:
                return ERASED
        return self.text(value)

    def _under(self, key: str, value: Any, theirs: bool) -> Any:
        """What stands under a key; under their own name, as in people.yaml, nothing is left."""
        return ERASED if self.is_(key) and isinstance(value, dict) else self.facts(value, theirs=theirs, key=key)

    def _acted(self, value: Mapping[str, Any]) -> bool:
        acts = value.get("acts")
        resolved = acts.get("resolve") if isinstance(acts, dict) else None
        return any(self.is_(who) for who in (value.get("by"), value.get("reporter"), resolved))


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
PLAIN = (
    Table(PageRow, people=("person",), texts=("outcome",), json=("reason",), further=_of_page),
    Table(StepRow, json=("why",)),
    Table(
        NoticeRow, people=("edited_by", "held_by"), texts=("text",), json=("facts",), theirs={"edited_by": ("text",)}
    ),
    Table(SilenceRow, people=("created_by",), texts=("comment",), theirs={"created_by": ("comment",)}),
    Table(
        RotaRow,
        people=("person", "replaces", "author", "ended_by"),
        texts=("reason",),
        theirs={"author": ("reason",)},
    ),
    Table(
        ProblemRow,
        people=("owner", "opened_by"),
        texts=("title", "root_cause", "workaround", "solution", "reason"),
        json=("facts",),
    ),
    Table(
        ChangeRow,
        people=("author", "approver"),
        texts=("title", "risk", "plan", "back_out", "reason", "outcome"),
    ),
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
BY_NAME: Mapping[str, Table] = {table.rule: table for table in (*SEALED, *PLAIN, *ALERTS, INCIDENTS)}
