"""An incident of whose alerts nobody tells any more, where no Alertmanager can be asked: said once, closed never."""

from datetime import datetime, timedelta

from agent.turn import AGENT, Turn
from collectors.moment import moment_text
from correlation.incident import Incident, origin_of

_LOOK_AGAIN = timedelta(minutes=10)
"""How often it is looked at most whether what was told no more is told again, where the patience is not shorter."""


def look_whether_told(turn: Turn, incident: Incident) -> None:
    """Say once that all that fires has been told for the last time too long ago; and once that it is told again.

    Nothing else follows from it: its steps go on, and a person says whether it is over.
    """
    if turn.desk.looks_whether_told.get(incident.id, turn.now) > turn.now:
        return
    turn.desk.looks_whether_told.pop(incident.id, None)
    last_at, patience = _last_told(turn, incident)
    if last_at is None:
        if incident.untold_since is not None:
            _keep(turn, incident, None)
        if patience:
            _look_again(turn, incident, turn.now + patience)
        return
    if incident.untold_since is not None and last_at > incident.untold_since:
        _keep(turn, incident, None)
        turn.tell(incident.id, "told_again", AGENT, {"since": moment_text(last_at)})
    elif incident.untold_since is None and turn.now - last_at >= patience:
        _keep(turn, incident, last_at)
        turn.tell(incident.id, "untold", AGENT, {"since": moment_text(last_at)})
    wait = timedelta() if incident.untold_since is not None else patience
    _look_again(turn, incident, max(last_at + wait, turn.now + min(patience, _LOOK_AGAIN)))


def _look_again(turn: Turn, incident: Incident, at: datetime) -> None:
    turn.desk.looks_whether_told[incident.id] = at
    turn.agenda.look_at(incident.id, at)


def _keep(turn: Turn, incident: Incident, since: datetime | None) -> None:
    incident.untold_since = since
    turn.group.incidents[incident.id] = incident


def _last_told(turn: Turn, incident: Incident) -> tuple[datetime | None, timedelta]:
    """When something of what fires was told last, and how long that may be ago.

    Of what ends by itself or is our own there is no patience; no moment where something fires that can be asked about.
    """
    last_at: datetime | None = None
    longest, can_be_asked = timedelta(), False
    for key in turn.board.members.get(incident.id, ()):
        episode, origin = turn.board.episodes[key], origin_of(key)
        patience = turn.rules.untold_after(origin)
        if patience is None or episode.expires_at is not None:
            return None, timedelta()
        longest = max(longest, patience)
        can_be_asked = can_be_asked or (turn.rules.asks_sender(origin) and origin not in turn.board.unanswered)
        last_at = episode.last_at if last_at is None else max(last_at, episode.last_at)
    return (None if can_be_asked else last_at), longest
