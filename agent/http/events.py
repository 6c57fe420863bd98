"""`GET /api/v1/events`: what changes, as it is committed (server-sent events)."""

import asyncio
import contextlib
import json
from collections import deque
from typing import TYPE_CHECKING

from aiohttp import web

from agent.group import Group
from agent.http.auth import require
from agent.http.calls import answer_to, read_query
from agent.http.problems import Problem
from correlation.permission import owns

if TYPE_CHECKING:
    from agent.http.api import Api
    from correlation.permission import Actor

MOST_WAITING = 256
"""Events that wait for one reader; one more, and it is told to read everything anew."""
MOST_READERS = 200
PING_S = 15.0
WRITE_DEADLINE_S = 30.0


class Stream:
    """One reader: what waits for it, bounded; `push` never blocks."""

    def __init__(self, actor: "Actor") -> None:
        self.actor = actor
        self.wake = asyncio.Event()
        self.closed = False
        self._waiting: deque[bytes] = deque()

    def push(self, event: bytes) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            event = _RESYNC
        self._waiting.append(event)
        self.wake.set()

    def take(self) -> bytes:
        """All that waits, to be written."""
        taken = b"".join(self._waiting)
        self._waiting.clear()
        self.wake.clear()
        return taken

    def close(self) -> None:
        self.closed = True
        self.wake.set()


_RESYNC = b"event: resync\ndata: {}\n\n"


class Events:
    """The readers, fed by the line after each commit."""

    def __init__(self, api: "Api") -> None:
        self._api = api
        self.streams: set[Stream] = set()
        self._count = 0
        api.pipeline.committed.append(self.committed)

    def committed(self, group: Group) -> None:
        """Tell the readers what a group changed."""
        if not self.streams:
            return
        desk = self._api.pipeline.desk
        for incident_id, kind in group.events:
            incident = group.incidents.get(incident_id) or desk.board.incidents.get(incident_id)
            if incident is None:
                continue
            self._count += 1
            data = json.dumps({"number": incident.number, "kind": kind, "version": incident.version})
            event = f"id: {self._count}\nevent: incident\ndata: {data}\n\n".encode()
            paged = desk.outbox.paged(incident_id)
            for stream in self.streams:
                if not stream.actor.outside or owns(stream.actor, incident, paged, shared=True):
                    stream.push(event)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One reader's stream, until it goes, its token is revoked, or the daemon stops."""
        actor = await self._api.caller(request)
        require(actor, "events")
        read_query(request.query, None)
        if len(self.streams) >= MOST_READERS:
            raise Problem(503, "too many readers of events", {"Retry-After": "5"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        stream = Stream(actor)
        if "Last-Event-ID" in request.headers:
            stream.push(_RESYNC)
        self.streams.add(stream)
        try:
            await _write(response, b": welcome\n\n")
            while not stream.closed and await self._one_turn(request, response, stream):
                pass
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            self.streams.discard(stream)
        return response

    async def _one_turn(self, request: web.Request, response: web.StreamResponse, stream: Stream) -> bool:
        """Write what waits, or a sign of life; False where the reader may no longer read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PING_S):
                await stream.wake.wait()
        actor = await self._api.auth.actor_of(request)
        if actor is None:
            return False
        stream.actor = actor
        await _write(response, stream.take() or b": still here\n\n")
        return True

    async def close(self) -> None:
        """End all streams: the daemon stops."""
        for stream in self.streams:
            stream.close()


async def _write(response: web.StreamResponse, data: bytes) -> None:
    """Write within a deadline: a reader that does not read is cut off. Raises TimeoutError, ConnectionError."""
    async with asyncio.timeout(WRITE_DEADLINE_S):
        await response.write(data)


def add(app: web.Application, api: "Api") -> None:
    """Add the route, and the end of all streams at shutdown."""

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            return await api.events.serve(request)
        except Exception as error:  # the rim of a request
            return answer_to(error)

    app.router.add_get("/api/v1/events", serve, allow_head=False)
    app.on_shutdown.append(lambda _: api.events.close())
