"""Major incidents: declared by severity or by hand, escalated at once, each with its problem (procedure R55, R101)."""

from agent.deciders.links import inform
from agent.deciders.problems import open_problem
from agent.intents import PersonActed
from agent.turn import AGENT, Turn
from correlation import major
from correlation.incident import OPEN, Incident
from knowledge.problem import Origin

_AT_LEAST = ["pm", "dept_manager"]


def look_for_major(turn: Turn, incident: Incident) -> None:
    """An incident of the highest severity is a major one: the timetable escalates it, its problem is opened."""
    if incident.major or incident.state not in OPEN or incident.severity not in turn.config.severity.major:
        return
    facts = major.declare(incident, "severity", AGENT, "", turn.now)
    turn.tell(incident.id, "major_declared", AGENT, facts)
    _begin(turn, incident)


def declare_by_timetable(turn: Turn, incident: Incident, step: str) -> bool:
    """A step of the timetable declares it (`do: [major_incident]`); return whether it was not declared before."""
    if incident.major:
        return False
    turn.tell(incident.id, "major_declared", AGENT, major.declare(incident, "timetable", AGENT, step, turn.now))
    _begin(turn, incident)
    return True


def on_major(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """Declared by hand: those whom the timetable of the highest severity tells at its start are told now."""
    _begin(turn, incident)
    if incident.active:
        inform(turn, incident, "major", first_told(turn))


def first_told(turn: Turn) -> list[str]:
    """The roles that a major incident tells at time zero (procedure R55)."""
    highest = min(turn.config.severity.major, default=1)
    steps = turn.config.escalation.timetable.get(highest, [])
    told = [role for step in steps if step.clock == "created" and not step.at.span for role in step.tell]
    return list(dict.fromkeys(told)) or _AT_LEAST


def _begin(turn: Turn, incident: Incident) -> None:
    if incident.commander is None:
        appointed = major.appoint(incident, _commander(turn, incident), {})
        if appointed:
            turn.tell(incident.id, "commander_named", AGENT, {"roles": appointed})
    turn.touch(incident)
    open_problem(turn, incident, Origin.MAJOR, {"severity": incident.severity})


def _commander(turn: Turn, incident: Incident) -> str | None:
    """Until somebody else is named the project manager commands: the first whom a page to pm would reach now."""
    reached = turn.desk.directory.reach(["pm"], incident.group, turn.now)
    return None if reached.by_fallback else next((person for person, _ in reached.people), None)
