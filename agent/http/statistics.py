"""Statistics for desk and project manager (procedure R18, R25, R31): counts of a period, and what is open now."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from agent.http.calls import Call, Query, Result, Route
from agent.http.problems import Problem
from agent.http.queries import When, Word
from agent.http.reads.counts import MOST, Asked, Counted, Counts
from agent.http.views import At, View
from collectors.moment import parse_moment
from knowledge.feedback import Outcome

if TYPE_CHECKING:
    from agent.http.api import Api

LONGEST = timedelta(days=400)
MOST_SPANS = 100
_USUAL = timedelta(days=30)
_AT_ONCE = timedelta(microseconds=1)
"""What is opened now belongs to a period that ends now."""


class StatisticsQuery(Query):
    since: When | None = None
    """Opened at or after; without it, 30 days before `until`."""
    until: When | None = None
    """Opened before; without it, now."""
    group: Word | None = None
    per: Literal["day", "week", "month"] | None = None
    """Also by day, week or month, in the zone of the pack."""


class Kept(View):
    """How a target was kept. Cancelled incidents, and those out of scope, count for none."""

    met: int
    missed: int
    running: int
    paused: int
    """Its clock stands."""
    rate: float | None
    """The met of those that are met or missed, 0..1; null where there is neither."""


class Solved(View):
    """What was solved, and by whom."""

    total: int
    recovered: int
    """By itself: what fired fires no more."""
    by_tier: dict[str, int]
    """By the line that had it: desk, l1, l2, vendor."""
    first_line_rate: float | None
    """Those solved by desk or l1 of those that people solved, 0..1; null where there is none."""


class Changed(View):
    initial: str
    final: str
    count: int


class Reclassified(View):
    """First and final category (procedure R18), of what has a final one."""

    reviewed: int
    changed: int
    rate: float | None
    """0..1; null where nothing was reviewed."""
    pairs: list[Changed]
    """What became what, the most frequent first, at most 100."""


class SpanCount(View):
    """What was opened in a day, a week or a month."""

    from_at: At
    until: At
    opened: int
    solved: int
    response_missed: int
    resolution_missed: int
    reopened: int


class Live(View):
    """What is active now, whenever it was opened."""

    severity: int
    active: int
    waiting: int
    """In the queue of the desk (`new`)."""
    unassigned: int
    response_missed: int
    resolution_missed: int
    paused: int


class Suggested(View):
    """What engineers said of known errors at their incidents, whenever; of an incident and an entry the last word."""

    used: int
    helped_partly: int
    did_not_work: int
    not_applicable: int
    precision: float | None
    """Used and helped partly, of all four, 0..1; null while nothing was said."""
    judged: int
    """Entries of which something was said."""
    demoted: int
    """Entries that have failed too often to be put forward."""


class StatisticsView(View):
    """Incidents opened in a period, counted at `at`, and what is active at `at`."""

    at: At
    since: At
    until: At
    group: str | None
    complete: bool
    """False where there were more than 200,000: the newest are counted."""
    total: int
    by_state: dict[str, int]
    """Each count by name holds the 100 most frequent; the rest are `(others)`."""
    by_severity: dict[str, int]
    by_kind: dict[str, int]
    by_source: dict[str, int]
    by_category: dict[str, int]
    by_group: dict[str, int]
    response: Kept
    resolution: Kept
    solved: Solved
    reopened: int
    """A person refused the resolution."""
    relapsed: int
    """Fired again after it was resolved."""
    returned: int
    """Sent back as misrouted."""
    reclassified: Reclassified
    spans: list[SpanCount]
    live: list[Live]
    known_errors: Suggested | None
    """Null for customers, vendors and reporters."""


def statistics_routes(api: "Api") -> list[Route]:
    """The route of statistics."""
    at, path = Statistics(api), "/api/v1/statistics"
    return [Route("GET", path, "get_statistics", "Incidents in figures", at.get, StatisticsView, StatisticsQuery)]


class Statistics:
    """What this route does."""

    def __init__(self, api: "Api") -> None:
        self._api, self._counts = api, Counts(api.engine)

    async def get(self, call: Call) -> Result:
        asked: StatisticsQuery = call.query
        until = parse_moment(asked.until or "") or call.now + _AT_ONCE
        since = parse_moment(asked.since or "") or until - _USUAL
        if not timedelta(0) < until - since <= LONGEST:
            raise Problem(422, f"the period must end after it begins, and be of at most {LONGEST.days} days")
        bounds = list(_bounds(since, until, asked.per, self._api.get_config().zone)) if asked.per else []
        if len(bounds) > MOST_SPANS + 1:
            raise Problem(
                422, f"that is more than {MOST_SPANS} of a {asked.per}: ask for longer ones, or a shorter period"
            )
        wanted = Asked(call.actor, since, until, asked.group, call.now)
        counted = await self._counts.count(wanted, bounds)
        live = await self._counts.live(call.actor, asked.group, call.now)
        spans = [
            SpanCount(from_at=begins, until=ends, **span)
            for begins, ends, span in zip(bounds, bounds[1:], counted.spans, strict=False)
        ]
        return Result(
            StatisticsView(
                at=call.now,
                since=since,
                until=until,
                group=asked.group,
                **_figures(counted),
                spans=spans,
                live=[Live(**row) for row in live],
                known_errors=None if call.actor.outside else suggested(self._api),
            )
        )


def suggested(api: "Api") -> Suggested:
    """What engineers said of all known errors together."""
    feedback, policy = api.pipeline.desk.feedback, api.get_config().feedback
    total = feedback.total()
    tallies = [tally for tally in feedback.tallies.values() if tally.precision is not None]
    return Suggested(
        **{outcome.value: getattr(total, outcome.value) for outcome in Outcome},
        precision=total.precision,
        judged=len(tallies),
        demoted=sum(tally.demoted(policy) for tally in tallies),
    )


def _figures(counted: Counted) -> dict[str, Any]:
    flags = counted.flags
    first_line = sum(counted.solved_by.get(tier, 0) for tier in ("desk", "l1"))
    return {
        "total": flags["opened"],
        "complete": flags["opened"] < MOST,
        **{f"by_{name}": counts for name, counts in counted.by.items()},
        "response": _kept(flags, "response"),
        "resolution": _kept(flags, "resolution"),
        "solved": Solved(
            total=flags["solved"],
            recovered=flags["recovered"],
            by_tier=counted.solved_by,
            first_line_rate=_rate(first_line, flags["by_person"]),
        ),
        **{name: flags[name] for name in ("reopened", "relapsed", "returned")},
        "reclassified": Reclassified(
            reviewed=flags["reviewed"],
            changed=flags["reclassified"],
            rate=_rate(flags["reclassified"], flags["reviewed"]),
            pairs=[Changed(initial=initial, final=final, count=count) for initial, final, count in counted.pairs],
        ),
    }


def _kept(flags: dict[str, int], clock: str) -> Kept:
    met, missed = flags[f"{clock}_met"], flags[f"{clock}_missed"]
    running, paused = flags[f"{clock}_running"], flags.get(f"{clock}_paused", 0)
    return Kept(met=met, missed=missed, running=running, paused=paused, rate=_rate(met, met + missed))


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _bounds(since: datetime, until: datetime, per: str, zone: ZoneInfo) -> Iterator[datetime]:
    """Where the days, weeks (from Monday) or months of a period begin; first its beginning, last its end."""
    yield since
    day = since.astimezone(zone).date()
    while True:
        day = _next(day, per)
        bound = datetime.combine(day, time(), zone)
        if bound >= until:
            break
        yield bound
    yield until


def _next(day: date, per: str) -> date:
    if per == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 - day.weekday() if per == "week" else 1)
