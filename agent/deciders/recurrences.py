"""What comes back after the archive is a new incident that says what it repeats (procedure R86, 2.13 reading 3)."""

from agent.deciders.links import inform_desk, link
from agent.deciders.records import reported
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.incident import INCIDENT, OPEN, Incident


def on_recurs(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """The customer says that what is archived persists: a new one of its kind, unless one is open already (R86)."""
    already = open_recurrence(turn, incident)
    if already is not None:
        inform_desk(turn, already, {"persists": incident.number})
        return
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
    repeats(turn, fresh, incident, intent.actor.id)


def open_recurrence(turn: Turn, incident: Incident) -> Incident | None:
    """What repeats an incident and is not over; the last one of several."""
    repeating = (i for i in turn.board.incidents.values() if i.recurrence_of == incident.number and i.state in OPEN)
    return max(repeating, key=lambda i: i.id, default=None)


def repeats(turn: Turn, fresh: Incident, before: Incident, by: str) -> None:
    """It says what it repeats; both are linked with each other."""
    fresh.recurrence_of = before.number
    turn.touch(fresh)
    for one, other in ((before, fresh), (fresh, before)):
        if link(turn, one, INCIDENT, other.number, by):
            turn.tell(one.id, "linked", by, {"kind": INCIDENT, "target": other.number})
