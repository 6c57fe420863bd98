"""Who holds a role, and whom a step therefore reaches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator

from collectors.rule import Rule, Span
from correlation.calendar import ZoneName
from escalation.oncall import Override, Schedule, on_call
from escalation.sla import Promise

SECOND = "oncall_second"
"""The next person of the schedule: a step may tell it, nobody holds it."""
ASSIGNEE = "assignee"
"""Whoever holds the incident: a step may tell them, it is no role of people.yaml."""
MANAGEMENT = ("pm", "dept_manager", "director", "executive")
OUTSIDE = ("reporter", "customer", "vendor")
"""Roles of people who are not ours: no schedule and no contact of people.yaml reaches them."""
ROLES = (*OUTSIDE, "desk", "l1", "l2", "l1_lead", "l2_lead", *MANAGEMENT, "sales", "ops", "viewer", SECOND)


def _role_to_tell(role: str) -> str:
    return role if role == ASSIGNEE else _one_of(ROLES, role)


def _one_of(roles: Sequence[str], role: str) -> str:
    if role not in roles:
        raise ValueError(f"{role!r} is no role: write one of {', '.join(roles)}")
    return role


def _role_to_hold(role: str) -> str:
    if role == SECOND:
        raise ValueError(f"nobody holds {SECOND}: it is the next person of the schedule of l1")
    if role == ASSIGNEE:
        raise ValueError(f"nobody holds {ASSIGNEE}: it is whoever has the incident")
    return _one_of(ROLES[:-1], role)


ToldRole = Annotated[str, AfterValidator(_role_to_tell)]
HeldRole = Annotated[str, AfterValidator(_role_to_hold)]


Overrides = Mapping[str, Sequence[Override]]
"""By the name of a schedule: what lies over the overrides that the schedule itself holds."""
NO_OVERRIDES: Overrides = MappingProxyType({})
MOST_REACHED = 256
_SECOND_LINE = ("l2", "l2_lead")
_EVERYWHERE = (*MANAGEMENT, "sales", "ops", "viewer")


class Contact(Rule):
    """One way to reach a person: an address `to` of a notifier.

    It is called where the one before it fails; with `after` also so long after that one was told, unless somebody has
    the incident by then. `send_resolved`: whether an incident's recovery is told here too; None: as its notifier says,
    but never by one with `after`, which is there to wake somebody.
    """

    notifier: str
    to: str
    kinds: list[str] = []
    after: Span | None = None
    send_resolved: bool | None = None


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
    ola: Promise | None = None
    """By when it answers and has solved what comes to it, counted from when it came (OLA)."""
    zh: str | None = None
    """What Chinese readers call it."""


def called(group: str, groups: Mapping[str, Group], language: Literal["en", "zh"]) -> str:
    """What a reader calls a group: its Chinese name where it has one, else its id."""
    known = groups.get(group)
    return known.zh if known is not None and known.zh and language == "zh" else group


def teams_of(
    name: str, people: Mapping[str, Person], schedules: Mapping[str, Schedule], one_rota: bool, groups: Iterable[str]
) -> frozenset[str]:
    """Return the groups whose incidents are a person's own: those of people.yaml.

    With `one_rota` whoever stands in a schedule of `role: l1` has that of the schedule too, and each of `groups` that
    nobody is in and no such schedule is for: the rota is called for them.
    """
    own = frozenset(people[name].groups) if name in people else frozenset[str]()
    rotas = [one for one in schedules.values() if one_rota and one.role == "l1"]
    theirs = {one.group for one in rotas if any(name in layer.people for layer in one.layers)}
    if not theirs or name not in people:
        return own
    staffed = {one.group for one in rotas}.union(*(person.groups for person in people.values()))
    return own | theirs | (frozenset(groups) - staffed)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a step reaches: each person once, with the first role told that they hold.

    `holes` are the roles told that nobody holds who has a contact. `by_fallback`: nobody was left, so the people
    of `fallback` stand in, for the first role told.
    """

    people: tuple[tuple[str, str], ...]
    holes: tuple[str, ...] = ()
    by_fallback: bool = False


@dataclass(frozen=True)
class Directory:
    """Who there is and who is on call: read when a step fires, never snapshotted.

    `overrides` are laid over those of the schedules. With `one_rota` whoever is on call stands in for a role of ours
    that nobody holds, whatever the group.
    """

    people: Mapping[str, Person]
    groups: Mapping[str, Group]
    schedules: Mapping[str, Schedule]
    fallback: Sequence[str] = ()
    overrides: Overrides = field(default_factory=dict)
    one_rota: bool = False
    reached: dict[tuple[datetime, str | None, tuple[str, ...]], Reached] = field(default_factory=dict, compare=False)
    """What was asked of late: many incidents come due at one moment."""

    def holders(self, role: str, group: str | None, now: datetime) -> list[str]:
        """Return the ids of those who hold a role for a group at `now`; nobody is an empty list.

        A schedule of the group for the role says who is on call, and if it says nobody, nobody is. Without one,
        everybody of the group with the role holds it, else those who have the role and no group. The second line of
        a group is that of its `l2` group, if that one has any. Management, sales, ops and viewers serve every group
        that has none of its own, and so does the desk; it is the first line of a group of tier `desk`. Whom
        people.yaml does not know is passed over.
        """
        if role in OUTSIDE or role == ASSIGNEE:
            return []
        if role == SECOND:
            return self._on_call(group, "l1", now, place=1) or []
        for team in _teams(role, group, self.groups):
            found = self._on_call(team, role, now)
            if found is None:
                found = [who for who, one in self.people.items() if role in one.roles and team in one.groups] or None
            if found is not None:
                return found
        free = self._serving_every_group(role, now)
        known = self.groups.get(group) if group is not None else None
        if not free and role == "l1" and known is not None and known.tier == "desk":
            return self._serving_every_group("desk", now)
        return free

    def reach(self, tell: Sequence[str], group: str | None, now: datetime) -> Reached:
        """Return whom a step reaches at `now`: those with a contact who hold a role it tells, else `fallback`.

        Customer, vendor and reporter are holes here; a step that tells nobody else goes to the fallback.
        """
        asked = (now, group, tuple(tell))
        found = self.reached.get(asked)
        if found is None:
            if len(self.reached) >= MOST_REACHED:
                self.reached.clear()
            found = self.reached[asked] = self._reach(tell, group, now)
        return found

    def _reach(self, tell: Sequence[str], group: str | None, now: datetime) -> Reached:
        reached: dict[str, str] = {}
        holes: list[str] = []
        for role in dict.fromkeys(tell):
            found = self.holders(role, group, now)
            if self.one_rota and role not in OUTSIDE:
                found = self._by_one_rota(role, group, found, now)
            with_contact = [who for who in found if self.people[who].contacts]
            for who in with_contact:
                reached.setdefault(who, role)
            if not with_contact:
                holes.append(role)
        if reached or not tell:
            return Reached(tuple(reached.items()), tuple(holes))
        ours = next((role for role in tell if role not in OUTSIDE), tell[0])
        stand_in = tuple((who, ours) for who in dict.fromkeys(self.fallback) if who in self.people)
        return Reached(stand_in, tuple(holes), True)

    def _on_call(self, group: str | None, role: str, now: datetime, place: int = 0) -> list[str] | None:
        """Who stands at this place of the schedules of a group (None: of any) for a role; None without a schedule."""
        rotas = [
            [who for who in on_call(schedule, now, self.overrides.get(name, ())) if who in self.people]
            for name, schedule in self.schedules.items()
            if schedule.role == role and (group is None or schedule.group == group)
        ]
        if not rotas:
            return None
        return list(dict.fromkeys(rota[place] for rota in rotas if len(rota) > place))

    def _serving_every_group(self, role: str, now: datetime) -> list[str]:
        everybody = [who for who, person in self.people.items() if role in person.roles]
        free = [who for who in everybody if not self.people[who].groups]
        if role in _EVERYWHERE:
            return everybody
        if role == "desk":  # the one desk of the organisation is a group of its own, and no incident's
            rota = self._on_call(None, role, now)
            return rota if rota is not None else free or everybody
        return free

    def _by_one_rota(self, role: str, group: str | None, found: list[str], now: datetime) -> list[str]:
        """Whoever is on call, where nobody holds the role, or all who have it and belong to no group would be told."""
        no_rota = self._on_call(group, role, now) is None
        everybody = role == "l1" and no_rota and all(not self.people[who].groups for who in found)
        if any(self.people[who].contacts for who in found) and not everybody:
            return found
        return self._on_call(None, "l1", now, place=int(role == SECOND)) or found


def _teams(role: str, group: str | None, groups: Mapping[str, Group]) -> Iterator[str]:
    if group is None:
        return
    beyond = groups[group].l2 if group in groups and role in _SECOND_LINE else None
    if beyond is not None:
        yield beyond
    yield group
