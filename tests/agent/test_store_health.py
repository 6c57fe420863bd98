"""What is known of a store that fails, and comes back."""

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.storage.sqlite import Reserve
from agent.storage.writer import StoreDown, StoreFull
from agent.store_health import StoreHealth
from tests.house import START

GONE, FULL = StoreDown("the disk is gone"), StoreFull("no room left")


def test_a_store_that_fails_is_down_from_the_first_failure_on() -> None:
    health = StoreHealth()
    assert health.refuses == ""
    assert health.failed(GONE, 3, START) is False
    health.unreachable(StoreDown("it does not answer"), START + timedelta(minutes=1))
    assert (health.refuses, health.down_since) == ("it does not answer", START)
    health.answers()
    assert (health.refuses, health.down_since, health.came_back) == ("", None, "it does not answer")


def test_why_it_failed_first_is_kept_until_it_was_told() -> None:
    health = StoreHealth()
    for error in (GONE, StoreDown("again")):
        health.unreachable(error, START)
        health.answers()
    assert health.came_back == "the disk is gone"


def test_a_disk_becomes_full_once_and_refuses_messages_until_there_is_room() -> None:
    health = StoreHealth()
    assert health.failed(FULL, 1, START) is True
    assert health.failed(FULL, 1, START) is False
    assert health.refuses == "the disk is full: no room left"
    health.answers()
    assert health.refuses == "the disk is full: only acts, ticks and pages go on"
    assert health.has_room()
    health.opens()
    assert health.refuses == ""


def test_the_reserve_is_given_up_on_a_full_disk_and_taken_again_afterwards(tmp_path: Path) -> None:
    health = StoreHealth(Reserve(str(tmp_path / "t.db"), size=4096))
    health.take_reserve()
    kept = tmp_path / "t.db.reserve"
    assert kept.stat().st_size == 4096
    health.failed(FULL, 1, START)
    assert not kept.exists()
    health.answers()
    assert health.has_room()
    assert kept.stat().st_size == 4096


def test_there_is_no_room_until_the_reserve_fits(tmp_path: Path) -> None:
    reserve = Reserve(str(tmp_path / "t.db"), size=4096)
    health = StoreHealth(reserve)
    health.take_reserve()
    health.failed(FULL, 1, START)
    reserve.size = 2**62
    assert not health.has_room()


def test_an_outage_is_in_the_log_when_it_begins_and_when_it_ends() -> None:
    health = StoreHealth()
    with capture_logs() as told:
        health.failed(GONE, 3, START)
        health.failed(StoreDown("again"), 2, START)
        health.answers()
        health.answers()
    assert [(one["event"], one.get("error", one.get("was"))) for one in told] == [
        ("commit failed", "the disk is gone"),
        ("store answers again", "the disk is gone"),
    ]


def test_a_disk_that_fills_up_is_in_the_log_once_and_so_is_that_there_is_room() -> None:
    health = StoreHealth()
    with capture_logs() as told:
        for _ in range(2):
            health.failed(FULL, 1, START)
            health.answers()
        health.opens()
        assert not health.has_room()
    assert [one["event"] for one in told] == [
        "disk full: intake answers 503",
        "there is room again: intake is open",
    ]


@pytest.mark.parametrize(("size", "warned"), [(4096, 0), (2**62, 1)], ids=["there is room", "there is none"])
def test_a_start_warns_where_there_is_no_room_for_the_reserve(tmp_path: Path, size: int, warned: int) -> None:
    with capture_logs() as told:
        StoreHealth(Reserve(str(tmp_path / "t.db"), size=size)).take_reserve()
    assert len(told) == warned


@pytest.mark.parametrize(("committed_at", "refuses"), [(10.0, False), (1.0, True)], ids=["since then", "not since"])
def test_a_sender_who_was_given_up_shows_that_the_store_stands_still(committed_at: float, refuses: bool) -> None:
    health = StoreHealth()
    health.committed_at, health.given_up_at = committed_at, 5.0
    assert ("stands still" in health.refuses) is refuses
