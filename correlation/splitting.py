"""A person splits alerts off an incident: they become an incident of their own."""

from collections.abc import Mapping, Sequence

from correlation.incident import INCIDENT, Incident, Why, fingerprint_of
from correlation.merging import hand_over
from correlation.opening import grade_to, open_incident, title_of
from correlation.outcome import Round
from correlation.rest import fires_no_more
from correlation.root import first_root
from correlation.scene import Mark
from correlation.slots import move_slots


def split_off(this: Round, incident: Incident, marks: Sequence[Mark], summaries: Mapping[int, str]) -> Incident:
    """These alerts, oldest first, open an incident of their own: graded by them, and paged like any other.

    `summaries` is what their senders call them, by the id of the firing. The incident that they leave is called by the
    oldest of those that are left where it was called by one of these.
    """
    board, rules, off = this.board, this.rules, {mark.key for mark in marks}
    this.source = incident.source
    new = None
    for mark in marks:
        episode = board.episodes[mark.key]
        labels = board.labels(episode)
        verdict = rules.class_of(episode, labels)
        if new is None:
            new = open_incident(this, episode, labels, summaries.get(mark.id, ""), verdict)
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
    _call_anew(this, incident, marks, summaries)
    if not new.open_alerts:
        fires_no_more(this, new, rules.states.auto_recovered.stable_for)
    return new


def _call_anew(this: Round, incident: Incident, gone: Sequence[Mark], summaries: Mapping[int, str]) -> None:
    """A title that a person wrote, that of a storm, and that of an alert that is left, all stay."""
    if incident.title not in {title for mark in gone for title in _titles_by(this, mark, summaries)}:
        return
    left = sorted(this.board.scene.of[incident.id].values(), key=lambda mark: (mark.starts_at, mark.id))
    titles = [title for mark in left for title in _titles_by(this, mark, summaries)]
    if titles and incident.title not in titles:
        this.out.tell(incident, "renamed", was=incident.title, title=titles[0])
        incident.title = titles[0]


def _titles_by(this: Round, mark: Mark, summaries: Mapping[int, str]) -> list[str]:
    """What an incident is called that this alert opened: by its summary, and where that was not at hand."""
    episode = this.board.episodes.get(mark.key)
    if episode is None:
        return []
    labels = this.board.labels(episode)
    return [title_of(labels, summaries.get(mark.id, "")), title_of(labels, "")]


def already_split(this: Round, incident: Incident, keys: Sequence[str]) -> bool:
    """Whether all of these alerts were split off this incident before."""
    found = set()
    for number in incident.linked(INCIDENT):
        held = this.board.numbers.get(number, 0)
        for mark in this.board.scene.of.get(held, {}).values():
            fingerprint = fingerprint_of(mark.key)
            found |= {fingerprint, f"{fingerprint}@{mark.starts_text}"}
    return found.issuperset(keys)
