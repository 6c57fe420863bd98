"""The time intervals of an alertmanager.yml become windows: when a route is muted, what it takes is held."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from correlation.calendar import DAYS
from correlation.window import WindowRule, windows_of

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MUTE, _ACTIVE = "mute_time_intervals", "active_time_intervals"
_ALL_DAY = "00:00-24:00"
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""From when on it is looked whether a window ever ends."""
Leave = Callable[[str, str], None]


class Unfit(ValueError):
    """It has no equal here; the text says what to write."""


def has_times(route: Mapping[str, Any]) -> bool:
    """Whether a route of an Alertmanager tells at some hours only."""
    return any(route.get(key) for key in (_MUTE, _ACTIVE))


@dataclass
class Muted:
    """Which routes of ours are muted by which intervals, and which are told only in some."""

    by: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)
    """By the key of a route and the names that it gives: the routes."""
    besides: set[str] = field(default_factory=set)

    def take(self, route: Mapping[str, Any], ours: str) -> None:
        """Note what a route of an Alertmanager says of its times, under the id of ours."""
        names = {key: tuple(map(str, route.get(key) or ())) for key in (_MUTE, _ACTIVE)}
        for key, each in ((_MUTE, [(name,) for name in names[_MUTE]]), (_ACTIVE, [names[_ACTIVE]])):
            for said in filter(None, each):
                self.by.setdefault((key, said), []).append(ours)

    def go_on(self, route: Mapping[str, Any]) -> None:
        """Note a route that is told besides what another one takes, itself or below one that goes on."""
        if has_times(route):
            self.besides.add(str(route["receiver"]))

    def windows(self, written: Mapping[str, Any], leave: Leave) -> list[dict[str, Any]]:
        """The windows that hold what these routes take; `leave` is told of each that cannot be one, and why."""
        intervals = _intervals(written)
        made: list[dict[str, Any]] = []
        for (key, names), routes in self.by.items():
            try:
                made += list(_windows(key, names, routes, intervals))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
                said = said.removeprefix("Value error, ")
                leave(f"{key} {', '.join(names)}", f"write it by hand (docs/config.md, windows): {said}")
        for receiver in sorted(self.besides):
            why = "where another route takes the alert, it is told besides at any hour"
            leave(f"route to {receiver}, continue and times", why)
        return made


def _intervals(written: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """What stands under each name; `mute_time_intervals` of the file is the older word for `time_intervals`."""
    named = [*(written.get("time_intervals") or ()), *(written.get(_MUTE) or ())]
    return {
        str(one.get("name")): [i for i in one.get("time_intervals") or () if isinstance(i, Mapping)]
        for one in named
        if isinstance(one, Mapping)
    }


def _windows(
    key: str, names: tuple[str, ...], routes: Sequence[str], intervals: Mapping[str, list[Mapping[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """The windows of one entry: muted at these times, or held outside of them."""
    if unknown := ", ".join(name for name in names if name not in intervals):
        raise Unfit(f"there is no time interval {unknown}")
    by_zone: dict[str, list[dict[str, Any]]] = {}
    years: set[tuple[int, int]] = set()
    for interval in (one for name in names for one in intervals[name]):
        zone = str(interval.get("location") or interval.get("time_zone") or "UTC")
        by_zone.setdefault(zone, []).append(_times(interval))
        years |= set(_ranges(interval.get("years"), ())) or {(0, 0)}
    outside = key == _ACTIVE
    if len(by_zone) != 1 and outside:
        raise Unfit("its intervals have several time zones, or there are none: write each window in one")
    if years != {(0, 0)} and (outside or len(years) > 1):
        raise Unfit("it names years: write effective_from and effective_until")
    first, last = next(iter(years), (0, 0))
    dates = {"effective_from": f"{first}-01-01", "effective_until": f"{last}-12-31"} if first else {}
    called = "-".join(names)
    for place, (zone, times) in enumerate(by_zone.items(), 1):
        more = {"outside": True} if outside else {}
        said = f"outside-{called}" if outside else called
        name = said if place == 1 else f"{said}-{place}"
        window = {"id": name, "routes": list(routes), "time_zone": zone, "times": times, **more, **dates}
        _try(window)
        yield window


def _try(window: Mapping[str, Any]) -> None:
    """Raises what is wrong with a window."""
    rule = WindowRule.model_validate({**window, "routes": [], "match": {"alertname": "any"}})
    (made,) = windows_of([rule], {}, ())
    next(made.stretches(_SOME_DAY), None)


def _times(interval: Mapping[str, Any]) -> dict[str, Any]:
    """One interval as `times` of a window."""
    found: dict[str, Any] = {"hours": _hours(interval.get("times"))}
    if interval.get("weekdays"):
        wanted = {n for first, last in _ranges(interval["weekdays"], _WEEK) for n in range(first, last + 1)}
        found["days"] = [day for place, day in enumerate(DAYS) if (place + 1) % 7 in wanted]
    if interval.get("days_of_month"):
        found["days_of_month"] = [f"{a}:{b}" for a, b in _ranges(interval["days_of_month"], ())]
    if interval.get("months"):
        found["months"] = [f"{a}:{b}" for a, b in _ranges(interval["months"], ("", *_MONTHS))]
    return found


def _hours(times: Any) -> str:
    """Ranges in order, those that overlap as one."""
    joined: list[tuple[str, str]] = []
    for begins, ends in sorted((str(one["start_time"]), str(one["end_time"])) for one in times or ()):
        if begins >= ends:
            raise Unfit(f"{begins} to {ends} ends before it begins")
        if joined and begins <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], ends)
        else:
            joined.append((begins, ends))
    return ",".join(f"{begins}-{ends}" for begins, ends in joined) or _ALL_DAY


def _ranges(said: Any, words: Sequence[str]) -> list[tuple[int, int]]:
    """`monday:friday`, `1:5` or `3` as first and last, a word as its place among `words`."""
    found = []
    for text in said or ():
        first, _, last = str(text).strip().lower().partition(":")
        found.append((_number(first, words), _number(last or first, words)))
    return found


def _number(text: str, words: Sequence[str]) -> int:
    try:
        return words.index(text) if text in words else int(text)
    except ValueError as error:
        raise Unfit(f"{text!r} is no day, month or year") from error
