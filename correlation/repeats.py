"""The same act again by the same person changes nothing: what was done last is kept with the incident."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from collectors.moment import moment_text
from correlation.incident import Action, Incident

_LAST = "last"
_NEW_EACH_TIME = frozenset({Action.ACKNOWLEDGE, Action.ESCALATE, Action.NOTE, Action.CALLBACK})
"""These decide for themselves: each request goes a level further, each note is another one, a relapse asks anew."""


def is_repeated(incident: Incident, action: Action, body: Mapping[str, Any], by: str) -> bool:
    """Whether this is the act that was done last, word for word, and the incident stands where that left it."""
    return action not in _NEW_EACH_TIME and _acts(incident).get(_LAST) == _done(incident, action, body, by)


def remember(incident: Incident, action: Action, body: Mapping[str, Any], by: str) -> None:
    """Keep what was done, after it was."""
    acts = {**_acts(incident), _LAST: _done(incident, action, body, by)}
    incident.resolution = {**incident.resolution, "acts": acts}


def _acts(incident: Incident) -> Mapping[str, Any]:
    acts: Mapping[str, Any] = incident.resolution.get("acts") or {}
    return acts


def _done(incident: Incident, action: Action, body: Mapping[str, Any], by: str) -> list[Any]:
    said = json.dumps(body, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "replace")
    where = (incident.state, len(incident.history), incident.relapse, incident.assignee, incident.group, incident.tier)
    how = (incident.severity, incident.category, moment_text(incident.held_until))
    return [str(action), by, hashlib.sha256(repr((*map(str, (*where, *how)), said)).encode()).hexdigest()[:16]]
