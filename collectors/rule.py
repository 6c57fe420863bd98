"""What people write in YAML: frozen, complete, nothing unknown; spans as Prometheus writes them."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from collectors.remembering import remembers

_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SPAN = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)


class Rule(BaseModel):
    """A frozen piece of configuration; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def parse_span(text: Any) -> timedelta:
    """Return the span written as `15m`, `1h30m`, `2d` or `0`.

    Raises ValueError with a sentence that shows the right form.
    """
    if isinstance(text, timedelta):
        return text
    if text in (0, "0"):
        return timedelta()
    found = _SPAN.fullmatch(text) if isinstance(text, str) and text else None
    if found is None:
        raise ValueError(f"{text!r} is no span of time: write 30s, 15m, 1h30m or 2d")
    try:
        return timedelta(seconds=sum(float(n) * s for n, s in zip(found.groups(), _UNITS.values(), strict=True) if n))
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is longer than any clock goes: write less") from None


@remembers("spans", 4096)
def format_span(span: timedelta) -> str:
    """Return the span as `parse_span` reads it: `1h30m`, `0s`."""
    left, parts = round(span.total_seconds() * 1000), ""
    for unit, seconds in list(_UNITS.items())[2:]:
        count, left = divmod(left, round(seconds * 1000))
        parts += f"{count}{unit}" if count else ""
    return parts or "0s"


Span = Annotated[timedelta, BeforeValidator(parse_span), PlainSerializer(format_span, when_used="json")]
