"""What is right by itself and wrong together: names of nothing, thresholds of no reading, pages that reach nobody."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from agent.configuration.faults import Fault, Path, fault_at, suggest
from agent.configuration.layers import Layered
from collectors.condition import KNOWN
from collectors.thresholds import JudgedConfig, Thresholds, contradiction
from correlation.calendar import BusinessCalendar, NoBusinessTime
from escalation.coverage import HORIZON
from escalation.roles import OUTSIDE, ROLES, SECOND
from escalation.sla import Target
from escalation.timetable import EscalationPolicy, faults_of

Layers = Mapping[str, Layered]
Pattern = tuple[str, ...]

REFERENCES: tuple[tuple[str, Pattern, str], ...] = (
    ("tocsin.yaml", ("fallback", "*"), "person"),
    ("people.yaml", ("people", "*", "groups", "*"), "group"),
    ("people.yaml", ("people", "*", "contacts", "*", "notifier"), "notifier"),
    ("people.yaml", ("groups", "*", "l2"), "group"),
    ("oncall.yaml", ("schedules", "*", "group"), "group"),
    ("oncall.yaml", ("schedules", "*", "role"), "role"),
    ("oncall.yaml", ("schedules", "*", "layers", "*", "people", "*"), "person"),
    ("oncall.yaml", ("schedules", "*", "overrides", "*", "person"), "person"),
    ("oncall.yaml", ("schedules", "*", "overrides", "*", "replaces"), "person"),
    ("rules.yaml", ("classification", "*", "set", "group"), "group"),
    ("rules.yaml", ("routes", "*", "group"), "group"),
    ("rules.yaml", ("windows", "*", "calendar"), "calendar"),
    ("classification.yaml", ("classification", "routes", "*", "group"), "group"),
    ("topology.yaml", ("configuration_items", "*", "depends_on", "*"), "configuration item"),
    ("tocsin.yaml", ("sources", "*", "acknowledge"), "notifier"),
    ("inspections.yaml", ("inspections", "*", "acknowledge"), "notifier"),
    ("services.yaml", ("customers", "*", "contacts", "*", "notifier"), "notifier"),
    ("services.yaml", ("customers", "*", "calendar"), "calendar"),
    ("services.yaml", ("services", "*", "owner"), "group"),
    ("services.yaml", ("services", "*", "customers", "*"), "customer"),
    ("services.yaml", ("services", "*", "sla", "*", "calendar"), "calendar"),
    ("services.yaml", ("vendors", "*", "calendar"), "calendar"),
    ("services.yaml", ("contracts", "*", "customer"), "customer"),
    ("services.yaml", ("contracts", "*", "sla", "*", "calendar"), "calendar"),
    ("classification.yaml", ("groups", "*", "ola", "calendar"), "calendar"),
    ("people.yaml", ("groups", "*", "ola", "calendar"), "calendar"),
    ("services.yaml", ("contracts", "*", "services", "*"), "service"),
    ("services.yaml", ("contracts", "*", "items", "*"), "configuration item"),
    ("services.yaml", ("contracts", "*", "hours"), "calendar"),
    ("sla.yaml", ("sla", "default", "*", "calendar"), "calendar"),
    ("escalation.yaml", ("escalation", "timetable", "*", "*", "channel"), "notifier"),
    ("classification.yaml", ("groups", "*", "l2"), "group"),
    ("classification.yaml", ("classification", "unclassified", "group"), "group"),
    ("classification.yaml", ("classification", "unclassified", "alarm_to", "*"), "role"),
    ("classification.yaml", ("classification", "rules", "*", "set", "group"), "group"),
)
"""Where a name stands that must be the name of something."""

_ROUTES: tuple[tuple[str, Pattern], ...] = (
    ("rules.yaml", ("routes", "*", "group")),
    ("rules.yaml", ("classification", "*", "set", "group")),
    ("classification.yaml", ("classification", "rules", "*", "set", "group")),
)
_DEFINED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "person": (("people.yaml", "people"),),
    "group": (("classification.yaml", "groups"), ("people.yaml", "groups")),
    "notifier": (("tocsin.yaml", "notifiers"),),
    "calendar": (("calendar.yaml", "calendars"),),
    "configuration item": (("topology.yaml", "configuration_items"),),
    "customer": (("services.yaml", "customers"),),
    "service": (("services.yaml", "services"),),
}
_ALWAYS: Mapping[str, tuple[str, ...]] = {"calendar": ("24x7",), "role": tuple(r for r in ROLES if r != SECOND)}


def references(layers: Layers) -> Iterator[Fault]:
    """Yield a fault for every name that is the name of nothing; silent where the file that defines it is unreadable."""
    known = {kind: _names(layers, kind) for kind in {*_DEFINED, *_ALWAYS}}
    for file, pattern, kind in REFERENCES:
        names = known[kind]
        if names is None or file not in layers:
            continue
        for path, name in _found(layers[file].value, pattern):
            if isinstance(name, str) and name not in names:
                yield fault_at(layers[file].marks, path, f"there is no {kind} {name!r}{suggest(name, names)}")


def _names(layers: Layers, kind: str) -> set[str] | None:
    names = set(_ALWAYS.get(kind, ()))
    for file, key in _DEFINED.get(kind, ()):
        if not layers[file].readable:
            return None
        names.update(str(name) for name in layers[file].section(key))
    return names


def _found(value: Any, pattern: Pattern, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of everything a pattern fits; `*` is any key or any place of a list."""
    if not pattern:
        yield path, value
        return
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inside = value.items() if pattern[0] == "*" else [(k, v) for k, v in value.items() if k == pattern[0]]
    elif isinstance(value, list) and pattern[0] == "*":
        inside = enumerate(value)
    for key, inner in inside:
        yield from _found(inner, pattern[1:], (*path, key))


def calendars(layers: Layers, named: Mapping[str, BusinessCalendar], now: datetime) -> Iterator[tuple[Fault, bool]]:
    """Yield what is wrong with business time from `now` on, and whether it must not be used so.

    A calendar that opens no more is an error: nothing falls due in it. One whose holidays are official for less than
    60 days more is a warning.
    """
    marks = layers["calendar.yaml"].marks
    for name, calendar in named.items():
        try:
            calendar.opening_after(now)
        except NoBusinessTime as error:
            message = f"{error}: write days and hours, or workdays to come"
            yield fault_at(marks, ("calendars", name), message, key=True), True
            continue
        known = calendar.known_until
        if known is not None and known < calendar.local_day(now + HORIZON):
            message = (
                f"its holidays and make-up workdays are official until {known} only: write those that follow in "
                "holidays and workdays, and official_until"
            )
            yield fault_at(marks, ("calendars", name), message, key=True), False


def timetable(
    layers: Layers, policy: EscalationPolicy, targets: Mapping[int, Target] | None
) -> Iterator[tuple[Fault, bool]]:
    """Yield what is wrong with the timetable, and whether it must not be used so.

    `targets` are those of each severity; None: sla.yaml cannot be read, and marks are compared as far as they can be.
    """
    for fault in faults_of(policy, targets):
        yield fault_at(layers["escalation.yaml"].marks, ("escalation", *fault.path), fault.message), fault.is_error


def thresholds(layers: Layers, site: Thresholds, inspections: Mapping[str, Any], pack: Thresholds) -> Iterator[Fault]:
    """Yield a fault for each threshold that is of no reading, or whose levels contradict each other.

    `site` and `pack` are the thresholds of each; `inspections` the configs by name, None where one is faulty: then it
    is not known which keys are read, and none is called unknown.
    """
    layered, written_inspections = layers["thresholds.yaml"], layers["inspections.yaml"]
    names = set(written_inspections.section("inspections")) if written_inspections.readable else None
    all_read = names is not None and all(inspections.get(name) is not None for name in names)
    for written, threshold in site.items():
        inspection, _, key = written.rpartition(".")
        path = ("thresholds", written)
        if inspection and names is not None and inspection not in names:
            message = f"there is no inspection {inspection!r}{suggest(inspection, names)}"
            yield fault_at(layered.marks, path, message, key=True)
        keys = _keys_read(inspections, pack, inspection)
        if key not in keys:
            if all_read:
                yield fault_at(layered.marks, path, f"no inspection reads {key!r}{suggest(key, keys)}", key=True)
        elif wrong := contradiction(key, threshold):
            yield fault_at(layered.marks, path, wrong.removeprefix(f"{key}: "), key=True)


def _keys_read(inspections: Mapping[str, Any], pack: Thresholds, inspection: str) -> set[str]:
    """The keys that have a threshold: known ones, and those that an inspection names or brings thresholds for."""
    named = {name: one for name, one in inspections.items() if inspection in ("", name)}
    own = {key for name, one in named.items() if isinstance(one, JudgedConfig) for key in one.own_thresholds(name)}
    keys = {one.key or name for name, one in named.items() if isinstance(getattr(one, "key", None), str)}
    return {*KNOWN, *pack, *own, *keys}


class Reach:
    """Whom the timetable reaches: what nobody would hear is an error, or a warning where `fallback` hears it."""

    def __init__(
        self,
        layers: Layers,
        people: Mapping[str, Any],
        schedules: Mapping[str, Any],
        fallback: Iterable[str],
        one_rota: bool,
    ) -> None:
        self._layers, self._people, self._schedules = layers, people, schedules
        self._one_rota = one_rota and any(schedule.role == "l1" for schedule in schedules.values())
        self.fallback_reaches = any(people[name].contacts for name in fallback if name in people)

    def faults(self) -> Iterator[Fault]:
        """Yield what is missing: nobody at all, roles nobody holds, people without or with a single channel."""
        if not self._people:
            yield Fault(
                "people.yaml", 1, 1, "", "nobody is written: no page will reach anybody. Write people, and fallback"
            )
            return
        told = list(dict.fromkeys(self._told()))
        if not self._one_rota:
            yield from self._roles(told)
            yield from self._groups()
        yield from self._channels(told)

    def _told(self) -> Iterator[str]:
        """The roles of our people that the timetable tells."""
        timetable = self._layers["escalation.yaml"].value
        for _, role in _found(timetable, ("escalation", "timetable", "*", "*", "tell", "*")):
            if role not in OUTSIDE and role != SECOND:
                yield role

    def _holders(self, role: str) -> set[str]:
        held = {name for name, person in self._people.items() if role in person.roles}
        rotas = [s for s in self._schedules.values() if s.role == role]
        return held | {name for s in rotas for layer in s.layers for name in layer.people if name in self._people}

    def _roles(self, told: Iterable[str]) -> Iterator[Fault]:
        if unheld := ", ".join(role for role in told if not self._holders(role)):
            otherwise = (
                "until then a step that reaches nobody pages fallback" if self.fallback_reaches else "or write fallback"
            )
            message = f"the timetable tells {unheld}, and nobody holds that: add it to the roles of people, {otherwise}"
            yield fault_at(self._layers["people.yaml"].marks, ("people",), message, key=True)

    def _channels(self, told: Iterable[str]) -> Iterator[Fault]:
        marks, notifiers = self._layers["people.yaml"].marks, self._layers["tocsin.yaml"].section("notifiers")
        called = {name for role in told for name in self._holders(role)}
        for name, person in self._people.items():
            channels = {contact.notifier for contact in person.contacts}
            if not channels:
                yield fault_at(marks, ("people", name), f"no page can reach {name}: write contacts", key=True)
            elif len(channels) == 1 and name in called and len(notifiers) > 1:
                message = f"{name} is told by the timetable and has one channel: add a contact of another notifier"
                yield fault_at(marks, ("people", name, "contacts"), message, key=True)
        if len(notifiers) == 1 and called:
            message = (
                "there is one notifier: when it is down, no page goes out. Write a second one, and contacts for it"
            )
            yield fault_at(self._layers["tocsin.yaml"].marks, ("notifiers",), message, key=True)

    def _routed(self) -> list[str]:
        """The groups that alerts can reach, where a route takes all that is left."""
        found: list[str] = []
        for route in self._layers["rules.yaml"].value.get("routes") or []:
            found += [route["group"]] if route.get("pages") is not False else []
            if not route.get("match") and route.get("continue") is not True:
                return found
        return []

    def _groups(self) -> Iterator[Fault]:
        if any(not person.groups and {"l1", "l2"} & set(person.roles) for person in self._people.values()):
            return
        staffed = {group for person in self._people.values() for group in person.groups}
        staffed |= {schedule.group for schedule in self._schedules.values()}
        reached = self._routed() or [
            group for file, pattern in _ROUTES for _, group in _found(self._layers[file].value, pattern)
        ]
        working = [group for group in reached if group not in staffed]
        if working:
            empty = ", ".join(dict.fromkeys(working))
            message = f"alerts go to {empty}, and nobody is in there: add people, or one with role l1 and no group"
            yield fault_at(self._layers["people.yaml"].marks, ("people",), message, key=True)
