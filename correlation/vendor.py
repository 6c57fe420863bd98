"""Calls to vendors: each vendor called has its own clock, from the call on (procedure R64, 2.12)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.moment import moment_text
from correlation.incident import Incident, Json

CALLS = "vendor_calls"


def calls_of(targets: Mapping[str, Any]) -> list[Json]:
    """The vendors called, oldest first, from the targets of an incident.

    Each `vendor`, `ticket` (or empty), `at`, `by` and `note` (of the last call), and of its clock `calendar`,
    `response_due_at` and `resolve_due_at` (null where nothing is promised).
    """
    held: list[Json] = targets.get(CALLS, [])
    return held


def call(incident: Incident, body: Mapping[str, Any], by: str, now: datetime) -> Json | None:
    """Record a call, and return the facts of its line; None where this very call is recorded.

    `body["clock"]` is the clock that begins. Calling again about the same ticket leaves the clock as it is; a ticket
    that was told later belongs to the call that had none.
    """
    calls, place = calls_of(incident.targets), _same(incident, body["vendor"], body.get("ticket") or "")
    said = {"by": by, "note": body["note"]}
    if place is None:
        clock = body.get("clock") or {}
        begun = {"vendor": body["vendor"], "ticket": body.get("ticket") or "", "at": moment_text(now)}
        calls = [*calls, {**begun, **said, **clock}]
        place = len(calls) - 1
    else:
        again = {**calls[place], "ticket": body.get("ticket") or calls[place]["ticket"], **said}
        if again == calls[place] and incident.tier == "vendor":
            return None
        calls = [*calls[:place], again, *calls[place + 1 :]]
    incident.targets = {**incident.targets, CALLS: calls}
    incident.tier = "vendor"
    return {name: value for name, value in calls[place].items() if name not in ("by", "calendar")}


def _same(incident: Incident, vendor: str, ticket: str) -> int | None:
    """The place of the call that this one goes on with, the newest first."""
    calls = calls_of(incident.targets)
    for place in reversed(range(len(calls))):
        if calls[place]["vendor"] == vendor and (not ticket or calls[place]["ticket"] in ("", ticket)):
            return place
    return None
