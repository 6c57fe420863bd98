"""Who may do what with an incident: the matrix of procedure 2.12 as one table."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from correlation.incident import Action, Incident, State
from correlation.refusal import Refusal

A, OWN = "any", "own"
_WORKERS = {"l1": OWN, "l2": OWN, "vendor": OWN}
_DESK_PM = {"desk": A, "pm": A}
_A = Action
WHO_MAY: Mapping[Action, Mapping[str, str]] = {
    _A.ACKNOWLEDGE: {**_DESK_PM, **_WORKERS},
    _A.ASSIGN: _DESK_PM,
    _A.RETURN: _WORKERS,
    _A.HANDOVER: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.NOTE: {**_DESK_PM, **_WORKERS, "reporter": OWN, "customer": OWN},
    _A.SUSPEND: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.RESUME: {**_DESK_PM, **_WORKERS},
    _A.SNOOZE: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.RESOLVE: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.ACCEPT: {**_DESK_PM, "l1": OWN, "l2": OWN, "reporter": OWN, "customer": OWN},
    _A.ARCHIVE: {"pm": A},
    _A.REJECT: {"pm": A, "desk": A, "reporter": OWN, "customer": OWN},
    _A.CANCEL: _DESK_PM,
    _A.ESCALATE: {
        **_DESK_PM,
        "l1": A,
        "l2": A,
        "dept_manager": A,
        "reporter": OWN,
        "customer": OWN,
    },
    _A.SET_SEVERITY: {**_DESK_PM, "dept_manager": A, "l1": OWN, "l2": OWN},
    _A.CLASSIFY: _DESK_PM,
    _A.MERGE: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.FEEDBACK: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.OUT_OF_SCOPE: _DESK_PM,
    _A.TO_SALES: {"desk": A},
    _A.SALES_DECIDE: {"sales": A},
    _A.REPLAN: {"pm": A},
    _A.LINK: {**_DESK_PM, "dept_manager": A, "l1": OWN, "l2": OWN},
    _A.RAISE_CHANGE: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.CONFIRM_RULE: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.DECLARE_MAJOR: {**_DESK_PM, "dept_manager": A, "l1": OWN, "l2": OWN},
    _A.BRIEF: {**_DESK_PM, "dept_manager": A, "l1": OWN, "l2": OWN},
    _A.REVIEW: {"pm": A, "dept_manager": A},
    _A.CALL_VENDOR: {**_DESK_PM, "dept_manager": A, "l1": OWN, "l2": OWN},
    _A.CALLBACK: _DESK_PM,
    _A.SPLIT: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.CONFIRM: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.SET_ROOT: {**_DESK_PM, "l1": OWN, "l2": OWN},
    _A.RECALL: {**_DESK_PM, "dept_manager": A},
}

RIGHTS_OF: Mapping[str, str] = {
    "director": "dept_manager",
    "executive": "dept_manager",
    "l1_lead": "l1",
    "l2_lead": "l2",
}
"""Roles of the timetable that have the rights of another."""
OUTSIDERS = frozenset({"customer", "vendor", "reporter"})


@dataclass(frozen=True)
class Actor:
    """Who acts: a person with roles and groups, over which channel."""

    id: str
    roles: frozenset[str]
    groups: frozenset[str] = frozenset()

    @property
    def rights(self) -> set[str]:
        return {RIGHTS_OF.get(role, role) for role in self.roles}

    @property
    def outside(self) -> bool:
        """A customer's or a vendor's token: sees only its own."""
        return bool(self.roles) and self.roles <= OUTSIDERS


class Forbidden(Refusal):
    """The actor may not do this; the text names the roles that may."""


def owns(actor: Actor, incident: Incident, paged: Collection[str], *, shared: bool = False) -> bool:
    """Whether an incident is the actor's own.

    Assigned to them, to a group of theirs with nobody assigned, or they were paged for it; with `shared` also
    what a member of their group holds.
    """
    if actor.id in (incident.assignee, incident.reporter) or actor.id in paged:
        return True
    return incident.group in actor.groups and (shared or incident.assignee is None)


def check(actor: Actor, action: Action, incident: Incident, paged: Collection[str]) -> None:
    """Raise Forbidden unless the actor may do this to this incident."""
    who = WHO_MAY[action]
    rights = actor.rights
    if action is Action.REJECT and incident.state is State.PENDING_REVIEW:
        who = {"pm": A}
    if any(who.get(role) == A for role in rights):
        return
    shared = action in (Action.ACKNOWLEDGE, Action.NOTE)
    if any(who.get(role) == OWN for role in rights) and owns(actor, incident, paged, shared=shared):
        return
    if action is Action.ACKNOWLEDGE and actor.id in paged:
        return
    told = f"{action} may be done by {_named(who)}; {actor.id} is {', '.join(sorted(actor.roles)) or 'nothing'}"
    if any(who.get(role) == OWN for role in rights):
        told += f", and {incident.number} is not theirs: {_with_whom(actor, incident)}"
    raise Forbidden(told)


def _with_whom(actor: Actor, incident: Incident) -> str:
    if incident.group in actor.groups:
        return f"{incident.assignee} has it"
    return f"it is with the group {incident.group}" + (f", {incident.assignee} has it" if incident.assignee else "")


def check_may_escalate(actor: Actor, who: Collection[str]) -> None:
    """Raise Forbidden unless the timetable lets the actor ask for an escalation (`manual.who`, procedure R92)."""
    if not (actor.roles | actor.rights) & set(who):
        raise Forbidden(f"escalate may be done by {', '.join(who)} here; {actor.id} is none of these")


def check_lowering(actor: Actor, action: Action, incident: Incident, body: Mapping[str, Any]) -> None:
    """Raise Forbidden where somebody else than the project manager would lower the severity (procedure R60)."""
    wanted = body.get("severity") if action is Action.SET_SEVERITY else None
    if isinstance(wanted, int) and wanted > incident.severity and "pm" not in actor.roles:
        raise Forbidden(f"only pm may lower a severity; it is {incident.severity} and stays so (procedure R60)")


def check_on_behalf(actor: Actor) -> None:
    """Raise Forbidden unless the actor may act for somebody else (`on_behalf_of` is for desk)."""
    if "desk" not in actor.rights:
        raise Forbidden(f"on_behalf_of is for desk; {actor.id} is {', '.join(sorted(actor.roles)) or 'nothing'}")


def _named(who: Mapping[str, str]) -> str:
    return ", ".join(role if how == A else f"{role} (own incidents)" for role, how in who.items())
