"""Business time: weekly hours, holidays and make-up workdays (调休) of one zone.

Wall clocks count at the edges of a window only; between them spans are real time, so that a day on which
the clock changes is an hour shorter or longer, and no span ever runs twice.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Protocol, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from collectors.rule import Rule

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DAYS: tuple[Day, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Window = tuple[datetime, datetime]
Hours = tuple[tuple[timedelta, timedelta], ...]

_NOTHING, _ONE_DAY = timedelta(), timedelta(days=1)
_LONGEST_WITHOUT_A_WINDOW = 731
_MOST_DAYS_REMEMBERED = 4096
_LAST_DAY = date(9000, 1, 1)
_RANGE = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")


class NoBusinessTime(ValueError):
    """A calendar that opens no window for two years: nothing can fall due in it."""


def parse_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name; raises ValueError with a sentence where there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"{name!r} is no time zone: write an IANA name such as Asia/Shanghai") from error


def _known_zone(name: str) -> str:
    parse_zone(name)
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]


@lru_cache(maxsize=256)
def parse_hours(text: str, *, overnight: bool = False) -> Hours:
    """Return the ranges of `09:00-12:00,13:00-18:00` as spans after midnight, in order; the last hour is 24:00.

    With `overnight`, `20:00-08:00` ends on the next day (its end is over 24 h). Raises ValueError with a
    sentence where a range cannot be read, is empty or begins before the one before it has ended.
    """
    ranges: list[tuple[timedelta, timedelta]] = []
    for part in text.split(","):
        opens, closes = _parse_range(part.strip(), overnight)
        if ranges and opens < ranges[-1][1]:
            ends = _wall(ranges[-1][1])
            raise ValueError(
                f"{text!r}: {part.strip()} begins before the range before it has ended: begin it at {ends} or later"
            )
        ranges.append((opens, closes))
    if ranges[-1][1] - ranges[0][0] > _ONE_DAY:
        raise ValueError(f"{text!r} runs into itself on the next day")
    return tuple(ranges)


def _wall(since_midnight: timedelta) -> str:
    minutes = since_midnight // timedelta(minutes=1) % (24 * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _parse_range(part: str, overnight: bool) -> tuple[timedelta, timedelta]:
    found = _RANGE.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is no range of hours: write 09:00-18:00 or 09:00-12:00,13:00-18:00")
    h1, m1, h2, m2 = map(int, found.groups())
    opens, closes = timedelta(hours=h1, minutes=m1), timedelta(hours=h2, minutes=m2)
    if overnight and closes <= opens:
        closes += _ONE_DAY
    if opens >= _ONE_DAY or (closes > _ONE_DAY and not overnight):
        raise ValueError(f"{part!r}: a day ends at 24:00")
    if closes <= opens:
        raise ValueError(f"{part!r} ends before it begins: write the hours of one day, as 20:00-24:00 and 00:00-08:00")
    return opens, closes


def first_instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return the first UTC instant at which the clock of the zone has reached `wall` (naive, whole seconds).

    A time that the clock skips is reached when the gap ends; of a time that it shows twice, the first counts.
    """
    before = wall.replace(tzinfo=zone)
    ahead = _offset(wall.replace(tzinfo=zone, fold=1)) - _offset(before)
    instant = before.astimezone(UTC)
    return instant if ahead <= _NOTHING else _end_of_gap(instant, ahead, zone)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or _NOTHING


def _end_of_gap(after: datetime, gap: timedelta, zone: tzinfo) -> datetime:
    """The change of the clock lies in the `gap` that ends at `after`: find it to the second."""
    new = _offset(after.astimezone(zone))
    early, late = 0, int(gap.total_seconds())
    while late - early > 1:
        middle = (early + late) // 2
        changed = _offset((after - gap + timedelta(seconds=middle)).astimezone(zone)) == new
        early, late = (early, middle) if changed else (middle, late)
    return after - gap + timedelta(seconds=late)


@lru_cache(maxsize=256)
def _year_of(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """The holidays and the make-up workdays of a year, as the package `holidays` knows them."""
    import holidays  # noqa: PLC0415 -- a quarter of a second, for those who name a country only

    known = holidays.country_holidays(country, years=year)
    made_up = frozenset(d for d in getattr(known, "weekend_workdays", ()) if d.year == year)
    return frozenset(d for d in known if d.year == year) - made_up, made_up


def _known_country(code: str) -> str:
    try:
        _year_of(code, 2026)
    except NotImplementedError as error:
        raise ValueError(f"{code!r} is no country whose holidays are known: write CN, DE, US …") from error
    return code


Country = Annotated[str, AfterValidator(_known_country)]


class Calendar(Protocol):
    """When time counts."""

    def is_workday(self, day: date) -> bool:
        """Whether people work on this local day."""

    def windows(self, day: date) -> tuple[Window, ...]:
        """The UTC instants between which time counts on this local day, in order."""

    def add(self, start: datetime, span: timedelta) -> datetime:
        """The earliest instant, not before `start`, by which `span` has counted since `start`."""

    def between(self, a: datetime, b: datetime) -> timedelta:
        """How much time counts between two instants; never negative."""

    def local_day(self, at: datetime) -> date:
        """The day it is there at this instant."""

    def opening_after(self, at: datetime) -> datetime:
        """When the first workday after the local day of `at` opens."""


class BusinessCalendar(Rule):
    """Weekly hours, laid over by what the country, `holidays` and `workdays` say (the last one wins).

    `hours` holds one or several ranges of a day, or a mapping of days to them (then `days` are its keys); a
    make-up workday that has no hours of its own has those of the first of `days`. `country` takes the public
    holidays and make-up workdays of the package `holidays`, which knows them only as far as they are published.
    """

    time_zone: ZoneName
    days: list[Day] = ["Mon", "Tue", "Wed", "Thu", "Fri"]
    hours: str | dict[Day, str] = "09:00-18:00"
    country: Country | None = None
    holidays: list[date] = []
    workdays: list[date] = []
    official_until: date | None = Field(
        default=None, description="The last day that is officially known; for CN it is computed (2026-12-31)."
    )

    @model_validator(mode="before")
    @classmethod
    def _days_of_hours(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and isinstance(given.get("hours"), Mapping) and "days" not in given:
            return {**given, "days": [day for day in DAYS if day in given["hours"]]}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if isinstance(self.hours, dict) and set(self.hours) != set(self.days):
            odd = ", ".join(day for day in DAYS if (day in self.hours) != (day in self.days))
            raise ValueError(f"days and hours disagree about {odd}: give every working day its hours")
        if both := set(self.holidays) & set(self.workdays):
            raise ValueError(f"{min(both)} stands in holidays and in workdays: keep one")
        _ = self._table
        return self

    def __copy__(self) -> Self:
        """A copy works out its own days: it may have been given other hours."""
        copied = super().__copy__()
        copied.__dict__.pop("_table", None)
        return copied

    @cached_property
    def _table(self) -> "_Table":
        return _Table(self)

    @property
    def known_until(self) -> date | None:
        """The last day whose holidays are official; None where nobody has to publish them."""
        if self.official_until is not None or self.country != "CN":
            return self.official_until
        year = 2026
        while _year_of("CN", year + 1)[1]:
            year += 1
        return date(year, 12, 31)

    def is_workday(self, day: date) -> bool:
        """Whether people work on this local day."""
        return self._table.is_workday(day)

    def windows(self, day: date) -> tuple[Window, ...]:
        """The UTC instants between which time counts on this local day, in order."""
        return self._table.windows(day)

    def local_day(self, at: datetime) -> date:
        """The day it is there at this instant."""
        return at.astimezone(self._table.zone).date()

    def add(self, start: datetime, span: timedelta) -> datetime:
        """The earliest instant, not before `start`, by which `span` has counted since `start` (UTC).

        Raises NoBusinessTime where the calendar does not open for two years.
        """
        start, left = start.astimezone(UTC), span
        if left <= _NOTHING:
            return start
        for opens, closes in self._windows_from(self.local_day(start)):
            begins = max(opens, start)
            if closes - begins >= left:
                return begins + left
            left -= max(closes - begins, _NOTHING)
        raise AssertionError("the windows of a calendar have no end")

    def between(self, a: datetime, b: datetime) -> timedelta:
        """How much business time lies between two instants; nothing where `b` is not later."""
        total, windows = _NOTHING, self._table.windows
        a, b = a.astimezone(UTC), b.astimezone(UTC)
        if b <= a:
            return total
        day, last = self.local_day(a), self.local_day(b) + _ONE_DAY
        while day <= last:
            for opens, closes in windows(day):
                begins, ends = max(opens, a), min(closes, b)
                if begins < ends:
                    total += ends - begins
            day += _ONE_DAY
        return total

    def opening_after(self, at: datetime) -> datetime:
        """When the first workday after the local day of `at` opens. Raises NoBusinessTime as `add` does."""
        return next(self._windows_from(self.local_day(at) + _ONE_DAY))[0]

    def _windows_from(self, day: date) -> Iterator[Window]:
        shut, windows = 0, self._table.windows
        while shut <= _LONGEST_WITHOUT_A_WINDOW and day < _LAST_DAY:
            open_today = windows(day)
            yield from open_today
            shut = 0 if open_today else shut + 1
            day += _ONE_DAY
        raise NoBusinessTime(f"the calendar is closed from {day - _ONE_DAY * shut} on: no window in two years")


class _Table:
    """A calendar made ready: what each day of it is, remembered day by day."""

    def __init__(self, calendar: BusinessCalendar) -> None:
        self.zone = parse_zone(calendar.time_zone)
        self._country = calendar.country
        self._weekdays = frozenset(DAYS.index(day) for day in calendar.days)
        self._shut, self._open = frozenset(calendar.holidays), frozenset(calendar.workdays)
        self._hours = _hours_by_weekday(calendar)
        self._remembered: dict[date, tuple[Window, ...]] = {}

    def is_workday(self, day: date) -> bool:
        """Whether any business time is on this local day: written days first, then the country, then the weekday."""
        if day in self._open or day in self._shut:
            return day in self._open
        if self._country is not None:
            holidays, made_up = _year_of(self._country, day.year)
            if day in made_up or day in holidays:
                return day in made_up
        return day.weekday() in self._weekdays

    def windows(self, day: date) -> tuple[Window, ...]:
        """The business time of a local day, as stretches of UTC in order; none on a day off."""
        found = self._remembered.get(day)
        if found is None:
            if len(self._remembered) >= _MOST_DAYS_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[day] = tuple(self._work_out(day)) if self.is_workday(day) else ()
        return found

    def _work_out(self, day: date) -> Iterator[Window]:
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- a wall clock
        for opens, closes in self._hours[day.weekday()]:
            window = first_instant(midnight + opens, self.zone), first_instant(midnight + closes, self.zone)
            if window[0] < window[1]:
                yield window


def _hours_by_weekday(calendar: BusinessCalendar) -> list[Hours]:
    if isinstance(calendar.hours, str):
        return [parse_hours(calendar.hours)] * 7
    hours = {day: parse_hours(text) for day, text in calendar.hours.items()}
    usual = hours[calendar.days[0]] if calendar.days else ()
    return [hours.get(day, usual) for day in DAYS]


class AroundTheClock:
    """The calendar `24x7`: all time counts; its days are those of UTC."""

    def is_workday(self, day: date) -> bool:
        """Every day is one."""
        return True

    def windows(self, day: date) -> tuple[Window, ...]:
        """The whole day."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return ((midnight, midnight + _ONE_DAY),)

    def local_day(self, at: datetime) -> date:
        """The day it is in UTC."""
        return at.astimezone(UTC).date()

    def add(self, start: datetime, span: timedelta) -> datetime:
        """`start` and the span; nothing is taken off for a negative one."""
        return start.astimezone(UTC) + max(span, _NOTHING)

    def between(self, a: datetime, b: datetime) -> timedelta:
        """The time from `a` to `b`; nothing where `b` is not later."""
        return max(b.astimezone(UTC) - a.astimezone(UTC), _NOTHING)

    def opening_after(self, at: datetime) -> datetime:
        """The next midnight, UTC."""
        return self.windows(self.local_day(at) + _ONE_DAY)[0][0]


ALWAYS = AroundTheClock()


def calendar_named(name: str, calendars: Mapping[str, BusinessCalendar]) -> Calendar:
    """Return the calendar of this name, `24x7` being ALWAYS.

    So is one that is no more: an incident may count by a calendar that a reload has taken away, and is rather
    escalated too early than never.
    """
    return calendars.get(name, ALWAYS)


def that_open(calendars: Mapping[str, BusinessCalendar], now: datetime) -> dict[str, BusinessCalendar]:
    """The calendars that open again after `now`: in the others nothing would ever fall due."""
    found = {}
    for name, calendar in calendars.items():
        with suppress(NoBusinessTime):
            calendar.opening_after(now)
            found[name] = calendar
    return found
