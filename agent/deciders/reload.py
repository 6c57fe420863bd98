"""Another configuration is in force, or the wall clock was put right: what waits is counted by it from now on."""

from datetime import datetime

from agent.configuration.config import Config
from agent.deciders.automation import propose_anew
from agent.deciders.known_errors import recognise_all_again
from agent.deciders.silences import wake_held
from agent.group import as_json
from agent.intents import ClockAdopted, ConfigChanged
from agent.turn import AGENT, Turn
from correlation.incident import Incident


def config_changed(turn: Turn, intent: ConfigChanged) -> None:
    was = _by_calendars_changed(turn, intent.config)
    turn.desk.configure(intent.config, turn.now, intent.laid)
    turn.desk.lay_windows(turn.now)
    turn.desk.hold_back_again(turn.now)
    wake_held(turn)
    for incident, due_before in was:
        if turn.ladder.calendar_changed(incident, due_before, turn.group):
            turn.tell(incident.id, "calendar_changed", AGENT, {"calendar": incident.targets["calendar"]})
            turn.touch(incident)
    recognise_all_again(turn)
    propose_anew(turn, [incident for incident in turn.board.incidents.values() if incident.known_errors])
    turn.journal("reload", intent.by, as_json({"version": intent.config.version}))
    turn.audit(intent.by, "reload", {"version": intent.config.version})


def _by_calendars_changed(turn: Turn, config: Config) -> list[tuple[Incident, dict[str, datetime | None]]]:
    """The incidents whose calendar this configuration changes, with the due instants of their steps before it."""
    before, after = turn.config.calendars, config.calendars
    changed = {name for name, calendar in before.items() if after.get(name) != calendar} | after.keys() - before.keys()
    active = (i for i in turn.board.incidents.values() if i.active and i.targets.get("calendar") in changed)
    return [(incident, turn.ladder.due_by_step(incident)) for incident in active]


def clock_adopted(turn: Turn, intent: ClockAdopted) -> None:
    """What falls due in business time is counted anew; each open incident says that its moments were put right."""
    turn.desk.lay_windows(turn.now)
    for incident in list(turn.board.incidents.values()):
        if incident.active:
            turn.ladder.clock_adopted(incident, turn.group)
            turn.tell(incident.id, "clock_adopted", AGENT, {"shift_s": round(intent.shift.total_seconds())})
            turn.touch(incident)
