"""What holds an alert back: a heartbeat, a silence, a route, an inhibition; and the key to release it by."""

from datetime import datetime

from collectors.labels import Labels
from collectors.moment import moment_text
from correlation.board import Board
from correlation.heartbeat import beat_heard
from correlation.incident import ABOUT, Episode, Incident, Key, Why, fingerprint_of, origin_of
from correlation.inhibit import Held
from correlation.outcome import Round
from correlation.own import ORIGIN
from correlation.silence import Silence, silenced_by


def suppression(this: Round, episode: Episode, labels: Labels) -> tuple[str, Why] | None:
    """What holds an alert back: the key to release it by, and the reason; None: nothing does."""
    if labels.get("alertname") == this.rules.correlation.silent_source.expect_heartbeat:
        beat_heard(this, episode)
        return "", Why("heartbeat", {})
    if this.board.silences:
        silence = silenced_by(labels, this.board.silences.values(), this.now)
        if silence is not None:
            return silence_key(silence.id), silence_why(silence)
    route = this.rules.classifier.told_to_nobody(labels) if episode.origin != ORIGIN else None
    if route is not None:
        return f"route\xff{route}", Why("told_to_nobody", {"route": route})
    inhibited = this.board.inhibitors.inhibited_by(episode.key, labels)
    if inhibited is not None:
        held, cause = inhibited
        facts = {
            "rule": held[0],
            "origin": origin_of(cause),
            "fingerprint": fingerprint_of(cause),
            **_named(this, cause),
        }
        return held_key(held), Why("inhibited", facts)
    return None


def silence_why(silence: Silence) -> Why:
    """That a silence holds something, or a window does."""
    facts = {"silence": silence.id, "until": moment_text(silence.ends_at)}
    if silence.window:
        return Why("in_window", {**facts, "window": silence.window})
    return Why("silenced", {**facts, "by": silence.created_by})


def steps_held(board: Board, incident: Incident, now: datetime) -> tuple[datetime, Why] | None:
    """Until when the steps of an incident wait and why: it is snoozed, or all of it that fires is silenced.

    Where nothing fires any more and it settles, what fired last counts: whoever slept through it sleeps on.
    """
    if incident.held_until is not None and incident.held_until > now:
        return incident.held_until, Why("snoozed", {})
    return silenced(board, incident, now)


def silenced(board: Board, incident: Incident, now: datetime) -> tuple[datetime, Why] | None:
    """Until when all of it that fires is silenced, and by what; of what settles, what fired last."""
    active = [s for s in board.silences.values() if s.active(now)]
    if not active:
        return None
    first: Silence | None = None
    for episode in board.open_members(incident.id) or _settling(board, incident):
        silence = silenced_by(board.labels(episode), active, now)
        if silence is None:
            return None
        if first is None or silence.ends_at < first.ends_at:
            first = silence
    if first is None:
        return None
    settled = incident.resolves_at if not incident.open_alerts else None
    return min(first.ends_at, settled or first.ends_at), silence_why(first)


def _settling(board: Board, incident: Incident) -> list[Episode]:
    """The alerts of an incident of which nothing fires, and that is resolved if it stays so."""
    if incident.resolves_at is None:
        return []
    keys = [mark.key for mark in board.scene.of.get(incident.id, {}).values()]
    return [board.episodes[key] for key in keys if key in board.episodes]


def _named(this: Round, key: Key) -> dict[str, str]:
    """What an alert is called, and the thing that it is about."""
    episode = this.board.episodes.get(key)
    labels = this.board.labels(episode) if episode is not None else {}
    about = next((labels[name] for name in ABOUT if name in labels), "")
    return {"alertname": labels.get("alertname", ""), "about": about}


NOTHING_HOLDS = "nothing"
"""What was suppressed before a restart and is held by nothing now: looked at again at the next settling."""


def silence_key(silence: str) -> str:
    """By what is released when a silence ends."""
    return f"silence\xff{silence}"


def held_key(held: Held) -> str:
    """By what is released when nothing of an inhibition fires any more."""
    return "inhibit\xff" + held[0] + "\xff" + "\xff".join(held[1])
