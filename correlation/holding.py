"""What holds an alert back: a heartbeat, a silence, an inhibition; and the key to release it by."""

from collectors.labels import Labels
from collectors.moment import moment_text
from correlation.heartbeat import beat_heard
from correlation.incident import ABOUT, Episode, Key, Why
from correlation.inhibit import Held
from correlation.outcome import Round
from correlation.silence import silenced_by


def suppression(this: Round, episode: Episode, labels: Labels) -> tuple[str, Why] | None:
    """What holds an alert back: the key to release it by, and the reason; None: nothing does."""
    if labels.get("alertname") == this.rules.correlation.silent_source.expect_heartbeat:
        beat_heard(this, episode)
        return "", Why("heartbeat", {})
    if this.board.silences:
        silence = silenced_by(labels, this.board.silences.values(), this.now)
        if silence is not None:
            facts = {"silence": silence.id, "by": silence.created_by, "until": moment_text(silence.ends_at)}
            return silence_key(silence.id), Why("silenced", facts)
    inhibited = this.board.inhibitors.inhibited_by(episode.key, labels)
    if inhibited is not None:
        held, (origin, mark) = inhibited
        facts = {"rule": held[0], "origin": origin, "fingerprint": mark, **_named(this, (origin, mark))}
        return held_key(held), Why("inhibited", facts)
    return None


def _named(this: Round, key: Key) -> dict[str, str]:
    """What an alert is called, and the thing that it is about."""
    episode = this.board.episodes.get(key)
    labels = this.board.labels(episode) if episode is not None else {}
    about = next((labels[name] for name in ABOUT if name in labels), "")
    return {"alertname": labels.get("alertname", ""), "about": about}


NOTHING_HOLDS = "nothing"
"""What was suppressed before a restart and is held by nothing now: looked at again at the next settling."""


def silence_key(silence: str) -> str:
    return f"silence\xff{silence}"


def held_key(held: Held) -> str:
    return "inhibit\xff" + held[0] + "\xff" + "\xff".join(held[1])
