"""What fires, and what ended of late, comes back to the board; storms and flapping go on from there."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from agent.desk import Desk
from agent.loading.recall import recall_words
from agent.storage.writer import Writer
from correlation.board import MOST_TOMBSTONES
from correlation.incident import Episode, Key
from correlation.joining import NOT_PLACED, remember, remember_keys
from correlation.lessons import kind_of
from correlation.outcome import Round
from correlation.place import Place
from correlation.store import (
    ENDED_EPISODES,
    ENDED_OF_OPEN,
    MERGED,
    OPEN_EPISODES,
    OPENINGS,
    ORPHANED,
    STORMS_OF_LATE,
    SUSPECTS,
    episode_from,
    place_from,
)
from correlation.storm import EVERYWHERE_TIMES, Opening, remember_storms

_LEARNED_FROM = 20_000
"""Of alerts whose incidents are over, the last so many tell what stands on what: a start takes no longer than that."""
_AT_ONCE = 1_000
"""Rows of what fires that are read at once."""
Placed = tuple[Place, Episode]
"""A firing, and where it stands on the scene."""


async def load_alerts(writer: Writer, desk: Desk, now: datetime) -> None:
    """Have on the board, whose incidents are there already, what fires and what ended so late that it still counts.

    Raises StoreDown.
    """
    ended = await _load_ended(writer, desk, now)
    suspects = await _load_suspects(writer, desk)
    firing = await _load_firing(writer, desk, now)
    await recall_words(writer, desk.rules, [*(e for _, e in ended), *suspects, *(e for _, e in firing)])
    placed = [found for found in (*ended, *firing) if found[1].decision not in NOT_PLACED]
    _place(desk, placed, dict(await writer.fetch(MERGED)))
    await _load_storms(writer, desk, now)
    for _, episode in firing:
        if episode.decision == "suppressed":
            desk.hold_back(episode, desk.board.labels(episode), now)
    await _load_orphans(writer, desk, firing, now)


async def _load_ended(writer: Writer, desk: Desk, now: datetime) -> list[Placed]:
    since = now - desk.rules.correlation.dedup.tombstones_for
    found: list[Placed] = []
    for row in (
        *await writer.fetch(ENDED_OF_OPEN, since),
        *reversed(await writer.fetch(ENDED_EPISODES, since, MOST_TOMBSTONES)),
    ):
        episode, place = episode_from(row), place_from(row)
        if episode.closed_at is not None and episode.closed_at >= since:
            desk.board.bury(episode)
            _note_change(desk, episode, place.came_at, now)
        found.append((place, episode))
    return found


async def _load_suspects(writer: Writer, desk: Desk) -> list[Episode]:
    suspects = [episode_from(row) for row in await writer.fetch(SUSPECTS)]
    desk.board.suspects.update({suspect.key: suspect for suspect in suspects})
    return suspects


async def _load_firing(writer: Writer, desk: Desk, now: datetime) -> list[Placed]:
    found: list[Placed] = []
    async for row in _open_episodes(writer):
        episode, place = episode_from(row), place_from(row)
        desk.board.hold(episode)
        desk.board.inhibitors.add(episode.key, desk.board.labels(episode))
        _note_change(desk, episode, place.came_at, now)
        found.append((place, episode))
    return found


async def _load_orphans(writer: Writer, desk: Desk, firing: list[Placed], now: datetime) -> None:
    """What fires on though its incident is over counts to no incident; its number is kept."""
    held = {episode.incident for _, episode in firing if episode.decision != "suppressed" and episode.incident}
    over = [incident for incident in held if desk.is_over_by_id(incident, now)]
    numbers: dict[int, str] = dict(await writer.fetch(ORPHANED)) if over else {}
    for incident in over:
        desk.board.orphans.update(dict.fromkeys(desk.board.members.pop(incident, ()), numbers.get(incident, "")))


async def _open_episodes(writer: Writer) -> AsyncIterator[tuple[Any, ...]]:
    """The rows of what fires, in order, a part at a time."""
    last = 0
    while rows := await writer.fetch(OPEN_EPISODES, last, _AT_ONCE):
        for row in rows:
            yield row
        last = rows[-1][0]


def _place(desk: Desk, placed: list[Placed], merged: Mapping[int, int]) -> None:
    """The last firing of each alert is on the scene; those before it have their part in the keys of their incident."""
    last: dict[Key, int] = {}
    for _, episode in placed:
        last[episode.key] = max(last.get(episode.key, 0), episode.id)
    placed.sort(key=lambda found: (found[0].since, found[1].id))
    for number, (place, episode) in enumerate(placed, _LEARNED_FROM - len(placed)):
        if last[episode.key] != episode.id:
            remember_keys(desk.board, desk.rules, episode, place, merged.get(episode.incident, episode.incident))
        elif number >= 0 or episode.incident in desk.board.incidents:
            remember(desk.board, desk.rules, episode, place)


async def _load_storms(writer: Writer, desk: Desk, now: datetime) -> None:
    """The storms go on, and what opened of late counts towards the next one."""
    policy = desk.rules.correlation.storm
    rows = await writer.fetch(OPENINGS, now - policy.within, policy.opened * EVERYWHERE_TIMES + 1)
    openings = []
    for incident, opened_at, facts in reversed(rows):
        told = msgspec.json.decode(facts)
        if "place" in told:
            openings.append(Opening(opened_at, incident, kind_of(told["alertname"]), told["place"]))
    began: dict[str, int] = {}
    for place, storming in await writer.fetch(STORMS_OF_LATE, now - policy.within):
        began[place] = max(began.get(place, 0), msgspec.json.decode(storming)["after"])
    remember_storms(Round(desk.board, desk.rules, now), began, openings)


def _note_change(desk: Desk, episode: Episode, came_at: datetime, now: datetime) -> None:
    """The changes of an alert that count for flapping."""
    policy = desk.rules.correlation.flapping
    begun = came_at if episode.previous and episode.decision != "stale" else None
    ended = episode.closed_at if episode.decision != "stale" else None
    fresh = [at for at in (begun, ended) if at is not None and now - at <= policy.within]
    if fresh:
        changes = sorted([*desk.board.changes.get(episode.key, ()), *fresh])
        desk.board.changes[episode.key] = changes[-policy.changes :]
