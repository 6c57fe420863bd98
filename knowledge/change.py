"""Requests for change raised from incidents: risk, plan, back-out, and who approves (procedure R69, R70, R104)."""

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


class ChangeState(StrEnum):
    """`requested` waits for pm or dept_manager; `approved` is carried out; the others are ends."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    DONE = "done"
    BACKED_OUT = "backed_out"


class ChangeAction(StrEnum):
    """What a person may do with a request for change."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    COMPLETE = "complete"
    BACK_OUT = "back-out"


_S, _A = ChangeState, ChangeAction
OPEN = frozenset({_S.REQUESTED, _S.APPROVED})
FROM: Mapping[ChangeAction, frozenset[ChangeState]] = {
    _A.APPROVE: frozenset({_S.REQUESTED}),
    _A.REFUSE: frozenset({_S.REQUESTED}),
    _A.WITHDRAW: OPEN,
    _A.COMPLETE: frozenset({_S.APPROVED}),
    _A.BACK_OUT: frozenset({_S.APPROVED}),
}
"""The states from which a person may act."""
LEADS: Mapping[ChangeAction, ChangeState] = {
    _A.APPROVE: _S.APPROVED,
    _A.REFUSE: _S.REFUSED,
    _A.WITHDRAW: _S.WITHDRAWN,
    _A.COMPLETE: _S.DONE,
    _A.BACK_OUT: _S.BACKED_OUT,
}

_RAISERS = frozenset({"desk", "l1", "l2", "pm"})
_APPROVERS = frozenset({"pm", "dept_manager"})
MAY_RAISE = _RAISERS
"""Who may raise a request for change: procedure 2.12 (of an incident, l1 and l2 of their own)."""
WHO_MAY: Mapping[ChangeAction, frozenset[str]] = {
    _A.APPROVE: _APPROVERS,
    _A.REFUSE: _APPROVERS,
    _A.WITHDRAW: _RAISERS,
    _A.COMPLETE: _RAISERS,
    _A.BACK_OUT: _RAISERS,
}


class Change(msgspec.Struct, kw_only=True):
    """One request for change. Moments are aware and UTC."""

    id: int
    number: str
    title: str
    risk: str
    plan: str
    back_out: str
    state: ChangeState = ChangeState.REQUESTED
    version: int = 1
    incident: str | None = None
    """The incident that it was raised from."""
    problem: str | None = None
    author: str
    approver: str | None = None
    """Who approved or refused it."""
    reason: str = ""
    outcome: str = ""
    """What came of it: the note of `complete` or `back-out`."""
    raised_at: datetime
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime

    @property
    def ended(self) -> bool:
        return self.state not in OPEN


class IllegalChangeAction(Refusal):
    """This act is not possible in this state; `allowed` names those that are (409)."""

    def __init__(self, action: ChangeAction, state: ChangeState) -> None:
        self.allowed = [str(a) for a, states in FROM.items() if state in states]
        super().__init__(f"{action} is not possible while the change is {state}; possible: {', '.join(self.allowed)}")


def check_state(action: ChangeAction, state: ChangeState) -> None:
    """Raise IllegalChangeAction where this act is not possible in this state."""
    if state not in FROM[action]:
        raise IllegalChangeAction(action, state)


def number_of(row_id: int) -> str:
    """The number of a change: its place in the order of changes, never reused."""
    return f"CHG-{row_id:04}"


def check(actor: Actor, action: ChangeAction, change: Change) -> None:
    """Raise Forbidden unless the actor may do this; nobody decides on their own request."""
    who = WHO_MAY[action]
    if not actor.rights & who:
        raise Forbidden(
            f"{action} of a change is for {', '.join(sorted(who))}; "
            f"{actor.id} is {', '.join(sorted(actor.roles)) or 'nothing'}"
        )
    if action is ChangeAction.APPROVE and actor.id == change.author:
        others = ", ".join(sorted(who))
        raise Forbidden(f"{change.number} was raised by {actor.id}: another of {others} must approve it")
    if action is ChangeAction.WITHDRAW and actor.id != change.author and not actor.rights & _APPROVERS:
        raise Forbidden(f"{change.number} is withdrawn by {change.author} or pm; {actor.id} is neither")


def act(change: Change, action: ChangeAction, body: Body, actor: Actor, now: datetime) -> Json | None:
    """Carry out one act; return its facts for the record, or None where it changes nothing.

    Raises IllegalChangeAction (409) or Missing (422), and changes nothing then.
    """
    if LEADS[action] is change.state:
        return None
    check_state(action, change.state)
    facts = _DO[action](change, body, actor, now)
    change.state = LEADS[action]
    change.version += 1
    change.updated_at = now
    change.ended_at = now if change.ended else None
    return facts


def _approve(change: Change, body: Body, actor: Actor, now: datetime) -> Json:
    change.approver, change.decided_at = actor.id, now
    change.reason = body.get("reason") or ""
    return {"reason": change.reason}


def _refuse(change: Change, body: Body, actor: Actor, now: datetime) -> Json:
    need(body, "reason")
    return _approve(change, body, actor, now)


def _withdraw(change: Change, body: Body, actor: Actor, now: datetime) -> Json:
    need(body, "reason")
    change.reason = body["reason"]
    return {"reason": change.reason}


def _end(change: Change, body: Body, actor: Actor, now: datetime) -> Json:
    need(body, "note")
    change.outcome = body["note"]
    return {"note": change.outcome}


_DO: Mapping[ChangeAction, Callable[[Change, Body, Actor, datetime], Json]] = {
    _A.APPROVE: _approve,
    _A.REFUSE: _refuse,
    _A.WITHDRAW: _withdraw,
    _A.COMPLETE: _end,
    _A.BACK_OUT: _end,
}
