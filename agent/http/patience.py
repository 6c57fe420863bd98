"""Whoever calls is answered in time, also while the store stands still."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from agent.http.problems import Problem

T = TypeVar("T")
READ_WITHIN_S = 60.0
_STANDS_STILL_S = 15.0
"""Longer than a body may take: one that comes too slowly is told as such."""
_FAREWELL_S = 5.0
_WAIT = {"Retry-After": "5"}
_UNREAD = "the store does not answer now: try again"
UNKNOWN = (
    "the store has not answered in time: whether this is done is not known, and it may still be. Look what is there, "
    "or ask again with the same Idempotency-Key"
)


class Patience:
    """How long an answer is waited for. `committed_at` is when the last commit was over, in seconds of the loop."""

    def __init__(self, committed_at: Callable[[], float], stands_still_s: float = _STANDS_STILL_S) -> None:
        self._committed_at, self.stands_still_s = committed_at, stands_still_s
        self.read_within_s = _STANDS_STILL_S
        self._late: set[asyncio.Task[Any]] = set()

    async def read(self, work: Coroutine[Any, Any, T], within_s: float | None = None) -> T:
        """What is read, by default as quickly as a token is. Raises Problem 503 where it takes longer, and ends it."""
        task = asyncio.ensure_future(work)
        if not (await asyncio.wait((task,), timeout=within_s or self.read_within_s))[0]:
            task.cancel()
            raise Problem(503, _UNREAD, _WAIT)
        return task.result()

    async def act(self, work: Coroutine[Any, Any, T]) -> T:
        """What an act answers. Raises Problem 503 where the store has committed nothing for so long.

        An act that waits its turn while others are committed goes on waiting. One that is answered 503 goes on too: it
        stands in line and may be done yet, and its answer is then kept under its Idempotency-Key.
        """
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        while not (await asyncio.wait((task,), timeout=self.stands_still_s))[0]:
            if loop.time() - self._committed_at() >= self.stands_still_s:
                self._late.add(task)
                task.add_done_callback(self._forget)
                raise Problem(503, UNKNOWN, _WAIT)
        return task.result()

    async def close(self) -> None:
        """End what nobody waits for: its connections go back before the store is closed."""
        late = list(self._late)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_FAREWELL_S)

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        """It is over; what became of it stands in the store, or was refused."""
        self._late.discard(task)
        if not task.cancelled():
            task.exception()
