"""Erasing a person: their rows are looked for beside the line, and changed by the one writer, some at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any

import msgspec
import structlog
from sqlalchemy import ColumnElement, and_, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import col

from agent.configuration.config import Config
from agent.erasing.identity import ERASED as ERASED_TEXT
from agent.erasing.identity import Identity
from agent.erasing.tables import ALERTS, INCIDENTS, PAGES, PLAIN, SEALED, Table, blob_without
from agent.evidence import ERASED
from agent.intents import Noted, PersonActed, RowsErased
from agent.pipeline import Pipeline
from correlation.incident import ACTIVE, Action
from correlation.permission import Actor
from correlation.tables import IncidentRow

log = structlog.get_logger("erasure")
_AT_ONCE = 200
"""Rows that one intent changes: the line takes alerts in between."""
_PASSES = 3
"""What was written while the store was looked through is found by looking again."""
_AGENT = Actor("agent", frozenset({"desk"}))

Key = tuple[Any, ...]


def identity(person: str, also: Iterable[str], config: Config) -> Identity:
    """By what a person is known: as asked for, and of people.yaml their name and the contacts that are theirs alone."""
    names = {person, *also}
    known = config.people.get(person)
    if known is not None:
        others = {c.to for name, p in config.people.items() if name != person for c in p.contacts}
        names |= {known.name, *({contact.to for contact in known.contacts} - others)}
    return Identity(frozenset(name.strip() for name in names if name.strip()), f"erased-{token_hex(4)}")


class Erasing:
    """Erases one person at a time."""

    def __init__(self, pipeline: Pipeline, engine: AsyncEngine) -> None:
        self._pipeline, self._engine = pipeline, engine

    async def erase(self, who: Identity, by: str, *, alerts: bool = False) -> dict[str, int]:
        """Have nothing name the person any more; return how many rows of each table changed.

        With `alerts` also what alerts carry, and what their sources sent: that is all of the journal. What they hold
        goes back to its group first. Raises StoreDown, Overloaded.
        """
        who = replace(who, names=who.names | await self._contacts(who))
        changed: Counter[str] = Counter()
        handed_back = await self._hand_back(who)
        for _ in range(_PASSES):
            before = changed.total()
            await self._look_through((PAGES,), who, by, changed)  # what is still to be sent to them is sent no more
            await self._look_through((*PLAIN, *SEALED, *(ALERTS if alerts else ()), INCIDENTS), who, by, changed)
            if changed.total() == before:
                break
        rows = {name: count for name, count in sorted(changed.items()) if count}
        if rows:
            facts = {"as": who.alias, "rows": rows, "handed_back": handed_back}
            await self._pipeline.submit(Noted(by, ERASED, facts))
            log.info("person erased", erased_as=who.alias, by=by, rows=changed.total())
        return rows

    async def _look_through(self, tables: Iterable[Table], who: Identity, by: str, changed: Counter[str]) -> None:
        """Change the rows of some tables, and have the desk read anew once, where it holds rows of them.

        That takes seconds with many incidents, and no alert is taken meanwhile. What the desk writes until then with
        the name that it still holds is found by the next look.
        """
        stale = False
        for table in tables:
            before = changed[table.name]
            async for keys in self._found(table, who):
                changed[table.name] += await self._pipeline.submit(RowsErased(who, table.rule, keys, by))
            stale = stale or (table.held and changed[table.name] > before)
        if stale:
            await self._pipeline.submit(RowsErased(who, PAGES.rule, (), by, read_anew=True))

    async def _contacts(self, who: Identity) -> set[str]:
        """How they are reached, as the incidents say that they reported or were affected by."""
        row, found = IncidentRow, set()
        theirs = select(col(row.reporter), col(row.form)).where(col(row.form) != "{}")
        async with self._engine.connect() as connection:
            for reporter, written in (await connection.execute(theirs)).all():
                filled = msgspec.json.decode(written)
                found |= {filled.get("reporter_contact")} if who.is_(reporter) else set()
                found |= {filled.get("affected_contact")} if who.is_(filled.get("affected_user")) else set()
        return found - {None, ERASED_TEXT}

    async def _hand_back(self, who: Identity) -> list[str]:
        """Open incidents that they hold go to their groups, which are paged; return their numbers."""
        row = IncidentRow
        open_ones = select(col(row.number), col(row.group), col(row.assignee)).where(
            col(row.state).in_([str(s) for s in ACTIVE]), col(row.assignee).is_not(None)
        )
        async with self._engine.connect() as connection:
            held = [(n, g) for n, g, assignee in (await connection.execute(open_ones)).all() if who.is_(assignee)]
        for number, group in held:
            body = {"group": group or "desk"}
            await self._pipeline.submit(PersonActed(number, Action.ASSIGN, body, _AGENT))
        return [number for number, _ in held]

    async def _found(self, table: Table, who: Identity) -> AsyncIterator[tuple[Key, ...]]:
        """The keys of rows that may name them, some at a time."""
        keys = [key async for key in self._keys(table, who)]
        for start in range(0, len(keys), _AT_ONCE):
            yield tuple(keys[start : start + _AT_ONCE])

    async def _keys(self, table: Table, who: Identity) -> AsyncIterator[Key]:
        columns = table.model.__table__.columns  # type: ignore[attr-defined]  # of table classes
        key = [columns[name] for name in table.key]
        named = _naming(table, who)
        async with self._engine.connect() as connection:
            if named is not None:
                for row in (await connection.execute(select(*key).where(named))).all():
                    yield tuple(row)
            if table.blob:
                async for found in _blobs(connection, table, key, who):
                    yield found


def _naming(table: Table, who: Identity) -> ColumnElement[bool] | None:
    """A condition that holds for every row that names them; for some others too."""
    columns = table.model.__table__.columns  # type: ignore[attr-defined]  # of table classes
    spelled = {form for name in who.names for form in (name, msgspec.json.encode(name).decode()[1:-1])} | who.escaped
    wanted = [columns[c].icontains(s, autoescape=True) for c in _texts(table) for s in sorted(spelled)]
    if not wanted:
        return None
    return and_(or_(*wanted), text(table.wide)) if table.wide else or_(*wanted)


def _texts(table: Table) -> Sequence[str]:
    return (*table.people, *table.texts, *table.json, *table.labels)


def _naming_bytes(table: Table, page: Iterable[Any], who: Identity) -> list[Any]:
    """The keys of the rows of a page whose bytes name them."""
    return [key for key, stored in page if blob_without(stored, who, is_sent=table.is_sent) is not stored]


async def _blobs(connection: AsyncConnection, table: Table, key: Sequence[Any], who: Identity) -> AsyncIterator[Key]:
    """Keys of rows whose bytes name them: compressed, so that each is looked at."""
    columns: Mapping[str, Any] = table.model.__table__.columns  # type: ignore[attr-defined]  # of table classes
    body, last = columns[table.blob], None
    while True:
        after = true() if last is None else key[0] > last
        wanted = and_(text(table.wide), after) if table.wide else after
        page = (await connection.execute(select(key[0], body).where(wanted).order_by(key[0]).limit(_AT_ONCE))).all()
        for row_key in await asyncio.to_thread(_naming_bytes, table, page, who):
            yield (row_key,)
        if len(page) < _AT_ONCE:
            return
        last = page[-1][0]
