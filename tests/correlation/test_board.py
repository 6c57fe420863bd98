"""What is open right now, indexed: incidents, members, slots, numbers, and what is remembered of what has ended."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from collectors.labels import packed
from collectors.moment import parse_moment, written_otherwise
from correlation import board as boards
from correlation.board import Board
from correlation.incident import Episode, Incident, fingerprint_of, key_of
from tests.house import START

SHANGHAI = ZoneInfo("Asia/Shanghai")


def incident(number: int) -> Incident:
    return Incident(id=number, number=f"INC-{number}", title="t", occurred_at=START, opened_at=START, updated_at=START)


def episode(mark: str, of: int = 1, **more: object) -> Episode:
    values = {
        "id": 1,
        "key": key_of("am", mark),
        "starts_at": START,
        "starts_written": "",
        "labels": packed({}),
        "told": 0,
    }
    return Episode(**{**values, "open": True, "incident": of, "last_at": START, **more})  # type: ignore[arg-type]


def test_numbers_count_by_the_day_of_the_zone_and_start_anew_with_it() -> None:
    board = Board()
    late = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)
    assert [board.next_number(late, SHANGHAI) for _ in range(2)] == ["INC-20260302-0001", "INC-20260302-0002"]
    assert board.next_number(late + timedelta(minutes=1), SHANGHAI) == "INC-20260303-0001"


def test_a_number_of_more_than_four_digits_is_longer() -> None:
    board = Board()
    board.counts = {START.date(): 9_999}
    assert board.next_number(START, ZoneInfo("UTC")) == "INC-20260302-10000"


def test_ids_are_counted_by_table() -> None:
    board = Board()
    assert [board.next_id("a"), board.next_id("b"), board.next_id("a")] == [1, 1, 2]


def test_an_ended_alert_is_no_member_and_remembered() -> None:
    board = Board()
    held = episode("1")
    board.hold(held)
    assert board.open_members(1) == [held]
    held.open = False
    board.bury(held)
    assert board.open_members(1) == []
    assert list(board.tombstones) == [held.key]
    board.hold(episode("1", open=True))
    assert list(board.tombstones) == []


def test_of_too_many_ends_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "MOST_TOMBSTONES", 2)
    board = Board()
    for mark in ("1", "2", "3"):
        board.bury(episode(mark, open=False))
    assert [fingerprint_of(key) for key in board.tombstones] == ["2", "3"]
    assert key_of("am", "1") not in board.episodes


def test_forgetting_an_end_leaves_what_fires_alone() -> None:
    board = Board()
    board.hold(episode("1"))
    board.forget(key_of("am", "1"))
    assert key_of("am", "1") in board.episodes


def test_a_slot_belongs_to_the_incident_that_took_it_last() -> None:
    board = Board()
    board.slot("k", START, 1)
    board.slot("k", START, 2)
    board.release_slots(1)
    assert board.slots["k"].incident == 2
    board.release_slots(2)
    assert board.slots == {}


def test_a_shared_key_has_several_holders_and_the_newest_of_those_left_follows() -> None:
    board, later = Board(), START + timedelta(seconds=1)
    board.slot("k", START, 1)
    board.slot("k", later, 2)
    assert list(board.slots["k"].holders) == [(2, later), (1, START)]
    board.slot("k", later + timedelta(seconds=1), 1)
    assert list(board.slots["k"].holders) == [(1, later + timedelta(seconds=1)), (2, later)]
    assert {incident: list(keys) for incident, keys in board.slots_of.items()} == {1: ["k"], 2: ["k"]}
    board.release_slots(1)
    assert list(board.slots["k"].holders) == [(2, later)]
    for incident in (*range(3, 40), *range(3, 40)):
        board.slot("k", later, incident)
    assert [holder for holder, _ in board.slots["k"].holders] == list(range(39, 23, -1))
    assert {tuple(keys) for keys in board.slots_of.values()} == {("k",)}, "held once, however often they come back"
    board.pass_slots(39, 30)
    assert [holder for holder, _ in board.slots["k"].holders][:3] == [38, 37, 36]
    assert len(board.slots["k"].holders) == 15


def test_an_incident_that_leaves_takes_its_number_its_slots_and_leaves_its_alerts_as_orphans() -> None:
    board = Board()
    board.admit(incident(1))
    board.hold(episode("1"))
    board.slot("k", START, 1)
    board.drop(1)
    assert (board.incidents, board.numbers, board.slots, board.members) == ({}, {}, {}, {})
    assert board.orphans == {key_of("am", "1"): "INC-1"}


def test_an_incident_that_comes_back_takes_only_its_own_orphans() -> None:
    board = Board()
    for number, mark in ((1, "1"), (2, "2")):
        board.admit(incident(number))
        board.hold(episode(mark, number))
        assert board.let_go(board.incidents[number])
    board.take_back(board.incidents[1])
    assert board.orphans == {key_of("am", "2"): "INC-2"}
    assert [i.open_alerts for i in board.incidents.values()] == [1, 0]
    assert not board.let_go(board.incidents[2])


@pytest.mark.parametrize(
    "text", ["2026-03-02T09:00:00.000Z", "2026-03-02T09:00:00Z", "2026-03-02T17:00:00+08:00", "2026-03-02T09:00:00.0Z"]
)
def test_the_start_of_a_firing_is_told_as_its_sender_wrote_it(text: str) -> None:
    moment = parse_moment(text)
    assert moment is not None
    found = episode("1", starts_at=moment, starts_written=written_otherwise(text, moment))
    assert found.starts_text == text
    assert (found.starts_written is None) == (text == "2026-03-02T09:00:00.000Z")
    assert episode("1", starts_written="").starts_text == ""


def test_of_many_members_those_that_came_first_are_told_the_oldest_first() -> None:
    board = Board()
    for n, minutes in enumerate((2, 1, 0)):
        one = episode(f"{n}", id=n + 1, starts_at=START + timedelta(minutes=minutes))
        board.episodes[one.key] = one
        board.members.setdefault(1, {})[one.key] = None
    assert [e.id for e in board.open_members(1)] == [3, 2, 1]
    assert [e.id for e in board.open_members(1, 2)] == [2, 1]
    assert board.open_members(7) == []
