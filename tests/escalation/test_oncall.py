"""Who is on call, against a clock that is walked minute by minute over every kind of change."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from correlation.calendar import DAYS
from escalation.oncall import Layer, Override, Schedule, gaps, on_call, on_duty, shifts, understaffed
from tests.moments import CHANGES, DAY, HOUR, MINUTE, PROPERTY, utc


def layer(*people: str, every: str = "7d", handover: str = "Mon 09:00", **more: Any) -> Layer:
    return Layer.model_validate({"people": list(people), "every": every, "handover": handover, **more})


def schedule(*layers: Layer, zone: str = "Asia/Shanghai", overrides: Sequence[Override] = ()) -> Schedule:
    return Schedule(group="sys-ops", role="l1", time_zone=zone, layers=list(layers), overrides=list(overrides))


def stand_in(person: str, since: str, until: str, replaces: str | None = None) -> Override:
    return Override(person=person, from_at=utc(since), until=utc(until), replaces=replaces)


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


@cache
def first_handover(day: str, clock: str, start: date | None) -> datetime:
    begins = datetime.fromisoformat(f"{start or date(2024, 1, 1)}T{clock}")
    while day and DAYS[begins.weekday()] != day:
        begins += DAY
    return begins


def whose_turn(rotation: Layer, wall: datetime) -> str:
    """The first of a rotation as the wall clock tells it."""
    day, _, clock = rotation.handover.rpartition(" ")
    turns = int((wall - first_handover(day, clock, rotation.start)) / rotation.every // 1)
    return rotation.people[turns % len(rotation.people)]


@cache
def minutes_of(hours: str) -> set[int]:
    """The minutes after the midnight of the day on which the hours begin."""
    found: set[int] = set()
    for part in hours.split(","):
        a, b = (int(t[:2]) * 60 + int(t[3:]) for t in part.split("-"))
        found.update(range(a, b if b > a else b + 1440))
    return found


def lies_in_hours(rotation: Layer, wall: datetime) -> bool:
    minutes, minute, weekday = minutes_of(rotation.hours or "00:00-24:00"), wall.hour * 60 + wall.minute, wall.weekday()
    begun_on = [DAYS[weekday]] if minute in minutes else []
    begun_on += [DAYS[weekday - 1]] if minute + 1440 in minutes else []
    return any(rotation.days is None or day in rotation.days for day in begun_on)


def first_by_the_wall(rota: Schedule, wall: datetime) -> str | None:
    holding = [rotation for rotation in rota.layers if lies_in_hours(rotation, wall)]
    return whose_turn(holding[-1], wall) if holding else None


ROTAS = [
    pytest.param([layer("ana", "luis", "wei", every="1d", handover="02:30")], id="at a time that is skipped"),
    pytest.param([layer("ana", "luis", every="1d", handover="01:30")], id="at a time that comes twice"),
    pytest.param([layer("ana", "luis", every="1d", handover="00:00")], id="at midnight"),
    pytest.param([layer("ana", "luis", "wei", every="7m", handover="09:00")], id="every seven minutes"),
    pytest.param(
        [
            layer("ana", "luis", every="12h", handover="Mon 09:00"),
            layer("wei", "mei", every="1d", handover="20:00", hours="20:00-08:00"),
            layer("zoe", hours="01:15-01:45,02:10-02:50", days=["Sun", "Sat"]),
        ],
        id="a night shift and a short one over it",
    ),
    pytest.param(
        [layer("ana", hours="23:30-02:20", days=["Sat", "Thu"]), layer("wei", hours="09:00-17:00")],
        id="hours with holes between them",
    ),
]


@pytest.mark.parametrize("layers", ROTAS)
@pytest.mark.parametrize(("zone", "around"), CHANGES)
def test_each_minute_around_a_change_of_the_clock_has_the_person_the_wall_says(
    zone: str, around: str, layers: list[Layer]
) -> None:
    rota = schedule(*layers, zone=zone)
    minutes = walk(zone, around)
    expected = [(at, first_by_the_wall(rota, reached)) for at, reached in minutes]
    tiles = shifts(rota, minutes[0][0], minutes[-1][0] + MINUTE)
    told = iter(tiles)
    tile = next(told)
    for at, person in expected:
        tile = tile if at < tile.until else next(told)
        assert tile.from_at <= at < tile.until
        assert tile.person == person, at
    for at, person in [*expected[::11], *((t.from_at, t.person) for t in tiles)]:
        assert next(iter(on_call(rota, at)), None) == person, at


@pytest.mark.parametrize(
    ("zone", "around", "lengths"),
    [
        pytest.param("America/New_York", "2027-03-14", [24, 23, 24], id="a shift of 23 hours in spring"),
        pytest.param("America/New_York", "2027-11-07", [24, 25, 24], id="a shift of 25 hours in autumn"),
        pytest.param("Australia/Lord_Howe", "2027-10-03", [24, 23.5, 24], id="half an hour less on Lord Howe"),
        pytest.param("Australia/Lord_Howe", "2027-04-04", [24, 24.5, 24], id="half an hour more on Lord Howe"),
        pytest.param("Asia/Shanghai", "2027-03-14", [24, 24, 24], id="nothing changes in Shanghai"),
    ],
)
def test_the_handover_stays_at_nine_and_the_shift_is_as_long_as_the_day(
    zone: str, around: str, lengths: list[float]
) -> None:
    rota = schedule(layer("ana", "luis", every="1d", handover="09:00"), zone=zone)
    nine = datetime.fromisoformat(f"{around}T09:00").replace(tzinfo=ZoneInfo(zone))
    tiles = shifts(rota, nine - 2 * DAY, nine + DAY)
    assert [(t.until - t.from_at) / HOUR for t in tiles] == lengths
    assert {t.until.astimezone(ZoneInfo(zone)).hour for t in tiles} == {9}


@pytest.mark.parametrize(
    ("now", "people"),
    [
        pytest.param("2026-03-02T01:00", ["wei", "ana", "luis"], id="the handover itself"),
        pytest.param("2026-03-02T00:59:59", ["luis", "wei", "ana"], id="the second before"),
        pytest.param("2026-03-09T01:00", ["ana", "luis", "wei"], id="a week later"),
        pytest.param("2024-01-01T01:00", ["ana", "luis", "wei"], id="the very first turn"),
        pytest.param("2023-12-25T01:00", ["wei", "ana", "luis"], id="before it the rotation ran as well"),
    ],
)
def test_the_second_on_call_is_the_next_of_the_rotation(now: str, people: list[str]) -> None:
    assert on_call(schedule(layer("ana", "luis", "wei")), utc(now)) == people


@pytest.mark.parametrize(
    ("start", "handover", "begins"),
    [
        pytest.param("2026-03-02", "09:00", "2026-03-02T01:00", id="on the day"),
        pytest.param("2026-03-02", "Wed 09:00", "2026-03-04T01:00", id="on the first Wednesday from there"),
        pytest.param("2026-03-02", "Mon 09:00", "2026-03-02T01:00", id="on that Monday"),
        pytest.param("2026-03-05", "Mon 09:00", "2026-03-09T01:00", id="from a Thursday: on the next Monday"),
    ],
)
def test_the_first_turn_begins_with_the_first_handover_from_the_start(start: str, handover: str, begins: str) -> None:
    rota = schedule(layer("ana", "luis", every="3d", handover=handover, start=start))
    assert on_call(rota, utc(begins))[0] == "ana"
    assert on_call(rota, utc(begins) - MINUTE)[0] == "luis"
    assert on_call(rota, utc(begins) + 3 * DAY)[0] == "luis"


def test_a_later_layer_lies_over_an_earlier_one_whose_people_come_next() -> None:
    rota = schedule(layer("ana", "luis"), layer("wei", hours="20:00-08:00", days=["Mon"]))
    monday_night, next_morning = utc("2026-03-02T13:00"), utc("2026-03-02T23:59")
    assert on_call(rota, monday_night) == ["wei", "luis", "ana"]
    assert on_call(rota, next_morning) == ["wei", "luis", "ana"]
    assert on_call(rota, utc("2026-03-03T00:00")) == ["luis", "ana"]
    assert on_call(rota, utc("2026-03-03T13:00")) == ["luis", "ana"]


def test_a_person_who_takes_two_turns_stands_in_the_list_once() -> None:
    assert on_call(schedule(layer("ana", "luis", "ana", "wei")), utc("2024-01-01T01:00")) == ["ana", "luis", "wei"]


def test_a_schedule_without_layers_has_nobody() -> None:
    begins, ends = utc("2026-03-02"), utc("2026-03-09")
    assert on_call(schedule(), begins) == []
    assert gaps(schedule(), begins, ends) == [(begins, ends)]


A_WEEK = ("2026-03-02", "2026-03-09")


@pytest.mark.parametrize(
    ("overrides", "people"),
    [
        pytest.param([stand_in("wei", *A_WEEK)], ["wei", "ana"], id="whoever is first"),
        pytest.param([stand_in("wei", *A_WEEK, replaces="luis")], ["wei", "ana"], id="the first by name"),
        pytest.param([stand_in("wei", *A_WEEK, replaces="ana")], ["luis", "wei"], id="the second by name"),
        pytest.param([stand_in("wei", *A_WEEK, replaces="mei")], ["luis", "ana"], id="somebody who is not on call"),
        pytest.param([stand_in("ana", *A_WEEK)], ["ana"], id="the second takes the first's place"),
        pytest.param([stand_in("wei", *A_WEEK), stand_in("mei", *A_WEEK)], ["mei", "ana"], id="the last one wins"),
        pytest.param(
            [stand_in("wei", *A_WEEK), stand_in("mei", *A_WEEK, replaces="wei")], ["mei", "ana"], id="a stand-in's own"
        ),
        pytest.param([stand_in("wei", "2026-03-03", "2026-03-09")], ["luis", "ana"], id="not yet"),
        pytest.param([stand_in("wei", "2026-03-01", "2026-03-02T02:00")], ["luis", "ana"], id="over this very moment"),
        pytest.param([stand_in("wei", "2026-03-02T02:00", "2026-03-03")], ["wei", "ana"], id="from this very moment"),
    ],
)
def test_an_override_stands_in(overrides: list[Override], people: list[str]) -> None:
    now = utc("2026-03-02T02:00")
    assert on_call(schedule(layer("ana", "luis")), now, overrides) == people
    assert on_call(schedule(layer("ana", "luis"), overrides=overrides), now) == people


def test_an_override_fills_a_hole_and_a_row_lies_over_the_file() -> None:
    assert on_call(schedule(), utc("2026-03-02T02:00"), [stand_in("wei", *A_WEEK)]) == ["wei"]
    rota = schedule(layer("ana"), overrides=[stand_in("luis", *A_WEEK)])
    assert on_call(rota, utc("2026-03-02T02:00"), [stand_in("wei", *A_WEEK)]) == ["wei"]


def test_an_override_is_written_with_from_and_until() -> None:
    written = {"person": "wei", "from": "2026-03-02T09:00+08:00", "until": "2026-03-09T09:00+08:00"}
    override = Override.model_validate(written)
    assert override.from_at == utc("2026-03-02T01:00")
    assert set(override.model_dump(by_alias=True)) == {"person", "from", "until", "replaces"}
    assert Override.model_validate(override.model_dump(mode="json", by_alias=True)) == override


@pytest.mark.parametrize(
    ("model", "given", "says"),
    [
        pytest.param(Layer, {"people": ["ana"], "every": "7d", "handover": "Monday"}, "Mon 09:00", id="handover"),
        pytest.param(Layer, {"people": ["ana"], "every": "7d", "handover": "24:00"}, "Mon 09:00", id="no such time"),
        pytest.param(Layer, {"people": [], "every": "7d"}, "at least 1", id="nobody"),
        pytest.param(Layer, {"people": ["ana"], "every": "0"}, "greater than", id="no time"),
        pytest.param(Layer, {"people": ["ana"], "every": "7d", "hours": "20-8"}, "no range of hours", id="hours"),
        pytest.param(Layer, {"people": ["ana"], "every": "7d", "days": []}, "at least 1", id="no day"),
        pytest.param(Schedule, {"group": "g", "time_zone": "Berlin"}, "no time zone", id="zone"),
        pytest.param(
            Override,
            {"person": "wei", "from": "2026-03-02T09:00", "until": "2026-03-03T09:00"},
            "timezone",
            id="a moment of no zone",
        ),
        pytest.param(
            Override,
            {"person": "wei", "from": "2026-03-03T09:00Z", "until": "2026-03-03T09:00Z"},
            "ends after it begins",
            id="backwards",
        ),
    ],
)
def test_a_rota_that_cannot_be_meant_is_refused(model: type[Layer], given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        model.model_validate(given)


def test_holes_are_found_before_somebody_falls_into_them() -> None:
    rota = schedule(layer("ana", hours="08:00-20:00"), layer("wei", hours="20:00-08:00", days=["Mon", "Wed"]))
    found = gaps(rota, utc("2026-03-02T00:00"), utc("2026-03-05T00:00"))
    assert found == [(utc("2026-03-03T12:00"), utc("2026-03-04T00:00"))]


def test_backwards_there_is_nothing() -> None:
    assert shifts(schedule(layer("ana")), utc("2026-03-02"), utc("2026-03-01")) == []
    assert gaps(schedule(), utc("2026-03-02"), utc("2026-03-02")) == []


names = st.sampled_from(["ana", "luis", "wei", "mei"])
layers = st.builds(
    Layer,
    people=st.lists(names, min_size=1, max_size=3),
    every=st.sampled_from(["7d", "1d", "12h", "8h", "45m", "36h"]),
    handover=st.sampled_from(["Mon 09:00", "02:30", "01:30", "00:00", "Sun 02:00"]),
    hours=st.sampled_from([None, "20:00-08:00", "01:30-02:30", "09:00-12:00,13:00-18:00"]),
    days=st.sampled_from([None, ["Sat", "Sun"], ["Mon", "Wed"]]),
)
zones = st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai", "Africa/Cairo"])
moments = st.integers(0, 365 * 24 * 60).map(lambda n: utc("2027-01-01") + n * MINUTE)
overrides_at = st.builds(
    lambda person, since, hours, replaces: Override(
        person=person, from_at=since, until=since + hours * HOUR, replaces=replaces
    ),
    names,
    moments,
    st.integers(1, 500),
    st.none() | names,
)
rotas = st.builds(
    lambda zone, found, over: schedule(*found, zone=zone, overrides=over),
    zones,
    st.lists(layers, max_size=3),
    st.lists(overrides_at, max_size=3),
)


@PROPERTY
@given(rotas, moments, st.integers(1, 12 * 24 * 60), st.lists(overrides_at, max_size=3))
def test_shifts_tile_time_and_agree_with_who_is_on_call(
    rota: Schedule, begins: datetime, minutes: int, rows: list[Override]
) -> None:
    ends = begins + minutes * MINUTE
    tiles = shifts(rota, begins, ends, rows)
    assert [tiles[0].from_at, *(t.until for t in tiles)] == [*(t.from_at for t in tiles), ends]
    assert tiles[0].from_at == begins
    for tile in tiles:
        assert tile.from_at < tile.until
        middle = tile.from_at + (tile.until - tile.from_at) / 2
        for at in (tile.from_at, middle, tile.until - timedelta(microseconds=1)):
            assert next(iter(on_call(rota, at, rows)), None) == tile.person
    assert all(a.person != b.person for a, b in pairwise(tiles))
    assert gaps(rota, begins, ends, rows) == [(t.from_at, t.until) for t in tiles if t.person is None]


@PROPERTY
@given(rotas, moments)
def test_everybody_on_call_stands_there_once(rota: Schedule, now: datetime) -> None:
    people = on_call(rota, now)
    assert len(people) == len(set(people))


# shifts, several on duty, layers of their own zone


def shift_rota(**staff: int) -> Schedule:
    """The three shifts of procedure S2.2, with two people on duty by day."""
    needs = {"day-a": 1, "day-b": 1, "night": 1, **{name.replace("_", "-"): n for name, n in staff.items()}}
    hours = {"day-a": "08:00-20:00", "day-b": "09:00-21:00", "night": "20:00-08:00"}
    return Schedule.model_validate(
        {
            "group": "sys-ops",
            "time_zone": "Europe/Berlin",
            "shifts": {name: {"hours": hours[name], "min_staff": needs[name]} for name in hours},
            "layers": [
                {"shift": "night", "people": ["nia", "noa"], "every": "7d", "handover": "Mon 20:00"},
                {"shift": "day-a", "people": ["ana", "luis", "wei"], "on_duty": 2, "every": "1d", "handover": "08:00"},
                {"shift": "day-b", "people": ["dora", "pat"], "every": "1d", "handover": "09:00"},
            ],
        }
    )


def test_both_day_shifts_are_there_between_nine_and_eight_and_those_off_duty_come_last() -> None:
    rota, day = shift_rota(), "2027-03-10"
    assert on_call(rota, utc(f"{day}T07:30:00")) == ["ana", "luis", "wei"]
    both = on_call(rota, utc(f"{day}T10:00:00"))
    assert (both[0] in ("dora", "pat"), both[1:3]) == (True, ["ana", "luis"])
    assert set(both[3:]) == {"wei", "dora", "pat"} - {both[0]}
    assert on_call(rota, utc(f"{day}T19:30:00"))[0] == both[0], "day-a has gone at eight, day-b stays until nine"
    assert on_call(rota, utc(f"{day}T23:00:00")) == ["nia", "noa"], "the night shift ends on the next morning"
    assert on_call(rota, utc("2027-03-11T06:30:00")) == ["nia", "noa"]


@pytest.mark.parametrize("day", ["2027-03-27", "2027-03-28", "2027-10-30", "2027-10-31"])
def test_the_three_shifts_leave_no_minute_out_and_lack_nobody_over_a_clock_change(day: str) -> None:
    begins, ends = utc(f"{day}T00:00:00"), utc(f"{day}T00:00:00") + 2 * DAY
    assert gaps(shift_rota(), begins, ends) == []
    assert understaffed(shift_rota(day_a=2), begins, ends) == []


def test_the_night_of_a_clock_change_is_an_hour_shorter_and_short_of_people_for_just_so_long() -> None:
    (thin,) = understaffed(shift_rota(night=2), utc("2027-03-27T12:00:00"), utc("2027-03-28T12:00:00"))
    assert (thin.shift, thin.has, thin.needs) == ("night", 1, 2)
    assert (thin.from_at, thin.until) == (utc("2027-03-27T19:00:00"), utc("2027-03-28T06:00:00"))


def test_who_stands_in_for_two_leaves_the_shift_one_short() -> None:
    absent = [
        stand_in("wei", "2027-03-10T08:00:00", "2027-03-10T10:00:00", replaces="ana"),
        stand_in("wei", "2027-03-10T08:00:00", "2027-03-10T10:00:00", replaces="luis"),
    ]
    span = utc("2027-03-10T07:00:00"), utc("2027-03-10T19:00:00")
    assert on_duty(shift_rota(), "day-a", utc("2027-03-10T09:00:00"), absent[:1]) == ["wei", "luis"]
    (thin,) = understaffed(shift_rota(day_a=2), *span, absent)
    assert (thin.from_at, thin.until, thin.has) == (utc("2027-03-10T08:00:00"), utc("2027-03-10T10:00:00"), 1)


def test_an_override_without_an_end_holds_until_it_is_ended() -> None:
    rota = schedule(layer("ana", "luis"))
    open_ended = Override.model_validate({"person": "wei", "from": "2027-03-01T00:00:00Z", "replaces": "ana"})
    assert "ana" not in on_call(rota, utc("2036-01-01T00:00:00"), [open_ended])
    assert shifts(rota, utc("2027-03-01T01:00:00"), utc("2027-03-30T00:00:00"), [open_ended])


def test_a_layer_holds_from_one_local_day_to_the_end_of_another() -> None:
    rota = schedule(
        layer("ana"), layer("luis", effective_from="2027-03-10", effective_until="2027-03-11"), zone="Asia/Shanghai"
    )
    assert [s.person for s in shifts(rota, utc("2027-03-09T00:00:00"), utc("2027-03-13T00:00:00"))] == [
        "ana",
        "luis",
        "ana",
    ]
    assert on_call(rota, utc("2027-03-09T15:59:00")) == ["ana"]
    assert on_call(rota, utc("2027-03-09T16:00:00"))[0] == "luis"
    assert on_call(rota, utc("2027-03-11T16:00:00")) == ["ana"]


def test_a_rota_follows_the_sun_by_the_clock_of_each_office() -> None:
    rota = schedule(
        layer("mei", every="1d", handover="08:00", hours="08:00-17:00", time_zone="Asia/Shanghai"),
        layer("ana", every="1d", handover="08:00", hours="08:00-18:00", time_zone="Europe/Berlin"),
        layer("eva", every="1d", handover="08:00", hours="08:00-21:00", time_zone="America/New_York"),
        zone="UTC",
    )
    winter, summer = utc("2027-01-13T00:00:00"), utc("2027-07-14T00:00:00")
    assert [(s.person, s.from_at.hour) for s in shifts(rota, winter, winter + DAY)] == [
        ("eva", 0),
        ("mei", 2),
        ("ana", 7),
        ("eva", 13),
    ]
    assert [(s.person, s.from_at.hour) for s in shifts(rota, summer, summer + DAY)] == [
        ("eva", 0),
        ("mei", 1),
        ("ana", 6),
        ("eva", 12),
    ]
    assert gaps(rota, winter, winter + 365 * DAY) == [], "no clock change of a year opens a gap"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"layers": [{"people": ["ana"], "every": "1d", "shift": "late"}]}, "there is none", id="no shift"),
        pytest.param(
            {"layers": [{"people": ["ana"], "every": "1d", "shift": "day", "hours": "08:00-09:00"}]},
            "write shift, or hours and days",
            id="shift and hours",
        ),
        pytest.param({"layers": [{"people": ["ana"], "every": "1d", "on_duty": 2}]}, "add some", id="too few"),
        pytest.param(
            {
                "layers": [
                    {
                        "people": ["ana"],
                        "every": "1d",
                        "effective_from": "2027-02-02",
                        "effective_until": "2027-02-01",
                    }
                ]
            },
            "would never hold",
            id="ends before it begins",
        ),
    ],
)
def test_a_layer_that_contradicts_itself_is_refused_with_what_to_write(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Schedule.model_validate(
            {"group": "g", "time_zone": "UTC", "shifts": {"day": {"hours": "08:00-20:00"}}, **changed}
        )
