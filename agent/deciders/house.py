"""What concerns no incident: another configuration, a line for the audit."""

from agent.group import as_json
from agent.intents import ConfigChanged, Noted
from agent.turn import Turn


def config_changed(turn: Turn, intent: ConfigChanged) -> None:
    turn.desk.configure(intent.config, turn.now)
    turn.desk.hold_back_again(turn.now)
    turn.journal("reload", intent.by, as_json({"version": intent.config.version}))
    turn.audit(intent.by, "reload", {"version": intent.config.version})


def noted(turn: Turn, intent: Noted) -> None:
    turn.audit(intent.who, intent.what, intent.facts)
