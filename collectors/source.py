"""What an inspection is: it reads something on an interval and says what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from collectors.rule import Rule, Span


class Unreachable(Exception):
    """What was to be inspected did not answer; the text says what was tried and what to check."""


class InspectionConfig(Rule):
    """Keys that every inspection has; a plugin's `Config` adds its own."""

    type: str
    every: Span
    deadline: Span | None = None
    labels: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value, to be judged by the threshold of its key.

    `key` is the name ops tune (`disk_used_pct`), `labels` tell which one (`{"path": "/"}`), `facts` go into
    the annotations of an alert made from it.
    """

    key: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or well again: an alert name, which one, how bad (None: well)."""

    alertname: str
    labels: Mapping[str, str]
    level: str | None
    annotations: Mapping[str, str] = field(default_factory=dict)


class Inspection(Protocol):
    """One file in `collectors/inspections/`: a `Config` and a class `Inspect` that keeps what it must remember."""

    Config: ClassVar[type[InspectionConfig]]

    def __init__(self, name: str, config: Any, thresholds: Mapping[str, Any]) -> None: ...

    async def read(self, now: datetime) -> list[Reading | Finding]:
        """Return what is to be seen now. Raises Unreachable."""
        ...
