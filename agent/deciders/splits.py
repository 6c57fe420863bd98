"""A person says that a grouping is right, or splits alerts off it: both are learned."""

from collections.abc import Sequence
from typing import Any

from agent.deciders.correlated import follow
from agent.deciders.known_errors import let_go_of_unfit
from agent.deciders.lessons import keep_lessons
from agent.deciders.links import link, link_items
from agent.deciders.roots import find_mark
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.apart import learned_apart
from correlation.incident import INCIDENT, Incident
from correlation.need import Missing
from correlation.opening import name_roots
from correlation.own import ORIGIN
from correlation.splitting import already_split, split_off
from correlation.together import learn_confirmed, learn_split


def alerts_named(turn: Turn, incident: Incident, keys: Sequence[str]) -> dict[str, Any]:
    """The names of the alerts to be split `off`, none where they have been. Raises Missing where that cannot be."""
    if already_split(turn.round(), incident, keys):
        return {"off": []}
    marks = {key: find_mark(turn, incident, key) for key in keys}
    unknown = [key for key, mark in marks.items() if mark is None]
    if unknown:
        raise Missing(["alerts"], f"{incident.number} has no alert {unknown[0]!r}: write <fingerprint>@<startsAt>")
    if len({mark.key for mark in marks.values() if mark}) == len(turn.board.scene.of[incident.id]):
        raise Missing(["alerts"], f"these are all alerts of {incident.number}: leave at least one in it")
    return {"off": [mark.name for mark in marks.values() if mark]}


def on_split(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    by = intent.actor.id
    found = {mark.key: mark for key in intent.body["alerts"] if (mark := find_mark(turn, incident, key))}
    marks = sorted(found.values(), key=lambda mark: (mark.starts_at, mark.id))
    left = [mark for key, mark in turn.board.scene.of[incident.id].items() if key not in found]
    this = turn.round(by=by)
    learn_split(this, marks, left, incident, by)
    keep_lessons(turn, list(learned_apart(this, marks, left, incident.number, by)))
    was = incident.title
    new = split_off(this, incident, marks, turn.desk.summaries)
    this.out.tell(new, "split_from", number=incident.number)
    name_roots(this)
    follow(turn, this.out, ORIGIN, turn.now)
    let_go_of_unfit(turn, incident, renamed=incident.title != was)
    turn.tell(incident.id, "linked", by, {"kind": INCIDENT, "target": new.number})
    link(turn, incident, INCIDENT, new.number, by)
    link(turn, new, INCIDENT, incident.number, by)
    link_items(turn, new, (turn.board.labels(turn.board.episodes[mark.key]) for mark in marks))


def on_confirmed(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    this = turn.round(by=intent.actor.id)
    learn_confirmed(this, incident, intent.actor.id)
    follow(turn, this.out, ORIGIN, turn.now)
