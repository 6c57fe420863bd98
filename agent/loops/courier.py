"""Carries pages: claims what is due, sends it by its notifier, and brings the result back through the line."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from agent.clock import Clock
from agent.configuration.config import Config
from agent.intents import PagesClaimed, PageTried
from agent.loops.channels import Sending
from agent.loops.paging import Claimed, Descriptions
from agent.loops.queues import Queues
from agent.pipeline import Pipeline, Undecided
from agent.storage.writer import StoreDown
from agent.threads import without_addresses
from escalation.delivery import Attempt
from escalation.outbox import deliver

log = structlog.get_logger("courier")
_AT_ONCE = 64
"""Pages in flight at the same time by one notifier."""
_A_MINUTE, _A_MOMENT = timedelta(minutes=1), timedelta(seconds=1)
_LOOK_AGAIN = timedelta(seconds=5)
"""It looks at least this often, whatever it believes to be due next."""
_LAST_MINUTE_S = 10.0
_LEAST_SEVERE = 4
"""What senders wrote beside the labels of alerts, by their rows."""


class House(Protocol):
    """What a page needs of the running house; a reload exchanges it."""

    @property
    def config(self) -> Config:
        """What is in force."""
        ...

    @property
    def notifiers(self) -> Mapping[str, Any]:
        """By name, those that the configuration names."""
        ...

    def links(self, number: str, person: str) -> dict[str, str]:
        """Where a page points to."""
        ...

    async def annotations(self, alerts: Sequence[int]) -> Descriptions:
        """What senders wrote beside the labels of alerts, by their rows; {} where the store does not say it at once."""
        ...


class Courier:
    """The delivery loop, and the pages in flight. `sending` counts them by notifier."""

    def __init__(self, pipeline: Pipeline, clock: Clock, house: House) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._house = house
        self.sending = Sending()
        self._flying: set[asyncio.Task[None]] = set()
        self._waiting = Queues()
        self._in_hand: set[int] = set()
        """Pages that are being sent, or whose result is not stored yet: no lease that ran out has them sent again."""
        self._aside: dict[int, datetime] = {}
        """Pages that a fault of ours keeps from being claimed or settled, each until when it is left alone."""

    async def run(self) -> None:
        """Claim pages that are due, send them side by side, bring the results back through the line; for ever.

        A notifier has so many in flight at most, and what waits for it is not claimed: no lease runs out in a queue.
        """
        while True:
            self._line_up(self._clock.now())
            due = self._waiting.take(_AT_ONCE)
            if due:
                try:
                    await self._claim([place.page for place in due])
                except StoreDown:
                    self._waiting.give_back(due)
                    await self._clock.sleep_until(self._clock.now() + _A_MOMENT)
                    continue
            next_due = self._pipeline.desk.outbox.next_due()
            latest = self._clock.now() + _LOOK_AGAIN
            await self._clock.sleep_until(min(next_due, latest) if next_due else latest, self._pipeline.deliver)

    def _line_up(self, now: datetime) -> None:
        """What has come due stands in the queue of its notifier, the most severe first."""
        desk = self._pipeline.desk
        back = [number for number, until in self._aside.items() if until <= now]
        for number in back:
            del self._aside[number]
        for number in [*desk.outbox.due(now), *back]:
            page = desk.outbox.pages.get(number)
            if number in self._in_hand:
                self._aside.setdefault(number, now + _A_MOMENT)
            elif page is not None and number not in self._aside:
                incident = desk.board.incidents.get(page.incident_id)
                severity = incident.severity if incident is not None else _LEAST_SEVERE
                self._waiting.add(number, page.notifier, severity, is_late=page.created_at - page.due_at > _A_MINUTE)

    async def _claim(self, due: Sequence[int]) -> None:
        """Claim these pages together and begin to send them; where a fault of ours forbids it, each by itself.

        The one at fault is told as not sent, so that another channel is called; should even that fail, it is looked
        at again in a minute. Raises StoreDown.
        """
        lease_from = self._clock.monotonic()
        try:
            claimed = await self._pipeline.submit(PagesClaimed(tuple(due)))
        except Undecided as error:
            if len(due) == 1:
                await self._not_claimed(due[0], error)
            else:
                for number in due:
                    await self._claim([number])
            return
        shown = sorted({row for page in claimed for row in page.alerts})
        said = asyncio.create_task(self._house.annotations(shown), name="descriptions") if shown else None
        for page in claimed:
            self._waiting.depart(page.notifier)
            self._in_hand.add(page.page)
            task = asyncio.create_task(self.send(page, lease_from, said))
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)

    async def _not_claimed(self, number: int, error: Undecided) -> None:
        reason = f"it cannot be claimed: {error}"
        try:
            await self._pipeline.submit(PageTried(Attempt(number, sent=False, reason=reason, retry_after=_A_MINUTE)))
        except Undecided:
            self._aside[number] = self._clock.now() + _A_MINUTE

    async def send(self, claimed: Claimed, lease_from: float, said: "asyncio.Task[Descriptions] | None" = None) -> None:
        """Send a page that has departed from its queue, and bring back what became of it.

        `said` reads what senders wrote of the alerts of all pages that were claimed with it.
        """
        try:
            await self._send(claimed, lease_from, said)
        finally:
            self._in_hand.discard(claimed.page)

    async def _send(self, claimed: Claimed, lease_from: float, said: "asyncio.Task[Descriptions] | None") -> None:
        try:
            attempt = await self._attempt(claimed, lease_from, said)
        finally:
            self._waiting.land(claimed.notifier)
            self._pipeline.deliver.set()
        # Names of people.yaml alone: a reporter's address, a customer, is nothing for a log.
        target = claimed.target if claimed.target in self._house.config.people else "-"
        about = {
            "incident": claimed.facts.number,
            "step": claimed.step,
            "target": target,
            "notifier": claimed.notifier,
        }
        if attempt.sent:
            log.info("page delivered", **about, attempt=claimed.attempt)
        elif attempt.permanent or is_told(claimed.attempt):
            log.warning("page not delivered", **about, attempt=claimed.attempt, why=without_addresses(attempt.reason))
        await self._bring_back(attempt)

    async def _bring_back(self, attempt: Attempt) -> None:
        """Have the result of an attempt stored, however long the store or a fault of ours takes.

        A page that has arrived is not sent again meanwhile; one that has not is tried anew when its lease runs out.
        """
        pause = _A_MOMENT
        while True:
            try:
                await self._pipeline.submit(PageTried(attempt))
                self._aside.pop(attempt.page, None)
                return
            except StoreDown:
                await self._clock.sleep_until(self._clock.now() + _A_MOMENT)
            except Undecided:
                self._aside[attempt.page] = self._clock.now() + (2 * _A_MINUTE if attempt.sent else pause)
                if not attempt.sent:
                    return
                await self._clock.sleep_until(self._clock.now() + pause)
                pause = min(2 * pause, _A_MINUTE)

    async def _attempt(self, claimed: Claimed, lease_from: float, said: "asyncio.Task[Descriptions] | None") -> Attempt:
        number = claimed.page
        try:
            annotations = await asyncio.shield(said) if said is not None else {}
            page = claimed.composed(self._house.links, annotations)
        except Exception as error:  # what cannot be said is told as not sent, so that others are called
            log.exception("a page cannot be composed", step=claimed.step)
            return Attempt(
                number, sent=False, attempt=claimed.attempt, reason=f"it cannot be composed: {type(error).__name__}"
            )
        # From here on nothing is waited for: a reload closes a notifier by which nothing is in flight.
        notifier = self._house.notifiers.get(claimed.notifier)
        if notifier is None:
            reason = f"tocsin.yaml has no notifier {claimed.notifier}"
            return Attempt(number, sent=False, attempt=claimed.attempt, reason=reason, permanent=True)
        if self._pipeline.desk.seeks_somebody_gone(number):
            reason = f"people.yaml has no {claimed.target} any more"
            return Attempt(number, sent=False, attempt=claimed.attempt, reason=reason, permanent=True)
        if not self._pipeline.desk.is_wanted(number):
            return Attempt(number, sent=False, attempt=claimed.attempt, reason="it is not wanted any more")
        lease = lease_from + self._house.config.delivery.lease.total_seconds()
        with self.sending.by(notifier):
            return await deliver(page, notifier, lease, self._clock.monotonic)

    def moved(self, shift: timedelta) -> None:
        """The clock was put right by this much."""
        self._aside = {number: until + shift for number, until in self._aside.items()}

    async def land(self) -> None:
        """Let pages in flight arrive, for a while; what is not sent by then is sent after the next start."""
        if self._flying:
            await asyncio.wait(self._flying, timeout=_LAST_MINUTE_S)
        for task in self._flying:
            task.cancel()


def is_told(attempt: int) -> bool:
    """Whether the log tells that this attempt at a page failed: the first does, and ever fewer of those that follow.

    A channel that is down all night would fill it with the same line, for each page and each minute.
    """
    return attempt & (attempt - 1) == 0
