"""Who is on call: rotations that step in local time, layers over them, overrides over those."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, AliasChoices, AwareDatetime, Field, model_validator

from collectors.rule import Rule, Span
from correlation.calendar import DAYS, Day, ZoneName, first_instant, parse_hours, parse_zone

_FIRST_MONDAY = date(2024, 1, 1)
_HANDOVER = re.compile(r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?([01]?\d|2[0-3]):([0-5]\d)")


def _readable_handover(text: str) -> str:
    if _HANDOVER.fullmatch(text) is None:
        raise ValueError(f'{text!r} is no handover: write "Mon 09:00" or "09:00"')
    return text


def _readable_hours(text: str) -> str:
    parse_hours(text, overnight=True)
    return text


class ShiftHours(Rule):
    """A shift of the day (procedure S2.2): its hours by the wall, and how many people it needs at every moment.

    `20:00-08:00` ends on the next morning; with `days` it is kept only on those days (on which its hours begin).
    """

    hours: Annotated[str, AfterValidator(_readable_hours)]
    days: list[Day] | None = Field(default=None, min_length=1)
    min_staff: int = Field(default=1, ge=0)


class Layer(Rule):
    """A rotation: its people take turns of `every`, changing at `handover` by the clock of its zone.

    The first of `people` has the turn that begins with the first `handover` on or after `start` (by default
    Monday, 2024-01-01). With `hours` (`20:00-08:00` ends on the next morning) or `days` (on which those hours
    begin) it holds only then; with `shift`, in the hours of that shift of its schedule. It holds from the local day
    `effective_from` to the end of the day `effective_until`. `on_duty` of its people are there together, the first
    of them is paged. `time_zone` is that of the schedule where none is written: so a rota follows the sun.
    """

    people: list[str] = Field(min_length=1)
    every: Annotated[Span, Field(ge=timedelta(seconds=1))]
    handover: Annotated[str, AfterValidator(_readable_handover)] = "Mon 09:00"
    start: date | None = None
    hours: Annotated[str, AfterValidator(_readable_hours)] | None = None
    days: list[Day] | None = Field(default=None, min_length=1)
    shift: str | None = None
    on_duty: int = Field(default=1, ge=1)
    time_zone: ZoneName | None = None
    effective_from: date | None = None
    effective_until: date | None = None

    @model_validator(mode="after")
    def _in_itself(self) -> Self:
        if self.shift is not None and (self.hours is not None or self.days is not None):
            raise ValueError("write shift, or hours and days: the shift has its own hours")
        if self.effective_from and self.effective_until and self.effective_until < self.effective_from:
            raise ValueError("effective_until lies before effective_from: the layer would never hold")
        if self.on_duty > len(set(self.people)):
            raise ValueError(f"on_duty is {self.on_duty}, and there are {len(set(self.people))} people: add some")
        return self


class Override(Rule):
    """From `from` until `until`, `person` stands in: for `replaces` wherever it stands, else for whoever is first.

    Without `until` it holds until it is ended.
    """

    person: str
    from_at: AwareDatetime = Field(validation_alias=AliasChoices("from", "from_at"), serialization_alias="from")
    until: AwareDatetime | None = None
    replaces: str | None = None

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.until is not None and self.until <= self.from_at:
            raise ValueError("an override ends after it begins: until is not later than from")
        return self

    def holds(self, at: datetime) -> bool:
        """Whether it holds at this moment."""
        return self.from_at <= at and (self.until is None or at < self.until)


class Schedule(Rule):
    """Who is on call for a role of a group. Where several layers hold, the last one written is on top."""

    group: str
    role: str = "l1"
    time_zone: ZoneName
    layers: list[Layer] = []
    shifts: dict[str, ShiftHours] = {}
    overrides: list[Override] = []

    @model_validator(mode="after")
    def _shifts_there_are(self) -> Self:
        for layer in self.layers:
            if layer.shift is not None and layer.shift not in self.shifts:
                known = ", ".join(self.shifts) or "none is written"
                raise ValueError(
                    f"a layer names the shift {layer.shift!r}, and there is none: write it in shifts ({known})"
                )
        return self

    @cached_property
    def rotations(self) -> tuple[Layer, ...]:
        """The layers with the hours of their shifts and the zone of the schedule filled in."""
        return tuple(self._filled(layer) for layer in self.layers)

    def _filled(self, layer: Layer) -> Layer:
        filled: dict[str, object] = {"time_zone": layer.time_zone or self.time_zone}
        if layer.shift is not None:
            filled |= {"hours": self.shifts[layer.shift].hours, "days": self.shifts[layer.shift].days}
        return layer.model_copy(update=filled)


class Shift(NamedTuple):
    """A stretch of time and who is first on call in it; `person` is None where nobody is."""

    from_at: datetime
    until: datetime
    person: str | None


class Thin(NamedTuple):
    """A stretch in which a shift has fewer people than its `min_staff`."""

    shift: str
    from_at: datetime
    until: datetime
    has: int
    needs: int


def on_call(schedule: Schedule, now: datetime, overrides: Iterable[Override] = ()) -> list[str]:
    """Return who is on call, first the one to page, then those who come next; nobody is an empty list.

    After the people of the topmost layer that holds come those of the layers beneath it; of layers that are kept in
    shifts only those on duty, and the others last. `overrides` are laid over those of the schedule; of several, the
    last one wins.
    """
    people: list[str] = []
    off_duty: list[str] = []
    for layer in reversed(schedule.rotations):
        if _holds(layer, now):
            turn = _in_turn(layer, now)
            people += turn if layer.shift is None else turn[: layer.on_duty]
            off_duty += [] if layer.shift is None else turn[layer.on_duty :]
    people = list(dict.fromkeys([*people, *off_duty]))
    for override in (*schedule.overrides, *overrides):
        if override.holds(now):
            people = _stand_in(people, override)
    return people


def on_duty(schedule: Schedule, shift: str, now: datetime, overrides: Iterable[Override] = ()) -> list[str]:
    """Return who is there in a shift at `now`, those standing in included: `on_duty` people of each of its layers."""
    people: list[str] = []
    for layer in reversed(schedule.rotations):
        if layer.shift == shift and _holds(layer, now):
            people += _in_turn(layer, now)[: layer.on_duty]
    people = list(dict.fromkeys(people))
    for override in (*schedule.overrides, *overrides):
        replaced = override.replaces or next(iter(on_call(schedule, now)), None)
        if override.holds(now) and replaced in people:
            people = _stand_in(people, override.model_copy(update={"replaces": replaced}))
    return people


def _stand_in(people: list[str], override: Override) -> list[str]:
    replaced = override.replaces or (people[0] if people else None)
    if replaced is not None and replaced not in people:
        return people
    place = people.index(replaced) if replaced is not None else 0
    return list(dict.fromkeys([*people[:place], override.person, *people[place + 1 :]]))


def _in_turn(layer: Layer, now: datetime) -> list[str]:
    first = _turn(layer, now) % len(layer.people)
    return layer.people[first:] + layer.people[:first]


def _zone(layer: Layer) -> tzinfo:
    return parse_zone(layer.time_zone or "UTC")


def _turn(layer: Layer, now: datetime) -> int:
    """The number of the turn that holds. In an hour that comes twice, what its first pass began stays begun."""
    zone = _zone(layer)
    turn = (now.astimezone(zone).replace(tzinfo=None) - _anchor(layer)) // layer.every
    while _handover(layer, turn + 1, zone) <= now:
        turn += 1
    return turn


def _handover(layer: Layer, turn: int, zone: tzinfo) -> datetime:
    """The instant at which a turn begins."""
    return first_instant(_anchor(layer) + turn * layer.every, zone)


def _anchor(layer: Layer) -> datetime:
    """The wall clock at which turn 0 begins."""
    found = _HANDOVER.fullmatch(layer.handover)
    assert found is not None, "the model has read it"
    start = layer.start or _FIRST_MONDAY
    if found[1]:
        start += timedelta(days=(DAYS.index(found[1]) - start.weekday()) % 7)
    return datetime.combine(start, time(int(found[2]), int(found[3])))


def _holds(layer: Layer, now: datetime) -> bool:
    if any(not begins <= now < ends for begins, ends in _effective(layer)):
        return False
    if layer.hours is None and layer.days is None:
        return True
    today = now.astimezone(_zone(layer)).date()
    return any(opens <= now < closes for opens, closes in _stretches(layer, today, today))


def _effective(layer: Layer) -> Iterator[tuple[datetime, datetime]]:
    """The stretch outside of which a layer never holds; none where it always may."""
    if layer.effective_from is None and layer.effective_until is None:
        return
    zone, first, last = _zone(layer), layer.effective_from, layer.effective_until
    begins = first_instant(datetime.combine(first, time()), zone) if first else datetime.min.replace(tzinfo=UTC)
    ends = datetime.max.replace(tzinfo=UTC)
    if last:
        ends = first_instant(datetime.combine(last + timedelta(days=1), time()), zone)
    yield begins, ends


def _stretches(layer: Layer, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """When a layer with hours or days holds, between two local days and a day more on either side."""
    zone = _zone(layer)
    for day in (first + timedelta(days=n) for n in range(-1, (last - first).days + 2)):
        if layer.days is None or DAYS[day.weekday()] in layer.days:
            midnight = datetime.combine(day, time())
            for opens, closes in parse_hours(layer.hours or "00:00-24:00", overnight=True):
                yield first_instant(midnight + opens, zone), first_instant(midnight + closes, zone)


def shifts(schedule: Schedule, from_at: datetime, until: datetime, overrides: Sequence[Override] = ()) -> list[Shift]:
    """Return who is first on call from `from_at` until `until`: shifts in order, without gap or overlap.

    Two neighbours never have the same person; a stretch with nobody has None.
    """
    return _tile(schedule, from_at, until, overrides, _every_edge(schedule, from_at, until, overrides))


def _every_edge(schedule: Schedule, from_at: datetime, until: datetime, overrides: Sequence[Override]) -> set[datetime]:
    edges = _edges(schedule, from_at, until, overrides)
    for layer in schedule.rotations:
        edges.update(_handovers(layer, from_at, until))
    return edges


def serves(
    schedule: Schedule, person: str, from_at: datetime, until: datetime, overrides: Sequence[Override] = ()
) -> bool:
    """Return whether somebody is on call, first or after others, at some moment between two instants."""
    edges = (at for at in _every_edge(schedule, from_at, until, overrides) if from_at < at < until)
    return any(person in on_call(schedule, at, overrides) for at in (from_at, *edges))


def gaps(
    schedule: Schedule, from_at: datetime, until: datetime, overrides: Sequence[Override] = ()
) -> list[tuple[datetime, datetime]]:
    """Return the stretches between two instants in which nobody is on call, in order."""
    tiles = _tile(schedule, from_at, until, overrides, _edges(schedule, from_at, until, overrides))
    return [(shift.from_at, shift.until) for shift in tiles if shift.person is None]


def understaffed(
    schedule: Schedule, from_at: datetime, until: datetime, overrides: Sequence[Override] = ()
) -> list[Thin]:
    """Return the stretches between two instants in which a shift has fewer people than it needs, shift by shift."""
    if not schedule.shifts:  # turns may be as short as a second: not each is looked at for nothing
        return []
    from_at, until = from_at.astimezone(UTC), until.astimezone(UTC)
    edges = sorted({from_at, until, *_every_edge(schedule, from_at, until, overrides)})
    found: list[Thin] = []
    for name, shift in schedule.shifts.items():
        hours = Layer(people=["-"], every=timedelta(days=1), hours=shift.hours, days=shift.days)
        hours = hours.model_copy(update={"time_zone": schedule.time_zone})
        within = sorted({at for at in (*edges, *_bounds(hours, from_at, until)) if from_at <= at <= until})
        for begins, ends in pairwise(within):
            has = len(on_duty(schedule, name, begins, overrides)) if _holds(hours, begins) else shift.min_staff
            if has >= shift.min_staff:
                continue
            last = found[-1] if found else None
            if last is not None and (last.shift, last.until, last.has) == (name, begins, has):
                begins = found.pop().from_at  # noqa: PLW2901
            found.append(Thin(name, begins, ends, has, shift.min_staff))
    return found


def _tile(
    schedule: Schedule, from_at: datetime, until: datetime, overrides: Sequence[Override], edges: set[datetime]
) -> list[Shift]:
    from_at, until = from_at.astimezone(UTC), until.astimezone(UTC)
    if from_at >= until:
        return []
    within = [from_at, *sorted(edge for edge in edges if from_at < edge < until), until]
    tiles: list[Shift] = []
    for begins, ends in pairwise(within):
        person = next(iter(on_call(schedule, begins, overrides)), None)
        if tiles and tiles[-1].person == person:
            begins = tiles.pop().from_at  # noqa: PLW2901
        tiles.append(Shift(begins, ends, person))
    return tiles


def _edges(schedule: Schedule, from_at: datetime, until: datetime, overrides: Sequence[Override]) -> set[datetime]:
    """Where somebody may begin or cease to be on call, the turns of the rotations apart."""
    moments = (at for o in (*schedule.overrides, *overrides) for at in (o.from_at, o.until))
    edges = {at.astimezone(UTC) for at in moments if at is not None}
    for layer in schedule.rotations:
        edges.update(at for stretch in _effective(layer) for at in stretch)
        if layer.hours is not None or layer.days is not None:
            edges.update(_bounds(layer, from_at, until))
    return edges


def _bounds(layer: Layer, from_at: datetime, until: datetime) -> Iterator[datetime]:
    zone = _zone(layer)
    first, last = from_at.astimezone(zone).date(), until.astimezone(zone).date()
    return (at for stretch in _stretches(layer, first, last) for at in stretch)


def _handovers(layer: Layer, from_at: datetime, until: datetime) -> Iterator[datetime]:
    zone, turn = _zone(layer), _turn(layer, from_at) + 1
    while (at := _handover(layer, turn, zone)) < until:
        yield at
        turn += 1
