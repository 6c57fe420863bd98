"""What an inspection is: it reads something on an interval and says what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

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

    `key` is the name ops tune (`disk_used_pct`), `labels` tell which one (`{"mountpoint": "/"}`), `facts` go
    into the annotations of an alert made from it. `value` is NaN where it is not known: a NaN changes no level.
    `given` holds other values that a condition of the threshold may ask for. `alertname` names the alert where
    it is not that of the key: a finding of that name and these labels, seen in the same read, is the same alert,
    and the worse of the two levels counts. With `opens` false the reading only makes such a finding worse and
    never tells an alert of its own (a low charge matters while the UPS is on battery).
    """

    key: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, float] = field(default_factory=dict)
    alertname: str = ""
    opens: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or well again: an alert name, which one, how bad (None: well).

    Name and labels are the alert; the level stands beside them, so that a raise is the same alert. `severity`
    is the severity 1-4 (procedure 4.6) that the finding asks for in place of that of its level.
    """

    alertname: str
    labels: Mapping[str, str]
    level: str | None
    annotations: Mapping[str, str] = field(default_factory=dict)
    severity: int | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that was found in a mailbox, as it came; `id` is what the mailbox knows it by."""

    id: str
    body: bytes


class Inspection(Protocol):
    """The class `Inspect` of a file in `collectors/inspections/`; its configuration is the `Config` beside it.

    It keeps connections and what it must remember between two reads, and is read by one caller at a time. Where some
    of its findings say that there is no data, `outages: frozenset[str]` names these alerts: such a finding is the same
    outage as Unreachable, and whichever came first is told for both. One that finds letters has `taken(ids)`: these
    have been stored, and are not to be found again. One that has to remember over a restart has `memory() -> str`, and
    gets the last of it back by `recall(memory, now)` before its first read. One that looks at one thing has
    `about: Mapping[str, str]`, the labels of all that it tells; one without it whose every read names all that is wrong
    has `tells_all = True`.
    """

    def __init__(self, name: str, config: Any) -> None: ...

    async def read(self, now: datetime) -> list[Reading | Finding | Letter]:
        """Return what is to be seen now.

        A finding that is not named keeps its last level; a reading that was there before and is not now is gone,
        and well. Raises Unreachable: everything keeps its last level until the next answer.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; the inspection is not read again."""
        ...
