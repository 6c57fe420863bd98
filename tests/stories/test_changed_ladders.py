"""Ladders under way that something changes: another severity, growth, a pause, a state that is left by another way."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from agent.configuration.site import Service
from agent.intents import ConfigChanged
from agent.rehearsal.house import House
from agent.storage.store import UPSERT_CONFIG
from escalation.roles import Person
from escalation.timetable import EscalationPolicy
from tests.house import DISK_FULL, DISK_WARN, START, alert, at, message, site

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
UPS_LOW = {"alertname": "UpsBatteryLow", "ups": "rack-1", "severity": "critical"}
OTHER = {"alertname": "Other", "instance": "db-2:9100", "severity": "critical"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(site(), START).open()
    yield made
    await made.close()


async def opened(house: House, labels: dict[str, str] = DISK_FULL, *, by: str | None = "ana") -> str:
    before = {incident.number for incident in house.incidents()}
    await house.receive(message(alert(labels)))
    (number,) = {incident.number for incident in house.incidents()} - before
    if by:
        await house.act(number, "acknowledge", who=by)
    return number


async def waits(house: House, number: str) -> None:
    body = {"for": "customer", "reason": "asks", "resume_at": at(house.now + HOUR)}
    await house.act(number, "suspend", body, "ana")


def told_since(house: House, before: int) -> set[tuple[str, str]]:
    return {(sent.step, sent.person) for sent in house.sent[before:]}


async def test_what_was_merged_while_it_waited_stays_cancelled_when_the_wait_would_have_ended(house: House) -> None:
    """It was taken up again: in progress beside the incident that had taken it in."""
    number, into = await opened(house), await opened(house, UPS_LOW, by=None)
    await waits(house, number)
    await house.act(number, "merge", {"into": into}, "pat")
    await house.restart()
    await house.advance(hours=2)
    rows = await house.writer.fetch("SELECT state, resume_at FROM incident WHERE number = ?", number)
    assert rows == [("cancelled", None)]


async def test_what_was_assigned_while_it_waited_is_nobodys_until_they_acknowledge(house: House) -> None:
    number = await opened(house)
    await waits(house, number)
    await house.act(number, "assign", {"person": "luis"}, "desk")
    await house.advance(hours=1)
    assert (house.incident(number).state, house.incident(number).assignee) == ("assigned", "luis")


async def test_a_wait_that_an_earlier_release_left_on_the_record_takes_nothing_up(house: House) -> None:
    number = await opened(house, by=None)
    house.incident(number).resume_at = house.now + HOUR
    await house.act(number, "note", {"text": "looked at"}, "pat")
    await house.restart()
    await house.advance(hours=1, minutes=1)
    assert house.incident(number).state == "assigned"


@pytest.mark.parametrize(("action", "body"), [("replan", {}), ("set-severity", {"severity": 3, "reason": "judged"})])
async def test_what_is_asked_anew_is_asked_by_a_ladder_planned_anew_too(
    house: House, action: str, body: dict[str, object]
) -> None:
    """The steps that the first acknowledgement had come after were taken to be taken: nobody was looked for again."""
    number = await opened(house, by=None)
    await house.advance(minutes=61)
    await house.act(number, "acknowledge")
    await house.act(await opened(house, OTHER, by=None), "merge", {"into": number}, "pat")
    await house.act(number, action, body, "pat")
    if action == "set-severity":
        await house.act(number, action, {**body, "severity": 2}, "pat")
    await house.restart()
    before = len(house.sent)
    await house.advance(minutes=121)
    assert {("c0", "ana"), ("r50", "luis"), ("r100", "wei")} <= {
        (step.split("/")[1].split("@")[0], person) for step, person in told_since(house, before)
    }


async def test_a_handover_that_waits_to_be_told_outlives_another_severity(house: House) -> None:
    number = await opened(house)
    await house.act(number, "snooze", {"until": at(house.now + HOUR), "reason": "window"}, "ana")
    await house.act(number, "handover", {"to": "l2", "reason": "deep"}, "ana")
    await house.act(number, "set-severity", {"severity": 3, "reason": "judged"}, "pat")
    before = len(house.sent)
    await house.advance(hours=1)
    assert told_since(house, before) == {("2/handover", "wei")}


async def test_what_fell_due_before_a_pause_and_is_told_in_it_repeats_only_after_it(house: House) -> None:
    number = await opened(house)
    await house.advance(hours=7)
    await house.act(number, "acknowledge", who="wei")
    await house.act(number, "snooze", {"until": at(START + 9 * HOUR), "reason": "window"}, "wei")
    await house.advance_to(START + 8 * HOUR)
    await house.act(number, "suspend", {"for": "customer", "reason": "asks", "resume_at": at(START + 15 * HOUR)}, "wei")
    await house.advance_to(START + 9 * HOUR)
    assert house.sent[-1].step == "2/p100"
    before = len(house.sent)
    await house.restart()
    await house.advance_to(START + 15 * HOUR - MINUTE)
    assert told_since(house, before) == set()
    await house.advance(minutes=1)
    assert told_since(house, before) == {("2/p100#1", "dirk")}


async def test_after_a_relapse_the_response_is_due_by_the_severity_that_it_has(house: House) -> None:
    number = await opened(house, DISK_WARN)
    body = {"type": "fixed", "resolution": "done", "note": "n", "service_restored_at": at(house.now)}
    await house.act(number, "resolve", body, "ana")
    await house.advance(minutes=5)
    await house.receive(message(alert(DISK_WARN, starts=at(house.now))))
    assert house.incident(number).response_due_at == START + 4 * HOUR + 5 * MINUTE
    await house.act(number, "set-severity", {"severity": 1, "reason": "worse"}, "pat")
    assert house.incident(number).response_due_at == START + 35 * MINUTE


async def test_what_comes_back_unanswered_after_a_relapse_is_answered_by_its_clock(house: House) -> None:
    number = await opened(house)
    body = {"type": "fixed", "resolution": "done", "note": "n", "service_restored_at": at(house.now)}
    await house.act(number, "resolve", body, "ana")
    await house.advance(minutes=5)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    await house.act(number, "acknowledge")
    await house.act(number, "return", {"reason": "not ours"}, "ana")
    await house.act(number, "assign", {"group": "sys-ops"}, "desk")
    before = len(house.sent)
    await house.advance(hours=1)
    assert {("r50", "ana"), ("r100", "wei")} <= {
        (step.split("/")[1].split("@")[0], person) for step, person in told_since(house, before)
    }


async def in_force(house: House, version: int, escalation: EscalationPolicy) -> None:
    """The next version of the configuration, stored as the daemon stores it."""
    house.config = replace(house.config, version=version, escalation=escalation)
    policies = (house.config.sla.model_dump_json(by_alias=True), escalation.model_dump_json(by_alias=True))
    await house.writer.commit([(UPSERT_CONFIG, [(version, house.now, str(version), *policies, "")])])
    await house.do(ConfigChanged(house.config, "root"))


async def test_what_sales_take_up_again_runs_by_the_timetable_it_was_opened_with_over_a_restart() -> None:
    config = site()
    config = replace(
        config, people={**config.people, "sal": Person.model_validate({"name": "Sal", "roles": ["sales"]})}
    )
    house = await House(config, START).open()
    try:
        await in_force(house, 1, config.escalation)
        number = await opened(house, by=None)
        await house.act(number, "return", {"reason": "not ours"}, "ana")
        await house.act(number, "out-of-scope", {"reason": "not ours"}, "desk")
        steps = [s.model_copy(update={"tell": ["desk"]}) for s in config.escalation.timetable[2]]
        policy = config.escalation.model_copy(update={"timetable": {**config.escalation.timetable, 2: steps}})
        await in_force(house, 2, policy)
        await house.restart()
        await house.act(number, "to-sales", {}, "desk")
        await house.act(number, "sales-decide", {"accept": True, "reason": "paid"}, "sal")
        before = len(house.sent)
        await house.advance(hours=4)
        assert ("2/p50@1", "pat") in told_since(house, before)
    finally:
        await house.close()


async def test_what_counts_business_time_is_counted_anew_by_a_calendar_that_a_reload_changes() -> None:
    """The record showed another due instant than the one at which the step was taken."""
    portal = Service.model_validate({"sla": {2: {"resolve": "9h", "calendar": "business"}}})
    config = replace(site(), services={"portal": portal})
    house = await House(config, START).open()
    try:
        number = await opened(house, {**DISK_FULL, "service": "portal"})
        assert house.incident(number).resolve_due_at == START + timedelta(days=1)
        for holidays, days, lines in (([date(2026, 3, 3)], 2, 1), ([date(2026, 3, 3)], 2, 1), ([], 1, 2)):
            business = config.calendars["business"].model_copy(update={"holidays": holidays})
            house.config = replace(config, calendars={**config.calendars, "business": business})
            await house.do(ConfigChanged(house.config, "root"))
            await house.restart()
            incident = house.incident(number)
            due = {s.key: s.due_at for s in house.desk.agenda.of(incident.id)}["2/p100"]
            assert due == incident.resolve_due_at == START + timedelta(days=days)
            told = [facts for _, kind, _, facts in await house.timeline(number) if kind == "calendar_changed"]
            assert told == [{"calendar": "business"}] * lines
        await house.do(ConfigChanged(replace(config, calendars={}), "root"))
        assert house.incident(number).resolve_due_at == START + 9 * HOUR
        await house.advance(hours=9)
        assert "2/p100" in {sent.step for sent in house.sent}
    finally:
        await house.close()
