"""Alerts become incidents: identity, episode, silence, inhibition, join; each decision with its reason."""

import heapq
from collections.abc import Iterable
from datetime import datetime

import msgspec

from collectors.alert import Alert, hash_of
from collectors.labels import fingerprint
from collectors.moment import moment_text, written_otherwise
from correlation.board import Board
from correlation.ending import count_change, end_episode, end_episodes
from correlation.episode import is_another, later, latest, new_episode
from correlation.heartbeat import beat_heard
from correlation.holding import NOTHING_HOLDS, silence_key, suppression
from correlation.incident import Episode, Why, key_of
from correlation.joining import belongs, place, release
from correlation.opening import grade, name_roots
from correlation.outcome import Outcome, Round, Rules
from correlation.rest import come_to_rest, frozen
from correlation.root import worth_of
from correlation.settle import settle
from correlation.suspect import confirm_suspect, drop_suspect

__all__ = [
    "NOTHING_HOLDS",
    "Outcome",
    "Round",
    "Rules",
    "beat_heard",
    "confirm_suspect",
    "correlate",
    "drop_suspect",
    "end_episodes",
    "frozen",
    "release",
    "settle",
    "silence_key",
    "suppression",
]


def correlate(alerts: Iterable[Alert], board: Board, rules: Rules, now: datetime, source: str = "") -> Outcome:
    """Decide what each alert is, in order, and move the board accordingly.

    `source` is who told it (`monitoring`, `inspection`, …), kept on incidents that it opens.
    """
    this = Round(board, rules, now, source)
    episodes, orphans, touched, duplicates = board.episodes, board.orphans, this.out.touched, 0
    for alert in alerts:
        episode = episodes.get(key_of(alert.origin, alert.fingerprint))
        if (
            episode is not None
            and episode.open
            and alert.ends_at is None
            and hash((alert.labels_json, alert.starts_text)) == episode.told
            and alert.level == episode.level
            and alert.firing
            and alert.expires_at is None
            and episode.decision != "heartbeat"
            and not (orphans and episode.key in orphans)
        ):
            episode.count += 1
            episode.last_at = now
            touched[episode.id] = episode
            duplicates += 1
        else:
            _take(this, alert, episode)
    if duplicates:
        this.out.decisions["duplicate"] += duplicates
    name_roots(this)
    return this.out


def _take(this: Round, alert: Alert, episode: Episode | None) -> None:
    if episode is not None and is_another(alert, episode):
        alert = msgspec.structs.replace(
            alert, fingerprint=fingerprint(alert.labels), repairs=(*alert.repairs, "fingerprint_clash")
        )
        episode = this.board.episodes.get(key_of(alert.origin, alert.fingerprint))
    if not alert.firing:
        _take_resolved(this, alert, episode)
    elif episode is None:
        _begin(this, alert)
    elif episode.open:
        _take_again(this, alert, episode)
    else:
        _take_after_end(this, alert, episode)


def _take_again(this: Round, alert: Alert, episode: Episode) -> None:
    """Firing, while its episode is open."""
    if later(alert, episode):
        # It ended and began again between two messages: the end was never told.
        end_episode(this, episode, alert.starts_at, "", "end_untold")
        _begin(this, alert)
        return
    if episode.key in this.board.orphans:
        _fires_on(this, alert, episode)
        return
    if alert.starts_text and alert.starts_at < episode.starts_at:
        _move_start(this, episode, alert)
    episode.count += 1
    episode.last_at = this.now
    this.out.touched[episode.id] = episode
    this.out.decisions["duplicate"] += 1
    if alert.expires_at is not None:
        _expire_at(this, episode, alert.expires_at)
    if alert.level != episode.level:
        _change_level(this, episode, alert)
    if episode.decision == "heartbeat":
        beat_heard(this, episode)


def _fires_on(this: Round, alert: Alert, episode: Episode) -> None:
    """Its incident was cancelled, archived or resolved, and it is told to fire on: somebody has to hear of it."""
    number = this.board.orphans[episode.key]
    end_episode(this, episode, this.now, "", "incident_over")
    _begin(this, alert, Why("still_fires", {"incident": number}))


def _move_start(this: Round, episode: Episode, alert: Alert) -> None:
    """It has fired for longer than was known; or this is an older firing that comes late, whose end is not its end."""
    episode.latest_at = latest(episode)
    episode.starts_at = alert.starts_at
    episode.starts_written = written_otherwise(alert.starts_text, alert.starts_at)
    episode.told = hash_of(alert.labels_json, alert.starts_text)
    this.out.changed[episode.id] = episode
    incident = this.board.incidents.get(episode.incident)
    if incident is not None:
        incident.occurred_at = min(incident.occurred_at, episode.starts_at)
        mark = this.board.scene.marks.get(episode.key)
        if mark is not None:
            this.board.scene.move_start(mark, episode.starts_at, episode.starts_written)
        this.reroot.add(incident.id)
        this.out.dirty[incident.id] = incident


def _expire_at(this: Round, episode: Episode, at: datetime) -> None:
    if episode.expires_at is None or at < episode.expires_at:
        heapq.heappush(this.board.expiries, (at, episode.key))
    episode.expires_at = at
    this.out.changed[episode.id] = episode


def _change_level(this: Round, episode: Episode, alert: Alert) -> None:
    before, episode.level = episode.level, alert.level
    this.out.changed[episode.id] = episode
    incident = this.board.incidents.get(episode.incident)
    if incident is not None:
        this.out.tell(
            incident, "level_changed", alertname=alert.labels.get("alertname", ""), was=before, now=alert.level
        )
        verdict = grade(this, incident, episode, alert.labels)
        mark = this.board.scene.marks.get(episode.key)
        if mark is not None:
            mark.severity, mark.worth = verdict.severity, worth_of(mark.signal.prior, verdict.severity)
            this.reroot.add(incident.id)


def _take_after_end(this: Round, alert: Alert, ended: Episode) -> None:
    """Firing, though its last episode is over."""
    if later(alert, ended) or not alert.starts_text:
        _begin(this, alert)
        return
    suspect = this.board.suspects.get(ended.key)
    over = this.now - (ended.closed_at or ended.last_at)
    same_start = Why("same_start", {"after_s": round(over.total_seconds())})
    if alert.expires_at is not None and not ended.ends_text:
        # Its end was never told, it was only not told again in time; and now it is.
        _begin(this, alert, same_start)
        return
    asks = this.rules.asks_sender(alert.origin) and alert.origin not in this.board.unanswered
    if over > this.rules.suspect_window(alert.origin) and not asks:
        if suspect is not None:
            confirm_suspect(this, suspect, "seen_again")
        else:
            _begin(this, alert, same_start)
        return
    if suspect is None:
        episode = new_episode(this, alert, "suspect")
        this.board.suspects[ended.key] = episode
        this.out.new.append((alert, episode))
        this.out.whys[episode.id] = (Why("same_start_after_end", {"ended": moment_text(ended.ends_at)}), None)
    else:
        suspect.count += 1
        suspect.last_at = this.now
        this.out.touched[suspect.id] = suspect
    this.out.suspected.add(alert.origin)
    this.out.decisions["suspect"] += 1


def _take_resolved(this: Round, alert: Alert, episode: Episode | None) -> None:
    ends_at = alert.ends_at or this.now
    if episode is None or (not episode.open and later(alert, episode)):
        _end_unheard(this, alert, ends_at)
    elif episode.open and (not alert.starts_text or alert.starts_at >= latest(episode) or ends_at > latest(episode)):
        end_episode(this, episode, max(ends_at, episode.starts_at), alert.ends_text, "resolved")
        this.out.decisions["resolved"] += 1
        if later(alert, episode):
            _end_unheard(this, alert, ends_at)
    else:
        if not episode.open:
            suspect = this.board.suspects.get(episode.key)
            if suspect is not None and (not alert.starts_text or alert.starts_at >= suspect.starts_at):
                drop_suspect(this, suspect, "resolved_again")
            if alert.ends_text and not episode.ends_text:
                # A pull had closed it; now the source says when it really was.
                episode.ends_at, episode.ends_text = ends_at, alert.ends_text
                this.out.changed[episode.id] = episode
                _correct_end(this, episode, ends_at)
        episode.count += 1
        this.out.touched[episode.id] = episode
        this.out.decisions["duplicate"] += 1


def _correct_end(this: Round, episode: Episode, ends_at: datetime) -> None:
    mark, incident = this.board.scene.marks.get(episode.key), this.board.incidents.get(episode.incident)
    if mark is not None and mark.id == episode.id:
        mark.ends_at = ends_at
    if incident is not None and incident.restored_since is not None:
        come_to_rest(this, incident)
        this.out.dirty[incident.id] = incident


def _end_unheard(this: Round, alert: Alert, ends_at: datetime) -> None:
    """The end of a firing that was never told: remembered, so that the firing itself, coming late, is known as over."""
    key = key_of(alert.origin, alert.fingerprint)
    suspect, before = this.board.suspects.get(key), this.board.episodes.get(key)
    if suspect is not None:
        drop_suspect(this, suspect, "resolved_again")
    ended = new_episode(this, alert, "stale")
    ended.ends_at, ended.ends_text, ended.closed_at = ends_at, alert.ends_text, this.now
    why = Why("end_without_start")
    if before is not None:
        ended.incident = before.incident
    elif (found := belongs(this, ended, alert)).incident is not None:
        ended.incident = found.incident.id
        why = Why("end_without_start", {"then": found.why.code, **found.why.facts})
    this.board.bury(ended)
    this.out.new.append((alert, ended))
    this.out.whys[ended.id] = (why, None)
    this.out.decisions["stale"] += 1


def _begin(this: Round, alert: Alert, note: Why | None = None) -> None:
    """A new firing: a new episode."""
    suspect = this.board.suspects.get(key_of(alert.origin, alert.fingerprint))
    if suspect is not None:
        drop_suspect(this, suspect, "fired_anew")
    before = this.board.episodes.get(key_of(alert.origin, alert.fingerprint))
    episode = new_episode(this, alert, "")
    episode.open, came_from = True, 0
    if before is not None:
        came_from = before.incident
        count_change(this, episode.key)
    this.board.hold(episode)
    this.out.new.append((alert, episode))
    place(this, episode, this.board.labels(episode), alert, note=note, came_from=came_from)
