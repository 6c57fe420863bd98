"""Who holds a role, and whom a step therefore reaches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from collectors.rule import Rule
from correlation.calendar import ZoneName
from escalation.oncall import Override, Schedule, on_call

SECOND = "oncall_second"
"""The next person of the schedule: a step may tell it, nobody holds it."""
MANAGEMENT = ("pm", "dept_manager", "director", "executive")
OUTSIDE = ("reporter", "customer", "vendor")
"""Roles of people who are not ours: no schedule and no contact of people.yaml reaches them."""
ROLES = (*OUTSIDE, "desk", "l1", "l2", "l1_lead", "l2_lead", *MANAGEMENT, "sales", "ops", "viewer", SECOND)


def _role_to_tell(role: str) -> str:
    if role not in ROLES:
        raise ValueError(f"{role!r} is no role: write one of {', '.join(ROLES)}")
    return role


def _role_to_hold(role: str) -> str:
    if role == SECOND:
        raise ValueError(f"nobody holds {SECOND}: it is the next person of the schedule of l1")
    return _role_to_tell(role)


ToldRole = Annotated[str, AfterValidator(_role_to_tell)]
HeldRole = Annotated[str, AfterValidator(_role_to_hold)]


class Contact(Rule):
    """One way to reach a person: an address `to` of a notifier; `kinds` limits it to these kinds of message."""

    notifier: str
    to: str
    kinds: list[str] = []


class Person(Rule):
    """One of people.yaml. Whoever has a role and no group serves every group that has nobody of its own."""

    name: str
    roles: list[HeldRole] = []
    groups: list[str] = []
    language: Literal["en", "zh"] = "en"
    contacts: list[Contact] = []
    time_zone: ZoneName | None = None


class Group(Rule):
    """A team: its tier, the group its second line comes from, and the vendors it calls (procedure 4.5)."""

    tier: Literal["desk", "l1", "l2", "vendor"] = "l1"
    l2: str | None = None
    vendors: list[str] = []
    zh: str | None = None
