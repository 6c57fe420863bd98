"""A window: hours that come again, in which what matches is held. Each stretch of them is a silence.

Days and hours are those of a wall clock, as in a calendar: a span that begins in an hour which the clock skips begins
when the gap ends, and what begins on a day belongs to that day, also past its midnight.
"""

import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from collectors.labels import Matcher, all_match
from collectors.rule import Rule
from correlation.board import Board
from correlation.calendar import (
    DAYS,
    BusinessCalendar,
    Calendar,
    Day,
    ZoneName,
    calendar_named,
    first_instant,
    parse_hours,
    parse_zone,
)
from correlation.classify import Route
from correlation.rules import Match
from correlation.silence import Silence

Stretch = tuple[datetime, datetime]
Several = tuple[int, int]

_ONE_DAY = timedelta(days=1)
_LOOKED_BACK = timedelta(days=8)
"""A stretch that began earlier is shown as if it began then."""
_NO_END = timedelta(days=366)
_DAYS_WITHOUT_ONE = 731
_LAST_DAY = date(9000, 1, 1)
_FROM_TO = re.compile(r"(-?\d{1,2})(?::(-?\d{1,2}))?")
_OF_WINDOWS = uuid.UUID("5e0d8c9e-53c5-4a5e-9d0c-8b6f5d3f7a11")


class NeverEnds(ValueError):
    """A window that holds for a year on end: what it holds would never be told."""


def from_to(said: int | str) -> Several:
    """Return first and last of `5`, `"1:7"` or `"-7:-1"`. Raises ValueError with a sentence."""
    found = _FROM_TO.fullmatch(str(said))
    if found is None:
        raise ValueError(f"{said!r} is neither a number nor a range: write 1 or '1:7'")
    first = int(found[1])
    return first, int(found[2]) if found[2] is not None else first


def _days_of_month(said: int | str) -> int | str:
    first, last = from_to(said)
    if not (1 <= abs(first) <= 31 and 1 <= abs(last) <= 31):
        raise ValueError(f"{said!r}: a month has the days 1 to 31; -1 is its last")
    if first < 0 < last or (first > last and (first < 0) == (last < 0)):
        raise ValueError(f"{said!r} ends before it begins")
    return said


def _months(said: int | str) -> int | str:
    first, last = from_to(said)
    if not 1 <= first <= last <= 12:
        raise ValueError(f"{said!r}: write months as 1 to 12, the earlier one first")
    return said


def _hours(text: str) -> str:
    parse_hours(text, overnight=True)
    return text


class Times(Rule):
    """Hours of certain days: all that is written must hold of the day on which a range begins."""

    hours: Annotated[str, AfterValidator(_hours)]
    days: Annotated[list[Day], Field(min_length=1)] = list(DAYS)
    days_of_month: list[Annotated[int | str, AfterValidator(_days_of_month)]] = []
    months: list[Annotated[int | str, AfterValidator(_months)]] = []

    def spans(self, day: date, zone: ZoneInfo) -> Iterator[Stretch]:
        """The UTC instants between which it holds, of what begins on this local day."""
        if DAYS[day.weekday()] not in self.days or not self._in_month(day):
            return
        for opens, closes in parse_hours(self.hours, overnight=True):
            span = first_instant(_midnight(day) + opens, zone), first_instant(_midnight(day) + closes, zone)
            if span[0] < span[1]:
                yield span

    def _in_month(self, day: date) -> bool:
        length = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - _ONE_DAY).day
        days = [(a + length + 1 if a < 0 else a, b + length + 1 if b < 0 else b) for a, b in _all(self.days_of_month)]
        in_days = not days or any(first <= day.day <= last for first, last in days)
        return in_days and (not self.months or any(a <= day.month <= b for a, b in _all(self.months)))


def _all(said: Iterable[int | str]) -> Iterator[Several]:
    return map(from_to, said)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- a wall clock


class WindowRule(Rule):
    """When what matches is held: at `times`, or at the hours of a `calendar`; with `outside`, at all others.

    With `routes` it is for what these routes take, and of that for what matches.
    """

    id: str = Field(min_length=1)
    match: Match = ()
    routes: list[str] = []
    time_zone: ZoneName | None = None
    times: list[Times] = []
    calendar: str | None = None
    outside: bool = False
    effective_from: date | None = None
    effective_until: date | None = None
    comment: str = ""

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if not self.routes and all_match(self.match, {}):
            raise ValueError(f"window {self.id} would hold everything: write a match that needs a label, or routes")
        return self

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if bool(self.times) == (self.calendar is not None):
            raise ValueError(f"window {self.id}: write either times or calendar")
        if bool(self.times) != (self.time_zone is not None):
            raise ValueError(f"window {self.id}: times need a time_zone, and a calendar has its own")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        first, last = self.effective_from, self.effective_until
        if first is not None and last is not None and last < first:
            raise ValueError(f"effective_until {last} is before effective_from {first}: swap them")
        return self


@dataclass(frozen=True)
class Window:
    """A rule made ready, for one route where it names some."""

    rule: WindowRule
    calendar: Calendar
    """Whose hours they are, where the rule names one."""
    zone: ZoneInfo
    matchers: tuple[Matcher, ...]
    unless: tuple[tuple[Matcher, ...], ...] = ()
    """What other routes take before."""
    route: str = ""

    def silence(self, now: datetime, ended: Collection[str] = ()) -> Silence | None:
        """The silence that holds, or is the next to; None: none within two years, or one without an end.

        It has the same id whenever it is asked for. Those that people have `ended` are passed over.
        """
        try:
            found = ((self._id(ends), begins, ends) for begins, ends in self.stretches(now))
            made = next((one for one in found if one[0] not in ended), None)
        except NeverEnds:
            return None
        if made is None:
            return None
        return Silence(
            id=made[0],
            matchers=self.matchers,
            starts_at=made[1],
            ends_at=made[2],
            created_by=f"window {self.rule.id}",
            comment=": ".join(filter(None, (self.route and f"what route {self.route} takes", self.rule.comment))),
            created_at=now,
            window=self.rule.id,
            unless=self.unless,
        )

    def _id(self, ends: datetime) -> str:
        return str(uuid.uuid5(_OF_WINDOWS, f"{self.rule.id}\xff{self.route}\xff{ends.isoformat()}"))

    def stretches(self, now: datetime) -> Iterator[Stretch]:
        """When it holds: what has not ended, in order. Raises NeverEnds on reaching what has no end."""
        rule, first = self.rule, self._day(now - _LOOKED_BACK)
        found = joined(self._spans(first))
        if rule.outside:
            begins = self._begin(max(first, rule.effective_from or first))
            until = None if rule.effective_until is None else self._begin(rule.effective_until + _ONE_DAY)
            found = _between(found, begins, until)
        for begins, ends in found:
            if ends - begins > _NO_END:
                raise NeverEnds(f"window {rule.id} holds without an end")
            if ends > now:
                yield begins, ends

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def _begin(self, day: date) -> datetime:
        return first_instant(_midnight(day), self.zone)

    def _spans(self, day: date) -> Iterator[Stretch]:
        without = 0
        while without <= _DAYS_WITHOUT_ONE and day < _LAST_DAY:
            spans = self._of_day(day) if self.rule.outside or self._in_force(day) else []
            yield from spans
            without = 0 if spans else without + 1
            day += _ONE_DAY

    def _of_day(self, day: date) -> list[Stretch]:
        if self.rule.calendar is not None:
            return list(self.calendar.windows(day))
        return sorted(span for times in self.rule.times for span in times.spans(day, self.zone))

    def _in_force(self, day: date) -> bool:
        first, last = self.rule.effective_from, self.rule.effective_until
        return (first is None or day >= first) and (last is None or day <= last)


def joined(spans: Iterable[Stretch]) -> Iterator[Stretch]:
    """Spans in the order of their beginnings, those that touch as one; what goes on for over a year is cut there."""
    held: Stretch | None = None
    for begins, ends in spans:
        if held is None or begins > held[1]:
            if held is not None:
                yield held
            held = begins, ends
            continue
        held = held[0], max(held[1], ends)
        if held[1] - held[0] > _NO_END:
            break
    if held is not None:
        yield held


def _between(spans: Iterable[Stretch], begins: datetime, until: datetime | None) -> Iterator[Stretch]:
    """What lies between spans, from `begins` on; after the last of them to `until`, else for over a year."""
    for opens, closes in spans:
        if closes - opens > _NO_END:
            return
        stop = opens if until is None else min(opens, until)
        if begins < stop:
            yield begins, stop
        begins = max(begins, closes)
    stop = until if until is not None else begins + 2 * _NO_END
    if begins < stop:
        yield begins, stop


def windows_of(
    rules: Iterable[WindowRule], calendars: Mapping[str, BusinessCalendar], routes: Sequence[Route]
) -> list[Window]:
    """Return the windows of these rules; `routes` in the order in which they are asked."""
    places = {route.id: place for place, route in reversed(list(enumerate(routes)))}
    made = []
    for rule in rules:
        calendar = calendar_named(rule.calendar or "24x7", calendars)
        zone = parse_zone(rule.time_zone or str(getattr(calendar, "time_zone", "UTC")))
        if not rule.routes:
            made.append(Window(rule, calendar, zone, rule.match))
        for name in dict.fromkeys(rule.routes):
            if name in places:
                before = tuple(route.match for route in routes[: places[name]] if not route.goes_on)
                matchers = (*routes[places[name]].match, *rule.match)
                made.append(Window(rule, calendar, zone, matchers, before, name))
    return made


def lay(board: Board, windows: Iterable[Window], now: datetime) -> None:
    """Have on the board the silence of each window that holds or is the next to, and of windows no other."""
    wanted = [window.silence(now, board.ended_windows) for window in windows]
    for gone in [silence.id for silence in board.silences.values() if silence.window]:
        del board.silences[gone]
    board.silences.update((silence.id, silence) for silence in wanted if silence is not None)
