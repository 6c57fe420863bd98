"""Rounds: which window is to be filled, and what of a record is out of range."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from collectors.round import NotRead, Round, judge, next_window

SHANGHAI = ZoneInfo("Asia/Shanghai")
ITEMS = [
    {"key": "disk_used_pct", "warn": {"gte": 85}, "crit": {"gte": 95}},
    {"key": "on_battery", "type": "bool", "crit": {"eq": True}},
    {"key": "battery_test", "type": "ok_fail", "warn": {"eq": "fail"}},
    {"key": "temp", "warn": {"outside": [21, 25]}, "crit": {"gt": 32}},
]
GOOD: dict[str, Any] = {"disk_used_pct": 50, "on_battery": False, "battery_test": "ok", "temp": 23}


def rule(*windows: str) -> Round:
    return Round.model_validate({"windows": list(windows or ["08:00-09:00", "16:00-17:00"]), "items": ITEMS})


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-03-02T07:00", "2026-03-02T08:00"),
        ("2026-03-02T09:59", "2026-03-02T08:00"),  # an hour is left to write it down
        ("2026-03-02T10:00", "2026-03-02T16:00"),
        ("2026-03-02T18:00", "2026-03-03T08:00"),
    ],
)
def test_the_window_to_fill_is_the_first_whose_record_is_not_due_yet(now: str, opens: str) -> None:
    assert next_window(rule(), SHANGHAI, wall(now)).opens == wall(opens)


def test_a_window_of_a_weekday_comes_once_a_week() -> None:
    assert next_window(rule("Fri 18:00-20:00"), SHANGHAI, wall("2026-03-06T21:00")).opens == wall("2026-03-13T18:00")


@pytest.mark.parametrize("text", ["8-9", "09:00-08:00", "Friday 08:00-09:00", "08:00"])
def test_what_is_no_window_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(ValidationError, match="is no window: write"):
        rule(text)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"disk_used_pct": 85}, [("disk_used_pct", "warn")]),
        ({"disk_used_pct": 99, "temp": 20}, [("disk_used_pct", "crit"), ("temp", "warn")]),
        ({"on_battery": True, "battery_test": "fail"}, [("on_battery", "crit"), ("battery_test", "warn")]),
        ({"temp": 33}, [("temp", "crit")]),
    ],
)
def test_what_is_out_of_range_is_found_with_its_level(changed: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert [(f.item.key, f.level) for f in judge(rule(), {**GOOD, **changed})] == found


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ({k: v for k, v in GOOD.items() if k != "temp"}, ["temp"]),
        ({**GOOD, "on_battery": 1}, ["on_battery"]),
        ({**GOOD, "disk_used_pct": True, "battery_test": "good"}, ["disk_used_pct", "battery_test"]),
        ({**GOOD, "noise": 4}, ["noise"]),
    ],
)
def test_a_record_that_lacks_a_value_or_has_another_names_it(values: dict[str, Any], keys: list[str]) -> None:
    with pytest.raises(NotRead) as caught:
        judge(rule(), values)
    assert caught.value.keys == keys
