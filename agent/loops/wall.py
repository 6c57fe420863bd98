"""The wall against the clock that steps are taken by: what waits keeps its distance (docs/decisions/0008)."""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
import structlog

from agent.clock import TOLERATED, Clock, kernel_is_synchronised
from agent.evidence import commit_noted
from agent.group import INSERT_JOURNAL
from agent.intents import AlertsFound, ClockAdopted
from agent.metrics import Metrics
from agent.pipeline import Pipeline, Undecided
from agent.storage.writer import Compressed, StoreDown, Writer
from collectors.moment import parse_moment
from correlation.own import own_alert
from correlation.store import to_json

log = structlog.get_logger("daemon")
_LAST = "SELECT seq, at FROM journal ORDER BY seq DESC LIMIT 1"
_ADOPTED_AFTER = timedelta(seconds=60)
_LOOK_AGAIN = timedelta(seconds=5)
_WAITING = (
    ("step", "id", "outcome = '' AND due_at IS NOT NULL", ("due_at", "planned_at")),
    ("page", "id", "open", ("next_attempt_at", "lease_until")),
    ("episode", "alert_id", "open", ("expires_at", "last_at")),
    ("touch", "alert_id", "alert_id IN (SELECT alert_id FROM episode WHERE open)", ("last_at",)),
    ("episode", "alert_id", "NOT open AND closed_at > ?", ("closed_at",)),
    ("beat", "origin", "1 = 1", ("last_at",)),
    (
        "incident",
        "id",
        "state NOT IN ('archived', 'cancelled', 'out_of_scope')",
        (
            *("opened_at", "acknowledged_at", "service_restored_at", "resolved_at", "response_due_at"),
            *("resolve_due_at", "next_due_at", "resolves_at", "relapsed_at", "grew_at", "heard_at", "history", "rests"),
        ),
    ),
)
"""What comes of itself and by when, and from when on it is counted: by table, its key, which rows, and their moments.

What a person or a sender named by the wall (a snooze, a silence, an estimate) stays where it was named.
"""
_LISTS = frozenset({"history", "rests"})
_RECENTLY = timedelta(days=1)


class Wall(Clock, Protocol):
    """A clock beside a wall that may run away from it."""

    def drift(self) -> timedelta:
        """How far the wall is ahead of this clock."""
        ...

    def adopt(self, shift: timedelta) -> None:
        """Be ahead by this much from now on."""
        ...


async def follow_wall(writer: Writer, now: datetime) -> timedelta:
    """Move what waits as far back as the wall is behind the last decision; return how far, 0 where it is not.

    How long nothing ran is not known then, and counts as nothing: a step comes late by that, and not by the jump.
    Raises StoreDown.
    """
    found = await writer.fetch(_LAST)
    behind = found[0][1] - now if found else timedelta()
    if behind <= TOLERATED:
        return timedelta()
    await move(writer, -behind, now, "clock went back")
    log.warning("the wall clock went back while nothing ran: what waits was moved with it", by_s=_seconds(behind))
    return behind


async def move(writer: Writer, shift: timedelta, now: datetime, what: str) -> None:
    """Move everything that waits by `shift`, with a line of the audit; `now` is by the clock as it is afterwards.

    Raises StoreDown.
    """
    found = await writer.fetch(_LAST)
    batch: list[tuple[str, list[tuple[Any, ...]]]] = []
    for table, key, where, columns in _WAITING:
        values = [now - shift - _RECENTLY] if "?" in where else []
        select = f"SELECT {', '.join(columns)}, {key} FROM {table} WHERE {where}"  # noqa: S608 - names are ours
        rows = await writer.fetch(select, *values)
        update = f"UPDATE {table} SET {', '.join(f'{c} = ?' for c in columns)} WHERE {key} = ?"  # noqa: S608
        batch.append((update, [(*_moved(columns, row, shift), row[-1]) for row in rows]))
    facts = {"shift_s": _seconds(shift), "moved": sum(len(rows) for _, rows in batch)}
    seq = found[0][0] + 1 if found else 1
    taken = (seq, now, "clock", "", Compressed(to_json(facts).encode()))  # the next start counts from here
    rows = [(INSERT_JOURNAL, [taken]), *(part for part in batch if part[1])]
    await commit_noted(writer, rows, "agent", what, facts, now)


def _moved(columns: tuple[str, ...], row: tuple[Any, ...], shift: timedelta) -> list[Any]:
    return [_later(name, value, shift) for name, value in zip(columns, row, strict=False)]


def _later(name: str, value: Any, shift: timedelta) -> Any:
    if value is None:
        return None
    if name not in _LISTS:
        return value + shift
    return to_json([[_later_text(one, shift) for one in entry] for entry in msgspec.json.decode(value)])


def _later_text(value: str, shift: timedelta) -> Any:
    moment = parse_moment(value)
    return value if moment is None else moment + shift


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())


class WallWatch:
    """Looks at the wall: a difference over 2 s is told, and adopted when it has stood for 60 s and the kernel says so.

    `moved` is told of each adoption, for what keeps moments in memory.
    """

    def __init__(
        self,
        clock: Wall,
        pipeline: Pipeline,
        metrics: Metrics,
        moved: Callable[[timedelta], None],
        synchronised: Callable[[], bool] = kernel_is_synchronised,
    ) -> None:
        self._clock = clock
        self._pipeline = pipeline
        self._metrics = metrics
        self._moved = moved
        self._synchronised = synchronised
        self._told = False
        self._seen = timedelta()
        self._since: float | None = None
        """Since when the wall has differed by what was seen, in seconds of the monotonic clock."""

    async def run(self) -> None:
        """Look every five seconds, for ever."""
        while True:
            with contextlib.suppress(StoreDown, Undecided):
                await self.look()
            await self._clock.sleep_until(self._clock.now() + _LOOK_AGAIN)

    async def look(self) -> None:
        """Look once. Raises StoreDown, Undecided."""
        drift = self._clock.drift()
        self._metrics.clock_shift.set(drift.total_seconds())
        differs = abs(drift) > TOLERATED
        if not differs:
            self._since = None
        elif self._since is None or abs(drift - self._seen) > TOLERATED:
            self._seen, self._since = drift, self._clock.monotonic()
        await self._tell(differs, drift)
        stood_s = 0.0 if self._since is None else self._clock.monotonic() - self._since
        if differs and stood_s >= _ADOPTED_AFTER.total_seconds() and self._synchronised():
            await self._adopt(self._clock.drift())
            self._since = None
            await self._tell(False, timedelta())

    async def _tell(self, differs: bool, drift: timedelta) -> None:
        if differs == self._told:
            return
        summary = f"the wall clock differs by {drift.total_seconds():.1f} s from the clock that steps are taken by"
        alert = own_alert("ClockJumped", {}, summary, self._clock.now(), firing=differs)
        await self._pipeline.submit(AlertsFound([alert], "self"))
        self._told = differs

    async def _adopt(self, shift: timedelta) -> None:
        async def adopt(writer: Writer) -> None:
            await move(writer, shift, self._clock.now() + shift, "clock adopted")
            self._clock.adopt(shift)
            self._moved(shift)

        await self._pipeline.between(adopt)
        await self._pipeline.submit(ClockAdopted(shift))
        log.warning("the wall clock was adopted: what waits was moved with it", by_s=_seconds(shift))
