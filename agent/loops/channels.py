"""Which notifiers are sending now, so that one that a reload replaced is closed after its last page."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Sending:
    """Counts the pages in flight of each notifier."""

    def __init__(self) -> None:
        self._in_flight: Counter[int] = Counter()
        self._landed: dict[int, asyncio.Event] = {}

    @contextmanager
    def by(self, notifier: Any) -> Iterator[None]:
        """A page is in flight by this notifier."""
        mark = id(notifier)
        self._in_flight[mark] += 1
        try:
            yield
        finally:
            self._in_flight[mark] -= 1
            if not self._in_flight[mark]:
                del self._in_flight[mark]
                if mark in self._landed:
                    self._landed[mark].set()

    async def close_after_last(self, notifier: Any) -> None:
        """Wait until no page is in flight by this notifier, then close it; whoever calls sends none by it any more."""
        mark = id(notifier)
        if self._in_flight[mark]:
            landed = self._landed[mark] = asyncio.Event()
            await landed.wait()
            del self._landed[mark]
        await notifier.close()
