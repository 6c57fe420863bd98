"""Whoever holds a storm hears what came in it, at a bounded pace and not alert by alert."""

from agent.deciders.links import inform
from agent.turn import AGENT, Turn
from correlation.incident import Incident, Json
from correlation.storming import listed, storm_of, what_came


def tell_of_storm(turn: Turn, incident: Incident) -> None:
    """The next digest of a storm, where it is due; the last one when it is over. Nothing is told where nothing came.

    Where nobody holds the incident its timetable goes on looking for somebody, and no digest is sent.
    """
    this = turn.round()
    if incident.digest_at is None or incident.digest_at > turn.now:
        return
    if incident.held_until is not None and incident.held_until > turn.now:
        incident.digest_at = incident.held_until
        turn.agenda.look_at(incident.id, incident.digest_at)
        turn.group.incidents[incident.id] = incident
        return
    goes_on = storm_of(this, incident) is not None
    facts = _since_last(turn, incident, goes_on=goes_on)
    if not goes_on or facts["count"] or facts["let_out"]:
        code = "storm_digest" if goes_on else "storm_over"
        turn.tell(incident.id, code, AGENT, facts)
        if incident.assignee and incident.acknowledged_at is not None:
            inform(turn, incident, "digest", ["assignee"], why={"code": code, **facts})
    turn.touch(incident)


def storm_seen(turn: Turn, incident: Incident) -> None:
    """Whoever takes a storm knows what is in it: the next digest tells what comes from now on."""
    if incident.storming is not None:
        incident.storming.told = turn.board.last_ids.get("alert", 0)


def _since_last(turn: Turn, incident: Incident, *, goes_on: bool) -> Json:
    """What came since the last digest; from now on it is told."""
    storm, this = incident.storming, turn.round()
    facts = {**what_came(this, incident, storm.told if storm is not None else 0), "let_out": ""}
    turn.board.known.pop(incident.id, None)
    incident.digest_at = None
    if storm is not None:
        facts["let_out"] = listed(storm.let_out)
        storm.told, storm.let_out, storm.digests = turn.board.last_ids.get("alert", 0), [], storm.digests + 1
    if storm is None or not goes_on:
        incident.storming = None
    else:
        incident.digest_at = turn.now + turn.rules.correlation.storm.digest_wait(storm.digests)
        turn.agenda.look_at(incident.id, incident.digest_at)
    return facts
