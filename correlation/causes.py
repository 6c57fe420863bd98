"""Where to look for what an alert may have come of, and for what may have come of it."""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from typing import Protocol

from correlation.scene import MOST_MOVED, NEWEST, Mark, Scene
from correlation.signals import Signals
from correlation.steps import Hop
from correlation.topology import Topology
from correlation.weighing import DECAYED, NEAR

_LOOKED_AT = 16
"""Items that are looked at."""
_MOST_CAUSES = 24
"""Marks that are weighed as causes of one alert."""
_THROUGH = {"service": 0, "instance": 1}
_PAIRED = frozenset({"database", "storage", "switch", "host"})


class Sight(Protocol):
    """What is known of things and of kinds of trouble."""

    @property
    def register(self) -> Topology: ...

    @property
    def signals(self) -> Signals: ...


def causes(effect: Mark, twins: Iterable[Mark], scene: Scene, rules: Sight) -> Iterator[tuple[Mark, int]]:
    """The marks that an alert may have come of, with how many steps their items lie below its own: the nearest.

    `twins` are the marks of its trouble on the other instances of its service.
    """
    return islice(_all_causes(effect, twins, scene, rules), _MOST_CAUSES)


def _all_causes(effect: Mark, twins: Iterable[Mark], scene: Scene, rules: Sight) -> Iterator[tuple[Mark, int]]:
    if scene.wide:
        yield from _wide_causes(effect, scene)
    if not effect.item:
        return
    able, at = rules.signals.explaining(effect.signal), scene.at
    for mark in at.newest(effect.item, rules.signals.beside(effect.signal, able)):
        if mark.key != effect.key:
            yield mark, 0
    for mark in twins:
        yield mark, NEAR
    yield from at.along(_may_cause(effect, rules.register), able)
    if effect.signal.through:
        yield from at.along(_told_of(effect, rules.register), rules.signals.told_of(effect.signal))
    if relieving := able & rules.signals.relieving:
        yield from _relief(effect, scene, rules, relieving)


def _relief(effect: Mark, scene: Scene, rules: Sight, relieving: Collection[str]) -> Iterator[tuple[Mark, int]]:
    """The marks of what no longer keeps work off an item: the same services stand on both."""
    kind = rules.register.kind(effect.item)
    for item in rules.register.used_with(effect.item):
        for mark in scene.at.newest(item, relieving):
            if kind in mark.signal.relieves:
                yield mark, NEAR


def _wide_causes(effect: Mark, scene: Scene) -> Iterator[tuple[Mark, int]]:
    for mark in islice(reversed(scene.wide.values()), NEWEST):
        if mark.scope == effect.scope and mark.key != effect.key and effect.signal.id in mark.signal.explains:
            yield mark, NEAR


def _may_cause(effect: Mark, register: Topology) -> Iterable[Hop]:
    signal = effect.signal
    above: Iterable[Hop] = register.above(effect.item)
    return chain(above, _above_peers(effect.item, register)) if signal.peers else above


def _above_peers(item: str, register: Topology) -> Iterator[Hop]:
    for peer in register.peers(item):
        yield peer, 1
        yield from ((above, hops + 1) for above, hops in register.above(peer))


def _told_of(effect: Mark, register: Topology) -> Iterator[Hop]:
    """What stands on its item and may be all that is told of."""
    near = _reaches_through(register, effect.item)
    for item, hops in islice(register.below(effect.item), _LOOKED_AT):
        if hops <= near and register.kind(item) in effect.signal.through:
            yield item, hops


def _reaches_through(register: Topology, item: str) -> int:
    """How far what an item is told through may stand from it: of an instance it is its own service, of that none."""
    return _THROUGH.get(register.kind(item), NEAR)


def effects(cause: Mark, twins: Iterable[Mark], scene: Scene, rules: Sight, least: float) -> Iterator[tuple[Mark, int]]:
    """The marks that may have come of an alert, with how many steps their items lie above its own.

    What a cause of its kind explains by less than `least`, so many steps away, is left out.
    """
    if cause.signal.wide:
        yield from _wide_effects(cause, scene)
    if not cause.item:
        return
    register, signals, at = rules.register, rules.signals, scene.at
    for mark in at.newest(cause.item, signals.beside(cause.signal, signals.explained_by(cause.signal, least))):
        if mark.key != cause.key:
            yield mark, 0
    for mark in twins:
        yield mark, NEAR
    for hops, ring in enumerate(register.rings_below(cause.item), 1):
        for mark in at.newest_of(ring, signals.explained_by(cause.signal, least / DECAYED[hops])):
            yield mark, hops
    yield from _told_through(cause, scene, rules)
    yield from _other_ends(cause, scene, rules)
    if cause.signal.relieves:
        items = [i for i in register.used_with(cause.item) if register.kind(i) in cause.signal.relieves]
        yield from ((mark, NEAR) for mark in at.newest_of(items, cause.signal.explains))


def _told_through(cause: Mark, scene: Scene, rules: Sight) -> Iterator[tuple[Mark, int]]:
    """The marks of what its item stands on that are told through things of its kind."""
    register = rules.register
    told = rules.signals.told_through(cause.signal, register.kind(cause.item))
    if not told:
        return
    above = register.above(cause.item)[:_LOOKED_AT]
    yield from scene.at.along(((i, hops) for i, hops in above if hops <= _reaches_through(register, i)), told)


def _other_ends(cause: Mark, scene: Scene, rules: Sight) -> Iterator[tuple[Mark, int]]:
    """The marks of the other ends of what stands on its item."""
    told, register = rules.signals.told_of_ends(cause.signal), rules.register
    if not told or not register.written:
        return
    for item, hops in ((cause.item, 0), *islice(register.below(cause.item), _LOOKED_AT)):
        if register.kind(item) in _PAIRED:
            yield from scene.at.along(((peer, hops + 1) for peer in register.peers(item)), told)


def _wide_effects(cause: Mark, scene: Scene) -> list[tuple[Mark, int]]:
    scope, explains, key = cause.scope, cause.signal.explains, cause.key
    newest = islice(reversed(scene.marks.values()), MOST_MOVED)
    return [(m, NEAR) for m in newest if m.scope == scope and m.signal.id in explains and m.key != key]
