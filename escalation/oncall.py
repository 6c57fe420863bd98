"""Who is on call: rotations that step in local time, layers over them, overrides over those."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
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


class Layer(Rule):
    """A rotation: its people take turns of `every`, changing at `handover` by the clock of the schedule's zone.

    The first of `people` has the turn that begins with the first `handover` on or after `start` (by default
    Monday, 2024-01-01). With `hours` (`20:00-08:00` ends on the next morning) or `days` (on which those hours
    begin) it holds only then.
    """

    people: list[str] = Field(min_length=1)
    every: Annotated[Span, Field(ge=timedelta(seconds=1))]
    handover: Annotated[str, AfterValidator(_readable_handover)] = "Mon 09:00"
    start: date | None = None
    hours: Annotated[str, AfterValidator(_readable_hours)] | None = None
    days: list[Day] | None = Field(default=None, min_length=1)


class Override(Rule):
    """From `from` until `until`, `person` stands in: for `replaces` wherever it stands, else for whoever is first."""

    person: str
    from_at: AwareDatetime = Field(validation_alias=AliasChoices("from", "from_at"), serialization_alias="from")
    until: AwareDatetime
    replaces: str | None = None

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.until <= self.from_at:
            raise ValueError("an override ends after it begins: until is not later than from")
        return self


class Schedule(Rule):
    """Who is on call for a role of a group. Where several layers hold, the last one written is on top."""

    group: str
    role: str = "l1"
    time_zone: ZoneName
    layers: list[Layer] = []
    overrides: list[Override] = []


class Shift(NamedTuple):
    """A stretch of time and who is first on call in it; `person` is None where nobody is."""

    from_at: datetime
    until: datetime
    person: str | None


def on_call(schedule: Schedule, now: datetime, overrides: Iterable[Override] = ()) -> list[str]:
    """Return who is on call, first the one to page, then those who come next; nobody is an empty list.

    After the people of the topmost layer that holds come those of the layers beneath it. `overrides` are laid
    over those of the schedule; of several, the last one wins.
    """
    zone = parse_zone(schedule.time_zone)
    people: list[str] = []
    for layer in reversed(schedule.layers):
        if _holds(layer, now, zone):
            people += _in_turn(layer, now, zone)
    people = list(dict.fromkeys(people))
    for override in (*schedule.overrides, *overrides):
        if override.from_at <= now < override.until:
            people = _stand_in(people, override)
    return people


def _stand_in(people: list[str], override: Override) -> list[str]:
    replaced = override.replaces or (people[0] if people else None)
    if replaced is not None and replaced not in people:
        return people
    place = people.index(replaced) if replaced is not None else 0
    return list(dict.fromkeys([*people[:place], override.person, *people[place + 1 :]]))


def _in_turn(layer: Layer, now: datetime, zone: tzinfo) -> list[str]:
    first = _turn(layer, now, zone) % len(layer.people)
    return layer.people[first:] + layer.people[:first]


def _turn(layer: Layer, now: datetime, zone: tzinfo) -> int:
    """The number of the turn that holds. In an hour that comes twice, what its first pass began stays begun."""
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


def _holds(layer: Layer, now: datetime, zone: tzinfo) -> bool:
    if layer.hours is None and layer.days is None:
        return True
    today = now.astimezone(zone).date()
    return any(opens <= now < closes for opens, closes in _stretches(layer, today, today, zone))


def _stretches(layer: Layer, first: date, last: date, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """When a layer with hours or days holds, between two local days and a day more on either side."""
    for day in (first + timedelta(days=n) for n in range(-1, (last - first).days + 2)):
        if layer.days is None or DAYS[day.weekday()] in layer.days:
            midnight = datetime.combine(day, time())
            for opens, closes in parse_hours(layer.hours or "00:00-24:00", overnight=True):
                yield first_instant(midnight + opens, zone), first_instant(midnight + closes, zone)


def shifts(schedule: Schedule, from_at: datetime, until: datetime, overrides: Sequence[Override] = ()) -> list[Shift]:
    """Return who is first on call from `from_at` until `until`: shifts in order, without gap or overlap.

    Two neighbours never have the same person; a stretch with nobody has None.
    """
    zone = parse_zone(schedule.time_zone)
    edges = _edges(schedule, from_at, until, overrides)
    for layer in schedule.layers:
        edges.update(_handovers(layer, from_at, until, zone))
    return _tile(schedule, from_at, until, overrides, edges)


def gaps(
    schedule: Schedule, from_at: datetime, until: datetime, overrides: Sequence[Override] = ()
) -> list[tuple[datetime, datetime]]:
    """Return the stretches between two instants in which nobody is on call, in order."""
    tiles = _tile(schedule, from_at, until, overrides, _edges(schedule, from_at, until, overrides))
    return [(shift.from_at, shift.until) for shift in tiles if shift.person is None]


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
    zone = parse_zone(schedule.time_zone)
    edges = {at.astimezone(UTC) for o in (*schedule.overrides, *overrides) for at in (o.from_at, o.until)}
    first, last = from_at.astimezone(zone).date(), until.astimezone(zone).date()
    for layer in schedule.layers:
        if layer.hours is not None or layer.days is not None:
            edges.update(at for stretch in _stretches(layer, first, last, zone) for at in stretch)
    return edges


def _handovers(layer: Layer, from_at: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
    turn = _turn(layer, from_at, zone) + 1
    while (at := _handover(layer, turn, zone)) < until:
        yield at
        turn += 1
