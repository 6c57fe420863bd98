"""Suspects: a firing told again with the start of one that is over."""

from correlation.incident import Episode, Why
from correlation.joining import place
from correlation.outcome import Round


def confirm_suspect(this: Round, suspect: Episode, code: str) -> None:
    """A suspect is a live outage after all: it becomes an episode, and says that its start was told before."""
    this.board.suspects.pop(suspect.key, None)
    ended = this.board.episodes.get(suspect.key)
    came_from = ended.incident if ended is not None else 0
    suspect.open = True
    this.board.hold(suspect)
    this.out.changed[suspect.id] = suspect
    note = Why("same_start", {"how": code})
    place(this, suspect, this.board.labels(suspect), None, note=note, came_from=came_from)


def drop_suspect(this: Round, suspect: Episode, code: str) -> None:
    """A suspect was an old message: it opens nothing."""
    this.board.suspects.pop(suspect.key, None)
    suspect.decision = "stale"
    this.out.changed[suspect.id] = suspect
    this.out.whys[suspect.id] = (Why(code, {}), None)
    this.out.decisions["stale"] += 1


def is_old(this: Round, suspect: Episode) -> bool:
    """Whether it was not seen again within `suspect_window`."""
    ended = this.board.episodes.get(suspect.key)
    since = ended.closed_at if ended is not None and ended.closed_at else suspect.last_at
    return this.now - since > this.rules.suspect_window(suspect.origin)
