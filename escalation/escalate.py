"""What has come due becomes pages: which step counts, whom it reaches, by which channel."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from escalation.roles import ASSIGNEE, MANAGEMENT, Directory, Reached
from escalation.store import Step
from escalation.timetable import TimetableStep, role_seeks_responder


@dataclass(frozen=True)
class Call:
    """One person to be paged, by their first contact or the one the step names."""

    person: str
    role: str
    notifier: str
    address: str
    rank: int
    seeks_responder: bool
    step: Step
    reason: dict[str, Any]
    supersedes: list[str]


@dataclass(frozen=True)
class Taken:
    """What becomes of the due steps of one incident."""

    calls: list[Call] = field(default_factory=list)
    outcomes: list[tuple[Step, str, dict[str, Any]]] = field(default_factory=list)


def take_due_steps(due: Sequence[Step], group: str, assignee: str | None, directory: Directory, now: datetime) -> Taken:
    """Each due step gets its record; each person gets one page per channel that names the highest step told there.

    A step that reaches nobody goes to the fallback people, and is `nobody` where there are none; one that tells
    nobody is `done`. Where a higher step told everybody whom a lower one would have told, the lower is superseded by
    it (procedure R94).
    """
    taken = Taken()
    called: dict[tuple[str, str], Call] = {}
    for step in sorted(due, key=_height, reverse=True):
        reached = _reached(step, group, assignee, directory, now)
        outcome = "superseded"
        told = []
        for person, role in reached.people:
            call = _call(step, person, role, directory)
            if call is None:
                continue
            told.append(person)
            higher = called.setdefault((person, call.notifier), call)
            if higher is call:
                outcome = "fallback" if reached.by_fallback else "paged"
            elif step.key not in higher.supersedes:
                higher.supersedes.append(step.key)
        why: dict[str, Any] = {"told": told, "holes": list(reached.holes)}
        if not told:
            outcome = "nobody" if step.planned.step.tell else "done"
        taken.outcomes.append((step, outcome, why))
    taken.calls.extend(called.values())
    return taken


_NEVER = datetime.max.replace(tzinfo=UTC)


def _height(step: Step) -> tuple[int, datetime, int]:
    clocks = {"created": 0, "response": 1, "resolution": 2}
    return (clocks.get(step.planned.step.clock, 0), step.due_at or _NEVER, step.id)


def _reached(step: Step, group: str, assignee: str | None, directory: Directory, now: datetime) -> Reached:
    """The people of a step; `assignee` is whoever has the incident, and nobody is the first line of its group."""
    tell = list(step.planned.step.tell)
    if ASSIGNEE not in tell:
        return directory.reach(tell, group, now)
    person = directory.people.get(assignee or "")
    others = [role for role in tell if role != ASSIGNEE]
    if person is None or not person.contacts:
        return directory.reach(others or ["l1"], group, now)
    reached = directory.reach(others, group, now)
    mine = ((assignee or "", ASSIGNEE), *((who, role) for who, role in reached.people if who != assignee))
    return Reached(mine, reached.holes)


def _call(step: Step, person: str, role: str, directory: Directory) -> Call | None:
    contacts = directory.people[person].contacts
    wanted = step.planned.step.channel
    rank = next((i for i, c in enumerate(contacts) if c.notifier == wanted), 0)
    if not contacts:
        return None
    definition = step.planned.step
    return Call(
        person=person,
        role=role,
        notifier=contacts[rank].notifier,
        address=contacts[rank].to,
        rank=rank,
        seeks_responder=definition.clock in ("created", "response")
        and (role == ASSIGNEE or role_seeks_responder(role)),
        step=step,
        reason=reason_of(step),
        supersedes=[],
    )


CALLS = frozenset(
    {
        "manual",
        "assigned",
        "handover",
        "returned",
        "reopened",
        "problem",
        "change",
        "change_decided",
        "major",
        "desk_informed",
        "told_besides",
        "vendor_proposed",
        "unsatisfied",
        "out_of_scope",
        "to_sales",
        "action_failed",
        "bounced",
        "recall_proposed",
        "recalled",
        "preempted",
        "unclassified",
        "out_of_scope_proposed",
        "change_proposed",
    }
)
"""Steps outside the timetable that an act asks for; each is its own reason, however often it is asked for."""


BY_HAND = frozenset({"manual", "unsatisfied"})
"""Calls that take an incident one level up."""


def management_hops(told: Iterable[tuple[TimetableStep, int]]) -> int:
    """How often an incident went up, from its steps that reached somebody (each with its repetition), oldest first.

    A step of the response or the resolution clock that tells management is a hop, and so is what people asked for
    (procedure R14-R17). Being told of a new incident is none, nor is a repetition, unless it reaches a level that
    nothing had reached before.
    """
    hops, reached = 0, set[str]()
    for step, repetition in told:
        if step.clock == "created" and step.id not in BY_HAND:
            continue
        levels = set(step.tell) & set(MANAGEMENT)
        hops += bool(levels and (not repetition or levels - reached or step.id in BY_HAND))
        reached |= levels
    return hops


GROWN = frozenset({"severity_raised", "grew"})
"""Why a step asks anew who had acknowledged."""
REPEATS = frozenset({"repeat", "unacknowledged", "raised_unacknowledged"})
"""Why a page says once more what was said before."""
_OF_THEIR_OWN = frozenset(
    {"breach_expected", "unacknowledged", "raised_unacknowledged", "storm_digest", "storm_over", "action_waits"}
)
"""Why a step comes that the timetable alone would not bring now."""


def reason_of(step: Step) -> dict[str, Any]:
    """Why a step pages, as a code with facts."""
    planned = step.planned
    definition = planned.step
    facts: dict[str, Any] = {"clock": definition.clock, "at": str(definition.at), "step": definition.id}
    if definition.clock == "created" and definition.id in CALLS:
        return {"code": definition.id, "facts": facts}
    own = _OF_THEIR_OWN | GROWN if definition.clock == "created" else _OF_THEIR_OWN
    if step.why.get("code") in own:
        return {"code": step.why["code"], "facts": {**facts, **{k: v for k, v in step.why.items() if k != "code"}}}
    if planned.repetition and definition.id != "relapse":
        return {"code": "repeat", "facts": {**facts, "repetition": planned.repetition}}
    if definition.id == "relapse" or (planned.relapse and definition.clock == "created"):
        return {"code": "relapse", "facts": {**facts, "relapse": planned.relapse}}
    code = {"created": "opened", "response": "response_overdue", "resolution": "resolution_mark"}[definition.clock]
    if code == "resolution_mark" and str(definition.at) == "100%":
        code = "breach"
    return {"code": code, "facts": facts}


def page_key(number: str, step: str, person: str, notifier: str) -> str:
    """The Idempotency-Key: one per step, target and channel, stable for ever."""
    return hashlib.sha256("\x00".join((number, step, person, notifier)).encode()).hexdigest()[:40]
