"""A desk read from the store is the desk that was: what decides what happens next is never in memory alone."""

from datetime import timedelta

import pytest

from agent.intents import AlertsArrived
from agent.loading import alerts
from agent.loading.load import load_desk
from agent.rehearsal.house import House
from collectors.alert import Parsed
from correlation import board as boards
from tests.house import DISK_FULL, START, alert, at, message
from tests.properties.memory import remembered, sleeping
from tests.properties.site import configured

OTHER = {**DISK_FULL, "alertname": "Other"}


async def fresh(house: House) -> dict[str, object]:
    return remembered(await load_desk(house.writer, house.config, house.now), house.now)


async def test_nothing_is_read_from_an_empty_store(house: House) -> None:
    desk = await load_desk(house.writer, house.config, house.now)
    assert desk.board.episodes == {}
    assert desk.next_due() is None


@pytest.mark.parametrize("minutes", [0, 29, 61, 600])
async def test_what_is_read_is_what_was_at_every_stage_of_a_long_night(house: House, minutes: int) -> None:
    await house.receive(message(alert(DISK_FULL), alert(OTHER)))
    await house.advance(minutes=minutes)
    await house.act("INC-20260302-0001", "acknowledge", who="ana")
    await house.receive(message(alert(OTHER, ends=at(house.now))))
    assert await fresh(house) == remembered(house.desk, house.now)
    assert sleeping(await load_desk(house.writer, house.config, house.now), house.now) == []


async def test_how_often_an_alert_was_told_and_when_last_is_known_after_a_restart(house: House) -> None:
    for _ in range(3):
        await house.receive(message(alert(DISK_FULL), alert(OTHER)))
        await house.advance(minutes=1)
    told_last = house.now - timedelta(minutes=1)
    await house.receive(message(alert(OTHER, ends=at(house.now))))
    await house.restart()
    episodes = {e.key: e for e in house.desk.board.episodes.values()}
    assert [(e.open, e.count) for e in sorted(episodes.values(), key=lambda e: e.id)] == [(True, 3), (False, 3)]
    assert next(e.last_at for e in episodes.values() if e.open) == told_last
    rows = await house.writer.fetch("SELECT count FROM touch ORDER BY alert_id")
    assert [count for (count,) in rows] == [3, 3]


async def test_an_alert_told_again_in_the_message_of_its_firing_is_counted(house: House) -> None:
    await house.receive(message(alert(DISK_FULL), alert(DISK_FULL)))
    await house.restart()
    assert [e.count for e in house.desk.board.episodes.values()] == [2]


async def test_an_alert_that_began_long_ago_still_joins_by_when_it_came(house: House) -> None:
    await house.receive(message(alert(DISK_FULL, starts="2026-03-02T08:00:00Z")))
    await house.restart()
    await house.receive(message(alert(OTHER)))
    assert len(house.incidents()) == 1


async def test_an_incident_whose_alerts_have_just_ended_still_takes_the_next_one_in(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    await house.restart()
    await house.receive(message(alert(OTHER)))
    assert len(house.incidents()) == 1


async def test_an_alert_that_flapped_before_a_restart_still_flaps_after_it(house: House) -> None:
    for _ in range(2):
        await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
        await house.advance(minutes=2)
        await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
        await house.advance(minutes=2)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    await house.advance(minutes=2)
    await house.restart()
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    assert house.incidents()[0].resolves_at == house.now + timedelta(minutes=30)


async def test_what_fires_on_though_its_incident_is_over_is_known_after_a_restart(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.act("INC-20260302-0001", "cancel", {"reason": "no fault"}, "desk")
    await house.advance(minutes=10)
    await house.restart()
    assert list(house.desk.board.orphans.values()) == ["INC-20260302-0001"]
    await house.receive(message(alert(DISK_FULL)))
    assert house.incidents()[0].recurrence_of == "INC-20260302-0001"


async def test_of_too_many_ends_the_newest_are_remembered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        labels = {**DISK_FULL, "instance": f"db-{n}"}
        await house.receive(message(alert(labels)))
        await house.advance(seconds=1)
        await house.receive(message(alert(labels, ends=at(house.now))))
    monkeypatch.setattr(alerts, "MOST_TOMBSTONES", 2)
    monkeypatch.setattr(boards, "MOST_TOMBSTONES", 2)
    desk = await load_desk(house.writer, house.config, house.now)
    names = [desk.board.labels(desk.board.episodes[key])["instance"] for key in desk.board.tombstones]
    assert names == ["db-2", "db-3"]


async def test_what_two_causes_hold_back_is_held_by_the_one_that_is_left() -> None:
    house = await House(configured(), START).open()
    down, down2 = ({"alertname": "HostDown", "instance": "web-1", "rack": r} for r in ("1", "2"))
    slow = {"alertname": "ServiceSlow", "instance": "web-1"}
    await house.receive(message(alert(down), alert(slow), alert(down2)))
    await house.receive(message(alert(down, ends=at(house.now))))
    desk = await load_desk(house.writer, house.config, house.now)
    assert set().union(*desk.board.suppressed.values()) == set().union(*house.desk.board.suppressed.values())
    assert sleeping(desk, house.now) == []
    await house.close()


async def test_an_id_is_never_given_twice_over_a_restart(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    before = remembered(house.desk, house.now)["ids"]
    await house.restart()
    assert remembered(house.desk, house.now)["ids"] == before
    empty = AlertsArrived("am", "am", "alertmanager", b"{}", Parsed([]), house.now)
    await house.do(empty)
    assert house.desk.seq > 1
