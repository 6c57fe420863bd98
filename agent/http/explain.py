"""What is wrong with what was sent, in sentences that say what to write instead."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.configuration.faults import suggest
from agent.http.bodies import MATCHER, MOMENT, NUMBER, SAYS
from agent.http.cursors import CURSOR

_LONGEST = 400
_PATTERNS = {
    MOMENT: "write a moment with its zone, as 2026-03-02T09:00:00Z",
    NUMBER: "write the number of an incident, as INC-20260302-0001",
    CURSOR: "send `next` of the page before, or no cursor",
    MATCHER: 'write name="value", name!="value", name=~"regex" or name!~"regex" (a plain regex: '
    "POST /api/v2/silences takes all of RE2)",
}


class Wrong:
    """The faults of one body or query: `faults` by field, the fields that are `missing`, and all as one line."""

    def __init__(self, error: ValidationError, model: type[BaseModel]) -> None:
        self.faults: list[dict[str, str]] = []
        self.missing: list[str] = []
        for fault in error.errors(include_url=False):
            name = _told(".".join(str(part) for part in fault["loc"]) or "body")
            if fault["type"] in ("missing", "string_too_short") or _is_blank(fault):
                self.missing.append(name)
            self.faults.append({"field": name, "message": _told(_sentence(fault, model))})

    def __str__(self) -> str:
        return "; ".join(f"{fault['field']}: {fault['message']}" for fault in self.faults[:20])


def _sentence(fault: Any, model: type[BaseModel]) -> str:
    kind, where = fault["type"], fault["loc"]
    if kind == "missing":
        return "it is needed"
    if kind == "extra_forbidden":
        known = suggest(str(where[-1]), _fields(model)) if len(where) == 1 else ""
        return f"there is no such field here{known}"
    if kind == "string_pattern_mismatch" and fault["ctx"]["pattern"] in _PATTERNS:
        return _PATTERNS[fault["ctx"]["pattern"]]
    if kind == "string_too_short" or _is_blank(fault):
        return "it must not be empty"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "write a JSON object"
    return str(fault["msg"]).removeprefix("Value error, ")


def _is_blank(fault: Any) -> bool:
    return fault["type"] == "string_pattern_mismatch" and bool(fault["ctx"]["pattern"] == SAYS)


def _fields(model: type[BaseModel]) -> Iterable[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _told(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:_LONGEST]
