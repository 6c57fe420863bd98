"""Who may stay connected: whoever is slow to ask or slow to take an answer is cut, and there is room for one more."""

import asyncio
import resource
from typing import Any

import structlog
from aiohttp import web

log = structlog.get_logger("http")
ASK_WITHIN_S = 10.0
"""The line and the headers of a request are complete this long after they began, or after the connection was made."""
KEPT_S = 75.0
"""A connection that asks nothing is kept this long after its last answer."""
_TAKE_WITHIN_S = 120.0
"""An answer is taken from us within this."""
_LOOK_EVERY_S = 2.0
_MOST = 4096
_LEAST = 8
_SPARE = 40
"""Files that the store, its readers, the log and pages on their way need at the least."""


def most_connections() -> int:
    """How many connections fit beside the files that the daemon itself needs; takes all that the system grants."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return max(_LEAST, min(_MOST, soft - max(_SPARE, soft // 8)))


class Door:
    """The open connections, at most `most`; makes the protocol of each new one."""

    def __init__(self, server: web.Server, most: int) -> None:
        self._server, self._most = server, most
        self._loop = asyncio.get_running_loop()
        self.guests: dict[Guest, None] = {}
        """The connections, the oldest first."""
        self._late: set[Guest] = set()
        self._full = False
        self.ask_within_s = ASK_WITHIN_S
        self.take_within_s = _TAKE_WITHIN_S
        self._timer = self._loop.call_later(_LOOK_EVERY_S, self._look_again)

    def __call__(self) -> "Guest":
        return Guest(
            self, self._server, loop=self._loop, keepalive_timeout=KEPT_S, auto_decompress=False, access_log=None
        )

    def close(self) -> None:
        self._timer.cancel()

    def enter(self, guest: "Guest") -> None:
        """Where the house is full, whoever has been here longest without a request in hand leaves, else the new one.

        A sender that comes with a request is thus taken, however many others only hold a connection open.
        """
        if len(self.guests) >= self._most:
            if not self._full:
                log.warning("too many connections: the oldest that ask nothing are closed", most=self._most)
            self._full = True
            leaves = next((g for g in self.guests if g.asks_nothing), guest)
            self.guests.pop(leaves, None)
            leaves.cut()
            if leaves is guest:
                return
        self.guests[guest] = None

    def leave(self, guest: "Guest") -> None:
        self.guests.pop(guest, None)

    def look(self, now: float) -> None:
        """Cut whoever has taken too long by `now`, in seconds of the loop, and had already when it was looked before.

        Where it was we who were slow, what they sent meanwhile is read between the two looks.
        """
        late = {g for g in self.guests if g.is_too_slow(now, self.ask_within_s, self.take_within_s)}
        for guest in late & self._late:
            self.guests.pop(guest)
            guest.cut()
        self._late = late - self._late
        if self._full and len(self.guests) < self._most // 2:
            self._full = False

    def _look_again(self) -> None:
        self.look(self._loop.time())
        self._timer = self._loop.call_later(_LOOK_EVERY_S, self._look_again)


class Guest(web.RequestHandler):
    """One connection."""

    __slots__ = ("_asking_since", "_door", "_taking_since")

    def __init__(self, door: Door, server: web.Server, **protocol: Any) -> None:
        super().__init__(server, **protocol)
        self._door = door
        self._asking_since: float | None = self._loop.time()
        self._taking_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._door.enter(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._door.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._asking_since = None
        elif self._asking_since is None and self.asks_nothing:
            self._asking_since = self._loop.time()

    @property
    def asks_nothing(self) -> bool:
        """Whether it has no request in hand."""
        return self._waiter is not None

    def is_too_slow(self, now: float, ask_within_s: float, take_within_s: float) -> bool:
        if self._asking_since is not None and self.asks_nothing and now - self._asking_since >= ask_within_s:
            return True
        if self.transport is None or not self.transport.get_write_buffer_size():
            self._taking_since = None
        elif self._taking_since is None:
            self._taking_since = now
        return self._taking_since is not None and now - self._taking_since >= take_within_s

    def cut(self) -> None:
        """Close it without another word."""
        if self.transport is not None:
            self.transport.abort()
