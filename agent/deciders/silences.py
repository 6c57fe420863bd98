"""A silence is made, changed or ended; so is a stretch of a window, and the next one is laid."""

from agent.deciders.correlated import follow
from agent.group import as_json
from agent.intents import SilencePut
from agent.turn import Turn
from correlation.correlate import release, silence_key
from correlation.opening import name_roots
from correlation.own import ORIGIN
from correlation.store import UPSERT_SILENCE, silence_values


def silence_put(turn: Turn, intent: SilencePut) -> None:
    silence = intent.silence
    turn.journal("silence", intent.actor, as_json({"id": silence.id, "by": intent.actor}))
    turn.group.add(UPSERT_SILENCE, *silence_values(silence))
    turn.audit(intent.actor, "silence", {"id": silence.id, "state": silence.state(turn.now)})
    this = turn.round()
    held = turn.board.silences.get(silence.id)
    if held is not None and held.window:
        turn.board.ended_windows.add(silence.id)
        turn.desk.lay_windows(turn.now)
    if silence.ends_at <= turn.now:
        turn.board.silences.pop(silence.id, None)
        release(this, silence_key(silence.id))
        wake_held(turn)
    else:
        turn.board.silences[silence.id] = silence
    name_roots(this)
    follow(turn, this.out, ORIGIN, turn.now)


def wake_held(turn: Turn) -> None:
    for incident in turn.board.incidents.values():
        if turn.agenda.of(incident.id):
            turn.agenda.look_at(incident.id, turn.now)
