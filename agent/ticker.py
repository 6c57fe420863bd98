"""Ticks: what has come due is decided together; a fault of ours in one incident holds up no other."""

from datetime import datetime, timedelta

import structlog

from agent.clock import Clock
from agent.intents import AlertsFound, NoticesDue, TimePassed
from agent.pipeline import Pipeline, Undecided
from correlation.own import own_alert

log = structlog.get_logger("daemon")
_A_MINUTE, _LASTS = timedelta(minutes=1), timedelta(minutes=10)


class Ticker:
    """Brings time into the line. What cannot be decided is tried again in a minute, and told as a self-incident."""

    def __init__(self, pipeline: Pipeline, clock: Clock) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._aside: dict[int, datetime] = {}
        self._all_held = False
        self._notices_from: datetime | None = None

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
            await self._pipeline.submit(TimePassed(without=frozenset(self._aside)))
        except Undecided:
            await self._one_by_one(now)

    async def _one_by_one(self, now: datetime) -> None:
        try:
            await self._pipeline.submit(TimePassed(only=frozenset()))
        except Undecided as error:
            self._all_held = True
            await self._tell("what time brings to alerts", error)
        for number in self._pipeline.desk.agenda.shown(now):
            if number in self._aside:
                continue
            try:
                await self._pipeline.submit(TimePassed(only=frozenset({number})))
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
            await self._pipeline.submit(NoticesDue(now))
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
