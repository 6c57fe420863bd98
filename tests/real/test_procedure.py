"""Scenarios 3 and 17 of procedure 4.17, with a real daemon and a real kill -9 (R93, R94, S4.4)."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from collectors.moment import parse_moment
from tests.real.daemon import Tocsin, Yaml, firing, site
from tests.real.load import Load, nothing_acked_is_lost, tell
from tests.real.parts import WebhookSink, until

MINUTE = timedelta(seconds=0.5)
"""A minute of the procedure, scaled."""
TOLD = ["ana", "wei", "pat"]
LADDER: list[Yaml] = [
    {"id": "c0", "clock": "created", "at": 0, "tell": ["l1", "l2", "pm"]},
    {"id": "r50", "clock": "response", "at": "50%", "tell": ["l1"]},
    {"id": "r100", "clock": "response", "at": "100%", "tell": ["l1", "l2", "pm"]},
    {"id": "p75", "clock": "resolution", "at": "75%", "tell": ["pm"]},
]


@pytest.fixture
async def tocsin(open_dir: Path, webhook_sink: WebhookSink) -> AsyncIterator[Tocsin]:
    targets = {key: {"response": "30s", "resolve": "8h", "calendar": "24x7"} for key in (1, 2, 3, 4)}
    files = site(hook=webhook_sink.url, steps=LADDER, sla={"sla": {"default": targets}})
    async with Tocsin(open_dir, files) as running:
        yield running


def told(sink: WebhookSink, step: str) -> list[str]:
    """Who was told of a step, once for each key: a page that was cut off may come twice under one key."""
    keys = {r.headers["Idempotency-Key"]: r for r in sink.accepted if r.headers["X-Tocsin-Step"] == step}
    return sorted(r.headers["X-Tocsin-Target"] for r in keys.values())


async def test_scenario_3_killed_at_59_of_60_minutes_each_step_is_taken_once_and_the_missed_one_is_late(
    tocsin: Tocsin, webhook_sink: WebhookSink
) -> None:
    assert await tell(tocsin, firing(alertname="NodeFilesystemAlmostOutOfSpace", severity="critical")) == 200
    incident = await tocsin.incident_of("NodeFilesystemAlmostOutOfSpace")
    number, severity = incident["number"], incident["severity"]
    opened_at = parse_moment(incident["opened_at"])
    assert opened_at is not None

    def minute(count: float) -> bool:
        return datetime.now(UTC) >= opened_at + count * MINUTE

    await until(lambda: told(webhook_sink, f"{severity}/r50") == ["ana"], "the first line is told again at 30 minutes")
    await until(partial(minute, 59), "59 of 60 minutes")
    await tocsin.kill()
    taken_before = bool(told(webhook_sink, f"{severity}/r100"))  # on a machine too busy to kill in time
    await until(partial(minute, 65), "65 minutes")
    await tocsin.start()
    await until(lambda: told(webhook_sink, f"{severity}/r100") == sorted(TOLD), "everybody is told at 60 minutes")
    await tocsin.restart()
    records = {step["step"]: step for step in await tocsin.plan(number)}
    assert [records[f"{severity}/{step}"]["outcome"] for step in ("c0", "r50", "r100")] == ["paged"] * 3
    late = {step.partition("/")[2] for step, record in records.items() if (record["late_ms"] or 0) >= 1000}
    assert late == (set() if taken_before else {"r100"})
    steps = Counter(e["facts"]["step"] for e in await tocsin.timeline(number) if e["kind"] == "step")
    assert steps == {f"{severity}/c0": 1, f"{severity}/r50": 1, f"{severity}/r100": 1}
    assert [told(webhook_sink, f"{severity}/{step}") for step in ("c0", "r50", "r100")] == [
        sorted(TOLD),
        ["ana"],
        sorted(TOLD),
    ]


async def test_scenario_17_killed_in_a_storm_of_a_thousand_alerts_every_acknowledged_post_is_there(
    tocsin: Tocsin,
) -> None:
    chance = random.Random(17)
    acked: set[str] = set()
    storm = 0
    while len(acked) < 1000:
        async with Load(tocsin, f"storm-{storm}").running() as load:
            await until(partial(load.has, chance.randint(300, 600)), "the storm")
            await tocsin.kill()
        acked |= load.acked
        storm += 1
        await tocsin.start()
    await nothing_acked_is_lost(tocsin, acked)
