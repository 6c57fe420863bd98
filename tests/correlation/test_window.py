"""A window holds at its hours, by the clock on the wall, and each stretch of it is one silence."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from correlation.board import Board
from correlation.calendar import BusinessCalendar
from correlation.classify import Route
from correlation.window import NeverEnds, Window, WindowRule, lay, windows_of

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BUSINESS = BusinessCalendar.model_validate(
    {"time_zone": "Europe/Berlin", "hours": "09:00-17:00", "holidays": ["2026-03-04"]}
)
ROUTES = [
    Route.model_validate({"id": "pager", "match": ['severity="critical"'], "group": "a"}),
    Route.model_validate({"id": "db", "match": ['team="db"'], "group": "b"}),
    Route.model_validate({"id": "rest", "match": [], "group": "c"}),
]


def windows(**written: Any) -> list[Window]:
    clock = {} if "calendar" in written else {"time_zone": "Europe/Berlin"}
    target = {} if "routes" in written else {"match": ['job="batch"']}
    rule = WindowRule.model_validate({"id": "night", **clock, **target, **written})
    return windows_of([rule], {"business": BUSINESS}, ROUTES)


def window(**written: Any) -> Window:
    (made,) = windows(**written)
    return made


def nights(now: datetime, count: int, **written: Any) -> list[str]:
    """The next stretches in UTC: the day, and from when until when."""
    found = islice(window(**written).stretches(now), count)
    return [f"{begins:%a %d %H:%M}-{ends:%a %d %H:%M}" for begins, ends in found]


def test_a_range_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    times = [{"days": ["Fri"], "hours": "22:00-06:00"}]
    assert nights(MONDAY, 2, times=times) == ["Fri 06 21:00-Sat 07 05:00", "Fri 13 21:00-Sat 14 05:00"]


def test_what_has_begun_is_told_with_its_beginning_until_it_ends() -> None:
    times = [{"hours": "22:00-06:00"}]
    assert nights(datetime(2026, 3, 3, 4, 59, tzinfo=UTC), 1, times=times) == ["Mon 02 21:00-Tue 03 05:00"]
    assert nights(datetime(2026, 3, 3, 5, 0, tzinfo=UTC), 1, times=times) == ["Tue 03 21:00-Wed 04 05:00"]


def test_ranges_that_touch_are_one_stretch() -> None:
    times = [{"days": ["Mon"], "hours": "22:00-24:00"}, {"days": ["Tue"], "hours": "00:00-06:00"}]
    assert nights(MONDAY, 1, times=times) == ["Mon 02 21:00-Tue 03 05:00"]


@pytest.mark.parametrize(
    ("day", "hours", "stretch"),
    [
        pytest.param(28, "22:00-06:00", "Sat 28 21:00-Sun 29 04:00", id="the night is an hour shorter"),
        pytest.param(29, "02:15-02:45", "Mon 30 00:15-Mon 30 00:45", id="the clock skips all of it"),
        pytest.param(29, "02:30-04:00", "Sun 29 01:00-Sun 29 02:00", id="it begins where the gap ends"),
    ],
)
def test_in_spring_a_window_is_as_the_wall_shows_it(day: int, hours: str, stretch: str) -> None:
    assert nights(datetime(2026, 3, day, 12 if day == 28 else 0, tzinfo=UTC), 1, times=[{"hours": hours}]) == [stretch]


def test_in_autumn_an_hour_that_comes_twice_is_held_both_times() -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert nights(now, 1, times=[{"hours": "02:00-03:00"}]) == ["Sun 25 00:00-Sun 25 02:00"]
    assert nights(now, 1, times=[{"hours": "22:00-06:00"}]) == ["Sat 24 20:00-Sun 25 05:00"]


def test_days_of_the_month_count_from_its_end_too() -> None:
    """The first Sunday of a month, and the last day of February."""
    first = [{"days": ["Sun"], "days_of_month": ["1:7"], "hours": "01:00-02:00"}]
    assert nights(MONDAY, 2, times=first) == ["Sat 04 23:00-Sun 05 00:00", "Sat 02 23:00-Sun 03 00:00"]
    last = [{"days_of_month": [-1], "months": [2], "hours": "12:00-13:00"}]
    assert nights(MONDAY, 1, times=last) == ["Sun 28 11:00-Sun 28 12:00"]
    assert next(window(times=last).stretches(MONDAY))[0].year == 2027


def test_dates_bound_it_and_its_last_night_is_whole() -> None:
    times = [{"hours": "22:00-06:00"}]
    between = {"effective_from": "2026-03-10", "effective_until": "2026-03-11"}
    assert nights(MONDAY, 9, times=times, **between) == ["Tue 10 21:00-Wed 11 05:00", "Wed 11 21:00-Thu 12 05:00"]


def test_outside_of_a_calendar_are_nights_weekends_and_holidays() -> None:
    assert nights(MONDAY, 3, calendar="business", outside=True) == [
        "Mon 02 16:00-Tue 03 08:00",
        "Tue 03 16:00-Thu 05 08:00",
        "Thu 05 16:00-Fri 06 08:00",
    ]
    until = {"effective_until": "2026-03-03"}
    assert nights(MONDAY, 9, calendar="business", outside=True, **until)[-1] == "Tue 03 16:00-Tue 03 23:00"


def test_at_the_hours_of_a_calendar_it_holds_by_day() -> None:
    assert nights(MONDAY, 2, calendar="business") == ["Mon 02 08:00-Mon 02 16:00", "Tue 03 08:00-Tue 03 16:00"]


@pytest.mark.parametrize(
    "written",
    [
        {"times": [{"hours": "00:00-24:00"}]},
        {"times": [{"hours": "08:00-20:00"}, {"hours": "20:00-08:00"}]},
        {"calendar": "24x7"},
        {"times": [{"hours": "09:00-10:00", "months": [2], "days_of_month": [30]}], "outside": True},
    ],
)
def test_what_would_hold_without_an_end_holds_nothing(written: Mapping[str, Any]) -> None:
    made = window(**written)
    with pytest.raises(NeverEnds):
        next(made.stretches(MONDAY))
    assert made.silence(MONDAY) is None


def test_what_never_comes_holds_nothing() -> None:
    assert window(calendar="24x7", outside=True).silence(MONDAY) is None
    assert window(times=[{"hours": "01:00-02:00"}], effective_until="2026-01-01").silence(MONDAY) is None


@pytest.mark.parametrize(
    "written",
    [
        {"match": []},
        {"match": ['job=~".*"']},
        {"match": ['job!="x"']},
        {"times": []},
        {"calendar": "business"},
        {"times": [{"hours": "22:00-06:00", "days_of_month": ["5:-40"]}]},
        {"times": [{"hours": "22:00-06:00", "days_of_month": ["7:1"]}]},
        {"times": [{"hours": "22:00-06:00", "days": []}]},
        {"times": [{"hours": "22:00-06:00", "months": [0]}]},
        {"effective_from": "2026-03-02", "effective_until": "2026-03-01"},
        {"time_zone": "Mars/Olympus"},
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(written: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WindowRule.model_validate(
            {
                "id": "night",
                "match": ['job="batch"'],
                "time_zone": "UTC",
                "times": [{"hours": "22:00-06:00"}],
                **written,
            }
        )


def test_a_stretch_is_a_silence_that_has_the_same_name_whenever_it_is_asked_for() -> None:
    made = window(times=[{"hours": "22:00-06:00"}], comment="batch runs")
    before, within = made.silence(MONDAY), made.silence(MONDAY + timedelta(hours=15))
    assert before is not None
    assert within is not None
    assert before.id == within.id
    assert (before.window, before.created_by, before.comment) == ("night", "window night", "batch runs")
    assert (before.state(MONDAY), within.state(MONDAY + timedelta(hours=15))) == ("pending", "active")
    after = made.silence(MONDAY + timedelta(hours=24))
    assert after is not None
    assert after.id != before.id
    skipped = made.silence(MONDAY, {before.id})
    assert skipped is not None
    assert skipped.starts_at == before.starts_at + timedelta(days=1)


def test_a_window_of_routes_holds_what_they_take_and_nothing_that_goes_before() -> None:
    db, rest = windows(routes=["db", "rest"], times=[{"hours": "08:00-20:00"}])
    of_db, of_rest = db.silence(MONDAY), rest.silence(MONDAY)
    assert of_db is not None
    assert of_rest is not None
    assert of_db.id != of_rest.id
    assert of_db.comment == "what route db takes"
    assert of_db.covers({"team": "db"})
    assert not of_db.covers({"team": "db", "severity": "critical"})
    assert not of_db.covers({"team": "web"})
    assert of_rest.covers({"team": "web"})
    assert not of_rest.covers({"team": "db"})
    assert not of_rest.covers({"severity": "critical"})


def test_what_matches_is_of_what_a_route_takes() -> None:
    (made,) = windows(routes=["db"], match=['env="test"'], times=[{"hours": "08:00-20:00"}])
    silence = made.silence(MONDAY)
    assert silence is not None
    assert (silence.covers({"team": "db", "env": "test"}), silence.covers({"team": "db"})) == (True, False)


def test_laying_takes_away_the_windows_that_are_no_more() -> None:
    board = Board()
    lay(board, windows(times=[{"hours": "22:00-06:00"}]), MONDAY)
    (held,) = board.silences
    lay(board, windows(times=[{"hours": "22:00-06:00"}]), MONDAY)
    assert list(board.silences) == [held]
    lay(board, [], MONDAY)
    assert not board.silences


@given(
    zone=st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "UTC"]),
    opens=st.integers(0, 23 * 60 + 59),
    lasts=st.integers(1, 24 * 60 - 1),
    minutes=st.integers(0, 2 * 365 * 24 * 60),
    outside=st.booleans(),
)
def test_stretches_come_in_order_do_not_touch_and_are_the_same_seen_from_any_moment(
    zone: str, opens: int, lasts: int, minutes: int, outside: bool
) -> None:
    now, closes = MONDAY + timedelta(minutes=minutes), (opens + lasts) % (24 * 60)
    hours = f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"
    made = window(times=[{"hours": hours}], time_zone=zone, outside=outside)
    found = list(islice(made.stretches(now), 3))
    assert all(begins < ends for begins, ends in found)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(found))
    assert found[0][1] > now
    assert list(islice(made.stretches(found[0][0]), 3)) == found
