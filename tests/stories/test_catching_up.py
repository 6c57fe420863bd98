"""After two hours in which nothing ran thousands of steps are overdue: each has its record, the new goes first."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from agent.deciders import ticks
from agent.intents import AlertsArrived, TimePassed
from agent.loops.courier import Courier
from agent.rehearsal.house import House
from collectors.webhooks.alertmanager import parse
from correlation.rules import StormPolicy
from tests.house import START, alert, message, site

INCIDENTS = 350
OVERDUE = "SELECT id FROM step WHERE outcome = '' AND due_at <= ?"
RECORDS = "SELECT id, outcome FROM step WHERE outcome <> ''"
PROMISED = "SELECT incident_id, person, notifier, step FROM page WHERE state = 'pending'"


async def outage() -> House:
    """So many incidents that nobody took, each by itself, and two hours in which nothing ran."""
    config = site()
    correlation = config.correlation.model_copy(update={"storm": StormPolicy(opened=0)})
    house = await House(replace(config, correlation=correlation), START).open()
    for number in range(INCIDENTS):
        await house.receive(message(critical(f"x-{number}"), groupKey=f"{number}"))
    house.clock.set(house.now + timedelta(hours=2, minutes=5))
    return house


def critical(name: str) -> dict[str, Any]:
    return alert({"alertname": f"Odd{name}", "instance": f"{name}:9100", "severity": "critical"})


async def test_every_step_that_is_overdue_has_its_record_and_an_incident_pages_a_person_once_by_a_channel() -> None:
    house = await outage()
    before = len(house.sent)
    overdue = {step for (step,) in await house.writer.fetch(OVERDUE, house.now)}
    assert len(overdue) > 1000
    await house.restart()
    assert await house.writer.fetch(OVERDUE, house.now) == []
    records = {step: outcome for step, outcome in await house.writer.fetch(RECORDS) if step in overdue}
    assert records.keys() == overdue
    assert set(records.values()) <= {"paged", "superseded", "fallback"}
    told = Counter((page.incident, page.person, page.notifier) for page in house.sent[before:])
    assert {incident for incident, _, _ in told} == {i.number for i in house.incidents()}
    assert set(told.values()) == {1}
    await house.close()


async def test_a_new_incident_is_paged_before_all_that_is_late() -> None:
    house = await outage()
    await house.through(TimePassed())
    late = len(await house.writer.fetch(PROMISED))
    assert late > 500
    body = message(critical("new"), groupKey="new")
    await house.through(AlertsArrived("am", "am", "alertmanager", body, parse(body, "am", house.now), house.now))
    await house.through(TimePassed())
    (new,) = (i for i in house.incidents() if i.opened_at == house.now)
    courier = Courier(house.pipeline, house.clock, SimpleNamespace())  # sends nothing here
    house.clock.set(house.now + timedelta(seconds=1))  # known errors are looked for
    courier._line_up(house.now)
    pages = [house.desk.outbox.pages[place.page] for place in courier._waiting.take(late + 10)]
    of_new = [page for page in pages if page.incident_id == new.id]
    assert of_new
    assert pages[: len(of_new)] == of_new
    await house.close()


async def test_what_is_overdue_is_taken_in_parts_and_what_is_due_now_with_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ticks, "_AT_ONCE", 100)
    house = await outage()
    body = message(critical("new"), groupKey="new")
    await house.through(AlertsArrived("am", "am", "alertmanager", body, parse(body, "am", house.now), house.now))
    (new,) = (i for i in house.incidents() if i.opened_at == house.now)
    await house.through(TimePassed())
    told = {incident for incident, *_ in await house.writer.fetch(PROMISED)}
    assert (len(told), new.id in told) == (100, True)
    assert house.desk.next_due() == house.now
    for _ in range(3):
        await house.through(TimePassed())
    assert await house.writer.fetch(OVERDUE, house.now) == []
    await house.close()
