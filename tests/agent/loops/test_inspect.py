"""An inspection tells the line what has changed: once when it begins, once when it ends, over a restart too."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from agent.configuration import plugins
from agent.configuration.config import Config
from agent.intents import Remembered
from agent.loops.inspect import Inspections, Watch
from agent.metrics import Metrics
from agent.rehearsal.house import House
from collectors.source import Finding, Reading, Unreachable
from collectors.thresholds import Threshold
from collectors.ups import OUTAGES, Lost, UpsData, UpsState, judge_ups
from tests.house import START, site


class Gauge:
    """An inspection whose next read a test decides."""

    def __init__(self) -> None:
        self.next: list[Reading | Finding] | Exception = []

    async def read(self, now: datetime) -> list[Reading | Finding]:
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    async def close(self) -> None:
        pass


def used(percent: float) -> list[Reading | Finding]:
    return [Reading("disk_used_pct", percent, {"mountpoint": "/srv"})]


def settings_of(written: dict[str, Any]) -> Any:
    return plugins.inspection(written["type"]).Config.model_validate(written)


class Stand:
    """A house with one inspection of ours, `root-disk`."""

    def __init__(self, house: House, gauge: Gauge, watch: Callable[[], Watch]) -> None:
        self.house, self.gauge, self._watch = house, gauge, watch
        self.watch = watch()

    async def sees(self, seen: list[Reading | Finding] | Exception) -> None:
        self.gauge.next = seen
        await self.looks()

    async def looks(self) -> None:
        await self.house.advance(minutes=1)
        await self.watch.once(self.house.now)
        await self.house.settle()

    async def watches(self, ups: "Ups") -> "Ups":
        """From a start of the daemon on it is this that the inspection looks at."""
        await self.restart()
        self.watch._inspect = ups
        return ups

    async def restart(self) -> None:
        await self.house.restart()
        self.watch = self._watch()

    @property
    def firing(self) -> dict[str, str]:
        """The alerts that are open, with their levels."""
        board = self.house.desk.board
        return {board.labels(e)["alertname"]: e.level for e in board.episodes.values() if e.open}


@pytest.fixture
async def stand(monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = settings_of(DISK)
    thresholds = {"disk_used_pct": Threshold.model_validate({"warn": 85, "crit": 95, "clear": 83, "for": 0})}
    config: Config = replace(site(), inspections={"root-disk": settings}, thresholds=thresholds)
    house = await House(config, START).open()
    gauge = Gauge()
    house.pipeline.submit = house.do  # type: ignore[method-assign]  # the hand clock drains the line itself

    def watch() -> Watch:
        made = Watch("root-disk", settings, house.pipeline, lambda: house.config, Metrics())
        made._inspect = gauge
        return made

    yield Stand(house, gauge, watch)
    await house.close()


class Keeping(Gauge):
    """One that remembers how often it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def read(self, now: datetime) -> list[Reading | Finding]:
        self.reads += 1
        return await super().read(now)

    def memory(self) -> str:
        return str(self.reads)

    def recall(self, memory: str, now: datetime) -> None:
        self.reads = int(memory)


async def test_what_an_inspection_has_to_remember_is_there_after_a_restart(stand: Stand) -> None:
    stand.watch._inspect = Keeping()
    for _ in range(9):
        await stand.looks()
    await stand.restart()
    after = stand.watch._inspect = Keeping()
    await stand.looks()
    assert after.reads == 7  # stored with the sixth read, five minutes after the first


@pytest.mark.parametrize("stored", ["no number", "", "[]"])
async def test_a_memory_that_cannot_be_read_costs_the_inspection_nothing(stand: Stand, stored: str) -> None:
    await stand.house.do(Remembered("root-disk", stored))
    stand.watch._inspect = Keeping()
    stand.watch._inspect.next = used(90)
    await stand.looks()
    assert list(stand.firing.values()) == ["warn:3"]


async def test_a_reading_over_the_line_opens_an_incident_with_its_level_beside_the_labels(stand: Stand) -> None:
    await stand.sees(used(90))
    assert list(stand.firing.values()) == ["warn:3"]
    assert [(i.source, i.severity, i.category) for i in stand.house.incidents()] == [
        ("inspection", 3, "storage/disk_space")
    ]


async def test_warn_to_crit_is_the_same_alert_raised(stand: Stand) -> None:
    await stand.sees(used(90))
    await stand.sees(used(97))
    assert [(i.severity, i.alert_count) for i in stand.house.incidents()] == [(2, 1)]


async def test_within_the_hysteresis_nothing_changes_also_over_a_restart(stand: Stand) -> None:
    await stand.sees(used(90))
    await stand.restart()
    await stand.sees(used(84))
    assert stand.firing
    await stand.sees(used(80))
    assert stand.firing == {}


async def test_what_does_not_answer_is_told_once_when_it_begins_and_once_when_it_ends(stand: Stand) -> None:
    await stand.sees(used(90))
    for _ in range(3):
        await stand.sees(Unreachable("nobody at 127.0.0.1:3493: is upsd running?"))
    assert set(stand.firing.values()) == {"warn:3", "warn"}
    assert len(stand.house.incidents()) == 2
    assert "3493" in stand.house.incidents()[1].title
    await stand.restart()
    await stand.sees(Unreachable("still nobody"))
    assert stand.house.desk.board.last_ids["incident"] == 2
    await stand.sees(used(90))
    assert list(stand.firing.values()) == ["warn:3"]


class Ups(Gauge):
    """A UPS as both of its inspections judge it."""

    outages = OUTAGES

    def __init__(self) -> None:
        super().__init__()
        self.state = UpsState()
        self.look: UpsData | Lost | Exception = MAINS

    async def read(self, now: datetime) -> list[Reading | Finding]:
        if isinstance(self.look, Exception):
            raise self.look
        self.state, told = judge_ups(self.state, self.look, {"ups": "rack1"}, now)
        return told


MAINS, BATTERY = UpsData(frozenset({"OL"})), UpsData(frozenset({"OB"}))
WAIT, STALE = UpsData(frozenset({"WAIT"})), Lost("upsd has only stale data")
SILENT, RESTART = Unreachable("upsd does not answer"), "the daemon starts anew"


@pytest.mark.parametrize(
    ("looks", "name"),
    [
        pytest.param([SILENT, WAIT, WAIT, MAINS], "InspectionUnreachable", id="upsd is restarted"),
        pytest.param([WAIT, MAINS], "UpsCommLost", id="upsd is restarted between two looks"),
        pytest.param([STALE, SILENT, WAIT, MAINS], "UpsCommLost", id="the driver hangs, then upsd is restarted"),
        pytest.param([SILENT, STALE, SILENT, MAINS], "InspectionUnreachable", id="upsd comes and goes"),
        pytest.param([SILENT, RESTART, WAIT, SILENT, MAINS], "InspectionUnreachable", id="and so does the daemon"),
        pytest.param([STALE, RESTART, SILENT, STALE, MAINS], "UpsCommLost", id="the driver hangs over a restart"),
    ],
)
async def test_one_outage_of_a_ups_is_told_once_when_it_begins_and_once_when_it_ends(
    stand: Stand, looks: list[Any], name: str
) -> None:
    ups = await stand.watches(Ups())
    for look in (MAINS, *looks[:-1]):
        ups.look = look
        if look is RESTART:
            ups = await stand.watches(Ups())
            continue
        await stand.looks()
        assert set(stand.firing) == (set() if look is MAINS else {name})
    ups.look = looks[-1]
    await stand.looks()
    assert stand.firing == {}
    assert stand.house.desk.board.last_ids["incident"] == 1
    assert await stand.house.writer.fetch("SELECT count(*) FROM journal WHERE kind = 'inspection'") == [(2,)]


async def test_a_power_cut_that_began_during_an_outage_is_told_with_its_end(stand: Stand) -> None:
    ups = await stand.watches(Ups())
    for look in (MAINS, SILENT, WAIT):
        ups.look = look
        await stand.looks()
    ups.look = BATTERY
    await stand.looks()
    assert stand.firing == {"UpsPower": "crit:2"}


async def test_the_same_finding_told_again_costs_no_row(stand: Stand) -> None:
    await stand.sees(used(90))
    ((before,),) = await stand.house.writer.fetch("SELECT count(*) FROM journal")
    for _ in range(5):
        await stand.sees(used(91))
    assert await stand.house.writer.fetch("SELECT count(*) FROM journal WHERE kind = 'inspection'") == [(1,)]
    assert before >= 1


async def test_a_series_that_vanished_while_the_daemon_was_down_is_well_where_the_inspection_tells_all(
    stand: Stand,
) -> None:
    await stand.sees(used(96))
    await stand.restart()
    await stand.sees([])
    assert stand.firing == {"DiskSpaceLow": "crit:2"}
    stand.gauge.tells_all = True  # type: ignore[attr-defined]  # as an expression of Prometheus
    await stand.sees(Unreachable("away"))
    assert "DiskSpaceLow" in stand.firing
    await stand.sees([])
    assert stand.firing == {}


DISK = {"type": "disk", "every": "1m", "path": "/srv"}
CHANGES: dict[str, tuple[dict[str, Any] | None, bool]] = {
    "nothing": (DISK, True),
    "how often it looks": ({**DISK, "every": "2m"}, True),
    "it is not written any more": (None, False),
    "it looks at another thing": ({**DISK, "path": "/data"}, False),
    "its alerts have another label": ({**DISK, "labels": {"team": "storage"}}, False),
    "it is of another type": ({"type": "http", "every": "1m", "url": "http://web.example.com/"}, False),
}


@pytest.mark.parametrize(("changed", "still_told"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("over_a_restart", [False, True])
async def test_what_an_inspection_has_told_ends_when_nobody_looks_at_it_any_more(
    stand: Stand, changed: dict[str, Any] | None, still_told: bool, over_a_restart: bool
) -> None:
    await stand.sees(used(96))
    house = stand.house
    if over_a_restart:
        await house.restart()
    written = {} if changed is None else {"root-disk": settings_of(changed)}
    house.config = replace(house.config, inspections=written)
    inspections = Inspections(house.pipeline, lambda: house.config, house.clock, Metrics())
    async with asyncio.TaskGroup() as tasks:
        inspections.reconfigure(tasks)
        inspections.stop()
    assert bool(stand.firing) is still_told


@pytest.mark.parametrize(("labels", "told"), [({}, True), ({"team": "storage"}, False)])
def test_an_inspection_of_many_things_tells_what_has_all_its_labels(
    stand: Stand, labels: dict[str, str], told: bool
) -> None:
    written = {
        "type": "prometheus",
        "every": "1m",
        "url": "http://prometheus:9090",
        "query": "up == 0",
        "alertname": "Down",
    }
    settings = settings_of({**written, "labels": labels})
    watch = Watch("targets", settings, stand.house.pipeline, lambda: stand.house.config, Metrics())
    assert watch.tells({"alertname": "Down", "inspection": "targets", "instance": "web-1"}) is told
