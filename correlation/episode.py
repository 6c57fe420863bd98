"""A firing as the board holds it, and which of two tellings began later."""

from datetime import datetime

from collectors.alert import Alert, hash_of
from collectors.expression import expression_of
from collectors.labels import packed, unpacked
from collectors.moment import same_to_the_millisecond, written_otherwise
from collectors.wording import words_of
from correlation.incident import Episode, key_of
from correlation.outcome import Round


def is_another(alert: Alert, episode: Episode) -> bool:
    """Two alerts under one fingerprint: a sender that makes up its own."""
    same = hash_of(alert.labels_json, episode.starts_text) == episode.told
    return not same and alert.labels != unpacked(episode.labels)


def later(alert: Alert, episode: Episode) -> bool:
    """Whether it began after this episode did: a pull knows beginnings to the millisecond only."""
    later = bool(alert.starts_text) and alert.starts_at > latest(episode)
    return later and not same_to_the_millisecond(alert.starts_at, latest(episode))


def latest(episode: Episode) -> datetime:
    """The latest start that was told of an episode."""
    return episode.latest_at or episode.starts_at


def new_episode(this: Round, alert: Alert, decision: str) -> Episode:
    """A firing that begins with this alert: neither open nor of any incident yet."""
    key = key_of(alert.origin, alert.fingerprint)
    before = this.board.episodes.get(key)
    labels = alert.labels
    known = this.rules.classifier.knows(labels.get("alertname", ""))
    return Episode(
        previous=before.id if before is not None else 0,
        id=this.board.next_id("alert"),
        key=key,
        starts_at=alert.starts_at,
        starts_written=written_otherwise(alert.starts_text, alert.starts_at),
        labels=packed(labels),
        told=hash_of(alert.labels_json, alert.starts_text),
        open=False,
        decision=decision,
        last_at=this.now,
        expires_at=alert.expires_at,
        level=alert.level,
        expression=expression_of(alert.generator_url),
        words="" if known else words_of(alert.annotations, labels),
    )
