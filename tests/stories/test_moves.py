"""The moves of an incident between people and groups: misroutes, what is out of scope, changes of severity (2.12)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent.configuration.load import load
from agent.intents import RecordEdited
from agent.loading.fetch import fetch_incident
from agent.rehearsal.house import House
from correlation.incident import IllegalAction, Incident, State
from correlation.permission import Actor
from tests.house import START, alert, at, message

SITE = Path(__file__).parents[1] / "scenarios" / "procedure"
DISK = {"alertname": "DiskFull", "instance": "db-1", "severity": "critical"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(load(SITE), START).open()
    await made.receive(message(alert(DISK)))
    yield made
    await made.close()


def only(house: House) -> Incident:
    (incident,) = house.incidents()
    return incident


def told_since(house: House, count: int) -> list[tuple[str, str]]:
    return [(s.step, s.person) for s in house.sent[count:]]


async def test_what_was_returned_must_be_answered_again_by_the_clock_of_the_report(house: House) -> None:
    number = only(house).number
    await house.advance(minutes=5)
    await house.act(number, "acknowledge", who="ana")
    await house.advance(minutes=5)
    due = only(house).response_due_at
    await house.act(number, "return", {"reason": "it is the network"}, who="ana")
    assert (only(house).state, only(house).acknowledged_at, only(house).response_due_at) == (State.NEW, None, due)
    count = len(house.sent)
    await house.act(number, "assign", {"group": "net-ops"}, who="desk")
    assert told_since(house, count) == [("2/assigned", "nela")]
    await house.advance_to(START.replace(minute=30))
    assert [step for step, _ in told_since(house, count)] == ["2/assigned", "2/r50@1"]
    await house.act(number, "acknowledge", who="nela")
    await house.advance(hours=1)
    assert not [step for step, _ in told_since(house, count) if "r100" in step]
    assert only(house).bounces == 1


async def test_answered_late_after_a_return_what_is_overdue_comes_at_once(house: House) -> None:
    number = only(house).number
    await house.act(number, "acknowledge", who="ana")
    await house.advance(minutes=70)
    await house.act(number, "return", {"reason": "it is the network"}, who="ana")
    count = len(house.sent)
    await house.act(number, "assign", {"group": "net-ops"}, who="desk")
    assert {step for step, _ in told_since(house, count)} == {"2/r100@1"}
    assert {"nela", "pat", "dora"} <= {person for _, person in told_since(house, count)}


async def test_what_comes_back_again_and_again_is_told_to_the_project_manager(house: House) -> None:
    number = only(house).number
    for turn in (1, 2, 3):
        count = len(house.sent)
        await house.act(number, "return", {"reason": "not ours"}, who="ana")
        assert (("2/bounced", "pat") in told_since(house, count)) is (turn == 3)
        await house.act(number, "assign", {"group": "sys-ops"}, who="desk")
    assert only(house).bounces == 3


async def test_of_a_severity_that_somebody_else_raised_the_desk_hears(house: House) -> None:
    number = only(house).number
    await house.act(number, "acknowledge", who="ana")
    await house.act(number, "set-severity", {"severity": 1, "reason": "it spreads"}, who="ana")
    assert [s.person for s in house.sent if s.step.endswith("desk_informed")] == ["desk"]
    await house.act(number, "set-severity", {"severity": 2, "reason": "it does not"}, who="pat")
    await house.act(number, "set-severity", {"severity": 1, "reason": "it does"}, who="desk")
    assert len([s for s in house.sent if "desk_informed" in s.step]) == 1, "the desk knows what it did itself"


@pytest.mark.parametrize(("reporter", "told"), [("uma", "uma"), ("a caller", "desk")])
async def test_out_of_scope_is_told_to_whoever_reported_it_or_the_desk_is_asked_to(
    reporter: str, told: str, house: House
) -> None:
    reported = await house.report({"title": "paint my car", "reporter": reporter, "urgency": 4, "impact": 4})
    count = len(house.sent)
    await house.act(reported.number, "out-of-scope", {"reason": "we do computers"}, who="desk")
    step = "4/out_of_scope" if told == "uma" else "4/desk_informed"
    assert told_since(house, count) == [(step, told)]
    if told == "desk":
        (facts,) = [f for _, kind, _, f in await house.timeline(reported.number) if kind == "desk_informed"]
        assert facts == {"reporter": "a caller"}


async def test_a_report_that_nobody_classified_rings_at_the_desk(house: House) -> None:
    count = len(house.sent)
    await house.report({"title": "something is odd", "urgency": 4, "impact": 4}, who="ana")
    assert told_since(house, count) == [("4/c0", "desk")]


async def test_while_sales_decides_nothing_escalates_and_what_it_takes_up_is_billable(house: House) -> None:
    reported = await house.report({"title": "paint my car", "reporter": "uma", "urgency": 4, "impact": 4})
    number = reported.number
    await house.act(number, "out-of-scope", {"reason": "we do computers"}, who="desk")
    await house.act(number, "to-sales", {}, who="desk")
    count = len(house.sent)
    await house.advance(days=10)
    assert not [s for s in house.sent[count:] if s.incident == number]
    await house.act(number, "sales-decide", {"accept": True, "reason": "they pay"}, who="sam")
    taken = house.incident(number)
    assert (taken.state, taken.billable) == (State.NEW, True)
    assert taken.next_due_at is not None, "its clock runs again"


async def test_what_sales_declines_is_told_to_whoever_reported_it(house: House) -> None:
    reported = await house.report({"title": "paint my car", "reporter": "uma", "urgency": 4, "impact": 4})
    await house.act(reported.number, "to-sales", {}, who="desk")
    count = len(house.sent)
    await house.act(reported.number, "sales-decide", {"accept": False, "reason": "too dear"}, who="sam")
    assert told_since(house, count) == [("4/out_of_scope", "uma")]
    assert not reported.billable


async def archived(house: House) -> str:
    """The number of an incident that went all the way."""
    number = only(house).number
    await house.receive(message(alert(DISK, ends=at(house.now))))
    await house.act(number, "acknowledge", who="ana")
    body = {"type": "permanent", "resolution": "done", "note": "done", "root_cause_known": True}
    await house.act(number, "resolve", body, who="ana")
    await house.act(number, "accept", {"by": "the owner", "via": "phone"}, who="desk")
    await house.act(number, "archive", {"final_category": "storage/disk_space", "final_severity": 2}, who="pat")
    return number


async def test_what_persists_after_the_archive_is_a_new_incident_that_says_what_it_repeats(house: House) -> None:
    number = await archived(house)
    body = {"reached": True, "score": 4, "persists": True, "remark": "it is full again"}
    await house.act(number, "callback", body, who="desk")
    (fresh,) = house.incidents()
    await fetch_incident(house.desk, house.writer, number)
    old = house.incident(number)
    assert (old.state, fresh.recurrence_of, fresh.symptom) == (State.ARCHIVED, number, "it is full again")
    assert (fresh.group, fresh.category, fresh.severity) == (old.group, old.category, old.severity)
    assert (old.linked("incident"), fresh.linked("incident")) == ([fresh.number], [number])
    await house.act(number, "callback", body, who="desk")
    assert await house.writer.fetch("SELECT count(*) FROM incident") == [(2,)], "told twice, it is one"


async def test_the_same_act_is_another_one_once_the_timetable_has_moved_it(house: House) -> None:
    number = only(house).number
    await house.act(number, "assign", {"person": "ana"}, who="desk")
    version = only(house).version
    await house.act(number, "assign", {"person": "ana"}, who="desk")
    assert only(house).version == version
    await house.advance(hours=2, minutes=1)
    assert (only(house).state, only(house).tier, only(house).assignee) == (State.ASSIGNED, "l2", None)
    await house.act(number, "assign", {"person": "ana"}, who="desk")
    assert only(house).assignee == "ana"


async def test_what_persists_is_one_recurrence_while_that_is_open_and_the_next_one_after_it(house: House) -> None:
    first = await archived(house)
    body = {"reached": True, "score": 4, "persists": True, "remark": "it is full again"}
    await house.act(first, "callback", body, who="desk")
    (second,) = house.incidents()
    assert second.category == "storage/disk_space"
    await house.advance(days=2)
    count = len(house.sent)
    await house.act(first, "callback", {**body, "remark": "still full"}, who="desk")
    assert await house.writer.fetch("SELECT count(*) FROM incident") == [(2,)]
    assert ("2/desk_informed", "desk") in {(s.step.split("#")[0], s.person) for s in house.sent[count:]}
    (*_, facts) = [f for _, kind, _, f in await house.timeline(second.number) if kind == "desk_informed"]
    assert facts == {"persists": first}
    await house.act(second.number, "cancel", {"reason": "the same"}, who="desk")
    await house.act(first, "callback", {**body, "remark": "and again"}, who="desk")
    rows = await house.writer.fetch("SELECT recurrence_of FROM incident ORDER BY id")
    assert rows == [(None,), (first,), (first,)]


async def test_the_severity_of_what_is_resolved_plans_nothing_and_holds_when_it_comes_back(house: House) -> None:
    number = only(house).number
    await house.act(number, "acknowledge", who="ana")
    await house.act(number, "handover", {"to": "l2", "reason": "deep"}, who="ana")
    await house.act(number, "assign", {"person": "wei"}, who="desk")
    await house.act(number, "acknowledge", who="wei")
    body = {"type": "permanent", "resolution": "done", "note": "done", "service_restored_at": at(house.now)}
    await house.act(number, "resolve", body, who="wei")
    await house.act(number, "accept", {"by": "the owner", "via": "phone"}, who="desk")
    count = len(house.sent)
    await house.act(number, "set-severity", {"severity": 1, "reason": "it was worse"}, who="pat")
    incident = house.incident(number)
    assert (house.desk.agenda.of(incident.id), incident.next_due_at) == ([], None)
    await house.advance(hours=9)
    assert {step for step, _ in told_since(house, count)} <= {"1/problem", "1/major", "1/desk_informed#1"}
    await house.act(number, "reject", {"reason": "the record is not complete"}, who="pat")
    incident = house.incident(number)
    assert (incident.state, incident.tier, incident.assignee) == (State.IN_PROGRESS, "l2", "wei")
    assert incident.resolve_due_at == incident.opened_at + timedelta(hours=13)
    assert {s.planned.step.id for s in house.desk.agenda.of(incident.id)} >= {"p25", "p50", "p75", "p100"}


async def test_an_alert_that_fires_again_after_the_archive_is_a_new_incident_that_says_so(house: House) -> None:
    number = await archived(house)
    await house.advance(hours=2)
    await house.restart()
    await house.receive(message(alert(DISK, starts=at(house.now))))
    (fresh,) = [i for i in house.incidents() if i.number != number]
    assert (fresh.state, fresh.recurrence_of) == (State.ASSIGNED, number)


async def test_what_is_archived_is_read_only(house: House) -> None:
    number = await archived(house)
    await fetch_incident(house.desk, house.writer, number)
    version = house.incident(number).version
    with pytest.raises(IllegalAction, match="edit is not possible while the incident is archived"):
        await house.do(RecordEdited(number, version, {"title": "another"}, Actor("pat", frozenset({"pm"}))))


async def test_an_engineer_who_hands_over_tells_the_desk(house: House) -> None:
    number = only(house).number
    await house.act(number, "acknowledge", who="ana")
    count = len(house.sent)
    await house.act(number, "handover", {"to": "l2", "reason": "needs the storage people"}, who="ana")
    assert sorted(told_since(house, count)) == [("2/desk_informed", "desk"), ("2/handover", "wei")]
    (facts,) = [f for _, kind, _, f in await house.timeline(number) if kind == "desk_informed"]
    assert facts == {"handed_to": "l2"}
