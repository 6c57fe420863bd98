"""The steps that are still to be taken, and when the next one is due; rebuilt from the store at start."""

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime

from escalation.store import Step


class Agenda:
    """Pending steps by incident, and a heap of what is due when."""

    def __init__(self) -> None:
        self.pending: dict[int, list[Step]] = {}
        self._due: list[tuple[datetime, int]] = []
        self.last_id = 0

    def next_id(self) -> int:
        """A fresh id of a step."""
        self.last_id += 1
        return self.last_id

    def add(self, step: Step) -> None:
        """A step that is to be taken at its `due_at` (None: when its clock runs again)."""
        self.pending.setdefault(step.incident, []).append(step)
        if step.due_at is not None:
            heapq.heappush(self._due, (step.due_at, step.incident))

    def look_at(self, incident: int, at: datetime) -> None:
        """Have this incident come up again at a moment, whatever its steps say."""
        heapq.heappush(self._due, (at, incident))

    def move(self, step: Step, due_at: datetime | None) -> None:
        """A pause or a resume has moved a step."""
        step.due_at = due_at
        if due_at is not None:
            heapq.heappush(self._due, (due_at, step.incident))

    def due(self, now: datetime) -> list[int]:
        """The incidents that have something due, each once, in the order in which it came due."""
        found: dict[int, None] = {}
        while self._due and self._due[0][0] <= now:
            found[heapq.heappop(self._due)[1]] = None
        return list(found)

    def shown(self, now: datetime) -> list[int]:
        """Those that `due` would return; they stay."""
        found, places = [], [0]
        while places:  # a heap: below what is not due yet nothing is
            place = places.pop()
            if place < len(self._due) and self._due[place][0] <= now:
                found.append(self._due[place])
                places += (2 * place + 1, 2 * place + 2)
        return list(dict.fromkeys(incident for _, incident in sorted(found)))

    def next_due(self) -> datetime | None:
        """The next moment at which something may be due."""
        return self._due[0][0] if self._due else None

    def due_of(self, incident: int) -> datetime | None:
        """The earliest pending step of an incident; None: there is none, or its clock stands."""
        return min((s.due_at for s in self.pending.get(incident, ()) if s.due_at is not None), default=None)

    def of(self, incident: int) -> list[Step]:
        """The pending steps of an incident."""
        return self.pending.get(incident, [])

    def close(self, steps: Iterable[Step], outcome: str, now: datetime, why: dict[str, object]) -> list[Step]:
        """Give steps their one terminal record."""
        closed = []
        for step in list(steps):
            step.outcome, step.at, step.why = outcome, now, why
            self.pending[step.incident].remove(step)
            closed.append(step)
            if not self.pending[step.incident]:
                del self.pending[step.incident]
        return closed

    def close_where(
        self, incident: int, which: Callable[[Step], bool], outcome: str, now: datetime, why: dict[str, object]
    ) -> list[Step]:
        """Close the pending steps of an incident that `which` picks."""
        return self.close([s for s in self.of(incident) if which(s)], outcome, now, why)
