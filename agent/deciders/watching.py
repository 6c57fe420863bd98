"""What has to be looked at again whenever something of an incident has changed."""

from agent.deciders.customers import keep_updates
from agent.deciders.forecast import look_ahead
from agent.turn import Turn
from correlation.incident import Incident
from escalation.ola import keep_stay


def look_after(turn: Turn, incident: Incident) -> None:
    """An expected breach is told at once, the next word to each customer planned, and which group has it noted."""
    look_ahead(turn, incident)
    keep_updates(turn, incident)
    if incident.active and keep_stay(incident, turn.config.groups, turn.config.calendars, turn.now):
        turn.group.incidents[incident.id] = incident
