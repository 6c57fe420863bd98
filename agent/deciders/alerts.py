"""Alerts that arrived, that an inspection found, and what an origin's Alertmanagers show."""

from typing import Any

from agent.deciders.correlated import follow, take_in
from agent.deciders.letters import bury_letter, tell_of_letter
from agent.deciders.mails import mail_arrived
from agent.group import as_json
from agent.intents import AlertsArrived, AlertsFound, Pulled
from agent.turn import Turn
from collectors.alert import Alert
from collectors.moment import moment_text, same_to_the_millisecond
from correlation.board import Board
from correlation.correlate import Round, beat_heard, confirm_suspect, drop_suspect, end_episodes
from correlation.incident import key_of
from correlation.opening import name_roots
from correlation.own import ORIGIN


def alerts_arrived(turn: Turn, intent: AlertsArrived) -> None:
    if not intent.part:
        turn.journal(f"webhook/{intent.type}", intent.source, intent.body)
    if intent.parsed.mail is not None:
        mail_arrived(turn, intent, intent.parsed.mail)
        return
    source = turn.config.sources.get(intent.source)
    kind = "monitoring" if source is None or source.type != "generic" else "generic"
    take_in(turn, intent.parsed.alerts, kind, intent.source, intent.received_at)
    for rejected in intent.parsed.rejected:
        bury_letter(turn, intent.source, rejected.reason, rejected.body)
    if intent.parsed.rejected:
        tell_of_letter(turn, intent.source, intent.parsed.rejected[0].reason)


def alerts_found(turn: Turn, intent: AlertsFound) -> None:
    turn.journal(intent.kind, "", as_json([_as_plain(a) for a in intent.alerts]))
    take_in(turn, intent.alerts, intent.kind, ORIGIN)


def pulled(turn: Turn, intent: Pulled) -> None:
    """What the origin's Alertmanagers say: settles suspects, closes hidden ends, finds what was cut off."""
    board = turn.board
    if not intent.answered:
        board.unanswered.add(intent.origin)
        return
    board.unanswered.discard(intent.origin)
    this = Round(board, turn.rules, turn.now, "monitoring")
    active = {a.fingerprint: a for a in intent.alerts}
    for suspect in [s for s in board.suspects.values() if s.origin == intent.origin]:
        shown = active.get(suspect.fingerprint)
        if shown is not None and same_to_the_millisecond(shown.starts_at, suspect.starts_at):
            confirm_suspect(this, suspect, "pulled")
        elif intent.complete:
            drop_suspect(this, suspect, "not_active_at_source")
    for shown in intent.alerts:
        episode = board.episodes.get(key_of(shown.origin, shown.fingerprint))
        if episode is not None and episode.open and episode.decision == "heartbeat":
            beat_heard(this, episode)
    absent = (board.episodes.get(key_of(intent.origin, mark)) for mark in sorted(intent.gone))
    over = [e for e in absent if e is not None and e.open and (intent.since is None or e.last_at >= intent.since)]
    end_episodes(this, over, "not_active_at_source")
    missed = [a for a in intent.alerts if a.fingerprint in intent.ours and is_missed(board, a)]
    if this.out.changed or missed:
        turn.journal("pulled", intent.source, as_json([_as_plain(a) for a in intent.alerts]))
    name_roots(this)
    follow(turn, this.out, intent.source, turn.now)
    if missed:
        take_in(turn, missed, "monitoring", intent.source)


def is_missed(board: Board, alert: Alert) -> bool:
    """Active at its source, and never told to us: not at all, or not this firing of it."""
    known = board.episodes.get(key_of(alert.origin, alert.fingerprint))
    if known is None or known.open:
        return known is None
    return alert.starts_at > known.starts_at and not same_to_the_millisecond(alert.starts_at, known.starts_at)


def _as_plain(alert: Alert) -> dict[str, Any]:
    """An alert of our own making, as the journal keeps it."""
    return {
        "origin": alert.origin,
        "fingerprint": alert.fingerprint,
        "status": str(alert.status),
        "startsAt": moment_text(alert.starts_at),
        "endsAt": moment_text(alert.ends_at),
        "expiresAt": moment_text(alert.expires_at),
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "level": alert.level,
    }
