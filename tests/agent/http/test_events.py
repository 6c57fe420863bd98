"""The stream of events."""

import asyncio

import aiohttp

from agent import tokens
from agent.http.events import MOST_WAITING, Stream
from correlation.permission import Actor
from tests.agent.http.serving import LINK_DOWN, Served


async def line(response: aiohttp.ClientResponse, start: bytes) -> bytes:
    """The next line that starts so."""
    async with asyncio.timeout(20):
        while True:
            found = await response.content.readline()
            assert found, "the stream has ended"
            if found.startswith(start):
                return found


async def listen(api: Served, person: str, **headers: str) -> aiohttp.ClientResponse:
    sent = {"Authorization": f"Bearer {await api.token(person)}", **headers}
    response = await api.session.get(api.url + "/api/v1/events", headers=sent)
    await line(response, b": welcome")
    return response


async def test_what_is_committed_is_told(api: Served) -> None:
    response = await listen(api, "vic")
    assert response.content_type == "text/event-stream"
    number = await api.open_incident()
    assert await line(response, b"event") == b"event: incident\n"
    assert f'"number": "{number}"'.encode() in await line(response, b"data")
    response.close()


async def test_a_customer_is_told_of_what_is_theirs_alone(api: Served) -> None:
    response = await listen(api, "cus")
    await api.open_incident(LINK_DOWN)
    mine = await api.report("my screen is black", as_="cus")
    assert f'"number": "{mine}"'.encode() in await line(response, b"data")
    response.close()


async def test_who_was_away_is_told_to_read_everything_anew(api: Served) -> None:
    response = await listen(api, "vic", **{"Last-Event-ID": "7"})
    assert await line(response, b"event") == b"event: resync\n"
    response.close()


async def test_a_stream_ends_when_its_token_is_revoked(api: Served) -> None:
    await api.token("vic")
    response = await listen(api, "vic")
    (row,) = [t for t in await tokens.listed(api.daemon.writer) if t.person == "vic"]
    await tokens.revoke(api.daemon.writer, row.id, api.clock.now())
    async with asyncio.timeout(20):
        while not response.content.at_eof():
            await api.report("it goes on")
            await response.content.readany()
    assert response.content.at_eof()


async def test_nobody_listens_without_a_token(api: Served) -> None:
    assert (await api.get("/api/v1/events", as_="")).status == 401


def test_a_reader_that_does_not_read_costs_a_bounded_queue_and_a_resync() -> None:
    stream = Stream(Actor("vic", frozenset({"viewer"})))
    for place in range(MOST_WAITING):
        stream.push(f"id: {place}\n\n".encode())
    assert stream.take().count(b"id: ") == MOST_WAITING
    for place in range(MOST_WAITING + 1):
        stream.push(f"id: {place}\n\n".encode())
    stream.push(b"id: last\n\n")
    assert stream.take() == b"event: resync\ndata: {}\n\nid: last\n\n"
