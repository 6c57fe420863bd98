"""What an act lacks."""

from collections.abc import Mapping
from typing import Any

from correlation.refusal import Refusal


class Missing(Refusal):
    """The act lacks something; `fields` names what (422)."""

    def __init__(self, fields: list[str], message: str = "") -> None:
        self.fields = fields
        super().__init__(message or f"missing: {', '.join(fields)}")


class NotNow(Refusal):
    """It is well written, and yet not possible at this moment (409)."""


def need(body: Mapping[str, Any], *names: str) -> None:
    """Raise Missing for each of these that is absent or empty."""
    absent = [n for n in names if body.get(n) in (None, "", [])]
    if absent:
        raise Missing(absent)
