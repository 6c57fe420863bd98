"""A storm: so many incidents open in one place at once that they are one for whoever is on call (reference §4.4)."""

from collections import deque
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from correlation.board import Board
from correlation.classify import Class
from correlation.incident import Incident, Why
from correlation.lessons import kind_of
from correlation.merging import may_move, merge
from correlation.opening import TITLE
from correlation.outcome import Round
from correlation.strategy import Firing

EVERYWHERE = ""
"""The place of what opens in all places together: a storm from three times as many openings on."""
_EVERYWHERE_TIMES = 3
_CRITICAL = 2
"""Severities up to this one are let out of a storm of other kinds."""
_FEW = 2
"""An incident of more alerts has an explanation of its own, and stays."""
_MOST_KINDS = 1_000
_OPENS_AGAIN = timedelta(seconds=30)


class Door(msgspec.Struct, gc=False):
    """Lets so many through at once, and then as many again for every half minute that passes."""

    at: datetime
    used: float = 0.0

    def lets(self, now: datetime, most: int) -> bool:
        """Whether one more may go through now."""
        self.used = max(0.0, self.used - most * ((now - self.at) / _OPENS_AGAIN))
        self.at = now
        if self.used > most - 1:
            return False
        self.used += 1
        return True


class Storm(msgspec.Struct, gc=False):
    """A storm in one place: the incident that takes everything in, and which kinds and places it has seen."""

    incident: int
    kinds: set[str]
    counted_from: datetime
    by_kind: Door
    by_place: Door
    places: set[str] = msgspec.field(default_factory=set)
    count: int = 0
    """How many came since `counted_from`."""

    def lets_out(self, kind: str, place: str, now: datetime, most: int, *, critical: bool) -> bool:
        """Whether an alert may be another trouble: a critical one of a new kind; those of new places do not wait."""
        is_new_kind, is_new_place = kind not in self.kinds, place not in self.places
        if is_new_kind and len(self.kinds) < _MOST_KINDS:
            self.kinds.add(kind)
        if is_new_place and len(self.places) < _MOST_KINDS:
            self.places.add(place)
        if not (critical and is_new_kind):
            return False
        return (is_new_place and self.by_place.lets(now, most)) or self.by_kind.lets(now, most)


class Opening(msgspec.Struct, gc=False):
    """An incident was opened by an alert of this kind."""

    at: datetime
    incident: int
    kind: str
    place: str


def taken_in(this: Round, firing: Firing, verdict: Class) -> Incident | None:
    """The incident of the storm that takes an alert in which joins no other; None: it opens one of its own.

    So does the first critical alert of a kind that the storm has not seen, for it may be another trouble: some of them
    at once, some more as time passes, and of places that it has not seen as many beside them.
    """
    if not this.board.storms or this.source == "self":
        return None
    kind, policy = kind_of(firing.mark.name), this.rules.correlation.storm
    for place in (firing.scope, EVERYWHERE):
        storm = _storm_in(this, place)
        if storm is None:
            continue
        storm.count += 1
        critical = verdict.severity <= _CRITICAL
        if storm.lets_out(kind, firing.scope, this.now, policy.let_out, critical=critical):
            return None
        return this.board.incidents[storm.incident]
    return None


def has_opened(this: Round, firing: Firing, incident: Incident) -> None:
    """An incident was opened: with too many others of late, it is a storm from now on."""
    policy = this.rules.correlation.storm
    if not policy.opened or this.source == "self":
        return
    opening = Opening(this.now, incident.id, kind_of(firing.mark.name), firing.scope)
    for place, enough in ((firing.scope, policy.opened), (EVERYWHERE, policy.opened * _EVERYWHERE_TIMES)):
        of_late = this.board.openings.setdefault(place, deque())
        of_late.append(opening)
        while this.now - of_late[0].at > policy.within or len(of_late) > enough:
            of_late.popleft()
        if len(of_late) == enough and place not in this.board.storms:
            _begin(this, place, of_late)
    if len(this.board.openings) > _MOST_KINDS:
        this.board.openings.pop(next(iter(this.board.openings)))


def _storm_of(incident: int, kinds: set[str], place: str, now: datetime) -> Storm:
    return Storm(incident, kinds, now, Door(now), Door(now), {place})


def is_storming(this: Round) -> bool:
    """Whether there is a storm anywhere."""
    return any(_storm_in(this, place) is not None for place in list(this.board.storms))


def remember_storms(board: Board, now: datetime) -> None:
    """The storms that incidents read from the store tell of go on."""
    for incident in board.incidents.values():
        if incident.storm is not None and incident.active:
            marks = islice(board.scene.of.get(incident.id, {}).values(), _MOST_KINDS)
            board.storms[incident.storm] = _storm_of(incident.id, {kind_of(m.name) for m in marks}, incident.storm, now)


def _storm_in(this: Round, place: str) -> Storm | None:
    """The storm in a place that is not over: it is when few came for a while, or when its incident has ended."""
    storm: Storm | None = this.board.storms.get(place)
    policy = this.rules.correlation.storm
    if storm is None:
        return None
    incident = this.board.incidents.get(storm.incident)
    while this.now - storm.counted_from > policy.over_after:
        if storm.count < policy.opened / 2:
            incident = None
            break
        storm.counted_from, storm.count = storm.counted_from + policy.over_after, 0
    if incident is None or not incident.active:
        del this.board.storms[place]
        return None
    return storm


def _begin(this: Round, place: str, of_late: deque[Opening]) -> None:
    board = this.board
    found = [board.incidents[o.incident] for o in of_late if o.incident in board.incidents]
    small = [i for i in found if may_move(i) and len(board.scene.of.get(i.id, ())) <= _FEW]
    if not small:
        return
    incident, *others = small
    for other in others:
        merge(this, other, incident, Why("storm", {"from": other.number, "place": place}))
    incident.storm = place
    incident.title = f"Alert storm{f' in {place}' if place else ''}: {incident.title}"[:TITLE]
    board.storms[place] = _storm_of(incident.id, {o.kind for o in of_late}, place, this.now)
    board.storms[place].places |= {o.place for o in of_late}
    this.out.tell(incident, "storm_began", place=place, count=len(of_late))
    of_late.clear()
