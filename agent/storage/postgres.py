"""The one writer's connection to PostgreSQL."""

import asyncio
import re
from functools import lru_cache
from typing import Any
from uuid import uuid4

import structlog

from agent.storage.store import REMEMBERED, UPSERT_META
from agent.storage.writer import Batch, Compressed, StoreDown, StoreFull, StoreTaken, Unwritable

log = structlog.get_logger("store")
_LOCK_ID = 0x70C51
_COMMIT_WITHIN_S = 15.0
"""A server of which nothing is heard for so long is taken for gone: a commit is asked of it on a new connection."""
_SETTINGS = """SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '5', false),
set_config('tcp_keepalives_count', '2', false),
set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false)"""
"""A session whose network is gone, and which has the lock, is ended by the server; what is committed is on its disk."""
_SESSION = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END_SESSION = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2"
_OWNER = "owner"
"""The key of `meta` under which the daemon that read the database last is marked."""
_NOT_KEPT = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name"


@lru_cache(maxsize=512)
def numbered(sql: str) -> str:
    """`?` as `$1`, `$2`, … for asyncpg."""
    counter = iter(range(1, 1000))
    return re.sub(r"\?", lambda _: f"${next(counter)}", sql)


class PostgresWriter:
    """One asyncpg connection; an advisory lock makes it the only daemon on this database."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.commit_within_s = _COMMIT_WITHIN_S
        self._db: Any = None
        self._turn = asyncio.Lock()
        """The line, a reload and a start share one connection, which does one thing at a time."""
        self._session: Any = None
        """The pid and the start of the session that had the lock last."""
        self._mark = uuid4().hex
        self._has_claimed = False
        self._is_ours = True
        """No other daemon has claimed the database since we did."""

    async def open(self) -> None:
        await self._connect()
        risky = [name for (name,) in await self._db.fetch(_NOT_KEPT)]
        if risky:
            log.warning("the server may lose in a power cut what it has committed: set them on", off=", ".join(risky))

    async def _connect(self) -> None:
        import asyncpg  # noqa: PLC0415 - an extra: needed only on PostgreSQL

        try:
            self._db = await asyncpg.connect(self.dsn, timeout=10, command_timeout=60)
            await self._db.execute(_SETTINGS)
            if not await self._take_lock():
                await self._hang_up()
                raise StoreTaken("another daemon is using this PostgreSQL database: stop it, or name another one")
            self._session = await self._db.fetchrow(_SESSION)
            self._is_ours = not self._has_claimed or await self._db.fetchval(numbered(REMEMBERED), _OWNER) == self._mark
        except StoreTaken as error:
            if self._session is None:
                raise
            raise StoreDown(str(error)) from error  # who runs goes on trying, and is not ready
        except Exception as error:  # whatever a driver raises is an outage, and ends no daemon
            await self._hang_up()
            raise StoreDown(f"PostgreSQL does not answer: {error or type(error).__name__}") from error

    async def _take_lock(self) -> bool:
        """Take the lock, also from a session of our own that the server does not know to be cut off yet."""
        import asyncpg  # noqa: PLC0415 - an extra

        if await self._db.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_ID):
            return True
        if self._session is None:
            return False
        await self._db.execute("SET lock_timeout = '2s'")
        await self._db.fetch(_END_SESSION, *self._session)
        try:
            await self._db.fetchval("SELECT pg_advisory_lock($1)", _LOCK_ID)
        except asyncpg.LockNotAvailableError:
            return False
        await self._db.execute("RESET lock_timeout")
        return True

    async def claim(self) -> None:
        """Mark the database as ours; where another daemon had it while we were cut off, commits are taken again."""
        async with self._turn:
            await self._connected()
            try:
                await self._db.execute(numbered(UPSERT_META), _OWNER, self._mark)
            except Exception as error:  # the rim of the store: `_told` says what it means to the line
                raise await self._told(error) from error
            self._has_claimed = self._is_ours = True

    async def commit(self, batch: Batch) -> None:
        """Write all of it in one transaction.

        Raises StoreDown also where another daemon had the database while we were cut off, until `claim`: what it wrote
        has to be read first.
        """
        async with self._turn:
            too_late = asyncio.get_running_loop().call_later(self.commit_within_s, self._cut)
            try:
                await self._commit(batch)
            finally:
                too_late.cancel()

    async def _connected(self) -> None:
        if self._db is None or self._db.is_closed():
            await self._connect()

    async def _commit(self, batch: Batch) -> None:
        await self._connected()
        if not self._is_ours:
            raise StoreDown("another daemon had this PostgreSQL database meanwhile: what it wrote is read first")
        try:
            async with self._db.transaction():
                for sql, rows in batch:
                    await self._db.executemany(numbered(sql), [_for_postgres(row) for row in rows])
        except Exception as error:  # the rim of the store: `_told` says what it means to the line
            raise await self._told(error) from error

    async def _told(self, error: Exception) -> Exception:
        """What an error means to the line. A connection that may be broken is let go: the next call makes a new one."""
        import asyncpg  # noqa: PLC0415 - an extra

        if isinstance(error, ValueError | TypeError | OverflowError):
            return Unwritable(f"{type(error).__name__}: {error}")
        if isinstance(error, asyncpg.IntegrityConstraintViolationError | asyncpg.DataError):
            return Unwritable(f"{type(error).__name__}: {error}")
        if isinstance(error, asyncpg.DiskFullError):
            return StoreFull(f"PostgreSQL has no room left: {error}")
        # asyncpg's own state machine trips (InternalClientError) where a server that stops cuts a statement short
        await self._hang_up()
        return StoreDown(f"PostgreSQL: {error or type(error).__name__}")

    async def _hang_up(self) -> None:
        self._cut()
        self._db = None

    def _cut(self) -> None:
        """End the connection without a word; what waits on it fails at once."""
        if self._db is not None:
            self._db.terminate()

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self._turn:
            return await self._fetch(sql, *values)

    async def _fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        await self._connected()
        try:
            return [tuple(row) for row in await self._db.fetch(numbered(sql), *values)]
        except Exception as error:  # the rim of the store: `_told` says what it means to the line
            raise await self._told(error) from error

    async def close(self) -> None:
        if self._db is not None:
            await self._db.close()


def _for_postgres(row: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(type(value) is Compressed for value in row):
        return tuple(value.packed() if type(value) is Compressed else value for value in row)
    return row
