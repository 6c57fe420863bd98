"""A source that falls silent proves nothing: its heartbeat is missed, and nothing of it counts as recovered."""

import asyncio
import json
from datetime import timedelta

import pytest

from agent.rehearsal.house import House
from agent.storage.writer import Batch, StoreDown
from tests.house import DISK_FULL, alert, at, message

WATCHDOG = {"alertname": "Watchdog", "severity": "none"}


async def beats(house: House, times: int) -> None:
    """The heartbeat, every five minutes."""
    start = at(house.now)
    for _ in range(times):
        await house.receive(message(alert(WATCHDOG, starts=start)))
        await house.advance(minutes=5)


async def test_a_watchdog_opens_no_incident(house: House) -> None:
    await house.receive(message(alert(WATCHDOG)))
    assert house.incidents() == []
    assert await house.writer.fetch("SELECT decision FROM episode") == [("heartbeat",)]


async def test_a_watchdog_that_is_not_heard_opens_a_self_incident_once_and_ends_it_when_it_is_back(
    house: House,
) -> None:
    await house.receive(message(alert(WATCHDOG)))
    await house.advance(minutes=5)
    await house.receive(message(alert(WATCHDOG)))
    await house.advance(minutes=30)
    (silent,) = house.incidents()
    assert (silent.source, silent.open_alerts) == ("self", 1)
    assert "am" in silent.title
    await house.advance(minutes=60)
    assert len(house.incidents()) == 1
    await beats(house, 4)
    assert house.incident(silent.number).state == "resolved"


async def test_what_ends_while_its_source_is_silent_is_not_taken_for_recovered(house: House) -> None:
    """Prometheus dies: Alertmanager ends everything, the Watchdog too."""
    await house.receive(message(alert(WATCHDOG), alert(DISK_FULL)))
    disk = house.incidents()[0].number
    await house.advance(minutes=4)
    await house.receive(message(alert(WATCHDOG, ends=at(house.now)), alert(DISK_FULL, ends=at(house.now))))
    await house.advance(hours=3)
    assert house.incident(disk).state == "assigned"
    assert [i.source for i in house.incidents()] == ["monitoring", "self"]


async def test_when_the_source_is_heard_again_the_live_outage_goes_on_in_its_incident(house: House) -> None:
    await house.receive(message(alert(WATCHDOG), alert(DISK_FULL)))
    disk = house.incidents()[0].number
    await house.receive(message(alert(WATCHDOG, ends=at(house.now)), alert(DISK_FULL, ends=at(house.now))))
    await house.advance(hours=1)
    again = at(house.now)
    await house.receive(message(alert(WATCHDOG, starts=again), alert(DISK_FULL, starts=again)))
    await house.advance(hours=1)
    incident = house.incident(disk)
    assert (incident.state, incident.relapse, incident.open_alerts) == ("assigned", 0, 1)


async def test_when_the_source_is_heard_again_and_the_alert_is_not_it_has_recovered(house: House) -> None:
    await house.receive(message(alert(WATCHDOG), alert(DISK_FULL)))
    disk = house.incidents()[0].number
    await house.receive(message(alert(WATCHDOG, ends=at(house.now)), alert(DISK_FULL, ends=at(house.now))))
    await house.advance(hours=1)
    await beats(house, 5)
    assert await house.writer.fetch("SELECT state FROM incident WHERE number = ?", disk) == [("resolved",)]


async def test_once_its_pace_is_known_a_slow_heartbeat_is_not_missed_between_two_beats(house: House) -> None:
    """Alertmanager repeats every four hours by default."""
    for _ in range(3):
        await house.receive(message(alert(WATCHDOG)))
        await house.advance(hours=4)
    known = house.desk.board.last_ids["incident"]
    for _ in range(6):
        await house.receive(message(alert(WATCHDOG)))
        await house.advance(hours=4)
    assert house.desk.board.last_ids["incident"] == known
    assert not [i for i in house.incidents() if i.active]


async def test_an_outage_of_a_source_does_not_teach_it_a_slow_pace(house: House) -> None:
    for _ in range(5):
        await house.receive(message(alert(WATCHDOG)))
        await house.advance(minutes=1)
    await house.advance(hours=6)
    for _ in range(3):
        await house.receive(message(alert(WATCHDOG)))
        await house.advance(minutes=1)
    await house.advance(minutes=20)
    assert [i.source for i in house.incidents() if i.active] == ["self"]


async def test_the_silence_of_a_source_is_known_over_a_restart(house: House) -> None:
    await house.receive(message(alert(WATCHDOG), alert(DISK_FULL)))
    disk = house.incidents()[0].number
    await house.receive(message(alert(WATCHDOG, ends=at(house.now)), alert(DISK_FULL, ends=at(house.now))))
    await house.restart()
    await house.advance(hours=2)
    assert house.incident(disk).state == "assigned"


async def paced(house: House, minutes: int = 5) -> None:
    """A heartbeat whose pace is known, heard at this very moment."""
    for _ in range(3):
        await house.advance(minutes=minutes)
        await house.receive(message(alert(WATCHDOG)))


async def comes_back_after(house: House, **units: float) -> None:
    """The daemon is down for so long."""
    house.clock.set(house.now + timedelta(**units))
    await house.restart()


def silent(house: House) -> list[str]:
    return [i.title for i in house.incidents() if i.source == "self"]


async def test_a_stop_is_no_silence_of_a_source_that_is_heard_soon_after_it(house: House) -> None:
    await paced(house)
    await comes_back_after(house, hours=3)
    await house.advance(minutes=6)
    await paced(house)
    await house.advance(minutes=14)
    assert (silent(house), house.pages) == ([], [])


async def test_a_source_that_is_really_silent_is_missed_one_patience_after_the_start(house: House) -> None:
    await paced(house)
    await comes_back_after(house, hours=3)
    await house.advance(minutes=14, seconds=59)
    assert silent(house) == []
    await house.advance(seconds=1)
    assert len(silent(house)) == 1


async def test_a_stop_teaches_no_pace(house: House) -> None:
    await paced(house)
    await comes_back_after(house, hours=3)
    await house.advance(minutes=1)
    await house.receive(message(alert(WATCHDOG)))
    await house.advance(minutes=15)
    assert len(silent(house)) == 1


async def test_a_daemon_that_starts_again_and_again_hides_no_silence(house: House) -> None:
    await paced(house)
    await comes_back_after(house, hours=3)
    for _ in range(4):
        await comes_back_after(house, minutes=4)
    assert len(silent(house)) == 1


async def test_an_outage_of_the_store_is_no_silence_either(house: House) -> None:
    """Its senders had 503 meanwhile."""
    await paced(house)
    commit = house.writer.commit

    async def fails(batch: Batch) -> None:
        raise StoreDown("away")

    house.writer.commit = fails  # type: ignore[method-assign]  # the store dies under one commit
    with pytest.raises(StoreDown):
        await house.receive(message(alert(WATCHDOG)))
    house.clock.set(house.now + timedelta(hours=3))
    house.writer.commit = commit  # type: ignore[method-assign]
    await house.settle()
    await house.advance(minutes=14)
    assert silent(house) == []
    await house.advance(minutes=1)
    assert len(silent(house)) == 1


async def test_what_a_sender_could_not_renew_during_a_stop_is_not_over_at_the_start(house: House) -> None:
    """Prometheus tells an alert again every minute, each time for four more; it is not told to whoever is down."""

    async def told() -> None:
        lasts = [{"labels": one, "endsAt": at(house.now + timedelta(minutes=4))} for one in (WATCHDOG, DISK_FULL)]
        await house.receive(json.dumps(lasts).encode(), "prometheus", "prometheus")

    await told()
    await house.advance(minutes=1)
    await told()
    await comes_back_after(house, hours=3)
    await house.advance(minutes=3)
    (disk,) = house.incidents()
    assert (disk.open_alerts, disk.service_restored_at) == (1, None)
    await told()
    await house.advance(minutes=3)
    assert (disk.open_alerts, len(house.incidents())) == (1, 1)
    await house.advance(minutes=1)
    assert house.incident(disk.number).open_alerts == 0, "an end that nobody told comes all the same"
    assert len(silent(house)) == 1


async def test_a_start_within_a_minute_moves_no_end_that_was_announced(house: House) -> None:
    lasts = [{"labels": DISK_FULL, "endsAt": at(house.now + timedelta(seconds=60))}]
    await house.receive(json.dumps(lasts).encode(), "prometheus", "prometheus")
    await comes_back_after(house, seconds=40)
    await house.advance(seconds=20)
    (disk,) = house.incidents()
    assert disk.open_alerts == 0


async def test_while_a_full_disk_refuses_messages_nothing_expires_and_no_source_is_silent(house: House) -> None:
    """Steps, pages and acts go on meanwhile."""
    await paced(house)
    lasts = [{"labels": DISK_FULL, "endsAt": at(house.now + timedelta(minutes=4))}]
    await house.receive(json.dumps(lasts).encode(), "prometheus", "prometheus")
    (disk,) = house.incidents()
    health = house.pipeline.health
    health.full, health.full_since = True, house.now
    await house.advance(hours=1)
    assert (silent(house), disk.open_alerts) == ([], 1)
    opening = asyncio.ensure_future(house.pipeline.take_messages_again())
    await asyncio.sleep(0)
    await house.pipeline.drain_once()
    await opening
    assert not health.full
    await house.advance(minutes=3)
    assert (silent(house), house.incident(disk.number).open_alerts) == ([], 1)
    await house.advance(minutes=1)
    assert house.incident(disk.number).open_alerts == 0, "it is over when it is not told again in its time"
    await house.advance(minutes=11)
    assert len(silent(house)) == 1
