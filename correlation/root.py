"""Which alert of an incident is likely its root: by class, reach, earliness, severity and rarity; with its reasons."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from correlation.incident import Episode, Incident, Json, Key, Why, fingerprint_of, key_of, origin_of
from correlation.lessons import Lessons, kind_of
from correlation.scene import Mark, Scene

_REACH, _EARLY, _RARE, _EXPLAINED, _SEVERE = 0.3, 0.1, 0.05, 0.5, 0.05
"""How much it counts that others came of it, that it was the first, that its name is rare; that it came of another;
and that it is of the highest severity."""
_LOWEST = 4
"""The lowest severity."""
RANKED = 300
"""Alerts of an incident that are compared, the first that came: a storm costs no more."""
BY_PEOPLE = frozenset({"person", "root_as_taught"})
"""The reasons of roots that people have named, of this incident or of those like it."""
_JITTER = timedelta(minutes=2)
"""Starts closer than this are told apart by the pace of scraping, not by cause."""


def likely_root(scene: Scene, incident: int) -> tuple[Mark | None, Json]:
    """The likely root among an incident's alerts, and the facts that make it so."""
    members = scene.of.get(incident, {})
    if not members:
        return None, {}
    if len(members) > RANKED:
        members = dict(islice(members.items(), RANKED))
    marks, names, earliest = list(members.values()), dict[str, int](), None
    for mark in marks:
        names[mark.name] = names.get(mark.name, 0) + 1
        if earliest is None or mark.began_at < earliest:
            earliest = mark.began_at
    assert earliest is not None
    reach, soon = _reach(members), earliest + _JITTER
    per_effect, best, most, second = _REACH / max(len(marks) - 1, 1), marks[0], -1.0, -1.0
    for mark in marks:
        score = mark.worth + _RARE / names[mark.name]
        if mark.parent is not None:
            score -= _EXPLAINED
        if mark.key in reach:
            score += per_effect * reach[mark.key]
        if mark.began_at < soon:
            score += _EARLY * (1 - (mark.began_at - earliest) / _JITTER)
        if score > most or (score == most and (mark.starts_at, mark.id) < (best.starts_at, best.id)):
            best, most, second = mark, score, most
        elif score > second:
            second = score
    scene.leads[incident] = (most - second, earliest)
    return best, _facts(best, reach.get(best.key, 0), len(marks), names[best.name], earliest)


def _facts(mark: Mark, reach: int, members: int, same: int, earliest: datetime) -> Json:
    facts: dict[str, Any] = {"signal": mark.signal.id, "severity": mark.severity}
    if members > 1:
        after_s = round((mark.began_at - earliest).total_seconds())
        facts |= {"reach": reach, "of": members - 1, "after_s": after_s, "same_name": same}
    if mark.began_at < mark.starts_at:
        facts["for_s"] = round((mark.starts_at - mark.began_at).total_seconds())
    return facts


@lru_cache(maxsize=1000)
def worth_of(prior: float, severity: int) -> float:
    """What speaks for an alert as a root before the others are looked at: its class, and its severity."""
    return prior + _SEVERE * (_LOWEST - severity) / (_LOWEST - 1)


def counts_for_root(scene: Scene, incident: Incident, mark: Mark) -> bool:
    """Whether an alert that came in leaves the root what it is, which is then counted; else it is to be chosen anew.

    It came of the root, and is of no likelier kind: all that the root may lose is that it was early, and rare.
    """
    held, known = incident.root, scene.leads.get(incident.id)
    if held is None or known is None or mark.parent != key_of(held["origin"], held["fingerprint"]):
        return False
    root, facts, of = scene.marks.get(mark.parent), held["why"]["facts"], len(scene.of[incident.id]) - 1
    if root is None or root.parent is not None or root.incident != incident.id:
        return False
    if held["why"]["code"] != "likely_root" or of != facts.get("of", 0) + 1 or mark.worth > root.worth:
        return False
    (lead, earliest), same = known, facts.get("same_name", 1)
    if mark.name == root.name:
        lead, same = lead - _RARE / (same * (same + 1)), same + 1
    if mark.began_at < earliest:
        lead, earliest = lead - _EARLY, mark.began_at
    if lead <= 0:
        return False
    scene.leads[incident.id] = (min(lead, _EXPLAINED - _EARLY - _RARE), earliest)
    after_s = round((root.began_at - earliest).total_seconds())
    counted = {**facts, "reach": facts.get("reach", 0) + 1, "of": of, "after_s": after_s, "same_name": same}
    incident.root = {**held, "why": {"code": "likely_root", "facts": counted}}
    return True


def _reach(members: Mapping[Key, Mark]) -> Mapping[Key, int]:
    """How many of them came of each, directly or not."""
    reach: dict[Key, int] = {}
    for mark in members.values():
        parent = mark.parent
        if parent is None or parent not in members:
            continue
        reach[parent] = reach.get(parent, 0) + 1
        above = members[parent].parent
        if above is None or above not in members:
            continue
        seen = {mark.key, parent}
        while above is not None and above in members and above not in seen:
            reach[above] = reach.get(above, 0) + 1
            seen.add(above)
            above = members[above].parent
    return reach


def as_meant(scene: Scene, incident: int, likely: Mark, lessons: Lessons) -> tuple[Mark, Why] | None:
    """The root that people have named in incidents like this one, where they meant another than the likely one."""
    marks = list(islice(scene.of.get(incident, {}).values(), RANKED))
    lesson = lessons.meant_instead(kind_of(likely.name), {kind_of(mark.name) for mark in marks})
    if lesson is None:
        return None
    meant = [mark for mark in marks if kind_of(mark.name) == lesson.other]
    mark = max(meant, key=lambda m: (m.parent is None, m.worth, -m.began_at.timestamp(), -m.id))
    last = next(incident for incident, held in reversed(lesson.said) if held)
    facts = {"times": lesson.times, "incident": last, "by": lesson.by, "instead": likely.name}
    return mark, Why("root_as_taught", facts)


def as_root(mark: Mark, why: Why) -> Json:
    """The root as an incident stores it, with its reason."""
    return {
        "origin": origin_of(mark.key),
        "fingerprint": fingerprint_of(mark.key),
        "startsAt": mark.starts_text,
        "at": mark.starts_at,
        "why": {"code": why.code, "facts": why.facts},
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


def root_told(root: Json | None, *, storm: bool, lasts: bool) -> Json | None:
    """The root as people are told of it. Of a storm there is none while it lasts, and later only one that explains
    others; what people named, or taught, is told in any case."""
    if root is None or not storm or root["why"]["code"] in BY_PEOPLE:
        return root
    return root if not lasts and root["why"]["facts"].get("reach") else None


def named_by_person(incident: Incident) -> bool:
    """Whether a person said which alert is the root: that stands."""
    return incident.root is not None and incident.root["why"]["code"] == "person"
