"""Asks the Alertmanagers of a source what is active: webhooks alone hide ends, cuts and restarts (design §4)."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog

from agent.clock import Clock
from agent.config import Config, SourceConfig
from agent.database import StoreDown
from agent.intents import Pulled
from agent.pipeline import Pipeline
from collectors.alert import Alert, NotThisFormat
from collectors.moment import parse_moment
from collectors.webhooks.prometheus import active_alerts

log = structlog.get_logger("reconcile")
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_SETTLED = timedelta(minutes=5)
"""An Alertmanager that has run this long has heard again of everything that fires."""


_MOST_RECEIVERS = 64


class Reconciler:
    """One loop per source that has `api_urls`; `ask(origin)` has it pulled now."""

    def __init__(self, pipeline: Pipeline, get_config: Callable[[], Config], clock: Clock) -> None:
        self._pipeline = pipeline
        self._config = get_config
        self._clock = clock
        self._wake: dict[str, asyncio.Event] = {}
        self._silent: set[str] = set()
        self._running: dict[str, tuple[SourceConfig, asyncio.Task[None]]] = {}
        self._absent: dict[str, dict[str, int]] = {}
        self.receivers: dict[str, set[str]] = {}
        """Per source: the receivers under which it has sent to us."""

    def reconfigure(self, tasks: asyncio.TaskGroup) -> None:
        """Bring the running loops in line with the configuration."""
        wanted = {n: s for n, s in self._config().sources.items() if s.api_urls and s.type == "alertmanager"}
        for name, (source, task) in list(self._running.items()):
            if wanted.get(name) != source:
                task.cancel()
                del self._running[name]
        for name, source in wanted.items():
            if name not in self._running:
                self._wake[name] = asyncio.Event()
                task = tasks.create_task(self._run(name, source), name=f"reconcile {name}")
                self._running[name] = (source, task)

    def stop(self) -> None:
        """End every loop."""
        for _, task in self._running.values():
            task.cancel()
        self._running.clear()

    def note_receiver(self, source: str, receiver: str) -> None:
        """A message named its receiver, quoted as a regular expression (real-parts §5.1)."""
        known = self.receivers.setdefault(source, set())
        if len(known) < _MOST_RECEIVERS:
            known.add(re.sub(r"\\(.)", r"\1", receiver))

    def ask(self, origin: str) -> None:
        """There is a suspect of this origin: pull now."""
        for name, wake in self._wake.items():
            if self._config().origin(name) == origin:
                wake.set()

    async def _run(self, name: str, source: SourceConfig) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
            while True:
                await self._clock.sleep_until(self._clock.now() + source.reconcile_every, self._wake[name])
                await self.pull(http, name, source)

    async def pull(self, http: aiohttp.ClientSession, name: str, source: SourceConfig) -> None:
        """Ask every Alertmanager of a source once, and submit what they say together."""
        answers = await asyncio.gather(*(self._ask(http, url) for url in source.api_urls))
        given = [a for a in answers if a is not None]
        if not given:
            if name not in self._silent:
                log.warning("no Alertmanager of a source answers", source=name, urls=source.api_urls)
            self._silent.add(name)
            return
        if name in self._silent:
            log.info("an Alertmanager answers again", source=name)
            self._silent.discard(name)
        now, origin = self._clock.now(), self._config().origin(name)
        alerts: dict[str, Alert] = {}
        mine: dict[str, frozenset[str]] = {}
        for items, _ in given:
            for alert in active_alerts(items, origin, now):
                alerts[alert.fingerprint] = alert
            mine.update(self._for_us(items, name))
        complete = len(given) == len(source.api_urls)
        since = max(
            started if now - started < _SETTLED else datetime.min.replace(tzinfo=now.tzinfo) for _, started in given
        )
        gone = self._gone_twice(name, origin, set(alerts)) if complete else set()
        try:
            await self._pipeline.submit(
                Pulled(name, origin, list(alerts.values()), complete, frozenset(gone), since, mine)
            )
        except StoreDown as error:
            log.error("what a source says could not be stored", source=name, why=str(error))

    def _gone_twice(self, name: str, origin: str, active: set[str]) -> set[str]:
        """The open alerts of a source that it has not shown twice in a row."""
        board = self._pipeline.desk.board
        before = self._absent.get(name, {})
        absent = {
            e.fingerprint: before.get(e.fingerprint, 0) + 1
            for e in board.episodes.values()
            if e.open and e.origin == origin and e.fingerprint not in active
        }
        self._absent[name] = absent
        return {mark for mark, times in absent.items() if times >= 2}

    def _for_us(self, items: Any, name: str) -> dict[str, frozenset[str]]:
        """The alerts that are routed to a receiver under which this source has sent to us, and not muted."""
        known = self.receivers.get(name, set())
        found = {}
        for item in items if isinstance(items, list) else ():
            receivers = {r.get("name") for r in item.get("receivers", ()) if isinstance(r, dict)}
            muted = isinstance(item.get("status"), dict) and item["status"].get("state") != "active"
            if not muted and receivers & known:
                found[str(item.get("fingerprint"))] = frozenset(str(r) for r in receivers)
        return found

    async def _ask(self, http: aiohttp.ClientSession, url: str) -> tuple[Any, datetime] | None:
        """What one Alertmanager shows, and since when it runs; None where it does not answer."""
        try:
            async with http.get(f"{url}/api/v2/alerts") as response:
                response.raise_for_status()
                items = await response.json()
            async with http.get(f"{url}/api/v2/status") as response:
                response.raise_for_status()
                status = await response.json()
            started = parse_moment(str(status.get("uptime", ""))) or self._clock.now()
        except (aiohttp.ClientError, TimeoutError, ValueError, NotThisFormat) as error:
            log.debug("an Alertmanager does not answer", url=url, why=str(error))
            return None
        return items, started
