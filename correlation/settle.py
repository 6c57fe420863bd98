"""What time alone decides: expiries, stale suspects, silences that end, heartbeats missed, tombstones."""

from correlation.ending import expire
from correlation.heartbeat import check_beat
from correlation.holding import NOTHING_HOLDS, silence_key
from correlation.joining import release
from correlation.opening import name_roots
from correlation.outcome import Round
from correlation.suspect import drop_suspect, is_old
from correlation.window import lay


def settle(this: Round) -> None:
    """What time alone decides: expiries, stale suspects, silences that end, heartbeats missed, tombstones.

    Where nothing can be heard (`deaf`) nothing expires and no heartbeat is missed.
    """
    if not this.board.deaf:
        expire(this)
    if NOTHING_HOLDS in this.board.suppressed:
        release(this, NOTHING_HOLDS)
    for suspect in [s for s in this.board.suspects.values() if is_old(this, s)]:
        drop_suspect(this, suspect, "not_seen_again")
    _end_silences(this)
    for origin in this.board.beats if not this.board.deaf else ():
        check_beat(this, origin)
    name_roots(this)
    _forget_old(this)


def _end_silences(this: Round) -> None:
    """The next stretches of windows come first: what another window goes on holding is not told between the two."""
    ended = [s for s in this.board.silences.values() if s.ends_at <= this.now]
    if any(silence.window for silence in ended):
        lay(this.board, this.rules.windows, this.now)
    for silence in ended:
        this.board.silences.pop(silence.id, None)
        release(this, silence_key(silence.id))


def _forget_old(this: Round) -> None:
    keep = this.rules.correlation.dedup.tombstones_for
    tombstones = this.board.tombstones
    while tombstones:
        key = next(iter(tombstones))
        if this.now - tombstones[key] <= keep:
            return
        this.board.forget(key)
