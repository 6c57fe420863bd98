"""Which alert of an incident is likely its root: by class, reach, earliness, severity and rarity; with its reasons."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from correlation.incident import Episode, Incident, Json
from correlation.scene import Key, Mark, Scene

_REACH, _EARLY, _SEVERE, _RARE = 0.3, 0.1, 0.05, 0.05
_RANKED = 300
"""Alerts of an incident that are compared, the first that came: a storm costs no more."""
_JITTER = timedelta(minutes=2)
"""Starts closer than this are told apart by the pace of scraping, not by cause."""


def score(mark: Mark, reach: int, members: int, same: int, earliest: datetime) -> float:
    """How likely an alert is the root; `reach` of `members` came of it, `same` have its name."""
    late = min(max((mark.starts_at - earliest) / _JITTER, 0.0), 1.0)
    return (
        mark.signal.prior
        + _REACH * reach / max(members - 1, 1)
        + _EARLY * (1 - late)
        + _RARE / max(same, 1)
        - (0.5 if mark.parent is not None else 0.0)
    )


def likely_root(scene: Scene, incident: int) -> tuple[Mark | None, Json]:
    """The likely root among an incident's alerts, and the facts that make it so."""
    members = scene.of.get(incident, {})
    if not members:
        return None, {}
    if len(members) > _RANKED:
        members = dict(islice(members.items(), _RANKED))
    names: dict[str, int] = {}
    reach: dict[Key, int] = dict.fromkeys(members, 0)
    earliest = min(m.starts_at for m in members.values())
    for mark in members.values():
        names[mark.name] = names.get(mark.name, 0) + 1
        seen, one = {mark.key}, mark.parent
        while one is not None and one in members and one not in seen:
            reach[one] += 1
            seen.add(one)
            one = members[one].parent
    best = max(
        members.values(),
        key=lambda m: (score(m, reach[m.key], len(members), names[m.name], earliest), -m.starts_at.timestamp(), -m.id),
    )
    facts: dict[str, Any] = {"signal": best.signal.id, "reach": reach[best.key], "of": len(members) - 1}
    facts["after_s"] = round((best.starts_at - earliest).total_seconds())
    facts["same_name"] = names[best.name]
    return best, facts


def as_root(mark: Mark, starts_text: str, facts: Json) -> Json:
    """The root as an incident stores it."""
    return {
        "origin": mark.key[0],
        "fingerprint": mark.key[1],
        "startsAt": starts_text,
        "at": mark.starts_at,
        "why": {"code": "likely_root", "facts": facts},
    }


def first_root(episode: Episode) -> Json:
    """The root of an incident that holds one alert."""
    return {
        "origin": episode.origin,
        "fingerprint": episode.fingerprint,
        "startsAt": episode.starts_text,
        "at": episode.starts_at,
        "why": {"code": "earliest", "facts": {}},
    }


def named_by_person(incident: Incident) -> bool:
    """Whether a person said which alert is the root: that stands."""
    return incident.root is not None and incident.root["why"]["code"] == "person"
