"""The alerts of the incidents at hand, by the item they are about, and which came of which: a tree of causes."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from collectors.moment import moment_text
from correlation.incident import Key
from correlation.signals import Signal
from correlation.steps import Hop
from correlation.topology import Topology, are_twins

NEWEST = 4
"""The marks of one item and signal that are looked at, the newest first."""
MOST_MOVED = 512
"""Alerts of which one takes along what came of it, or looks for what it explains far and wide."""
_NEARBY = 32
"""Marks of one place and kind of trouble that are known as its newest."""
MOST_NEARBY = 10_000
"""Places and kinds of trouble of which they are known."""


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
        found += marks.values() if len(marks) == 1 else islice(reversed(marks.values()), NEWEST)
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
        if len(members) <= 1 or len(members) > MOST_MOVED:
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
