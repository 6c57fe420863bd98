"""The escalation loop: what has come due is decided together; a fault of ours in one incident holds up no other."""

import math
from datetime import datetime, timedelta

import structlog

from agent.clock import Clock
from agent.intents import AlertsFound, Intent, NoticesDue, PagesClaimed, TimePassed
from agent.loops.cycle import Cycle
from agent.pipeline import Pipeline, Undecided
from agent.storage.writer import StoreDown
from correlation.own import own_alert

log = structlog.get_logger("daemon")
_A_MOMENT, _A_MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_LASTS = timedelta(minutes=10)
"""So long a self-incident is firing, unless it is told again."""
_A_BLINK = timedelta(milliseconds=5)
"""The loop rests at least this long, lest a due instant that does not pass keeps it spinning."""
_LOOK_AGAIN = timedelta(seconds=5)
"""The loop looks at least this often, whatever it believes to be due next."""


class Ticker:
    """Brings time into the line. What cannot be decided is tried again in a minute, and told as a self-incident.

    `cycle` is beaten after each round in which all was decided or put aside, and the line has moved: it is what health
    looks at.
    """

    def __init__(self, pipeline: Pipeline, clock: Clock, cycle: Cycle) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._cycle = cycle
        self._aside: dict[int, datetime] = {}
        """Incidents whose steps cannot be decided, each until when it is left alone."""
        self._all_held = False
        """What time brings to alerts cannot be decided."""
        self._notices_from: datetime | None = None
        """When the notices of the calendar are tried again; None: they are decided as they come due."""
        self._through_at = -math.inf
        """When the line was last seen to move, in seconds of the monotonic clock."""

    async def run(self) -> None:
        """Take what has come due through the line, then sleep until the next due instant; for ever."""
        while True:
            now = self._clock.now()
            try:
                await self._look(now)
            except (StoreDown, Undecided) as error:  # a fault of ours is in the log; no cycle is completed: not healthy
                if isinstance(error, StoreDown):
                    self._cycle.turn()
                await self._clock.sleep_until(now + _A_MOMENT)
                continue
            self._cycle.beat()
            due = self._next_due()
            rest = _A_MOMENT if self.is_held_up else _A_BLINK
            soonest, latest = self._clock.now() + rest, self._clock.now() + _LOOK_AGAIN
            until = latest if due is None else max(soonest, min(due, latest))
            await self._clock.sleep_until(until, self._pipeline.wake)

    async def _look(self, now: datetime) -> None:
        due = self._pipeline.desk.next_due()
        if self._pipeline.health.down or (due is not None and due <= now):
            await self.pass_time()
        notices = self._pipeline.desk.notices.next_due()
        if not self._pipeline.health.down and notices is not None and notices <= now:
            await self.pass_notices(now)
        await self._tell_of_store()
        await self._see_the_line_move()

    async def _see_the_line_move(self) -> None:
        """Where nothing has been due for a while, an intent that changes nothing shows whether the line still moves."""
        if self._clock.monotonic() - self._through_at >= _LOOK_AGAIN.total_seconds():
            await self._submit(PagesClaimed(()))

    async def _submit(self, intent: Intent) -> None:
        await self._pipeline.submit(intent)
        self._through_at = self._clock.monotonic()

    def _next_due(self) -> datetime | None:
        moments = (self._pipeline.desk.next_due(), self._pipeline.desk.notices.next_due())
        return min((m for m in moments if m is not None), default=None)

    async def _tell_of_store(self) -> None:
        """A store that failed and is back is a self-incident; after a full disk the reserve is taken again."""
        if self._pipeline.health.came_back:
            was, self._pipeline.health.came_back = self._pipeline.health.came_back, ""
            alert = own_alert("StoreFailed", {}, f"the store failed: {was}"[:300], self._clock.now(), lasts=_LASTS)
            await self._pipeline.submit(AlertsFound([alert], "self"))
        await self._pipeline.take_messages_again()

    @property
    def is_held_up(self) -> bool:
        """Whether something due cannot be decided: it stays due, and is no reason to hurry."""
        return self._all_held or bool(self._aside) or self._notices_from is not None

    async def pass_time(self) -> None:
        """Take what has come due. Raises StoreDown."""
        now = self._clock.now()
        self._aside = {number: until for number, until in self._aside.items() if until > now}
        self._all_held = False
        try:
            await self._submit(TimePassed(without=frozenset(self._aside)))
        except Undecided:
            await self._one_by_one(now)

    async def _one_by_one(self, now: datetime) -> None:
        try:
            await self._submit(TimePassed(only=frozenset()))
        except Undecided as error:
            self._all_held = True
            await self._tell("what time brings to alerts", error)
        for number in self._pipeline.desk.agenda.shown(now):
            if number in self._aside:
                continue
            try:
                await self._submit(TimePassed(only=frozenset({number})))
            except Undecided as error:
                self._aside[number] = self._clock.now() + _A_MINUTE
                incident = self._pipeline.desk.board.incidents.get(number)
                await self._tell(f"the steps of {incident.number if incident else number}", error)

    async def pass_notices(self, now: datetime) -> None:
        """Take the notices that have come due. Raises StoreDown."""
        if self._notices_from is not None and now < self._notices_from:
            return
        self._notices_from = None
        try:
            await self._submit(NoticesDue(now))
        except Undecided as error:
            self._notices_from = now + _A_MINUTE
            await self._tell("the notices of the calendar", error)

    async def _tell(self, what: str, error: Undecided) -> None:
        """A person has to look: nobody is paged for what cannot be decided."""
        summary = f"a fault of Tocsin holds up {what}: {error}"[:300]
        labels = {"severity": "critical", "what": what}
        alert = own_alert("HeldUpByFault", labels, summary, self._clock.now(), lasts=_LASTS)
        try:
            await self._pipeline.submit(AlertsFound([alert], "self"))
        except Undecided:
            log.error("a fault of ours cannot even be told", what=what)
