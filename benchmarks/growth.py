"""What an alert costs while a thousand, ten thousand, a hundred thousand are open: processor, memory, start-up."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import usage
from benchmarks.load import Load, send
from benchmarks.parts import APART, SITE, Alertmanager, Server, Tocsin, running
from benchmarks.tables import table

EVENTS = 10
"""Alert names: few incidents that hold many alerts each are the harder shape."""


@dataclass(frozen=True)
class Plan:
    """How many are open, and how many more are sent to see what one costs."""

    sizes: Sequence[int] = (1000, 10_000, 100_000)
    apart: Sequence[int] = (1000, 10_000)
    """The sizes at which every alert has an incident of its own."""
    new: int = 1024
    duplicates: int = 8192
    times: int = 3
    starts: int = 3
    rest_s: float = 20.0
    """How long at most a server may take to come to rest between two measurements."""
    most_s: float = 150.0
    """After this no larger size is begun."""


QUICK = Plan(sizes=(1000, 5000), apart=(), new=512, duplicates=2048, times=2, starts=1, most_s=20.0)


@dataclass
class Step:
    """What was measured with so many open."""

    open: int
    new_us: float
    duplicate_us: float
    bytes: int


@dataclass
class Grown:
    """One server on its way up: what it holds when empty, then each size."""

    name: str
    empty: int
    steps: list[Step] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)
    empty_start_s: float = 0.0
    bytes_after_start: int = 0


def run(folder: Path, plan: Plan) -> list[Grown]:
    """Fill ours, Alertmanager, and ours without joining, one after the other. Raises parts.Missing."""
    ours = Tocsin(folder / "tocsin", SITE)
    apart = Tocsin(folder / "apart", APART)
    theirs = Alertmanager(folder / "alertmanager")
    grown, until = [], time.monotonic() + plan.most_s
    for name, server, sizes in (
        ("Tocsin", ours, plan.sizes),
        ("Alertmanager", theirs, plan.sizes),
        ("Tocsin, none joined", apart, plan.apart),
    ):
        if not sizes:
            continue
        with running(server):
            found = _grow(name, server, sizes, plan, until)
            if isinstance(server, Tocsin):
                _start_again(server, found, plan)
            grown.append(found)
    return grown


def _grow(name: str, server: Server, sizes: Sequence[int], plan: Plan, until: float) -> Grown:
    send(server, Load(total=256, distinct=256, first=50_000_000, events=EVENTS))
    send(server, Load(total=256, distinct=256, first=50_000_000, events=EVENTS, resolved=True))
    server.come_to_rest(plan.rest_s)
    grown = Grown(name, usage.memory(server.pid))
    held = 0
    for size in sizes:
        if grown.steps and time.monotonic() > until:
            break
        _fill(server, held, size)
        held = size
        server.come_to_rest(plan.rest_s)
        in_memory = usage.memory(server.pid)
        grown.steps.append(Step(size, _new(server, size, plan), _duplicates(server, size, plan), in_memory))
    return grown


def _fill(server: Server, held: int, size: int) -> None:
    result = send(server, Load(total=size - held, distinct=size - held, first=held, events=EVENTS, most_s=90))
    if result.refused or result.unsent:
        raise RuntimeError(f"{server.kind} did not take {size} alerts: {result}")


def _new(server: Server, size: int, plan: Plan) -> float:
    """Processor microseconds of a new alert; those sent are ended again, outside the measurement."""
    cpu_s = 0.0
    for turn in range(plan.times):
        first = 10_000_000 + size * 100 + turn * plan.new
        load = Load(total=plan.new, distinct=plan.new, first=first, events=EVENTS, connections=8)
        cpu_s += send(server, load).server_cpu_s
        send(server, Load(total=plan.new, distinct=plan.new, first=first, events=EVENTS, resolved=True))
        server.come_to_rest(plan.rest_s)
    return cpu_s / (plan.new * plan.times) * 1e6


def _duplicates(server: Server, size: int, plan: Plan) -> float:
    """Processor microseconds of a duplicate: as many identities at each size, from everywhere among what is open."""
    distinct = min(size, plan.sizes[0])
    stride = size // distinct
    load = Load(total=plan.duplicates, distinct=distinct, stride=stride, events=EVENTS, connections=8)
    return statistics.median(send(server, load).cpu_us for _ in range(plan.times))


def _start_again(server: Tocsin, grown: Grown, plan: Plan) -> None:
    """How long it takes until it is ready with all of it: after a kill, then after orderly ends."""
    server.kill()
    for _ in range(plan.starts):
        grown.starts_s.append(server.start())
        server.come_to_rest(plan.rest_s)
        grown.bytes_after_start = usage.memory(server.pid)
        server.stop()
    empty = Tocsin(server.folder / "empty")
    with running(empty):
        empty.stop()
        grown.empty_start_s = empty.start()


def show(grown: Sequence[Grown]) -> str:
    """The figures as Markdown."""
    rows: list[Sequence[object]] = []
    for server in grown:
        for step in server.steps:
            per_alert = (step.bytes - server.empty) / step.open
            rows.append(
                (
                    server.name,
                    f"{step.open:,}",
                    f"{step.new_us:.0f}",
                    f"{step.duplicate_us:.1f}",
                    f"{step.bytes / usage.MIB:.0f}",
                    f"{per_alert:,.0f}",
                )
            )
    head = ("server", "open alerts", "CPU µs, a new one", "CPU µs, a duplicate", "MiB", "bytes per open alert")
    starts: list[Sequence[object]] = [
        (
            server.name,
            f"{server.steps[-1].open:,}",
            " / ".join(f"{s:.2f}" for s in server.starts_s),
            f"{server.empty_start_s:.2f}",
            f"{(server.bytes_after_start - server.empty) / server.steps[-1].open:,.0f}",
        )
        for server in grown
        if server.starts_s
    ]
    of_starts = (
        "server",
        "open alerts",
        "s until ready (after kill -9 / after a stop)",
        "s with an empty store",
        "bytes per open alert after it",
    )
    return f"{table(head, rows)}\n\n{table(of_starts, starts)}"
