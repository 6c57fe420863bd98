"""A rota that runs out is told two weeks ahead: as a metric, and as an incident of Tocsin's own (procedure S2.1)."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from agent.clock import Clock
from agent.intents import AlertsFound
from agent.metrics import Metrics
from agent.pipeline import Pipeline
from collectors.alert import Alert
from collectors.labels import fingerprint
from collectors.moment import moment_text
from correlation.incident import key_of
from correlation.own import ORIGIN, own_alert
from escalation.coverage import Hole, holes

AHEAD = timedelta(days=14)
EVERY = timedelta(minutes=10)
_NAME = "RotaGap"


class RotaWatch:
    """Looks at the rotas as they are, with what people have laid over them; each change is told once."""

    def __init__(self, pipeline: Pipeline, clock: Clock, metrics: Metrics) -> None:
        self._pipeline, self._clock, self._metrics = pipeline, clock, metrics
        self._told: dict[str, str | None] = {}

    async def look(self) -> None:
        """Set the metric, and tell the schedules whose gaps have changed. Raises StoreDown."""
        now, directory = self._clock.now(), self._pipeline.desk.directory
        found = await asyncio.to_thread(holes, directory.schedules, now, now + AHEAD, directory.overrides)
        self._metrics.rota_gaps.clear()
        for name, lacking in lacking_seconds(directory.schedules, found).items():
            self._metrics.rota_gaps.labels(name).set(lacking)
        said = {name: next((_said(h) for h in found if h.schedule == name), None) for name in directory.schedules}
        told = {**dict.fromkeys(self._told), **said}
        alerts = [_alert(name, text, now) for name, text in told.items() if self._is_news(name, text)]
        if alerts:
            await self._pipeline.submit(AlertsFound(alerts, "self"))
        self._told = said

    def _is_news(self, name: str, text: str | None) -> bool:
        """Not told yet; of a rota that is whole: told before a restart, and not ended since."""
        if name in self._told or text is not None:
            return self._told.get(name) != text
        mark = fingerprint({"alertname": _NAME, "schedule": name})
        episode = self._pipeline.desk.board.episodes.get(key_of(ORIGIN, mark))
        return episode is not None and episode.open


def lacking_seconds(schedules: Iterable[str], found: Iterable[Hole]) -> Mapping[str, float]:
    """By schedule, for how long it has too few people in the stretch that was looked at; 0 is good."""
    lacking = dict.fromkeys(schedules, 0.0)
    for hole in found:
        lacking[hole.schedule] += (hole.until - hole.from_at).total_seconds()
    return lacking


def _said(hole: Hole) -> str:
    where = f"{hole.schedule}, shift {hole.shift}" if hole.shift else hole.schedule
    return f"{where}: {hole.has} on call of {hole.needs}, until {moment_text(hole.until)}"


def _alert(name: str, text: str | None, now: datetime) -> Alert:
    summary = f"the rota leaves somebody out: {text}" if text else f"the rota of {name} is whole again"
    return own_alert(_NAME, {"schedule": name}, summary, now, firing=text is not None)
