"""A firing as the board holds it, and which of two tellings began later."""

from datetime import datetime

import msgspec

from collectors.alert import Alert
from collectors.moment import same_to_the_millisecond
from correlation.incident import Episode
from correlation.outcome import Round


def is_another(alert: Alert, episode: Episode) -> bool:
    """Two alerts under one fingerprint: a sender that makes up its own."""
    return alert.labels_json != episode.labels_json and dict(alert.labels) != _decode(episode.labels_json)


def _decode(labels_json: bytes) -> dict[str, str]:
    return msgspec.json.decode(labels_json, type=dict[str, str])


def later(alert: Alert, episode: Episode) -> bool:
    """Whether it began after this episode did: a pull knows beginnings to the millisecond only."""
    later = bool(alert.starts_text) and alert.starts_at > latest(episode)
    return later and not same_to_the_millisecond(alert.starts_at, latest(episode))


def latest(episode: Episode) -> datetime:
    """The latest start that was told of an episode."""
    return episode.latest_at or episode.starts_at


def new_episode(this: Round, alert: Alert, decision: str) -> Episode:
    before = this.board.episodes.get((alert.origin, alert.fingerprint))
    return Episode(
        previous=before.id if before is not None else 0,
        id=this.board.next_id("alert"),
        origin=alert.origin,
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        starts_text=alert.starts_text,
        labels_json=alert.labels_json,
        open=False,
        decision=decision,
        last_at=this.now,
        expires_at=alert.expires_at,
        level=alert.level,
    )
