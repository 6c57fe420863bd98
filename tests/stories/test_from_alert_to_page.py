"""The main job: an alert opens an incident, people are paged by the timetable, somebody has it, it ends."""

from datetime import timedelta

from agent.intents import AlertsFound, TimePassed
from agent.loops.paging import claimed
from agent.rehearsal.house import House
from correlation.own import own_alert
from tests.house import DISK_FULL, DISK_WARN, START, alert, at, message


async def only(house: House) -> str:
    assert len(house.incidents()) == 1
    return house.incidents()[0].number


async def test_a_critical_alert_opens_an_incident_and_pages_who_is_on_call(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    incident = house.incidents()[0]
    assert incident.number == "INC-20260302-0001"
    assert incident.state == "assigned"
    assert incident.severity == 2
    assert incident.group == "sys-ops"
    assert sorted(house.pages) == ["ana", "dora", "pat", "wei"]
    assert {s.step for s in house.sent} == {"2/c0"}


async def test_an_acknowledgement_ends_the_response_ladder_and_not_the_resolution_ladder(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = await only(house)
    await house.act(number, "acknowledge", who="ana")
    assert house.incident(number).assignee == "ana"
    assert house.incident(number).state == "in_progress"
    await house.advance(hours=9)
    steps = {s.step for s in house.sent}
    assert not steps & {"2/r50", "2/r100"}
    assert {"2/p25", "2/p50", "2/p75", "2/p100"} <= steps


async def test_nobody_acknowledges_so_the_ladder_goes_on_at_its_due_instants(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(hours=1)
    by_step = {s.step: s.at - START for s in house.sent}
    assert by_step["2/r50"] == timedelta(minutes=30)
    assert by_step["2/r100"] == timedelta(hours=1)


async def test_when_the_last_alert_has_ended_for_long_enough_the_incident_is_resolved_as_of_its_end(
    house: House,
) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = await only(house)
    await house.advance(minutes=5)
    end = house.now - timedelta(seconds=20)
    await house.receive(message(alert(DISK_FULL, ends=at(end))))
    await house.advance(minutes=14)
    assert house.incident(number).state == "assigned"
    await house.advance(minutes=2)
    assert house.incident(number).state == "resolved"
    assert house.incident(number).resolved_at == end
    before = len(house.sent)
    await house.advance(hours=24)
    assert len(house.sent) == before


async def test_a_refire_before_it_was_stable_lets_the_clock_run_on_as_if_never_stopped(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = await only(house)
    due = house.incident(number).resolve_due_at
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    await house.advance(minutes=5)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    await house.advance(minutes=30)
    incident = house.incident(number)
    assert incident.state == "assigned"
    assert incident.relapse == 0
    assert incident.resolve_due_at == due
    assert incident.service_restored_at is None


async def resolved(house: House, *, acknowledged_by: str | None = None) -> str:
    await house.receive(message(alert(DISK_FULL)))
    number = await only(house)
    if acknowledged_by:
        await house.act(number, "acknowledge", who=acknowledged_by)
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    await house.advance(minutes=16)
    assert house.incident(number).state == "resolved"
    return number


async def test_a_relapse_of_what_somebody_holds_pages_that_person_at_once_and_asks_for_a_new_acknowledgement(
    house: House,
) -> None:
    number = await resolved(house, acknowledged_by="ana")
    before = len(house.sent)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    incident = house.incident(number)
    assert (incident.state, incident.relapse, incident.assignee) == ("in_progress", 1, "ana")
    assert [(s.person, s.step) for s in house.sent[before:]] == [("ana", "2/relapse@1")]
    assert incident.acknowledged_at is None
    await house.act(number, "acknowledge", who="ana")
    assert incident.acknowledged_at == house.now
    await house.advance(hours=3)
    assert not {s.step for s in house.sent} & {"2/c0@1", "2/r50@1", "2/r100@1"}


async def test_an_unacknowledged_relapse_starts_the_ladder_anew_after_the_response_target(house: House) -> None:
    await resolved(house, acknowledged_by="ana")
    refired = house.now
    await house.receive(message(alert(DISK_FULL, starts=at(refired))))
    await house.advance(hours=2)
    by_step = {s.step: s.at - refired for s in house.sent if s.step.endswith("@1")}
    assert by_step["2/c0@1"] == timedelta(hours=1)
    assert by_step["2/r50@1"] == timedelta(minutes=90)


async def test_a_relapse_of_what_nobody_holds_starts_the_ladder_anew_at_once(house: House) -> None:
    number = await resolved(house)
    refired = house.now
    before = len(house.sent)
    await house.receive(message(alert(DISK_FULL, starts=at(refired))))
    assert house.incident(number).state == "assigned"
    assert {s.step for s in house.sent[before:]} == {"2/c0@1"}
    await house.advance(minutes=31)
    assert "2/r50@1" in {s.step for s in house.sent}


async def test_a_firing_after_the_refire_window_is_a_new_incident(house: House) -> None:
    number = await resolved(house)
    await house.advance(minutes=45)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    assert [i.number for i in house.incidents() if i.active] == ["INC-20260302-0002"]
    assert number == "INC-20260302-0001"


async def test_alerts_that_differ_only_in_severity_join_one_incident_and_raise_it(house: House) -> None:
    await house.receive(message(alert(DISK_WARN)))
    number = await only(house)
    assert house.incident(number).severity == 3
    await house.receive(message(alert(DISK_FULL)))
    await only(house)
    assert house.incident(number).severity == 2
    assert house.incident(number).alert_count == 2


async def test_a_raise_supersedes_the_old_ladder_and_takes_what_is_overdue_as_one_page_a_person(house: House) -> None:
    await house.receive(message(alert(DISK_WARN)))
    number = await only(house)
    await house.advance(hours=3)
    before = len(house.sent)
    await house.receive(message(alert(DISK_FULL)))
    fresh = house.sent[before:]
    assert len({s.person for s in fresh}) == len(fresh)
    assert {"2/p25", "2/r100"} & {s.step for s in fresh}
    rows = await house.writer.fetch("SELECT key, outcome FROM step ORDER BY id")
    outcomes = dict(rows)
    assert outcomes["3/p50"] == "superseded"
    assert {outcomes[k] for k in ("2/c0", "2/r50", "2/r100", "2/p25")} <= {"paged", "superseded"}
    assert house.incident(number).next_due_at is not None


async def test_the_same_step_has_one_record_over_a_restart_in_the_middle(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(minutes=29)
    await house.restart()
    await house.advance(minutes=2)
    await house.restart()
    await house.advance(hours=30)
    rows = await house.writer.fetch("SELECT key, count(*) FROM step GROUP BY key HAVING count(*) > 1")
    assert rows == []
    keys = [(s.step, s.person) for s in house.sent]
    assert len(keys) == len(set(keys))


async def test_a_broken_channel_is_tried_again_and_the_next_channel_of_the_same_person_helps(house: House) -> None:
    house.broken.add("hook")
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(minutes=2)
    assert [(s.person, s.notifier) for s in house.sent] == [("ana", "mail")]
    house.broken.clear()
    await house.advance(minutes=5)
    assert sorted({s.person for s in house.sent}) == ["ana", "dora", "pat", "wei"]
    assert [s.person for s in house.sent].count("ana") == 1


async def test_resolving_by_hand_while_an_alert_fires_needs_the_persons_word_that_service_is_back(house: House) -> None:
    from correlation.need import Missing

    await house.receive(message(alert(DISK_FULL)))
    number = await only(house)
    body = {"type": "workaround", "resolution": "logs cut", "note": "freed 20 GB"}
    try:
        await house.act(number, "resolve", body, who="desk")
        raise AssertionError("it was not refused")
    except Missing as missing:
        assert missing.fields == ["service_restored_at"]
    await house.act(number, "resolve", {**body, "service_restored_at": at(house.now)}, who="desk")
    assert house.incident(number).state == "resolved"


async def test_a_page_of_an_alert_of_our_own_says_since_when_it_fires(house: House) -> None:
    """Nobody sent us a start: it is the moment at which we found it."""
    await house.through(AlertsFound([own_alert("ClockJumped", {}, "the clock jumped", house.now)], "self"))
    await house.through(TimePassed())
    (page, *_) = house.desk.outbox.pages.values()
    told = claimed(page, house.incidents()[0], house.config, house.desk.board, house.desk.past)
    assert [a["startsAt"] for a in told.facts.alerts] == [at(house.now)]
