"""A person splits alerts off an incident: they become an incident of their own."""

from collections.abc import Sequence

from correlation.incident import INCIDENT, Incident, Why, fingerprint_of
from correlation.merging import hand_over
from correlation.opening import grade_to, open_incident
from correlation.outcome import Round
from correlation.rest import fires_no_more
from correlation.root import first_root
from correlation.scene import Mark
from correlation.slots import move_slots


def split_off(this: Round, incident: Incident, marks: Sequence[Mark]) -> Incident:
    """These alerts, oldest first, open an incident of their own: graded by them, and paged like any other."""
    board, rules, off = this.board, this.rules, {mark.key for mark in marks}
    this.source = incident.source
    new = None
    for mark in marks:
        episode = board.episodes[mark.key]
        labels = board.labels(episode)
        verdict = rules.class_of(episode, labels)
        if new is None:
            new = open_incident(this, episode, labels, None, verdict)
            new.root = first_root(episode)
        grade_to(this, new, verdict, labels)
        kind = (labels.get("alertname", ""), labels.get("severity", ""))
        this.out.fresh_alerts.setdefault(new.id, {}).setdefault(kind, labels)
    assert new is not None, "at least one alert is split off"
    move_slots(this, marks, incident, new)
    for mark in board.scene.of[incident.id].values():
        if mark.parent is not None and (mark.key in off) != (mark.parent in off):
            mark.parent, mark.weight = None, 0.0
            this.out.placed[mark.id] = mark
    hand_over(this, marks, incident, new, Why("split", {"from": incident.number}))
    if not new.open_alerts:
        fires_no_more(this, new, rules.states.auto_recovered.stable_for)
    return new


def already_split(this: Round, incident: Incident, keys: Sequence[str]) -> bool:
    """Whether all of these alerts were split off this incident before."""
    found = set()
    for number in incident.linked(INCIDENT):
        held = this.board.numbers.get(number, 0)
        for mark in this.board.scene.of.get(held, {}).values():
            fingerprint = fingerprint_of(mark.key)
            found |= {fingerprint, f"{fingerprint}@{mark.starts_text}"}
    return found.issuperset(keys)
