"""What is open right now, indexed for a decision in constant time; a cache of the store, never the truth."""

import heapq
from collections import OrderedDict, deque
from datetime import date, datetime
from itertools import islice
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from collectors.labels import Labels, unpacked
from correlation.incident import Episode, Incident, Key
from correlation.inhibit import Inhibitors
from correlation.lessons import Lessons
from correlation.scene import Scene
from correlation.silence import Silence

MOST_TOMBSTONES = 200_000
_MOST_EARLIER = 15
_by_start = attrgetter("starts_at", "id")
LOOKED_AT = 4
"""Incidents of one key that are asked for, the newest: of the others one follows where one of these is over."""


class Slot(msgspec.Struct, gc=False):
    """The incident that holds the alerts of one join key, and when the last of them came.

    `earlier` are other incidents that have alerts of this key from before, the newest first: where a key is shared by
    what need not be one trouble, one alert of something else does not take the place of all that came before; and when
    the newest is over, the one before it has the key again.
    """

    incident: int
    last_at: datetime
    earlier: tuple[tuple[int, datetime], ...] = ()

    @property
    def holders(self) -> tuple[tuple[int, datetime], ...]:
        """Each incident of this key, with when the last of its alerts came."""
        return ((self.incident, self.last_at), *self.earlier)


class Beat(msgspec.Struct):
    """The heartbeat of one origin: when it was heard last, how far apart its beats were, and if it is missed."""

    last_at: datetime
    apart_s: float = 0.0
    missed: bool = False
    gap_s: float = 0.0


class Board:
    """Open episodes, the ends still remembered, active incidents, and the indexes over them."""

    def __init__(self) -> None:
        self.episodes: dict[Key, Episode] = {}
        self.tombstones: OrderedDict[Key, datetime] = OrderedDict()
        self.suspects: dict[Key, Episode] = {}
        self.incidents: dict[int, Incident] = {}
        self.numbers: dict[str, int] = {}
        self.members: dict[int, dict[Key, None]] = {}
        """The firing alerts of each incident; a dict holds many in half the memory of a set."""
        self.orphans: dict[Key, str] = {}
        """Alerts that fire on though their incident is over, with its number: told again, they open another."""
        self.slots: dict[str, Slot] = {}
        self.slots_of: dict[int, dict[str, int]] = {}
        """The join keys of each incident, each with how many of its alerts have it."""
        self.suppressed: dict[str, set[Key]] = {}
        self.silences: dict[str, Silence] = {}
        self.ended_windows: set[str] = set()
        """The ids of stretches of windows that people have ended: they hold no more."""
        self.inhibitors = Inhibitors()
        self.changes: dict[Key, list[datetime]] = {}
        self.beats: dict[str, Beat] = {}
        self.deaf = False
        """Messages are refused for want of room: what is not told again is not over, and nobody is silent."""
        self.unanswered: set[str] = set()
        """Origins none of whose Alertmanagers answered the last pull."""
        self.expiries: list[tuple[datetime, Key]] = []
        self.counts: dict[date, int] = {}
        """How many numbers each day has given: a day may come again, in another time zone or by a clock put right."""
        self.counted_on: date | None = None
        self.last_ids: dict[str, int] = {}
        self.scene = Scene()
        self.lessons = Lessons()
        self._holders: dict[int, str] = {}
        self._held: dict[str, set[int]] = {}
        self.seen: dict[tuple[str, str], deque[Key]] = {}
        """By place and kind, of kinds that others come with: the newest alerts."""
        self.storms: dict[str, int] = {}
        """By place: the incident that stands for the storm in it."""
        self.waves: dict[tuple[str, str], deque[Key]] = {}
        """By place and kind: the newest alerts that came of nothing else."""
        self.openings: dict[str, deque[Any]] = {}
        """By place: the incidents opened of late."""
        self.known: dict[int, Any] = {}
        """Per acknowledged incident: what is known of by whoever holds it (correlation/growth.py)."""

    def next_id(self, table: str) -> int:
        """A fresh id of a table, in order."""
        self.last_ids[table] = self.last_ids.get(table, 0) + 1
        return self.last_ids[table]

    def next_number(self, now: datetime, zone: ZoneInfo) -> str:
        """`INC-<date in the zone>-<count of that day>` (procedure R40); never reused."""
        self.counted_on = today = now.astimezone(zone).date()
        self.counts[today] = self.counts.get(today, 0) + 1
        return f"INC-{today:%Y%m%d}-{self.counts[today]:04d}"

    @property
    def counter(self) -> tuple[str, int]:
        """The day that gave the last number, and how many it has given. Only after `next_number`."""
        assert self.counted_on is not None
        return str(self.counted_on), self.counts[self.counted_on]

    # what is open

    def admit(self, incident: Incident) -> None:
        """Put an incident on the board."""
        self.incidents[incident.id] = incident
        self.numbers[incident.number] = incident.id
        self.note_holder(incident)

    def hold(self, episode: Episode) -> None:
        """Put an open episode on the board."""
        key = episode.key
        self.episodes[key] = episode
        self.tombstones.pop(key, None)
        if episode.incident:
            self.members.setdefault(episode.incident, {})[key] = None
        if episode.expires_at is not None:
            heapq.heappush(self.expiries, (episode.expires_at, key))

    def bury(self, episode: Episode) -> None:
        """An episode is over: keep what tells a stale repetition from a new firing."""
        key = episode.key
        self.episodes[key] = episode
        self.tombstones[key] = episode.closed_at or episode.last_at
        self.tombstones.move_to_end(key)
        self.members.get(episode.incident, {}).pop(key, None)
        self.orphans.pop(key, None)
        while len(self.tombstones) > MOST_TOMBSTONES:
            self.forget(next(iter(self.tombstones)))

    def forget(self, key: Key) -> None:
        """Drop a tombstone and what was counted for it."""
        self.tombstones.pop(key, None)
        self.changes.pop(key, None)
        episode = self.episodes.get(key)
        if episode is not None and not episode.open:
            del self.episodes[key]

    def labels(self, episode: Episode) -> Labels:
        """The labels of an episode."""
        return unpacked(episode.labels)

    def open_members(self, incident: int, most: int | None = None) -> list[Episode]:
        """The firing alerts of an incident, oldest first; `most`: of so many that came first."""
        found = [self.episodes[key] for key in islice(self.members.get(incident, ()), most)]
        return sorted(found, key=_by_start)

    # who has what

    def note_holder(self, incident: Incident) -> None:
        """Keep in mind who works on an incident, as it is now."""
        holder = incident.assignee if incident.active and incident.id in self.incidents else None
        before = self._holders.get(incident.id)
        if holder == before:
            return
        if before is not None:
            self._held[before].discard(incident.id)
        if holder is None:
            self._holders.pop(incident.id, None)
            return
        self._holders[incident.id] = holder
        self._held.setdefault(holder, set()).add(incident.id)

    def held_by(self, person: str) -> list[Incident]:
        """The active incidents that a person works on, oldest first."""
        return [self.incidents[number] for number in sorted(self._held.get(person, ()))]

    # joining

    def slot(self, join_key: str, at: datetime, incident: int, alerts: int = 1) -> None:
        """So many more alerts with this key belong to this incident since a moment.

        The incident is the newest holder of the key, or one before that.
        """
        held, slot = self.slots_of.setdefault(incident, {}), self.slots.get(join_key)
        held[join_key] = held.get(join_key, 0) + alerts
        if slot is None:
            self.slots[join_key] = Slot(incident, at)
        elif slot.incident != incident:
            self._share(slot, at, incident)
        elif slot.last_at < at:
            slot.last_at = at

    def _share(self, slot: Slot, at: datetime, incident: int) -> None:
        """One that is not the newest holder has an alert of this key: the newest first, of equals the younger."""
        earlier = slot.earlier
        known = next((held for held in earlier if held[0] == incident), None)
        if known is not None:
            at, earlier = max(at, known[1]), tuple(held for held in earlier if held is not known)
        newest = (slot.incident, slot.last_at)
        if (slot.last_at, slot.incident) < (at, incident):
            slot.incident, slot.last_at, slot.earlier = incident, at, (newest, *earlier[: _MOST_EARLIER - 1])
            return
        place = next((n for n, (held, last) in enumerate(earlier) if (last, held) < (at, incident)), len(earlier))
        slot.earlier = (*earlier[:place], (incident, at), *earlier[place:])[:_MOST_EARLIER]

    def last_of(self, join_key: str, incident: int) -> datetime | None:
        """When the last alert of this key came into an incident; None where it is not known to hold the key."""
        slot = self.slots.get(join_key)
        return next((at for holder, at in slot.holders if holder == incident), None) if slot is not None else None

    def leave_slot(self, join_key: str, incident: int) -> int:
        """One alert of this key is an incident's no more; returns how many are left. With the last the key is free."""
        held = self.slots_of.get(incident, {})
        left = held.get(join_key, 0) - 1
        if left > 0:
            held[join_key] = left
            return left
        held.pop(join_key, None)
        self._release(join_key, incident)
        return 0

    def set_last(self, join_key: str, incident: int, at: datetime) -> None:
        """The last alert of this key that an incident has came at this moment."""
        self._release(join_key, incident)
        self.slot(join_key, at, incident, alerts=0)

    def pass_slots(self, old: int, new: int) -> None:
        """What belonged to one incident belongs to another."""
        for join_key, alerts in self.slots_of.pop(old, {}).items():
            since = self.last_of(join_key, old)
            self._release(join_key, old)
            if since is not None:
                self.slot(join_key, since, new, alerts)

    def _release(self, join_key: str, incident: int) -> None:
        slot = self.slots.get(join_key)
        if slot is None:
            return
        left = tuple(h for h in slot.holders if h[0] != incident)
        if not left:
            del self.slots[join_key]
        else:
            (slot.incident, slot.last_at), slot.earlier = left[0], left[1:]

    def release_slots(self, incident: int) -> None:
        """An incident no longer takes alerts in."""
        for join_key in self.slots_of.pop(incident, ()):
            self._release(join_key, incident)

    def let_go(self, incident: Incident) -> bool:
        """An incident is over; whether any of its alerts still fires."""
        left = self.members.pop(incident.id, {})
        self.orphans.update(dict.fromkeys(left, incident.number))
        incident.open_alerts = 0
        return bool(left)

    def take_back(self, incident: Incident) -> None:
        """An incident that was over is worked on again: what still fires of it is its own again."""
        back = [key for key, number in self.orphans.items() if number == incident.number]
        for key in back:
            del self.orphans[key]
        self.members.setdefault(incident.id, {}).update(dict.fromkeys(back))
        incident.open_alerts = len(self.members[incident.id])

    def drop(self, incident: int) -> None:
        """An incident has ended: only the store knows it from now on."""
        self.release_slots(incident)
        self.scene.forget(incident)
        self.known.pop(incident, None)
        gone = self.incidents.pop(incident, None)
        if gone is not None:
            self.note_holder(gone)
            self.numbers.pop(gone.number, None)
            self.let_go(gone)
