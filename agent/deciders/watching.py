"""What has to be looked at again whenever something of an incident has changed."""

from agent.deciders.classifying import look_whether_it_waits
from agent.deciders.customers import keep_updates
from agent.deciders.forecast import look_ahead
from agent.deciders.proposals import propose
from agent.turn import Turn
from correlation.incident import Incident
from escalation.ola import keep_stay


def look_after(turn: Turn, incident: Incident) -> None:
    """Whether it waits to be classified, is in scope, a change, late; when its customers hear of it, and who has it."""
    look_whether_it_waits(turn, incident)
    propose(turn, incident)
    look_ahead(turn, incident)
    keep_updates(turn, incident)
    if incident.active and keep_stay(incident, turn.config.groups, turn.config.calendars, turn.now):
        turn.group.incidents[incident.id] = incident
