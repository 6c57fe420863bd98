"""Where no known error fits, the page says so and offers how the nearest incidents were solved (procedure R63)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.configuration.load import load
from agent.loops.paging import claimed
from agent.rehearsal.house import House
from correlation.incident import Incident
from escalation.delivery import Message
from escalation.store import Page
from tests.house import START, alert, message

SITE = Path(__file__).parents[1] / "scenarios" / "procedure"
ODD = {"alertname": "CapsuleOpened", "instance": "lab-7"}
SOLVE = {"type": "permanent", "resolution": "screwed the lid back on", "note": "lid", "root_cause_known": True}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(load(SITE), START).open()
    yield made
    await made.close()


def newest(house: House) -> Incident:
    return house.incidents()[-1]


async def solve(house: House, number: str) -> None:
    await house.act(number, "acknowledge", who="desk")
    await house.act(number, "resolve", SOLVE, who="desk")


async def odd(house: House, starts: str) -> Incident:
    await house.receive(message(alert(ODD, starts)))
    return newest(house)


async def ended(house: House, starts: str) -> None:
    await house.receive(message(alert(ODD, starts, "2026-03-02T09:30:00Z")))


def paged(house: House, incident: Incident, role: str = "desk") -> Message:
    desk, reason = house.desk, {"code": "opened", "facts": {}}
    page = Page(
        id=1,
        key="k",
        incident_id=incident.id,
        step="3/c0",
        person="desk",
        role=role,
        notifier="hook",
        address="desk",
        rank=0,
        seeks_responder=False,
        next_attempt_at=house.now,
        reason=reason,
        due_at=house.now,
        created_at=house.now,
    )
    made = claimed(page, incident, desk.config, desk.board, desk.past)
    return made.composed(lambda number, _: {"open": f"https://here/{number}"}).message


async def test_the_page_says_that_none_fits_and_how_the_nearest_was_solved(house: House) -> None:
    first = await odd(house, "2026-03-02T08:59:00Z")
    said = paged(house, first)
    assert "No known error fits." in said.text
    assert said.payload["nearest"] == []
    await ended(house, "2026-03-02T08:59:00Z")
    await solve(house, first.number)
    await house.advance(days=2)
    second = await odd(house, "2026-03-04T09:00:00Z")
    assert second.number != first.number
    said = paged(house, second)
    assert f"- {first.number} CapsuleOpened lab-7 (The same alert)" in said.text
    assert f"screwed the lid back on\n  https://here/{first.number}" in said.text
    (near,) = said.payload["nearest"]
    assert (near["number"], near["resolution"]) == (first.number, "screwed the lid back on")
    assert paged(house, second, "customer").payload["nearest"] == [], "customers are not told of others' incidents"
    await house.restart()
    assert [n["number"] for n in paged(house, second).payload["nearest"]] == [first.number]


async def test_what_came_back_and_what_recovered_by_itself_is_offered_to_nobody(house: House) -> None:
    reported = await house.report({"title": "blank invoices from the printer"})
    again = await house.report({"title": "blank invoices from the printer upstairs"})
    await solve(house, reported.number)
    assert [n["number"] for n in paged(house, again).payload["nearest"]] == [reported.number]
    await house.act(reported.number, "reject", {"reason": "it is not"}, who="desk")
    assert paged(house, again).payload["nearest"] == []
    first = await odd(house, "2026-03-02T08:59:00Z")
    await ended(house, "2026-03-02T08:59:00Z")
    await house.advance(days=2)
    second = await odd(house, "2026-03-04T09:00:00Z")
    assert second.id != first.id
    for _ in range(2):
        assert paged(house, second).payload["nearest"] == []
        await house.restart()


async def test_where_a_known_error_fits_nothing_else_is_offered(house: House) -> None:
    await house.receive(message(alert({"alertname": "DiskFull", "instance": "db-1", "severity": "warning"})))
    said = paged(house, newest(house))
    assert said.payload["known_errors"]
    assert said.payload["nearest"] == []
