"""What is wrong with windows: names twice or of nothing, and hours in which what is held would never be told."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from agent.configuration.faults import Fault, fault_at, suggest
from agent.configuration.layers import Layered
from collectors.labels import all_match
from correlation.calendar import BusinessCalendar
from correlation.classify import Route
from correlation.window import NeverEnds, Stretch, Window, WindowRule, joined, windows_of
from escalation.coverage import HORIZON

_LONG = timedelta(days=14)
"""No business is closed for longer."""
_TOLD_OTHERWISE = "what never pages is for inhibit, or for a route with pages: false"


def window_faults(
    layered: Layered,
    rules: Sequence[WindowRule],
    calendars: Mapping[str, BusinessCalendar],
    routes: Sequence[Route],
    now: datetime | None,
) -> Iterator[tuple[Fault, bool]]:
    """Yield what is wrong, and whether it must not be used so; without `now` nothing is said of when they hold."""
    ids, known = [rule.id for rule in rules], [route.id for route in routes]
    go_on = {route.id for route in routes if route.goes_on}
    for place, rule in enumerate(rules):
        if rule.id in ids[:place]:
            message = f"two windows have the id {rule.id!r}: rename one"
            yield fault_at(layered.marks, ("windows", place, "id"), message), True
        for at, name in enumerate(rule.routes):
            if name not in known:
                message = f"there is no route {name!r}{suggest(name, known)}"
                yield fault_at(layered.marks, ("windows", place, "routes", at), message), True
            elif name in go_on:
                message = f"route {name!r} goes on and takes nothing: name the one after it that takes the alert"
                yield fault_at(layered.marks, ("windows", place, "routes", at), message), True
    for window in windows_of(rules, {}, routes):
        if all_match(window.matchers, {}) and not window.unless:
            message = f"route {window.route!r} takes everything: write a match that needs a label beside it"
            yield fault_at(layered.marks, ("windows", ids.index(window.rule.id), "routes"), message, key=True), True
    if now is None:
        return
    known_hours = [rule for rule in rules if rule.calendar in (None, "24x7", *calendars)]
    for held, message, is_error in _hours(windows_of(known_hours, calendars, routes), now):
        yield fault_at(layered.marks, ("windows", ids.index(held)), message, key=True), is_error


def _hours(windows: Sequence[Window], now: datetime) -> Iterator[tuple[str, str, bool]]:
    """The id of a window, what is wrong with its hours, and whether that is an error; all that hold the same as one."""
    together: dict[object, list[Window]] = {}
    for window in windows:
        together.setdefault((window.matchers, window.unless), []).append(window)
    for same in together.values():
        last = same[-1].rule.id
        named = " and ".join(dict.fromkeys(window.rule.id for window in same))
        try:
            begins, ends = _longest(same, now)
        except NeverEnds as error:
            yield last, f"{error}, so that nobody would be told: {_TOLD_OTHERWISE}", True
            continue
        if ends - begins >= HORIZON:
            yield last, f"{named}: no hour is left in which anybody is told: {_TOLD_OTHERWISE}", True
        elif ends - begins > _LONG:
            span = f"{(ends - begins).days} days on end from {begins.date()} on"
            yield last, f"{named}: what matches is held for {span}: is that meant?", False
        for window in same:
            if next(window.stretches(now), None) is None:
                yield window.rule.id, "it holds never more: write days to come, or take it out", False


def _longest(same: Sequence[Window], now: datetime) -> Stretch:
    """When they hold together for longest, of what begins within the horizon. Raises NeverEnds."""
    found: list[Stretch] = []
    for window in same:
        found += takewhile(lambda stretch: stretch[0] < now + HORIZON, window.stretches(now))
    return max(joined(sorted(found)), key=lambda stretch: stretch[1] - stretch[0], default=(now, now))
