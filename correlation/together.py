"""Which kinds of alert come together: learned of incidents that were confirmed, or joined by rule or topology."""

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import combinations, islice

from correlation.board import Board
from correlation.incident import Incident
from correlation.lessons import TOGETHER, Lesson, kind_of
from correlation.outcome import Round
from correlation.scene import Mark
from correlation.storming import is_storming
from correlation.topology import Topology

CONFIRMING = frozenset({"join_rule", "stands_on", "same_item", "brought_about"})
"""The reasons of a join that confirm that its kinds of alert come together."""
_MOST_KINDS = 16
"""Kinds of one incident that are looked at, the first that came."""
_LOOKED_AT = 300
_NEWEST = 4
MOST_SEEN = 10_000


def learn_joined(this: Round, incident: Incident, marks: Iterable[Mark]) -> None:
    """Alerts have come into an incident by rule or topology: each kind that is new in it comes with those before."""
    board = this.board
    fresh = {kind: mark for mark in marks if (kind := kind_of(mark.name)) not in incident.together}
    if not fresh or incident.storm is not None or is_storming(this):
        return
    first = min(islice(board.scene.of[incident.id].values(), _LOOKED_AT), key=lambda mark: mark.id)
    known = incident.together = dict(incident.together) or {kind_of(first.name): first.item}
    for kind, mark in fresh.items():
        if len(known) < _MOST_KINDS and kind not in known:
            for other, item in known.items():
                _say(this, (kind, mark.item), (other, item), incident, held=True, by="")
            known[kind] = mark.item


def learn_confirmed(this: Round, incident: Incident, by: str) -> None:
    """A person says that this grouping is right: all its kinds come together. Of a storm nothing is learned."""
    if incident.storm is None and not is_storming(this):
        kinds = _kinds_of(this.board.scene.of.get(incident.id, {}).values())
        for one, other in combinations(kinds.items(), 2):
            _say(this, one, other, incident, held=True, by=by)


def learn_split(this: Round, off: Iterable[Mark], left: Iterable[Mark], incident: Incident, by: str) -> None:
    """A person split these alerts from each other: here they did not come together, but for kinds left together."""
    split, rest = _kinds_of(off), _kinds_of(left)
    for kind, item in split.items():
        for other, other_item in rest.items():
            if kind not in rest and other not in split:
                _say(this, (kind, item), (other, other_item), incident, held=False, by=by)


def relation(register: Topology, one: str, other: str) -> str:
    """Whether what is written keeps two items apart (`apart`) or not (`kin`); `same` where they are one.

    What comes together on one item says nothing of two.
    """
    if one == other != "":
        return "same"
    return "kin" if register.kin(one, other) else "apart"


def see(board: Board, scope: str, mark: Mark) -> None:
    """Remember where an alert of a kind stands that others are known to come with: the newest of each place."""
    kind = kind_of(mark.name)
    if kind in board.lessons.together:
        board.seen.setdefault((scope, kind), deque(maxlen=_NEWEST)).append(mark.key)
        if len(board.seen) > MOST_SEEN:
            del board.seen[next(iter(board.seen))]


def _kinds_of(marks: Iterable[Mark]) -> Mapping[str, str]:
    """The kinds of alerts, each with the item of its first."""
    found: dict[str, str] = {}
    for mark in islice(marks, _LOOKED_AT):
        if len(found) < _MOST_KINDS:
            found.setdefault(kind_of(mark.name), mark.item)
    return found


def _say(this: Round, one: tuple[str, str], other: tuple[str, str], incident: Incident, *, held: bool, by: str) -> None:
    lessons, place = this.board.lessons, relation(this.rules.register, one[1], other[1])
    first, second = sorted((one[0], other[0]))
    lesson = lessons.together.get(first, {}).get((second, place))
    if lesson is None:
        if not held:
            return
        lesson = Lesson(what=TOGETHER, one=first, other=second, place=place, at=this.now)
    lesson.say(incident.number, held, by, this.now)
    this.out.forgotten += lessons.hold(lesson)
    this.out.taught[lesson.key] = lesson
