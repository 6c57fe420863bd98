"""Targets and clocks: how long there is, and how much of it has passed, as a fold over the incident's history."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field

from collectors.rule import Rule, Span
from correlation.calendar import Calendar
from correlation.incident import State

SEVERITIES = (1, 2, 3, 4)
PositiveSpan = Annotated[Span, Field(gt=timedelta())]


class Target(Rule):
    """What is promised for one severity (procedure 4.2).

    `response` runs from the report to the acknowledgement, `resolve` to the resolution; both count in the time
    of `calendar` (`24x7`, or a name of calendar.yaml). `daily` updates follow the end of each workday.
    """

    response: PositiveSpan
    resolve: PositiveSpan
    customer_update: PositiveSpan | Literal["daily"] | None = None
    calendar: str = "24x7"


class Promise(Rule):
    """What a service is promised beyond sla.yaml, for one severity: each key it writes replaces the target's."""

    response: PositiveSpan | None = None
    resolve: PositiveSpan | None = None
    calendar: str | None = None

    def over(self, target: Target) -> Target:
        """The target with what is promised here laid over it."""
        return target.model_copy(update=self.model_dump(exclude_none=True))


def strictest(promises: Sequence[Promise]) -> Promise:
    """Of several promises what keeps them all: the shortest spans, in the calendar of the shortest resolution."""
    spans = {
        name: min((s for p in promises if (s := getattr(p, name)) is not None), default=None)
        for name in ("response", "resolve")
    }
    first = next((p for p in promises if p.resolve == spans["resolve"]), None)
    calendar = first.calendar if first is not None else None
    return Promise(response=spans["response"], resolve=spans["resolve"], calendar=calendar)


class Complaint(Rule):
    """By when a complaint gets a reaction, an answer and a solution; kept, and timed by nothing yet."""

    react: PositiveSpan | None = None
    answer: PositiveSpan | None = None
    solve: PositiveSpan | None = None


def _every_severity(targets: dict[int, Target]) -> dict[int, Target]:
    if missing := [str(s) for s in SEVERITIES if s not in targets]:
        raise ValueError(f"severity {', '.join(missing)} has no target: write response and resolve for each of 1 to 4")
    if odd := [str(s) for s in targets if s not in SEVERITIES]:
        raise ValueError(f"severity {', '.join(odd)} does not exist: severities are 1 to 4")
    return targets


class SlaPolicy(Rule):
    """sla.yaml of a pack. In the states of `pause_in` the resolution clock stands still."""

    default: Annotated[dict[int, Target], AfterValidator(_every_severity)]
    pause_in: list[State] = [State.PENDING_CUSTOMER]
    snapshot_on_incident: Literal[True] = True
    """An incident keeps the targets it was opened with (procedure R105)."""
    duty_confirm: PositiveSpan | None = None
    """By when whoever is on duty confirms an alert; kept, and timed by nothing yet."""
    post_report_after_resolve: PositiveSpan | None = None
    """By when the failure report is due; kept, and timed by nothing yet."""
    complaint: Complaint = Complaint()

    def target(self, severity: int) -> Target:
        """The target of a severity of 1 to 4."""
        return self.default[severity]


class Pause(NamedTuple):
    """A stretch during which a clock stands still; `to_at` is None while it lasts."""

    from_at: datetime
    to_at: datetime | None


STOPPED = frozenset({State.RESOLVED, State.PENDING_REVIEW, State.ARCHIVED, State.CANCELLED, State.OUT_OF_SCOPE})
"""The clock has stopped here (procedure 4.4); if the incident goes back to work, it goes on from where it stood."""
_STANDS = STOPPED | {State.SALES_DECISION}


def fold(
    history: Sequence[tuple[datetime, str]], pause_in: Collection[str], rests: Sequence[Pause] = ()
) -> tuple[Pause, ...]:
    """Return the pauses of the resolution clock, from the states an incident came into and when, in order.

    A pause is a stay in one of `pause_in` or in `sales_decision` (the last one may be open), a stay in a stopped
    state from which the incident went back to work, or one of `rests`: nothing of it fired any more, until it was
    resolved (the last one may be open). A rest before the stop that it is in now belongs to that stop. What touches
    or overlaps is one pause.
    """
    if not rests and not any(state in pause_in or state in _STANDS for _, state in history):
        return ()
    paused = {*pause_in, *_STANDS}
    ends = [at for at, _ in history[1:]]
    pauses: list[Pause] = []
    for (at, state), to_at in zip(history[: _worked_on(history)], [*ends, None], strict=False):
        if state in paused and at != to_at:
            pauses.append(Pause(at, to_at))
    stop = stopped_at(history)
    return _union([*pauses, *(rest for rest in rests if stop is None or rest.to_at != stop)])


def stopped_at(history: Sequence[tuple[datetime, str]], rests: Sequence[Pause] = ()) -> datetime | None:
    """Return since when its clock has stopped, the rest before it included; None while it may run."""
    count = _worked_on(history)
    if count == len(history):
        return None
    stop = history[count][0]
    return next((rest.from_at for rest in rests if rest.to_at == stop), stop)


def _union(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    joined: list[Pause] = []
    for pause in sorted(pauses, key=lambda p: p.from_at):
        last = joined[-1] if joined else None
        if last is None or (last.to_at is not None and last.to_at < pause.from_at):
            joined.append(pause)
        elif last.to_at is not None:
            joined[-1] = Pause(last.from_at, None if pause.to_at is None else max(last.to_at, pause.to_at))
    return tuple(joined)


def comes_at(at: datetime, pauses: Sequence[Pause]) -> datetime | None:
    """Return when a step planned for `at` falls due: then, or at the end of the pause that `at` lies in.

    None: it lies in a pause that is still open.
    """
    return next((p.to_at for p in pauses if p.from_at < at and (p.to_at is None or at < p.to_at)), at)


def _worked_on(history: Sequence[tuple[datetime, str]]) -> int:
    """How many entries of a history come before the stopped states at its end; all of them while the clock may run."""
    count = len(history)
    while count and history[count - 1][1] in STOPPED:
        count -= 1
    return count


class Stretch(NamedTuple):
    """What one local day of a calendar gave to a clock; `windows` are the stretches in which it ran, in UTC."""

    day: date
    counted: timedelta
    windows: tuple[tuple[datetime, datetime], ...]


def explain(start: datetime, until: datetime, calendar: Calendar, pauses: Sequence[Pause] = ()) -> list[Stretch]:
    """Return which local day gave how much of the time between two instants, pauses left out; at most 400 days.

    The sum is what `elapsed` says. Days that gave nothing are left out.
    """
    days: dict[date, list[tuple[datetime, datetime]]] = {}
    for from_at, to_at in _running(start, pauses):
        end = until if to_at is None else min(to_at, until)
        day, last = calendar.local_day(from_at), calendar.local_day(max(from_at, end)) + _ONE_DAY
        while day <= last and len(days) < _MOST_DAYS:
            for opens, closes in calendar.windows(day):
                begins, ends = max(opens, from_at), min(closes, end)
                if begins < ends:
                    days.setdefault(day, []).append((begins, ends))
            day += _ONE_DAY
    return [
        Stretch(day, sum((ends - begins for begins, ends in windows), timedelta()), tuple(windows))
        for day, windows in days.items()
    ]


_ONE_DAY, _MOST_DAYS = timedelta(days=1), 400


def due(start: datetime, span: timedelta, calendar: Calendar, pauses: Sequence[Pause] = ()) -> datetime | None:
    """Return when `span` of the calendar's time has passed since `start`, pauses left out; None while one is open.

    Raises correlation.calendar.NoBusinessTime where the calendar never opens.
    """
    if pauses and pauses[-1].to_at is None:
        return None
    return falls_due(start, span, calendar, pauses)


def falls_due(start: datetime, span: timedelta, calendar: Calendar, pauses: Sequence[Pause] = ()) -> datetime | None:
    """As `due`, but what fell due before a pause that is still open keeps that instant; None: it had not fallen due."""
    left = span
    for from_at, to_at in _running(start, pauses):
        if to_at is None:
            return calendar.add(from_at, left)
        ran = calendar.between(from_at, to_at)
        if ran >= left:
            return calendar.add(from_at, left)
        left -= ran
    return None


def elapsed(
    start: datetime,
    now: datetime,
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
    stopped_at: datetime | None = None,
) -> timedelta:
    """Return how much of the calendar's time has passed from `start` to `now`, or to `stopped_at`, pauses left out.

    Never negative, and never less at a later `now`.
    """
    end = now if stopped_at is None else min(now, stopped_at)
    ran = timedelta()
    for from_at, to_at in _running(start, pauses):
        ran += calendar.between(from_at, end if to_at is None else min(to_at, end))
    return ran


def _running(start: datetime, pauses: Sequence[Pause]) -> Iterator[tuple[datetime, datetime | None]]:
    """The stretches in which a clock runs from `start` on; the last one has no end, unless a pause is open."""
    for pause in pauses:
        if pause.from_at > start:
            yield start, pause.from_at
        if pause.to_at is None:
            return
        start = max(start, pause.to_at)
    yield start, None
