"""The evidence as the store holds it: acts noted beside the daemon, and the whole of it verified."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from agent.configuration.faults import in_words
from agent.group import sealed_act
from agent.storage.database import is_postgres, readers, sqlite_path
from agent.storage.store import INSERT_AUDIT, AuditRow
from agent.storage.writer import StoreDown, Unwritable, Writer
from agent.whereabouts import refuse_a_loss
from correlation.rows import select
from correlation.store import SELECT_CHAINS, UPSERT_CHAIN, chain_values, to_json
from correlation.tables import TimelineRow
from correlation.timeline import AUDIT, BESIDE, TIMELINE, Chain, Fault, Kept, Verifier, beginning

LET_GO = "timeline let go"
"""The act whose facts say up to where the retention has let go of the timeline."""
ERASED = "person erased"
"""The act whose facts say what rows hold since."""
_AT_ONCE = 5_000
_ATTEMPTS = 5


class NoEvidence(Exception):
    """The store is not there, or cannot be read; the text says what to do."""


async def commit_noted(
    writer: Writer,
    rows: Sequence[tuple[str, list[tuple[Any, ...]]]],
    who: str,
    what: str,
    facts: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write rows beside the daemon with a line of the audit, which is bound to the one before it.

    Two that write at the same time draw the same row number: the later one tries again. Raises StoreDown, Unwritable.
    """
    for attempt in range(_ATTEMPTS):
        found = await writer.fetch(f"{SELECT_CHAINS} WHERE name = ?", BESIDE)
        chain = Chain(*found[0]) if found else Chain(BESIDE)
        act = sealed_act(chain, chain.last_id - 1, now, who, what, to_json(dict(facts)))
        try:
            await writer.commit([*rows, (INSERT_AUDIT, [act]), (UPSERT_CHAIN, [chain_values(chain)])])
        except Unwritable:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


# verifying


@dataclass
class Report:
    """What `tocsin audit verify` found: faults, and by chain its rows and its head."""

    faults: list[Fault] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)


async def examine(url: str, expected: Mapping[str, Mapping[int, str]] | None = None) -> Report:
    """Verify every chain of a store, also beside a running daemon: in one transaction, some thousand rows at a time.

    `expected`: by chain, links of rows that were noted elsewhere. Raises NoEvidence.
    """
    if not is_postgres(url):
        _look_for(sqlite_path(url))
    engine = readers(url)
    if is_postgres(url):
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        async with engine.connect() as connection:
            return await _examine(connection, expected or {})
    except (SQLAlchemyError, OSError) as error:
        raise NoEvidence(f"the store cannot be read: {in_words(error)}") from error
    finally:
        await engine.dispose()


def _look_for(path: str) -> None:
    try:
        refuse_a_loss(path)
    except StoreDown as error:
        raise NoEvidence(str(error)) from error
    if not Path(path).exists():
        raise NoEvidence(f"there is no store at {path}: name it with --storage.url")


async def _examine(connection: AsyncConnection, expected: Mapping[str, Mapping[int, str]]) -> Report:
    rows = (await connection.execute(text(SELECT_CHAINS))).all()
    heads = {row[0]: Chain(*row) for row in rows}
    erasures = await _erasures(connection)
    report = Report()
    for name in (TIMELINE, AUDIT, BESIDE):
        head = heads.get(name) or Chain(name)
        verifier = Verifier(head, erasures.get(name, {}), expected.get(name))
        async for row in _rows(connection, name):
            report.faults += verifier.row(row)
        report.faults += verifier.end()
        if name == TIMELINE:
            report.faults += await _anchor_faults(connection, head)
        report.rows[name] = verifier.count
        report.heads.append(head.head)
    return report


async def _anchor_faults(connection: AsyncConnection, head: Chain) -> list[Fault]:
    """The beginning of a chain goes by an act of the audit alone, which says where it begins since."""
    found = await connection.execute(
        text("SELECT facts FROM audit WHERE what = :what ORDER BY id DESC LIMIT 1"), {"what": LET_GO}
    )
    row = found.first()
    through, link = 0, beginning(head.name)
    if row is not None:
        with contextlib.suppress(msgspec.MsgspecError):  # somebody wrote into it, and it is itself a fault
            facts = msgspec.json.decode(row[0], type=dict[str, Any])
            through, link = facts.get("through", 0), facts.get("link", "")
    if (head.base_id, head.base_link) == (through, link):
        return []
    return [Fault(head.name, head.base_id, f"cut off: the audit says that the chain begins behind row {through}")]


_PAGES: Mapping[str, tuple[type[SQLModel], str]] = {
    TIMELINE: (TimelineRow, "WHERE id > :last ORDER BY id"),
    AUDIT: (AuditRow, "WHERE id > :last AND id > 0 ORDER BY id"),
    BESIDE: (AuditRow, "WHERE id < :last AND id < 0 ORDER BY id DESC"),
}


async def _rows(connection: AsyncConnection, name: str) -> AsyncIterator[Kept]:
    table, order = _PAGES[name]
    model, last = table.__table__.columns, 0  # type: ignore[attr-defined]  # SQLModel adds it to table classes
    typed = text(f"{select(table, order)} LIMIT {_AT_ONCE}").columns(*model)
    while True:
        found = (await connection.execute(typed, {"last": last})).all()
        for row in found:
            yield Kept(*row) if table is TimelineRow else _act(tuple(row))
        if len(found) < _AT_ONCE:
            return
        last = found[-1][0]


def _act(row: tuple[Any, ...]) -> Kept:
    row_id, at, who, what, facts, *seal = row
    return Kept(row_id, 0, at, what, who, facts, *seal)


async def _erasures(connection: AsyncConnection) -> dict[str, dict[int, dict[str, str]]]:
    """By chain and act: what rows hold since an erasure."""
    found = await connection.execute(text("SELECT id, facts FROM audit WHERE what = :what"), {"what": ERASED})
    erasures: dict[str, dict[int, dict[str, str]]] = {}
    for row_id, facts in found.all():
        try:
            erased = msgspec.json.decode(facts, type=dict[str, Any])
        except msgspec.MsgspecError:  # somebody wrote into it: it vouches for nothing, and is itself a fault
            continue
        for name in (TIMELINE, AUDIT, BESIDE):
            if isinstance(erased.get(name), dict):
                erasures.setdefault(name, {})[row_id] = erased[name]
    return erasures
