"""Pages that are about no one incident: a list for a person, told once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from agent.turn import Turn
from collectors.moment import moment_text
from correlation.incident import Incident
from escalation.notice import Notice
from escalation.outbox import Word
from escalation.roles import ASSIGNEE

Lines = list[dict[str, Any]]
MOST_LINES = 50
"""Incidents that one message lists; of the others it says how many there are."""


def line_of(incident: Incident) -> dict[str, Any]:
    """An incident as a list shows it: state and expected action."""
    return {
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "state": str(incident.state),
        "assignee": incident.assignee,
        "next_action": incident.next_action,
        "eta": moment_text(incident.next_action_eta),
        "due_at": moment_text(incident.resolve_due_at),
    }


def tell_by_role(turn: Turn, incidents: Iterable[Incident], role: str) -> dict[str, Lines]:
    """By person, the incidents for whose group they hold a role; `assignee` is whoever has it, else its first line."""
    found: dict[str, Lines] = {}
    reached: dict[tuple[str, str], list[str]] = {}
    for incident in incidents:
        holder = turn.config.people.get(incident.assignee or "") if role == ASSIGNEE else None
        if holder is not None and holder.contacts:
            people = [incident.assignee or ""]
        else:
            asked = ("l1" if role == ASSIGNEE else role, incident.group)
            if asked not in reached:
                told = turn.desk.directory.reach([asked[0]], incident.group, turn.now)
                reached[asked] = [person for person, _ in told.people]
            people = reached[asked]
        for person in people:
            found.setdefault(person, []).append(line_of(incident))
    return found


def notify(
    turn: Turn,
    step: str,
    person: str,
    role: str,
    code: str,
    lines: Sequence[Mapping[str, Any]],
    due_at: datetime,
    facts: Mapping[str, Any],
) -> bool:
    """Promise a page that is about no one incident; return whether the person can be reached at all."""
    found = turn.config.addressees.get(person)
    if found is None or not found.contacts:
        return False
    word = Word(step, person, role, found.contacts[0], code, {**facts, **cut(lines)})
    turn.outbox.notify(word, due_at, turn.now)
    return True


def told_or_not(
    turn: Turn,
    notice: Notice,
    role: str,
    code: str,
    by_person: Mapping[str, Lines],
    facts: Mapping[str, Any] | None = None,
    *,
    even_nothing: bool = False,
) -> None:
    """Page each person once, and give the notice its outcome: sent, nothing (to tell), or nobody (to tell it to)."""
    told = [
        person
        for person, lines in by_person.items()
        if (lines or even_nothing) and notify(turn, notice.key, person, role, code, lines, notice.due_at, facts or {})
    ]
    outcome = "sent" if told else "nobody" if any(by_person.values()) else "nothing"
    turn.desk.notices.close(notice, outcome, turn.now, told=told)


def cut(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Lines as the facts of a page."""
    return {"incidents": list(lines[:MOST_LINES]), "more": max(0, len(lines) - MOST_LINES), "count": len(lines)}
