"""Intake side by side: new alerts and duplicates by size of message; ours are on disk before the answer, theirs not."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import Load, Result, send
from benchmarks.parts import APART, Alertmanager, Server, Tocsin, running
from benchmarks.tables import ratio, table

AIMS = {("new", 64): 0.4, ("duplicates", 64): 1.5}


@dataclass(frozen=True)
class Plan:
    """How much is sent: new alerts and duplicates of a cell by alerts per request."""

    rounds: int = 3
    connections: int = 32
    new: Mapping[int, int] = field(default_factory=lambda: {1: 3000, 10: 12_000, 64: 25_600, 256: 25_600})
    duplicates: Mapping[int, int] = field(default_factory=lambda: {1: 4000, 10: 20_000, 64: 51_200, 256: 51_200})
    known: int = 2000
    """Identities that the duplicates repeat."""
    apart: int = 6400
    """New alerts, 64 per request, none of which is joined to another."""
    most_s: float = 240.0
    """No round is begun that would not end in time, by the longest round so far."""


QUICK = Plan(
    rounds=1,
    new={1: 600, 64: 6400},
    duplicates={1: 1000, 64: 12_800},
    apart=640,
)

Cell = tuple[str, int]
"""What is sent, and how many alerts per request."""
Cells = dict[Cell, dict[str, list[Result]]]


@dataclass
class Figures:
    """What each server did in each cell, round by round."""

    cells: Cells = field(default_factory=dict)
    stored: int = 0
    taken: int = 0
    """Alerts of ours that were on disk after a kill -9, and those that had been answered 2xx before."""

    def add(self, what: str, batch: int, server: str, result: Result) -> None:
        self.cells.setdefault((what, batch), {}).setdefault(server, []).append(result)


def run(folder: Path, plan: Plan) -> Figures:
    """Start both servers, send to one and the other in turn, and kill ours at the end. Raises parts.Missing."""
    ours, theirs = Tocsin(folder / "tocsin"), Alertmanager(folder / "alertmanager")
    apart = Tocsin(folder / "apart", APART)
    figures = Figures()
    with running(ours, theirs, apart):
        for server in (ours, theirs):
            send(server, Load(total=plan.known, distinct=plan.known, seed=7, connections=2))
        _rounds(plan, lambda number: _round(number, plan, ours, theirs, apart, figures))
        _survive(ours, figures, plan)
    return figures


def _rounds(plan: Plan, once: Callable[[int], None]) -> None:
    begun, longest = time.monotonic(), 0.0
    for number in range(plan.rounds):
        start = time.monotonic()
        if start - begun + longest > plan.most_s:
            return
        once(number)
        longest = max(longest, time.monotonic() - start)


def _round(number: int, plan: Plan, ours: Server, theirs: Server, apart: Server, figures: Figures) -> None:
    """Every cell once; who goes first changes with the round."""
    servers = (ours, theirs) if number % 2 == 0 else (theirs, ours)
    for place, batch in enumerate(plan.new):
        first = 1_000_000 * (1 + number * 10 + place)
        for server in servers:
            load = _new(plan.new[batch], first, batch, plan)
            figures.add("new", batch, server.kind, send(server, load))
        for server in servers:
            figures.add("duplicates", batch, server.kind, send(server, _again(batch, plan)))
    load = _new(plan.apart, 1_000_000 * (1 + number * 10 + 9), 64, plan)
    for server in (apart, theirs):
        figures.add("new, none joined", 64, server.kind, send(server, load))


def _new(total: int, first: int, batch: int, plan: Plan) -> Load:
    return Load(total=total, distinct=total, first=first, batch=batch, connections=plan.connections)


def _again(batch: int, plan: Plan) -> Load:
    total = plan.duplicates[batch]
    return Load(total=total, distinct=plan.known, seed=7, batch=batch, connections=plan.connections)


def _survive(ours: Tocsin, figures: Figures, plan: Plan) -> None:
    """Kill it while nothing is under way, start it again and count: what was answered must be there."""
    new = [cells[ours.kind] for (what, _), cells in figures.cells.items() if what == "new"]
    figures.taken = plan.known + sum(result.alerts for results in new for result in results)
    ours.kill()
    ours.start()
    figures.stored = ours.gauge("tocsin_open_alerts")


def show(figures: Figures) -> str:
    """The figures as Markdown."""
    rows: list[Sequence[object]] = []
    for (what, batch), by_server in figures.cells.items():
        ours, theirs = by_server["tocsin"], by_server["alertmanager"]
        aim = AIMS.get((what, batch))
        rows.append(
            (
                what,
                batch,
                f"{_median(ours, 'per_s'):,.0f}",
                f"{_median(theirs, 'per_s'):,.0f}",
                f"**{ratio(_median(ours, 'per_s'), _median(theirs, 'per_s'))}**" + (f" (aim {aim}x)" if aim else ""),
                f"{_median(ours, 'cpu_us'):.0f}",
                f"{_median(theirs, 'cpu_us'):.0f}",
                ratio(_median(theirs, "cpu_us"), _median(ours, "cpu_us")),
                f"{_median(ours, 'p50_ms'):.1f} / {_median(ours, 'p99_ms'):.0f}",
                f"{_median(theirs, 'p50_ms'):.1f} / {_median(theirs, 'p99_ms'):.0f}",
                f"{_median([*ours, *theirs], 'others'):.2f}",
            )
        )
    head = (
        "what",
        "alerts per request",
        "alerts/s",
        "Alertmanager's",
        "rate, ours to theirs",
        "CPU µs per alert",
        "Alertmanager's",
        "alerts per CPU second, ours to theirs",
        "p50 / p99 ms",
        "Alertmanager's",
        "cores busy elsewhere",
    )
    results = [result for by_server in figures.cells.values() for found in by_server.values() for result in found]
    refused, unsent = sum(r.refused for r in results), sum(r.unsent for r in results)
    rounds = min(len(found) for by_server in figures.cells.values() for found in by_server.values())
    last = (
        f"Medians of {rounds} round(s); {refused} alert(s) refused, {unsent} unsent for want of time. "
        f"After `kill -9`: {figures.stored:,} of {figures.taken:,} alerts that had been answered 2xx are open."
    )
    return f"{table(head, rows)}\n\n{last}"


def _median(results: Sequence[Result], name: str) -> float:
    return statistics.median(float(getattr(result, name)) for result in results)
