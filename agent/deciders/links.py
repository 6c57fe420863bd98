"""What an incident has to do with: problems, changes, configuration items, known errors, incidents (procedure R97)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from agent.intents import PersonActed
from agent.turn import AGENT, Turn
from collectors.alert import Alert
from collectors.labels import Labels
from correlation.incident import CHANGE, INCIDENT, ITEM, KNOWN_ERROR, PROBLEM, Action, Episode, Incident
from correlation.need import Missing
from escalation.escalate import take_due_steps
from escalation.roles import ASSIGNEE
from knowledge.feedback import HELPED
from knowledge.store import UPSERT_LINK

MOST_ITEMS = 100
"""Configuration items that an incident lists at most: a storm is no inventory."""


def link(turn: Turn, incident: Incident, kind: str, target: str, by: str) -> bool:
    """Link an incident with something; return whether that is new."""
    if (kind, target) in incident.links:
        return False
    incident.links = [*incident.links, (kind, target)]
    turn.group.add(UPSERT_LINK, incident.id, kind, target, turn.now, by)
    turn.group.incidents[incident.id] = incident
    return True


def link_items(turn: Turn, incident: Incident, alerts: Iterable[Labels]) -> None:
    """Link an incident with the configuration items that its alerts are about (procedure R44)."""
    if not turn.desk.register.items:
        return
    known = incident.linked(ITEM)
    for labels in alerts:
        item = turn.desk.register.item_of(labels)
        if item is not None and item not in known and len(known) < MOST_ITEMS:
            known.append(item)
            link(turn, incident, ITEM, item, AGENT)


def check_link(turn: Turn, incident: Incident, kind: str, target: str) -> None:
    """Refuse a link with something that does not exist."""
    known = {
        PROBLEM: lambda: target in turn.desk.casebook.problems,
        CHANGE: lambda: target in turn.desk.casebook.changes,
        ITEM: lambda: target in turn.desk.register.items,
        KNOWN_ERROR: lambda: turn.config.known_errors.get(target) is not None,
        INCIDENT: lambda: target in turn.board.numbers and target != incident.number,
    }
    if kind not in known:
        raise Missing(["kind"], f"{kind!r} is no kind of link: {', '.join(known)}")
    if not known[kind]():
        raise Missing(["target"], f"there is no {kind.replace('_', ' ')} {target!r}")


def on_linked(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    kind, target = intent.body["kind"], intent.body["target"]
    link(turn, incident, kind, target, intent.actor.id)
    if kind == INCIDENT:
        other = turn.incident(target)
        if link(turn, other, INCIDENT, incident.number, intent.actor.id):
            turn.tell(other.id, "linked", intent.actor.id, {"kind": INCIDENT, "target": incident.number})
    if kind == PROBLEM:
        problem = turn.desk.casebook.problem(target)
        if incident.number not in problem.incidents:
            problem.incidents = [*problem.incidents, incident.number]
            problem.version += 1
            turn.keep_problem(problem)


def link_what_helped(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """A known error that helped is one that it has to do with."""
    body = intent.body
    if intent.action is Action.FEEDBACK and body["outcome"] in HELPED:
        link(turn, incident, KNOWN_ERROR, body["known_error"], intent.actor.id)


def inform_desk(turn: Turn, incident: Incident, facts: Mapping[str, Any]) -> None:
    """The desk is told, whatever else it has been told: one type of notice, never dropped (procedure 2.13)."""
    turn.tell(incident.id, "desk_informed", AGENT, facts)
    inform(turn, incident, "desk_informed", ["desk"])


def inform_also(turn: Turn, incident: Incident, groups: Iterable[str]) -> None:
    """The first lines of groups that a route tells besides; they may take it, and are told once."""
    for group in groups:
        inform(turn, incident, "told_besides", ["l1"], group=group)


def inform_groups_of(turn: Turn, arrived: Iterable[tuple[Alert, Episode]]) -> None:
    """An alert that joined another group's incident is told to the group that its route says, once for each incident.

    Else a team would not hear of its own, for somebody else's trouble explains it.
    """
    wanted: dict[tuple[int, str], None] = {}
    for alert, episode in arrived:
        incident = turn.board.incidents.get(episode.incident)
        if episode.decision == "joined" and incident is not None and incident.active:
            verdict = turn.desk.rules.class_of(episode, alert.labels)
            groups = (*verdict.also, verdict.group) if verdict.route else ()
            wanted.update(((incident.id, group), None) for group in groups if group != incident.group)
    for number, group in wanted:
        incident = turn.board.incidents[number]
        called = set(turn.desk.directory.holders("l1", group, turn.now))
        know = {*turn.outbox.paged(number), *turn.desk.directory.holders("l1", incident.group, turn.now)}
        if not called <= know:
            inform_also(turn, incident, [group])


def inform_reporter(turn: Turn, incident: Incident, step: str) -> bool:
    """Tell whoever reported it; return whether they are one of people.yaml who can be reached."""
    person = turn.config.people.get(incident.reporter or "")
    if person is None or not person.contacts:
        return False
    inform(turn, incident, step, [ASSIGNEE], incident.reporter)
    return True


def inform(
    turn: Turn,
    incident: Incident,
    step: str,
    tell: list[str],
    assignee: str | None = None,
    why: Mapping[str, Any] = MappingProxyType({}),
    group: str | None = None,
) -> None:
    """Tell these roles at once, whatever the state of the incident: it asks nobody to take it.

    `assignee` is who stands for that role, if not whoever has the incident; `why` a code with facts of its own;
    `group` whose roles they are, if not those of its own.
    """
    turn.ladder.call(incident, step, tell, turn.now, turn.group, why=why)
    due = max(turn.agenda.of(incident.id), key=lambda s: s.id)
    held_by = assignee or incident.assignee
    taken = take_due_steps([due], group or incident.group, held_by, turn.desk.directory, turn.now)
    for told, outcome, reached in taken.outcomes:
        turn.ladder.taken(told, outcome, turn.now, reached, incident, turn.group)
        turn.tell(incident.id, "step", AGENT, {"step": told.key, "outcome": outcome, **reached, "do": []})
    for call in taken.calls:
        turn.outbox.page(incident, replace(call, seeks_responder=False), turn.now)
    turn.ladder.refresh(incident, turn.group)
    if not incident.active:
        turn.agenda.look_at(incident.id, turn.now)
