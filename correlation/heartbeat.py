"""The heartbeat of a source: heard, missed, and what its silence keeps from being taken for recovered."""

from datetime import timedelta

from collectors.alert import Alert
from correlation.board import Beat
from correlation.incident import Episode
from correlation.outcome import Round
from correlation.own import own_alert
from correlation.rest import come_to_rest, run_on, speaks_for


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
    beat.last_at, was_missed, beat.missed = this.now, beat.missed, False
    for incident in this.board.incidents.values() if was_missed else ():
        if incident.resolves_at is not None and speaks_for(incident, episode.origin):
            come_to_rest(this, incident)
            this.out.dirty[incident.id] = incident


def _silence_alert(this: Round, origin: str, *, firing: bool) -> Alert:
    return own_alert("SourceSilent", {"source": origin}, f"nothing is heard of {origin}", this.now, firing=firing)


def check_beat(this: Round, origin: str) -> None:
    """Miss the beat of a source not heard for `silent_source.after`, or for three of its paces if that is longer."""
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
        if incident.active and incident.service_restored_at is not None and speaks_for(incident, origin):
            run_on(this, incident)
            this.out.dirty[incident.id] = incident
        if incident.resolves_at is not None and speaks_for(incident, origin):
            this.out.tell(incident, "source_silent", origin=origin, why=code)
