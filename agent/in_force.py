"""The configuration in force: taken at the start, exchanged whole by a reload, or kept where the new one is wrong."""

import asyncio
import dataclasses
import gc
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import structlog

from agent.aside import Aside
from agent.clock import Clock
from agent.configuration import plugins
from agent.configuration.config import Config
from agent.configuration.faults import ConfigFaults
from agent.configuration.known_errors import MANY
from agent.configuration.load import load
from agent.configuration.versions import calendars_in_force, numbered
from agent.intents import ConfigChanged
from agent.loading.written import Row, lay_written
from agent.metrics import Metrics
from agent.pipeline import Pipeline, Undecided
from agent.storage.writer import StoreDown
from agent.turn import AGENT
from correlation.calendar import BusinessCalendar, that_open
from knowledge.store import COUNT_WRITTEN_ERRORS, WRITTEN_ERRORS
from knowledge.written import Laid, laid_over

log = structlog.get_logger("daemon")
_A_MOMENT = timedelta(seconds=1)


class InForce:
    """What the running house goes by: `config`, and the `notifiers` that it names.

    `read_from` are the directory and the pack of the flags. `close_after_last(notifier)` closes one when its last page
    is on its way no more. `taken` are told of each configuration that a reload has put in force.
    """

    def __init__(
        self,
        config: Config,
        read_from: tuple[str, str | None],
        pipeline: Pipeline,
        clock: Clock,
        metrics: Metrics,
        close_after_last: Callable[[Any], Coroutine[Any, Any, None]],
    ) -> None:
        self.config = config
        self.notifiers: dict[str, Any] = {}
        self.taken: list[Callable[[], None]] = []
        self.while_reloading: Callable[[], AbstractContextManager[None]] = nullcontext
        """Entered round each reload."""
        self._read_from = read_from
        self._pipeline, self._clock, self._metrics = pipeline, clock, metrics
        self._close_after_last = close_after_last
        self._reading = Aside("read")
        """A thread of its own: while a large configuration is read, those that intake uses are free."""
        self._calendars_before: Mapping[str, BusinessCalendar] | None = None
        """Of the configuration before this start, where they are others."""
        self._awaits_library = False
        """The start did not wait for the known errors, and they are not asked yet."""
        self._reloading = asyncio.Lock()
        self._asked = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()

    # at the start

    def leave_out_what_never_opens(self) -> None:
        """Count around the clock where a calendar's workdays have run out: a start at night must page all the same."""
        calendars = that_open(self.config.calendars, self._clock.now())
        for name in self.config.calendars.keys() - calendars.keys():
            log.error("a calendar never opens again: targets in it count around the clock", calendar=name)
        self.config = dataclasses.replace(self.config, calendars=calendars)

    async def number(self) -> None:
        """Give the configuration its number in a store that is open. Raises StoreDown."""
        writer = self._pipeline.writer
        ((written,),) = await writer.fetch(COUNT_WRITTEN_ERRORS)
        if written > MANY:
            self.config = dataclasses.replace(self.config, is_library_read=False)
        counted = await calendars_in_force(writer)
        if counted is not None and (counted := that_open(counted, self._clock.now())) != self.config.calendars:
            self._calendars_before = counted
        self.config = await numbered(self.config, writer, self._clock.now())
        self._awaits_library = not self.config.is_library_read

    def counted_by(self) -> Config:
        """The configuration by the calendars of before, until what they counted is counted anew."""
        before = self._calendars_before
        return self.config if before is None else dataclasses.replace(self.config, calendars=before)

    async def count_anew(self) -> None:
        """Calendars that were changed while nothing ran are taken as by a reload, however long the store takes."""
        while self._calendars_before is not None:
            try:
                await self._pipeline.submit(ConfigChanged(self.config, AGENT))
                self._calendars_before = None
            except (StoreDown, Undecided):
                await self._clock.sleep_until(self._clock.now() + _A_MOMENT)

    def make_notifiers(self) -> None:
        """Make the notifiers that the configuration names."""
        self.notifiers = {n: plugins.notifier(c.type).Notify(c) for n, c in self.config.notifiers.items()}

    # reloads

    def ask_to_reload(self) -> None:
        """Reload as soon as the house runs (SIGHUP)."""
        self._asked.set()

    async def reload_when_asked(self) -> None:
        """Reload for every hangup; for ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.reload("SIGHUP")

    async def reload(self, who: str) -> list[str]:
        """Read the configuration anew; take all of it or none of it. Returns the faults."""
        async with self._reloading:
            with self.while_reloading():
                return await self._reload(who)

    async def _reload(self, who: str) -> list[str]:
        writer = self._pipeline.writer
        try:
            rows = None if self.config.is_library_read else await writer.fetch(WRITTEN_ERRORS)
            held = self._pipeline.desk.laid
            held = held._replace(written=dict(held.written))  # it is read in a thread, while people go on writing
            fresh, laid = await self._reading.do(self._read_anew, self._clock.now(), held, rows)
        except StoreDown as error:
            return self._not_taken([str(error)])
        except ConfigFaults as faults:
            return self._not_taken([str(fault) for fault in faults.faults])
        except OSError as error:  # a disk that fails, a file that goes while it is read: what is in force stays
            return self._not_taken([f"the configuration cannot be read: {error}"])
        old, before = self.notifiers, self.config
        try:
            self.config = await numbered(fresh, writer, self._clock.now())
            self.make_notifiers()
            await self._pipeline.submit(ConfigChanged(self.config, who, laid))
        except (StoreDown, Undecided) as error:
            self._retire(self.notifiers, old)
            self.notifiers, self.config = old, before
            return self._not_taken([str(error)])
        for tell in self.taken:
            tell()
        self._awaits_library = False
        self._metrics.reloaded(True, self._clock.now())
        log.info("configuration reloaded", version=self.config.version, by=who)
        self._retire(old, self.notifiers)
        return []

    def _read_anew(self, now: datetime, held: Laid, rows: Sequence[Row] | None) -> tuple[Config, Laid]:
        """Return the configuration as its files are now, and its known errors under what people wrote, words counted.

        `held` are the known errors of now: until then the daemon goes on with them. With `rows`, what people wrote as
        the store has it, it reads the library that the start did not wait for. Then the words are left uncounted: so
        many known errors are better found by their predicates soon than by all later; and a file of them that is wrong
        is left out alone, where it would have kept a smaller library's daemon from starting.
        """
        first = rows is not None
        fresh = load(*self._read_from, now=now, but_faulty=first)
        if rows is not None:
            return fresh, lay_written(fresh.known_errors, rows, held)
        laid = Laid(laid_over(fresh.known_errors, held.written, held), held.written)
        _ = laid.library.words
        return fresh, laid

    def _not_taken(self, faults: list[str]) -> list[str]:
        if faults:
            self._metrics.reloaded(False, self._clock.now())
        for fault in faults:
            log.error("configuration not taken", fault=fault)
        return faults

    def _retire(self, old: dict[str, Any], kept: dict[str, Any]) -> None:
        """Close notifiers that another took the place of, each after its last page."""
        for name, notifier in old.items():
            if kept.get(name) is not notifier:
                task = asyncio.create_task(self._close_after_last(notifier), name=f"close {name}")
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    # a library that the start did not wait for

    async def read_library(self) -> None:
        """Read the known errors that the start did not wait for; of a file that is wrong the rest goes without."""
        while (faults := await self.reload(AGENT)) and self._pipeline.health.down:
            await self._clock.sleep_until(self._clock.now() + _A_MOMENT)
        if not faults:
            gc.freeze()
            self._not_taken([str(fault) for fault in self.config.left_out])
            log.info("known errors read", entries=len(self._pipeline.desk.config.known_errors))

    def unread(self) -> str:
        """Why the known errors that the start did not wait for are not asked yet; empty where all are."""
        if not self._awaits_library:
            return ""
        reading = self._reloading.locked()
        return "known errors are being read" if reading else "known errors were not read: the log says why"

    async def close(self, within_s: float) -> None:
        """End: the notifiers that were retired have this long, those in force are closed at once."""
        if self._closing:
            await asyncio.wait(self._closing, timeout=within_s)
        self._reading.end()
        for notifier in self.notifiers.values():
            await notifier.close()
