"""The heartbeat of a source: heard, missed, and what its silence keeps from being taken for recovered."""

from datetime import timedelta

from collectors.alert import Alert
from correlation.board import Beat
from correlation.incident import Episode, Incident
from correlation.outcome import Round
from correlation.own import own_alert


def beat_heard(this: Round, episode: Episode) -> None:
    """A heartbeat was heard: in a message, or shown by a pull."""
    beat = this.board.beats.get(episode.origin)
    this.out.beats.add(episode.origin)
    if beat is None:
        this.board.beats[episode.origin] = Beat(this.now)
        return
    gap = (this.now - beat.last_at).total_seconds()
    if not beat.missed or abs(gap - beat.gap_s) <= gap / 4:
        # An outage is no pace; the same long gap twice is one.
        beat.apart_s = max(gap, beat.apart_s * 0.9)
    beat.gap_s = gap
    if beat.missed:
        this.out.own.append(_silence_alert(this, episode.origin, firing=False))
    beat.last_at, beat.missed = this.now, False


def _silence_alert(this: Round, origin: str, *, firing: bool) -> Alert:
    return own_alert("SourceSilent", {"source": origin}, f"nothing is heard of {origin}", this.now, firing=firing)


def check_beat(this: Round, origin: str) -> None:
    beat = this.board.beats[origin]
    patience = max(this.rules.correlation.silent_source.after, timedelta(seconds=3 * beat.apart_s))
    if not beat.missed and this.now - beat.last_at >= patience:
        miss_beat(this, origin, "watchdog_missing")


def miss_beat(this: Round, origin: str, code: str) -> None:
    """A source that was heard has fallen silent: nothing of it is taken for recovered until it is heard again."""
    beat = this.board.beats.setdefault(origin, Beat(this.now))
    beat.missed = True
    this.out.beats.add(origin)
    this.out.own.append(_silence_alert(this, origin, firing=True))
    this.out.decisions["heartbeat_missed"] += 1
    for incident in this.board.incidents.values():
        if incident.resolves_at is not None and _speaks_for(this, incident, origin):
            this.out.tell(incident, "source_silent", origin=origin, why=code)


def frozen(this: Round, incident: Incident) -> bool:
    """Whether the source of an incident's alerts is silent, so that their end proves nothing."""
    return any(beat.missed and _speaks_for(this, incident, origin) for origin, beat in this.board.beats.items())


def _speaks_for(this: Round, incident: Incident, origin: str) -> bool:
    return incident.root is not None and incident.root.get("origin") == origin
