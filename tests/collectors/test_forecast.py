"""The forecast to full: a straight fill is told, what only looks like one is not."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.forecast import Point, Trend, fall, slope

T0 = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = 3600.0
Used = Callable[[float], float]


def forecasts(used: Used, hours: float, every_s: float = 60) -> list[tuple[float, float]]:
    """(hour, seconds to full) at each sample of a disk of 100."""
    trend, told = Trend(timedelta(hours=6), timedelta(minutes=30)), []
    for n in range(int(hours * HOUR / every_s) + 1):
        seconds = n * every_s
        trend.add(T0 + timedelta(seconds=seconds), used(seconds))
        told.append((seconds / HOUR, trend.full_in(100 - used(seconds))))
    return told


def alarms(used: Used, hours: float, every_s: float = 60, after_h: float = 0) -> list[tuple[float, float]]:
    """When, by the pack's thresholds (procedure 4.6), the forecast would have warned."""
    return [
        (hour, full_in)
        for hour, full_in in forecasts(used, hours, every_s)
        if hour > after_h and full_in < 24 * HOUR and 100 - used(hour * HOUR) < 40
    ]


def sawtooth(period_h: float, low: float, high: float, phase: float = 0.0, jitter: float = 0.0) -> Used:
    draw = random.Random(7)
    peaks: dict[float, float] = {}

    def used(seconds: float) -> float:
        tooth, into = divmod(seconds / HOUR + phase * period_h, period_h)
        peak = peaks.setdefault(tooth, high + draw.uniform(-jitter, jitter) * (high - low))
        return low + (peak - low) * into / period_h

    return used


@pytest.mark.parametrize(
    "used",
    [
        pytest.param(lambda s: 60 + 4 * s / HOUR, id="straight"),
        pytest.param(lambda s: 60 + 4 * s / HOUR + 0.3 * math.sin(s), id="with-noise"),
        pytest.param(lambda s: 60 + 4 * (s // 1800) / 2, id="in-steps-of-half-an-hour"),
        pytest.param(lambda s: 60 + 4 * s / HOUR + (s % HOUR) / HOUR / 2, id="with-a-small-rotation-on-top"),
    ],
)
def test_a_disk_that_fills_is_told_when_it_will_be_full(used: Used) -> None:
    hour, full_in = forecasts(used, 6)[-1]
    assert hour == 6
    assert full_in == pytest.approx((100 - used(6 * HOUR)) / 4 * HOUR, rel=0.1)


def test_a_fast_fill_after_a_quiet_day_is_told_before_the_disk_is_at_its_threshold() -> None:
    def used(s: float) -> float:
        return 55 + max(0.0, s / HOUR - 12) * 5

    (hour, _), *_ = alarms(used, 18)
    assert used(hour * HOUR) < 85


def test_nothing_is_known_under_half_an_hour_of_data() -> None:
    told = forecasts(lambda s: 60 + 20 * s / HOUR, 1)
    assert all(math.isnan(full_in) for hour, full_in in told if hour < 0.5)
    assert not math.isnan(told[30][1])


def test_a_short_line_is_not_drawn_far_ahead() -> None:
    told = forecasts(lambda s: 60 + 2 * s / HOUR, 2)
    assert math.isnan(told[60][1]), "an hour of data says nothing about a moment 19 hours ahead"


@pytest.mark.parametrize("every_s", [60, 300], ids=["each-minute", "each-five"])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("period_h", [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 5.9, 6.0, 12.0, 24.0], ids=lambda h: f"{h}h")
def test_a_log_rotation_raises_nothing_once_it_has_rotated(period_h: float, phase: float, every_s: float) -> None:
    rotated = (1 - phase) * period_h
    hours = max(10, rotated + 2 * period_h)
    assert alarms(sawtooth(period_h, 60, 84, phase, jitter=0.1), hours, every_s, rotated + every_s / HOUR) == []


@pytest.mark.parametrize("period_h", [0.1, 0.25, 0.45])
def test_a_rotation_quicker_than_half_an_hour_raises_nothing_from_the_start(period_h: float) -> None:
    assert alarms(sawtooth(period_h, 60, 84), 8) == []


@settings(max_examples=30, deadline=None)
@given(
    period_m=st.integers(5, 360),
    low=st.floats(30, 70),
    height=st.floats(3, 25),
    phase=st.floats(0, 0.99),
    jitter=st.floats(0, 0.1),
)
def test_no_sawtooth_raises_anything_after_its_first_tooth(
    period_m: int, low: float, height: float, phase: float, jitter: float
) -> None:
    rotated = (1 - phase) * period_m / 60
    used = sawtooth(period_m / 60, low, low + height, phase, jitter)
    assert alarms(used, rotated + 8, 120, rotated + 0.7) == []


@pytest.mark.parametrize(
    "used",
    [
        pytest.param(lambda s: 70.0, id="flat"),
        pytest.param(lambda s: 90 - s / HOUR, id="emptying"),
        pytest.param(lambda s: 55 + (30 if s > 4 * HOUR else 0), id="a-file-was-copied"),
        pytest.param(lambda s: 40 + min(30.0, 10 * s / HOUR), id="it-filled-and-stopped"),
    ],
)
def test_what_is_no_fill_is_well_after_six_hours(used: Used) -> None:
    assert forecasts(used, 6.5)[-1][1] == math.inf


def test_a_cleaned_disk_is_no_longer_told_to_fill() -> None:
    told = forecasts(lambda s: 60 + 5 * s / HOUR - (25 if s > 5 * HOUR else 0), 6)
    assert told[295][1] < 24 * HOUR
    assert told[-1][1] == math.inf


def test_memory_is_bounded_however_often_it_is_fed() -> None:
    trend = Trend(timedelta(minutes=6), timedelta(seconds=30))
    for second in range(6000):
        trend.add(T0 + timedelta(seconds=second), second)
    assert len(trend._points) < 330


def test_a_clock_that_goes_back_adds_nothing() -> None:
    trend = Trend(timedelta(hours=6), timedelta(minutes=30))
    for minute in range(40):
        trend.add(T0 + timedelta(minutes=minute), 60 + minute)
        trend.add(T0 - timedelta(hours=1), 0)
    assert trend.full_in(60) == pytest.approx(3600, rel=0.01)


def test_another_device_begins_anew() -> None:
    trend = Trend(timedelta(hours=6), timedelta(minutes=30))
    for minute in range(40):
        trend.add(T0 + timedelta(minutes=minute), 60 + minute)
    trend.forget()
    assert math.isnan(trend.full_in(10))


def test_slope_and_fall_of_a_few_points() -> None:
    points = [Point(0, 1), Point(10, 3), Point(20, 2), Point(30, 5)]
    assert fall(points) == 1
    assert slope(points) == pytest.approx(0.11)
    assert slope([Point(5, 1), Point(5, 9)]) == 0
