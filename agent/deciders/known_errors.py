"""The known errors of an incident: predicates at once, text after the commit."""

from typing import Any

from agent.intents import Suggested
from agent.turn import AGENT, Turn
from collectors.labels import Labels
from correlation.incident import Incident
from knowledge.match import Match, match_predicates

_KNOWN_ERRORS = 5


def recognise(turn: Turn, incident: Incident, alerts: list[Labels]) -> None:
    """Find the known errors whose predicates hold (procedure R61, R62)."""
    known = {k["id"] for k in incident.known_errors}
    for match in match_predicates(alerts, turn.config.known_errors):
        if match.id not in known and len(incident.known_errors) < _KNOWN_ERRORS:
            incident.known_errors.append(_match_facts(match))


def rank(turn: Turn, incident: Incident) -> None:
    """Have the known errors ranked by text after the commit."""
    turn.group.opened_unknown.append(incident.id)
    turn.desk.ranking.add(incident.id)


def suggested(turn: Turn, intent: Suggested) -> None:
    incident = turn.board.incidents.get(intent.incident)
    turn.desk.ranking.discard(intent.incident)
    if incident is None:
        return
    known = {k["id"] for k in incident.known_errors}
    fresh = [m for m in intent.matches if m.id not in known][: _KNOWN_ERRORS - len(known)]
    incident.known_errors.extend(_match_facts(m) for m in fresh)
    if fresh:
        turn.group.incidents[incident.id] = incident
        turn.tell(incident.id, "known_errors_suggested", AGENT, {"ids": [m.id for m in fresh]})
    turn.outbox.hurry(incident.id, turn.now)


def _match_facts(match: Match) -> dict[str, Any]:
    return {"id": match.id, "confidence": match.confidence, "why": dict(match.why)}
