"""Tokens: made here, shown once, stored as their SHA-256; also from the command line beside a running daemon."""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agent.evidence import commit_noted
from agent.storage.database import is_postgres, sqlite_path, writer_for
from agent.storage.postgres import PostgresWriter
from agent.storage.sqlite import SqliteWriter
from agent.storage.store import REMEMBERED, UPSERT_META, TokenRow
from agent.storage.writer import StoreDown, Writer
from correlation.rows import insert_into

PREFIX = "tcs_"
LONGEST = 256
"""A token longer than this is none of ours and is not even hashed."""
FIRST_ROLES = ("ops", "pm")
"""What the person `admin` may do, who need not stand in people.yaml."""
_LIFE_S = 1.0
_MOST_KNOWN = 1024
_LINKS = "links"
"""The row that holds the key of acknowledge links; it names nobody, so that nothing can log in with it."""
_FIRST_START, _BY = "first start", "command line"
"""Who makes and ends tokens, as the audit names them."""
_UNTOLD = "first token, untold"
"""What the store remembers under this is the id of a token that was made and has not been shown yet."""
_INSERT = insert_into(TokenRow)
_TAKEN = "SELECT effective FROM config ORDER BY version DESC LIMIT 1"
_REVOKE = "UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"

V = TypeVar("V")


class NoStore(Exception):
    """There is no store at this URL yet."""


class NoSuchToken(Exception):
    """No token that is still valid has this id."""


@dataclass(frozen=True)
class Holder:
    """Whose a valid token is: a person (with the roles that the token itself carries) or a source."""

    id: str
    person: str | None
    source: str | None
    roles: frozenset[str]
    expires_at: datetime | None

    def valid(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


def new_token() -> str:
    """A fresh token: `tcs_` and 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a token: its SHA-256 as hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


# writing beside the line


class _SqliteBeside(SqliteWriter):
    """A second connection to the file of a running daemon: BEGIN IMMEDIATE, one short transaction, gone again."""

    def _take_lock(self) -> None:
        if not Path(self.path).exists():
            raise NoStore(f"there is no store at {self.path}: start `tocsin serve` once, or name another --storage.url")


class _PostgresBeside(PostgresWriter):
    """A connection of its own beside the daemon's."""

    async def _connect(self) -> None:
        import asyncpg  # noqa: PLC0415 - an extra: needed only on PostgreSQL

        try:
            self._db = await asyncpg.connect(self.dsn, timeout=10, command_timeout=60)
        except Exception as error:  # whatever a driver raises is an outage
            raise StoreDown(f"PostgreSQL does not answer: {error or type(error).__name__}") from error


def beside(url: str) -> Writer:
    """A writer for short transactions beside the line: it takes no lock. `open` raises NoStore or StoreDown."""
    if is_postgres(url):
        made = writer_for(url)
        assert isinstance(made, PostgresWriter), "a PostgreSQL URL"
        return _PostgresBeside(made.dsn)
    return _SqliteBeside(sqlite_path(url))


async def _know_schema(url: str) -> None:
    """Raise NoStore where no daemon has ever run, NewerSchema where a newer one has."""
    from agent.storage import migrate  # noqa: PLC0415 - only the command line writes to a store that no daemon has opened

    found = await migrate.current(url)
    if found is None:
        raise NoStore("there is nothing in this store yet: start `tocsin serve` once, or name another --storage.url")
    migrate.refuse_unknown(found)


@asynccontextmanager
async def _opened(store: Writer | str) -> AsyncIterator[Writer]:
    if not isinstance(store, str):
        yield store
        return
    writer = beside(store)
    await writer.open()
    try:
        await _know_schema(store)
        yield writer
    finally:
        await writer.close()


async def create(
    store: Writer | str,
    *,
    person: str | None = None,
    source: str | None = None,
    roles: Iterable[str] = (),
    now: datetime,
    by: str = _BY,
    expires_at: datetime | None = None,
) -> str:
    """Make a token of a person or of a source, on the record; return its text, which is nowhere else.

    `store` is a writer, or the URL of a store that a daemon may be using. Raises NoStore, StoreDown or NewerSchema.
    """
    if (person is None) == (source is None):
        raise ValueError("a token is of a person or of a source, one of them")
    token, row, facts = _drawn(person, source, roles, now, by, expires_at)
    async with _opened(store) as writer:
        await commit_noted(writer, [(_INSERT, [row])], by, "token created", facts, now)
    return token


async def names_of(store: Writer | str, file: str, key: str) -> list[str]:
    """The names under a key (`people`, `sources`) of the configuration that a daemon took last; none where none did.

    Raises as `create`.
    """
    async with _opened(store) as writer:
        rows = await writer.fetch(_TAKEN)
    named = json.loads(rows[0][0]).get(file, {}).get(key) if rows else None
    return list(named or {})


def _drawn(
    person: str | None, source: str | None, roles: Iterable[str], now: datetime, by: str, expires_at: datetime | None
) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """A new token: its text, its row, and what the audit says of it."""
    token, row_id, carried = new_token(), secrets.token_hex(4), ",".join(sorted(set(roles)))
    row = (row_id, digest(token), person, source, carried, now, by, expires_at, None)
    return token, row, {"id": row_id, "person": person, "source": source, "roles": carried}


async def first_token(writer: Writer, now: datetime) -> str | None:
    """The token of the first start: person `admin`, roles ops and pm, until revoked. None where people have tokens.

    One that was made and that nobody was told (`note_told`), because the daemon ended before, makes way for another.
    """
    untold = next((str(row[0]) for row in await writer.fetch(REMEMBERED, _UNTOLD)), "")
    known = await writer.fetch("SELECT COUNT(*) FROM token WHERE person IS NOT NULL AND id <> ?", untold)
    if known[0][0]:
        return None
    token, row, facts = _drawn("admin", None, FIRST_ROLES, now, _FIRST_START, None)
    rows = [(_INSERT, [row]), (UPSERT_META, [(_UNTOLD, facts["id"])])]
    if untold:
        rows.append(("DELETE FROM token WHERE id = ?", [(untold,)]))
        facts["instead_of"] = untold
    await commit_noted(writer, rows, _FIRST_START, "token created", facts, now)
    return token


async def note_told(writer: Writer) -> None:
    """The token of the first start has been shown to somebody. Raises StoreDown."""
    await writer.commit([("DELETE FROM meta WHERE key = ?", [(_UNTOLD,)])])


async def link_secret(writer: Writer, now: datetime) -> bytes:
    """The key that signs acknowledge links: drawn once, the same for every start on this store."""
    rows = await writer.fetch("SELECT digest FROM token WHERE id = ?", _LINKS)
    if rows:
        return str(rows[0][0]).encode()
    key = secrets.token_hex(32)
    await writer.commit([(_INSERT, [(_LINKS, key, None, None, "", now, _FIRST_START, None, None)])])
    return key.encode()


async def revoke(store: Writer | str, token_id: str, now: datetime) -> None:
    """End a token, on the record; a running daemon refuses it within 2 s. Raises NoSuchToken, and as `create`."""
    async with _opened(store) as writer:
        known = await writer.fetch(
            "SELECT id FROM token WHERE id = ? AND id <> ? AND revoked_at IS NULL", token_id, _LINKS
        )
        if not known:
            raise NoSuchToken(f"there is no valid token {token_id!r}: `tocsin token list` shows them")
        await commit_noted(writer, [(_REVOKE, [(now, token_id)])], _BY, "token revoked", {"id": token_id}, now)


async def listed(store: Writer | str) -> list[TokenRow]:
    """All tokens, oldest first, also those that were revoked; none of them can be read back.

    Raises as `create`.
    """
    sql = (
        "SELECT id, person, source, roles, created_at, created_by, expires_at, revoked_at FROM token "
        "WHERE id <> ? ORDER BY created_at, id"
    )
    names = ("id", "person", "source", "roles", "created_at", "created_by", "expires_at", "revoked_at")
    async with _opened(store) as writer:
        rows: Sequence[tuple[Any, ...]] = await writer.fetch(sql, _LINKS)
    return [TokenRow(digest="", **dict(zip(names, row, strict=True))) for row in rows]


# knowing


class Known(Generic[V]):
    """What was found for a digest, for a second: bounded, the oldest is forgotten first."""

    def __init__(self, most: int = _MOST_KNOWN, life_s: float = _LIFE_S) -> None:
        self._held: OrderedDict[str, tuple[float, V]] = OrderedDict()
        self._most, self._life = most, life_s

    def get(self, mark: str) -> V | None:
        found = self._held.get(mark)
        if found is None or asyncio.get_running_loop().time() - found[0] > self._life:
            self._held.pop(mark, None)
            return None
        return found[1]

    def put(self, mark: str, value: V) -> None:
        self._held[mark] = (asyncio.get_running_loop().time(), value)
        self._held.move_to_end(mark)
        while len(self._held) > self._most:
            self._held.popitem(last=False)


_known: "WeakKeyDictionary[AsyncEngine, Known[Holder]]" = WeakKeyDictionary()


async def holder_of(token: str, engine: AsyncEngine) -> Holder | None:
    """Whose a token is, by a read that is at most a second old; None: nobody's, or revoked.

    Expiry is for the caller to judge, who knows the time.
    """
    if not token.startswith(PREFIX) or len(token) > LONGEST:
        return None
    mark = digest(token)
    known = _known.setdefault(engine, Known())
    held = known.get(mark)
    if held is not None:
        return held
    async with AsyncSession(engine) as session:
        row = (await session.exec(select(TokenRow).where(col(TokenRow.digest) == mark))).first()
    if row is None or row.revoked_at is not None or not hmac.compare_digest(row.digest, mark):
        return None
    roles = frozenset(filter(None, row.roles.split(",")))
    found = Holder(row.id, row.person, row.source, roles, row.expires_at)
    known.put(mark, found)
    return found


async def source_of(token: str, engine: AsyncEngine) -> str | None:
    """The source that a token of `tocsin token create --source` names; None: it names none."""
    held = await holder_of(token, engine)
    return held.source if held is not None else None
