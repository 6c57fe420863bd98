"""A storm of alerts is a handful of incidents and pages, and what has nothing to do with it is paged as ever."""

import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.rehearsal.house import House
from agent.wording.sentences import text
from correlation.incident import Incident
from correlation.root import root_told
from correlation.rules import StormPolicy
from escalation.page_words import reason_text
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
    assert storm.title == f"Alert storm in am: {storm.open_alerts} alerts"
    why = await house.writer.fetch("SELECT DISTINCT why FROM episode WHERE incident_id = ? LIMIT 3", storm.id)
    assert any('"code":"storm"' in reason for (reason,) in why)
    assert text("storm", {"place": "am"}) == "it came in a storm of alerts in am, and nothing else explains it"


async def test_a_storm_is_called_by_its_place_and_size_in_pages_too(house: House) -> None:
    await told(house, *distinct(40, names=5))
    (storm,) = (i for i in house.incidents() if i.active)
    assert storm.title == "Alert storm in am: 40 alerts"
    await told(house, *distinct(3, names=5, job="more"))
    assert storm.title == "Alert storm in am: 43 alerts"
    house.sent.clear()
    await house.advance(hours=1)
    assert {s.subject for s in house.sent} == {f"[{storm.number} sev2] Alert storm in am: 43 alerts"}
    await house.restart()
    assert house.incident(storm.number).title == "Alert storm in am: 43 alerts"


async def test_a_storm_everywhere_names_no_place(house: House) -> None:
    await told(house, *({**labels, "cluster": f"c-{n}"} for n, labels in enumerate(distinct(100, names=5))))
    (storm,) = (i for i in house.incidents() if i.storm is not None)
    assert storm.title == f"Alert storm: {storm.alert_count} alerts"


LIKELY = {"origin": "am", "why": {"code": "likely_root", "facts": {"reach": 3}}}
ALONE = {"origin": "am", "why": {"code": "likely_root", "facts": {"reach": 0}}}
NAMED = {"origin": "am", "why": {"code": "person", "facts": {}}}


@pytest.mark.parametrize(
    ("root", "storm", "lasts", "is_told"),
    [
        pytest.param(ALONE, False, False, True, id="of no storm"),
        pytest.param(LIKELY, True, True, False, id="of one that lasts"),
        pytest.param(LIKELY, True, False, True, id="of one that is over, and it explains others"),
        pytest.param(ALONE, True, False, False, id="of one that is over, and it explains nothing"),
        pytest.param(NAMED, True, True, True, id="a person has named it"),
        pytest.param(None, True, False, False, id="there is none"),
    ],
)
def test_of_a_storm_only_a_root_that_explains_something_is_told(
    root: dict[str, object] | None, *, storm: bool, lasts: bool, is_told: bool
) -> None:
    assert root_told(root, storm=storm, lasts=lasts) == (root if is_told else None)


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


async def held_storm(house: House) -> Incident:
    """A storm of 500 alerts that the desk has acknowledged."""
    await told(house, *distinct(500, names=5))
    (storm,) = (i for i in house.incidents() if i.active and i.storm is not None)
    await house.act(storm.number, "acknowledge", who="desk")
    house.sent.clear()
    return storm


def digests(house: House, storm: Incident) -> list[tuple[str, timedelta]]:
    """Whom the digests of a storm went to, and how long after its beginning."""
    pages = [s for s in house.sent if s.incident == storm.number]
    assert {s.step.partition("/")[2].partition("#")[0] for s in pages} <= {"digest"}, "nobody is paged alert by alert"
    return [(s.person, s.at - START) for s in pages]


async def test_whoever_holds_the_storm_hears_what_comes_after_at_a_bounded_pace(house: House) -> None:
    storm = await held_storm(house)
    for minute in range(90):
        await told(house, *({**labels, "instance": f"m{minute}-{n}"} for n, labels in enumerate(distinct(20, names=5))))
        await house.advance(minutes=1)
    assert digests(house, storm) == [("desk", timedelta(minutes=minutes)) for minutes in (1, 5, 15, 45, 75)]
    assert storm.acknowledged_at == START, "nobody has to acknowledge anew"


async def test_a_digest_says_how_many_which_kinds_where_and_what_was_let_out(house: House) -> None:
    storm = await held_storm(house)
    await told(house, LIVE, *({"alertname": "Creaking", "instance": f"q-{n}", "severity": "warning"} for n in range(7)))
    await house.advance(minutes=1)
    let_out = house.incidents()[-1].number
    (facts,) = [facts for _, kind, _, facts in await house.timeline(storm.number) if kind == "storm_digest"]
    firing, items = 507, "q-0, q-1, q-2, q-3, +3"
    assert facts == {"count": 7, "kinds": "Creaking 7", "items": items, "firing": firing, "let_out": let_out}
    ((reason,),) = await house.writer.fetch("SELECT reason FROM page WHERE step LIKE '%/digest'")
    said = reason_text(json.loads(reason), "assignee", "en")
    now = f"7 more alerts (Creaking 7), about {items}; {firing} fire now. Opened by themselves: {let_out}"
    assert said == f"the storm goes on: {now}"
    why = await house.writer.fetch(
        "SELECT e.rejected FROM episode e JOIN incident i ON i.id = e.incident_id WHERE i.number = ?", let_out
    )
    assert json.loads(why[0][0]) == {"code": "let_out", "facts": {"incident": storm.number, "place": "am"}}


async def test_nothing_new_is_no_digest_and_the_end_of_the_storm_is_told_once(house: House) -> None:
    storm = await held_storm(house)
    await house.advance(minutes=4)
    assert digests(house, storm) == []
    await house.advance(minutes=30)
    assert digests(house, storm) == [("desk", timedelta(minutes=15))]
    assert [kind for _, kind, _, _ in await house.timeline(storm.number) if kind == "storm_over"] == ["storm_over"]
    await told(house, *({"alertname": "Creaking", "instance": f"q-{n}", "severity": "warning"} for n in range(2)))
    assert storm.open_alerts == 500


async def test_a_storm_that_nobody_holds_or_that_is_snoozed_sends_no_digest(house: House) -> None:
    await told(house, *distinct(500, names=5))
    (storm,) = (i for i in house.incidents() if i.active and i.storm is not None)
    await told(house, *distinct(40, names=5, job="again"))
    await house.advance(minutes=2)
    assert not [s for s in house.sent if "digest" in s.step]
    await house.act(storm.number, "acknowledge", who="desk")
    until = at(house.now + timedelta(minutes=20))
    await house.act(storm.number, "snooze", {"until": until, "reason": "tea"}, who="desk")
    await told(house, *distinct(40, names=5, job="once more"))
    house.sent.clear()
    await house.advance(minutes=19)
    assert house.sent == []
    await house.advance(minutes=2)
    assert digests(house, storm) == [("desk", timedelta(minutes=22))]


async def test_the_digests_of_a_storm_go_on_over_a_restart_as_without_it(house: House) -> None:
    storm = await held_storm(house)
    other = await House(site(), START).open()
    unbroken = await held_storm(other)
    for minute in range(20):
        for one in (house, other):
            more = ({**labels, "instance": f"m{minute}-{n}"} for n, labels in enumerate(distinct(20, names=minute + 5)))
            await told(one, *more)
            await one.advance(minutes=1)
        await house.restart()
    assert house.sent == other.sent
    assert digests(house, storm)[0] == ("desk", timedelta(minutes=1))
    assert await house.timeline(storm.number) == await other.timeline(unbroken.number)
    await other.close()


async def test_a_storm_that_was_over_does_not_come_back_with_a_restart(house: House) -> None:
    await told(house, *distinct(100, names=5))
    await house.advance(hours=1)
    await house.restart()
    await told(house, {"alertname": "Creaking", "instance": "z-3", "severity": "warning"})
    assert house.incidents()[-1].open_alerts == 1


async def test_what_opened_before_a_restart_counts_towards_a_storm(house: House) -> None:
    await told(house, *distinct(20))
    await house.restart()
    await told(house, *distinct(40)[20:])
    assert [i.storm for i in house.incidents() if i.storm is not None] == ["am"]


def test_the_instants_of_digests_follow_one_another() -> None:
    with pytest.raises(ValueError, match="write later instants after earlier ones"):
        StormPolicy(digest_after=[timedelta(minutes=5), timedelta(minutes=1)])


async def test_fewer_incidents_than_that_stay_apart_and_a_site_may_switch_storms_off(house: House) -> None:
    await told(house, *distinct(29))
    assert len([i for i in house.incidents() if i.active]) == 29
    config = site()
    policy = config.correlation.model_copy(update={"storm": StormPolicy(opened=0)})
    other = await House(replace(config, correlation=policy), START).open()
    await told(other, *distinct(100))
    assert len([i for i in other.incidents() if i.active]) == 100
    await other.restart()
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
