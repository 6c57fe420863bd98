"""Where nobody wrote what stands on what: direction of cause, place and time say what came of what.

A thing of which it is not written what stands on it may carry anything in its place. So its trouble explains what it
can bring about there: less surely than where it is written, and near in time alone. What is written wins over it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from correlation.causes import Sight
from correlation.scene import Crowd, Mark, Scene
from correlation.steps import Hop
from correlation.topology import Topology
from correlation.weighing import UNWRITTEN

_FITS = 0.75
"""What a kind of trouble brings about less surely is not taken for its effect."""
_ROOT = 0.5
"""What is less often the root of its incident (`prior`) is itself an effect, and brings nothing about here."""
_NEWEST = 4
_LOOKED_AT, _CROWD = 12, 3
"""The newest marks of a kind of trouble that are looked at; of so many incidents any may be meant, and so none is."""
_FEW = 8
_SERVICES = frozenset({"service", "instance", "pod"})
_PROGRAMS = _SERVICES | {"database", "host"}
"""Where it is written what a thing stands on, all of these are that it stands on; devices are more often left out."""


def unwritten_causes(effect: Mark, scene: Scene, rules: Sight, within: timedelta) -> Iterator[tuple[Mark, int]]:
    """The marks of its place that an alert may have come of, though nobody wrote that its item stands on theirs.

    They began no longer than `within` before or after it.
    """
    if not within:
        return
    since, until = effect.starts_at - within, effect.starts_at + within
    for signal in rules.signals.roots_of(effect.signal, _FITS, _ROOT):
        crowd = scene.nearby.of(effect.scope, signal)
        if not crowd.began(since, until):
            continue
        found = [
            mark
            for mark in islice(crowd.newest(), _NEWEST)
            if since <= mark.starts_at <= until and _may_come_of(effect, mark, rules.register)
        ]
        if found and not _is_crowded(effect, crowd, since, until, _CROWD):
            yield from ((mark, UNWRITTEN) for mark in found)


def unwritten_effects(cause: Mark, scene: Scene, rules: Sight, within: timedelta) -> Iterator[tuple[Mark, int]]:
    """The marks of its place that may have come of an alert, though nobody wrote that their items stand on its own."""
    if not within or not _may_bring_about(cause, rules.register):
        return
    since, until = cause.starts_at - within, cause.starts_at + within
    crowds = (scene.nearby.of(cause.scope, name) for name in rules.signals.others_of(cause.signal, _FITS))
    near = [crowd for crowd in crowds if crowd.began(since, until)]
    if not near or _is_crowded(cause, scene.nearby.of(cause.scope, cause.signal.id), since, until, _CROWD - 1):
        return
    for crowd in near:
        for mark in crowd.newest():
            if since <= mark.starts_at <= until and _may_come_of(mark, cause, rules.register):
                yield mark, UNWRITTEN


def _is_crowded(mark: Mark, crowd: Crowd, since: datetime, until: datetime, enough: int) -> bool:
    """Whether so many incidents of its place have, besides it, such a trouble in this time."""
    found = {
        other.incident
        for other in islice(crowd.newest(), _LOOKED_AT)
        if other.key != mark.key and other.incident and since <= other.starts_at <= until
    }
    return len(found) >= enough


def _may_bring_about(cause: Mark, register: Topology) -> bool:
    """Whether it is a cause by its kind, on an item of which it is not written what stands on it."""
    if not cause.item or cause.signal.wide or cause.signal.prior < _ROOT:
        return False
    return not register.reach_is_written(cause.item)


def _may_come_of(effect: Mark, cause: Mark, register: Topology) -> bool:
    if cause.item == effect.item or not _may_bring_about(cause, register):
        return False
    kind = register.kind(cause.item) or next(iter(cause.signal.on), "service")
    if kind in _SERVICES and "service" in effect.signal.through:
        return False  # a service crashes of its own release, its own image, its own load
    return _may_carry(register, cause.item, kind, effect.item)


def _may_carry(register: Topology, item: str, kind: str, other: str) -> bool:
    """Whether an item of this kind, of which it is not written what stands on it, may carry another: nothing says no.

    It says no where it is written what the other stands on, and the item is no device; where the other is known to
    stand on something else of that kind (of services only where it is written: labels name some of their hosts); and
    where both are known to be in racks, and share none.
    """
    above = register.above(other) if other else ()
    if not above:
        return True
    if register.is_written(other):
        if kind in _PROGRAMS:
            return False
    elif register.kind(other) == "service":
        return True
    return all(register.kind(name) != kind for name, _ in above) and _may_share_rack(register, item, above)


def _may_share_rack(register: Topology, item: str, above: Iterable[Hop]) -> bool:
    near = (item, *(name for name, _ in register.above(item)), *register.beneath(item)[:_FEW])
    racks = {name for name in near if register.kind(name) == "rack"}
    others = {name for name, _ in above if register.kind(name) == "rack"}
    return not racks or not others or not racks.isdisjoint(others)
