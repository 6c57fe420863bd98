"""Nothing of an incident fires any more: since when, and whether that is to be believed."""

from datetime import datetime, timedelta

from collectors.moment import moment_text
from correlation.incident import Incident
from correlation.outcome import Round


def come_to_rest(this: Round, incident: Incident) -> None:
    """Its last alert has ended: the resolution clock stands at the latest end, unless its source has fallen silent."""
    if not frozen(this, incident):
        incident.service_restored_at = latest_end(this, incident)
        this.out.clocks.add(incident.id)


def fires_no_more(this: Round, incident: Incident, wait: timedelta) -> None:
    """Its last alert has ended, or has become another incident's: it is resolved unless it fires within `wait`."""
    incident.resolves_at = this.now + wait
    come_to_rest(this, incident)
    this.out.tell(incident, "service_restored", resolves_at=moment_text(incident.resolves_at))


def run_on(this: Round, incident: Incident) -> None:
    """It fires again, or its end proves nothing: the resolution clock runs as if it had never stopped."""
    incident.service_restored_at = None
    this.out.clocks.add(incident.id)


def latest_end(this: Round, incident: Incident) -> datetime:
    """The latest end of its alerts; not before the first of them began, and not after now."""
    ends = [m.ends_at for m in this.board.scene.of.get(incident.id, {}).values() if m.ends_at is not None]
    return min(max([incident.occurred_at, *ends]), this.now) if ends else this.now


def frozen(this: Round, incident: Incident) -> bool:
    """Whether the source of an incident's alerts is silent, so that their end proves nothing."""
    return any(beat.missed and speaks_for(incident, origin) for origin, beat in this.board.beats.items())


def speaks_for(incident: Incident, origin: str) -> bool:
    """Whether it is this origin that tells of the incident's alerts."""
    return incident.root is not None and incident.root.get("origin") == origin
