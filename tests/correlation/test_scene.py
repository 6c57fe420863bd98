"""The alerts at hand, by the item they are about."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from correlation.incident import key_of
from correlation.scene import Mark, Scene, Shelf
from correlation.signals import Signal

AT = datetime(2026, 3, 2, tzinfo=UTC)
SIGNALS = [Signal(id=name) for name in "abc"]


def mark(number: int, item: str, signal: Signal) -> Mark:
    return Mark(key=key_of("am", str(number)), id=number, name="", item=item, signal=signal, starts_at=AT, began_at=AT)


@pytest.mark.parametrize("seed", range(20))
def test_of_an_item_the_four_newest_of_each_signal_are_told_whatever_came_and_went(seed: int) -> None:
    draw, shelf = random.Random(seed), Shelf()
    there: list[Mark] = []
    for number in range(80):
        if there and draw.random() < 0.4:
            gone = there.pop(draw.randrange(len(there)))
            shelf.leave(gone)
            shelf.leave(gone)
        else:
            there.append(mark(number, draw.choice("xyz"), draw.choice(SIGNALS)))
            shelf.put(there[-1])
        for item in "xyz":
            of = {s.id: [m for m in reversed(there) if (m.item, m.signal) == (item, s)][:4] for s in SIGNALS}
            told = shelf.newest(item, None)
            assert {s: [m for m in told if m.signal.id == s] for s in of} == of
            assert list(shelf.newest(item, ("b",))) == of["b"]
        every = [m for item in "wxyz" for m in shelf.newest(item, ("a", "c"))]
        assert shelf.newest_of("wxyz", ("a", "c")) == every
        assert list(shelf.along([(item, 2) for item in "wxyz"], ("a", "c"))) == [(m, 2) for m in every]


@pytest.mark.parametrize("seed", range(20))
def test_a_crowd_says_whether_any_began_in_a_time_whatever_came_went_and_was_told_otherwise(seed: int) -> None:
    draw, scene = random.Random(seed), Scene()
    for number in range(200):
        one = mark(draw.randrange(40), "x", SIGNALS[0])
        one.starts_at = AT + timedelta(minutes=draw.randrange(100))
        scene.put(one)
        moved = scene.marks[draw.choice(list(scene.marks))]
        scene.move_start(moved, AT + timedelta(minutes=draw.randrange(100)))
        crowd = scene.nearby.of("", "a")
        assert len(crowd.marks) <= 32
        since = AT + timedelta(minutes=draw.randrange(100))
        until = since + timedelta(minutes=draw.randrange(4))
        assert crowd.began(since, until) == any(since <= m.starts_at <= until for m in crowd.newest())
        assert crowd.starts == sorted(m.starts_at for m in crowd.newest()), number
    assert not scene.nearby.of("elsewhere", "a").began(AT, AT + timedelta(days=1))


def test_a_start_that_is_told_otherwise_moves_when_the_trouble_began_as_much() -> None:
    scene, one = Scene(), mark(1, "x", SIGNALS[0])
    one.began_at = AT - timedelta(minutes=5)
    scene.put(one)
    scene.move_start(one, AT - timedelta(hours=1))
    assert (one.starts_at, one.began_at) == (AT - timedelta(hours=1), AT - timedelta(hours=1, minutes=5))
