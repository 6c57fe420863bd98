"""Pages that are due wait for room at their notifier: one that is slow, or hangs, keeps no other waiting."""

import heapq
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Place(NamedTuple):
    """A page in its queue."""

    severity: int
    is_late: bool
    arrival: int
    page: int
    notifier: str


class Queues:
    """The pages that wait, by notifier, and how many of each are in flight."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Place]] = {}
        self._known: set[int] = set()
        self._in_flight: Counter[str] = Counter()
        self._arrivals = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._known)

    def add(self, page: int, notifier: str, severity: int, *, is_late: bool = False) -> None:
        """A page has come due, late where its step did so while nothing ran; one that waits already keeps its place."""
        if page not in self._known:
            self._known.add(page)
            self._arrivals += 1
            self.give_back([Place(severity, is_late, self._arrivals, page, notifier)])

    def take(self, most: int) -> list["Place"]:
        """Those for whom there is room where `most` may be in flight: the most severe first, then as they came.

        Of one severity what an outage has made late lets what comes now go before.
        """
        taken: list[Place] = []
        for notifier, waiting in self._waiting.items():
            room = min(most - self._in_flight[notifier], len(waiting))
            taken += [heapq.heappop(waiting) for _ in range(room)]
        self._known.difference_update(place.page for place in taken)
        return taken

    def give_back(self, places: Iterable["Place"]) -> None:
        """These could not be claimed, and wait again."""
        for place in places:
            self._known.add(place.page)
            heapq.heappush(self._waiting.setdefault(place.notifier, []), place)

    def depart(self, notifier: str) -> None:
        """A page is in flight."""
        self._in_flight[notifier] += 1

    def land(self, notifier: str) -> None:
        """A page is in flight no longer, whatever became of it."""
        self._in_flight[notifier] -= 1
        if self._in_flight[notifier] <= 0:
            del self._in_flight[notifier]
