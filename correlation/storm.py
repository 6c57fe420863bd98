"""A storm: so many incidents open in one place at once that they are one for whoever is on call."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from correlation.classify import Class
from correlation.incident import Incident, Why
from correlation.lessons import kind_of
from correlation.merging import may_move, merge
from correlation.outcome import Round
from correlation.storm_state import Door, Storm
from correlation.storming import storm_in
from correlation.strategy import Firing

EVERYWHERE = ""
"""The place of what opens in all places together: a storm from three times as many openings on."""
EVERYWHERE_TIMES = 3
_CRITICAL = 2
"""Severities up to this one are let out of a storm of other kinds."""
_FEW = 2
"""An incident of more alerts has an explanation of its own, and stays."""
MOST_PLACES = 1_000


class Opening(msgspec.Struct, gc=False):
    """An incident was opened by an alert of this kind."""

    at: datetime
    incident: int
    kind: str
    place: str


def taken_in(this: Round, firing: Firing, verdict: Class) -> tuple[Incident, bool] | None:
    """The incident of the storm in which an alert comes that joins no other, and whether it is let out of it.

    So is the first critical alert of a kind that the storm has not seen, for it may be another trouble: some of them
    at once, some more as time passes, and of places that it has not seen as many beside them.
    """
    if not this.board.storms or this.source == "self":
        return None
    for place in (firing.scope, EVERYWHERE):
        found = storm_in(this, place)
        if found is None:
            continue
        storm, incident = found
        storm.count += 1
        this.out.dirty[incident.id] = incident
        kind, most = kind_of(firing.mark.name), this.rules.correlation.storm.let_out
        out = storm.lets_out(kind, firing.scope, this.now, most, critical=verdict.severity <= _CRITICAL)
        return incident, out
    return None


def has_opened(this: Round, firing: Firing, incident: Incident) -> None:
    """An incident was opened: with too many others of late, it is a storm from now on."""
    if not this.rules.correlation.storm.opened or this.source == "self":
        return
    opening = Opening(this.now, incident.id, kind_of(firing.mark.name), firing.scope)
    for place, of_late, enough in _note(this, opening):
        if len(of_late) == enough and place not in this.board.storms:
            _begin(this, place, of_late)


def _note(this: Round, opening: Opening) -> Iterable[tuple[str, deque[Opening], int]]:
    board, policy = this.board, this.rules.correlation.storm
    for place, enough in ((opening.place, policy.opened), (EVERYWHERE, policy.opened * EVERYWHERE_TIMES)):
        of_late = board.openings.setdefault(place, deque())
        of_late.append(opening)
        while opening.at - of_late[0].at > policy.within or len(of_late) > enough:
            of_late.popleft()
        yield place, of_late, enough
    if len(board.openings) > MOST_PLACES:
        board.openings.pop(next(iter(board.openings)))


def remember_storms(this: Round, began: Mapping[str, int], opened: Iterable[Opening]) -> None:
    """The storms that incidents read from the store stand for go on, and what opened of late counts on.

    `began` has by place the last incident that had been opened when its last storm began; `opened` are the openings of
    late, the oldest first.
    """
    for incident in this.board.incidents.values():
        if incident.storming is not None and not incident.storming.over and incident.active:
            this.board.storms[incident.storm or EVERYWHERE] = incident.id
    for opening in opened if this.rules.correlation.storm.opened else ():
        for place, of_late, _ in _note(this, opening):
            if opening.incident <= began.get(place, 0):
                of_late.clear()


def _begin(this: Round, place: str, of_late: deque[Opening]) -> None:
    board, now = this.board, this.now
    found = [board.incidents[o.incident] for o in of_late if o.incident in board.incidents]
    small = [i for i in found if may_move(i) and len(board.scene.of.get(i.id, ())) <= _FEW]
    if not small:
        return
    incident, *others = small
    for other in others:
        merge(this, other, incident, Why("storm", {"from": other.number, "place": place}))
    kinds = dict.fromkeys(o.kind for o in of_late)
    places = {place: None, **dict.fromkeys(o.place for o in of_late)}
    incident.storm = place
    after, told = (board.last_ids.get(table, 0) for table in ("incident", "alert"))
    incident.storming = Storm(after, now, Door(now), Door(now), kinds, places, told=told)
    incident.digest_at = now + this.rules.correlation.storm.digest_wait(0)
    incident.call_storm()
    board.storms[place] = incident.id
    this.out.tell(incident, "storm_began", place=place, count=len(of_late))
    of_late.clear()
