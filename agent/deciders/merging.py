"""One incident is merged into another: its alerts, its places to join and its severity go over."""

from agent.deciders.correlated import follow
from agent.deciders.lessons import forget_lessons
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.apart import reunited
from correlation.incident import Incident, Why
from correlation.merging import merge
from correlation.opening import name_roots
from correlation.own import ORIGIN


def on_merged(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    this = turn.round(by=intent.actor.id)
    why = Why("merged", {"from": incident.number})
    into, of = turn.incident(intent.body["into"]), turn.board.scene.of
    taken_back = reunited(this, of.get(incident.id, {}).values(), of.get(into.id, {}).values())
    merge(this, incident, into, why, told=True)
    forget_lessons(turn, taken_back)
    name_roots(this)
    follow(turn, this.out, ORIGIN, turn.now)
