"""Callbacks: what the customer says of how an incident was handled (procedure R85-R87)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from collectors.moment import moment_text, parse_moment
from correlation.incident import Incident, Json
from correlation.need import Missing

SCORES = range(1, 6)
UNSATISFIED = 2
"""This score and those below it ask for an escalation."""
CALLBACKS = "callbacks"
_TWICE = timedelta(days=1)
"""The same result within this is the same callback told twice; after it, it is a new one."""


def kept(incident: Incident) -> Json:
    """What a resolution, or the refusal of one, leaves of what is recorded."""
    return {name: incident.resolution[name] for name in (CALLBACKS, "reopened") if name in incident.resolution}


def is_unsatisfied(body: Mapping[str, Any]) -> bool:
    """Whether the score asks for an escalation one level up (procedure R87)."""
    return body.get("score") is not None and body["score"] <= UNSATISFIED


def record(incident: Incident, body: Mapping[str, Any], by: str, now: datetime) -> Json | None:
    """The facts of a callback; None where it is the last one told twice. Raises Missing for what nobody can have said.

    Changes nothing.
    """
    score = body.get("score")
    if score is not None and score not in SCORES:
        raise Missing(["score"], f"score must be one of {', '.join(map(str, SCORES))}")
    if not body["reached"] and (score is not None or body["persists"]):
        raise Missing(["reached"], "who was not reached gave no score and did not say that it persists")
    facts = {"reached": body["reached"], "persists": body["persists"], "score": score, "remark": body.get("remark")}
    facts = {name: value for name, value in facts.items() if value is not None}
    last = next(reversed(incident.resolution.get(CALLBACKS, [])), None)
    if last is None or last["moves"] != len(incident.history) or last["by"] != by:
        return facts
    at = parse_moment(last["at"])
    told = {name: value for name, value in last.items() if name not in ("at", "by", "moves")}
    return None if told == facts and at is not None and now - at < _TWICE else facts


def remember(incident: Incident, facts: Json, by: str, now: datetime) -> None:
    """Keep a callback with the incident, after what it moved."""
    fresh = {"at": moment_text(now), "by": by, **facts, "moves": len(incident.history)}
    told = [*incident.resolution.get(CALLBACKS, []), fresh]
    incident.resolution = {**incident.resolution, CALLBACKS: told}
