"""Where the time of an alert goes, in one process without HTTP: reading, deciding, rows, and the commit.

`python -m benchmarks.stages [--profile]` shows microseconds per alert of the thread that does it; `--profile` prints
the functions that cost most beneath that. With `--rule-alone` alerts join by the first rule and nothing else is asked:
no items, no causes, no words; less than this no join costs here.

`--open 100000` shows instead what one decision costs, mean and p99, while so many alerts are open: of alerts that come
one by one, those that join apart from those that open an incident.
"""

import argparse
import asyncio
import cProfile
import gc
import io
import pstats
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from agent.configuration import plugins
from agent.configuration.config import Config
from agent.configuration.load import load
from agent.deciders import decide
from agent.desk import Desk
from agent.group import Group
from agent.intents import AlertsArrived
from agent.loading.load import load_desk
from agent.storage import tables
from agent.storage.sqlite import SqliteWriter
from benchmarks.alerts import rounds
from benchmarks.messages import bodies
from benchmarks.parts import SITE
from benchmarks.tables import table
from correlation.rules import ItemPolicy
from correlation.topology import Topology

STAGES = ("read", "decide", "rows", "commit")
DECIDED = ("joined", "opened")
_SOURCE = "bench"
_NO_STORM = {**SITE, "correlation.yaml": "storm: {opened: 0}\n"}


@dataclass
class Spent:
    """Processor seconds by stage, and the alerts they were for."""

    alerts: int = 0
    by_stage: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    decided_s: dict[str, list[float]] = field(default_factory=lambda: {what: [] for what in DECIDED})
    """Of each message, what its decision took."""

    def per_alert_us(self, stage: str) -> float:
        return self.by_stage[stage] / max(1, self.alerts) * 1e6


@dataclass
class Bench:
    """A desk on a store of its own, moved message by message."""

    config: Config
    writer: SqliteWriter
    desk: Desk

    @property
    def opened(self) -> int:
        """How many incidents were opened."""
        return self.desk.board.last_ids.get("incident", 0)

    async def take(self, messages: Sequence[tuple[int, bytes]], together: int) -> Spent:
        """Take messages, so many in one commit."""
        parse, spent = plugins.webhook("alertmanager").parse, Spent()
        for start in range(0, len(messages), together):
            now, group = datetime.now(UTC), Group()
            for count, body in messages[start : start + together]:
                opened, begun = self.opened, time.thread_time()
                parsed = parse(body, _SOURCE, now, None)
                read = time.thread_time()
                decide(self.desk, AlertsArrived(_SOURCE, _SOURCE, "alertmanager", body, parsed, now), now, group)
                spent.by_stage["read"] += read - begun
                took = time.thread_time() - read
                spent.by_stage["decide"] += took
                spent.decided_s["opened" if self.opened > opened else "joined"].append(took)
                spent.alerts += count
            begun = time.thread_time()
            batch = group.batch(self.desk.chains)
            rows = time.thread_time()
            await self.writer.commit(batch)
            spent.by_stage["rows"] += rows - begun
            spent.by_stage["commit"] += time.thread_time() - rows
        return spent


async def open_bench(folder: Path, files: Mapping[str, str] = SITE) -> Bench:
    """Make a store in a folder and read its empty desk; the commit runs in this thread, so that it is counted."""
    site = folder / "site"
    site.mkdir()
    for name, text in files.items():
        (site / name).write_text(text)
    config = load(site)
    writer = SqliteWriter(str(folder / "stages.db"), inline=True)
    await writer.open()
    await writer.script(tables.sqlite_ddl())
    return Bench(config, writer, await load_desk(writer, config, datetime.now(UTC)))


def messages(total: int, batch: int, *, first: int = 0, distinct: int | None = None) -> list[tuple[int, bytes]]:
    """So many alerts in messages of `batch`."""
    numbers = [first + n for n in rounds(total, distinct or total, seed=1)]
    return list(bodies("tocsin", numbers, batch, seed=1, events=200, resolved=False))


def ask_the_rule_alone(desk: Desk) -> None:
    """Leave of correlation identity, the first rule, and the record of what was decided."""
    nothing = Topology({}, ItemPolicy(labels={}, extract=[]))
    desk.rules = replace(desk.rules, strategies=desk.rules.strategies[:1], finders=(), register=nothing)


async def measure(
    folder: Path, total: int, profile: cProfile.Profile | None = None, *, rule_alone: bool = False
) -> str:
    """The table of stages; `profile` also looks beneath."""
    bench = await open_bench(folder)
    if rule_alone:
        ask_the_rule_alone(bench.desk)
    known = messages(2000, 64, first=90_000_000)
    await bench.take(known, 32)
    rows = []
    _collect_as_the_daemon()
    for batch, together in ((1, 1), (1, 32), (64, 32)):
        for what in ("new", "duplicates"):
            size = min(total, 2000) if batch == 1 else total
            sent = (
                messages(size, batch, first=1_000_000 * (batch + together))
                if what == "new"
                else messages(size, batch, first=90_000_000, distinct=2000)
            )
            if profile is not None:
                profile.enable()
            spent = await bench.take(sent, together)
            if profile is not None:
                profile.disable()
            figures = [f"{spent.per_alert_us(stage):.1f}" for stage in STAGES]
            rows.append((what, batch, together, *figures, f"{sum(map(spent.per_alert_us, STAGES)):.1f}"))
    await bench.writer.close()
    return table(("what", "alerts per message", "messages per commit", *STAGES, "sum, CPU µs per alert"), rows)


def _collect_as_the_daemon() -> None:
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def measure_decisions(folder: Path, held: int, total: int) -> str:
    """The table of decisions while so many alerts are open; half of the others are of clusters that have none open."""
    bench = await open_bench(folder, _NO_STORM)
    await bench.take(messages(held, 64), 32)
    _collect_as_the_daemon()
    known = messages(total // 2, 1, first=90_000_000)
    unknown = [(n, body.replace(b'"eu-', b'"us-')) for n, body in messages(total // 2, 1, first=95_000_000)]
    spent = await bench.take([message for pair in zip(known, unknown, strict=True) for message in pair], 32)
    await bench.writer.close()
    rows = []
    for what, took in spent.decided_s.items():
        us = sorted(s * 1e6 for s in took)
        if us:
            rows.append((what, len(us), f"{sum(us) / len(us):.0f}", f"{us[len(us) * 99 // 100]:.0f}"))
    return table((f"with {held:,} open", "decisions", "mean, CPU µs", "p99, CPU µs"), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("--total", type=int, default=20_000, help="alerts by stage")
    parser.add_argument("--profile", action="store_true", help="print the functions that cost most")
    parser.add_argument("--open", type=int, metavar="ALERTS", help="single decisions, while so many are open")
    parser.add_argument("--rule-alone", action="store_true", help="ask one rule, and nothing else")
    told = parser.parse_args(arguments)
    profile = cProfile.Profile() if told.profile else None
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        if told.open:
            print(asyncio.run(measure_decisions(Path(folder), told.open, told.total)))
            return
        print(asyncio.run(measure(Path(folder), told.total, profile, rule_alone=told.rule_alone)))
    if profile is not None:
        out = io.StringIO()
        pstats.Stats(profile, stream=out).sort_stats("tottime").print_stats(40)
        print(out.getvalue())


if __name__ == "__main__":
    main()
