"""The alerts at hand, by the item they are about."""

import random
from datetime import UTC, datetime

import pytest

from correlation.incident import key_of
from correlation.scene import Mark, Shelf
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
