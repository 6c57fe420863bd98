"""The fields of the record form that nothing decides by (procedure 4.15): kept together, filled in by people."""

from collections.abc import Mapping
from typing import Any

from collectors.moment import moment_text, parse_moment
from correlation.incident import Incident, Json, State

MOMENTS = ("outage_start", "outage_end")
CONTACTS = ("reporter_contact", "affected_user", "affected_contact")
"""Who was affected, and how the two are reached."""
WORDS = ("request", "impact_actual", "impact_potential", "lessons")
"""What people write freely."""
FIELDS = (
    *CONTACTS,
    *WORDS,
    *MOMENTS,
    "customer",
    "owner",
    "site",
    "error_codes",
    "service_affecting",
    "cause_code",
    "resolution_channel",
)
AFFECTING, BY_RULE = "service_affecting", "service_affecting_rule"
"""Whether a service is affected, and the classification rule that said so while no person has."""
SCOPE, IS_CHANGE = "scope", "is_change"
"""The verdict of the contracts with what it was judged by, and why it is really a change: written by the agent."""
_ALERTED = frozenset({"monitoring", "inspection", "generic", "self"})


def taken(body: Mapping[str, Any]) -> Json:
    """The fields of the form that a body fills in."""
    return {name: _plain(name, body[name]) for name in FIELDS if body.get(name) not in (None, "", [])}


def changed(incident: Incident, changes: Mapping[str, Any]) -> Json:
    """What of these changes is new to the form; null is what was taken out of it."""
    fresh = {name: _plain(name, value) for name, value in changes.items() if name in FIELDS}
    own = {name: incident.form.get(name) for name in fresh if not (name == AFFECTING and BY_RULE in incident.form)}
    return {name: value for name, value in fresh.items() if name not in own or own[name] != value}


def fill_in(incident: Incident, fresh: Mapping[str, Any]) -> None:
    """Write into the form; what a person says of the service is theirs from then on."""
    filled = {**incident.form, **fresh, **({BY_RULE: ""} if AFFECTING in fresh else {})}
    incident.form = {name: value for name, value in filled.items() if value not in (None, "", [])}


def judge_service(incident: Incident, affecting: bool | None, rule: str) -> bool:
    """Note what a classification rule says of the service (procedure R11); return whether that is new.

    A person's word stands, and no alert takes back what another has said to be affected.
    """
    held, by_rule = incident.form.get(AFFECTING), BY_RULE in incident.form
    if affecting is None or (held is not None and (not by_rule or held or not affecting)):
        return False
    incident.form = {**incident.form, AFFECTING: affecting, BY_RULE: rule}
    return True


def _plain(name: str, value: Any) -> Any:
    return moment_text(parse_moment(value)) if name in MOMENTS and isinstance(value, str) else value


def is_proactive(source: str) -> bool:
    """Whether it was found before anybody had to report it."""
    return source in _ALERTED


def entered_at(history: list[tuple[Any, str]], state: State) -> Any:
    """When a state was entered last; None where it is not in it any more, or never was."""
    return history[-1][0] if history and history[-1][1] == state else None
