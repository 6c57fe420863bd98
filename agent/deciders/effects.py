"""What follows from an act: ladder, pages and agenda brought into line."""

from agent.deciders.automation import expire
from agent.deciders.escalations import one_level_up
from agent.deciders.links import inform, inform_desk, inform_reporter
from agent.deciders.recoveries import not_over
from agent.deciders.solved import forget_solved, remember_solved
from agent.deciders.storms import storm_seen
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.incident import RECOVERABLE, Incident, State
from correlation.slots import take_keys_again


def on_acknowledged(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    turn.ladder.acknowledged(incident, turn.now, turn.group, intent.actor.id)
    turn.outbox.cancel_seekers(incident.id, turn.now, f"acknowledged by {intent.actor.id}")
    storm_seen(turn, incident)


def on_resolved(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    remember_solved(turn, incident)
    stop(turn, incident, "resolved")
    turn.agenda.look_at(incident.id, turn.desk.leaves_at(incident))


def on_stopped(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    stop(turn, incident, str(incident.state))
    turn.board.let_go(incident)
    turn.agenda.look_at(incident.id, turn.now)


def stop(turn: Turn, incident: Incident, code: str) -> None:
    turn.ladder.stopped(incident, turn.now, turn.group, code)
    turn.outbox.cancel_seekers(incident.id, turn.now, code)
    turn.board.release_slots(incident.id)
    expire(turn, incident)


def on_reopened(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    forget_solved(turn, incident)
    not_over(turn, incident)
    turn.board.take_back(incident)
    take_keys_again(turn.round(), incident)
    turn.ladder.reopen(incident, turn.now, turn.group)


def on_regraded(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """The timetable is planned anew; whoever else than the desk raises it, the desk is told (procedure R59)."""
    raised = incident.severity < incident.targets.get("severity", 0)
    turn.ladder.regrade(incident, turn.group)
    if raised and "desk" not in intent.actor.rights:
        inform_desk(turn, incident, {"severity": incident.severity})


def on_handed_over(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """It goes on by way of the desk: where somebody else hands it over, the desk is told (procedure R13, R64)."""
    if "desk" not in intent.actor.rights:
        inform_desk(turn, incident, {"handed_to": intent.body["to"]})


def on_returned(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """The desk has it again; of what comes back too often the project manager is told (procedure R58)."""
    call(turn, "returned", ["desk"], incident)
    if incident.bounces >= turn.config.escalation.rules.bounces_tell_pm:
        inform(turn, incident, "bounced", ["pm"])


def on_reporter_told(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """Whoever reported it is told that it is out of scope; where Tocsin cannot reach them the desk is to (R49)."""
    if not inform_reporter(turn, incident, "out_of_scope"):
        inform_desk(turn, incident, {"reporter": incident.reporter or ""})


def on_to_sales(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """Sales decides whether it is done for money, and whoever reported it hears of that (procedure R50)."""
    inform(turn, incident, "to_sales", ["sales"])
    inform_reporter(turn, incident, "to_sales")


def on_clocks(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    if _comes_back_from_outside(incident):
        on_reopened(turn, incident, intent)
    rest_again(turn, incident)
    turn.ladder.clocks_moved(incident, turn.group)
    if incident.resume_at is not None:
        turn.agenda.look_at(incident.id, incident.resume_at)


def _comes_back_from_outside(incident: Incident) -> bool:
    """Out of scope it had ended; sales has taken it up all the same."""
    states = [state for _, state in incident.history[-3:]]
    return incident.state is State.NEW and states[:2] == [State.OUT_OF_SCOPE, State.SALES_DECISION]


def rest_again(turn: Turn, incident: Incident) -> None:
    """What fired no more while it waited for somebody is resolved after all, unless it fires again."""
    over = incident.service_restored_at is not None and not incident.open_alerts and incident.resolves_at is None
    if over and incident.state in RECOVERABLE:
        incident.resolves_at = turn.now + turn.rules.states.auto_recovered.stable_for
        turn.agenda.look_at(incident.id, incident.resolves_at)


def on_held(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    turn.outbox.cancel_seekers(incident.id, turn.now, "snoozed")


def call(turn: Turn, step: str, tell: list[str], incident: Incident) -> None:
    turn.ladder.call(incident, step, tell, turn.now, turn.group)
    turn.ladder.refresh(incident, turn.group)


def dispatch(turn: Turn, step: str, tell: list[str], incident: Incident) -> None:
    """Whoever it goes to is paged; what came back unanswered is answered by the clock it was reported with (R58)."""
    call(turn, step, tell, incident)
    turn.ladder.answer_again(incident, turn.now, turn.group)


def on_vendor_called(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """Whoever calls a vendor, the desk is told (procedure R64)."""
    inform_desk(turn, incident, {"vendor": intent.body["vendor"]})


def on_unsatisfied(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """One level up is told, also of what is resolved (procedure R87)."""
    inform(turn, incident, "unsatisfied", one_level_up(turn, incident))


def on_manual(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """One level up, now: the roles of the next management step of the timetable (procedure R92)."""
    call(turn, "manual", one_level_up(turn, incident), incident)


def on_replan(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    incident.config_version = turn.config.version
    turn.ladder.regrade(incident, turn.group)
