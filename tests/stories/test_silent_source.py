"""A source that falls silent proves nothing: its heartbeat is missed, and nothing of it counts as recovered."""

from agent.rehearsal.house import House
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
