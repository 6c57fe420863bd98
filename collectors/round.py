"""Rounds that people make: when one is to be made, and what of its record is out of range (procedure R36, R37)."""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from collectors.condition import Condition, WrittenCondition
from collectors.rule import Rule, Span, parse_span

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW = re.compile(
    r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII
)
_WORDS = {"ok": 0.0, "fail": 1.0}
_ONE_DAY = timedelta(days=1)


def _readable(text: str) -> str:
    found = _WINDOW.fullmatch(text)
    if found is None or found[2] + found[3] >= found[4] + found[5]:
        raise ValueError(f'{text!r} is no window: write "08:00-09:00" or "Fri 18:00-20:00"')
    return text


def _words(written: Any) -> Any:
    """`{eq: fail}` of an item of type ok_fail, as a number."""
    if isinstance(written, Mapping):
        return {key: _WORDS.get(value, value) if isinstance(value, str) else value for key, value in written.items()}
    return written


_Limit = Annotated[WrittenCondition, BeforeValidator(_words)]


class RoundItem(Rule):
    """One thing that a person reads off on a round; beyond `warn` or `crit` it is an incident of `category`."""

    key: str
    unit: str = ""
    type: Literal["number", "bool", "ok_fail"] = "number"
    warn: _Limit | None = None
    crit: _Limit | None = None
    category: str | None = None


class Round(Rule):
    """A round (procedure 4.6): made in each of `windows` by the clock of calendar.yaml, its record due by then.

    Not filled `missed_after` the end of the window, the desk is told.
    """

    windows: list[Annotated[str, AfterValidator(_readable)]] = Field(min_length=1)
    owner: str = "l1"
    contract: str | None = None
    missed_after: Annotated[Span, Field(gt=timedelta())] = parse_span("1h")
    items: list[RoundItem] = []


class Window(NamedTuple):
    """When a round is to be made."""

    opens: datetime
    closes: datetime


class Finding(NamedTuple):
    """What was out of range, and whether it is `warn` or `crit`."""

    item: RoundItem
    value: Any
    level: str


class NotRead(Exception):
    """The record lacks values, or has some that are none; `keys` names them."""

    def __init__(self, keys: list[str], message: str) -> None:
        self.keys = keys
        super().__init__(message)


def next_window(rule: Round, zone: tzinfo, after: datetime) -> Window:
    """Return the first window whose record is not due before `after`: the one that is still to be filled then."""
    day = after.astimezone(zone).date() - _ONE_DAY
    while True:
        for window in sorted(_windows_on(rule, zone, day)):
            if window.closes + rule.missed_after > after:
                return window
        day += _ONE_DAY


def _windows_on(rule: Round, zone: tzinfo, day: Any) -> list[Window]:
    found = []
    for text in rule.windows:
        parts = _WINDOW.fullmatch(text)
        if parts is not None and parts[1] in (None, _DAYS[day.weekday()]):
            h1, m1, h2, m2 = (int(parts[n]) for n in (2, 3, 4, 5))
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            found.append(Window(midnight.replace(hour=h1, minute=m1), midnight.replace(hour=h2, minute=m2)))
    return found


def judge(rule: Round, values: Mapping[str, Any]) -> list[Finding]:
    """Return what of a record is out of range. Raises NotRead where an item has no value, or one of another type."""
    read = {item.key: _number(item, values.get(item.key)) for item in rule.items}
    if absent := [key for key, value in read.items() if math.isnan(value)]:
        raise NotRead(absent, f"the record lacks {', '.join(absent)}: a number, true or false, or ok or fail for each")
    if odd := [key for key in values if key not in read]:
        raise NotRead(odd, f"the round reads no {', '.join(odd)}: {', '.join(read)}")
    levels = [(item, _level(item, read[item.key])) for item in rule.items]
    return [Finding(item, values[item.key], level) for item, level in levels if level]


def _level(item: RoundItem, value: float) -> str:
    for level, limit in (("crit", item.crit), ("warn", item.warn)):
        if isinstance(limit, Condition) and limit.of(item.key).holds(value):
            return level
    return ""


def _number(item: RoundItem, value: Any) -> float:
    if item.type == "ok_fail":
        return _WORDS.get(value, math.nan) if isinstance(value, str) else math.nan
    if isinstance(value, bool) is (item.type == "bool") and isinstance(value, bool | int | float):
        return float(value)
    return math.nan
