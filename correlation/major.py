"""Major incidents: declared by severity or by hand, with a commander, roles, and a review at the end (R55, S19.2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.moment import moment_text
from correlation.incident import Incident, Json
from correlation.need import Missing, need

Body = Mapping[str, Any]

ROLES = ("communications", "action", "guidance", "safety", "deputy")
"""Beside the commander (S19.2): who tells, who repairs, who leads people, who looks after them; the deputy writes
the repair plan and asks for resources."""


def declare(incident: Incident, code: str, by: str, reason: str, now: datetime) -> Json:
    """Make it a major incident; return the facts for its record. `code` is `severity` or `person`."""
    incident.major = {"at": moment_text(now), "code": code, "by": by, "reason": reason, "roles": {}}
    return {"code": code, "reason": reason, "severity": incident.severity}


def appoint(incident: Incident, commander: str | None, roles: Mapping[str, str]) -> Json:
    """Name commander and roles; return what is new of it, by role."""
    held = dict((incident.major or {}).get("roles", {}))
    fresh = {role: person for role, person in roles.items() if held.get(role) != person}
    if commander and commander != incident.commander:
        incident.commander = commander
        fresh = {"commander": commander, **fresh}
    incident.major = {**(incident.major or {}), "roles": {**held, **roles}}
    return fresh


def review(incident: Incident, body: Body, by: str, now: datetime) -> Json:
    """Keep what was learned: who, when, cause, actions. Raises Missing."""
    need(body, "cause", "actions")
    if not incident.major:
        raise Missing(["major"], "a review is kept of major incidents; this one was never declared one")
    held = incident.major.get("review", {})
    kept = {
        "by": by,
        "at": moment_text(now),
        "cause": body["cause"],
        "actions": list(body["actions"]),
        "attended": list(body.get("attended") or ()),
        "lessons": body.get("lessons") or "",
    }
    if {**kept, "at": held.get("at")} != held:
        incident.major = {**incident.major, "review": kept}
    return {name: value for name, value in kept.items() if name not in ("by", "at") and value}


def is_reviewed(incident: Incident) -> bool:
    """Whether nothing stands between it and the archive: no major incident, or one with its review."""
    return not incident.major or "review" in incident.major
