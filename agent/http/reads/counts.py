"""Incidents counted by the store: one statement looks once at the rows of a period, at no more than MOST of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, String, and_, case, cast, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from agent.http.cursors import visible_to
from correlation.incident import ACTIVE, State
from correlation.permission import Actor
from correlation.tables import IncidentRow

MOST = 200_000
"""Incidents that one request looks at, the newest of the period."""
MOST_NAMES = 100
"""Names by which is counted, the most frequent; the others are one count."""
OTHERS = "(others)"
DIMENSIONS = ("state", "severity", "kind", "source", "category", "group")
SPAN_FLAGS = ("opened", "solved", "response_missed", "resolution_missed", "reopened")
_ROW = IncidentRow
_UNCOUNTED = (State.CANCELLED, State.OUT_OF_SCOPE, State.SALES_DECISION)
"""What nothing was promised for, or what was none (procedure 4.8); duplicates are cancelled."""


@dataclass(frozen=True)
class Asked:
    """Which incidents are counted: those opened in the period that the actor may see; `group` None: of all groups."""

    actor: Actor
    since: datetime
    until: datetime
    group: str | None
    now: datetime


@dataclass(frozen=True)
class Counted:
    """What was counted."""

    by: dict[str, dict[str, int]]
    """By dimension and name, the most frequent first."""
    flags: dict[str, int]
    """How many it is so of; the names are those of `_flags`."""
    solved_by: dict[str, int]
    """By the tier that had it when a person solved it."""
    pairs: list[tuple[str, str, int]]
    """First and final category where they differ, the most frequent first."""
    spans: list[dict[str, int]]


class Counts:
    """Each method is one statement."""

    def __init__(self, engine: AsyncEngine, most: int = MOST) -> None:
        self._engine, self._most = engine, most

    async def count(self, asked: Asked, bounds: Sequence[datetime] = ()) -> Counted:
        """Count what was opened in the period; `bounds` begin the spans, the last one ends them."""
        flags = _flags(asked.now)
        seen = self._seen(asked, bounds, flags)
        parts = [_by(seen, name) for name in DIMENSIONS]
        parts += [_line("flag", literal(name), literal(""), func.sum(seen.c[name])) for name in flags]
        parts.append(_line("tier", seen.c.tier, literal(""), func.sum(seen.c.by_person)).group_by(seen.c.tier))
        parts.append(_pairs(seen))
        if bounds:
            place = cast(seen.c.place, String)
            parts += [_line("span", place, literal(n), func.sum(seen.c[n])).group_by(place) for n in SPAN_FLAGS]
        rows = await self._rows(union_all(*(select(part.subquery()) for part in parts)))
        found: dict[str, list[tuple[str, str, int]]] = {}
        for what, name, other, count in rows:
            found.setdefault(what, []).append((name, other, int(count or 0)))
        summed = {name: count for name, _, count in found["flag"]}
        spans = {(int(place), name): count for place, name, count in found.get("span", ())}
        return Counted(
            by={name: _named(found.get(name, ()), summed["opened"]) for name in DIMENSIONS},
            flags=summed,
            solved_by={tier: count for tier, _, count in sorted(found.get("tier", ())) if count},
            pairs=sorted(found.get("pair", ()), key=lambda pair: (-pair[2], *pair[:2])),
            spans=[{n: spans.get((place, n), 0) for n in SPAN_FLAGS} for place in range(len(bounds) - 1)],
        )

    async def live(self, actor: Actor, group: str | None, now: datetime) -> list[dict[str, int]]:
        """What is active at this moment, by severity, the highest first."""
        flags = {
            "waiting": col(_ROW.state) == str(State.NEW),
            "unassigned": col(_ROW.assignee).is_(None),
            "response_missed": and_(col(_ROW.acknowledged_at).is_(None), col(_ROW.response_due_at) < now),
            "resolution_missed": col(_ROW.resolve_due_at) < now,
            "paused": col(_ROW.resolve_due_at).is_(None),
        }
        wanted = [visible_to(actor), col(_ROW.state).in_(sorted(map(str, ACTIVE)))]
        wanted += [col(_ROW.group) == group] if group is not None else []
        marked = [_one_if(flag).label(name) for name, flag in flags.items()]
        active = select(col(_ROW.severity), *marked).where(*wanted).limit(self._most).subquery()
        sums = [func.sum(active.c[name]) for name in flags]
        grouped = select(active.c.severity, func.count(), *sums).group_by(active.c.severity)
        rows = await self._rows(grouped.order_by(active.c.severity))
        return [dict(zip(("severity", "active", *flags), map(int, row), strict=True)) for row in rows]

    def _seen(self, asked: Asked, bounds: Sequence[datetime], flags: dict[str, ColumnElement[bool]]) -> CTE:
        """The incidents of the period, each with its flags and the place of its span."""
        opened = col(_ROW.opened_at)
        wanted = [visible_to(asked.actor), opened >= asked.since, opened < asked.until]
        wanted += [col(_ROW.group) == asked.group] if asked.group is not None else []
        plain = [col(getattr(_ROW, name)) for name in (*DIMENSIONS, "tier", "initial_category", "final_category")]
        marked = [_one_if(flag).label(name) for name, flag in flags.items()]
        places = [(opened < bound, literal(place)) for place, bound in enumerate(bounds[1:])]
        place = (case(*places, else_=len(places)) if places else literal(0)).label("place")
        newest = select(*plain, place, *marked).where(*wanted).order_by(opened.desc()).limit(self._most)
        return newest.cte("seen")

    async def _rows(self, statement: Any) -> Sequence[Any]:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).all()


def _flags(now: datetime) -> dict[str, ColumnElement[bool]]:
    """What may be so of an incident."""
    opened = col(_ROW.opened_at).is_not(None)
    counts = col(_ROW.state).not_in(sorted(map(str, _UNCOUNTED)))
    resolved, due = col(_ROW.resolved_at), col(_ROW.resolve_due_at)
    answered, answer_due = func.coalesce(col(_ROW.acknowledged_at), resolved), col(_ROW.response_due_at)
    said = col(_ROW.resolution)  # JSON: no text of a person holds a quote that is not escaped
    recovered, reopened = said.contains('"type":"auto_recovered"', autoescape=True), said.contains('"reopened":')
    solved, reviewed = and_(counts, resolved.is_not(None)), and_(counts, col(_ROW.final_category).is_not(None))
    return {
        "opened": opened,
        "counted": counts,
        "response_met": and_(counts, answered <= answer_due),
        "response_missed": and_(counts, or_(answered > answer_due, and_(answered.is_(None), answer_due < now))),
        "response_running": and_(counts, answered.is_(None), answer_due >= now),
        "resolution_met": and_(solved, or_(resolved <= due, due.is_(None))),
        "resolution_missed": and_(counts, or_(resolved > due, and_(resolved.is_(None), due < now))),
        "resolution_running": and_(counts, resolved.is_(None), due >= now),
        "resolution_paused": and_(counts, resolved.is_(None), due.is_(None)),
        "solved": solved,
        "recovered": and_(solved, recovered),
        "by_person": and_(solved, ~recovered),
        "reopened": and_(counts, reopened),
        "relapsed": and_(counts, col(_ROW.relapse) > 0),
        "returned": and_(counts, col(_ROW.bounces) > 0),
        "reviewed": reviewed,
        "reclassified": and_(reviewed, col(_ROW.final_category) != col(_ROW.initial_category)),
    }


def _one_if(is_so: ColumnElement[bool]) -> ColumnElement[int]:
    return case((is_so, 1), else_=0)


def _line(what: str, name: ColumnElement[Any], other: ColumnElement[Any], count: ColumnElement[Any]) -> Select[Any]:
    """A line of the answer: what it tells, two names, and a count."""
    return select(literal(what).label("what"), name.label("name"), other.label("other"), count.label("many"))


def _by(seen: CTE, name: str) -> Select[Any]:
    value, many = cast(seen.c[name], String), func.count()
    line = _line(name, value, literal(""), many).select_from(seen).group_by(value)
    return line.order_by(many.desc(), value).limit(MOST_NAMES)


def _pairs(seen: CTE) -> Select[Any]:
    first, final, many = seen.c.initial_category, seen.c.final_category, func.count()
    line = _line("pair", first, final, many).where(seen.c.reclassified == 1).group_by(first, final)
    return line.order_by(many.desc(), first, final).limit(MOST_NAMES)


def _named(lines: Sequence[tuple[str, str, int]], total: int) -> dict[str, int]:
    """Counts by name; what has no line of its own is with the others."""
    found = {name: count for name, _, count in sorted(lines, key=lambda line: (-line[2], line[0]))}
    others = total - sum(found.values())
    return {**found, OTHERS: others} if others else found
