"""The notices that are still to come, the next one first; rebuilt from the store at start."""

import heapq
from datetime import UTC, date, datetime
from typing import Any

from escalation.notice import ROUND, Notice

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class NoticeBook:
    """Pending notices by slot, and a heap of what is due when; `dirty` must be written with this decision."""

    def __init__(self) -> None:
        self.pending: dict[tuple[str, str, int], Notice] = {}
        self.dirty: dict[int, Notice] = {}
        self.last_id = 0
        self.told_through: dict[tuple[str, str], date] = {}
        """By name and calendar: the last day whose notice has its outcome."""
        self.told_ahead: dict[str, datetime] = {}
        """By key, notices that have their outcome and are due only later: the clock was set back since."""
        self.rounds_done: dict[str, datetime] = {}
        """By round: by when the last of its windows that was filled or missed was to be filled."""
        self.plan_at: datetime | None = _LONG_AGO
        """When the marks of the calendar have to be looked through anew: at once after a start or a change."""
        self.read: dict[int, list[tuple[Any, ...]]] = {}
        """By notice, the rows that it tells of: read before it is decided."""
        self.found: dict[int, Notice] = {}
        """By id, a notice that somebody acts on: read before it is decided."""
        self._due: list[tuple[datetime, int, tuple[str, str, int]]] = []

    def look_again(self, at: datetime) -> None:
        """Look through the marks of the calendar at this moment at the latest."""
        self.plan_at = at if self.plan_at is None else min(at, self.plan_at)

    def replan(self) -> None:
        """Calendars, rules or rotas have changed."""
        self.plan_at = _LONG_AGO

    def add(self, notice: Notice, *, fresh: bool = True, timed: bool = True) -> Notice:
        """A notice to come; `fresh`: it is not in the store yet, and gets its id. `timed`: it comes up by itself."""
        if fresh:
            self.last_id += 1
            notice.id = self.last_id
            self.dirty[notice.id] = notice
        self.pending[notice.slot] = notice
        if timed:
            heapq.heappush(self._due, (notice.due_at, notice.id, notice.slot))
        return notice

    def move(self, notice: Notice, due_at: datetime) -> None:
        if notice.due_at != due_at:
            notice.due_at = due_at
            self.dirty[notice.id] = notice
            heapq.heappush(self._due, (due_at, notice.id, notice.slot))

    def close(self, notice: Notice, outcome: str, now: datetime, **facts: Any) -> None:
        """Give a notice its one outcome. One that moved away was never told: it gives its key to whoever comes back."""
        late_ms = max(0, round((now - notice.due_at).total_seconds() * 1000))
        notice.outcome, notice.at, notice.late_ms = outcome, now, late_ms
        notice.facts = {**notice.facts, **facts}
        if outcome == "moved":
            notice.key = f"{notice.key}~{notice.id}"
        self.pending.pop(notice.slot, None)
        self.read.pop(notice.id, None)
        self.dirty[notice.id] = notice
        if notice.day and not notice.incident_id and outcome != "moved":
            self.note_told(notice.name, notice.about, date.fromisoformat(notice.day))

        if notice.name == ROUND and outcome != "moved":
            self.rounds_done[notice.about] = notice.due_at

    def note_told(self, name: str, about: str, day: date) -> None:
        self.told_through[name, about] = max(day, self.told_through.get((name, about), day))

    def due(self, now: datetime) -> list[Notice]:
        """What is due, in the order in which it came due; it stays so until it is closed or moved."""
        standing: list[tuple[datetime, int, tuple[str, str, int]]] = []
        while self._due and self._due[0][0] <= now:
            entry = heapq.heappop(self._due)
            if self._stands(entry) and entry not in standing[-1:]:
                standing.append(entry)
        for entry in standing:
            heapq.heappush(self._due, entry)
        return [self.pending[slot] for _, _, slot in standing]

    def next_due(self) -> datetime | None:
        """The next moment at which a notice goes out or the marks are looked through."""
        while self._due and not self._stands(self._due[0]):
            heapq.heappop(self._due)
        moments = [self.plan_at, self._due[0][0] if self._due else None]
        return min((m for m in moments if m is not None), default=None)

    def _stands(self, entry: tuple[datetime, int, tuple[str, str, int]]) -> bool:
        notice = self.pending.get(entry[2])
        return notice is not None and notice.id == entry[1] and notice.due_at == entry[0]
