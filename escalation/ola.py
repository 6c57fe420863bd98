"""What groups promise each other (OLA): a clock of its own for each stay with a group, beside the customer's (S3.4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.moment import moment_text
from correlation.calendar import BusinessCalendar, calendar_named
from correlation.incident import Incident
from escalation.roles import Group
from escalation.sla import due

STAYS = "stays"


def team_of(incident: Incident, groups: Mapping[str, Group]) -> str:
    """The group that works on it: that of the second line, once it has been handed over there."""
    group = groups.get(incident.group)
    return group.l2 if incident.tier == "l2" and group is not None and group.l2 else incident.group


def keep_stay(
    incident: Incident, groups: Mapping[str, Group], calendars: Mapping[str, BusinessCalendar], now: datetime
) -> bool:
    """Note since when which group has it, with the clock of its promise; return whether that is new."""
    stays, team = list(incident.targets.get(STAYS, ())), team_of(incident, groups)
    if stays and stays[-1]["group"] == team:
        return False
    if stays:
        stays[-1] = {**stays[-1], "left_at": moment_text(now)}
    group = groups.get(team)
    promised = group.ola if group is not None else None
    name = promised.calendar if promised is not None and promised.calendar else "24x7"
    calendar = calendar_named(name, calendars)
    spans = {
        "response_due_at": promised.response if promised is not None else None,
        "resolve_due_at": promised.resolve if promised is not None else None,
    }
    dues = {key: moment_text(due(now, span, calendar)) if span else None for key, span in spans.items()}
    fresh: dict[str, Any] = {"group": team, "at": moment_text(now), "left_at": None, "calendar": name, **dues}
    incident.targets = {**incident.targets, STAYS: [*stays, fresh]}
    return True
