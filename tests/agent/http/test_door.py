"""Connections: whoever is slow to ask or to take an answer is cut, and a sender finds room whoever else holds on."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from agent.http.door import ASK_WITHIN_S, Door, most_connections
from agent.http.listening import serving

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HUGE = 64 * 1024 * 1024


@dataclass
class Open:
    """A connection as its client holds it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self) -> bytes:
        self.writer.write(GET)
        return await self.reader.readuntil(b"ok")

    async def is_cut(self, meanwhile: Callable[[], None]) -> bool:
        """Wait until the other side has gone, doing this again and again."""
        end = asyncio.ensure_future(self.reader.read(HUGE))
        while not end.done():
            meanwhile()
            await asyncio.wait([end], timeout=0.01)
        return isinstance(end.exception(), ConnectionError) or end.result() == b""


@dataclass
class House:
    door: Door
    port: int
    held: asyncio.Event
    connections: list[Open] = field(default_factory=list)

    async def connect(self) -> Open:
        self.connections.append(Open(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.connections[-1]

    def look(self, seconds: float) -> None:
        """Look as if so many seconds had passed."""
        self.door.look(asyncio.get_running_loop().time() + seconds)


@asynccontextmanager
async def house(most: int = 100) -> AsyncIterator[House]:
    held = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path == "/held":
            await held.wait()
        if request.path == "/huge":
            return web.Response(body=bytes(HUGE))
        return web.Response(text="ok")

    server = web.Server(answer)
    door = Door(server, most)
    listener = await asyncio.get_running_loop().create_server(door, "127.0.0.1", 0)
    try:
        served = House(door, listener.sockets[0].getsockname()[1], held)
        yield served
    finally:
        held.set()
        for guest in served.connections:
            guest.writer.transport.abort()
        listener.close()
        door.close()
        await server.shutdown(1.0)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(100_000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError(holds)


Begin = Callable[[Open], Awaitable[object]]


async def says_nothing(guest: Open) -> None:
    pass


async def begins(guest: Open) -> None:
    guest.writer.write(b"POST /webhooks/alertmanager/am HTTP/1.1\r\nX-Slow: ")
    await guest.writer.drain()


async def begins_again(guest: Open) -> None:
    assert b"200 OK" in await guest.ask()
    await begins(guest)


@pytest.mark.parametrize("begin", [says_nothing, begins, begins_again])
async def test_whoever_is_slow_to_ask_is_cut_without_an_answer(begin: Begin) -> None:
    async with house() as served:
        guest = await served.connect()
        await begin(guest)
        assert await guest.is_cut(lambda: served.look(ASK_WITHIN_S + 1))


async def test_a_sender_that_rests_between_two_requests_is_kept() -> None:
    async with house() as served:
        guest = await served.connect()
        await guest.ask()
        served.look(ASK_WITHIN_S * 6)
        assert b"200 OK" in await guest.ask()


async def test_a_request_in_hand_is_not_cut_however_long_it_takes() -> None:
    async with house() as served:
        guest = await served.connect()
        guest.writer.write(GET.replace(b"/", b"/held", 1))
        await guest.writer.drain()
        other = await served.connect()
        await other.ask()
        served.look(ASK_WITHIN_S * 6)
        served.held.set()
        assert b"200 OK" in await guest.reader.readuntil(b"ok")


async def test_whoever_does_not_take_an_answer_is_cut() -> None:
    async with house() as served:
        guest = await served.connect()
        guest.writer.write(GET.replace(b"/", b"/huge", 1))
        await guest.reader.readuntil(b"\r\n\r\n")
        guest.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a client that stops reading

        def all_gone() -> bool:
            served.look(0)
            served.look(1000)
            served.look(1000)
            return not served.door.guests

        await until(all_gone)


async def test_where_the_house_is_full_a_sender_comes_in_and_who_asks_nothing_leaves() -> None:
    async with house(most=8) as served:
        idle = [await served.connect() for _ in range(40)]
        for _ in range(20):
            sender = await served.connect()
            assert b"200 OK" in await sender.ask()
        assert await idle[0].is_cut(lambda: None)


async def test_where_everybody_has_a_request_in_hand_the_new_one_is_turned_away() -> None:
    async with house(most=8) as served:
        busy = [await served.connect() for _ in range(8)]
        for guest in busy:
            guest.writer.write(GET.replace(b"/", b"/held", 1))
            await guest.writer.drain()
        await until(lambda: len(served.door.guests) == 8 and not any(g.asks_nothing for g in served.door.guests))
        late = await served.connect()
        assert await late.is_cut(lambda: None)
        served.held.set()
        for guest in busy:
            assert b"200 OK" in await guest.reader.readuntil(b"ok")


def test_all_files_that_the_system_grants_are_taken_and_some_are_kept_for_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    granted = [(64, 1024)]
    monkeypatch.setattr(resource, "getrlimit", lambda which: granted[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, limit: granted.append(limit))
    assert most_connections() == 1024 - 128
    assert granted[-1] == (1024, 1024)
    granted.append((64, 64))
    assert most_connections() == 24


async def test_what_the_daemon_serves_goes_through_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (48, 48))
    async with serving(web.Application(), "127.0.0.1:0") as port:
        opened = [Open(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(9)]
        assert await opened[0].is_cut(lambda: None)
        for guest in opened:
            guest.writer.transport.abort()


async def test_a_request_that_waited_while_we_were_busy_is_answered() -> None:
    """The loop stood still for longer than the deadline: the clock is looked at before what was sent is read."""
    async with house() as served:
        guest = await served.connect()
        await until(lambda: len(served.door.guests) == 1)
        guest.writer.write(GET)
        served.look(ASK_WITHIN_S + 1)
        assert b"200 OK" in await guest.reader.readuntil(b"ok")
        served.look(ASK_WITHIN_S + 3)
        assert b"200 OK" in await guest.ask()
