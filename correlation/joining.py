"""Where a firing belongs: held back, joined to an incident that is open, or the first of its own."""

from collections.abc import Sequence

from collectors.alert import Alert
from collectors.labels import Labels
from correlation.holding import suppression
from correlation.incident import Episode, Incident, Why
from correlation.opening import enter, grade_to, may_relapse, open_incident
from correlation.outcome import Round


def place(
    this: Round, episode: Episode, labels: Labels, alert: Alert | None, *, note: Why | None = None, came_from: int = 0
) -> None:
    """Suppress it, or join it to an incident, or open one for it."""
    held = suppression(this, episode, labels)
    if held is not None:
        reason_key, why = held
        episode.decision = "heartbeat" if why.code == "heartbeat" else "suppressed"
        if episode.decision == "suppressed":
            this.board.suppressed.setdefault(reason_key, set()).add(episode.key)
        this.out.whys[episode.id] = (why, None)
        this.out.decisions["suppressed"] += 1
    else:
        _join_or_open(this, episode, labels, alert, note=note, came_from=came_from)
    this.board.inhibitors.add(episode.key, labels)


def _join_or_open(
    this: Round, episode: Episode, labels: Labels, alert: Alert | None, *, note: Why | None, came_from: int
) -> None:
    keys = [strategy.key(labels) for strategy in this.rules.strategies]
    found, why, rejected = _find_incident(this, labels, keys, came_from)
    verdict = this.rules.classifier.classify(labels, episode.level, this.rules.criticality(labels))
    if found is None:
        incident = open_incident(this, episode, labels, alert, verdict)
        why, episode.decision = Why("first_of_incident", {"rule": verdict.rule}), "opened"
        if note is not None and note.code == "still_fires":
            incident.recurrence_of = note.facts["incident"]
    else:
        incident, episode.decision = found, "joined"
        this.out.count(this.out.joined, incident, labels.get("alertname", ""), why.code)
    if note is not None:
        why = Why(note.code, {**note.facts, "then": why.code, **why.facts})
    this.out.whys[episode.id] = (why, rejected)
    this.out.decisions[episode.decision] += 1
    enter(this, incident, episode, labels)
    if found is not None:
        grade_to(this, incident, verdict, labels)
    for strategy, join_key in zip(this.rules.strategies, keys, strict=True):
        if join_key is not None:
            this.board.slot(f"{strategy.id}\xff{join_key}", this.now, incident.id)


def _find_incident(
    this: Round, labels: Labels, keys: Sequence[str | None], came_from: int
) -> tuple[Incident | None, Why, Why | None]:
    before = this.board.incidents.get(came_from)
    if before is not None and (before.active or may_relapse(this, before)):
        return before, Why("fired_again", {"incident": before.number}), None
    rejected: Why | None = None
    for strategy, join_key in zip(this.rules.strategies, keys, strict=True):
        slot = this.board.slots.get(f"{strategy.id}\xff{join_key}") if join_key is not None else None
        incident = this.board.incidents.get(slot.incident) if slot else None
        if slot is None or incident is None or not incident.active:
            continue
        why = strategy.why(labels)
        if strategy.window is not None and this.now - slot.last_at > strategy.window:
            late = round((this.now - slot.last_at).total_seconds())
            rejected = rejected or Why("window_over", {"incident": incident.number, "late_s": late, **why.facts})
            continue
        return incident, why, rejected
    return None, Why("none"), rejected


def release(this: Round, reason_key: str) -> None:
    """What was suppressed for this reason is looked at again: it opens, joins, or is held for another reason."""
    for key in sorted(this.board.suppressed.pop(reason_key, ())):
        episode = this.board.episodes.get(key)
        if episode is not None and episode.open and episode.decision == "suppressed":
            this.out.changed[episode.id] = episode
            place(this, episode, this.board.labels(episode), None)
