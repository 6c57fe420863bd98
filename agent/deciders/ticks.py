"""Time has passed: what has come due, incident by incident."""

from datetime import datetime, timedelta

from agent.deciders.automation import propose_anew, verify
from agent.deciders.correlated import follow
from agent.deciders.customers import warn_customers
from agent.deciders.deeds import do
from agent.deciders.effects import rest_again, stop
from agent.deciders.escalations import await_acknowledgement
from agent.deciders.known_errors import recognise_in_turn
from agent.deciders.pages import reached_nobody
from agent.deciders.recoveries import tell_recovered
from agent.deciders.storms import tell_of_storm
from agent.deciders.untold import look_whether_told
from agent.deciders.watching import look_after
from agent.intents import TimePassed
from agent.turn import AGENT, Turn
from collectors.moment import moment_text
from correlation.correlate import frozen, settle
from correlation.holding import silenced, steps_held
from correlation.incident import PENDING, RECOVERABLE, Incident, State, Why
from correlation.own import ORIGIN
from escalation.escalate import take_due_steps
from escalation.store import Step

_A_MINUTE, _A_MOMENT = timedelta(minutes=1), timedelta(seconds=1)
_AT_ONCE = 500
"""So many incidents are looked at together; where more are due, after an outage, messages and acts come in between."""


def time_passed(turn: Turn, intent: TimePassed) -> None:
    """Do what has come due: what time alone decides, then incident by incident, so many at once."""
    if not intent.only:
        _for_all(turn)
    wanted: list[Incident] = []
    for number in turn.agenda.due(turn.now):
        incident = turn.board.incidents.get(number)
        if incident is None:
            continue
        if number in intent.without:
            turn.agenda.look_at(number, turn.now + _A_MINUTE)
        elif intent.only is None or number in intent.only:
            wanted.append(incident)
        else:
            turn.agenda.look_at(number, turn.now)
    if len(wanted) > _AT_ONCE:
        wanted.sort(key=lambda incident: _in_turn(turn, incident))
    for incident in wanted[:_AT_ONCE]:
        look_at(turn, incident)
    for incident in wanted[_AT_ONCE:]:
        turn.agenda.look_at(incident.id, turn.now)


def _in_turn(turn: Turn, incident: Incident) -> tuple[bool, int]:
    """Where too many are due: what comes due now before what comes late, and the most severe first."""
    due_at = turn.agenda.due_of(incident.id)
    return due_at is None or turn.now - due_at > _A_MINUTE, incident.severity


def _for_all(turn: Turn) -> None:
    """What time alone decides of alerts, silences and configuration items."""
    if turn.desk.items_end_at is not None and turn.desk.items_end_at <= turn.now:
        turn.desk.lay_items(turn.now)
    verify(turn)
    this = turn.round("monitoring")
    settle(this)
    follow(turn, this.out, ORIGIN, turn.now)


def look_at(turn: Turn, incident: Incident) -> None:
    """One incident has come up: resume it, resolve it, take its steps, or let it leave the board."""
    if incident.resume_at is not None and incident.resume_at <= turn.now and incident.state in PENDING:
        incident.move(State.IN_PROGRESS, turn.now)
        turn.tell(incident.id, "resumed", AGENT, {"why": "resume_at"})
        turn.touch(incident)
        rest_again(turn, incident)
        turn.ladder.clocks_moved(incident, turn.group)
    if incident.resolves_at is not None and incident.resolves_at <= turn.now:
        recover(turn, incident)
    if incident.active:
        if recognise_in_turn(turn, incident):
            propose_anew(turn, [incident])
        look_after(turn, incident)
        take_steps(turn, incident)
        tell_of_storm(turn, incident)
        look_after(turn, incident)
        look_whether_told(turn, incident)
    else:
        look_at_ended(turn, incident)


def look_at_ended(turn: Turn, incident: Incident) -> None:
    """What can relapse no more lets go of its alerts, and leaves the board when nobody has to be told any more."""
    leaves = turn.desk.leaves_at(incident)
    if leaves > turn.now:
        turn.agenda.look_at(incident.id, leaves)
        return
    if turn.board.let_go(incident):
        turn.group.incidents[incident.id] = incident
    archives = turn.desk.archives_at(incident)
    if archives is not None and archives > turn.now:
        turn.agenda.look_at(incident.id, archives)
        return
    if archives is not None:
        archive(turn, incident)
    if turn.outbox.has_open(incident.id):
        turn.agenda.look_at(incident.id, turn.now + timedelta(minutes=5))
        return
    turn.board.drop(incident.id)
    turn.outbox.forget(incident.id)
    turn.desk.told_held.pop(incident.id, None)
    turn.desk.looks_whether_told.pop(incident.id, None)


def archive(turn: Turn, incident: Incident) -> None:
    """No review in this pack: after `archive_after` it is final as it stands."""
    incident.final_category = incident.final_category or incident.category
    incident.final_severity = incident.final_severity or incident.severity
    incident.move(State.ARCHIVED, turn.now)
    incident.version += 1
    turn.touch(incident)
    facts = {"final_category": incident.final_category, "final_severity": incident.final_severity}
    turn.tell(incident.id, "archived", AGENT, {**facts, "why": "archive_after"})


def recover(turn: Turn, incident: Incident) -> None:
    """Its alerts have been over for long enough: resolved as of the last one's end."""
    this = turn.round()
    if frozen(this, incident):
        incident.resolves_at = turn.now + turn.rules.states.auto_recovered.stable_for
        turn.agenda.look_at(incident.id, incident.resolves_at)
        turn.group.incidents[incident.id] = incident
        return
    if (
        incident.state not in RECOVERABLE
    ):  # it is not the agent's to resolve: people wait for something, and are told on
        incident.resolves_at = None
        turn.ladder.clocks_moved(incident, turn.group)
        return
    # Whom it has paged could not be read: it waits a moment for that.
    if turn.config.tells_ends and incident.id not in turn.desk.reached:
        turn.agenda.look_at(incident.id, turn.now + _A_MOMENT)
        return
    silence = silenced(turn.board, incident, turn.now)
    incident.rest(turn.now)
    incident.resolves_at = None
    incident.resolved_at = incident.service_restored_at or turn.now
    incident.move(State.RESOLVED, turn.now)
    incident.resolution = {**incident.resolution, "type": "auto_recovered"}
    incident.version += 1
    turn.touch(incident)
    turn.tell(incident.id, "resolved", AGENT, {"type": "auto_recovered", "at": moment_text(incident.resolved_at)})
    stop(turn, incident, "resolved")
    tell_recovered(turn, incident, silence[1] if silence is not None else None)
    turn.agenda.look_at(incident.id, turn.desk.leaves_at(incident))


def due_now(turn: Turn, incident: Incident) -> list[Step]:
    """The pending steps of an incident that are due."""
    return [s for s in turn.agenda.of(incident.id) if s.due_at is not None and s.due_at <= turn.now]


def take_steps(turn: Turn, incident: Incident) -> None:
    """What has come due is taken at once, after an outage with its newest repetition: one page a person and channel."""
    due = due_now(turn, incident)
    if not due:
        return
    held = steps_held(turn.board, incident, turn.now)
    if held is not None:
        hold(turn, incident, *held)
        return
    turn.desk.told_held.pop(incident.id, None)
    behind = {step.id for step in due if turn.ladder.catch_up(step, incident, turn.now, turn.group)}
    due = due_now(turn, incident)
    taken = take_due_steps(due, incident.group, incident.assignee, turn.desk.directory, turn.now)
    did = {step.id: do(turn, incident, step) for step in sorted(due, key=lambda s: (s.due_at or turn.now, s.id))}
    warned: list[str] = []
    for step, outcome, told in taken.outcomes:
        why = {**told, "did": did[step.id]} if did[step.id] else told
        warned = warned or warn_customers(turn, incident, step)
        if warned and "customer" in step.planned.step.tell:
            why = {**why, "told": [*why["told"], *warned], "holes": [r for r in why["holes"] if r != "customer"]}
        late = (turn.now - (step.due_at or turn.now)).total_seconds()
        turn.group.lateness.append(late)
        repeats = step.id not in behind
        turn.ladder.taken(step, outcome, turn.now, why, incident, turn.group, repeats=repeats)
        facts = {"step": step.key, "outcome": outcome, **why, "do": list(step.planned.step.do)}
        turn.tell(incident.id, "step", AGENT, facts)
    await_acknowledgement(turn, incident, [(step, outcome) for step, outcome, _ in taken.outcomes])
    for call in taken.calls:
        turn.outbox.page(incident, call, turn.now, wait=incident.to_rank)
    if any(outcome == "nobody" for _, outcome, _ in taken.outcomes):
        reached_nobody(turn, incident)
    turn.touch(incident)
    turn.ladder.refresh(incident, turn.group)


def hold(turn: Turn, incident: Incident, until: datetime, why: Why) -> None:
    """Its due steps wait; what holds them is told once."""
    turn.agenda.look_at(incident.id, until)
    by = str(why.facts.get("silence", ""))
    if by and turn.desk.told_held.get(incident.id) != by:
        turn.desk.told_held[incident.id] = by
        turn.tell(incident.id, "steps_held", AGENT, {"why": {"code": why.code, "facts": dict(why.facts)}})
