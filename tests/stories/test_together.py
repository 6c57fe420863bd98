"""Kinds of alert that came together in five confirmed incidents join on the sixth, and nothing else teaches that."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from agent.configuration.config import Config
from agent.rehearsal.house import House
from correlation.lessons import TOGETHER, kind_of
from correlation.rules import ConfigurationItem, JoinRule
from tests.house import START
from tests.stories.test_growth import everywhere, told
from tests.stories.test_splits import incident_of, split
from tests.stories.test_storms import distinct, flood

DOOR, CHILLER = "DoorContactOpen", "ChillerPressureOdd"
RULE = JoinRule(id="by-case", join_by=["case"])


def pair(number: int, **more: str) -> tuple[dict[str, str], dict[str, str]]:
    """Two alerts of kinds that nothing relates, each on a thing of its own."""
    return (
        {"alertname": DOOR, "host": f"door-{number}", "cluster": "west", **more},
        {"alertname": CHILLER, "host": f"chiller-{number}", "cluster": "west", **more},
    )


def ruled(config: Config) -> Config:
    return replace(config, join_rules=(RULE,))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(ruled(everywhere()), START).open()
    yield made
    await made.close()


def times(house: House) -> int:
    known = house.desk.board.lessons.together.get(kind_of(DOOR), {})
    return sum(lesson.times for (other, _), lesson in known.items() if other == kind_of(CHILLER))


async def joined_by_rule(house: House, numbers: Sequence[int]) -> list[str]:
    """Incidents of the pair, each by the join rule; an hour apart."""
    found = []
    for number in numbers:
        door, chiller = pair(number, case=f"c-{number}")
        await told(house, door, chiller)
        assert incident_of(house, door) == incident_of(house, chiller)
        found.append(incident_of(house, door))
        await house.advance(hours=1)
    return found


async def are_joined(house: House, number: int, **more: str) -> bool:
    door, chiller = pair(number, **more)
    await told(house, door)
    await house.advance(seconds=20)
    await told(house, chiller)
    return incident_of(house, door) == incident_of(house, chiller)


async def test_what_a_rule_joined_in_five_incidents_joins_on_the_sixth_without_it_and_says_why(house: House) -> None:
    numbers = await joined_by_rule(house, range(4))
    assert not await are_joined(house, 10), "four times are not enough"
    numbers += await joined_by_rule(house, [4])
    await house.restart()
    assert await are_joined(house, 11)
    ((why,),) = await house.writer.fetch("SELECT why FROM episode ORDER BY alert_id DESC LIMIT 1")
    assert '"code":"learned"' in why
    assert '"times":5' in why
    assert all(number in why for number in numbers)


async def test_another_place_and_a_longer_time_join_nothing(house: House) -> None:
    await joined_by_rule(house, range(5))
    door, _ = pair(20)
    _, chiller = pair(20, cluster="east")
    await told(house, door, chiller)
    assert incident_of(house, door) != incident_of(house, chiller)
    door, chiller = pair(21)
    await told(house, door)
    await house.advance(minutes=6)
    await told(house, chiller)
    assert incident_of(house, door) != incident_of(house, chiller)


async def test_what_people_merged_and_confirmed_is_learned_and_a_merge_alone_is_not(house: House) -> None:
    for number in range(6):
        door, chiller = pair(number)
        await told(house, door, chiller)
        await house.act(incident_of(house, chiller), "merge", {"into": incident_of(house, door)}, who="desk")
        assert times(house) == max(0, number - 1)
        if number:
            await house.act(incident_of(house, door), "confirm", who="desk")
            await house.act(incident_of(house, door), "confirm", who="pat")
        await house.advance(hours=1)
    assert await are_joined(house, 30), "five were confirmed, each once"


async def test_a_split_takes_back_what_its_incident_taught(house: House) -> None:
    numbers = await joined_by_rule(house, range(5))
    _, chiller = pair(4, case="c-4")
    assert times(house) == 5
    await split(house, numbers[-1], chiller)
    assert times(house) == 4


async def test_what_joined_by_weak_evidence_or_by_what_was_learned_teaches_nothing(house: House) -> None:
    await joined_by_rule(house, range(5))
    lesson = house.desk.board.lessons.together[kind_of(DOOR)][kind_of(CHILLER), "kin"]
    said = list(lesson.said)
    assert await are_joined(house, 40)
    assert lesson.said == said


async def test_nothing_is_learned_within_a_storm(house: House) -> None:
    await flood(house, distinct(200, names=5))
    before = await house.writer.fetch("SELECT count(*) FROM lesson WHERE what = ?", TOGETHER)
    await joined_by_rule_at_once(house)
    storm = next(i for i in house.incidents() if i.active and i.storm is not None)
    await house.act(storm.number, "confirm", who="desk")
    assert times(house) == 0
    assert await house.writer.fetch("SELECT count(*) FROM lesson WHERE what = ?", TOGETHER) == before


async def joined_by_rule_at_once(house: House) -> None:
    for number in range(5):
        await told(house, *pair(number, case=f"c-{number}"))


async def test_what_is_written_apart_is_another_pair(house: House) -> None:
    """That kinds came together on kindred things does not join them on things that stand on nothing in common."""
    await joined_by_rule(house, range(5))
    items = {name: ConfigurationItem() for name in ("door-50", "chiller-50")}
    other = await House(replace(ruled(everywhere()), topology=items), START).open()
    for lesson in house.desk.board.lessons.together[kind_of(DOOR)].values():
        other.desk.board.lessons.hold(lesson)
    assert not await are_joined(other, 50)
    assert await are_joined(other, 51)
    await other.close()
