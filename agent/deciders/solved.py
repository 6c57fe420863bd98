"""What people solved is remembered, to be offered where no known error fits (procedure R63)."""

from agent.turn import Turn
from correlation.incident import Incident
from knowledge.past import Solved, alert_of


def remember_solved(turn: Turn, incident: Incident) -> None:
    """A person has solved it."""
    said = incident.resolution
    turn.desk.past.keep(
        Solved(
            id=incident.id,
            number=incident.number,
            title=incident.title,
            alert=alert_of(incident.root),
            category=incident.category,
            resolved_at=incident.resolved_at or turn.now,
            type=said.get("type") or "",
            resolution=said.get("resolution") or "",
        )
    )


def forget_solved(turn: Turn, incident: Incident) -> None:
    """It has come back to work."""
    turn.desk.past.forget(incident.id)
