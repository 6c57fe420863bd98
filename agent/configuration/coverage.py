"""A schedule that leaves somebody out at some minute to come: which one, from when until when, and what to write."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from itertools import groupby

from agent.configuration.faults import Fault, fault_at
from agent.configuration.layers import Layered
from correlation.calendar import parse_zone
from escalation.coverage import HORIZON, Hole, holes
from escalation.oncall import Schedule


def faults(layered: Layered, schedules: Mapping[str, Schedule], now: datetime) -> Iterator[Fault]:
    """Yield a fault for each schedule with a gap, and for each shift with too few people, in the next 60 days."""
    found = holes(schedules, now, now + HORIZON)
    for (name, shift), missing in groupby(found, key=lambda hole: (hole.schedule, hole.shift)):
        first, *others = missing
        path = ("schedules", name) if shift is None else ("schedules", name, "shifts", shift)
        said = _said(first, parse_zone(schedules[name].time_zone))
        more = f" (and {len(others)} times more in the next {HORIZON.days} days)" if others else ""
        yield fault_at(layered.marks, path, f"{said}{more}: {_advice(shift)}", key=True)


def _said(hole: Hole, zone: tzinfo) -> str:
    begins, ends = (at.astimezone(zone).strftime("%a %Y-%m-%d %H:%M") for at in (hole.from_at, hole.until))
    if hole.shift is None:
        return f"nobody is on call from {begins} to {ends} ({zone})"
    return f"{hole.has} on duty where min_staff is {hole.needs}, from {begins} to {ends} ({zone})"


def _advice(shift: str | None) -> str:
    if shift is None:
        return "write a layer that holds then, with its hours and days"
    return f"write people and on_duty in a layer with shift: {shift}, or a smaller min_staff"
