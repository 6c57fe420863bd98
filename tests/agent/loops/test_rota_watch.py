"""A gap in the rota is told ahead of time."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from agent.intents import ConfigChanged, RotaChanged
from agent.loops.rota_watch import RotaWatch
from agent.rehearsal.house import House
from correlation.permission import Actor
from escalation.oncall import Schedule
from escalation.rota import RotaChange

OFFICE = Schedule.model_validate(
    {
        "group": "sys-ops",
        "time_zone": "UTC",
        "layers": [{"people": ["ana"], "every": "1d", "effective_until": "2026-03-10"}],
    }
)


async def gap(house: House, watch: RotaWatch) -> float | None:
    """What the metric says after a look."""
    looking = asyncio.create_task(watch.look())
    while not looking.done():
        await asyncio.sleep(0)
        await house.pipeline.drain_once()
    looking.result()
    return house.pipeline.metrics.registry.get_sample_value("tocsin_rota_gap_seconds", {"schedule": "office"})


async def test_a_gap_is_a_metric_and_one_incident_that_ends_when_somebody_stands_in(house: House) -> None:
    await house.do(ConfigChanged(replace(house.config, schedules={"office": OFFICE}), "root"))
    watch = RotaWatch(house.pipeline, house.clock, house.pipeline.metrics)
    lacking = timedelta(days=5, hours=9).total_seconds()
    assert await gap(house, watch) == lacking, "from the 11th to the end of the two weeks"
    (incident,) = house.incidents()
    assert (incident.source, incident.open_alerts) == ("self", 1)
    assert await gap(house, watch) == lacking
    assert len(house.incidents()) == 1, "it is told once"
    change = RotaChange(
        id="1",
        schedule="office",
        person="luis",
        replaces=None,
        from_at=house.now,
        until=None,
        author="pat",
        reason="ana leaves",
        created_at=house.now,
    )
    await house.do(RotaChanged((change,), Actor("pat", frozenset({"pm"}))))
    assert await gap(house, watch) == 0
    assert house.incidents()[0].open_alerts == 0
