"""Business time, against a clock that is walked minute by minute."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from correlation.calendar import (
    ALWAYS,
    BusinessCalendar,
    Calendar,
    NoBusinessTime,
    calendar_named,
    first_instant,
    parse_hours,
)
from tests.moments import CHANGES, DAY, HOUR, MINUTE, PROPERTY, utc

HOURS = ["00:00-24:00", "00:30-02:30,23:00-24:00", "01:30-02:15,02:45-03:00"]


@cache
def walk(zone: str, around: str) -> tuple[tuple[datetime, datetime], ...]:
    """Every minute of two days around a change, and the latest time that the clock on the wall has shown by then."""
    begins, minutes = utc(around) - 2 * DAY, []
    reached, at = datetime.min, begins - 2 * DAY  # noqa: DTZ901
    while at < utc(around) + 3 * DAY:
        reached = max(reached, at.astimezone(ZoneInfo(zone)).replace(tzinfo=None))
        if at >= begins:
            minutes.append((at, reached))
        at += MINUTE
    return tuple(minutes)


def is_open(calendar: BusinessCalendar, hours: str, wall: datetime) -> bool:
    """Read the hours off the wall, without a zone."""
    midnight = wall.replace(hour=0, minute=0)
    ranges = [part.split("-") for part in hours.split(",")]
    minutes = [[int(t[:2]) * 60 + int(t[3:]) for t in pair] for pair in ranges]
    return calendar.is_workday(wall.date()) and any(a * MINUTE <= wall - midnight < b * MINUTE for a, b in minutes)


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize(("zone", "around"), CHANGES)
def test_each_minute_around_a_change_of_the_clock_counts_as_the_clock_on_the_wall_says(
    zone: str, around: str, hours: str
) -> None:
    calendar = BusinessCalendar(time_zone=zone, days=["Sun", "Mon", "Wed", "Fri", "Sat"], hours=hours)
    minutes = walk(zone, around)
    start = minutes[0][0]
    counted = timedelta()
    for at, reached in minutes:
        open_now = is_open(calendar, hours, reached)
        assert calendar.between(at, at + MINUTE) == (MINUTE if open_now else timedelta()), at
        if open_now:
            counted += MINUTE
            assert calendar.add(start, counted) == at + MINUTE, at
        if not at.minute:
            assert calendar.between(start, at + MINUTE) == counted, at


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        pytest.param("Asia/Shanghai", "2026-03-02T09:00", "2026-03-02T01:00", id="a plain time"),
        pytest.param("America/New_York", "2027-03-14T02:30", "2027-03-14T07:00", id="skipped: when the gap ends"),
        pytest.param("America/New_York", "2027-03-14T02:00", "2027-03-14T07:00", id="the first skipped second"),
        pytest.param("America/New_York", "2027-03-14T03:00", "2027-03-14T07:00", id="the first second after the gap"),
        pytest.param("America/New_York", "2027-11-07T01:30", "2027-11-07T05:30", id="shown twice: the first"),
        pytest.param("America/New_York", "2027-11-07T02:00", "2027-11-07T07:00", id="the end of the double hour"),
        pytest.param("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-02T15:30", id="a gap of half an hour"),
        pytest.param("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", id="a day that never was"),
    ],
)
def test_a_wall_clock_has_one_first_instant(zone: str, wall: str, instant: str) -> None:
    assert first_instant(datetime.fromisoformat(wall), ZoneInfo(zone)) == utc(instant)


def test_a_day_that_never_was_opens_nothing() -> None:
    calendar = BusinessCalendar(time_zone="Pacific/Apia")
    assert calendar.is_workday(date(2011, 12, 30))
    assert calendar.windows(date(2011, 12, 30)) == ()


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(date(2027, 3, 14), 23 * HOUR, id="an hour is skipped"),
        pytest.param(date(2027, 11, 7), 25 * HOUR, id="an hour comes twice"),
        pytest.param(date(2027, 6, 1), 24 * HOUR, id="a plain day"),
    ],
)
def test_a_day_is_as_long_as_it_really_is(day: date, expected: timedelta) -> None:
    calendar = BusinessCalendar(time_zone="America/New_York", days=["Tue", "Sun"], hours="00:00-24:00")
    ((opens, closes),) = calendar.windows(day)
    assert closes - opens == expected


SHANGHAI = BusinessCalendar(time_zone="Asia/Shanghai")


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        pytest.param("2026-03-02T01:00", 2 * HOUR, "2026-03-02T03:00", id="within the day"),
        pytest.param("2026-03-02T09:30", HOUR, "2026-03-03T01:30", id="over the night"),
        pytest.param("2026-03-06T09:30", HOUR, "2026-03-09T01:30", id="over the weekend"),
        pytest.param("2026-03-07T04:00", HOUR, "2026-03-09T02:00", id="from a Saturday"),
        pytest.param(
            "2026-03-02T01:00", 9 * HOUR, "2026-03-02T10:00", id="to the end of the day, not the next opening"
        ),
        pytest.param("2026-03-02T01:00", 18 * HOUR, "2026-03-03T10:00", id="two whole days"),
        pytest.param("2026-03-07T04:00", timedelta(), "2026-03-07T04:00", id="nothing is due at once"),
        pytest.param("2026-03-02T09:59:59", timedelta(seconds=1), "2026-03-02T10:00", id="the last second"),
        pytest.param("2026-03-02T10:00", timedelta(seconds=1), "2026-03-03T01:00:01", id="the end is outside"),
    ],
)
def test_a_span_is_added_in_business_time(start: str, span: timedelta, end: str) -> None:
    assert SHANGHAI.add(utc(start), span) == utc(end)


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    new_york = ZoneInfo("America/New_York")
    there, later = (utc(text).astimezone(new_york) for text in ("2026-03-06T09:30", "2026-03-09T09:30"))
    assert SHANGHAI.add(there, HOUR) == utc("2026-03-09T01:30")
    assert SHANGHAI.add(there, HOUR).tzinfo is UTC
    assert SHANGHAI.between(there, later) == 9 * HOUR
    always_open = BusinessCalendar(time_zone="UTC", days=["Sun"], hours="00:00-24:00")
    change, after = (utc(text).astimezone(new_york) for text in ("2026-03-08T06:00", "2026-03-08T08:00"))
    assert always_open.between(change, after) == ALWAYS.between(change, after) == 2 * HOUR
    assert ALWAYS.add(change, 2 * HOUR) == always_open.add(change, 2 * HOUR) == after


@pytest.mark.parametrize(
    ("day", "works"),
    [
        pytest.param("2026-02-13", True, id="the Friday before"),
        pytest.param("2026-02-14", True, id="a Saturday made up for the Spring Festival"),
        pytest.param("2026-02-15", False, id="the festival begins on a Sunday"),
        pytest.param("2026-02-17", False, id="New Year's day, a Tuesday"),
        pytest.param("2026-02-28", True, id="the second Saturday made up"),
        pytest.param("2026-03-01", False, id="a Sunday like any other"),
        pytest.param("2026-10-10", True, id="made up for the National Day"),
        pytest.param("2026-10-07", False, id="the last day of the National Day"),
    ],
)
def test_chinese_make_up_days_are_workdays(day: str, works: bool) -> None:
    china = BusinessCalendar(time_zone="Asia/Shanghai", country="CN")
    assert china.is_workday(date.fromisoformat(day)) is works
    assert bool(china.windows(date.fromisoformat(day))) is works


def test_each_day_of_2024_to_2026_is_what_the_state_council_made_it() -> None:
    china = BusinessCalendar(time_zone="Asia/Shanghai", country="CN")
    days = [date(2024, 1, 1) + n * DAY for n in range(366 + 365 + 365)]
    assert days[-1] == date(2026, 12, 31)
    wrong = [day for day in days if china.is_workday(day) != chinese_calendar.is_workday(day)]
    assert wrong == []
    made_up = [day for day in days if day.weekday() > 4 and china.is_workday(day)]
    assert [sum(day.year == year for day in made_up) for year in (2024, 2025, 2026)] == [8, 5, 6]


def test_a_span_skips_the_festival_and_uses_the_made_up_saturday() -> None:
    china = BusinessCalendar(time_zone="Asia/Shanghai", country="CN")
    assert china.add(utc("2026-02-13T09:00"), 10 * HOUR) == utc("2026-02-14T10:00")
    assert china.add(utc("2026-02-13T09:00"), 11 * HOUR) == utc("2026-02-24T02:00")


def test_what_the_site_writes_wins_over_the_country() -> None:
    calendar = BusinessCalendar(
        time_zone="Asia/Shanghai", country="CN", holidays=[date(2026, 2, 14)], workdays=[date(2026, 2, 17)]
    )
    assert not calendar.is_workday(date(2026, 2, 14))
    assert calendar.is_workday(date(2026, 2, 17))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"country": "CN"}, date(2026, 12, 31), id="as far as the State Council has published"),
        pytest.param({"country": "CN", "official_until": date(2027, 12, 31)}, date(2027, 12, 31), id="the site knows"),
        pytest.param({"country": "DE"}, None, id="by law, for good"),
        pytest.param({}, None, id="no country"),
    ],
)
def test_the_calendar_says_how_far_it_is_official(given: dict[str, object], expected: date | None) -> None:
    known = BusinessCalendar.model_validate({"time_zone": "Asia/Shanghai", **given}).known_until
    assert known == expected or (expected == date(2026, 12, 31) and known is not None and known > expected)


def test_each_day_may_have_its_own_hours_and_a_made_up_day_those_of_the_first() -> None:
    calendar = BusinessCalendar.model_validate(
        {
            "time_zone": "Asia/Shanghai",
            "hours": {"Sat": "10:00-12:00", "Mon": "09:00-12:00,13:00-18:00"},
            "workdays": ["2026-03-08"],
        }
    )
    assert calendar.days == ["Mon", "Sat"]
    assert [closes - opens for opens, closes in calendar.windows(date(2026, 3, 2))] == [3 * HOUR, 5 * HOUR]
    assert [closes - opens for opens, closes in calendar.windows(date(2026, 3, 7))] == [2 * HOUR]
    assert calendar.windows(date(2026, 3, 3)) == ()
    assert len(calendar.windows(date(2026, 3, 8))) == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"time_zone": "Mars/Olympus"}, "is no time zone", id="no such zone"),
        pytest.param({"time_zone": "../etc/passwd"}, "is no time zone", id="a path"),
        pytest.param({"hours": "9-18"}, "is no range of hours", id="no minutes"),
        pytest.param({"hours": "18:00-09:00"}, "ends before it begins", id="over midnight"),
        pytest.param({"hours": "09:00-24:30"}, "a day ends at 24:00", id="after midnight"),
        pytest.param({"hours": "09:00-13:00,12:00-18:00"}, "begins before", id="overlap"),
        pytest.param({"hours": {"Mon": "09:00-18:00"}, "days": ["Mon", "Tue"]}, "Tue", id="a day without hours"),
        pytest.param({"country": "ZZ"}, "is no country", id="no such country"),
        pytest.param({"holidays": ["2026-01-01"], "workdays": ["2026-01-01"]}, "keep one", id="both"),
        pytest.param({"days": ["Mo"]}, "Mon", id="no such day"),
    ],
)
def test_a_calendar_that_cannot_be_meant_is_refused_with_a_sentence(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        BusinessCalendar.model_validate({"time_zone": "Asia/Shanghai", **given})


def test_hours_of_a_rota_may_end_on_the_next_day_but_not_run_into_themselves() -> None:
    assert parse_hours("20:00-08:00", overnight=True) == ((20 * HOUR, 32 * HOUR),)
    with pytest.raises(ValueError, match="runs into itself"):
        parse_hours("06:00-08:00,20:00-07:00", overnight=True)


def test_a_calendar_that_never_opens_says_so_instead_of_searching_for_ever() -> None:
    shut = BusinessCalendar(time_zone="UTC", days=[])
    with pytest.raises(NoBusinessTime, match="no window in two years"):
        shut.add(utc("2026-03-02T00:00"), HOUR)
    with pytest.raises(NoBusinessTime):
        shut.opening_after(utc("2026-03-02T00:00"))
    assert shut.between(utc("2026-03-02T00:00"), utc("2027-03-02T00:00")) == timedelta()


def test_one_workday_in_a_year_and_a_half_is_found() -> None:
    rare = BusinessCalendar(time_zone="UTC", days=[], workdays=[date(2027, 9, 1)])
    assert rare.add(utc("2026-03-02T00:00"), HOUR) == utc("2027-09-01T10:00")


@pytest.mark.parametrize(
    ("at", "opening"),
    [
        pytest.param("2026-03-03T23:00", "2026-03-05T01:00", id="in the night: its own day is over"),
        pytest.param("2026-03-04T08:00", "2026-03-05T01:00", id="by day: the next one"),
        pytest.param("2026-03-06T08:00", "2026-03-09T01:00", id="over the weekend"),
    ],
)
def test_the_next_workday_opens_after_the_local_day(at: str, opening: str) -> None:
    assert SHANGHAI.opening_after(utc(at)) == utc(opening)


def test_calendars_of_the_same_words_stay_equal_after_use_and_a_copy_works_out_its_own_days() -> None:
    one, two = BusinessCalendar(time_zone="UTC"), BusinessCalendar(time_zone="UTC")
    one.add(utc("2026-03-02T00:00"), HOUR)
    assert one == two
    copied = one.model_copy(update={"hours": "10:00-18:00"})
    assert copied.add(utc("2026-03-02T00:00"), HOUR) == utc("2026-03-02T11:00")
    assert one.add(utc("2026-03-02T00:00"), HOUR) == utc("2026-03-02T10:00")


def test_many_more_days_than_are_remembered_are_still_right() -> None:
    decades = SHANGHAI.between(utc("1990-01-01T00:00"), utc("2026-01-01T00:00"))
    days = (date(1990, 1, 1) + n * DAY for n in range((date(2026, 1, 1) - date(1990, 1, 1)).days))
    weekdays = sum(day.weekday() < 5 for day in days)
    assert timedelta() <= weekdays * 9 * HOUR - decades <= 9 * HOUR  # summer time of 1990 and 1991 cuts no window


def test_around_the_clock_all_time_counts() -> None:
    at = utc("2026-03-07T04:00")
    assert ALWAYS.add(at, HOUR) == at + HOUR
    assert ALWAYS.add(at, -HOUR) == at
    assert ALWAYS.between(at, at + 3 * DAY) == 3 * DAY
    assert ALWAYS.between(at, at - HOUR) == timedelta()
    assert ALWAYS.is_workday(at.date())
    assert ALWAYS.windows(at.date()) == ((utc("2026-03-07"), utc("2026-03-08")),)
    assert ALWAYS.opening_after(at) == utc("2026-03-08")


def test_a_calendar_is_found_by_its_name() -> None:
    calendars = {"business": SHANGHAI}
    found: Calendar = calendar_named("business", calendars)
    assert found is SHANGHAI
    assert calendar_named("24x7", calendars) is ALWAYS
    assert calendar_named("taken away", calendars) is ALWAYS


moments = st.integers(0, 2 * 365 * 24 * 3600).map(lambda s: utc("2026-01-01") + timedelta(seconds=s))
spans = st.integers(1, 200 * 3600).map(lambda s: timedelta(seconds=s))
calendars = st.builds(
    BusinessCalendar,
    time_zone=st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai"]),
    days=st.sampled_from([["Mon", "Tue", "Wed", "Thu", "Fri"], ["Sat", "Sun"], ["Wed"]]),
    hours=st.sampled_from(HOURS),
    country=st.sampled_from([None, "CN"]),
)


@PROPERTY
@given(calendars, moments, spans)
def test_what_is_added_has_passed_and_not_a_moment_earlier(
    calendar: BusinessCalendar, start: datetime, span: timedelta
) -> None:
    end = calendar.add(start, span)
    assert calendar.between(start, end) == span
    assert calendar.between(start, end - timedelta(microseconds=1)) < span


@PROPERTY
@given(calendars, moments, moments, moments)
def test_time_counts_in_parts_as_it_counts_as_a_whole(
    calendar: BusinessCalendar, a: datetime, b: datetime, c: datetime
) -> None:
    a, b, c = sorted((a, b, c))
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)
    assert timedelta() <= calendar.between(a, b) <= b - a
    assert calendar.between(b, a) == timedelta()


@PROPERTY
@given(calendars, moments, spans, spans)
def test_adding_twice_is_adding_once(calendar: BusinessCalendar, start: datetime, a: timedelta, b: timedelta) -> None:
    assert calendar.add(calendar.add(start, a), b) == calendar.add(start, a + b)
