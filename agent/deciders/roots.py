"""A person names the root of an incident: it stands, and the next incidents like it learn of it."""

from typing import Any

from agent.deciders.lessons import keep_lessons
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.incident import Incident, Why, fingerprint_of
from correlation.lessons import kind_of
from correlation.need import Missing
from correlation.root import as_root, likely_root
from correlation.scene import Mark


def find_mark(turn: Turn, incident: Incident, key: str) -> Mark | None:
    """The alert of an incident that this key names: `<fingerprint>@<startsAt>`, or the fingerprint alone."""
    fingerprint, _, starts = key.partition("@")
    for mark in turn.board.scene.of.get(incident.id, {}).values():
        if fingerprint_of(mark.key) == fingerprint and starts in ("", mark.starts_text):
            return mark
    return None


def alert_named(turn: Turn, incident: Incident, key: str) -> dict[str, Any]:
    """The alert that a key names, by its full key and its name. Raises Missing where it is none of the incident's."""
    mark = find_mark(turn, incident, key)
    if mark is None:
        raise Missing(
            ["alert"], f"{incident.number} has no alert {key!r}: write <fingerprint>@<startsAt> of one of its own"
        )
    return {"alert": f"{fingerprint_of(mark.key)}@{mark.starts_text}", "alertname": mark.name}


def on_root_set(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    mark = find_mark(turn, incident, intent.body["alert"])
    likely, _ = likely_root(turn.board.scene, incident.id)
    if mark is None or likely is None:
        return
    by, reason = intent.actor.id, intent.body.get("reason") or ""
    facts = {"by": by, "reason": reason, "instead": likely.name}
    incident.root = as_root(mark, Why("person", facts))
    kinds = {kind_of(m.name) for m in turn.board.scene.of[incident.id].values()}
    if incident.storm is not None:
        return
    learned = turn.board.lessons.root_corrected(
        kind_of(likely.name), kind_of(mark.name), kinds, incident.number, by, turn.now
    )
    keep_lessons(turn, learned)
