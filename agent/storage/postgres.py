"""The one writer's connection to PostgreSQL."""

import asyncio
import re
from functools import lru_cache
from typing import Any

from agent.storage.writer import Batch, Compressed, StoreDown, StoreFull, StoreTaken, Unwritable

_LOCK_ID = 0x70C51


@lru_cache(maxsize=512)
def numbered(sql: str) -> str:
    """`?` as `$1`, `$2`, … for asyncpg."""
    counter = iter(range(1, 1000))
    return re.sub(r"\?", lambda _: f"${next(counter)}", sql)


class PostgresWriter:
    """One asyncpg connection; an advisory lock makes it the only daemon on this database."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._db: Any = None
        self._turn = asyncio.Lock()
        """The line, a reload and a start share one connection, which does one thing at a time."""

    async def open(self) -> None:
        await self._connect()

    async def _connect(self) -> None:
        import asyncpg  # noqa: PLC0415 - an extra: needed only on PostgreSQL

        try:
            self._db = await asyncpg.connect(self.dsn, timeout=10, command_timeout=60)
            if not await self._db.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_ID):
                await self._db.close()
                self._db = None
                raise StoreTaken("another daemon is using this PostgreSQL database: stop it, or name another one")
        except StoreTaken:
            raise
        except Exception as error:  # whatever a driver raises is an outage, and ends no daemon
            await self._hang_up()
            raise StoreDown(f"PostgreSQL does not answer: {error or type(error).__name__}") from error

    async def commit(self, batch: Batch) -> None:
        async with self._turn:
            await self._commit(batch)

    async def _commit(self, batch: Batch) -> None:
        if self._db is None or self._db.is_closed():
            await self._connect()
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
        db, self._db = self._db, None
        if db is not None:
            db.terminate()

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self._turn:
            return await self._fetch(sql, *values)

    async def _fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        if self._db is None or self._db.is_closed():
            await self._connect()
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
