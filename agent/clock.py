"""The only place that may ask what time it is."""

import asyncio
import heapq
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol


class Clock(Protocol):
    """Time as the daemon sees it: aware UTC moments that a jump of the wall does not move."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float:
        """Seconds that only ever grow: for leases and deadlines."""
        ...

    async def sleep_until(self, due: datetime | None, wake: asyncio.Event | None = None) -> None:
        """Wait until `due` (None: for ever) or until `wake` is set, which is cleared on the way out."""
        ...


TOLERATED = timedelta(seconds=2)


class SystemClock:
    """The wall at start plus monotonic time (reliability R12): a wall that jumps moves nothing (decision 8)."""

    def __init__(self) -> None:
        self._wall = datetime.now(UTC)
        self._since = time.monotonic()

    def now(self) -> datetime:
        return self._wall + timedelta(seconds=time.monotonic() - self._since)

    def monotonic(self) -> float:
        return time.monotonic()

    def drift(self) -> timedelta:
        """How far the wall is ahead of this clock."""
        return datetime.now(UTC) - self.now()

    async def sleep_until(self, due: datetime | None, wake: asyncio.Event | None = None) -> None:
        wake = wake or asyncio.Event()
        span = None if due is None else max(0.0, (due - self.now()).total_seconds())
        try:
            async with asyncio.timeout(span):
                await wake.wait()
        except TimeoutError:
            pass
        wake.clear()


class HandClock:
    """A clock that a test, a rehearsal or a replay moves."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._start = now
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []
        self._order = count()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def set(self, now: datetime) -> None:
        """Move to a moment; it never goes back."""
        self._now = max(now, self._now)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            heapq.heappop(self._sleepers)[2].set()

    async def sleep_until(self, due: datetime | None, wake: asyncio.Event | None = None) -> None:
        wake = wake or asyncio.Event()
        if due is not None:
            if due <= self._now:
                wake.clear()
                return
            heapq.heappush(self._sleepers, (due, next(self._order), wake))
        await wake.wait()
        wake.clear()
