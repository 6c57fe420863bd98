"""The open problems and changes in memory, and the incidents that are counted for new ones; the store is the truth."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from correlation.refusal import Refusal
from knowledge.change import Change
from knowledge.improvement import Improvement
from knowledge.problem import MOST_LISTED, Problem, Seen

MOST_SEEN = 50_000
"""Incidents remembered for the counting at most, the newest."""


class NoSuchCase(Refusal):
    """No problem, change or improvement has this number (404)."""


class Casebook:
    """What deciders know of problems and changes; those that ended leave it and are read again for an act."""

    def __init__(self) -> None:
        self.problems: dict[str, Problem] = {}
        self.changes: dict[str, Change] = {}
        self.improvements: dict[str, Improvement] = {}
        """Those that somebody acted on of late."""
        self._seen: deque[Seen] = deque(maxlen=MOST_SEEN)
        self._alike: dict[str, deque[Seen]] = {}
        self.settled: dict[str, datetime] = {}
        """By what a problem was about: when the last one that is over was ended."""

    def problem(self, number: str) -> Problem:
        """Return the problem of this number. Raises NoSuchCase."""
        if number not in self.problems:
            raise NoSuchCase(f"there is no problem {number}")
        return self.problems[number]

    def change(self, number: str) -> Change:
        """Return the change of this number. Raises NoSuchCase."""
        if number not in self.changes:
            raise NoSuchCase(f"there is no change {number}")
        return self.changes[number]

    def improvement(self, number: str) -> Improvement:
        """Return the suggestion of improvement of this number. Raises NoSuchCase."""
        if number not in self.improvements:
            raise NoSuchCase(f"there is no improvement {number}")
        return self.improvements[number]

    def open_about(self, about: str) -> Problem | None:
        """The problem about this that is not over yet."""
        return next((p for p in self.problems.values() if p.about == about and not p.ended), None)

    def open_changes_of(self, incident: str) -> list[Change]:
        """The changes raised from an incident that have no end yet."""
        return [c for c in self.changes.values() if c.incident == incident and not c.ended]

    def remember(self, seen: Seen) -> None:
        """An incident has opened, later than all before it."""
        if len(self._seen) == MOST_SEEN:
            self._forget(self._seen.popleft())
        self._seen.append(seen)
        for about in seen.abouts:
            self._alike.setdefault(about, deque(maxlen=MOST_LISTED)).append(seen)

    def _forget(self, seen: Seen) -> None:
        for about in seen.abouts:
            alike = self._alike.get(about)
            if alike and alike[0] is seen:
                alike.popleft()
                if not alike:
                    del self._alike[about]

    def alike(self, about: str) -> Iterable[Seen]:
        """The incidents about this, the newest of them, the oldest first."""
        return self._alike.get(about, ())

    def count(self, fresh: Seen, oldest: datetime) -> None:
        """Remember an incident that has opened, and forget those before `oldest`."""
        self.remember(fresh)
        while self._seen and self._seen[0].opened_at < oldest:
            self._forget(self._seen.popleft())
        gone = [about for about, at in self.settled.items() if at < oldest]
        for about in gone:
            del self.settled[about]

    def settle(self, problem: Problem) -> None:
        """A problem is over: only what comes after counts for another one."""
        if problem.ended_at is not None:
            self.settled[problem.about] = problem.ended_at
