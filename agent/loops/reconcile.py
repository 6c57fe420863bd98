"""Asks the Alertmanagers of a source what is active: webhooks alone hide ends, cuts and restarts."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_exponential

from agent.clock import Clock
from agent.configuration.config import Config
from agent.deciders.alerts import is_missed
from agent.intents import Pulled
from agent.pipeline import Pipeline, Undecided
from agent.storage.writer import StoreDown
from collectors.alert import Alert, NotThisFormat
from collectors.moment import parse_moment
from collectors.webhooks.prometheus import active_alerts

log = structlog.get_logger("reconcile")
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_SETTLED = timedelta(minutes=5)
"""An Alertmanager that has run this long has heard again of everything that fires."""


_MOST_RECEIVERS = 64
_PART = 256
"""So many alerts that were missed, or are over, are decided together."""


@dataclass(frozen=True)
class Senders:
    """The Alertmanagers that tell of the alerts of one origin: HA twins, or one."""

    source: str
    urls: tuple[str, ...]
    every: timedelta


class Reconciler:
    """One loop per origin whose sources have `api_urls`; `ask(origin)` has it pulled now."""

    def __init__(self, pipeline: Pipeline, get_config: Callable[[], Config], clock: Clock) -> None:
        self._pipeline = pipeline
        self._config = get_config
        self._clock = clock
        self._wake: dict[str, asyncio.Event] = {}
        self._silent: set[str] = set()
        self._running: dict[str, tuple[Senders, asyncio.Task[None]]] = {}
        self._absent: dict[str, dict[str, int]] = {}
        self.receivers: dict[str, set[str]] = {}
        """Per origin: the receivers under which it has sent to us."""

    def senders(self) -> dict[str, Senders]:
        """Whom to ask, by origin; an alert is over only where all twins say so."""
        found: dict[str, Senders] = {}
        for name, source in self._config().sources.items():
            if source.type == "alertmanager" and source.api_urls:
                origin = self._config().origin(name)
                twin = found.get(origin, Senders(name, (), source.reconcile_every))
                urls = tuple(dict.fromkeys((*twin.urls, *source.api_urls)))
                found[origin] = Senders(twin.source, urls, min(twin.every, source.reconcile_every))
        return found

    def reconfigure(self, tasks: asyncio.TaskGroup) -> None:
        """Bring the running loops in line with the configuration."""
        wanted = self.senders()
        for origin, (senders, task) in list(self._running.items()):
            if wanted.get(origin) != senders:
                task.cancel()
                del self._running[origin]
        for origin, senders in wanted.items():
            if origin not in self._running:
                self._wake[origin] = asyncio.Event()
                task = tasks.create_task(self._run(origin, senders), name=f"reconcile {origin}")
                self._running[origin] = (senders, task)

    def stop(self) -> None:
        """End every loop."""
        for _, task in self._running.values():
            task.cancel()
        self._running.clear()

    def note_receiver(self, origin: str, receiver: str) -> None:
        """A message named its receiver, quoted as a regular expression."""
        known = self.receivers.setdefault(origin, set())
        if len(known) < _MOST_RECEIVERS:
            known.add(re.sub(r"\\(.)", r"\1", receiver))

    def ask(self, origin: str) -> None:
        """There is a suspect of this origin, or a message was cut: pull now."""
        if origin in self._wake:
            self._wake[origin].set()

    async def _run(self, origin: str, senders: Senders) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
            while True:
                await self._clock.sleep_until(self._clock.now() + senders.every, self._wake[origin])
                await self.pull(http, origin, senders)

    async def pull(self, http: aiohttp.ClientSession, origin: str, senders: Senders) -> None:
        """Ask every Alertmanager of an origin once, and submit what they say together.

        Of what was missed, and of what is over, one intent takes a part: pages and acts have their turn in between.
        """
        answers = await asyncio.gather(*(self._ask(http, url) for url in senders.urls))
        given = [a for a in answers if a is not None]
        self._note_silence(origin, senders, bool(given))
        now = self._clock.now()
        alerts: dict[str, Alert] = {}
        mine: set[str] = set()
        for items, _ in given:
            for alert in active_alerts(items, origin, now):
                alerts[alert.fingerprint] = alert
            mine |= self._for_us(items, origin)
        young = [started for _, started in given if now - started < _SETTLED]
        complete = len(given) == len(senders.urls)
        pulled = Pulled(
            source=senders.source,
            origin=origin,
            alerts=list(alerts.values()),
            answered=bool(given),
            complete=complete,
            gone=frozenset(self._gone_twice(origin, set(alerts)) if complete else ()),
            since=max(young, default=None),
            ours=frozenset(mine),
        )
        try:
            for part in self._in_parts(pulled):
                await self._pipeline.submit(part)
        except (StoreDown, Undecided) as error:
            log.error("what a source says could not be stored", origin=origin, why=str(error))

    def _in_parts(self, pulled: Pulled) -> Iterator[Pulled]:
        """Parts of at most `_PART` beginnings and ends; the first settles all that is neither."""
        board = self._pipeline.desk.board
        missed = [a for a in pulled.alerts if a.fingerprint in pulled.ours and is_missed(board, a)]
        late, over = missed[_PART:], sorted(pulled.gone)
        ours = pulled.ours.difference(a.fingerprint for a in late)
        yield replace(pulled, ours=ours, gone=frozenset(over[:_PART]))
        for begin in range(_PART, len(over), _PART):
            yield replace(
                pulled, alerts=[], ours=frozenset(), complete=False, gone=frozenset(over[begin : begin + _PART])
            )
        for begin in range(0, len(late), _PART):
            alerts = late[begin : begin + _PART]
            ours = frozenset(a.fingerprint for a in alerts)
            yield replace(pulled, alerts=alerts, ours=ours, complete=False, gone=frozenset())

    def _note_silence(self, origin: str, senders: Senders, answered: bool) -> None:
        if not answered and origin not in self._silent:
            log.warning("no Alertmanager of an origin answers", origin=origin, urls=list(senders.urls))
            self._silent.add(origin)
        elif answered and origin in self._silent:
            log.info("an Alertmanager answers again", origin=origin)
            self._silent.discard(origin)

    def _gone_twice(self, origin: str, active: set[str]) -> set[str]:
        """The open alerts of an origin that were not shown twice in a row."""
        board = self._pipeline.desk.board
        before = self._absent.get(origin, {})
        absent = {
            e.fingerprint: before.get(e.fingerprint, 0) + 1
            for e in board.episodes.values()
            if e.open and e.origin == origin and e.fingerprint not in active
        }
        self._absent[origin] = absent
        return {mark for mark, times in absent.items() if times >= 2}

    def _for_us(self, items: Any, origin: str) -> set[str]:
        """The alerts that are routed to a receiver under which this origin has sent to us, and not muted."""
        known = self.receivers.get(origin, set())
        found = set()
        for item in items if isinstance(items, list) else ():
            if not isinstance(item, dict):
                continue
            told = item.get("receivers")
            receivers = {str(r.get("name")) for r in told if isinstance(r, dict)} if isinstance(told, list) else set()
            muted = isinstance(item.get("status"), dict) and item["status"].get("state") != "active"
            if not muted and receivers & known:
                found.add(str(item.get("fingerprint")))
        return found

    async def _ask(self, http: aiohttp.ClientSession, url: str) -> tuple[Any, datetime] | None:
        """What one Alertmanager shows, and since when it runs; None where it does not answer."""
        try:
            items = await _fetched(http, f"{url}/api/v2/alerts")
            if not isinstance(items, list):
                raise NotThisFormat("GET /api/v2/alerts did not answer with a list")
            status = await _fetched(http, f"{url}/api/v2/status")
            uptime = status.get("uptime", "") if isinstance(status, dict) else ""
            started = parse_moment(str(uptime)) or self._clock.now()
        except (aiohttp.ClientError, TimeoutError, ValueError, NotThisFormat) as error:
            log.debug("an Alertmanager does not answer", url=url, why=str(error))
            return None
        return items, started


def _is_dropped(error: BaseException) -> bool:
    """A connection that was refused or cut, as in the moment of a restart; not a time-out, which has waited enough."""
    return isinstance(error, aiohttp.ClientConnectionError) and not isinstance(error, TimeoutError)


@retry(retry=retry_if_exception(_is_dropped), stop=stop_after_attempt(3), wait=wait_exponential(0.25), reraise=True)
async def _fetched(http: aiohttp.ClientSession, url: str) -> Any:
    """The JSON at an address; tried three times within a second where the connection is dropped."""
    async with http.get(url) as response:
        response.raise_for_status()
        return await response.json()
