"""The register of improvements: what somebody suggests, who decides on it, and what came of it (procedure R33)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from correlation.need import need
from correlation.permission import Actor, Forbidden
from correlation.refusal import Refusal

Json = dict[str, Any]
Body = Mapping[str, Any]


class ImprovementState(StrEnum):
    """`suggested` waits for pm or dept_manager, `accepted` is worked on; the others are ends."""

    SUGGESTED = "suggested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DONE = "done"


class ImprovementAction(StrEnum):
    """What a person may do with a suggestion."""

    ACCEPT = "accept"
    DECLINE = "decline"
    COMPLETE = "complete"


class ImprovementOrigin(StrEnum):
    """Where a suggestion comes from: somebody wrote it, the review of a major incident, an unsatisfied customer."""

    PERSON = "person"
    REVIEW = "review"
    CALLBACK = "callback"


_S, _A = ImprovementState, ImprovementAction
FROM: Mapping[ImprovementAction, frozenset[ImprovementState]] = {
    _A.ACCEPT: frozenset({_S.SUGGESTED}),
    _A.DECLINE: frozenset({_S.SUGGESTED, _S.ACCEPTED}),
    _A.COMPLETE: frozenset({_S.ACCEPTED}),
}
"""The states from which a person may act."""
LEADS: Mapping[ImprovementAction, ImprovementState] = {
    _A.ACCEPT: _S.ACCEPTED,
    _A.DECLINE: _S.DECLINED,
    _A.COMPLETE: _S.DONE,
}
MAY_SUGGEST = frozenset({"desk", "l1", "l2", "pm", "dept_manager", "sales", "ops"})
MAY_DECIDE = frozenset({"pm", "dept_manager"})
"""The register is the project manager's (procedure 2.4)."""


class Improvement(msgspec.Struct, kw_only=True):
    """One suggestion. Moments are aware and UTC."""

    id: int
    number: str
    title: str
    text: str
    about: str = ""
    """What it is about, in words: a figure, a service, a way of working."""
    incident: str | None = None
    origin: ImprovementOrigin = ImprovementOrigin.PERSON
    state: ImprovementState = ImprovementState.SUGGESTED
    version: int = 1
    suggested_by: str
    suggested_at: datetime
    owner: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str = ""
    outcome: str = ""
    """What came of it."""
    ended_at: datetime | None = None
    updated_at: datetime


class IllegalImprovementAction(Refusal):
    """This act is not possible in this state; `allowed` names those that are (409)."""

    def __init__(self, action: ImprovementAction, state: ImprovementState) -> None:
        self.allowed = [str(a) for a, states in FROM.items() if state in states]
        possible = ", ".join(self.allowed) or "nothing"
        super().__init__(f"{action} is not possible while the improvement is {state}; possible: {possible}")


def check_state(action: ImprovementAction, state: ImprovementState) -> None:
    """Raise IllegalImprovementAction where this act is not possible in this state."""
    if state not in FROM[action]:
        raise IllegalImprovementAction(action, state)


def number_of(row_id: int) -> str:
    """The number of an improvement: its place in the register, never reused."""
    return f"IMP-{row_id:04}"


def check(actor: Actor, who: frozenset[str], what: str) -> None:
    """Raise Forbidden unless the actor has one of these roles."""
    if not actor.rights & who:
        named = ", ".join(sorted(who))
        raise Forbidden(f"{what} is for {named}; {actor.id} is {', '.join(sorted(actor.roles)) or 'nothing'}")


def act(improvement: Improvement, action: ImprovementAction, body: Body, actor: Actor, now: datetime) -> Json | None:
    """Carry out one act; return its facts for the record, or None where it changes nothing.

    Raises IllegalImprovementAction (409) or Missing (422), and changes nothing then.
    """
    if LEADS[action] is improvement.state:
        return None
    check_state(action, improvement.state)
    facts = _DO[action](improvement, body)
    if action is not ImprovementAction.COMPLETE:
        improvement.decided_by, improvement.decided_at = actor.id, now
    improvement.state = LEADS[action]
    improvement.version += 1
    improvement.updated_at = now
    improvement.ended_at = now if action is not ImprovementAction.ACCEPT else None
    return facts


def _accept(improvement: Improvement, body: Body) -> Json:
    improvement.owner, improvement.reason = body.get("owner"), body.get("reason") or ""
    return {"owner": improvement.owner or "", "reason": improvement.reason}


def _decline(improvement: Improvement, body: Body) -> Json:
    need(body, "reason")
    improvement.reason = body["reason"]
    return {"reason": improvement.reason}


def _complete(improvement: Improvement, body: Body) -> Json:
    need(body, "note")
    improvement.outcome = body["note"]
    return {"note": improvement.outcome}


_DO: Mapping[ImprovementAction, Callable[[Improvement, Body], Json]] = {
    _A.ACCEPT: _accept,
    _A.DECLINE: _decline,
    _A.COMPLETE: _complete,
}
