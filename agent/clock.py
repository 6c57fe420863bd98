"""The only place that may ask what time it is."""

import asyncio
import ctypes
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
    """The wall at start plus the time since: a wall that jumps moves nothing by itself (docs/decisions/0008).

    The time that the machine was suspended for has passed: what came due meanwhile is due.
    """

    def __init__(self) -> None:
        self._wall = datetime.now(UTC)
        self._since = _running_s()

    def now(self) -> datetime:
        return self._wall + timedelta(seconds=_running_s() - self._since)

    def monotonic(self) -> float:
        return time.monotonic()

    def drift(self) -> timedelta:
        """How far the wall is ahead of this clock."""
        return datetime.now(UTC) - self.now()

    def adopt(self, shift: timedelta) -> None:
        """Be ahead by this much from now on."""
        self._wall += shift

    async def sleep_until(self, due: datetime | None, wake: asyncio.Event | None = None) -> None:
        wake = wake or asyncio.Event()
        span = None if due is None else max(0.0, (due - self.now()).total_seconds())
        try:
            async with asyncio.timeout(span):
                await wake.wait()
        except TimeoutError:
            pass
        wake.clear()


def _running_s() -> float:
    """Seconds since the machine started, those that it was suspended for included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


_TIMEX_BYTES = 512
"""More than any kernel writes into its `struct timex`; zeroed, it asks and sets nothing."""
_UNSYNCHRONISED = 5


def kernel_is_synchronised() -> bool:
    """Whether the kernel's clock is kept right by NTP or PTP, as far as the kernel knows (adjtimex)."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= int(state) < _UNSYNCHRONISED


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
