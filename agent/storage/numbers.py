"""After a restore no number is given again that the lost part of the store had given: receivers know pages by it."""

import contextlib
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from agent.storage.database import sqlalchemy_url

_STEP = 1_000
_BEHIND, _AHEAD = timedelta(hours=12), timedelta(hours=14)
"""How far the clocks of time zones stand apart from UTC."""
_COUNTS = "SELECT day, count FROM counter"
_HEAD = "SELECT last_id, last_link FROM chain WHERE name = 'timeline'"
_UPSERT = "INSERT INTO counter (day, count) VALUES ({}, {}) ON CONFLICT (day) DO UPDATE SET count = excluded.count"


def counts_ahead(copy: Mapping[str, int], replaced: Mapping[str, int], now: datetime, *, exact: bool) -> dict[str, int]:
    """The counts with which days go on.

    `exact`: the store that was replaced has all that was given since the copy was made. Else those days that it may be
    now, and those from the last of the copy on, go on behind the next full thousand: nobody knows how many were given.
    """
    known = {day: max(copy.get(day, 0), replaced.get(day, 0)) for day in (*copy, *replaced)}
    if exact:
        return known
    today = {str(moment.date()) for moment in (now - _BEHIND, now, now + _AHEAD)}
    since = {day for day in known if day >= max(copy, default="")}
    return {day: (known.get(day, 0) // _STEP + 1) * _STEP for day in today | since}


def count_on_sqlite(copy: Path, replaced: Path, now: datetime) -> None:
    """Write into a copy how its days go on; `replaced` is the store in whose place it comes, where there is one."""
    with contextlib.closing(sqlite3.connect(copy)) as taken:
        head = taken.execute(_HEAD).fetchone()
        given, exact = _given(replaced, head)
        ahead = counts_ahead(dict(taken.execute(_COUNTS)), given, now, exact=exact)
        taken.executemany(_UPSERT.format("?", "?"), ahead.items())
        taken.commit()


def _given(replaced: Path, head: tuple[int, str] | None) -> tuple[dict[str, int], bool]:
    """What the replaced store has given; whether it is the copy's own: the head of the copy stands in its timeline."""
    if not replaced.is_file():
        return {}, False
    try:
        with contextlib.closing(sqlite3.connect(f"{replaced.absolute().as_uri()}?mode=ro", uri=True)) as store:
            same = head and store.execute("SELECT 1 FROM timeline WHERE id = ? AND link = ?", head).fetchone()
            return dict(store.execute(_COUNTS)), bool(same)
    except sqlite3.Error:
        return {}, False


async def given_postgres(url: str) -> dict[str, int]:
    """What a database has given so far; nothing where it is empty."""
    engine = create_async_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            if (await connection.execute(text("SELECT to_regclass('counter')"))).scalar() is None:
                return {}
            return {row[0]: row[1] for row in await connection.execute(text(_COUNTS))}
    finally:
        await engine.dispose()


async def count_on_postgres(url: str, replaced: Mapping[str, int], now: datetime) -> None:
    """Write into a database that was restored how its days go on."""
    ahead = counts_ahead(await given_postgres(url), replaced, now, exact=False)
    engine = create_async_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            rows = [{"day": day, "count": count} for day, count in ahead.items()]
            await connection.execute(text(_UPSERT.format(":day", ":count")), rows)
    finally:
        await engine.dispose()
