"""Problems are opened, proposed and worked on (procedure R66, R76, R99-R102)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from agent.deciders.links import inform, link
from agent.group import as_json
from agent.intents import PersonActed, ProblemActed, ProblemOpened
from agent.turn import AGENT, Turn
from correlation.incident import PROBLEM, Action, Incident
from correlation.need import Missing
from correlation.permission import Forbidden
from knowledge.past import alert_of
from knowledge.problem import (
    MAY_CREATE,
    MOST_LISTED,
    Origin,
    Problem,
    ProblemAction,
    ProblemState,
    Repeated,
    Seen,
    act,
    after_resolve,
    check,
    number_of,
    repeated,
)
from knowledge.store import UPSERT_LINK

_ADDRESSED = ["pm", "dept_manager"]
"""To whom a proposal goes (procedure R66)."""
_UNCOUNTED = ("", "unclassified")


# by people


def problem_opened(turn: Turn, intent: ProblemOpened) -> Problem:
    """A person opens a problem; it names its incidents."""
    body, actor = intent.body, intent.actor
    if not actor.rights & MAY_CREATE:
        raise Forbidden(f"a problem is opened by {', '.join(sorted(MAY_CREATE))}; {actor.id} is none of these")
    incidents = [turn.incident(number) for number in dict.fromkeys(body.get("incidents") or ())]
    _check_person(turn, body.get("owner"))
    turn.journal("problem", actor.id, as_json(dict(body)))
    problem = _create(turn, body["title"], ProblemState.OPEN, Origin.PERSON, "", {}, incidents, actor.id)
    problem.owner = body.get("owner")
    turn.audit(actor.id, "problem", {"problem": problem.number, "state": str(problem.state)})
    return problem


def problem_acted(turn: Turn, intent: ProblemActed) -> Problem:
    """A person acts on a problem. Raises what refuses it."""
    problem = turn.desk.casebook.problem(intent.number)
    check(intent.actor, intent.action)
    body = intent.body
    _check_person(turn, body.get("owner"))
    fresh = [turn.incident(number) for number in body.get("incidents") or ()]
    facts = act(problem, intent.action, body, turn.now)
    if facts is None:
        return problem
    turn.journal("problem", intent.actor.id, as_json({"number": problem.number, "action": intent.action, "body": body}))
    turn.keep_problem(problem)
    for incident in fresh if intent.action is ProblemAction.LINK else ():
        link(turn, incident, PROBLEM, problem.number, intent.actor.id)
    for incident in _on_board(turn, problem):
        told = {"problem": problem.number, "state": str(problem.state), **facts}
        turn.tell(incident.id, "problem_acted", intent.actor.id, told)
    turn.audit(intent.actor.id, "problem", {"problem": problem.number, "act": str(intent.action), **facts})
    if problem.ended:
        turn.desk.casebook.settle(problem)
    return problem


def _check_person(turn: Turn, person: str | None) -> None:
    if person and person not in turn.config.people:
        raise Missing(["owner"], f"there is no person {person!r} in people.yaml")


def _on_board(turn: Turn, problem: Problem) -> list[Incident]:
    held = (turn.board.numbers.get(number) for number in problem.incidents)
    return [turn.board.incidents[i] for i in held if i is not None]


# by the agent


def open_problem(turn: Turn, incident: Incident, origin: Origin, facts: dict[str, Any]) -> bool:
    """An incident gets its problem without anyone asking; a proposal that it has is taken up (procedure R101).

    Returns whether there was none open before.
    """
    for number in incident.linked(PROBLEM):
        held = turn.desk.casebook.problems.get(number)
        if held is None or held.state is not ProblemState.PROPOSED:
            return False
        act(held, ProblemAction.OPEN, {}, turn.now)
        held.origin, held.facts = origin, {**held.facts, **facts}
        turn.keep_problem(held)
        turn.tell(incident.id, "problem_opened", AGENT, {"problem": number, "origin": str(origin)})
        return True
    problem = _of_incident(turn, incident, ProblemState.OPEN, origin, facts)
    turn.tell(incident.id, "problem_opened", AGENT, {"problem": problem.number, "origin": str(origin)})
    return True


def propose_problem(turn: Turn, incident: Incident, origin: Origin, facts: dict[str, Any]) -> None:
    """A problem is proposed to pm and dept_manager, unless the incident has one (procedure R66)."""
    if incident.linked(PROBLEM):
        return
    problem = _of_incident(turn, incident, ProblemState.PROPOSED, origin, facts)
    turn.tell(incident.id, "problem_proposed", AGENT, {"problem": problem.number, "origin": str(origin), **facts})
    inform(turn, incident, "problem", _ADDRESSED)


def _of_incident(turn: Turn, incident: Incident, state: ProblemState, origin: Origin, facts: dict[str, Any]) -> Problem:
    about = f"incident:{incident.number}"
    incident.version += 1
    turn.touch(incident)
    return _create(turn, incident.title, state, origin, about, facts, [incident], AGENT)


def _create(
    turn: Turn,
    title: str,
    state: ProblemState,
    origin: Origin,
    about: str,
    facts: dict[str, Any],
    incidents: Sequence[Incident],
    by: str,
) -> Problem:
    row = turn.board.next_id("problem")
    number = number_of(row)
    problem = Problem(
        id=row,
        number=number,
        title=title,
        state=state,
        origin=origin,
        facts=facts,
        about=about or f"problem:{number}",
        incidents=[incident.number for incident in incidents],
        opened_by=by,
        opened_at=turn.now,
        updated_at=turn.now,
    )
    turn.keep_problem(problem)
    for incident in incidents:
        link(turn, incident, PROBLEM, number, by)
        if by != AGENT:
            turn.tell(incident.id, "problem_opened", by, {"problem": number, "origin": str(origin)})
    return problem


def after_act(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """Solved without its cause: pm and dept_manager decide whether to look for it (procedure R66, R99, R100)."""
    if intent.action is Action.RESOLVE:
        origin = after_resolve(intent.body)
        if origin is not None and turn.config.problems.unsolved:
            propose_problem(turn, incident, origin, {})


def count(turn: Turn, incident: Incident) -> None:
    """Count an incident that has opened: one alert again and again, or many of a category, propose a problem (R102)."""
    if incident.source == "self":
        return
    book, policy = turn.desk.casebook, turn.config.problems
    fresh = seen_of(incident.id, incident.number, incident.opened_at, incident.root, incident.category)
    book.count(fresh, turn.now - policy.longest)
    _note_recurrence(turn, incident, fresh)
    for found in repeated(fresh, book.alike, policy, book.settled, turn.now):
        _propose_repeated(turn, incident, found)


def _note_recurrence(turn: Turn, incident: Incident, fresh: Seen) -> None:
    """What began with the same alert and is over is what this one repeats (procedure 2.13, reading 3)."""
    if incident.recurrence_of is not None or not fresh.alert:
        return
    before = [s for about in fresh.abouts[:1] for s in turn.desk.casebook.alike(about) if s.id != fresh.id]
    held = turn.board.incidents.get(before[-1].id) if before else None
    if before and (held is None or not held.active):
        incident.recurrence_of = before[-1].number


def _propose_repeated(turn: Turn, incident: Incident, found: Repeated) -> None:
    """One problem for all of them; while it is there, a later one is added to it."""
    problem = turn.desk.casebook.open_about(found.about)
    if problem is not None:
        known = incident.number in problem.incidents or not link(turn, incident, PROBLEM, problem.number, AGENT)
        if not known and len(problem.incidents) < MOST_LISTED:  # a storm of them is linked, and not listed
            problem.incidents = [*problem.incidents, incident.number]
            turn.keep_problem(problem)
        return
    state = ProblemState.PROPOSED
    problem = _create(turn, incident.title, state, found.origin, found.about, found.facts, [incident], AGENT)
    problem.incidents = [seen.number for seen in found.incidents]
    for seen in found.incidents:
        held = turn.board.incidents.get(seen.id)
        if held is not None:
            link(turn, held, PROBLEM, problem.number, AGENT)
        else:
            turn.group.add(UPSERT_LINK, seen.id, PROBLEM, problem.number, turn.now, AGENT)
    turn.keep_problem(problem)
    told = {"problem": problem.number, "origin": str(found.origin), **found.facts}
    turn.tell(incident.id, "problem_proposed", AGENT, told)
    inform(turn, incident, "problem", _ADDRESSED)


def seen_of(row: int, number: str, opened_at: datetime, root: Any, category: str) -> Seen:
    """An incident as the counting remembers it; `root` is the alert it began with, or None."""
    return Seen(row, number, opened_at, alert_of(root), "" if category in _UNCOUNTED else category)
