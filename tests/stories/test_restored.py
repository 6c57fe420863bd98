"""When the last alert ends the resolution clock stands at its end; a re-fire lets it run on as if it never had."""

from datetime import datetime, timedelta

from agent.rehearsal.house import House
from tests.house import DISK_FULL, DISK_WARN, START, alert, at, message

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STEPS = {"2/p25", "2/p50", "2/p75", "2/p100", "2/p100#1", "2/p100#2"}
END = START + 1 * HOUR + 50 * MINUTE
"""Ten minutes before a quarter of the target of severity 2 has passed."""


async def opened(house: House, *labels: dict[str, str]) -> str:
    await house.receive(message(*(alert(one) for one in labels or (DISK_FULL,))))
    number = house.incidents()[0].number
    await house.act(number, "acknowledge", who="ana")
    return number


async def ended(house: House, moment: datetime, labels: dict[str, str] = DISK_FULL) -> None:
    await house.receive(message(alert(labels, ends=at(moment))))


async def fires_again(house: House) -> None:
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))


def steps_after(house: House, moment: datetime) -> dict[str, timedelta]:
    """The steps of the resolution clock that were taken, and when; without their repeats."""
    return {s.step: s.at - START for s in house.sent if s.at > moment and s.step in STEPS}


async def test_the_clock_stands_at_the_end_of_the_last_alert_and_no_step_of_it_comes_due(house: House) -> None:
    number = await opened(house)
    await house.advance_to(END + 5 * MINUTE)
    await ended(house, END)
    incident = house.incident(number)
    assert (incident.service_restored_at, incident.resolve_due_at, incident.next_due_at) == (END, None, None)
    await house.restart()
    await house.advance(minutes=16)
    assert (incident.number, house.incident(number).resolved_at) == (number, END)
    assert house.incident(number).resolve_due_at == START + 8 * HOUR, "what was promised does not move"
    assert steps_after(house, END) == {}


async def test_a_refire_lets_the_clock_run_on_as_if_it_had_never_stopped(house: House) -> None:
    number = await opened(house)
    await house.advance_to(END)
    await ended(house, END)
    await house.advance(minutes=5)
    await fires_again(house)
    assert house.incident(number).resolve_due_at == START + 8 * HOUR
    await house.advance(hours=3)
    assert steps_after(house, END) == {"2/p25": 2 * HOUR, "2/p50": 4 * HOUR}


async def test_what_came_due_meanwhile_is_taken_when_it_fires_again(house: House) -> None:
    await opened(house)
    await house.advance_to(END)
    await ended(house, END)
    await house.advance(minutes=14)
    await fires_again(house)
    assert steps_after(house, END) == {"2/p25": 2 * HOUR + 4 * MINUTE}


async def test_a_repetition_keeps_its_pace_over_a_rest(house: House) -> None:
    await opened(house)
    await house.advance(hours=11, minutes=55)
    await ended(house, house.now)
    await house.advance(minutes=1)
    await house.restart()
    before = house.now
    await fires_again(house)
    await house.advance(hours=1)
    assert steps_after(house, before) == {"2/p100#2": 12 * HOUR}


async def test_no_repetition_is_told_while_nothing_fires(house: House) -> None:
    await opened(house)
    await house.advance(hours=11, minutes=55)
    before = house.now
    await ended(house, house.now)
    await house.advance(hours=1)
    assert steps_after(house, before) == {}


async def test_what_was_due_before_the_end_is_taken_though_the_end_is_told_first(house: House) -> None:
    await opened(house)
    house.clock.set(START + 2 * HOUR + 10 * MINUTE)
    await ended(house, START + 2 * HOUR + 5 * MINUTE)
    assert "2/p25" in {s.step for s in house.sent}


async def test_of_several_alerts_the_latest_end_counts_whichever_is_told_last(house: House) -> None:
    number = await opened(house, DISK_FULL, DISK_WARN)
    await house.advance(minutes=30)
    await ended(house, house.now - MINUTE, DISK_WARN)
    await ended(house, house.now - 9 * MINUTE)
    assert house.incident(number).service_restored_at == house.now - MINUTE
    await ended(house, house.now - 20 * MINUTE)
    assert house.incident(number).service_restored_at == house.now - MINUTE


async def test_an_end_that_a_clock_ahead_tells_is_no_later_than_now(house: House) -> None:
    number = await opened(house)
    await ended(house, house.now + 3 * HOUR)
    assert house.incident(number).service_restored_at == house.now


async def test_what_waits_for_a_vendor_is_told_on_and_resolved_once_it_is_back_at_work(house: House) -> None:
    number = await opened(house)
    await house.advance(minutes=10)
    await house.act(number, "suspend", {"for": "vendor", "reason": "part"}, "ana")
    restored = house.now
    await ended(house, restored)
    await house.advance(minutes=14)
    assert house.incident(number).resolve_due_at is None
    await house.advance(hours=2)
    assert (house.incident(number).state, house.incident(number).service_restored_at) == ("pending_vendor", restored)
    assert steps_after(house, restored) == {"2/p25": 2 * HOUR}, "whoever waits is not forgotten"
    await house.act(number, "resume", {}, "ana")
    await house.advance(minutes=16)
    assert await house.writer.fetch("SELECT state, resolved_at FROM incident") == [("resolved", restored)]


async def test_after_a_relapse_the_clock_goes_on_from_where_the_last_end_had_stopped_it(house: House) -> None:
    number = await opened(house)
    await house.advance(hours=1)
    await ended(house, house.now)
    await house.advance(minutes=30)
    await fires_again(house)
    assert house.incident(number).relapse == 1
    assert house.incident(number).resolve_due_at == START + 8 * HOUR + 30 * MINUTE


async def test_the_end_that_a_silent_source_told_stops_no_clock(house: House) -> None:
    beat = {"alertname": "Watchdog", "severity": "none"}
    await house.receive(message(alert(beat)))
    number = await opened_beside(house)
    await house.advance(minutes=1)
    await ended(house, house.now)
    assert house.incident(number).resolve_due_at is None
    await house.receive(message(alert(beat, ends=at(house.now))))
    assert house.incident(number).resolve_due_at == START + 8 * HOUR
    await house.advance(minutes=30)
    restored = START + MINUTE
    assert (house.incident(number).state, house.incident(number).service_restored_at) == ("in_progress", None)
    await house.receive(message(alert(beat, starts=at(house.now))))
    assert house.incident(number).service_restored_at == restored
    for _ in range(4):
        await house.advance(minutes=5)
        await house.receive(message(alert(beat, starts=at(house.now))))
    rows = await house.writer.fetch("SELECT state, resolved_at FROM incident WHERE source = 'monitoring'")
    assert rows == [("resolved", restored)]


async def opened_beside(house: House) -> str:
    await house.receive(message(alert(DISK_FULL)))
    number = next(i.number for i in house.incidents() if i.source == "monitoring")
    await house.act(number, "acknowledge", who="ana")
    return number
