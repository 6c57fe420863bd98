"""What comes in the wrong order, and what people do meanwhile: each alert ends where a person would look for it."""

from collections.abc import AsyncIterator

import pytest

from agent.rehearsal.house import House
from correlation.incident import fingerprint_of
from correlation.refusal import Refusal
from tests.correlation.test_evidence import SHOP, SWITCH, WEB_1
from tests.house import START, alert, at, message
from tests.stories.test_growth import everywhere, told
from tests.stories.test_splits import end, incident_of, key_of, outage, split


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(everywhere(), START).open()
    yield made
    await made.close()


async def test_an_end_that_comes_before_its_firing_opens_nothing_and_the_next_firing_does(house: House) -> None:
    fired, over = at(house.now), at(house.now)
    await house.receive(message(alert(WEB_1, starts=fired, ends=over), groupKey=""))
    await house.receive(message(alert(WEB_1, starts=fired), groupKey=""))
    assert house.incidents() == []
    await house.advance(minutes=1)
    await told(house, WEB_1)
    (incident,) = house.incidents()
    assert incident.open_alerts == 1


async def test_a_firing_older_than_its_end_brings_nothing_back_from_an_incident_that_was_merged(house: House) -> None:
    await told(house, SHOP)
    began = at(house.now)
    await house.advance(seconds=5)
    await told(house, {"alertname": "Oddity", "instance": "x-1"})
    first, second = (i.number for i in house.incidents())
    await house.act(first, "merge", {"into": second}, who="desk")
    await end(house, SHOP)
    await house.receive(message(alert(SHOP, starts=began), groupKey=""))
    assert house.incident(second).open_alerts == 1
    await house.advance(seconds=5)
    await told(house, SHOP)
    assert incident_of(house, SHOP) == second, "what fires anew is where its alert went"


async def test_a_merged_incident_whose_alerts_end_one_after_the_other_is_resolved_once(house: House) -> None:
    await told(house, SHOP)
    await told(house, {"alertname": "Oddity", "instance": "x-1"})
    first, second = (i.number for i in house.incidents())
    await house.act(first, "merge", {"into": second}, who="desk")
    await end(house, SHOP)
    await house.advance(minutes=30)
    assert house.incident(second).active
    await end(house, {"alertname": "Oddity", "instance": "x-1"})
    await house.advance(minutes=16)
    assert house.incident(second).state == "resolved"


async def test_a_merged_incident_is_reopened_by_nobody_and_its_alerts_stay_where_they_went(house: House) -> None:
    await told(house, SHOP)
    await told(house, {"alertname": "Oddity", "instance": "x-1"})
    first, second = (i.number for i in house.incidents())
    await house.act(first, "merge", {"into": second}, who="desk")
    for action, body in (
        ("reject", {"reason": "no"}),
        ("acknowledge", {}),
        ("split", {"alerts": [key_of(house, SHOP)]}),
    ):
        with pytest.raises(Refusal):
            await house.act(first, action, body, who="desk")
    assert incident_of(house, SHOP) == second


async def test_a_root_that_was_named_and_is_split_off_is_the_root_of_its_own_incident_alone(house: House) -> None:
    number = await outage(house)
    await house.act(number, "set-root", {"alert": key_of(house, WEB_1)}, who="desk")
    other = await split(house, number, WEB_1)
    roots = {i.number: (i.root or {}).get("fingerprint") for i in house.incidents()}
    marks = {fingerprint_of(mark.key): mark.name for mark in house.desk.board.scene.marks.values()}
    assert {number: marks[str(roots[number])], other: marks[str(roots[other])]} == {
        number: "SwitchDown",
        other: "HostDown",
    }


async def test_a_pair_that_was_split_stays_split_whichever_of_them_comes_first(house: House) -> None:
    number = await outage(house)
    other = await split(house, number, WEB_1)
    await end(house, SWITCH, WEB_1, SHOP)
    await house.advance(hours=1)
    assert not [i for i in house.incidents() if i.active]
    await told(house, WEB_1)
    await told(house, SWITCH)
    assert incident_of(house, WEB_1) != incident_of(house, SWITCH)
    assert {number, other}.isdisjoint({incident_of(house, WEB_1), incident_of(house, SWITCH)})


async def test_the_last_firing_alert_that_a_better_cause_takes_leaves_the_old_incident_to_end(house: House) -> None:
    odd = {"alertname": "Oddity", "instance": "web-1:9100"}
    await told(house, WEB_1)
    await told(house, odd)
    first = incident_of(house, WEB_1)
    if incident_of(house, odd) != first:
        await house.act(incident_of(house, odd), "merge", {"into": first}, who="desk")
    await end(house, odd)
    await told(house, SWITCH)
    assert incident_of(house, WEB_1) == incident_of(house, SWITCH)
    await end(house, WEB_1, SWITCH)
    await house.advance(minutes=16)
    assert not [i for i in house.incidents() if i.active]
