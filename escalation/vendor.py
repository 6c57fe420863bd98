"""What a vendor has promised, and the clock that its call begins."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.moment import moment_text
from collectors.rule import Rule
from correlation.calendar import BusinessCalendar, calendar_named
from escalation.sla import PositiveSpan, due


class Vendor(Rule):
    """A vendor: by when it answers a call and by when it has solved it, in the time of `calendar`."""

    name: str = ""
    response: PositiveSpan | None = None
    resolve: PositiveSpan | None = None
    calendar: str = "24x7"


def clock_of(vendor: Vendor | None, calendars: Mapping[str, BusinessCalendar], now: datetime) -> dict[str, Any]:
    """The clock of a call at `now`: `calendar`, and `response_due_at` and `resolve_due_at` as text.

    Null where nothing is promised. Nothing pauses it: what we wait for is not the vendor's (procedure 2.13).
    """
    promised = vendor or Vendor()
    calendar = calendar_named(promised.calendar, calendars)
    spans = {"response_due_at": promised.response, "resolve_due_at": promised.resolve}
    dues = {name: moment_text(due(now, span, calendar)) if span else None for name, span in spans.items()}
    return {"calendar": promised.calendar, **dues}
