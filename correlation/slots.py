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
_LOOKED_AT = 300
"""Alerts that an incident keeps, which are compared with those that leave it, the first that came."""


def keys_of(rules: Rules, firing: Firing) -> list[str | None]:
    """The join keys of an alert, one per strategy, as the board holds them; None where a strategy has none for it."""
    found = ((strategy.id, strategy.key(firing.labels, firing)) for strategy in rules.strategies)
    return [None if key is None else f"{name}\n{key}" for name, key in found]


def move_slots(this: Round, marks: Sequence[Mark], old: Incident, new: Incident) -> None:
    """Some alerts of an incident are another's: it has their keys as long as alerts that are left in it have them."""
    moving = {mark.key for mark in marks}
    for key, since in _newest(this, marks).items():
        this.board.slot(key, since, new.id)
    _leave(this, marks, old.id, moving)


def leave_slots(this: Round, mark: Mark) -> None:
    """An alert fires anew and is another incident's: the one that had its last firing has its keys by others alone."""
    _leave(this, [mark], mark.incident, {mark.key})


def _leave(this: Round, marks: Sequence[Mark], old: int, moving: Container[Key]) -> None:
    board = this.board
    left = (mark for mark in board.scene.of.get(old, {}).values() if mark.key not in moving)
    kept = _newest(this, islice(left, _LOOKED_AT))
    for key in _newest(this, marks):
        board.release_slot(key, old)
        if key in kept:
            board.slot(key, kept[key], old)


def take_keys_again(this: Round, incident: Incident) -> None:
    """An incident that was over goes on: what agrees with its alerts is its own again."""
    for key, since in _newest(this, islice(this.board.scene.of.get(incident.id, {}).values(), _TAKEN_AGAIN)).items():
        this.board.slot(key, since, incident.id)


def _newest(this: Round, marks: Iterable[Mark]) -> dict[str, datetime]:
    """The join keys of alerts, each with when the last of them came."""
    found: dict[str, datetime] = {}
    for mark in marks:
        firing, since = as_firing(this.board, this.rules, mark), mark.placed_at or this.now
        for key in keys_of(this.rules, firing) if firing is not None else ():
            if key is not None:
                found[key] = max(since, found.get(key, since))
    return found


def as_firing(board: Board, rules: Rules, mark: Mark) -> Firing | None:
    """An alert of the scene as strategies see it; None where it is over for so long that it was forgotten."""
    episode = board.episodes.get(mark.key)
    if episode is None:
        return None
    labels = board.labels(episode)
    return Firing(labels, mark, mark.scope, mark.group)
