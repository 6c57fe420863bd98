"""What nobody has classified or graded waits at the desk, and is told when it has waited too long (procedure R51)."""

from agent.turn import Turn
from correlation.incident import Incident, State


def await_classification(turn: Turn, incident: Incident, *, graded: bool = True) -> None:
    """Have a new incident come up where it still waits after `alarm_after`; `graded`: not by the default alone."""
    policy = turn.config.classification.unclassified
    waits = incident.state is State.NEW and not (graded and incident.category != policy.category)
    if waits and policy.alarm_after is not None:
        turn.ladder.await_classification(incident, policy.alarm_after, policy.alarm_to, turn.now, turn.group)


def look_whether_it_waits(turn: Turn, incident: Incident) -> None:
    """What has left the desk's queue is waited for no more."""
    if incident.state is not State.NEW:
        turn.ladder.classified(incident, turn.now, turn.group)
