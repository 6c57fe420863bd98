"""An incident that somebody holds grows: they are paged again and acknowledge anew."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from correlation.incident import Incident, Why
from correlation.outcome import Round
from correlation.scene import Mark
from correlation.storming import storm_of

_REMEMBERED = 50
"""So many new items and kinds of an incident are told by name."""


class Known(msgspec.Struct, gc=False):
    """What whoever holds an incident knows of: its items and kinds of alert, as of the acknowledgement at `since`."""

    since: datetime | None
    items: set[str]
    kinds: set[str]


def is_held(this: Round, incident: Incident) -> bool:
    """Whether somebody has acknowledged it, who does not hear of it by doing this themselves."""
    return incident.active and incident.acknowledged_at is not None and (not this.by or incident.assignee != this.by)


def comes_in(this: Round, incident: Incident, marks: Iterable[Mark]) -> None:
    """Alerts are about to become an incident's: new items or enough new kinds are growth for whoever holds it.

    Of what a storm brings they hear at the pace of its digests instead.
    """
    if not is_held(this, incident) or incident.id in this.out.relapsed:
        return
    if storm_of(this, incident) is not None:
        this.board.known.pop(incident.id, None)
        return
    known, fresh = _known(this, incident), list(marks)
    items = sorted({item for mark in fresh for item in _items_of(this, mark)} - known.items)
    kinds = sorted({mark.name for mark in fresh} - known.kinds)
    if not items and not kinds:
        return
    known.items.update(items)
    known.kinds.update(kinds)
    grown = {name: incident.grown.get(name, []) for name in ("items", "kinds")}
    incident.grown = {"items": [*grown["items"], *items], "kinds": [*grown["kinds"], *kinds]}
    this.out.dirty[incident.id] = incident
    policy = this.rules.correlation.growth
    for name, enough in (("items", policy.new_items), ("kinds", policy.new_kinds)):
        told = incident.grown[name]
        if 0 < enough <= len(told):
            grows(this, incident, Why("grew", {"new": ", ".join(told[:_REMEMBERED]), "what": name}))
            return


def grows(this: Round, incident: Incident, why: Why) -> None:
    """Whoever holds it is asked anew: once, however much of it comes before they have answered."""
    if is_held(this, incident) and incident.id not in this.out.grown and incident.id not in this.out.relapsed:
        this.out.grown[incident.id] = why
        this.out.tell(incident, "grew", **why.facts, assignee=incident.assignee or "")


def _known(this: Round, incident: Incident) -> Known:
    known = this.board.known.get(incident.id)
    if known is None or known.since != incident.acknowledged_at:
        members = this.board.scene.of.get(incident.id, {}).values()
        items = {item for mark in members for item in _items_of(this, mark)}
        known = Known(incident.acknowledged_at, items, {mark.name for mark in members})
        this.board.known[incident.id] = known
    return known


def _items_of(this: Round, mark: Mark) -> Iterator[str]:
    """The item that an alert is about, of an instance its service and its host; of no item, its site."""
    if mark.item:
        yield from mark.item.split("@") if this.rules.register.kind(mark.item) == "instance" else (mark.item,)
        return
    episode = this.board.episodes.get(mark.key)
    site = this.rules.register.scope(this.board.labels(episode), "") if episode is not None else ""
    if site:
        yield site
