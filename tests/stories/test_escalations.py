"""What the timetable does besides telling people, and what becomes of an escalation that nobody acknowledges."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.intents import ConfigChanged
from agent.rehearsal.house import House
from correlation.permission import Forbidden
from escalation.timetable import EscalationRules
from tests.house import DISK_FULL, START, alert, at, message, site

RESOLVED = {
    "type": "workaround",
    "resolution": "moved",
    "note": "moved it away",
    "service_restored_at": at(START),
}
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
UPS_LOW = {"alertname": "UpsBatteryLow", "ups": "rack-1", "severity": "critical"}


async def opened(house: House, labels: dict[str, str] = DISK_FULL, *, by: str | None = "ana") -> str:
    await house.receive(message(alert(labels)))
    number = house.incidents()[0].number
    if by:
        await house.act(number, "acknowledge", who=by)
    return number


async def steps(house: House, number: str) -> dict[str, dict[str, Any]]:
    """The records of the steps of an incident, by their keys."""
    return {facts["step"]: facts for _, kind, _, facts in await house.timeline(number) if kind == "step"}


async def told(house: House, number: str, kind: str) -> list[dict[str, Any]]:
    return [facts for _, happened, _, facts in await house.timeline(number) if happened == kind]


def paged(house: House, person: str) -> dict[str, timedelta]:
    return {s.step: s.at - START for s in house.sent if s.person == person}


# deeds


async def test_the_timetable_hands_over_to_the_second_line_and_tells_the_desk(house: House) -> None:
    number = await opened(house)
    await house.advance(hours=2)
    incident = house.incident(number)
    assert (incident.state, incident.tier, incident.assignee) == ("assigned", "l2", None)
    assert (await steps(house, number))["2/p25"]["did"] == {"handover_l2": "done"}
    (handed,) = await told(house, number, "handed_over")
    assert handed == {"to": "l2", "reason": "2/p25", "was": "ana"}
    assert {"2/p25", "2/desk_informed"} <= paged(house, "wei").keys() | paged(house, "desk").keys()
    await house.act(number, "acknowledge", who="wei")
    assert house.incident(number).assignee == "wei"


@pytest.mark.parametrize(
    ("acts", "came_of_it"),
    [
        pytest.param([("handover", {"to": "l2", "reason": "deep"}, "ana")], "done_before", id="the second line has it"),
        pytest.param([("suspend", {"for": "vendor", "reason": "part"}, "ana")], "not_while_pending_vendor", id="waits"),
    ],
)
async def test_what_needs_no_handover_or_allows_none_says_so_on_the_record(
    house: House, acts: list[tuple[str, dict[str, Any], str]], came_of_it: str
) -> None:
    number = await opened(house)
    for action, body, who in acts:
        await house.act(number, action, body, who)
    before = house.incident(number).state
    await house.advance(hours=2)
    assert (await steps(house, number))["2/p25"]["did"] == {"handover_l2": came_of_it}
    assert house.incident(number).state == before


async def test_a_vendor_is_proposed_to_whoever_works_on_it_and_the_desk_and_never_called(house: House) -> None:
    number = await opened(house)
    await house.advance(hours=2)
    await house.act(number, "acknowledge", who="wei")
    await house.advance(hours=4)
    assert await told(house, number, "vendor_proposed") == [{"vendors": ["server-vendor", "storage-vendor"]}]
    assert "2/vendor_proposed" in paged(house, "wei")
    assert "2/vendor_proposed" in paged(house, "desk")
    assert (house.incident(number).tier, await told(house, number, "vendor_called")) == ("l2", [])
    await house.act(number, "set-severity", {"severity": 1, "reason": "worse"}, "pat")
    assert (await steps(house, number))["1/p50"]["did"] == {"propose_vendor": "done_before"}


async def test_the_highest_severity_is_a_major_incident_with_its_brief_drafted(house: House) -> None:
    number = await opened(house, UPS_LOW, by=None)
    did = (await steps(house, number))["1/c0"]["did"]
    assert did == {"major_incident": "done_before", "brief_draft": "done"}
    (drafted,) = await told(house, number, "brief_drafted")
    assert "casualties" in drafted["missing"]
    assert "time" not in drafted["missing"]


async def test_a_repetition_does_nothing_a_second_time_and_a_restart_neither(house: House) -> None:
    number = await opened(house)
    await house.advance(hours=8)
    await house.restart()
    await house.advance(hours=5)
    records = await steps(house, number)
    assert records["2/p100"]["did"] == {"propose_problem": "done"}
    assert "did" not in records["2/p100#1"]
    assert len(await told(house, number, "problem_proposed")) == 1
    assert len(await told(house, number, "handed_over")) == 1


# expected breaches


async def test_an_estimate_after_the_due_instant_fires_the_step_of_three_quarters_now_and_not_again(
    house: House,
) -> None:
    number = await opened(house)
    await house.act(number, "note", {"text": "a part comes", "eta": at(START + 7 * HOUR)}, "ana")
    assert paged(house, "dora").keys() == {"2/c0"}
    await house.advance(minutes=10)
    await house.act(number, "note", {"text": "it comes later", "eta": at(START + 9 * HOUR)}, "ana")
    assert paged(house, "dora")["2/p75"] == 10 * MINUTE
    (expected,) = await told(house, number, "breach_expected")
    assert (expected["eta"], expected["due_at"]) == (at(START + 9 * HOUR), at(START + 8 * HOUR))
    await house.advance(hours=7)
    rows = await house.writer.fetch("SELECT due_at, late_ms FROM step WHERE key = '2/p75'")
    assert rows == [(START + 10 * MINUTE, 0)]


async def test_a_raise_that_moves_the_due_instant_before_the_estimate_is_an_expected_breach(house: House) -> None:
    number = await opened(house)
    await house.act(number, "note", {"text": "a part comes", "eta": at(START + 7 * HOUR)}, "ana")
    await house.act(number, "set-severity", {"severity": 1, "reason": "worse"}, "pat")
    assert "1/p75" in paged(house, "dirk")


async def test_an_estimate_that_is_late_says_nothing_while_the_clock_stands_and_fires_once_it_runs(
    house: House,
) -> None:
    number = await opened(house)
    body = {"for": "customer", "reason": "asks", "resume_at": at(START + HOUR)}
    await house.act(number, "suspend", body, "ana")
    await house.act(number, "note", {"text": "a part comes", "eta": at(START + 20 * HOUR)}, "ana")
    assert "2/p75" not in paged(house, "dora")
    await house.advance(hours=1)
    assert paged(house, "dora")["2/p75"] == HOUR


async def silent_for(house: House, share: float) -> None:
    """Have silence for this share of the target count, towards the half-way step."""
    policy = house.config.escalation
    breach = policy.predicted_breach.model_validate({"when": [{"no_update_for_pct": share}], "fire": "p100"})
    house.config = replace(house.config, escalation=policy.model_copy(update={"predicted_breach": breach}))
    await house.do(ConfigChanged(house.config, "root"))


async def test_silence_with_little_time_left_is_an_expected_breach(house: House) -> None:
    await silent_for(house, 25)
    number = await opened(house)
    await house.advance(hours=5)
    await house.act(number, "note", {"text": "on it"}, "ana")
    await house.restart()
    await house.advance(hours=2)
    assert (await steps(house, number))["2/p100"]["outcome"] == "paged"
    assert paged(house, "dirk")["2/p100"] == 7 * HOUR
    (expected,) = await told(house, number, "breach_expected")
    assert expected["silent_since"] == at(START + 5 * HOUR)


async def test_silence_while_there_is_time_is_none(house: House) -> None:
    await silent_for(house, 25)
    await opened(house)
    await house.advance(hours=5, minutes=59)
    assert "2/p100" not in paged(house, "dirk")


# acknowledged by a person


async def test_an_escalation_that_nobody_acknowledges_is_repeated_and_then_goes_a_level_up(house: House) -> None:
    await opened(house)
    await house.advance(hours=5, minutes=45)
    by_pm, by_manager, by_director = (paged(house, who) for who in ("pat", "dora", "dirk"))
    assert [by_pm[f"2/p50{n}"] - 4 * HOUR for n in ("", "#1", "#2")] == [n * 15 * MINUTE for n in range(3)]
    assert [by_manager[f"2/p50#{n}"] - 4 * HOUR for n in (3, 4, 5)] == [n * 15 * MINUTE for n in (3, 4, 5)]
    assert by_director["2/p50#6"] == 4 * HOUR + 90 * MINUTE
    await house.advance(minutes=20)
    assert {s.step for s in house.sent if s.at - START > 6 * HOUR} == set(), "the next step took its place"


async def test_the_next_step_of_the_timetable_takes_the_place_of_what_was_waited_for(house: House) -> None:
    number = await opened(house)
    await house.advance(hours=5, minutes=50)
    await house.act(number, "note", {"text": "late", "eta": at(START + 9 * HOUR)}, "wei")
    assert await house.writer.fetch("SELECT key FROM step WHERE outcome = 'superseded'") == [("2/p50#8",)]
    assert "2/p75#1" in {s.key for s in house.desk.agenda.of(house.incident(number).id)}


@pytest.mark.parametrize(("who", "minutes"), [("pat", 10), ("pat", 40), ("dora", 50)])
async def test_whoever_was_told_acknowledges_it_and_that_ends_its_repeats_and_nothing_else(
    house: House, who: str, minutes: int
) -> None:
    number = await opened(house)
    await house.advance(hours=2)
    await house.act(number, "acknowledge", who="wei")
    await house.advance(hours=2, minutes=minutes)
    before = len(house.sent)
    await house.act(number, "acknowledge", who=who)
    assert (house.incident(number).state, house.incident(number).assignee) == ("in_progress", "wei")
    await house.advance_to(START + 5 * HOUR + 59 * MINUTE)
    assert [s.step for s in house.sent[before:]] == []
    await house.advance(minutes=16)
    assert {"2/p75", "2/p75#1"} <= {s.step for s in house.sent[before:]}
    await house.act(number, "acknowledge", who="dora")
    before = len(house.sent)
    await house.advance_to(START + 7 * HOUR + 59 * MINUTE)
    assert [s.step for s in house.sent[before:]] == []


async def test_the_first_line_that_acknowledges_acknowledges_no_escalation(house: House) -> None:
    number = await opened(house, by=None)
    await house.advance(hours=4, minutes=5)
    await house.act(number, "acknowledge", who="wei")
    await house.advance(minutes=15)
    assert "2/p50#1" in paged(house, "pat")


async def test_what_waits_for_an_acknowledgement_outlives_a_restart_and_a_pause(house: House) -> None:
    number = await opened(house)
    await house.advance(hours=2)
    await house.act(number, "acknowledge", who="wei")
    await house.advance(hours=2, minutes=5)
    body = {"for": "customer", "reason": "asks", "resume_at": at(house.now + HOUR)}
    await house.act(number, "suspend", body, "wei")
    await house.restart()
    before = house.now
    await house.advance(minutes=59)
    assert [s.step for s in house.sent if s.at > before] == []
    await house.advance(minutes=2)
    assert paged(house, "pat")["2/p50#1"] == before + HOUR - START


# by hand


async def test_each_request_goes_one_level_further_up(house: House) -> None:
    number = await opened(house)
    await house.advance(minutes=10)
    levels = []
    for _ in range(4):
        before = len(house.sent)
        await house.act(number, "escalate", {"reason": "no progress"}, "desk")
        levels.append({s.person for s in house.sent[before:]})
    assert levels == [{"pat"}, {"dora"}, {"dirk"}, {"dirk"}]


async def test_who_may_ask_for_an_escalation_is_the_timetables_to_say(house: House) -> None:
    number = await opened(house)
    policy = house.config.escalation
    few = policy.manual.model_copy(update={"who": ["customer", "pm"]})
    house.config = replace(house.config, escalation=policy.model_copy(update={"manual": few}))
    await house.do(ConfigChanged(house.config, "root"))
    with pytest.raises(Forbidden, match="customer, pm"):
        await house.act(number, "escalate", {"reason": "slow"}, "ana")
    await house.act(number, "escalate", {"reason": "slow"}, "pat")


# where the timetable stops

ALL_STOPS = ["resolved", "pending_review", "archived", "cancelled", "out_of_scope", "pending_vendor"]


@pytest.fixture
async def waiting_house() -> AsyncIterator[House]:
    """A house whose timetable stops while a vendor works on it."""
    config = site()
    rules = EscalationRules.model_validate({**config.escalation.rules.model_dump(), "stop_in": ALL_STOPS})
    made = await House(replace(config, escalation=config.escalation.model_copy(update={"rules": rules})), START).open()
    yield made
    await made.close()


async def test_in_a_state_of_stop_in_nobody_is_told_and_afterwards_what_is_overdue_is(waiting_house: House) -> None:
    house = waiting_house
    number = await opened(house)
    await house.advance(hours=1)
    await house.act(number, "suspend", {"for": "vendor", "reason": "a part"}, "ana")
    told_before = len(house.sent)
    await house.restart()
    await house.advance(hours=10)
    assert len(house.sent) == told_before
    ended = await house.writer.fetch("SELECT key, outcome, why FROM step WHERE outcome = 'cancelled' ORDER BY id")
    assert {"2/p25", "2/p50", "2/p75", "2/p100"} <= {step for step, _, why in ended if "stops_in" in str(why)}
    await house.act(number, "resume", {}, "ana")
    records = await steps(house, number)
    assert {"2/p25@1", "2/p50@1", "2/p75@1", "2/p100@1"} <= records.keys()
    steps_told = [s.step for s in house.sent[told_before:] if s.person == "dora"]
    assert steps_told == ["2/problem", "2/p75@1"]
    await house.advance(hours=2)
    assert "2/p100#1@1" in await steps(house, number)


async def test_a_raise_while_it_stops_is_told_when_work_goes_on_and_a_resolution_ends_the_stop(
    waiting_house: House,
) -> None:
    house = waiting_house
    number = await opened(house)
    await house.act(number, "suspend", {"for": "vendor", "reason": "a part"}, "ana")
    told_before = len(house.sent)
    await house.act(number, "set-severity", {"severity": 1, "reason": "worse"}, "pm")
    await house.advance(hours=1, minutes=30)
    assert not [s for s in house.sent[told_before:] if s.step.startswith("1/p")]
    await house.act(number, "resolve", RESOLVED, "ana")
    await house.act(number, "reject", {"reason": "it is back"}, "pm")
    await house.advance(hours=1, minutes=30)
    assert any(key.startswith("1/p25") for key in await steps(house, number))


async def test_in_the_other_pending_states_the_timetable_goes_on(house: House) -> None:
    number = await opened(house)
    await house.act(number, "suspend", {"for": "vendor", "reason": "a part"}, "ana")
    await house.advance(hours=6)
    assert {"2/p25", "2/p50", "2/p75"} <= (await steps(house, number)).keys()


async def test_a_pause_tells_nobody_that_it_was_reopened_where_all_steps_are_taken(house: House) -> None:
    number = await opened(house)
    for step in house.desk.agenda.of(house.incident(number).id):
        house.desk.agenda.close([step], "cancelled", house.now, {"code": "regraded"})
    await house.act(number, "suspend", {"for": "customer", "reason": "x", "resume_at": at(house.now + HOUR)}, "ana")
    assert "2/reopened" not in await steps(house, number)


# a channel that was dead for long


async def test_of_the_repetitions_that_waited_for_a_dead_channel_the_newest_alone_is_sent(house: House) -> None:
    """All of them went out at once when it was back: an hour of repeats in one second."""
    number = await opened(house)
    await house.advance(hours=7)
    house.broken = {"hook", "mail"}
    await house.advance(hours=8)
    house.broken.clear()
    house.sent.clear()
    await house.advance(minutes=2)
    told = [(s.person, s.notifier) for s in house.sent if s.step.startswith("2/p100")]
    assert ("dirk", "hook") in told
    assert len(told) == len(set(told))
    (newest,) = {s.step for s in house.sent if s.person == "dirk"}
    rows = await house.writer.fetch(
        "SELECT step, state, outcome, supersedes FROM page WHERE person = 'dirk' AND step LIKE '2/p100%' ORDER BY id"
    )
    *earlier, (step, state, _, names) = rows
    assert (step, state) == (newest, "sent")
    assert [(s, o) for _, s, o, _ in earlier] == [
        ("cancelled", f"superseded by {after}") for after, *_ in [*earlier[1:], rows[-1]]
    ]
    assert json.loads(names) == [step for step, *_ in earlier]
    keys = await house.writer.fetch("SELECT count(*) FROM step WHERE outcome = '' AND key LIKE '2/p100%'")
    assert keys == [(1,)], "the next repetition is pending, all others have their record"
    assert house.incident(number).active


async def test_repetitions_quicker_than_the_next_channel_is_called_do_not_keep_it_from_being_called() -> None:
    config = site()
    (steps,) = [config.escalation.timetable[2]]
    quick = [
        s.model_copy(update={"tell": ["l1"], "repeat": timedelta(seconds=5)}) if s.id == "p100" else s for s in steps
    ]
    timetable = {**config.escalation.timetable, 2: quick}
    policy = config.escalation.model_copy(update={"timetable": timetable})
    house = await House(replace(config, escalation=policy), START).open()
    try:
        await opened(house)
        await house.advance(hours=7, minutes=59)
        house.broken = {"hook"}
        await house.advance(minutes=3)
        assert ("ana", "mail") in {(s.person, s.notifier) for s in house.sent if s.step.startswith("2/p100")}
        open_pages = await house.writer.fetch("SELECT count(*) FROM page WHERE open AND person = 'ana'")
        assert open_pages <= [(2,)]
    finally:
        await house.close()


async def test_the_second_relapse_says_that_it_fired_again(house: House) -> None:
    """It said "it was still not resolved": the count of calls was taken for repetitions of one."""
    number, starts = await opened(house), "2026-03-02T08:59:00.5Z"
    for relapse in (1, 2):
        await house.receive(message(alert(DISK_FULL, starts=starts, ends=at(house.now))))
        await house.advance(minutes=20)
        assert house.incident(number).state == "resolved"
        starts = at(house.now)
        await house.receive(message(alert(DISK_FULL, starts=starts)))
        assert house.incident(number).relapse == relapse
        await house.act(number, "acknowledge")
    rows = await house.writer.fetch("SELECT step, reason FROM page WHERE step LIKE '%/relapse%' ORDER BY id")
    assert [(step, json.loads(reason)["code"]) for step, reason in rows] == [
        ("2/relapse@1", "relapse"),
        ("2/relapse#1@2", "relapse"),
    ]


# after an outage


@pytest.mark.parametrize("hours", [9, 10, 11, 15])
async def test_after_an_outage_over_repetitions_each_person_has_one_page_that_names_the_highest(
    house: House, hours: int
) -> None:
    number = await opened(house)
    house.clock.set(START + hours * HOUR)
    await house.restart()
    passed = (hours - 8) // 2
    highest = f"2/p100#{passed}" if passed else "2/p100"
    pages = await house.writer.fetch("SELECT person, notifier, step FROM page WHERE step GLOB '2/p[0-9]*'")
    assert len({(person, notifier) for person, notifier, _ in pages}) == len(pages)
    assert highest in {step for _, _, step in pages}
    records = await steps(house, number)
    assert {"2/p25", "2/p50", "2/p75", "2/p100", highest} <= records.keys()
    assert records["2/p100"]["did"] == {"propose_problem": "done"}
    await house.advance(hours=2)
    assert f"2/p100#{passed + 1}" in await steps(house, number)
