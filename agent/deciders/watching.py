"""What has to be looked at again whenever something of an incident has changed."""

from agent.deciders.customers import keep_updates
from agent.deciders.forecast import look_ahead
from agent.turn import Turn
from correlation.incident import Incident


def look_after(turn: Turn, incident: Incident) -> None:
    """An expected breach is told at once, and the next word to each customer is planned."""
    look_ahead(turn, incident)
    keep_updates(turn, incident)
