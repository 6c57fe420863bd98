"""A night in which a window holds what matches: nothing is lost, and nobody is woken for it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.intents import ConfigChanged, SilencePut
from agent.rehearsal.house import House
from correlation.holding import steps_held
from correlation.silence import Silence
from correlation.window import WindowRule
from tests.house import DISK_FULL, alert, at, message, site

NIGHT = {
    "id": "night-batch",
    "match": ['alertname="DiskFull"'],
    "time_zone": "Europe/Berlin",
    "times": [{"hours": "22:00-06:00"}],
}
SATURDAY = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)
"""An hour before the window, in the night in which Berlin's clocks go forward: it ends at 04:00 UTC."""
HOUR = timedelta(hours=1)
OPENS, CLOSES = SATURDAY + HOUR, SATURDAY + 8 * HOUR


def with_windows(*rules: dict[str, Any]) -> Any:
    return replace(site(), windows=tuple(map(WindowRule.model_validate, rules)))


@pytest.fixture
async def night() -> AsyncIterator[House]:
    made = await House(with_windows(NIGHT), SATURDAY).open()
    yield made
    await made.close()


async def fire(house: House, ended: bool = False, **labels: str) -> None:
    ends = {"ends": at(house.now)} if ended else {}
    await house.receive(message(alert({**DISK_FULL, **labels}, at(OPENS), **ends)))


def held(house: House, number: str) -> tuple[datetime, str] | None:
    found = steps_held(house.desk.board, house.incident(number), house.now)
    return (found[0], found[1].code) if found is not None else None


async def of_alerts(house: House) -> list[tuple[str, str]]:
    return await house.writer.fetch("SELECT decision, why FROM episode ORDER BY alert_id")


async def reloaded(house: House, *rules: dict[str, Any]) -> None:
    house.config = replace(with_windows(*rules), version=house.config.version + 1)
    await house.do(ConfigChanged(house.config, "root"))


async def test_what_fires_in_the_window_is_held_with_its_reason_and_paged_at_its_end(night: House) -> None:
    await night.advance_to(OPENS)
    await fire(night)
    assert night.incidents() == []
    ((decision, why),) = await of_alerts(night)
    assert decision == "suppressed"
    assert '"in_window"' in why
    assert '"night-batch"' in why
    await night.advance_to(CLOSES - timedelta(microseconds=1))
    assert night.pages == []
    await night.advance_to(CLOSES)
    assert [incident.state for incident in night.incidents()] == ["assigned"]
    assert {sent.at for sent in night.sent} == {CLOSES}
    assert "ana" in night.pages or "luis" in night.pages


async def test_a_restart_in_the_window_changes_nothing(night: House) -> None:
    await night.advance_to(OPENS)
    await fire(night)
    for hours in (1, 4, 6):
        await night.advance_to(OPENS + hours * HOUR)
        await night.restart()
        assert (night.pages, night.incidents()) == ([], [])
    await night.advance_to(CLOSES)
    assert len(night.incidents()) == 1
    assert {sent.at for sent in night.sent} == {CLOSES}


async def test_a_restart_after_the_window_pages_what_it_held(night: House) -> None:
    await night.advance_to(OPENS)
    await fire(night)
    night.clock.set(CLOSES + HOUR)
    await night.restart()
    assert {sent.at for sent in night.sent} == {CLOSES + HOUR}


async def test_what_is_over_before_the_window_ends_pages_nobody(night: House) -> None:
    await night.advance_to(OPENS)
    await fire(night)
    await night.advance_to(OPENS + 3 * HOUR)
    await fire(night, ended=True)
    await night.advance_to(CLOSES + HOUR)
    assert (night.incidents(), night.pages) == ([], [])
    assert [decision for decision, _ in await of_alerts(night)] == ["suppressed"]


async def test_an_incident_that_is_open_when_the_window_begins_waits_and_goes_on_late(night: House) -> None:
    """Its steps wait as under a silence; its clocks run, and its plan and timeline say what it waits for."""
    await night.advance_to(OPENS - timedelta(minutes=20))
    await fire(night)
    number = night.incidents()[0].number
    first = len(night.sent)
    assert held(night, number) is None
    await night.advance_to(OPENS)
    assert held(night, number) == (CLOSES, "in_window")
    await night.advance_to(OPENS + HOUR)
    await night.restart()
    await night.advance_to(CLOSES - timedelta(seconds=1))
    assert len(night.sent) == first
    told = [facts for _, kind, _, facts in await night.timeline(number) if kind == "steps_held"]
    assert [facts["why"]["facts"]["window"] for facts in told] in (["night-batch"], ["night-batch"] * 2)
    await night.advance_to(CLOSES)
    assert {sent.at for sent in night.sent[first:]} == {CLOSES}
    assert held(night, number) is None


async def test_what_does_not_match_pages_in_the_window(night: House) -> None:
    await night.advance_to(OPENS + HOUR)
    await night.receive(message(alert({"alertname": "LinkDown", "instance": "sw-1", "severity": "critical"})))
    assert {sent.at for sent in night.sent} == {OPENS + HOUR}


async def test_an_incident_waits_only_while_all_that_fires_of_it_is_held(night: House) -> None:
    await reloaded(night, {**NIGHT, "match": ['severity="critical"']})
    await night.advance_to(OPENS - timedelta(minutes=20))
    await fire(night)
    await fire(night, severity="warning")
    (incident,) = night.incidents()
    first = len(night.sent)
    await night.advance_to(OPENS + HOUR)
    assert held(night, incident.number) is None
    assert {sent.at for sent in night.sent[first:]} >= {OPENS + timedelta(minutes=10)}


async def test_a_severity_that_rises_in_the_window_waits_as_under_a_silence(night: House) -> None:
    await night.advance_to(OPENS - timedelta(minutes=20))
    await fire(night)
    number = night.incidents()[0].number
    by_silence = await House(with_windows(), SATURDAY).open()
    await by_silence.advance_to(OPENS - timedelta(minutes=20))
    await fire(by_silence)
    window = next(iter(night.desk.board.silences.values()))
    made = Silence(
        id="00000000-0000-4000-8000-000000000001",
        matchers=window.matchers,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        created_by="pat",
        comment="",
        created_at=by_silence.now,
    )
    await by_silence.do(SilencePut(made, "pat"))
    for house in (night, by_silence):
        await house.advance_to(OPENS + HOUR)
        await house.act(number, "set-severity", {"severity": 1, "reason": "all of it"}, "pat")
        await house.advance_to(CLOSES + 2 * HOUR)
    assert [(s.at, s.step, s.person) for s in night.sent] == [(s.at, s.step, s.person) for s in by_silence.sent]
    await by_silence.close()


async def test_a_reload_that_takes_the_window_away_pages_at_once(night: House) -> None:
    await night.advance_to(OPENS - timedelta(minutes=20))
    await fire(night)
    await night.advance_to(OPENS + HOUR)
    await fire(night, instance="db-2:9100", job="other")
    before = len(night.sent)
    await reloaded(night)
    numbers = {incident.number for incident in night.incidents()}
    assert len(numbers) == 2
    assert {(sent.at, sent.incident) for sent in night.sent[before:]} == {(night.now, number) for number in numbers}
    assert (await of_alerts(night))[1][0] == "opened"


async def test_a_reload_that_makes_the_window_longer_holds_on(night: House) -> None:
    await night.advance_to(OPENS)
    await fire(night)
    await reloaded(night, {**NIGHT, "times": [{"hours": "22:00-07:00"}]})
    await night.advance_to(CLOSES + HOUR - timedelta(seconds=1))
    assert night.pages == []
    await night.advance_to(CLOSES + HOUR)
    assert {sent.at for sent in night.sent} == {CLOSES + HOUR}


async def test_windows_that_touch_hold_without_a_page_between_them(night: House) -> None:
    morning = {**NIGHT, "id": "morning", "times": [{"hours": "06:00-08:00"}]}
    await reloaded(night, NIGHT, morning)
    await night.advance_to(OPENS - timedelta(minutes=20))
    await fire(night)
    first = len(night.sent)
    await night.advance_to(OPENS)
    await fire(night, instance="db-2:9100")
    await night.advance_to(CLOSES + 2 * HOUR - timedelta(seconds=1))
    assert len(night.sent) == first
    await night.advance_to(CLOSES + 2 * HOUR)
    assert {sent.at for sent in night.sent[first:]} == {CLOSES + 2 * HOUR}


async def ended(house: House, by: str = "pat") -> Silence:
    """Somebody ends the stretch that holds."""
    (window,) = house.desk.board.silences.values()
    over = Silence(
        **{name: getattr(window, name) for name in window.__struct_fields__} | {"ends_at": house.now},
    )
    await house.do(SilencePut(over, by))
    return window


async def test_a_night_that_somebody_ends_is_over_also_after_a_restart_and_the_next_one_comes(night: House) -> None:
    await night.advance_to(OPENS + HOUR)
    await fire(night)
    was = await ended(night)
    assert {sent.at for sent in night.sent} == {OPENS + HOUR}
    await night.restart()
    (following,) = night.desk.board.silences.values()
    assert (following.starts_at, following.state(night.now)) == (OPENS + 23 * HOUR, "pending")
    assert following.id != was.id
    await reloaded(night, NIGHT)
    assert list(night.desk.board.silences) == [following.id]


async def test_each_night_is_held_anew(night: House) -> None:
    await night.advance_to(OPENS + 26 * HOUR)
    await fire(night)
    assert night.pages == []
    (held_by,) = night.desk.board.silences.values()
    assert held_by.ends_at == OPENS + 31 * HOUR


async def test_an_alert_that_is_not_held_ends_the_wait_of_the_incident_that_it_joins(night: House) -> None:
    await reloaded(night, {**NIGHT, "match": ['severity="critical"']})
    await night.advance_to(OPENS - timedelta(minutes=20))
    await fire(night)
    (incident,) = night.incidents()
    first = len(night.sent)
    await night.advance_to(OPENS + HOUR)
    assert len(night.sent) == first
    await fire(night, severity="warning")
    assert len(night.incidents()) == 1
    assert held(night, incident.number) is None
    assert {(sent.at, sent.incident) for sent in night.sent[first:]} == {(OPENS + HOUR, incident.number)}


async def test_what_resolves_in_the_window_pages_nobody_while_it_settles(night: House) -> None:
    await night.advance_to(OPENS - timedelta(minutes=20))
    await fire(night)
    first = len(night.sent)
    await night.advance_to(OPENS + timedelta(minutes=5))
    await fire(night, ended=True)
    await night.advance_to(OPENS + timedelta(minutes=15))
    await night.restart()
    await night.advance_to(OPENS + timedelta(minutes=25))
    assert [incident.state for incident in night.incidents()] == ["resolved"]
    assert night.sent[first:] == []
