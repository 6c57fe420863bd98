"""What a desk holds, as plain values: two desks are the same when these are."""

from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

import msgspec

from agent.desk import Desk
from correlation.correlate import NOTHING_HOLDS
from correlation.incident import Episode, Incident


def remembered(desk: Desk, now: datetime) -> dict[str, Any]:
    """All that decides what happens next. Left out: what only saves work, and what no decision can reach any more."""
    board = desk.board
    being_told = {(p.incident_id, p.step) for p in desk.outbox.pages.values()}
    return {
        "episodes": {key: _episode(e) for key, e in board.episodes.items() if e.open},
        "ended": {key: _episode(board.episodes[key]) for key in board.tombstones},
        "tombstones": dict(board.tombstones),
        "suspects": {key: _episode(e) for key, e in board.suspects.items()},
        "members": {i: set(keys) for i, keys in board.members.items() if keys and i in held(desk, now)},
        "incidents": {i: plain(board.incidents[i]) for i in held(desk, now)},
        "steps": {
            i: sorted((s.id, s.key, s.due_at) for s in desk.agenda.of(i)) for i in held(desk, now) if desk.agenda.of(i)
        },
        "pages": {i: {**msgspec.structs.asdict(p), "lease_until": None} for i, p in desk.outbox.pages.items()},
        "next page": min((p.next_attempt_at for p in desk.outbox.pages.values()), default=None),
        "calls": {
            (i, *call): rank
            for i, calls in desk.outbox._called.ranks.items()
            for call, rank in calls.items()
            if (i, call[0]) in being_told
        },
        "heard": {
            (i, step) for i, steps in desk.outbox._called.heard.items() for step in steps if (i, step) in being_told
        },
        "notices": {slot: msgspec.structs.asdict(n) for slot, n in desk.notices.pending.items()},
        "told through": dict(desk.notices.told_through),
        "silences": board.silences,
        "suppressed": set().union(*board.suppressed.values()),
        "orphans": board.orphans,
        "beats": {origin: msgspec.structs.asdict(b) for origin, b in board.beats.items()},
        "flapping": _flapping(desk, now),
        "expiries": {e.key: e.expires_at for e in board.episodes.values() if e.open and e.expires_at is not None},
        "ids": {**board.last_ids, "step": desk.agenda.last_id, "page": desk.outbox.last_id},
        "numbers": {board.incidents[i].number: i for i in held(desk, now)},
        "day": board.counts,
        "tree": _tree(desk, now),
        "by item": _by_item(desk, now),
        "by place": _by_place(desk, now),
        "slots": _slots(desk),
        "storms": {p: i for p, i in board.storms.items() if i in board.incidents and board.incidents[i].active},
        "openings": _openings(desk, now),
    }


def held(desk: Desk, now: datetime) -> list[int]:
    """The incidents that may still change by themselves: active, or so fresh that they may relapse, or being told."""
    window = desk.rules.correlation.dedup.refire_window
    return sorted(
        i.id
        for i in desk.board.incidents.values()
        if i.active
        or (i.state in ("resolved", "pending_review") and i.resolved_at is not None and i.resolved_at >= now - window)
        or desk.outbox.has_open(i.id)
    )


def _tree(desk: Desk, now: datetime) -> dict[int, list[dict[str, Any]]]:
    """The alerts of each incident, and what each came of."""
    of = desk.board.scene.of
    return {
        i: sorted(map(msgspec.structs.asdict, of.get(i, {}).values()), key=itemgetter("id")) for i in held(desk, now)
    }


def _by_item(desk: Desk, now: datetime) -> dict[tuple[str, str], list[int]]:
    """The alerts of each item and signal, in their order: the newest are looked at first."""
    kept, found = set(held(desk, now)), {}
    for item, there in desk.board.scene.at._at.items():
        for signal, marks in there.items() if isinstance(there, dict) else [(there.signal.id, {there.id: there})]:
            found[item, signal] = [mark.id for mark in marks.values() if mark.incident in kept]
    return {place: marks for place, marks in found.items() if marks}


def _by_place(desk: Desk, now: datetime) -> dict[tuple[str, str], list[int]]:
    """The newest alerts of each place and signal, in their order; what was placed at one moment has none."""
    kept = set(held(desk, now))
    found = {
        place: [
            m.id for m in sorted(crowd.marks.values(), key=lambda m: (m.placed_at or now, m.id)) if m.incident in kept
        ]
        for place, crowd in desk.board.scene.nearby._at.items()
    }
    return {place: marks for place, marks in found.items() if marks}


def _slots(desk: Desk) -> dict[str, list[tuple[int, datetime]]]:
    """Which active incidents take alerts in, by join key.

    Left out: senders' groups. After a person has reopened an incident the store has those of its earlier firings too.
    """
    return {k: list(slot.holders) for k, slot in desk.board.slots.items() if not k.startswith("source_group")}


def _openings(desk: Desk, now: datetime) -> dict[str, list[int]]:
    """By place, the incidents that count towards a storm."""
    within = desk.rules.correlation.storm.within
    of_late = {p: [o.incident for o in told if now - o.at <= within] for p, told in desk.board.openings.items()}
    return {place: told for place, told in of_late.items() if told}


def plain(incident: Incident) -> dict[str, Any]:
    """An incident's values, in the types that the store gives back."""
    values = {**msgspec.structs.asdict(incident), "history": [tuple(entry) for entry in incident.history]}
    values["rests"] = [tuple(rest) for rest in incident.rests]
    values["state"] = str(incident.state)
    if incident.root is not None:
        values["root"] = {**incident.root, "at": incident.root["at"]}
    return values


def _episode(episode: Episode) -> dict[str, Any]:
    return {name: getattr(episode, name) for name in Episode.__struct_fields__}


def _flapping(desk: Desk, now: datetime) -> dict[Any, list[datetime]]:
    """The changes that still count: fewer than it takes within the span make no alert flap."""
    policy = desk.rules.correlation.flapping
    recent = {k: [at for at in times if now - at <= policy.within] for k, times in desk.board.changes.items()}
    return {k: times for k, times in recent.items() if times}


def sleeping(desk: Desk, now: datetime) -> list[str]:
    """What has a moment at which it must come up, and nothing that wakes it then."""
    faults = []
    wakes: dict[int, list[datetime]] = {}
    for at, number in desk.agenda._due:
        wakes.setdefault(number, []).append(at)
    for incident in desk.board.incidents.values():
        moments = {"resolves": incident.resolves_at, "resumes": incident.resume_at}
        if incident.active:
            moments["steps"] = desk.agenda.due_of(incident.id)
        for what, moment in moments.items():
            until = max(now, moment or now, incident.held_until or now, *(s.ends_at for s in _silences(desk)), now)
            limit = until if what == "steps" else max(now, moment or now)
            if moment is not None and not any(at <= limit for at in wakes.get(incident.id, ())):
                faults.append(f"{incident.number} {what} at {moment} and nothing wakes it")
    due = desk.next_due()
    if NOTHING_HOLDS in desk.board.suppressed and (due is None or due > now):
        faults.append("a suppressed alert that nothing holds waits for something else to come due")
    pages = {page: at for at, page in sorted(desk.outbox._due, reverse=True)}
    for page in desk.outbox.pages.values():
        moment = page.lease_until or page.next_attempt_at
        if page.id not in pages or pages[page.id] > moment + timedelta(0):
            faults.append(f"page {page.id} is due at {moment} and nothing wakes it")
    return faults


def _silences(desk: Desk) -> list[Any]:
    return list(desk.board.silences.values())
