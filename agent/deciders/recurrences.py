"""What comes back after the archive is a new incident that says what it repeats (procedure R86, 2.13 reading 3)."""

from agent.deciders.links import link
from agent.deciders.records import reported
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.incident import INCIDENT, Incident


def on_recurs(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """The customer says that what is archived persists: a new one of its kind, linked both ways."""
    told = {
        "title": incident.title,
        "kind": incident.kind,
        "source": "user",
        "channel": "phone",
        "category": incident.final_category or incident.category,
        "group": incident.group,
        "urgency": incident.urgency,
        "impact": incident.impact,
        "service": incident.service,
        "reporter": incident.reporter,
        "symptom": intent.body.get("remark") or incident.symptom,
        "request": incident.title if incident.kind == "service_request" else None,
    }
    body = {name: value for name, value in told.items() if value}
    fresh = reported(turn, body, intent.actor.id)
    fresh.recurrence_of = incident.number
    turn.touch(fresh)
    for one, other in ((incident, fresh), (fresh, incident)):
        if link(turn, one, INCIDENT, other.number, intent.actor.id):
            turn.tell(one.id, "linked", intent.actor.id, {"kind": INCIDENT, "target": other.number})
