"""A person names the root: it stands, and after three equal corrections the next incident of the kind names it too."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.rehearsal.house import House
from agent.wording.sentences import text
from correlation.incident import fingerprint_of, key_of
from correlation.lessons import MOST, ROOT, Lesson, Lessons
from correlation.need import Missing
from correlation.rules import CorrelationPolicy
from tests.correlation.test_evidence import SWITCH, WEB_1, WEB_2
from tests.house import START, alert, at, message
from tests.stories.test_growth import everywhere

BACKEND, STORAGE = "ServiceHighErrorRate", "DiskSpaceLow"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(everywhere(), START).open()
    yield made
    await made.close()


async def outage(house: House, host: str) -> str:
    """A full disk and a slow database on a host that no file names: of the two the disk is taken for the root.

    It comes long after the one before: kinds that have come together often enough join what fires at the same time.
    """
    await house.advance(minutes=10)
    labels = {"instance": f"{host}:9100", "severity": "critical"}
    begun = [alert({"alertname": name, **labels}, starts=at(house.now)) for name in (STORAGE, "PostgresSlowQueries")]
    await house.receive(message(*begun, groupKey=""))
    number = house.incidents()[-1].number
    assert house.incident(number).open_alerts == len(begun), "one incident"
    return number


def root_name(house: House, number: str) -> str:
    root = house.incident(number).root
    assert root is not None
    return house.desk.board.scene.marks[key_of(root["origin"], root["fingerprint"])].name


async def name_root(house: House, number: str, name: str, who: str = "desk") -> None:
    incident = house.incident(number)
    marks = house.desk.board.scene.of[incident.id].values()
    mark = next(m for m in marks if m.name == name)
    key = f"{fingerprint_of(mark.key)}@{mark.starts_text}"
    await house.act(number, "set-root", {"alert": key, "reason": "I saw it"}, who=who)


async def test_the_root_that_a_person_names_stands_with_their_name_whatever_comes_after(house: House) -> None:
    number = await outage(house, "h-1")
    assert root_name(house, number) == STORAGE
    await name_root(house, number, "PostgresSlowQueries", who="pat")
    await house.receive(
        message(alert({"alertname": "DiskFailing", "instance": "h-1"}, starts=at(house.now)), groupKey="")
    )
    await house.restart()
    assert root_name(house, number) == "PostgresSlowQueries"
    root = house.incident(number).root
    assert root is not None
    facts = {"by": "pat", "reason": "I saw it", "instead": STORAGE}
    assert root["why"] == {"code": "person", "facts": facts}
    assert text("person", facts) == "pat said so: I saw it"
    before = house.incident(number).version
    await name_root(house, number, "PostgresSlowQueries", who="pat")
    assert house.incident(number).version == before, "the same again changes nothing"


async def test_after_three_equal_corrections_the_next_incident_names_that_root_and_says_why(house: House) -> None:
    for count, host in enumerate(("a-1", "b-2", "c-3")):
        number = await outage(house, host)
        assert root_name(house, number) == STORAGE, f"{count} corrections are not enough"
        await name_root(house, number, "PostgresSlowQueries", who=("pat", "desk", "pat")[count])
        await house.advance(minutes=1)
    await house.restart()
    number = await outage(house, "other-9")
    assert root_name(house, number) == "PostgresSlowQueries"
    root = house.incident(number).root
    assert root is not None
    assert root["why"]["code"] == "root_as_taught"
    assert (root["why"]["facts"]["times"], root["why"]["facts"]["by"]) == (3, "pat")
    assert text("root_as_taught", root["why"]["facts"]).startswith(
        "people named an alert of this kind as the root in 3"
    )


async def test_three_corrections_of_one_incident_are_one(house: House) -> None:
    number = await outage(house, "a-1")
    for name in ("PostgresSlowQueries", STORAGE, "PostgresSlowQueries", STORAGE, "PostgresSlowQueries"):
        await name_root(house, number, name)
    assert root_name(house, await outage(house, "b-2")) == STORAGE


async def test_what_was_taught_is_taken_back_as_it_was_taught(house: House) -> None:
    for host in ("a-1", "b-2", "c-3"):
        await name_root(house, await outage(house, host), "PostgresSlowQueries")
    for host in ("d-4", "e-5", "f-6"):
        await name_root(house, await outage(house, host), STORAGE)
    assert root_name(house, await outage(house, "g-7")) == STORAGE


async def test_a_root_that_is_none_of_the_incidents_alerts_is_refused(house: House) -> None:
    number = await outage(house, "a-1")
    with pytest.raises(Missing) as refused:
        await house.act(number, "set-root", {"alert": "ffffffffffffffff@2026-03-02T09:00:00Z"}, who="desk")
    assert refused.value.fields == ["alert"]


async def test_the_root_of_what_has_left_the_board_can_still_be_named(house: House) -> None:
    number = await outage(house, "a-1")
    ends = [
        alert(
            {"alertname": n, "instance": "a-1:9100", "severity": "critical"}, starts=at(house.now), ends=at(house.now)
        )
        for n in (STORAGE, "PostgresSlowQueries")
    ]
    await house.receive(message(*ends, groupKey=""))
    await house.advance(days=8)
    assert number not in house.desk.board.numbers
    fingerprint = ends[1]["fingerprint"]
    named = await house.act(number, "set-root", {"alert": fingerprint}, who="desk")
    assert named.root is not None
    assert (named.root["fingerprint"], named.root["startsAt"]) == (fingerprint, ends[1]["startsAt"])


async def test_the_root_of_one_alert_alone_is_said_without_others(house: House) -> None:
    await house.receive(message(alert(WEB_1, starts=at(house.now)), groupKey=""))
    (incident,) = house.incidents()
    assert incident.root is not None
    said = text(incident.root["why"]["code"], incident.root["why"]["facts"])
    assert said == "the likely root: a host that is down, severity 2"


async def test_a_rule_that_waits_long_before_it_fires_began_earlier_than_it_was_told() -> None:
    config = everywhere()
    said: list[str] = []
    for waits in ({}, {"HostDown": timedelta(minutes=5)}):
        policy = CorrelationPolicy.model_validate({**config.correlation.model_dump(), "waits": waits})
        house = await House(replace(config, correlation=policy), START).open()
        await house.receive(message(alert(SWITCH, starts=at(house.now)), groupKey=""))
        await house.advance(seconds=90)
        await house.receive(message(alert(WEB_1, starts=at(house.now)), groupKey=""))
        (incident,) = house.incidents()
        said.append(str((incident.root or {})["why"]["facts"]["after_s"]))
        await house.close()
    assert said == ["0", "210"], "the switch was told first; the host had been down for longer"


def test_lessons_are_bounded_and_the_oldest_makes_way() -> None:
    lessons = Lessons()
    gone = [
        made
        for number in range(MOST + 2)
        for made in lessons.hold(Lesson(what=ROOT, one="a", other=str(number), at=START))
    ]
    assert (len(lessons), [lesson.other for lesson in gone]) == (MOST, ["0", "1"])


async def test_an_end_of_which_the_beginning_was_never_told_is_no_root(house: House) -> None:
    await house.receive(message(alert(SWITCH), alert(WEB_1), groupKey=""))
    (incident,) = house.incidents()
    assert incident.root is not None
    begun = incident.root["startsAt"]
    unheard = alert(SWITCH, starts="2026-03-02T08:59:40Z", ends="2026-03-02T09:00:30Z")
    await house.receive(message(unheard, groupKey=""))
    house.desk.board.scene.leads.clear()  # it is chosen anew
    await house.receive(message(alert(WEB_2), groupKey=""))
    assert root_name(house, incident.number) == SWITCH["alertname"]
    root = house.incident(incident.number).root
    assert root is not None
    assert root["startsAt"] == begun
    await house.restart()
    await name_root(house, incident.number, SWITCH["alertname"])
    root = house.incident(incident.number).root
    assert root is not None
    assert root["startsAt"] == begun
