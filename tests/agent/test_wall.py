"""A wall clock that was set back while nothing ran holds nothing up."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.config import load
from agent.database import SqliteWriter
from agent.evidence import examine
from agent.house import House
from agent.wall import follow_wall
from tests.house import DISK_FULL, SITE, START, alert, message

HOUR = timedelta(hours=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteWriter]:
    """The store of a house that ended in the middle of an incident, a minute after it began."""
    path = str(tmp_path / "tocsin.db")
    house = House(load(SITE), START)
    house.writer = house.pipeline.writer = SqliteWriter(path, inline=True)
    await house.open()
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(minutes=1)
    await house.receive(message(alert({**DISK_FULL, "instance": "other"})))
    await house.close()
    writer = SqliteWriter(path, inline=True)
    await writer.open()
    yield writer
    await writer.close()


async def pending(store: SqliteWriter) -> list[tuple[Any, ...]]:
    return await store.fetch("SELECT id, due_at, planned_at FROM step WHERE outcome = '' ORDER BY id")


def earlier(rows: list[tuple[Any, ...]], by: timedelta) -> list[tuple[Any, ...]]:
    return [(id_, *(at if at is None else at - by for at in moments)) for id_, *moments in rows]


async def test_steps_keep_their_distance_when_the_wall_is_behind_the_last_decision(store: SqliteWriter) -> None:
    before = await pending(store)
    ended = START + timedelta(minutes=1)
    assert await follow_wall(store, ended - HOUR) == HOUR
    assert await pending(store) == earlier(before, HOUR)
    assert len(before) > 2


async def test_a_second_start_moves_nothing_again(store: SqliteWriter) -> None:
    await follow_wall(store, START - HOUR)
    once = await pending(store)
    assert await follow_wall(store, START - HOUR + timedelta(seconds=5)) == timedelta()
    assert await pending(store) == once


@pytest.mark.parametrize("now", [START + timedelta(seconds=59), START + HOUR, START + timedelta(days=400)])
async def test_a_wall_that_went_on_moves_nothing(store: SqliteWriter, now: datetime) -> None:
    before = await pending(store)
    assert await follow_wall(store, now) == timedelta()
    assert await pending(store) == before


async def test_it_is_on_the_record_and_the_evidence_is_whole(store: SqliteWriter) -> None:
    await follow_wall(store, START - HOUR)
    assert [what for (what,) in await store.fetch("SELECT what FROM audit")] == ["clock went back"]
    assert (await examine(f"sqlite:///{store.path}", {})).faults == []


async def test_an_empty_store_has_nothing_to_move(tmp_path: Path) -> None:
    house = House(load(SITE), START)
    await house.open()
    assert await follow_wall(house.writer, START - HOUR) == timedelta()
    await house.close()
