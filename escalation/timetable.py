"""The timetable of steps: what falls due when, and which pages an acknowledgement takes back (procedure 4.3)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from collectors.rule import Rule, Span, format_span, parse_span
from correlation.calendar import Calendar
from correlation.incident import State
from escalation.roles import MANAGEMENT, ToldRole
from escalation.sla import SEVERITIES, Pause, PositiveSpan, Target

_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a clock: `percent` of its target, or a `span` from its start (then `percent` is None)."""

    percent: float | None
    span: timedelta = timedelta()

    def after(self, target: timedelta) -> timedelta:
        """How much of the clock runs before this mark, where its target is `target`."""
        return self.span if self.percent is None else target * self.percent / 100

    def __str__(self) -> str:
        return format_span(self.span) if self.percent is None else f"{self.percent:g}%"


def parse_mark(text: Any) -> Mark:
    """Read `50%`, `15m` or `0`. Raises ValueError with a sentence that shows the right form."""
    if isinstance(text, Mark):
        return text
    if isinstance(text, str) and (found := _PERCENT.fullmatch(text)):
        return Mark(float(found[1]))
    try:
        return Mark(None, parse_span(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is no mark on a clock: write 50%, 15m or 0") from error


At = Annotated[
    Mark,
    BeforeValidator(parse_mark),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"const": 0}]}),
]


class TimetableStep(Rule):
    """Whom to tell, and what to do, at a mark of a clock.

    `channel` names the only notifier to use. `repeat` tells them again at this pace, or when each workday opens.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    clock: Literal["created", "response", "resolution"]
    at: At
    tell: list[ToldRole] = []
    do: list[str] = []
    repeat: PositiveSpan | Literal["workday"] | None = None
    channel: str | None = None


class EscalationRules(Rule):
    """How every timetable runs. `unacked_*`: a page that nobody acknowledges repeats, then goes a level up."""

    once_per_step: Literal[True] = True
    late_steps: Literal["fire_once_marked_late"] = "fire_once_marked_late"
    ack_required: bool = True
    unacked_repeat: PositiveSpan = parse_span("15m")
    unacked_raise_after: int = Field(default=2, ge=1)
    stop_in: list[State] = [
        State.RESOLVED,
        State.PENDING_REVIEW,
        State.ARCHIVED,
        State.CANCELLED,
        State.OUT_OF_SCOPE,
    ]


class NoUpdate(Rule):
    """A breach is expected when nothing was written for this share of the resolution target."""

    no_update_for_pct: float = Field(gt=0, le=100)


class PredictedBreach(Rule):
    """What counts as an expected breach (R90), and the id of the step that it fires at once."""

    when: list[Literal["eta_after_due"] | NoUpdate] = ["eta_after_due", NoUpdate(no_update_for_pct=25)]
    fire: str = "p75"

    @property
    def eta_after_due(self) -> bool:
        """Whether an estimate after the due instant counts."""
        return "eta_after_due" in self.when

    @property
    def no_update_for_pct(self) -> float | None:
        """The share of the resolution target, in percent, after which silence counts; None where it does not."""
        return next((w.no_update_for_pct for w in self.when if isinstance(w, NoUpdate)), None)


class Manual(Rule):
    """Who may ask for an escalation by hand, and what it does (R92)."""

    who: list[ToldRole] = ["customer", "reporter", "desk", "l1", "l2", "pm", "dept_manager"]
    effect: Literal["next_level"] = "next_level"
    reason_required: bool = True


def _told_apart(steps: list[TimetableStep]) -> list[TimetableStep]:
    ids = [step.id for step in steps]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise ValueError(f"two steps are called {', '.join(twice)}: give each its own id")
    return steps


class EscalationPolicy(Rule):
    """escalation.yaml of a pack."""

    rules: EscalationRules = EscalationRules()
    on_severity_raise: Literal["recompute_from_reported_at"] = "recompute_from_reported_at"
    predicted_breach: PredictedBreach = PredictedBreach()
    manual: Manual = Manual()
    timetable: dict[int, Annotated[list[TimetableStep], AfterValidator(_told_apart)]]
