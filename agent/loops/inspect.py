"""Runs each inspection on its interval, judges what it reads, and tells the line what has changed."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from agent.clock import Clock
from agent.configuration import plugins
from agent.configuration.config import Config
from agent.intents import AlertsArrived, AlertsFound, LetterDied, Remembered
from agent.metrics import Metrics
from agent.pipeline import Overloaded, Pipeline, Undecided
from agent.storage.store import REMEMBERED, memory_key
from agent.storage.writer import StoreDown
from collectors.alert import Alert, NotThisFormat, Parsed, Status, encode_labels
from collectors.labels import Labels, fingerprint
from collectors.mail import parse_mail
from collectors.source import Finding, Letter, Unreachable
from collectors.thresholds import AlertKey, Kept, alert_key, judge_all

log = structlog.get_logger("inspect")
ORIGIN = "inspection"
_UNREACHABLE = "InspectionUnreachable"
_REMEMBER_EVERY = timedelta(minutes=5)
"""How often an inspection's memory is stored: so much of it a restart may cost."""


class Inspections:
    """One task per inspection; a reload starts, stops or restarts those whose configuration has changed."""

    def __init__(self, pipeline: Pipeline, get_config: Callable[[], Config], clock: Clock, metrics: Metrics) -> None:
        self._pipeline = pipeline
        self._config = get_config
        self._clock = clock
        self._metrics = metrics
        self._running: dict[str, tuple[Any, Watch, asyncio.Task[None]]] = {}

    def reconfigure(self, tasks: asyncio.TaskGroup) -> None:
        """Bring the running inspections in line with the configuration."""
        wanted = self._config().inspections
        for name, (config, _, task) in list(self._running.items()):
            if wanted.get(name) != config:
                task.cancel()
                del self._running[name]
        for name, config in wanted.items():
            if name not in self._running:
                watch = Watch(name, config, self._pipeline, self._config, self._metrics)
                task = tasks.create_task(self._run(name, config, watch), name=f"inspect {name}")
                self._running[name] = (config, watch, task)
        if self._orphans():
            tasks.create_task(self._end_orphans(), name="alerts of inspections that are gone")

    def _orphans(self) -> list[Labels]:
        """The labels of open alerts that no inspection tells any more: it is gone, or looks at something else."""
        board = self._pipeline.desk.board
        told = [board.labels(e) for e in board.episodes.values() if e.open and e.origin == ORIGIN]
        return [labels for labels in told if not self._is_told_by_any(labels)]

    def _is_told_by_any(self, labels: Labels) -> bool:
        running = self._running.get(labels.get("inspection", ""))
        return running is not None and running[1].tells(labels)

    async def _end_orphans(self) -> None:
        """Nobody will look again: what was told of it ends."""
        try:
            now = self._clock.now()
            await self._pipeline.submit(
                AlertsFound([resolved(labels, now) for labels in self._orphans()], "inspection")
            )
        except (StoreDown, Undecided) as error:
            log.error("alerts of inspections that are gone stay open until the next reload", why=str(error))

    def stop(self) -> None:
        """End every inspection."""
        for _, _, task in self._running.values():
            task.cancel()
        self._running.clear()

    def heard(self, source: str, alerts: list[Alert], now: datetime) -> None:
        """Firing alerts have come in: some may be what a heartbeat inspection waits for."""
        for _, watch, _ in self._running.values():
            watch.heard(source, alerts, now)

    def moved(self, shift: timedelta) -> None:
        """The clock was put right by this much: what was counted up to now keeps its length."""
        for _, watch, _ in self._running.values():
            watch.moved(shift)

    @property
    def listens(self) -> bool:
        """Whether any inspection waits for heartbeats."""
        return any(watch.listens for _, watch, _ in self._running.values())

    async def _run(self, name: str, config: Any, watch: "Watch") -> None:
        due = self._clock.now()
        try:
            while True:
                now = self._clock.now()
                try:
                    await watch.once(now)
                except Exception as error:  # the rim of an inspection: a fault in one stops no other, and no page
                    log.exception("an inspection has failed", inspection=name)
                    await watch.failed(error, now)
                due = min(max(due + config.every, now), now + config.every)
                await self._clock.sleep_until(due)
        finally:
            await watch.close()


class Watch:
    """One inspection: what it kept from its last read, and the alerts it has told."""

    def __init__(
        self, name: str, config: Any, pipeline: Pipeline, get_config: Callable[[], Config], metrics: Metrics
    ) -> None:
        self.name = name
        self._settings = config
        self._inspect = plugins.inspection(config.type).Inspect(name, config)
        self._pipeline = pipeline
        self._config = get_config
        self._metrics = metrics
        self._kept: Mapping[AlertKey, Kept] = {}
        self._told: dict[AlertKey, str] | None = None
        self._unreachable = False
        self._kept_at: datetime | None = None
        self.listens = hasattr(self._inspect, "beat")

    def tells(self, labels: Labels) -> bool:
        """Whether an alert with these labels, of this inspection, is one that it may tell as it is written now."""
        if labels.get("alertname") == _UNREACHABLE:
            about: Labels | None = {}
        else:
            about = getattr(self._inspect, "about", None)
        if about is None:
            return set(self._settings.labels) <= set(labels)
        return self._labels(labels.get("alertname", ""), about) == labels

    def heard(self, source: str, alerts: list[Alert], now: datetime) -> None:
        if self.listens and any(a.firing and self._inspect.hears(source, a.labels) for a in alerts):
            self._inspect.beat(now)

    def moved(self, shift: timedelta) -> None:
        """Moments kept from earlier reads are later by this much."""
        self._kept = {key: kept._replace(state=kept.state.moved(shift)) for key, kept in self._kept.items()}
        if hasattr(self._inspect, "moved"):
            self._inspect.moved(shift)

    async def once(self, now: datetime) -> None:
        """Read, judge and tell, once. What gives no data is told when that begins and when it ends.

        Whether nobody answers or whoever answers has no data: it is one outage, told under the name it began with.
        """
        if self._told is None:
            self._told = self._open_levels()
            self._unreachable = alert_key(_UNREACHABLE, {"inspection": self.name}) in self._told
        await self._recall(now)
        deadline = self._settings.deadline or timedelta(seconds=30)
        try:
            async with asyncio.timeout(deadline.total_seconds()):
                seen = await self._inspect.read(now)
        except (Unreachable, TimeoutError) as error:
            self._metrics.inspections.labels(self._settings.type, "unreachable").inc()
            await self._lost(str(error) or f"no answer within {deadline.total_seconds():g} s", now)
            return
        self._metrics.inspections.labels(self._settings.type, "ok").inc()
        await self._remember(now)
        letters = [one for one in seen if isinstance(one, Letter)]
        seen = [one for one in seen if not isinstance(one, Letter)]
        if letters:
            await self._take_letters(letters, now)
        open_levels = {key: level.partition(":")[0] for key, level in self._told.items()}
        findings, kept = judge_all(
            seen, self._kept, lambda key: self._config().threshold(self.name, key), now, open_levels
        )
        if getattr(self._inspect, "tells_all", False):
            findings += self._gone(findings)
        if self._unreachable and self._still_without_data(findings):
            return
        if self._unreachable:
            log.info("inspection answers again", inspection=self.name)
            findings.append(Finding(_UNREACHABLE, {"inspection": self.name}, None))
        if await self._tell(findings, now):
            self._kept = kept
            self._unreachable = False

    def _gone(self, findings: list[Finding]) -> list[Finding]:
        """What was told, also before a restart, and is not seen any more."""
        seen = {alert_key(f.alertname, f.labels) for f in findings}
        ours = alert_key(_UNREACHABLE, {"inspection": self.name})
        return [
            Finding(name, dict(labels), None)
            for name, labels in self._told or ()
            if (name, labels) not in seen | {ours}
        ]

    @property
    def _keeps(self) -> bool:
        return hasattr(self._inspect, "memory")

    async def _recall(self, now: datetime) -> None:
        """Give the inspection back what it remembered before a restart; without it, it begins anew."""
        if not self._keeps or self._kept_at is not None:
            return
        self._kept_at = now
        try:
            rows = await self._pipeline.writer.fetch(REMEMBERED, memory_key(self.name))
            if rows:
                self._inspect.recall(rows[0][0], now)
        except (StoreDown, ValueError) as error:
            log.warning("an inspection begins anew", inspection=self.name, why=str(error)[:300])

    async def _remember(self, now: datetime) -> None:
        if not self._keeps or self._kept_at is None or now - self._kept_at < _REMEMBER_EVERY:
            return
        self._kept_at = now
        with contextlib.suppress(StoreDown, Overloaded, Undecided):  # the next time is soon
            await self._pipeline.submit(Remembered(self.name, self._inspect.memory()))

    async def _take_letters(self, letters: list[Letter], now: datetime) -> None:
        """Put mails in line, and have the mailbox note those that were stored; the others are found again."""
        taken: list[str] = []
        for letter in letters:
            try:
                parsed = await asyncio.to_thread(parse_mail, letter.body)
                arrived = AlertsArrived(self.name, self.name, "email", letter.body, Parsed([], mail=parsed), now)
                await self._pipeline.submit(arrived)
            except NotThisFormat as error:
                await self._bury(letter, str(error), now, taken)
                continue
            except (StoreDown, Overloaded) as error:
                log.error("a mail could not be stored, it is fetched again", inspection=self.name, why=str(error))
                break
            taken.append(letter.id)
        try:
            if taken:
                await self._inspect.taken(taken)
        except Unreachable as error:  # stored they are: fetched again, they are known by their Message-ID
            log.warning("mails could not be marked as seen", inspection=self.name, why=str(error))

    async def _bury(self, letter: Letter, reason: str, now: datetime, taken: list[str]) -> None:
        """What is no mail is a dead letter; it stays in the mailbox where the store cannot take that."""
        with contextlib.suppress(StoreDown, Overloaded):
            await self._pipeline.submit(LetterDied(self.name, reason, letter.body, now))
            taken.append(letter.id)

    async def failed(self, error: Exception, now: datetime) -> None:
        """A fault in the inspection itself: told like one that does not answer."""
        self._metrics.inspections.labels(self._settings.type, "failed").inc()
        await self._lost(f"{type(error).__name__}: {error}"[:300], now)

    async def _lost(self, why: str, now: datetime) -> None:
        if self._unreachable or any(name in self._outages for name, _ in self._told or ()):
            return
        log.warning("inspection does not answer", inspection=self.name, why=why)
        summary = f"inspection {self.name} does not answer: {why}"
        finding = Finding(_UNREACHABLE, {"inspection": self.name}, "warn", {"summary": summary})
        self._unreachable = await self._tell([finding], now)

    @property
    def _outages(self) -> Collection[str]:
        """The alerts by which the inspection itself says that there is no data."""
        return getattr(self._inspect, "outages", ())

    def _still_without_data(self, findings: list[Finding]) -> bool:
        return any(f.alertname in self._outages and f.level is not None for f in findings)

    async def _tell(self, findings: list[Finding], now: datetime) -> bool:
        """Submit what has changed since it was last told; False where the store could not take it."""
        told = self._told if self._told is not None else {}
        alerts, after = [], dict(told)
        for finding in findings:
            key = alert_key(finding.alertname, finding.labels)
            level = _level(finding)
            if after.get(key, "") == level:
                continue
            alerts.append(self._alert(finding, level, now))
            after[key] = level
            if not level:
                del after[key]
        if not alerts:
            return True
        try:
            await self._pipeline.submit(AlertsFound(alerts, "inspection"))
        except (StoreDown, Undecided) as error:
            log.error(
                "a finding could not be stored, it is told at the next read", inspection=self.name, why=str(error)
            )
            return False
        self._told = after
        return True

    def _alert(self, finding: Finding, level: str, now: datetime) -> Alert:
        labels = self._labels(finding.alertname, finding.labels)
        return Alert(
            origin=ORIGIN,
            fingerprint=fingerprint(labels),
            status=Status.FIRING if level else Status.RESOLVED,
            starts_at=now,
            starts_text="",
            ends_at=None if level else now,
            labels_json=encode_labels(labels),
            annotations_json=encode_labels({k: str(v) for k, v in finding.annotations.items()}),
            level=level,
        )

    def _labels(self, alertname: str, labels: Labels) -> dict[str, str]:
        return {**self._settings.labels, **labels, "alertname": alertname, "inspection": self.name}

    def _open_levels(self) -> dict[AlertKey, str]:
        """What this inspection had told before a restart and is still open."""
        board = self._pipeline.desk.board
        found = {}
        for episode in board.episodes.values():
            if episode.open and episode.origin == ORIGIN:
                labels = dict(board.labels(episode))
                if labels.get("inspection") == self.name and self.tells(labels):
                    found[self._key_of(labels)] = episode.level
        return found

    def _key_of(self, labels: dict[str, str]) -> AlertKey:
        name = labels.pop("alertname", "")
        if name != _UNREACHABLE:
            labels.pop("inspection", None)
        return alert_key(name, {k: v for k, v in labels.items() if self._settings.labels.get(k) != v})

    async def close(self) -> None:
        await self._inspect.close()


def resolved(labels: Labels, now: datetime) -> Alert:
    """The end of an alert of an inspection, by the labels that it has."""
    return Alert(
        origin=ORIGIN,
        fingerprint=fingerprint(labels),
        status=Status.RESOLVED,
        starts_at=now,
        starts_text="",
        ends_at=now,
        labels_json=encode_labels(dict(labels)),
        annotations_json=b"{}",
    )


def _level(finding: Finding) -> str:
    if finding.level is None:
        return ""
    return f"{finding.level}:{finding.severity}" if finding.severity else str(finding.level)
