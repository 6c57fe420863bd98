"""A supervisor is told what is so: ready when alerts are taken, alive while the engine works."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.deciders import DECIDERS
from agent.intents import Noted, TimePassed
from agent.loops.cycle import Cycle
from agent.loops.supervisor import NotifySocket, Supervisor
from agent.loops.ticker import Ticker
from agent.rehearsal.house import House
from agent.storage.writer import Batch, StoreDown
from tests.house import DISK_FULL, alert, message

WATCHDOG = timedelta(seconds=60)


class Listening:
    """The supervisor's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(address.replace("@", "\0", 1))

    def heard(self) -> list[str]:
        """What came since it was last asked."""
        came: list[str] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                came.append(self._socket.recv(4096).decode())
        return came

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    there = Listening(str(tmp_path / "notify"))
    yield there
    there.close()


class Engine:
    """The line, the escalation loop and what tells of them, on a hand clock."""

    def __init__(self, house: House, there: Listening) -> None:
        self.house, self.there = house, there
        self.cycle = cycle = Cycle(house.clock)
        self.supervisor = Supervisor(NotifySocket(there.address, WATCHDOG), house.pipeline, cycle, house.clock)
        self.loops = (house.pipeline.run, Ticker(house.pipeline, house.clock, cycle).run, self.supervisor.run)

    async def after(self, **units: float) -> list[str]:
        """Let time pass second by second, all done that can be; what the supervisor heard meanwhile."""
        came: list[str] = []
        for _ in range(int(timedelta(**units).total_seconds())):
            self.house.clock.set(self.house.now + timedelta(seconds=1))
            came += await self.rested()
        return came

    def is_late(self) -> bool | None:
        """Whether health says that no cycle was completed for too long; None before the first."""
        late = self.cycle.late_s()
        return None if late is None else late > self.cycle.patience_s

    async def rested(self) -> list[str]:
        for _ in range(50):
            await asyncio.sleep(0)
        return self.there.heard()


@pytest.fixture
async def engine(house: House, listening: Listening) -> AsyncIterator[Engine]:
    engine = Engine(house, listening)
    tasks = [asyncio.create_task(loop()) for loop in engine.loops]
    yield engine
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_ready_is_told_once_and_life_twice_in_each_span(engine: Engine) -> None:
    assert await engine.after(minutes=10) == ["READY=1", *["WATCHDOG=1"] * 20]


async def test_ready_is_told_when_alerts_are_taken_and_not_before(house: House, listening: Listening) -> None:
    house.pipeline.health.down = "it is away"
    supervisor = Supervisor(NotifySocket(listening.address), house.pipeline, Cycle(house.clock), house.clock)
    waiting = asyncio.create_task(supervisor.run())
    for _ in range(50):
        house.clock.set(house.now + timedelta(seconds=1))
        await asyncio.sleep(0)
    assert listening.heard() == []
    house.pipeline.health.down = ""
    house.clock.set(house.now + timedelta(seconds=1))
    while not (heard := listening.heard()):  # noqa: ASYNC110 - a datagram
        await asyncio.sleep(0)
    assert heard == ["READY=1"]
    waiting.cancel()


async def test_no_sign_of_life_comes_from_a_line_that_stands(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    await engine.after(minutes=1)
    goes_on, commit = asyncio.Event(), engine.house.writer.commit

    async def stands(batch: Batch) -> None:
        await goes_on.wait()
        await commit(batch)

    monkeypatch.setattr(engine.house.writer, "commit", stands)
    engine.house.pipeline.put(Noted("ana", "looked", {}))
    await engine.rested()
    assert await engine.after(minutes=10) == []
    goes_on.set()
    assert await engine.after(seconds=6) == ["WATCHDOG=1"]


async def test_no_cycle_is_completed_while_the_line_stands_though_nothing_is_due(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.after(minutes=1)
    assert engine.house.desk.next_due() is None
    assert engine.is_late() is False
    goes_on, commit = asyncio.Event(), engine.house.writer.commit

    async def stands(batch: Batch) -> None:
        await goes_on.wait()
        await commit(batch)

    monkeypatch.setattr(engine.house.writer, "commit", stands)
    engine.house.pipeline.put(Noted("ana", "looked", {}))
    await engine.after(seconds=40)
    assert engine.is_late() is True
    goes_on.set()
    await engine.after(seconds=6)
    assert engine.is_late() is False


async def test_no_sign_of_life_comes_while_a_round_of_the_escalation_loop_does_not_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.after(minutes=1)
    goes_on, look = asyncio.Event(), Ticker._look

    async def stuck(self: Ticker, *now: Any) -> None:
        await goes_on.wait()
        await look(self, *now)

    monkeypatch.setattr(Ticker, "_look", stuck)
    await engine.after(seconds=6)
    assert await engine.after(minutes=10) == []
    goes_on.set()
    assert await engine.rested() == ["WATCHDOG=1"]


async def test_signs_of_life_go_on_while_the_store_is_down_for_another_start_would_not_mend_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.house.receive(message(alert(DISK_FULL)))
    await engine.after(minutes=1)

    async def down(_: Batch) -> None:
        raise StoreDown("it is away")

    monkeypatch.setattr(engine.house.writer, "commit", down)
    engine.house.pipeline.put(Noted("ana", "looked", {})).add_done_callback(lambda refused: refused.exception())
    assert await engine.after(minutes=10) == ["WATCHDOG=1"] * 20
    assert engine.house.pipeline.health.down == "it is away"


async def test_what_cannot_be_decided_is_put_aside_and_no_reason_to_start_anew(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    await engine.house.receive(message(alert(DISK_FULL)))
    await engine.after(minutes=1)
    monkeypatch.setitem(DECIDERS, TimePassed, broken)
    assert await engine.after(minutes=3) == ["WATCHDOG=1"] * 6


async def test_a_reload_and_the_end_are_told(engine: Engine) -> None:
    await engine.after(seconds=6)
    with pytest.raises(ZeroDivisionError), engine.supervisor.reloading():
        assert engine.there.heard() == ["RELOADING=1"]
        raise ZeroDivisionError
    assert engine.there.heard() == ["READY=1"]
    with engine.supervisor.reloading():
        engine.supervisor.stopping()
    assert engine.there.heard() == ["RELOADING=1", "STOPPING=1"]


def test_a_reload_before_the_start_is_over_is_a_part_of_the_start(house: House, listening: Listening) -> None:
    supervisor = Supervisor(NotifySocket(listening.address), house.pipeline, Cycle(house.clock), house.clock)
    with supervisor.reloading():
        pass
    assert listening.heard() == []


def test_an_abstract_socket_is_told_too() -> None:
    there = Listening(f"@tocsin-test-{os.getpid()}")
    assert NotifySocket(there.address).tell("READY=1")
    assert there.heard() == ["READY=1"]
    there.close()


async def test_a_supervisor_that_went_away_costs_nothing(engine: Engine, tmp_path: Path) -> None:
    await engine.rested()
    engine.there.close()
    assert not NotifySocket(str(tmp_path / "nobody")).tell("READY=1")
    engine.house.clock.set(engine.house.now + WATCHDOG)
    for _ in range(50):
        await asyncio.sleep(0)
    await engine.house.pipeline.submit(TimePassed())


@pytest.mark.parametrize(
    ("environment", "watchdog"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "60000000"}, WATCHDOG),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, WATCHDOG),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "60000000"}, None),
    ],
)
def test_what_the_environment_asks_for(environment: dict[str, str], watchdog: timedelta | None) -> None:
    asked = NotifySocket.of(environment)
    assert asked.watchdog == watchdog
    if watchdog is None:
        assert asked.tell("READY=1") is (not environment.get("NOTIFY_SOCKET", "").startswith("/"))
