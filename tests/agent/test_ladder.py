"""The ladder of an incident through raises, plans made anew, relapses and refusals: each step has a name of its own."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.configuration.site import Service
from agent.intents import ConfigChanged, PersonActed
from agent.rehearsal.house import House
from correlation.incident import Action, State
from correlation.permission import Actor
from escalation.store import Step
from escalation.timetable import PlannedStep, TimetableStep
from tests.house import DISK_FULL, DISK_WARN, START, alert, at, message, site


async def opened(house: House, labels: dict[str, str] = DISK_FULL) -> str:
    await house.receive(message(alert(labels)))
    return house.incidents()[0].number


async def resolved(house: House, number: str) -> None:
    body = {"type": "fixed", "resolution": "done", "note": "n", "service_restored_at": at(house.now)}
    await house.act(number, "resolve", body, "desk")


async def twice(house: House) -> list[tuple[object, ...]]:
    return await house.writer.fetch("SELECT incident_id, key FROM step GROUP BY 1, 2 HAVING count(*) > 1")


async def test_a_new_timetable_is_planned_over_one_that_has_begun(house: House) -> None:
    number = await opened(house)
    before = len(house.sent)
    await house.act(number, "replan", {}, "pat")
    assert house.sent[before:] == []
    await house.advance(hours=1)
    assert {s.step for s in house.sent[before:]} == {"2/r50@1", "2/r100@1"}


async def test_a_severity_that_is_lowered_and_raised_again_keeps_its_ladder(house: House) -> None:
    number = await opened(house)
    for severity in (3, 2, 3, 2):
        await house.act(number, "set-severity", {"severity": severity, "reason": "judged"}, "pat")
    assert house.incident(number).severity == 2
    assert [s.step for s in house.sent if s.person == "wei"] == ["2/c0", "3/c0"]
    assert house.incident(number).next_due_at == house.now + timedelta(minutes=30)


async def test_lowering_what_somebody_has_looks_for_nobody(house: House) -> None:
    number = await opened(house)
    await house.act(number, "acknowledge", who="ana")
    before = len(house.sent)
    await house.act(number, "set-severity", {"severity": 3, "reason": "judged"}, "pat")
    await house.advance(hours=5)
    assert house.sent[before:] == []


async def test_a_raise_is_told_also_where_somebody_has_it(house: House) -> None:
    number = await opened(house, DISK_WARN)
    await house.act(number, "acknowledge", who="ana")
    before = len(house.sent)
    await house.receive(message(alert(DISK_FULL)))
    assert {(s.person, s.step) for s in house.sent[before:]} >= {("ana", "2/grew"), ("pat", "2/c0")}
    assert {s.step for s in house.sent[before:]} == {"2/c0", "2/grew"}
    await house.advance(hours=1)
    assert not {s.step for s in house.sent[before:]} & {"2/r50", "2/r100"}


async def test_a_page_after_a_raise_says_that_the_severity_was_raised(house: House) -> None:
    await opened(house, DISK_WARN)
    await house.receive(message(alert(DISK_FULL)))
    rows = await house.writer.fetch("SELECT step, reason FROM page ORDER BY id")
    codes = {step: json.loads(reason)["code"] for step, reason in rows}
    assert (codes["3/c0"], codes["2/c0"]) == ("opened", "severity_raised")


PORTAL = Service.model_validate({"sla": {2: {"resolve": "9h", "calendar": "business"}, 1: {"response": "5m"}}})


async def test_what_a_service_is_promised_is_held_by_its_incidents_and_changes_with_a_plan_made_anew() -> None:
    config = replace(site(), services={"portal": PORTAL})
    house = await House(config, START).open()
    try:
        number = await opened(house, {**DISK_FULL, "service": "portal"})
        incident = house.incident(number)
        assert incident.response_due_at == START + timedelta(hours=1), "Monday, 17:00 in Shanghai: as the day closes"
        assert incident.resolve_due_at == START + timedelta(days=1)
        await house.do(ConfigChanged(replace(config, services={}, version=config.version + 1), "root"))
        await house.act(number, "set-severity", {"severity": 1, "reason": "worse"}, "pat")
        assert incident.response_due_at == START + timedelta(minutes=5)
        assert incident.resolve_due_at == START + timedelta(hours=4)
        await house.act(number, "replan", {}, "pat")
        assert incident.response_due_at == START + timedelta(minutes=30)
    finally:
        await house.close()


async def test_an_incident_whose_calendar_a_reload_takes_away_goes_on_around_the_clock() -> None:
    config = replace(site(), services={"portal": PORTAL})
    house = await House(config, START).open()
    try:
        number = await opened(house, {**DISK_FULL, "service": "portal"})
        await house.do(ConfigChanged(replace(config, calendars={}, version=config.version + 1), "root"))
        await house.act(number, "note", {"text": "on it"}, "pat")
        await house.act(number, "acknowledge", {}, "pat")
        await house.advance(hours=30)
        assert "2/p100" in {page.step for page in house.sent}
    finally:
        await house.close()


async def test_a_raise_after_a_relapse_counts_the_response_from_the_relapse(house: House) -> None:
    number = await opened(house, DISK_WARN)
    await house.advance(hours=2)
    await resolved(house, number)
    await house.advance(minutes=10)
    relapsed = house.now
    await house.receive(message(alert({**DISK_WARN}, starts=at(relapsed))))
    await house.receive(message(alert(DISK_FULL, starts=at(relapsed))))
    await house.advance(minutes=31)
    assert {s.step: s.at - relapsed for s in house.sent}["2/r50@1"] == timedelta(minutes=30)


@pytest.mark.parametrize("acknowledged", [True, False], ids=["somebody has it", "nobody has it"])
async def test_a_refused_resolution_is_told_to_whoever_has_it_as_often_as_it_is_refused(
    house: House, acknowledged: bool
) -> None:
    number = await opened(house)
    if acknowledged:
        await house.act(number, "acknowledge", who="ana")
    for time in range(3):
        await resolved(house, number)
        await house.advance(minutes=1)
        before = len(house.sent)
        await house.act(number, "reject", {"reason": "still broken"}, "desk")
        step = "2/reopened" + (f"#{time}" if time else "")
        assert {s.step for s in house.sent[before:]} == {step}
        if acknowledged:
            assert [s.person for s in house.sent[before:]] == ["ana"]
    before = len(house.sent)
    await house.advance(hours=1)
    sought = {s.step for s in house.sent[before:]} & {"2/r50@3", "2/r100@3"}
    assert sought == (set() if acknowledged else {"2/r50@3", "2/r100@3"})
    assert await twice(house) == []


async def test_what_comes_back_from_out_of_scope_is_looked_after_again(house: House) -> None:
    await house.receive(message(alert({"alertname": "Oddity", "severity": "warning"})))
    number = house.incidents()[0].number
    assert house.incident(number).state is State.NEW
    await house.act(number, "out-of-scope", {"reason": "not served"}, "desk")
    await house.act(number, "to-sales", {}, "desk")

    sold = {"accept": True, "reason": "sold"}
    await house.do(PersonActed(number, Action.SALES_DECIDE, sold, Actor("sal", frozenset({"sales"}))))
    assert house.incident(number).state is State.NEW
    assert house.incident(number).next_due_at is not None
    before = len(house.sent)
    await house.advance(hours=4)
    assert any("/r50" in s.step for s in house.sent[before:])


async def test_an_acknowledgement_ends_a_late_first_call_too(house: House) -> None:
    number = await opened(house)
    incident = house.incident(number)
    due_at = house.now + timedelta(minutes=15)
    for name, tell in (("c15", ["l1", "l2"]), ("c16", ["pm"])):
        definition = TimetableStep.model_validate({"id": name, "clock": "created", "at": "15m", "tell": tell})
        planned = PlannedStep(2, definition, due_at)
        house.desk.agenda.add(
            Step(id=house.desk.agenda.next_id(), incident=incident.id, planned=planned, due_at=due_at)
        )
    await house.act(number, "acknowledge", who="ana")
    await house.advance(minutes=20)
    assert {s.step for s in house.sent} == {"2/c0", "2/c16"}
