"""One incident is merged into another: its alerts, its places to join and its severity go over."""

from agent.deciders.intake import follow
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.incident import Incident, Why
from correlation.merging import merge
from correlation.own import ORIGIN


def on_merged(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    this = turn.round(by=intent.actor.id)
    why = Why("merged", {"from": incident.number})
    merge(this, incident, turn.incident(intent.body["into"]), why, told=True)
    follow(turn, this.out, ORIGIN, turn.now)
