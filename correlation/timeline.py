"""The evidence: each row is bound to the one before it, so that none is changed, moved or taken away unseen.

A row is held by its link: SHA-256 over the link before, the row's place, incident, moment and kind, and the digest of
its content. The content (who, and the facts with names, contacts and free text) is held only as a salted digest, so
that it can be erased, with its salt, and the chain stays whole.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

TIMELINE, AUDIT, BESIDE = "timeline", "audit", "command line"
"""The chains: what happened to incidents, the acts on none, and those that a command line writes beside the daemon."""
Seal = tuple[str, str, str, int]
"""Salt, digest, link and `erased_by` of a new row, in the order of its columns."""


class Kept(NamedTuple):
    """A row of a chain as the store holds it. `incident` is 0 for an act on none."""

    id: int
    incident: int
    at: datetime
    kind: str
    actor: str
    facts: str
    salt: str
    digest: str
    link: str
    erased_by: int
    """The audit row that tells of the erasure; 0: it stands as it was written."""


class Fault(NamedTuple):
    """Something that is not as it was written; `row` is the one to look at."""

    chain: str
    row: int
    text: str


def content_digest(salt: str, actor: str, facts: str) -> str:
    """The salted digest of a row's content."""
    return _sha256(f"{salt}\n{len(actor)}\n{actor}{facts}")


def link_of(before: str, row_id: int, incident: int, at: str, kind: str, digest: str) -> str:
    """The link of a row. `at` is `at_text`."""
    return _sha256(f"{before}\n{row_id}\n{incident}\n{at}\n{digest}\n{kind}")


def at_text(at: datetime) -> str:
    """A moment as the links hold it: UTC, microseconds."""
    return at.astimezone(UTC).isoformat("T", "microseconds")


def beginning(chain: str) -> str:
    """What the first row of a chain is bound to."""
    return _sha256(chain)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Chain:
    """The end of a chain, where the one writer adds to it."""

    def __init__(self, name: str, last_id: int = 0, last_link: str = "", base_id: int = 0, base_link: str = "") -> None:
        self.name = name
        self.last_id, self.last_link = last_id, last_link or beginning(name)
        self.base_id, self.base_link = base_id, base_link or beginning(name)
        """The last row that retention has let go of, and its link."""
        self._at: tuple[datetime | None, str] = (None, "")

    def add(self, salt: str, row_id: int, incident: int, at: datetime, kind: str, actor: str, facts: str) -> Seal:
        """Bind a row; returns what is stored with it. `salt` is drawn at random for this row alone."""
        if at is not self._at[0]:  # the rows of one group share their moment
            self._at = (at, at_text(at))
        digest = content_digest(salt, actor, facts)
        self.last_id = row_id
        self.last_link = link_of(self.last_link, row_id, incident, self._at[1], kind, digest)
        return (salt, digest, self.last_link, 0)

    def go_on(self, head: "Chain") -> None:
        """Add behind this head from here on."""
        self.last_id, self.last_link = head.last_id, head.last_link
        self.base_id, self.base_link = head.base_id, head.base_link

    @property
    def head(self) -> str:
        """`chain:row:link`: noted elsewhere, it shows later that nothing up to here was changed."""
        return f"{self.name}:{self.last_id}:{self.last_link}"


@dataclass
class Chains:
    """The chains of one shard that its writer adds to."""

    timeline: Chain = field(default_factory=lambda: Chain(TIMELINE))
    audit: Chain = field(default_factory=lambda: Chain(AUDIT))

    @property
    def both(self) -> tuple[Chain, Chain]:
        """The chains, in the order in which they are loaded and stored."""
        return (self.timeline, self.audit)


Erasures = Mapping[int, Mapping[str, str]]
"""By audit row: what it says that rows (by number) hold since the erasure, as digests."""


class Verifier:
    """Goes along a chain, row by row from its beginning, and says what is not as it was written."""

    def __init__(self, head: Chain, erasures: Erasures, expected: Mapping[int, str] | None = None) -> None:
        self._head, self._erasures = head, erasures
        self._expected = dict(expected or {})
        self._step = -1 if head.name == BESIDE else 1
        self._last_id, self._last_link = head.base_id, head.base_link
        self.count = 0

    def row(self, row: Kept) -> Iterator[Fault]:
        """Look at the next row."""
        self.count += 1
        follows = self._last_id + self._step
        if (row.id - follows) * self._step < 0:
            yield self._fault(row.id, "inserted: there is one of this number already")
        elif row.id != follows:
            gone = f"{follows}" if row.id == follows + self._step else f"{follows} to {row.id - self._step}"
            yield self._fault(follows, f"deleted: row {gone} is missing")
        if content_digest(row.salt, row.actor, row.facts) != self._content_of(row):
            yield self._fault(row.id, "edited: who or what it says is not what was written")
        bound = link_of(self._last_link, row.id, row.incident, at_text(row.at), row.kind, row.digest)
        if bound != row.link and row.id == follows:
            text = f"edited, moved or inserted: it does not follow row {self._last_id}"
            yield self._fault(row.id, text)
        noted = self._expected.pop(row.id, row.link)
        if noted != row.link:
            yield self._fault(row.id, "rewritten: its link is not the one that was noted")
        self._last_id, self._last_link = row.id, row.link

    def _content_of(self, row: Kept) -> str | None:
        """The digest that the row's content must have; None: nothing vouches for it."""
        if not row.erased_by:
            return row.digest
        return self._erasures.get(row.erased_by, {}).get(str(row.id))

    def end(self) -> Iterator[Fault]:
        """After the last row: whether it is the last one that was written."""
        head = self._head
        if (self._last_id - head.last_id) * self._step < 0:
            text = f"cut off: the chain ends at row {self._last_id}, and row {head.last_id} was written"
            yield self._fault(self._last_id + self._step, text)
        elif self._last_id != head.last_id:
            yield self._fault(
                head.last_id + self._step, f"inserted: row {head.last_id} is the last one that was written"
            )
        elif self._last_link != head.last_link:
            yield self._fault(self._last_id, "rewritten: the head of the chain is another")
        for row_id in self._expected:
            if (row_id - head.base_id) * self._step > 0:
                yield self._fault(row_id, "missing: its link was noted")

    def _fault(self, row_id: int, text: str) -> Fault:
        return Fault(self._head.name, row_id, text)


def verify(head: Chain, rows: Iterable[Kept], erasures: Erasures) -> list[Fault]:
    """All that is not as it was written in one chain."""
    verifier = Verifier(head, erasures)
    found = [fault for row in rows for fault in verifier.row(row)]
    return [*found, *verifier.end()]
