"""How sure it is that one alert came of another."""

from datetime import UTC, datetime
from itertools import pairwise

from correlation.incident import key_of
from correlation.scene import Mark
from correlation.signals import Signal
from correlation.weighing import nearness, weigh

AT = datetime(2026, 3, 2, tzinfo=UTC)


def mark(number: int, item: str, signal: Signal) -> Mark:
    return Mark(key=key_of("am", str(number)), id=number, name="", item=item, signal=signal, starts_at=AT, began_at=AT)


def test_beside_another_cause_a_step_counts_less_than_it_takes_from_the_certainty() -> None:
    cause, effect = mark(1, "x", Signal(id="a", explains={"b": 0.8})), mark(2, "y", Signal(id="b"))
    sure = [weigh(cause, effect, hops, 300.0, fires=True) for hops in range(4)]
    worth = [weight * nearness(cause, effect, hops) for hops, weight in enumerate(sure)]
    for fewer, more in pairwise(zip(sure, worth, strict=True)):
        assert 1 > more[1] / fewer[1] > more[0] / fewer[0]
