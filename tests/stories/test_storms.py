"""A storm of alerts is a handful of incidents and pages, and what has nothing to do with it is paged as ever."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.house import House
from agent.sentences import text
from correlation.rules import StormPolicy
from tests.correlation.test_evidence import DATABASE, SHOP, SWITCH, WEB_1
from tests.house import START, alert, at, message, site
from tests.stories.test_growth import everywhere, told

MINUTE = 60
LIVE = {"alertname": "LeakDetected", "instance": "room-7", "severity": "critical"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(site(), START).open()
    yield made
    await made.close()


def distinct(count: int, names: int = 40, **more: str) -> list[dict[str, str]]:
    """Alerts that nothing explains: so many names, each on a host of its own."""
    kinds = ["".join(random.Random(number).choices("abcdefghijklmnop", k=9)) for number in range(names)]
    return [
        {"alertname": kinds[n % names], "instance": f"x-{n}:9100", "severity": ("warning", "critical")[n % 2], **more}
        for n in range(count)
    ]


async def flood(house: House, alerts: list[dict[str, str]], at_once: int = 50) -> None:
    """All of them within a minute."""
    step = timedelta(seconds=MINUTE) / (len(alerts) // at_once)
    for place in range(0, len(alerts), at_once):
        await told(house, *alerts[place : place + at_once])
        await house.advance(step)


async def test_thousands_of_distinct_alerts_in_a_minute_are_a_handful_of_incidents_and_pages(house: House) -> None:
    await flood(house, distinct(4000))
    active = [i for i in house.incidents() if i.active]
    assert len(active) <= 12
    assert len(house.sent) <= 60
    assert sum(i.open_alerts for i in active) == 4000, "none is lost"
    (storm,) = (i for i in active if i.storm is not None)
    assert storm.title.startswith("Alert storm in am: ")
    why = await house.writer.fetch("SELECT DISTINCT why FROM episode WHERE incident_id = ? LIMIT 3", storm.id)
    assert any('"code":"storm"' in reason for (reason,) in why)
    assert text("storm", {"place": "am"}) == "it came in a storm of alerts in am, and nothing else explains it"


async def test_a_critical_alert_of_another_kind_is_paged_by_itself_at_its_instant(house: House) -> None:
    await flood(house, distinct(1000, names=5))
    house.sent.clear()
    await told(house, LIVE)
    opened = house.incidents()[-1]
    assert opened.title.startswith("LeakDetected")
    assert {(s.incident, s.at) for s in house.sent} == {(opened.number, house.now)}


@pytest.mark.parametrize(
    ("waits", "labels"),
    [
        pytest.param(0, {"cluster": "far-away"}, id="of another place"),
        pytest.param(6, {}, id="of the same place, some seconds later"),
    ],
)
async def test_a_storm_with_many_critical_kinds_of_its_own_hides_no_other_trouble(
    house: House, waits: int, labels: dict[str, str]
) -> None:
    storm = distinct(600, names=300)
    for place in range(0, len(storm), 100):
        await told(house, *storm[place : place + 100])
    await house.advance(seconds=waits)
    house.sent.clear()
    await told(house, {**LIVE, **labels})
    opened = house.incidents()[-1]
    assert opened.title.startswith("LeakDetected")
    assert {(s.incident, s.at) for s in house.sent} == {(opened.number, house.now)}


async def test_what_is_explained_goes_where_it_belongs_in_a_storm_too() -> None:
    house = await House(everywhere(), START).open()
    await flood(house, distinct(500, names=5))
    await told(house, SWITCH, WEB_1)
    cause = next(i for i in house.incidents() if i.active and i.storm is None)
    assert cause.open_alerts == len((SWITCH, WEB_1))
    await told(house, DATABASE, SHOP)
    assert house.incidents()[-1].open_alerts == len((DATABASE, SHOP))
    await house.close()


async def test_another_place_has_no_storm_because_one_has(house: House) -> None:
    await flood(house, distinct(500, names=5, cluster="west"))
    house.sent.clear()
    quiet = {"alertname": distinct(1)[0]["alertname"], "instance": "y-1", "severity": "critical", "cluster": "east"}
    await told(house, quiet)
    assert {s.incident for s in house.sent} == {house.incidents()[-1].number}


async def test_a_storm_over_all_places_is_one_too(house: House) -> None:
    alerts = [{**labels, "cluster": f"c-{n}"} for n, labels in enumerate(distinct(1000, names=5))]
    await flood(house, alerts)
    assert len([i for i in house.incidents() if i.active]) <= 5
    assert [i.storm for i in house.incidents() if i.storm is not None] == [""]


async def test_a_storm_goes_on_over_a_restart_and_is_over_when_little_comes(house: House) -> None:
    await flood(house, distinct(500, names=5))
    before = len([i for i in house.incidents() if i.active])
    await house.restart()
    warning = {"alertname": distinct(1, names=5)[0]["alertname"], "severity": "warning"}
    await told(house, {**warning, "instance": "z-1"})
    assert len([i for i in house.incidents() if i.active]) == before
    await house.advance(minutes=11)
    await told(house, {**warning, "instance": "z-2"})
    assert house.incidents()[-1].open_alerts == 1
    assert house.desk.board.storms == {}


async def test_whoever_holds_the_storm_is_paged_once_for_what_comes_after(house: House) -> None:
    alerts = distinct(1000, names=5)
    await flood(house, alerts[:500])
    (storm,) = (i for i in house.incidents() if i.active and i.storm is not None)
    await house.act(storm.number, "acknowledge", who="desk")
    house.sent.clear()
    await flood(house, alerts[500:])
    assert [s.step.partition("/")[2] for s in house.sent if s.incident == storm.number] == ["grew"]


async def test_fewer_incidents_than_that_stay_apart_and_a_site_may_switch_storms_off(house: House) -> None:
    await told(house, *distinct(29))
    assert len([i for i in house.incidents() if i.active]) == 29
    config = site()
    policy = config.correlation.model_copy(update={"storm": StormPolicy(opened=0)})
    other = await House(replace(config, correlation=policy), START).open()
    await told(other, *distinct(100))
    assert len([i for i in other.incidents() if i.active]) == 100
    await other.close()


async def test_an_incident_that_somebody_holds_or_that_explains_itself_is_left_out_of_the_storm() -> None:
    house = await House(everywhere(), START).open()
    await told(house, SWITCH, WEB_1, SHOP)
    await told(house, LIVE)
    cause, held = (i.number for i in house.incidents())
    await house.act(held, "acknowledge", who="desk")
    await told(house, *distinct(40))
    assert house.incident(cause).active
    assert house.incident(held).active
    assert house.incident(held).open_alerts == 1
    await house.close()


async def test_an_end_of_the_storm_resolves_it(house: House) -> None:
    alerts = distinct(100, names=5)
    await told(house, *alerts)
    (storm,) = (i for i in house.incidents() if i.active)
    ends = [alert(labels, starts=at(START), ends=at(house.now)) for labels in alerts]
    await house.receive(message(*ends, groupKey=""))
    await house.advance(minutes=16)
    assert storm.state == "resolved"
