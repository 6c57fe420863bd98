"""What a tick costs while a hundred, a thousand, ten thousand incidents are open: by what is due alone."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

from agent.configuration.load import load
from agent.intents import PersonReported, TimePassed
from agent.rehearsal.house import House
from benchmarks import ROOT
from benchmarks.tables import table
from correlation.permission import Actor

_START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
_DESK = Actor("omar", frozenset({"desk"}))
_SITE = ROOT / "configs" / "site"
_A_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Plan:
    """With how many incidents open, how many are due at the tick that is measured, and how often."""

    sizes: tuple[int, ...] = (100, 1_000, 10_000)
    due: int = 20
    rounds: int = 9


QUICK = Plan(sizes=(50, 500), due=10, rounds=3)


@dataclass
class Ticks:
    """Processor microseconds of ticks with so many open: where nothing is due, and per step where some are."""

    open: int
    idle: list[float] = field(default_factory=list)
    per_step: list[float] = field(default_factory=list)
    looked_at: list[int] = field(default_factory=list)
    """Incidents that a tick with steps due looked at: a count, the same on every machine."""


def run(plan: Plan) -> list[Ticks]:
    """Measure each size in a house of its own, on a hand clock and a store in memory."""
    return [asyncio.run(_measure(size, plan)) for size in plan.sizes]


async def _measure(size: int, plan: Plan) -> Ticks:
    house = await House(load(_SITE), _START).open()
    try:
        await _fill(house, size, plan)
        found = Ticks(size)
        for _ in range(plan.rounds):
            found.idle.append(await _tick(house) * 1e6)
            due = house.desk.agenda.next_due()
            assert due is not None
            house.clock.set(due)
            before = house.desk.board.last_ids["timeline"]
            waiting = sum(1 for s in _pending(house) if s <= house.now)
            found.per_step.append(await _tick(house) * 1e6 / max(1, waiting))
            found.looked_at.append(house.desk.board.last_ids["timeline"] - before)
            await house.settle()
            house.clock.set(house.now + _A_SECOND)
        return found
    finally:
        await house.close()


async def _fill(house: House, size: int, plan: Plan) -> None:
    """Incidents with their whole ladders; every `due` of them come due together, the others later."""
    for number in range(size):
        if number % plan.due == 0 and number < plan.due * (plan.rounds + 2):
            await house.settle()
            house.clock.set(house.now + timedelta(minutes=1))
        body = {"title": f"trouble {number}", "urgency": 4, "impact": 4, "group": "sys-ops"}
        await house.through(PersonReported(body, _DESK))
        house._unknown.clear()
    await house.settle()
    house.clock.set(house.now + _A_SECOND)


def _pending(house: House) -> Iterator[datetime]:
    for steps in house.desk.agenda.pending.values():
        yield from (s.due_at for s in steps if s.due_at is not None)


async def _tick(house: House) -> float:
    begun = time.process_time()
    await house.through(TimePassed())
    return time.process_time() - begun


def show(found: list[Ticks]) -> str:
    """The table, and what the largest costs over the smallest."""
    rows = [
        (
            f"{ticks.open:,}",
            f"{median(ticks.idle):,.0f}",
            f"{median(ticks.per_step):,.0f}",
            f"{median(ticks.looked_at):,.0f}",
        )
        for ticks in found
    ]
    head = ("open incidents", "CPU µs, nothing due", "CPU µs per step taken", "lines of timeline written by that tick")
    first, last = found[0], found[-1]
    ratio = median(last.per_step) / median(first.per_step)
    idle = median(last.idle) / median(first.idle)
    said = (
        f"{last.open // first.open} times as many open: a tick costs {idle:.1f} times as much where nothing is due, "
        f"and {ratio:.1f} times as much per step where some are."
    )
    return f"{table(head, rows)}\n\n{said}"
