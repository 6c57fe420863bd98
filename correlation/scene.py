"""The alerts of the incidents at hand, by the item they are about, and which came of which: a tree of causes."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Protocol

import msgspec

from collectors.moment import moment_text
from correlation.incident import Key, Why
from correlation.signals import OTHER, Signal, Signals
from correlation.steps import Hop
from correlation.topology import Topology, are_twins

UNWRITTEN = 32
"""In place of the steps between two items of which nobody wrote whether one stands on the other: kind, place and time
say it."""
_DECAYED = [*(0.95**hops for hops in range(UNWRITTEN)), 0.95**3]
"""What is left of a weight after so many steps between the items."""
_SAME = 0.85
"""The same kind of trouble on the same item."""
_LATE, _LATER = 0.9, 0.3
"""A cause that starts after its effect explains so much less, and the less the later it starts."""
_TWIN = 0.75
"""The same kind of trouble on another instance of the same service."""
_UNKNOWN = 0.72
"""Two troubles on the same item of which one is of no known kind."""
_OVER = 0.8
"""What is over explains so much less at once, and half of that after as long again as it lasted."""
_SOONER, _NONE = 6, timedelta(0)
"""Of two causes the one told sooner before is likelier: so many times as fast as what it explains fades."""
_FARTHER = [*(1.015**hops for hops in range(UNWRITTEN)), 1.015**3]
"""Of two causes steps part less than they take from the certainty of each: so much of that is given back."""
_SOON, _NOT_SOON = 20, 0.93
"""What comes later than that part of the time in which its cause fades has come of it so much less surely."""
_LINGERS, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
_MUTED = timedelta(minutes=5)
"""So long before an item is silenced what was told of it may be over for no other reason."""
_LOOKED_AT, _NEWEST = 16, 4
"""Items that are looked at; and the marks of one item and signal, the newest first."""
_MOST_MOVED, _MOST_CAUSES = 512, 24
_NEARBY = 32
"""Marks of one place and kind of trouble that are known as its newest."""
MOST_NEARBY = 10_000
"""Places and kinds of trouble of which they are known."""
_NEAR = 2
_THROUGH = {"service": 0, "instance": 1}
_PAIRED = frozenset({"database", "storage", "switch", "host"})


class Sight(Protocol):
    """What is known of things and of kinds of trouble."""

    @property
    def register(self) -> Topology: ...

    @property
    def signals(self) -> Signals: ...


class Mark(msgspec.Struct, gc=False, kw_only=True):
    """One firing in the tree of causes. `parent` is the alert it came of, `weight` how sure that is."""

    key: Key
    id: int
    name: str
    item: str
    signal: Signal
    starts_at: datetime
    began_at: datetime
    """When the trouble began, as far as that is known: its rule may wait before it fires."""
    scope: str = ""
    """The place that it was told from."""
    severity: int = 4
    worth: float = 0.0
    """What speaks for it as a root by itself."""
    ends_at: datetime | None = None
    incident: int = 0
    parent: Key | None = None
    weight: float = 0.0
    placed_at: datetime | None = None
    """When it came into an incident; the store has this with the group, the parent and the weight."""
    group: str = ""
    """Hash of the group in which its sender told it; "" where there is none."""
    starts_written: str | None = None
    """How its start was written, where that is not as we write it."""

    @property
    def starts_text(self) -> str:
        """The very string that told its start; "" where none did."""
        return (moment_text(self.starts_at) or "") if self.starts_written is None else self.starts_written


class Shelf:
    """Marks by item, signal and the id of the firing; what is told of an item again and again hides no other trouble.

    Most items have one mark: it lies there as it is, without tables.
    """

    def __init__(self) -> None:
        self._at: dict[str, Mark | dict[str, dict[int, Mark]]] = {}

    def put(self, mark: Mark) -> None:
        there = self._at.setdefault(mark.item, mark)
        if there is mark:
            return
        if isinstance(there, Mark):
            there = self._at[mark.item] = {there.signal.id: {there.id: there}}
        there.setdefault(mark.signal.id, {})[mark.id] = mark

    def leave(self, mark: Mark) -> None:
        there = self._at.get(mark.item)
        if isinstance(there, dict):
            alike = there.get(mark.signal.id, {})
            if alike.pop(mark.id, None) is not None and not alike:
                del there[mark.signal.id]
        if there == {} or there is mark:
            del self._at[mark.item]

    def newest(self, item: str, signals: Collection[str] | None) -> Sequence[Mark]:
        """The marks of an item, of these signals: of each the newest first, so many as are looked at; None: of all."""
        there = self._at.get(item)
        if there is None:
            return ()
        if isinstance(there, Mark):
            return (there,) if signals is None or there.signal.id in signals else ()
        return _newest(there, there if signals is None else signals)

    def newest_of(self, items: Iterable[str], signals: Collection[str]) -> list[Mark]:
        """The marks of each of these items, of these signals."""
        found: list[Mark] = []
        for there in map(self._at.get, items):
            if isinstance(there, dict):
                found += _newest(there, signals)
            elif there is not None and there.signal.id in signals:
                found.append(there)
        return found

    def along(self, way: Iterable[Hop], signals: Collection[str]) -> Iterator[tuple[Mark, int]]:
        """The marks of items on a way, of these signals, each with how far away its item is."""
        for item, hops in way:
            there = self._at.get(item)
            if isinstance(there, dict):
                for mark in _newest(there, signals):
                    yield mark, hops
            elif there is not None and there.signal.id in signals:
                yield there, hops


def _newest(there: Mapping[str, dict[int, Mark]], signals: Collection[str]) -> Sequence[Mark]:
    """Of the marks of one item those of these signals."""
    if there.keys().isdisjoint(signals):
        return ()
    found: list[Mark] = []
    for signal in there if signals is there else sorted(there.keys() & signals):
        marks = there[signal]
        found += marks.values() if len(marks) == 1 else islice(reversed(marks.values()), _NEWEST)
    return found


class Crowd(msgspec.Struct, gc=False):
    """The newest marks of one place and kind of trouble, the newest last; `starts` says when they began, in order."""

    marks: dict[Key, Mark] = {}
    starts: list[datetime] = []

    def put(self, mark: Mark) -> None:
        self.marks[mark.key] = mark
        insort(self.starts, mark.starts_at)

    def leave(self, mark: Mark) -> None:
        del self.marks[mark.key]
        del self.starts[bisect_left(self.starts, mark.starts_at)]

    def move_start(self, mark: Mark, at: datetime) -> None:
        if self.marks.get(mark.key) is mark:
            del self.starts[bisect_left(self.starts, mark.starts_at)]
            insort(self.starts, at)

    def began(self, since: datetime, until: datetime) -> bool:
        """Whether any of them began in this time."""
        starts = self.starts
        return bool(starts) and starts[-1] >= since and starts[bisect_left(starts, since)] <= until

    def newest(self) -> Iterator[Mark]:
        return reversed(self.marks.values())


_NOBODY = Crowd()


class Nearby:
    """The newest marks of each place and kind of trouble: so few that it costs the same whatever is open."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str], Crowd] = {}

    def put(self, mark: Mark) -> None:
        place = (mark.scope, mark.signal.id)
        crowd = self._at.get(place)
        if crowd is None:
            crowd = self._at[place] = Crowd()
        crowd.put(mark)
        if len(crowd.marks) > _NEARBY:
            crowd.leave(next(iter(crowd.marks.values())))
        if len(self._at) > MOST_NEARBY:
            del self._at[next(iter(self._at))]

    def leave(self, mark: Mark) -> None:
        place = (mark.scope, mark.signal.id)
        crowd = self._at.get(place)
        if crowd is not None and crowd.marks.get(mark.key) is mark:
            crowd.leave(mark)
            if not crowd.marks:
                del self._at[place]

    def size(self) -> int:
        """The places and kinds of trouble of which there are marks."""
        return len(self._at)

    def of(self, scope: str, signal: str) -> Crowd:
        """The marks of a place that are of this signal."""
        return self._at.get((scope, signal), _NOBODY)


class Scene:
    """The marks of all incidents on the board."""

    def __init__(self) -> None:
        self.marks: dict[Key, Mark] = {}
        self.at = Shelf()
        self.of: dict[int, dict[Key, Mark]] = {}
        self.nearby = Nearby()
        self.wide: dict[Key, Mark] = {}
        """Those whose signal reaches everything in their place."""
        self.leads: dict[int, tuple[float, datetime]] = {}
        """Per incident: by how much its root is likelier than any other alert of it, at least; and the first start."""

    def put(self, mark: Mark) -> None:
        """Add a mark; an older firing of the same alert makes way."""
        before = self.marks.get(mark.key)
        if before is not None:
            self._drop(before)
        self.marks[mark.key] = mark
        self.nearby.put(mark)
        if mark.signal.wide:
            self.wide[mark.key] = mark
        if mark.item:
            self.at.put(mark)
        if mark.incident:
            self.of.setdefault(mark.incident, {})[mark.key] = mark

    def move_start(self, mark: Mark, at: datetime, written: str | None = None) -> None:
        """A mark is told to have begun at another moment; `written` is how, where that is not as we write it."""
        self.nearby.of(mark.scope, mark.signal.id).move_start(mark, at)
        mark.began_at -= mark.starts_at - at
        mark.starts_at, mark.starts_written = at, written

    def enter(self, mark: Mark, incident: int) -> None:
        """A mark belongs to this incident from now on."""
        if mark.incident and mark.incident != incident:
            self.of.get(mark.incident, {}).pop(mark.key, None)
        mark.incident = incident
        self.of.setdefault(incident, {})[mark.key] = mark

    def forget(self, incident: int) -> None:
        """An incident leaves the board."""
        self.leads.pop(incident, None)
        for mark in self.of.pop(incident, {}).values():
            if self.marks.get(mark.key) is mark:
                del self.marks[mark.key]
                self.wide.pop(mark.key, None)
                self.nearby.leave(mark)
            self.at.leave(mark)

    def _drop(self, mark: Mark) -> None:
        self.marks.pop(mark.key, None)
        self.wide.pop(mark.key, None)
        self.nearby.leave(mark)
        self.of.get(mark.incident, {}).pop(mark.key, None)
        self.at.leave(mark)

    def of_twins(self, mark: Mark, register: Topology) -> Sequence[Mark]:
        """The marks of the same trouble on the other instances of its service."""
        alike = self.at.newest_of(register.beside(mark.item), (mark.signal.id,))
        return [other for other in alike if are_twins(mark.item, other.item)]

    # the tree

    def under(self, mark: Mark) -> list[Mark]:
        """A mark and all that came of it, within its incident."""
        members = self.of.get(mark.incident, {})
        if len(members) <= 1 or len(members) > _MOST_MOVED:
            return [mark]
        children: dict[Key, list[Mark]] = {}
        for other in members.values():
            if other.parent is not None:
                children.setdefault(other.parent, []).append(other)
        found, seen = [mark], {mark.key}
        for one in found:
            for child in children.get(one.key, ()):
                if child.key not in seen:
                    seen.add(child.key)
                    found.append(child)
        return found

    def comes_of(self, mark: Mark, other: Mark) -> bool:
        """Whether `mark` came of `other`, directly or not."""
        seen = set()
        one: Mark | None = mark
        while one is not None and one.key not in seen:
            if one is other:
                return True
            seen.add(one.key)
            one = self.marks.get(one.parent) if one.parent is not None else None
        return False


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
    elif hops == _NEAR and same and are_twins(cause.item, effect.item):
        base = max(base, _TWIN)
    weight: float = base * _DECAYED[hops]
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
        yield mark, _NEAR
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
                yield mark, _NEAR


def _wide_causes(effect: Mark, scene: Scene) -> Iterator[tuple[Mark, int]]:
    for mark in islice(reversed(scene.wide.values()), _NEWEST):
        if mark.scope == effect.scope and mark.key != effect.key and effect.signal.id in mark.signal.explains:
            yield mark, _NEAR


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
    return _THROUGH.get(register.kind(item), _NEAR)


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
        yield mark, _NEAR
    for hops, ring in enumerate(register.rings_below(cause.item), 1):
        for mark in at.newest_of(ring, signals.explained_by(cause.signal, least / _DECAYED[hops])):
            yield mark, hops
    yield from _told_through(cause, scene, rules)
    yield from _other_ends(cause, scene, rules)
    if cause.signal.relieves:
        items = [i for i in register.used_with(cause.item) if register.kind(i) in cause.signal.relieves]
        yield from ((mark, _NEAR) for mark in at.newest_of(items, cause.signal.explains))


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
    newest = islice(reversed(scene.marks.values()), _MOST_MOVED)
    return [(m, _NEAR) for m in newest if m.scope == scope and m.signal.id in explains and m.key != key]
