"""What concerns no one incident: another configuration, another time, a line for the audit."""

from agent.deciders.automation import propose_anew
from agent.group import as_json
from agent.intents import ClockAdopted, ConfigChanged, Noted, Remembered
from agent.store import UPSERT_META, memory_key
from agent.turn import AGENT, Turn


def config_changed(turn: Turn, intent: ConfigChanged) -> None:
    turn.desk.configure(intent.config, turn.now)
    turn.desk.hold_back_again(turn.now)
    propose_anew(turn, [incident for incident in turn.board.incidents.values() if incident.known_errors])
    turn.journal("reload", intent.by, as_json({"version": intent.config.version}))
    turn.audit(intent.by, "reload", {"version": intent.config.version})


def clock_adopted(turn: Turn, intent: ClockAdopted) -> None:
    """What falls due in business time is counted anew; each open incident says that its moments were put right."""
    for incident in list(turn.board.incidents.values()):
        if incident.active:
            turn.ladder.recounted(incident, turn.group)
            turn.tell(incident.id, "clock_adopted", AGENT, {"shift_s": round(intent.shift.total_seconds())})
            turn.touch(incident)


def remembered(turn: Turn, intent: Remembered) -> None:
    turn.group.add(UPSERT_META, memory_key(intent.inspection), intent.memory)


def noted(turn: Turn, intent: Noted) -> None:
    turn.audit(intent.who, intent.what, intent.facts)
