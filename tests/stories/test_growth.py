"""What somebody holds grows: they are paged again, once a step of growth, and no second outage hides in it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.configuration.config import Config
from agent.rehearsal.house import House
from correlation.rules import Growth
from tests.correlation.test_evidence import DATABASE, FRONT, FRONT_DOWN, ITEMS, LOAD_1, SHOP, SWITCH, WEB_1, WEB_2
from tests.house import START, alert, at, message, site

LATENCY = {"alertname": "ServiceHighLatency", "service": "shop", "severity": "critical"}


def everywhere() -> Config:
    """The small site with its items written, and ana in every group."""
    config = site()
    ana = config.people["ana"].model_copy(update={"groups": list(config.groups)})
    return replace(config, topology=ITEMS, people={**config.people, "ana": ana})


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(everywhere(), START).open()
    yield made
    await made.close()


async def told(house: House, *alerts: dict[str, str]) -> None:
    await house.receive(message(*(alert(labels, starts=at(house.now)) for labels in alerts), groupKey=""))


async def held(house: House, *alerts: dict[str, str]) -> str:
    """One incident, acknowledged by ana a minute after it began."""
    await told(house, *alerts)
    await house.advance(minutes=1)
    (incident,) = house.incidents()
    await house.act(incident.number, "acknowledge", who="ana")
    house.sent.clear()
    return incident.number


async def test_a_new_item_in_an_acknowledged_incident_pages_its_holder_at_once_and_asks_anew(house: House) -> None:
    number = await held(house, SWITCH, WEB_1)
    await told(house, WEB_2)
    assert [(s.person, s.step) for s in house.sent] == [("ana", "2/grew")]
    assert house.incident(number).acknowledged_at is None
    told_of = [facts for _, kind, _, facts in await house.timeline(number) if kind == "grew"]
    assert told_of == [{"new": "web-2", "what": "items", "assignee": "ana"}]
    await house.act(number, "acknowledge", who="ana")
    await house.advance(hours=3)
    assert not {s.step for s in house.sent} & {"2/c0@1", "2/r50@1", "2/r100@1"}


async def test_the_page_says_what_grew(house: House) -> None:
    number = await held(house, SWITCH, WEB_1)
    await told(house, WEB_2)
    ((reason,),) = await house.writer.fetch("SELECT reason FROM page WHERE step = '2/grew'")
    assert '"code":"grew"' in reason
    assert '"new":"web-2"' in reason
    assert number


async def test_no_page_for_each_alert_of_a_growing_incident_until_it_is_acknowledged_again(house: House) -> None:
    number = await held(house, SWITCH, WEB_1)
    for labels in (WEB_2, SHOP, FRONT):
        await told(house, labels)
        await house.advance(seconds=10)
    assert [s.person for s in house.sent] == ["ana"]
    await house.act(number, "acknowledge", who="ana")
    await told(house, LATENCY)
    assert len(house.sent) == 1, "another kind of alert about what is known is no growth"
    await told(house, {**WEB_1, "instance": "db-1:9100"})
    assert [i.number for i in house.incidents() if i.acknowledged_at] == [number]


async def test_growth_that_nobody_answers_starts_the_ladder_anew_after_the_response_target(house: House) -> None:
    await held(house, SWITCH, WEB_1)
    await told(house, WEB_2)
    grew = house.now
    await house.advance(hours=2)
    steps = {s.step: s.at - grew for s in house.sent}
    assert steps["2/c0@1"] == timedelta(hours=1)
    assert steps["2/r50@1"] == timedelta(minutes=90)


async def test_what_is_known_of_is_no_growth_also_when_it_fires_again_and_after_a_restart(house: House) -> None:
    number = await held(house, SWITCH, WEB_1)
    await house.receive(message(alert(WEB_1, starts=at(START), ends=at(house.now)), groupKey=""))
    await house.restart()
    await told(house, WEB_1)
    assert house.sent == []
    assert house.incident(number).acknowledged_at is not None
    await told(house, WEB_2)
    assert [s.person for s in house.sent] == ["ana"]


async def test_a_severity_that_rises_asks_whoever_holds_it_anew(house: House) -> None:
    number = await held(house, LOAD_1)
    before = house.incident(number).severity
    await told(house, {**LOAD_1, "severity": "critical"})
    incident = house.incident(number)
    assert incident.severity < before
    assert incident.acknowledged_at is None
    assert [s.person for s in house.sent].count("ana") == 1
    await house.act(number, "acknowledge", who="ana")
    await house.advance(hours=1)
    assert not {s.step for s in house.sent} & {f"{incident.severity}/r50", f"{incident.severity}/r50@1"}


async def test_an_incident_is_never_merged_into_one_that_somebody_holds_without_their_being_paged(house: House) -> None:
    number = await held(house, SWITCH, WEB_1, WEB_2)
    began = house.now - timedelta(minutes=1)
    over = at(house.now)
    await house.receive(message(*(alert(a, starts=at(began), ends=over) for a in (SWITCH, WEB_2)), groupKey=""))
    await house.advance(minutes=20)
    await told(house, FRONT_DOWN)
    other = house.incidents()[-1].number
    assert other != number, "what is over for so long explains it no more"
    house.sent.clear()
    await told(house, SWITCH)
    assert [facts["into"] for _, kind, _, facts in await house.timeline(other) if kind == "merged"] == [number]
    assert [(s.incident, s.person) for s in house.sent if s.step == "2/grew"] == [(number, "ana")]
    assert house.incident(number).acknowledged_at is None


async def test_an_incident_that_somebody_holds_is_not_taken_away(house: House) -> None:
    await told(house, WEB_1)
    await told(house, WEB_2)
    first, second = (i.number for i in house.incidents())
    await house.act(second, "acknowledge", who="ana")
    await told(house, SWITCH)
    assert house.incident(second).merged_into is None
    assert house.incident(second).open_alerts == 1
    assert house.incident(first).open_alerts == 2


async def test_growth_ends_a_snooze(house: House) -> None:
    number = await held(house, SWITCH, WEB_1)
    await house.act(number, "snooze", {"until": at(house.now + timedelta(hours=4)), "reason": "night"}, who="ana")
    await told(house, WEB_2)
    assert [s.person for s in house.sent] == ["ana"]
    assert house.incident(number).held_until is None


async def test_enough_new_kinds_are_growth_and_how_many_is_the_sites_to_say() -> None:
    config = everywhere()
    policy = config.correlation.model_copy(update={"growth": Growth(new_items=0, new_kinds=2)})
    house = await House(replace(config, correlation=policy), START).open()
    await held(house, DATABASE, SHOP)
    await told(house, LATENCY)
    assert house.sent == []
    await told(house, {**LATENCY, "alertname": "ServiceInstanceDown"})
    assert [s.person for s in house.sent] == ["ana"]
    await house.close()


async def test_who_merges_into_what_they_hold_themselves_is_not_paged_for_it(house: House) -> None:
    number = await held(house, WEB_1)
    await told(house, {**DATABASE})
    other = house.incidents()[-1].number
    house.sent.clear()
    await house.act(other, "merge", {"into": number}, who="ana")
    assert [s for s in house.sent if s.step.endswith("grew")] == []
    await told(house, WEB_2)
    third = house.incidents()[-1].number
    house.sent.clear()
    await house.act(third, "merge", {"into": number}, who="desk")
    assert [s.person for s in house.sent if s.step.endswith("grew")] == ["ana"]
