"""What time alone decides: expiries, stale suspects, silences that end, heartbeats missed, tombstones."""

from correlation.ending import expire
from correlation.heartbeat import check_beat
from correlation.holding import NOTHING_HOLDS, silence_key
from correlation.joining import release
from correlation.opening import name_roots
from correlation.outcome import Round
from correlation.suspect import drop_suspect, is_old


def settle(this: Round) -> None:
    """What time alone decides: expiries, stale suspects, silences that end, heartbeats missed, tombstones."""
    expire(this)
    if NOTHING_HOLDS in this.board.suppressed:
        release(this, NOTHING_HOLDS)
    for suspect in [s for s in this.board.suspects.values() if is_old(this, s)]:
        drop_suspect(this, suspect, "not_seen_again")
    for silence in [s for s in this.board.silences.values() if s.ends_at <= this.now]:
        del this.board.silences[silence.id]
        release(this, silence_key(silence.id))
    for origin in this.board.beats:
        check_beat(this, origin)
    name_roots(this)
    _forget_old(this)


def _forget_old(this: Round) -> None:
    keep = this.rules.correlation.dedup.tombstones_for
    tombstones = this.board.tombstones
    while tombstones:
        key = next(iter(tombstones))
        if this.now - tombstones[key] <= keep:
            return
        this.board.forget(key)
