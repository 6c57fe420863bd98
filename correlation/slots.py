"""Which incident has the alerts of a join key, when alerts come into one or go over to another."""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from itertools import islice

from correlation.board import Board
from correlation.incident import Incident, Key
from correlation.outcome import Round, Rules
from correlation.scene import Mark
from correlation.strategy import Firing

_TAKEN_AGAIN = 1_000
_LOOKED_AT = 50
"""Alerts that an incident keeps, which are asked when the last of them came that has a key, the newest."""


def keys_of(rules: Rules, firing: Firing) -> Sequence[str | None]:
    """The join keys of an alert, one per strategy, as the board holds them; None where a strategy has none for it."""
    found = []
    for strategy in rules.strategies:
        key = strategy.key(firing.labels, firing)
        found.append(None if key is None else f"{strategy.id}\n{key}")
    return found


def hold(board: Board, keys: Iterable[str | None], since: datetime, incident: int, alerts: int = 1) -> None:
    """So many alerts with these join keys are an incident's."""
    for key in keys:
        if key is not None:
            board.slot(key, since, incident, alerts)


def move_slots(this: Round, marks: Sequence[Mark], old: Incident, new: Incident) -> None:
    """Some alerts of an incident are another's: it has their keys as long as alerts that are left in it have them."""
    moving = {mark.key for mark in marks}
    for mark in marks:
        keys = keys_of_mark(this, mark)
        hold(this.board, keys, mark.placed_at or this.now, new.id)
        _leave(this, mark, keys, old.id, moving)


def take_keys(this: Round, mark: Mark, keys: Sequence[str | None], before: Mark | None, incident: int) -> None:
    """An alert has come into an incident with these keys; `before` is its last firing.

    The incident that had that one has its keys by others alone. Where it is the same one nothing is counted twice; the
    group that it was told in before stays known, as its earlier firings are.
    """
    if before is None or before.incident != incident:
        if before is not None:
            _leave(this, before, keys_of_mark(this, before), before.incident, ())
        hold(this.board, keys, this.now, incident)
    elif before.group == mark.group:
        hold(this.board, keys, this.now, incident, alerts=0)
    else:
        hold(this.board, keys, this.now, incident)
        held = this.board.slots_of[incident]
        for key in keys_of_mark(this, before):
            if key is not None and held.get(key):
                held[key] -= 1


def _leave(this: Round, mark: Mark, keys: Sequence[str | None], old: int, moving: Container[Key]) -> None:
    """An alert leaves its incident with its keys, and with others (`moving`)."""
    board = this.board
    for number, key in enumerate(keys):
        if key is None or not board.leave_slot(key, old):
            continue
        last_at = board.last_of(key, old)
        if last_at is not None and mark.placed_at is not None and last_at <= mark.placed_at:
            found = _last_of(this, number, key, old, moving)
            if found is not None and found < last_at:
                board.set_last(key, old, found)


def _last_of(this: Round, number: int, key: str, incident: int, moving: Container[Key]) -> datetime | None:
    """When the last alert with a key came into an incident, of those that stay; `number` is that of its strategy."""
    last: datetime | None = None
    for mark in islice(reversed(this.board.scene.of.get(incident, {}).values()), _LOOKED_AT):
        if mark.key in moving or mark.placed_at is None or (last is not None and mark.placed_at <= last):
            continue
        if _key_of(this, mark, number) == key:
            last = mark.placed_at
    return last


def _key_of(this: Round, mark: Mark, number: int) -> str | None:
    """The join key of an alert of the scene by one strategy."""
    firing, strategy = as_firing(this.board, mark), this.rules.strategies[number]
    key = strategy.key(firing.labels, firing) if firing is not None else None
    return None if key is None else f"{strategy.id}\n{key}"


def take_keys_again(this: Round, incident: Incident) -> None:
    """An incident that was over goes on: what agrees with its alerts, the newest, is its own again."""
    board = this.board
    board.release_slots(incident.id)
    for mark in list(islice(reversed(board.scene.of.get(incident.id, {}).values()), _TAKEN_AGAIN)):
        hold(board, keys_of_mark(this, mark), mark.placed_at or this.now, incident.id)


def keys_of_mark(this: Round, mark: Mark) -> Sequence[str | None]:
    """The join keys of an alert of the scene, one per strategy; none where it was forgotten since its end."""
    firing = as_firing(this.board, mark)
    return keys_of(this.rules, firing) if firing is not None else ()


def as_firing(board: Board, mark: Mark) -> Firing | None:
    """An alert of the scene as strategies see it; None where it is over for so long that it was forgotten."""
    episode = board.episodes.get(mark.key)
    return Firing(board.labels(episode), mark, mark.scope, mark.group) if episode is not None else None
