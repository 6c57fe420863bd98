"""What grows is bounded: rows older than the retention go, while alerts are taken in between."""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from agent.clock import Clock
from agent.configuration.config import Config
from agent.intents import OldRowsDue
from agent.loops.journal_size import JournalSize
from agent.pipeline import Pipeline, Undecided
from agent.storage.writer import StoreDown, Writer

log = structlog.get_logger("daemon")
_A_MINUTE, _AN_HOUR = timedelta(minutes=1), timedelta(hours=1)


class LettingGo:
    """The loop that has old rows deleted."""

    def __init__(self, pipeline: Pipeline, writer: Writer, clock: Clock, get_config: Callable[[], Config]) -> None:
        self._pipeline, self._writer, self._clock, self._config = pipeline, writer, clock, get_config
        self._size = JournalSize()

    async def run(self) -> None:
        """Every minute, have some thousand rows at a time deleted; for ever.

        Every hour the heads of the evidence go into the log: kept elsewhere, they show a chain that was written anew.
        """
        noted_at: datetime | None = None
        while True:
            if noted_at is None or self._clock.now() - noted_at >= _AN_HOUR:
                noted_at = self._clock.now()
                chains = self._pipeline.desk.chains
                log.info("evidence", timeline=chains.timeline.head, audit=chains.audit.head)
            await self._clock.sleep_until(self._clock.now() + _A_MINUTE)
            with contextlib.suppress(StoreDown, Undecided):
                through = await self._size.too_much(self._writer, self._config().retention.journal_bytes)
                now = self._clock.now()
                while await self._pipeline.submit(OldRowsDue(now, through)):
                    pass
