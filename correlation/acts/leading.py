"""Acts around a major incident: it is declared, briefed and reviewed (procedure R55, R101)."""

from correlation import major
from correlation.acts.acted import Act, Acted
from correlation.incident import Incident
from correlation.need import Missing, need
from correlation.outcome import Event


def declare_major(incident: Incident, this: Act) -> Acted:
    """Declared by hand; on one that is major already it names commander and roles."""
    need(this.body, "reason")
    acted = Acted()
    if not incident.major:
        facts = major.declare(incident, "person", this.actor.id, this.body["reason"], this.now)
        acted = Acted([Event("major_declared", facts)], {"major"})
    appointed = major.appoint(incident, this.body.get("commander"), this.body.get("roles") or {})
    if appointed:
        acted.events.append(Event("commander_named", {"roles": appointed}))
    return acted


def brief(incident: Incident, this: Act) -> Acted:
    """What people know for the special brief; the rest stays to be verified."""
    if not incident.major:
        raise Missing(["declare-major"], "a brief is written of a major incident: `declare-major` first")
    given = incident.major.get("brief", {})
    fresh = {name: text for name, text in this.body.items() if text and given.get(name) != text}
    if not fresh:
        return Acted()
    incident.major = {**incident.major, "brief": {**given, **fresh}}
    return Acted([Event("brief_written", {"fields": sorted(fresh)})])


def review(incident: Incident, this: Act) -> Acted:
    was = incident.major
    facts = major.review(incident, this.body, this.actor.id, this.now)
    return Acted([Event("reviewed", facts)]) if incident.major != was else Acted()
