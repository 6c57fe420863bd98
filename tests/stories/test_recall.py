"""When everybody is busy the least urgent work gives way, where a person approves it (procedure R54)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.configuration.load import load
from agent.rehearsal.house import House
from correlation.incident import Incident, State
from correlation.need import Missing
from tests.house import START

SITE = Path(__file__).parents[1] / "scenarios" / "procedure"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(load(SITE), START).open()
    yield made
    await made.close()


async def work(house: House, urgency: int, who: str = "", impact: int = 3) -> Incident:
    body: dict[str, Any] = {"title": "it is slow", "group": "dba", "category": "database/lock"}
    reported = await house.report({**body, "urgency": urgency, "impact": impact})
    if who:
        await house.act(reported.number, "acknowledge", who=who)
    return reported


async def proposed(house: House, incident: Incident) -> list[str]:
    return [facts["person"] for _, kind, _, facts in await house.timeline(incident.number) if kind == "recall_proposed"]


async def test_while_somebody_is_free_nobody_is_proposed(house: House) -> None:
    await work(house, 4, "dan")
    assert await proposed(house, await work(house, 1)) == []


async def test_the_least_urgent_work_is_proposed_once_and_not_a_major_one(house: House) -> None:
    (major, _) = await work(house, 4, "dan"), await work(house, 3, "dee")
    await house.act(major.number, "declare-major", {"reason": "it matters"}, who="pat")
    urgent = await work(house, 1)
    assert await proposed(house, urgent) == ["dee"]
    await house.act(urgent.number, "note", {"text": "still nobody"}, who="desk")
    assert await proposed(house, urgent) == ["dee"]


async def test_whoever_has_something_as_urgent_beside_it_stays_with_that(house: House) -> None:
    await work(house, 4, "dan")
    await work(house, 1, "dan")
    await work(house, 3, "dee")
    assert await proposed(house, await work(house, 1)) == ["dee"]


async def test_nothing_gives_way_to_what_is_less_than_most_urgent(house: House) -> None:
    await work(house, 4, "dan")
    await work(house, 4, "dee")
    assert await proposed(house, await work(house, 2)) == []


async def test_after_a_restart_it_is_still_known_who_is_busy(house: House) -> None:
    await work(house, 3, "dan")
    await work(house, 4, "dee")
    await house.restart()
    assert await proposed(house, await work(house, 1)) == ["dee"]


async def test_who_has_resolved_their_work_is_free(house: House) -> None:
    await work(house, 3, "dan")
    done = await work(house, 4, "dee")
    await house.act(done.number, "resolve", {"type": "permanent", "resolution": "done", "note": "done"}, who="dee")
    assert await proposed(house, await work(house, 1)) == []


@pytest.mark.parametrize("case", ["major", "as urgent", "itself", "nobody's number"])
async def test_what_may_not_give_way_is_refused_and_changes_nothing(case: str, house: House) -> None:
    low, urgent = await work(house, 1 if case == "as urgent" else 4, "dan"), await work(house, 1)
    if case == "major":
        await house.act(low.number, "declare-major", {"reason": "it matters"}, who="pat")
    wanted = {"itself": low.number, "nobody's number": "INC-20260302-9999"}.get(case, urgent.number)
    version = low.version
    with pytest.raises(Missing):
        await house.act(low.number, "recall", {"for": wanted, "reason": "now"}, who="pat")
    assert (low.assignee, low.state, low.version) == ("dan", State.IN_PROGRESS, version)
    assert urgent.assignee is None


async def test_after_a_recall_both_sides_are_told_and_the_clock_of_the_other_runs_on(house: House) -> None:
    low, urgent = await work(house, 4, "dan"), await work(house, 1)
    due, before = low.resolve_due_at, len(house.sent)
    await house.advance(minutes=5)
    before = len(house.sent)
    await house.act(low.number, "recall", {"for": urgent.number, "reason": "now"}, who="desk")
    told = {(s.incident, s.person) for s in house.sent[before:]}
    assert (urgent.number, "dan") in told
    assert (low.number, "desk") in told
    assert (low.state, low.assignee, low.preempted_by, low.resolve_due_at) == (
        State.ASSIGNED,
        None,
        urgent.number,
        due,
    )
    assert (urgent.state, urgent.assignee) == (State.ASSIGNED, "dan")
