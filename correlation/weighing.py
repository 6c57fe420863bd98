"""How sure it is that one alert came of another, and how much that counts beside another cause."""

from datetime import timedelta

from correlation.incident import Why
from correlation.scene import Mark
from correlation.signals import OTHER
from correlation.topology import are_twins

UNWRITTEN = 32
"""In place of the steps between two items of which nobody wrote whether one stands on the other: kind, place and time
say it."""
NEAR = 2
"""The steps between two instances of one service, and between what is near without standing on one another."""
DECAYED = [*(0.95**hops for hops in range(UNWRITTEN)), 0.95**3]
"""What is left of a weight after so many steps between the items."""
_FARTHER = [*(1.015**hops for hops in range(UNWRITTEN)), 1.015**3]
"""Of two causes steps part less than they take from the certainty of each: so much of that is given back."""
_SAME = 0.85
"""The same kind of trouble on the same item."""
_TWIN = 0.75
"""The same kind of trouble on another instance of the same service."""
_UNKNOWN = 0.72
"""Two troubles on the same item of which one is of no known kind."""
_LATE, _LATER = 0.9, 0.3
"""A cause that starts after its effect explains so much less, and the less the later it starts."""
_OVER = 0.8
"""What is over explains so much less at once, and half of that after as long again as it lasted."""
_SOONER, _NONE = 6, timedelta(0)
"""Of two causes the one told sooner before is likelier: so many times as fast as what it explains fades."""
_SOON, _NOT_SOON = 20, 0.93
"""What comes later than that part of the time in which its cause fades has come of it so much less surely."""
_LINGERS, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
_MUTED = timedelta(minutes=5)
"""So long before an item is silenced what was told of it may be over for no other reason."""


def weigh(cause: Mark, effect: Mark, hops: int, settles_s: float, *, fires: bool, least: float = 0.0) -> float:
    """How sure it is, from 0 to 1, that one alert came of another, `hops` steps below it; 0 where less than `least`.

    `settles_s` is by how many seconds later than its effect a cause may be told; `fires`: whether the cause's incident
    fires.
    """
    signal = cause.signal
    base = signal.explains.get(effect.signal.id, 0.0)
    same = signal.id == effect.signal.id  # by name: a reload makes them anew
    if not hops:
        if same:
            base = max(base, _SAME)
        elif OTHER in (signal.id, effect.signal.id) and (signal.explains or effect.signal.explains):
            base = max(base, _UNKNOWN)
    elif hops == NEAR and same and are_twins(cause.item, effect.item):
        base = max(base, _TWIN)
    weight: float = base * DECAYED[hops]
    if not weight or weight < least:
        return 0.0
    lag = (effect.starts_at - cause.starts_at).total_seconds()
    if lag < 0:
        return weight * (_LATE + _LATER * lag / settles_s) if -lag <= settles_s else 0.0
    fades_s = signal.fades.total_seconds()
    weight *= 0.5 ** ((_SOONER if effect.signal.at_once else 1) * lag / fades_s)
    if lag > fades_s / _SOON:
        weight *= _NOT_SOON
    ends_at = cause.ends_at
    if ends_at is None or effect.starts_at <= ends_at or effect.signal.afterwards or (signal.lingers and fires):
        return weight
    lasted, gap = (ends_at - cause.starts_at), (effect.starts_at - ends_at)
    if effect.signal.mutes and not hops and not same and gap <= _MUTED:
        return weight
    if signal.lingers:
        return weight / (1 + gap / max(lasted, _LINGERS))
    return weight * _OVER / (1 + gap / max(lasted, _SECOND))


def nearness(cause: Mark, effect: Mark, hops: int) -> float:
    """What the certainty of a cause, `hops` steps below its effect, is worth beside that of others, as a factor.

    What came of it mostly came soon, whether it is near or far.
    """
    lag = effect.starts_at - cause.starts_at
    return _FARTHER[hops] * (0.5 ** (_SOONER * lag / cause.signal.fades) if lag > _NONE else 1.0)


def because(cause: Mark, effect: Mark, hops: int) -> Why:
    """Why one alert is taken to have come of another."""
    facts = {"alertname": cause.name, "signal": cause.signal.id, "item": cause.item, "about": effect.item}
    if hops == UNWRITTEN:
        return Why("unwritten", facts)
    return Why("same_item" if cause.item == effect.item else "stands_on", facts)
