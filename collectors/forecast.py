"""When will it be full: a straight line through the last hours, told only where the line is believable."""

import math
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

_STEPS = 72  # points in the window: with six hours, one each five minutes
_MEMORY = 26  # hours for the window's six: a daily rotation is remembered as such
_REACH = 16  # a line is drawn no further ahead than so many times its length


class Point(NamedTuple):
    """The mean of `samples` samples around the moment `at_s` (seconds since the epoch)."""

    at_s: float
    used: float
    samples: int = 1


class Trend:
    """What has been used over time, kept in few points, and the forecast made from it.

    `window` is how far back the line is fitted, `silent_under` how much data it needs. Memory is bounded at about
    320 points, however often it is fed.
    """

    def __init__(self, window: timedelta, silent_under: timedelta) -> None:
        self._window_s = window.total_seconds()
        self._silent_under_s = silent_under.total_seconds()
        self._points: deque[Point] = deque()
        self._first_s = self._last_s = math.nan

    def add(self, now: datetime, used: float) -> None:
        """Note one sample; one that is not later than the last is left out."""
        at_s = now.timestamp()
        if at_s <= self._last_s:
            return
        self._first_s = at_s if math.isnan(self._first_s) else self._first_s
        self._last_s = at_s
        step = self._window_s / _STEPS
        last = self._points[-1] if self._points else None
        if last is not None and int(last.at_s / step) == int(at_s / step):
            samples = last.samples + 1
            mean_at, mean = last.at_s + (at_s - last.at_s) / samples, last.used + (used - last.used) / samples
            self._points[-1] = Point(mean_at, mean, samples)
        else:
            self._points.append(Point(at_s, used))
        while self._points[0].at_s < at_s - self._window_s * _MEMORY / 6:
            self._points.popleft()

    def moved(self, shift: timedelta) -> None:
        """The clock was put right by this much: every sample is later by it."""
        by_s = shift.total_seconds()
        self._points = deque(point._replace(at_s=point.at_s + by_s) for point in self._points)
        self._first_s, self._last_s = self._first_s + by_s, self._last_s + by_s

    def forget(self) -> None:
        """Begin anew: what is measured is another thing now."""
        self._points.clear()
        self._first_s = self._last_s = math.nan

    def points(self) -> list[Point]:
        """What it remembers, oldest first: what `resume` takes."""
        return list(self._points)

    def resume(self, points: Sequence[Point], now: datetime) -> None:
        """Go on from what was remembered before a restart, without what is too old or later than `now`."""
        at_s = now.timestamp()
        oldest = at_s - self._window_s * _MEMORY / 6
        self._points = deque(p for p in points if oldest <= p.at_s <= at_s)
        if self._points:
            self._first_s, self._last_s = self._points[0].at_s, self._points[-1].at_s

    def full_in(self, free: float) -> float:
        """Return the seconds until `free` more is used: inf where it is not filling, NaN where data is too short.

        Too short is less than `silent_under`, and a moment further ahead than 16 times the data goes back.
        """
        known_for_s = self._last_s - self._first_s
        if not known_for_s >= self._silent_under_s:
            return math.nan
        points = list(self._points)
        recent = [p for p in points if p.at_s >= self._last_s - self._window_s]
        if len(recent) < 4:
            return math.nan
        rate = filling_rate(recent, points)
        if rate <= 0:
            return math.inf
        full_in = max(free, 0.0) / rate
        return full_in if full_in <= _REACH * known_for_s else math.nan if known_for_s < self._window_s else math.inf


def filling_rate(recent: Sequence[Point], memory: Sequence[Point]) -> float:
    """Return how much more is used each second, by least squares over `recent`; 0 where no straight fill is seen.

    Believed only if it goes on in the last third (no plateau), if no single step made most of it (no copied file),
    and if what was freed on the way is small beside what was gained, in the window and in the longer `memory`
    (no sawtooth of a log rotation, be its period minutes or a day).
    """
    rate = slope(recent)
    gained = recent[-1].used - recent[0].used
    if rate <= 0 or gained <= 0:
        return 0.0
    late = recent[-max(len(recent) // 3, 2) :]
    going_on = slope(late) >= rate / 2
    stepped = max(b.used - a.used for a, b in pairwise(recent)) > gained / 2
    sawtooth = any(4 * fall(points) > points[-1].used - points[0].used for points in (recent, memory))
    return rate if going_on and not stepped and not sawtooth else 0.0


def slope(points: Sequence[Point]) -> float:
    """The slope of the least-squares line, 0 where all points share one moment."""
    mean_at = math.fsum(p.at_s for p in points) / len(points)
    mean_used = math.fsum(p.used for p in points) / len(points)
    spread = math.fsum((p.at_s - mean_at) ** 2 for p in points)
    together = math.fsum((p.at_s - mean_at) * (p.used - mean_used) for p in points)
    return together / spread if spread else 0.0


def fall(points: Sequence[Point]) -> float:
    """The largest fall from a point to a later one; 0 where it only rises."""
    highest, largest = -math.inf, 0.0
    for point in points:
        highest = max(highest, point.used)
        largest = max(largest, highest - point.used)
    return largest
