"""What the desk decides beyond one alert: ends of incidents, merges, silences, reloads, its own troubles."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.intents import ConfigChanged, LetterDied, SilencePut
from agent.rehearsal.house import House
from collectors.labels import Matcher
from correlation.incident import State, key_of
from correlation.permission import Forbidden
from correlation.refusal import Refusal
from correlation.silence import Silence
from tests.house import DISK_FULL, DISK_WARN, START, alert, at, message
from tests.properties.site import configured

OTHER = {"alertname": "HostDown", "instance": "web-1", "severity": "critical"}
SLOW = {"alertname": "ServiceSlow", "instance": "web-1", "severity": "warning"}
END: dict[str, dict[str, Any]] = {"cancel": {"reason": "no fault"}, "out-of-scope": {"reason": "not served"}}


@pytest.fixture
async def inhibiting() -> Any:
    made = await House(configured(), START).open()
    yield made
    await made.close()


async def opened(house: House, labels: dict[str, str] = DISK_FULL) -> str:
    await house.receive(message(alert(labels)))
    return house.incidents()[-1].number


def override(house: House) -> dict[str, Any]:
    return {"type": "fixed", "resolution": "done", "note": "n", "service_restored_at": at(house.now)}


async def why(house: House) -> list[str]:
    rows = await house.writer.fetch("SELECT why FROM episode ORDER BY alert_id")
    return [text.partition('"code":"')[2].partition('"')[0] for (text,) in rows]


# an incident that is over, and an alert that fires on


@pytest.mark.parametrize("labels", [DISK_FULL, {"alertname": "Oddity"}], ids=["cancelled", "out of scope"])
async def test_an_alert_told_again_after_its_incident_was_ended_opens_another(
    house: House, labels: dict[str, str]
) -> None:
    number = await opened(house, labels)
    action = "cancel" if labels is DISK_FULL else "out-of-scope"
    await house.act(number, action, END[action], "desk")
    before = len(house.sent)
    await house.receive(message(alert(labels)))
    (again,) = [i for i in house.incidents() if i.active]
    assert again.number != number
    assert again.recurrence_of == number
    assert len(house.sent) > before
    assert await why(house) == ["first_of_incident", "still_fires"]


async def test_an_alert_told_again_long_after_a_person_said_that_service_is_back_opens_another(house: House) -> None:
    number = await opened(house)
    await house.act(number, "resolve", override(house), "desk")
    await house.advance(minutes=29)
    await house.receive(message(alert(DISK_FULL)))
    assert [i.number for i in house.incidents()] == [number]
    await house.advance(minutes=2)
    await house.receive(message(alert(DISK_FULL)))
    assert [i.recurrence_of for i in house.incidents()] == [number]


async def test_what_fires_on_without_being_told_again_opens_nothing_by_itself(house: House) -> None:
    number = await opened(house)
    await house.act(number, "cancel", END["cancel"], "desk")
    await house.advance(hours=10)
    assert house.incidents() == []


async def test_the_end_of_an_alert_that_fired_on_changes_no_incident_that_is_over(house: House) -> None:
    number = await opened(house)
    await house.act(number, "cancel", END["cancel"], "desk")
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    assert house.desk.board.orphans == {}
    rows = await house.writer.fetch("SELECT state, open_alerts FROM incident")
    assert rows == [("cancelled", 0)]


async def test_a_resolution_refused_late_takes_back_what_still_fires(house: House) -> None:
    number = await opened(house)
    await house.act(number, "resolve", override(house), "desk")
    await house.advance(hours=2)
    assert house.desk.board.orphans
    await house.act(number, "reject", {"reason": "still broken"}, "desk")
    assert house.desk.board.orphans == {}
    assert house.incident(number).open_alerts == 1
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    assert house.incident(number).open_alerts == 0
    assert house.incident(number).resolves_at is not None


async def test_a_snooze_does_not_outlive_a_relapse(house: House) -> None:
    number = await opened(house)
    await house.act(number, "snooze", {"until": at(house.now + timedelta(hours=9)), "reason": "tea"}, "desk")
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    await house.advance(minutes=20)
    assert house.incident(number).state is State.RESOLVED
    before = len(house.sent)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    assert house.incident(number).relapse == 1
    assert len(house.sent) > before


# merges


async def test_a_merged_incident_pages_nobody_who_would_take_it_and_its_alerts_are_the_others(house: House) -> None:
    into, number = await opened(house), await opened(house, OTHER)
    house.broken |= {"hook", "mail"}
    await house.advance(minutes=31)
    waiting = [p for p in house.desk.outbox.pages.values() if p.incident_id == house.incident(number).id]
    assert any(p.seeks_responder for p in waiting)
    await house.act(number, "merge", {"into": into}, "desk")
    waiting = [p for p in house.desk.outbox.pages.values() if p.incident_id == 2]
    assert not any(p.seeks_responder for p in waiting)
    assert house.incident(into).open_alerts == 2
    await house.receive(message(alert(OTHER, ends=at(house.now))))
    assert house.incident(into).open_alerts == 1


async def test_nothing_merges_into_what_is_over(house: House) -> None:
    into, number = await opened(house), await opened(house, OTHER)
    await house.act(into, "cancel", END["cancel"], "desk")
    with pytest.raises(Refusal):
        await house.act(number, "merge", {"into": into}, "desk")
    with pytest.raises(Refusal):
        await house.act(number, "merge", {"into": number}, "desk")


async def test_what_an_alert_of_a_merged_incident_inhibits_is_let_go_when_that_alert_ends(inhibiting: House) -> None:
    house = inhibiting
    into, number = await opened(house), await opened(house, OTHER)
    await house.receive(message(alert(SLOW)))
    assert house.desk.board.episodes[key_of("am", alert(SLOW)["fingerprint"])].decision == "suppressed"
    await house.act(number, "merge", {"into": into}, "desk")
    await house.receive(message(alert(OTHER, ends=at(house.now))))
    assert house.desk.board.episodes[key_of("am", alert(SLOW)["fingerprint"])].incident


# silences, and what holds alerts back


def silence(house: House, minutes: int, matcher: str = "alertname=DiskFull") -> Silence:
    return Silence(
        id="s",
        matchers=(Matcher.parse(matcher),),
        starts_at=house.now,
        ends_at=house.now + timedelta(minutes=minutes),
        created_by="pat",
        comment="",
        created_at=house.now,
    )


async def test_a_silence_over_all_that_fires_holds_the_steps_until_it_ends(house: House) -> None:
    number = await opened(house)
    await house.advance(minutes=10)
    await house.do(SilencePut(silence(house, 60), "pat"))
    before = len(house.sent)
    await house.advance(minutes=59)
    assert house.sent[before:] == []
    await house.advance(minutes=2)
    late = house.sent[before:]
    assert {s.step for s in late} == {"2/r100", "2/r50"}
    assert len({s.person for s in late}) == len(late)
    assert house.incident(number).next_due_at is not None


async def test_a_silence_that_ended_while_the_daemon_was_down_lets_go_at_the_start(house: House) -> None:
    await house.do(SilencePut(silence(house, 60), "pat"))
    await house.receive(message(alert(DISK_FULL)))
    assert house.incidents() == []
    house.clock.set(house.now + timedelta(hours=2))
    await house.restart()
    assert [i.number for i in house.incidents()] == ["INC-20260302-0001"]
    assert house.pages


async def test_what_nothing_holds_any_more_is_due_at_once(house: House) -> None:
    await house.do(SilencePut(silence(house, 60), "pat"))
    await house.receive(message(alert(DISK_FULL)))
    del house.desk.board.silences["s"]
    house.desk.hold_back_again(house.now)
    due = house.desk.next_due()
    assert due is not None
    assert due <= house.now


@pytest.mark.parametrize("inhibit", [True, False], ids=["the rule stays", "the rule is gone"])
async def test_what_a_rule_held_back_is_let_go_by_a_reload_without_the_rule(inhibiting: House, inhibit: bool) -> None:
    house = inhibiting
    await house.receive(message(alert(OTHER), alert(SLOW)))
    key = key_of("am", alert(SLOW)["fingerprint"])
    assert house.desk.board.episodes[key].decision == "suppressed"
    house.config = configured(inhibit=inhibit)
    await house.do(ConfigChanged(house.config, "pat"))
    assert (house.desk.board.episodes[key].decision == "suppressed") == inhibit
    await house.receive(message(alert(OTHER, ends=at(house.now))))
    assert house.desk.board.episodes[key].incident


async def test_versions_that_promise_the_same_share_one_copy(house: House) -> None:
    """A reload keeps what open incidents were opened with; a hundred of them do not keep it a hundred times."""
    for version in range(2, 12):
        sla = house.config.sla.model_copy(deep=True)
        escalation = house.config.escalation.model_copy(deep=True)
        house.config = replace(house.config, version=version, sla=sla, escalation=escalation)
        await house.do(ConfigChanged(house.config, "pat"))
    policies = house.desk.ladder.terms.policies
    assert len(policies) >= 10
    assert len({id(held) for held in policies.values()}) == 1


# people


async def test_who_was_paged_may_still_acknowledge_after_a_restart(house: House) -> None:
    """Wei is of another group: that she was paged is all that makes the incident hers."""
    number = await opened(house)
    assert "wei" in house.pages
    await house.restart()
    await house.act(number, "acknowledge", who="wei")
    assert house.incident(number).assignee == "wei"


async def test_who_was_not_paged_may_not_after_a_restart_either(house: House) -> None:
    await house.receive(message(alert({"alertname": "Oddity"})))
    number = house.incidents()[0].number
    assert "luis" not in house.pages
    await house.restart()
    with pytest.raises(Forbidden):
        await house.act(number, "acknowledge", who="luis")


async def test_a_managers_note_that_they_know_ends_the_repeats_and_leaves_the_next_due_instant_right(
    house: House,
) -> None:
    number = await opened(house)
    await house.act(number, "acknowledge", who="ana")
    await house.advance(hours=9)
    assert "2/p100" in {s.step for s in house.sent if s.person == "dirk"}
    await house.act(number, "acknowledge", who="wei")
    await house.act(number, "acknowledge", who="dirk")
    incident = house.incident(number)
    assert (incident.state, incident.assignee) == ("in_progress", "wei")
    assert incident.next_due_at == house.desk.agenda.due_of(incident.id)


async def test_what_is_kept_of_steps_that_were_taken_does_not_grow_with_their_repetitions(house: House) -> None:
    number = await opened(house)
    await house.act(number, "acknowledge", who="ana")
    await house.advance(hours=9)
    before = house.incident(number).targets["taken"]
    repeated = len([s for s in house.sent if "#" in s.step])
    await house.advance(hours=24)
    assert len([s for s in house.sent if "#" in s.step]) > repeated
    assert house.incident(number).targets["taken"] == before


async def test_a_page_that_comes_after_its_incident_ended_still_names_it_after_a_restart(house: House) -> None:
    """What informs is sent though the incident is cancelled: it must not come as a page about nothing."""
    house.broken |= {"hook", "mail"}
    number = await opened(house)
    await house.act(number, "cancel", END["cancel"], "desk")
    await house.restart()
    assert house.desk.outbox.pages
    house.broken.clear()
    await house.advance(minutes=5)
    assert house.sent
    assert {s.incident for s in house.sent} == {number}
    await house.advance(minutes=10)
    assert house.desk.board.incidents == {}


# whom nobody hears


async def test_where_every_channel_fails_the_fallback_people_are_told_within_a_minute(house: House) -> None:
    house.broken |= {"hook", "mail"}
    await opened(house)
    await house.advance(minutes=1)
    assert "root" in {p.person for p in house.desk.outbox.pages.values()}
    rows = await house.writer.fetch("SELECT count(*) FROM page WHERE person = 'root' AND step = '2/c0'")
    assert rows == [(1,)]
    await house.advance(minutes=20)
    assert await house.writer.fetch("SELECT count(*) FROM page WHERE person = 'root' AND step = '2/c0'") == [(1,)]


async def test_who_stands_in_for_a_responder_can_take_the_incident_and_end_the_search(house: House) -> None:
    people = {n: p for n, p in house.config.people.items() if n in ("root", "pat", "dora")}
    house.config = replace(house.config, people=people, schedules={})
    await house.do(ConfigChanged(house.config, "pat"))
    number = await opened(house)
    assert house.pages.count("root") == 0
    await house.advance(minutes=31)
    assert "root" in house.pages
    await house.restart()
    await house.act(number, "acknowledge", who="root")
    assert (house.incident(number).assignee, house.incident(number).state) == ("root", "in_progress")
    before = len(house.sent)
    await house.advance(hours=1)
    assert not {s.step for s in house.sent[before:]} & {"2/r100"}


async def test_where_one_responder_hears_the_fallback_people_are_left_alone(house: House) -> None:
    house.broken.add("hook")
    await opened(house)
    await house.advance(minutes=20)
    assert [s.person for s in house.sent] == ["ana"]
    assert "root" not in {p.person for p in house.desk.outbox.pages.values()}


# our own troubles


async def test_letters_of_a_source_share_a_self_incident_and_strangers_share_one(house: House) -> None:
    for source in ("am", "am", "x1", "x2", "x3"):
        await house.do(LetterDied(source, "no JSON", b"{", house.now))
    titles = [i.title for i in house.incidents()]
    assert len(titles) == 2
    assert {i.source for i in house.incidents()} == {"self"}


async def test_a_self_incident_that_reaches_nobody_opens_no_further_one(house: House) -> None:
    house.config = replace(house.config, people={}, fallback=(), schedules={})
    await house.do(ConfigChanged(house.config, "pat"))
    await opened(house)
    await house.advance(hours=3)
    rows = await house.writer.fetch("SELECT DISTINCT title FROM incident WHERE source = 'self'")
    assert rows == [("INC-20260302-0001: a step reached nobody",)]
    assert house.sent == []


async def test_a_heartbeat_whose_start_moves_is_no_silence(house: House) -> None:
    beat = {"alertname": "Watchdog"}
    await house.receive(message(alert(beat)))
    await house.receive(message(alert(beat, starts=at(house.now))))
    assert house.incidents() == []
    assert house.desk.board.beats["am"].missed is False


async def test_raised_twice_at_once_is_raised_once(house: House) -> None:
    await house.receive(message(alert(DISK_WARN), alert(DISK_FULL)))
    steps = [s.step for s in house.sent if s.person == "wei"]
    assert steps == ["2/c0"]
