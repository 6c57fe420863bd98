"""Time passes for every incident, whatever is wrong with one of them."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from agent.deciders import DECIDERS, ticks
from agent.intents import NoticesDue
from agent.loops.cycle import Cycle
from agent.loops.ticker import Ticker
from agent.rehearsal.house import House
from agent.turn import Turn
from correlation.incident import Incident
from tests.house import alert, message


async def done(house: House, work: Awaitable[Any]) -> None:
    """Wait for what goes through the line, which is drained by hand."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
        await house.pipeline.drain_once()
    task.result()


def own(house: House) -> list[str]:
    return [i.title for i in house.incidents() if i.source == "self"]


async def taken(house: House) -> dict[int, int]:
    """How many steps of each incident have their record."""
    return dict(await house.writer.fetch("SELECT incident_id, count(*) FROM step WHERE outcome <> '' GROUP BY 1"))


@pytest.fixture
async def three(house: House) -> House:
    for kind, name in (("DiskFull", "db-1"), ("LinkDown", "sw-2"), ("CertificateExpires", "shop-3")):
        labels = {"alertname": kind, "instance": name, "severity": "critical"}
        await house.receive(message(alert(labels), groupKey=kind))
    house.clock.set(house.now + timedelta(hours=2))
    return house


async def test_an_incident_that_cannot_be_decided_holds_up_no_other_and_is_told(
    three: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = three.incidents()
    look_at = ticks.look_at

    def broken(turn: Turn, incident: Incident) -> None:
        look_at(turn, incident)
        if incident.id == second.id:
            raise ZeroDivisionError

    before = await taken(three)
    monkeypatch.setattr(ticks, "look_at", broken)
    ticker = Ticker(three.pipeline, three.clock, Cycle(three.clock))
    await done(three, ticker.pass_time())
    after = await taken(three)
    assert [after[i.id] > before[i.id] for i in (first, second, third)] == [True, False, True]
    assert any(second.number in title for title in own(three))
    assert ticker.is_held_up
    await done(three, ticker.pass_time())
    assert three.desk.next_due() > three.now  # type: ignore[operator]

    monkeypatch.undo()
    three.clock.set(three.now + timedelta(minutes=1))
    await done(three, ticker.pass_time())
    assert (await taken(three))[second.id] > before[second.id]
    assert not ticker.is_held_up


async def test_steps_are_taken_where_what_time_brings_to_alerts_cannot_be_decided(
    three: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ticks, "settle", broken)
    before = (await three.writer.fetch("SELECT count(*) FROM step WHERE outcome = 'paged'"))[0][0]
    await done(three, Ticker(three.pipeline, three.clock, Cycle(three.clock)).pass_time())
    assert (await three.writer.fetch("SELECT count(*) FROM step WHERE outcome = 'paged'"))[0][0] > before


async def test_notices_that_cannot_be_decided_are_told_and_tried_again_in_a_minute(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[NoticesDue] = []

    def broken(turn: Turn, intent: NoticesDue) -> None:
        tried.append(intent)
        raise ZeroDivisionError

    monkeypatch.setitem(DECIDERS, NoticesDue, broken)
    ticker = Ticker(house.pipeline, house.clock, Cycle(house.clock))
    await done(house, ticker.pass_notices(house.now))
    await done(house, ticker.pass_notices(house.now + timedelta(seconds=59)))
    assert (len(tried), ticker.is_held_up, len(own(house))) == (1, True, 1)
    await done(house, ticker.pass_notices(house.now + timedelta(seconds=60)))
    assert len(tried) == 2
