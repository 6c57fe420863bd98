"""The timetable of steps: what falls due when, and which pages an acknowledgement takes back (procedure 4.3)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from collectors.rule import Rule, format_span, parse_span
from correlation.calendar import Calendar
from correlation.incident import PENDING, State
from escalation.roles import MANAGEMENT, SECOND, ToldRole
from escalation.sla import SEVERITIES, STOPPED, Pause, PositiveSpan, Target, falls_due

RESPONDERS = frozenset({"l1", "l2", "l1_lead", "l2_lead", SECOND})
"""Who is told so that somebody takes the incident; the others (desk, pm, management, customer) are informed."""
HANDOVER = "handover_l2"
DEEDS = frozenset({HANDOVER, "major_incident", "brief_draft", "propose_vendor", "open_problem", "propose_problem"})
"""What a step can do besides telling people."""

_STEP_ID = r"[a-z0-9][a-z0-9_.-]*"
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

    id: str = Field(pattern=rf"^{_STEP_ID}$")
    clock: Literal["created", "response", "resolution"]
    at: At
    tell: list[ToldRole] = []
    do: list[str] = []
    repeat: PositiveSpan | Literal["workday"] | None = None
    channel: str | None = None

    @model_validator(mode="after")
    def _created_has_no_target(self) -> Self:
        if self.clock == "created" and self.at.percent:
            raise ValueError(f"a created step has no target to take {self.at} of: write a span such as 15m")
        return self

    def __copy__(self) -> Self:
        """A copy is written anew: it may have been told something else."""
        copied = super().__copy__()
        copied.__dict__.pop("written", None)
        return copied

    @cached_property
    def written(self) -> str:
        """The step as JSON, as its row holds it."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True)


_MAY_STOP_IN = STOPPED | PENDING | {State.SALES_DECISION}


def _stops(states: list[State]) -> list[State]:
    """The states in which the clock has stopped are all among them, and those in which people work are not."""
    if missing := [str(s) for s in State if s in STOPPED and s not in states]:
        raise ValueError(f"no clock runs in {', '.join(missing)}, so no step falls due there: write them too")
    if working := [str(s) for s in states if s not in _MAY_STOP_IN]:
        others = ", ".join(str(s) for s in State if s in _MAY_STOP_IN - STOPPED)
        raise ValueError(
            f"a timetable that stops in {', '.join(working)} would tell nobody: beside the states in which the clock "
            f"has stopped, write some of {others} or none"
        )
    return states


class EscalationRules(Rule):
    """How every timetable runs. `unacked_*`: a page that nobody acknowledges repeats, then goes a level up."""

    once_per_step: Literal[True] = True
    late_steps: Literal["fire_once_marked_late"] = "fire_once_marked_late"
    ack_required: bool = True
    unacked_repeat: PositiveSpan = parse_span("15m")
    unacked_raise_after: int = Field(default=2, ge=1)
    bounces_tell_pm: int = Field(default=3, ge=1)
    """When it came back to the desk so often, the project manager is told, and each time after (R58)."""
    stop_in: Annotated[list[State], AfterValidator(_stops)] = [
        State.RESOLVED,
        State.PENDING_REVIEW,
        State.ARCHIVED,
        State.CANCELLED,
        State.OUT_OF_SCOPE,
    ]
    """In these states the timetable stops (R96): what is pending is cancelled, and planned again when work goes on."""


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
    reason_required: Literal[True] = True


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
    one_rota: bool = False
    """Whoever is on call holds every role that nobody else holds, for every group: a team without a hierarchy."""
    timetable: dict[int, Annotated[list[TimetableStep], AfterValidator(_told_apart)]]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of one incident: `severity` is the timetable's, `relapse` counts the returns to work.

    `due_at` is None while a pause holds it up.
    """

    severity: int
    step: TimetableStep
    due_at: datetime | None
    repetition: int = 0
    relapse: int = 0

    @property
    def key(self) -> str:
        """What names this step within its incident."""
        repetition = f"#{self.repetition}" if self.repetition else ""
        relapse = f"@{self.relapse}" if self.relapse else ""
        return f"{self.severity}/{self.step.id}{repetition}{relapse}"


def plan(
    policy: EscalationPolicy,
    severity: int,
    reported_at: datetime,
    targets: Target,
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
    relapse: int = 0,
    response_from: datetime | None = None,
) -> list[PlannedStep]:
    """Return the steps of a severity in the order of the timetable, each with the instant it falls due.

    Created steps count real time from the report, response marks the calendar's time from `response_from` (the
    report, if None), resolution marks the calendar's time from the report without the pauses: a step that had
    not fallen due when a pause began has no instant while it lasts. After a relapse the created and the response
    steps start anew at `response_from`; the resolution ladder is not climbed a second time (procedure R94).
    """
    answer_from = response_from or reported_at
    created_from = answer_from if relapse else reported_at
    steps = []
    for step in policy.timetable.get(severity, ()):
        at: datetime | None
        if step.clock == "created":
            at = created_from + step.at.span
        elif step.clock == "response":
            at = calendar.add(answer_from, step.at.after(targets.response))
        elif relapse:
            continue
        else:
            at = falls_due(reported_at, step.at.after(targets.resolve), calendar, pauses)
        steps.append(PlannedStep(severity, step, at, 0, relapse))
    return steps


def next_repetition(
    planned: PlannedStep, fired_due_at: datetime, calendar: Calendar, now: datetime
) -> PlannedStep | None:
    """Return the repetition that follows the one due at `fired_due_at`; None where the step does not repeat.

    Repetition n of a span is due n spans after the step, of `workday` at the opening of the nth workday of
    `calendar` after it. Of those that are already past only the newest is returned, under its own number: an
    outage yields one late repetition.
    """
    pace = planned.step.repeat
    if pace is None:
        return None
    if pace == "workday":
        due_at, passed = _newest_opening(fired_due_at, calendar, now)
    else:
        passed = max(1, (now - fired_due_at) // pace)
        due_at = fired_due_at + passed * pace
    return replace(planned, due_at=due_at, repetition=planned.repetition + passed)


def _newest_opening(after: datetime, calendar: Calendar, now: datetime) -> tuple[datetime, int]:
    opening, passed = calendar.opening_after(after), 1
    while (following := calendar.opening_after(opening)) <= now:
        opening, passed = following, passed + 1
    return opening, passed


def hierarchical(step: TimetableStep) -> bool:
    """Whether the step tells management: project manager, department manager, director or executive (R14)."""
    return any(role in MANAGEMENT for role in step.tell)


def seeks_responder(step: TimetableStep) -> bool:
    """Whether the step looks for somebody to take the incident: on the first clocks, or as it goes to the second line.

    Of such a step, an acknowledgement cancels the unsent pages to the roles of `role_seeks_responder`.
    """
    ladder = step.clock in ("created", "response") or HANDOVER in step.do
    return ladder and any(role_seeks_responder(role) for role in step.tell)


def role_seeks_responder(role: str) -> bool:
    """Whether who is told in this role is asked to take the incident; desk, management and customer are informed."""
    return role in RESPONDERS


class Fault(NamedTuple):
    """Something wrong in a policy: where in it, what, and whether it must not be used so."""

    path: tuple[str | int, ...]
    message: str
    is_error: bool = True


def faults_of(policy: EscalationPolicy, targets: Mapping[int, Target] | None = None) -> list[Fault]:
    """Return what is wrong with the timetable (procedure 4.3, R16), in its order.

    With the `targets` of each severity, marks written as spans can be compared with percentages.
    """
    found: list[Fault] = []
    for severity in SEVERITIES:
        steps = policy.timetable.get(severity, [])
        target = targets.get(severity) if targets else None
        found += _faults_of_ladder(severity, steps, target)
        found += _faults_of_order(severity, steps, target)
        for place, step in enumerate(steps):
            found += _faults_of_step(("timetable", severity, place), step)
        if steps and policy.predicted_breach.fire not in [step.id for step in steps]:
            found.append(
                Fault(
                    ("predicted_breach", "fire"),
                    f"severity {severity} has no step {policy.predicted_breach.fire}: a breach that is expected "
                    "fires nothing there",
                    False,
                )
            )
    found += [
        Fault(("timetable", s), f"severity {s} does not exist: severities are 1 to 4")
        for s in policy.timetable
        if s not in SEVERITIES
    ]
    return found


def _faults_of_ladder(severity: int, steps: Sequence[TimetableStep], target: Target | None) -> Iterator[Fault]:
    path = ("timetable", severity)
    if not steps:
        yield Fault(path, f"severity {severity} has no steps: nobody would be told")
        return
    if not any(step.clock == "created" for step in steps):
        yield Fault(path, f"severity {severity} has no created step: nobody is told at once", False)
    early = (_percent(step, target) for step in steps if step.clock == "resolution" and hierarchical(step))
    if not any(percent is None or percent < 100 for percent in early):
        yield Fault(
            path,
            f"severity {severity} tells management only when it is too late: write a step of the resolution clock "
            f"below 100% that tells one of {', '.join(MANAGEMENT)}",
        )


def _faults_of_order(severity: int, steps: Sequence[TimetableStep], target: Target | None) -> Iterator[Fault]:
    before: dict[str, TimetableStep] = {}
    for place, step in enumerate(steps):
        earlier = before.get(step.clock)
        before[step.clock] = step
        if earlier is not None and _comes_before(step, earlier, target):
            yield Fault(
                ("timetable", severity, place, "at"),
                f"{step.id} at {step.at} stands after {earlier.id} at {earlier.at}: order the steps of a clock",
            )


def _comes_before(step: TimetableStep, other: TimetableStep, target: Target | None) -> bool:
    if step.at.percent is None and other.at.percent is None:
        return step.at.span < other.at.span
    a, b = _percent(step, target), _percent(other, target)
    return a is not None and b is not None and a < b


def _percent(step: TimetableStep, target: Target | None) -> float | None:
    """The mark in percent of its target; None for a span where the target is not known."""
    if step.at.percent is not None or not step.at.span:
        return step.at.percent or 0.0
    if target is None:
        return None
    return step.at.span / (target.response if step.clock == "response" else target.resolve) * 100


def _faults_of_step(path: tuple[str | int, ...], step: TimetableStep) -> Iterator[Fault]:
    if not step.tell and not step.do:
        yield Fault(path, f"{step.id} tells nobody and does nothing: write tell or do")
    for place, deed in enumerate(step.do):
        if deed not in DEEDS:
            known = ", ".join(sorted(DEEDS))
            yield Fault((*path, "do", place), f"{step.id} does {deed!r}, which is not known: one of {known}", False)
