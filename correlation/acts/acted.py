"""An act as it is asked for, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from correlation.incident import Action, Incident
from correlation.outcome import Event
from correlation.permission import Actor
from correlation.severity import SeverityPolicy


@dataclass(frozen=True)
class Act:
    """What an act is told beside the incident: what was written, by whom, when, and how severity is judged."""

    body: Mapping[str, Any]
    actor: Actor
    severity: SeverityPolicy
    now: datetime


@dataclass
class Acted:
    """What an act did: lines for the timeline, and what the ladder and the pages have to follow (`effects`)."""

    events: list[Event] = field(default_factory=list)
    effects: set[str] = field(default_factory=set)

    @property
    def unchanged(self) -> bool:
        return not self.events


def remember(incident: Incident, action: Action, actor: Actor) -> None:
    """Keep who did this last: the same again by the same person changes nothing."""
    acts = {**incident.resolution.get("acts", {}), str(action): actor.id}
    incident.resolution = {**incident.resolution, "acts": acts}


def did_last(incident: Incident, action: Action, actor: Actor) -> bool:
    """Whether it was this person who did this last."""
    done: Mapping[str, str] = incident.resolution.get("acts", {})
    return done.get(str(action)) == actor.id
