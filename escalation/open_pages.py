"""The pages that are open: what waits to be sent, or is being sent, by incident and by when it is due."""

import heapq
import re
from datetime import datetime

from escalation.escalate import REPEATS
from escalation.store import Page

_REPETITION = re.compile(r"#\d+")


class OpenPages:
    """The open pages in memory; `dirty` holds those whose rows must be written with this decision."""

    def __init__(self) -> None:
        self.pages: dict[int, Page] = {}
        self.dirty: dict[int, Page] = {}
        self.of_incident: dict[int, set[int]] = {}
        self._due: list[tuple[datetime, int]] = []

    def put(self, page: Page) -> None:
        """Take in an open page (new, or read from the store)."""
        self.pages[page.id] = page
        self.of_incident.setdefault(page.incident_id, set()).add(page.id)
        self.wake(page, page.lease_until or page.next_attempt_at)

    def wake(self, page: Page, at: datetime) -> None:
        """Have a page looked at again at a moment."""
        heapq.heappush(self._due, (at, page.id))

    def close(self, page: Page, state: str, outcome: str) -> None:
        """A page is done with: its row is written once more, and it leaves."""
        page.open, page.state, page.outcome, page.lease_until = False, state, outcome, None
        self.dirty[page.id] = page
        self.pages.pop(page.id, None)
        held = self.of_incident.get(page.incident_id)
        if held is not None:
            held.discard(page.id)
            if not held:
                del self.of_incident[page.incident_id]

    def due(self, now: datetime) -> list[int]:
        """The pages that may be claimed now: waiting ones, and those whose sender never came back."""
        found = []
        while self._due and self._due[0][0] <= now:
            _, page_id = heapq.heappop(self._due)
            page = self.pages.get(page_id)
            if page is not None and is_claimable(page, now):
                found.append(page_id)
        return found

    def next_due(self) -> datetime | None:
        """The next moment at which a page may be sent or a lease runs out."""
        return self._due[0][0] if self._due else None

    def take_over(self, now: datetime) -> None:
        """The daemon has just started: nobody else sends, so what was in flight when it died is sent again at once."""
        for page in self.pages.values():
            if page.state == "claimed":
                page.lease_until = now
                self.wake(page, now)

    def has_open(self, incident: int) -> bool:
        """Whether a page of an incident is open."""
        return bool(self.of_incident.get(incident))

    def alike(self, page: Page) -> list[Page]:
        """The other open pages of a step and its repetitions that tell one person by one channel, oldest first."""
        base = without_repetition(page.step)
        others = (self.pages[i] for i in sorted(self.of_incident.get(page.incident_id, ())) if i != page.id)
        return [
            p
            for p in others
            if (p.person, p.notifier, without_repetition(p.step)) == (page.person, page.notifier, base)
        ]

    def same_call(self, page: Page) -> list[Page]:
        """The other open pages that tell the same person of the same step."""
        others = (self.pages[i] for i in self.of_incident.get(page.incident_id, ()))
        return [p for p in others if p.id != page.id and _call_of(p) == _call_of(page)]

    def seekers_beside(self, page: Page) -> list[Page]:
        """The open pages of the same step that look for a responder."""
        others = (self.pages[i] for i in self.of_incident.get(page.incident_id, ()))
        return [p for p in others if p.step == page.step and p.seeks_responder]


def is_claimable(page: Page, now: datetime) -> bool:
    """Whether it may be claimed: it waits and its moment has come, or its sender never came back."""
    if page.state == "claimed":
        return page.lease_until is not None and page.lease_until <= now
    return page.state == "pending" and page.next_attempt_at <= now


def repeats(page: Page) -> bool:
    """Whether it tells again what was told before, and no more than that."""
    return page.reason.get("code") in REPEATS


def without_repetition(step: str) -> str:
    """The key of a step as its first repetition has it."""
    return _REPETITION.sub("", step)


def _call_of(page: Page) -> tuple[int, str, str]:
    return (page.incident_id, page.step, page.person)
