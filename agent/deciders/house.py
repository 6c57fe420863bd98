"""What concerns no incident: another configuration, a line for the audit, rows past their retention."""

from datetime import timedelta

from agent.group import as_json
from agent.intents import ConfigChanged, Noted, OldRowsDue
from agent.store import (
    FORGET_ALERTS,
    FORGET_ANSWERS,
    FORGET_EPISODES,
    FORGET_JOURNAL,
    FORGET_JOURNAL_THROUGH,
    FORGET_LETTERS,
)
from agent.turn import Turn


def config_changed(turn: Turn, intent: ConfigChanged) -> None:
    turn.desk.configure(intent.config, turn.now)
    turn.desk.hold_back_again(turn.now)
    turn.journal("reload", intent.by, as_json({"version": intent.config.version}))
    turn.audit(intent.by, "reload", {"version": intent.config.version})


def noted(turn: Turn, intent: Noted) -> None:
    turn.audit(intent.who, intent.what, intent.facts)


def old_rows(turn: Turn, intent: OldRowsDue) -> None:
    """Forget what is older than the retention says; incidents and their timelines stay."""
    keep = turn.config.retention
    turn.group.add(FORGET_JOURNAL, turn.now - keep.journal)
    if intent.journal_through:
        turn.group.add(FORGET_JOURNAL_THROUGH, intent.journal_through)
    turn.group.add(FORGET_LETTERS, turn.now - keep.dead_letters)
    turn.group.add(FORGET_ANSWERS, turn.now - timedelta(hours=24))
    turn.group.add(FORGET_ALERTS, turn.now - keep.touches)
    turn.group.add(FORGET_EPISODES, turn.now - keep.touches)
