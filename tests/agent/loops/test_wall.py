"""A wall clock that was set back while nothing ran holds nothing up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.clock import HandClock, SystemClock
from agent.configuration.load import load
from agent.evidence import examine
from agent.group import Group
from agent.loops.wall import WallWatch, follow_wall
from agent.rehearsal.house import House
from agent.storage.sqlite import SqliteWriter
from agent.storage.writer import Batch, StoreDown
from collectors.alert import Level
from collectors.forecast import Trend
from collectors.inspections import heartbeat
from collectors.thresholds import State
from collectors.ups import UpsState
from tests.house import DISK_FULL, SITE, START, alert, at, message

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


class HandWall(HandClock):
    """A clock beside a wall that a test moves; seconds go on whatever either says."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.ahead = timedelta()

    def drift(self) -> timedelta:
        return self.ahead

    def adopt(self, shift: timedelta) -> None:
        self._now, self._start, self.ahead = self._now + shift, self._start + shift, self.ahead - shift


class Watched:
    """A house whose wall is watched."""

    def __init__(self, house: House, *, synchronised: bool = True) -> None:
        self.house, self.wall = house, HandWall(START)
        house.clock = house.pipeline.clock = self.wall
        self.moved: list[timedelta] = []
        metrics = house.pipeline.metrics
        self.watch = WallWatch(self.wall, house.pipeline, metrics, self.moved.append, lambda: synchronised)

    async def look(self) -> None:
        looked = asyncio.ensure_future(self.watch.look())
        while not looked.done():
            await asyncio.sleep(0)
            await self.house.pipeline.drain_once()
        looked.result()
        await self.house.settle()

    async def jump(self, by: timedelta) -> None:
        """The wall jumps, and stays there for a minute and a bit."""
        self.wall.ahead += by
        await self.look()
        await self.house.advance(seconds=30)
        await self.look()
        await self.house.advance(seconds=31)
        await self.look()


async def night(jump: timedelta, then: Callable[[House], Awaitable[None]]) -> list[tuple[float, str]]:
    """Which pages the incident of a night had, and after how many seconds; the wall jumped after three minutes."""
    house = House(load(SITE), START)
    watched = Watched(house)
    await house.open()
    began = watched.wall.monotonic()
    seen: list[tuple[float, str]] = []

    def note(_: Group) -> None:
        after = round(watched.wall.monotonic() - began, 3)
        seen.extend((after, sent.step) for sent in house.sent[len(seen) :])

    house.pipeline.committed.append(note)
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    await house.advance(minutes=3)
    if jump:
        await watched.jump(jump)
        assert watched.moved == [jump]
    else:
        await house.advance(seconds=61)
    await then(house)
    await house.advance(hours=5)
    await house.close()
    return [told for told, sent in zip(seen, house.sent, strict=True) if sent.incident == number]


async def nothing(house: House) -> None:
    pass


async def is_raised(house: House) -> None:
    await house.act(house.incidents()[0].number, "set-severity", {"severity": 1, "reason": "worse"}, who="pat")


async def is_restarted(house: House) -> None:
    await house.restart()


async def recovers_and_relapses(house: House) -> None:
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    await house.advance(minutes=20)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))


@pytest.mark.parametrize("then", [nothing, is_raised, is_restarted, recovers_and_relapses])
async def test_every_page_of_a_night_keeps_its_distance_whatever_the_wall_does(
    then: Callable[[House], Awaitable[None]],
) -> None:
    undisturbed = await night(timedelta(), then)
    assert len(undisturbed) > 3
    for jump in (timedelta(seconds=3), HOUR, -HOUR, -timedelta(days=1)):
        assert await night(jump, then) == undisturbed


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    house = await House(load(SITE), START).open()
    yield Watched(house)
    await house.close()


async def test_a_jump_is_told_and_adopted_after_a_minute_and_then_its_incident_ends(watched: Watched) -> None:
    watched.wall.ahead = HOUR
    await watched.look()
    (incident,) = watched.house.incidents()
    assert incident.open_alerts == 1
    await watched.house.advance(seconds=59)
    await watched.look()
    assert watched.moved == []
    await watched.house.advance(seconds=1)
    await watched.look()
    assert (watched.moved, watched.wall.drift()) == ([HOUR], timedelta())
    assert watched.house.incidents()[0].open_alerts == 0


async def test_a_wall_of_which_the_kernel_does_not_say_that_it_is_right_is_told_and_moves_nothing() -> None:
    house = await House(load(SITE), START).open()
    watched = Watched(house, synchronised=False)
    await watched.jump(HOUR)
    await watched.jump(HOUR)
    assert (watched.moved, house.incidents()[0].open_alerts) == ([], 1)
    await house.close()


async def test_a_wall_that_jumps_on_is_adopted_only_when_it_has_stood_for_a_minute(watched: Watched) -> None:
    for _ in range(5):
        watched.wall.ahead += HOUR
        await watched.look()
        await watched.house.advance(seconds=59)
        await watched.look()
    assert watched.moved == []


async def test_what_counts_business_time_is_counted_anew_and_the_incident_says_why() -> None:
    """Eight hours late: what was to come this afternoon comes in the hours of another day."""
    config = load(SITE)
    least = config.sla.default[4].model_copy(update={"calendar": "business"})
    sla = config.sla.model_copy(update={"default": {**config.sla.default, 4: least}})
    house = await House(replace(config, sla=sla), START).open()
    watched = Watched(house)
    number = (await house.report({"title": "it is slow", "urgency": 4, "impact": 4, "group": "sys-ops"})).number
    calendar = house.desk.ladder.terms.calendar(house.incident(number))
    assert calendar is house.config.calendars["business"]
    await watched.jump(timedelta(hours=8))
    incident = house.incident(number)
    assert incident.opened_at == START + timedelta(hours=8)
    steps = {s.planned.step.id: s for s in house.desk.agenda.of(incident.id) if s.planned.step.clock == "resolution"}
    target = timedelta(seconds=incident.targets["resolve_s"])
    assert steps["p100"].due_at == incident.resolve_due_at == calendar.add(incident.opened_at, target)
    told = [facts for _, kind, _, facts in await house.timeline(number) if kind == "clock_adopted"]
    assert told == [{"shift_s": 8 * 3600}]
    await house.close()


async def test_an_adoption_that_the_store_does_not_take_is_tried_again(watched: Watched) -> None:
    house, commit = watched.house, watched.house.writer.commit
    await house.receive(message(alert(DISK_FULL)))
    failing = True

    async def fails(batch: Batch) -> None:
        if failing and any("UPDATE step" in sql for sql, _ in batch):
            raise StoreDown("it is away")
        await commit(batch)

    house.writer.commit = fails  # type: ignore[method-assign]  # a store that is away for a moment
    watched.wall.ahead = HOUR
    await watched.look()
    await house.advance(seconds=61)
    with pytest.raises(StoreDown):
        await watched.look()
    assert watched.moved == []
    failing = False
    await watched.look()
    assert watched.moved == [HOUR]
    assert all(s.due_at > house.now for s in house.desk.agenda.of(house.incidents()[0].id) if s.due_at)


def test_what_inspections_count_keeps_its_length(tmp_path: Path) -> None:
    later = HOUR
    heart = heartbeat.Inspect(
        "h", heartbeat.Config.model_validate({"type": "heartbeat", "every": "1m", "within": "10m", "job": "j"})
    )
    heart.beat(START)
    heart.moved(later)
    assert asyncio.run(heart.read(START + later + timedelta(minutes=9)))[0].level is None  # type: ignore[union-attr]
    state = State(Level.WARN, START, None).moved(later)
    assert state == State(Level.WARN, START + later, None)
    assert UpsState((), START).moved(-later) == UpsState((), START - later)
    trend = Trend(timedelta(hours=6), timedelta(minutes=30))
    for minute in range(60):
        trend.add(START + timedelta(minutes=minute), 1000 + minute)
    before = trend.full_in(100)
    trend.moved(-later)
    trend.add(START, 1060)
    assert trend.full_in(99) == pytest.approx(before, rel=0.05)


def test_the_clock_of_the_system_is_ahead_by_what_it_adopts() -> None:
    clock = SystemClock()
    clock.adopt(HOUR)
    assert abs(clock.drift() + HOUR) < timedelta(minutes=1)
