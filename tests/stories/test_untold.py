"""What fires and is told no more is said, once, where no Alertmanager can be asked; nothing is closed by that."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.rehearsal.house import House
from tests.house import DISK_FULL, START, alert, message, site

Happened = list[tuple[str]]


async def with_source(**keys: Any) -> House:
    """A house whose one source is written with these keys besides."""
    config = site()
    written = {"am": config.sources["am"].model_copy(update=keys)}
    return await House(replace(config, sources=written), START).open()


async def told(house: House) -> Happened:
    return list(
        await house.writer.fetch("SELECT kind FROM timeline WHERE kind IN ('untold', 'told_again') ORDER BY id")
    )


async def test_an_incident_whose_alert_is_told_no_more_says_so_once_and_goes_on(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    (incident,) = house.incidents()
    await house.advance(hours=11, minutes=59)
    assert (incident.untold_since, await told(house)) == (None, [])
    sent = len(house.sent)
    await house.advance(hours=24)
    (incident,) = house.incidents()
    assert (incident.untold_since, await told(house)) == (START, [("untold",)])
    assert (incident.active, incident.open_alerts) == (True, 1)
    steps = {page.step.partition("#")[0] for page in house.sent[sent:]}
    assert ("2/p100" in steps, [step for step in steps if "untold" in step]) == (True, [])


async def test_what_is_repeated_is_told(house: House) -> None:
    for _ in range(9):
        await house.receive(message(alert(DISK_FULL)))
        await house.advance(hours=4)
    assert await told(house) == []


async def test_what_is_told_again_is_no_more_untold_and_may_be_once_more(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(hours=13)
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(minutes=11)
    (incident,) = house.incidents()
    assert (incident.untold_since, await told(house)) == (None, [("untold",), ("told_again",)])
    await house.advance(hours=13)
    assert await told(house) == [("untold",), ("told_again",), ("untold",)]


async def test_it_is_not_said_twice_after_a_restart(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(hours=13)
    await house.restart()
    await house.advance(hours=13)
    (incident,) = house.incidents()
    assert (incident.untold_since, await told(house)) == (START, [("untold",)])


async def test_after_a_restart_it_is_looked_at_once_what_could_not_be_heard_may_have_been_told(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    house.clock.set(house.now + timedelta(hours=13))
    await house.restart()
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(hours=1)
    assert await told(house) == []


@pytest.mark.parametrize(
    ("source", "count"),
    [({"untold_after": timedelta(hours=2)}, 1), ({"type": "generic"}, 0), ({"type": "prometheus"}, 0)],
    ids=["a span of its own", "a sender that repeats nothing", "an end that is announced"],
)
async def test_whose_alerts_are_looked_after(source: dict[str, Any], count: int) -> None:
    house = await with_source(**source)
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(hours=3)
    assert len(await told(house)) == count
    await house.close()


async def test_who_can_be_asked_is_not_doubted_until_none_answers() -> None:
    house = await with_source(untold_after=timedelta(hours=2))
    asked = replace(house.desk.rules, asks_sender=lambda _: True)
    house.desk.rules = asked
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(hours=5)
    assert await told(house) == []
    house.desk.board.unanswered.add("am")
    await house.advance(hours=2)
    assert await told(house) == [("untold",)]
    await house.close()


async def test_the_span_may_be_as_short_as_a_second() -> None:
    house = await with_source(untold_after=timedelta(seconds=1))
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(seconds=2)
    await house.restart()
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(seconds=1)
    assert await told(house) == [("untold",), ("told_again",)]
    await house.advance(seconds=2)
    assert await told(house) == [("untold",), ("told_again",), ("untold",)]
    await house.close()
