"""What the daemon uses while nothing happens but fifty inspections."""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parts import SITE, Alertmanager, Tocsin, running
from benchmarks.tables import table
from benchmarks.usage import cpu_s

_HOUR_S = 3600.0


@dataclass(frozen=True)
class Plan:
    """How long, and how many inspections."""

    seconds: float = 300.0
    disks: int = 25
    pages: int = 25
    rest_s: float = 20.0


QUICK = Plan(seconds=30.0)


@dataclass(frozen=True)
class Figures:
    """Processor seconds used in so many seconds."""

    plan: Plan
    cpu_s: float

    @property
    def an_hour(self) -> float:
        return self.cpu_s * _HOUR_S / self.plan.seconds


def run(folder: Path, plan: Plan) -> Figures:
    """Let a daemon be idle; its inspections look at a disk and at the health of an idle Alertmanager."""
    looked_at = Alertmanager(folder / "alertmanager")
    ours = Tocsin(folder / "tocsin", {**SITE, "inspections.yaml": _inspections(plan, looked_at.port)})
    with running(looked_at, ours):
        ours.come_to_rest(plan.rest_s)
        before, begun = cpu_s(ours.pid), time.monotonic()
        time.sleep(plan.seconds)
        used, lasted = cpu_s(ours.pid) - before, time.monotonic() - begun
    return Figures(plan, used * plan.seconds / lasted)


def _inspections(plan: Plan, port: int) -> str:
    disks = [f"  disk-{n}: {{type: disk, every: 1m, path: /}}\n" for n in range(plan.disks)]
    url = f"http://127.0.0.1:{port}/-/healthy"
    pages = [f'  page-{n}: {{type: http, every: 30s, url: "{url}"}}\n' for n in range(plan.pages)]
    return "inspections:\n" + "".join([*disks, *pages])


def show(figures: Figures) -> str:
    """The figures as Markdown."""
    plan = figures.plan
    what = f"{plan.disks} disks every minute, {plan.pages} HTTP checks every 30 s"
    row = (what, f"{plan.seconds:g}", f"{figures.cpu_s:.2f}", f"{figures.an_hour:.1f}")
    return table(("inspections", "seconds", "CPU seconds", "CPU seconds in an hour"), [row])
