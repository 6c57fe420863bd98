"""One incident is merged into another: its alerts, its places to join and its severity go over."""

from agent.deciders.effects import stop
from agent.deciders.intake import follow
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.correlate import Round
from correlation.incident import Episode, Incident, State, Why
from correlation.own import ORIGIN


def on_merged(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    into = turn.incident(intent.body["into"])
    incident.merged_into = into.number
    incident.move(State.CANCELLED, turn.now)
    this = turn.round()
    for episode in turn.board.open_members(incident.id):
        move_episode(turn, this, episode, incident, into)
    for join_key in turn.board.slots_of.get(incident.id, []):
        slot = turn.board.slots.get(join_key)
        if slot is not None and slot.incident == incident.id:
            turn.board.slot(join_key, slot.last_at, into.id)
    if incident.severity < into.severity:
        this.out.tell(into, "severity_raised", was=into.severity, now=incident.severity, merged=incident.number)
        into.severity, into.urgency, into.impact = incident.severity, incident.urgency, incident.impact
        this.out.raised.add(into.id)
    this.out.tell(into, "merged_in", number=incident.number)
    follow(turn, this.out, ORIGIN, turn.now)
    stop(turn, incident, "merged")
    turn.agenda.look_at(incident.id, turn.now)


def move_episode(turn: Turn, this: Round, episode: Episode, old: Incident, new: Incident) -> None:
    turn.board.members.get(old.id, set()).discard(episode.key)
    turn.board.members.setdefault(new.id, set()).add(episode.key)
    episode.incident, episode.decision = new.id, "joined"
    old.open_alerts, new.open_alerts = old.open_alerts - 1, new.open_alerts + 1
    new.alert_count += 1
    new.resolves_at = new.service_restored_at = None
    this.out.changed[episode.id] = episode
    this.out.whys[episode.id] = (Why("merged", {"from": old.number}), None)
    this.out.dirty[new.id] = new
