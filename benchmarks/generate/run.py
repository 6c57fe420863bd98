"""One run, from its seed to its three files."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.generate.alertmanager import notifications
from benchmarks.generate.fault import Fault
from benchmarks.generate.labelling import firing_of
from benchmarks.generate.plans import planned
from benchmarks.generate.prometheus import alerts
from benchmarks.generate.rules import common
from benchmarks.generate.sites import site
from benchmarks.generate.spread import live
from benchmarks.generate.topology import Topology
from benchmarks.generate.truth import truth_of
from benchmarks.generate.webhooks import line

_QUIET_S = 26
"""From the end of the last fault to that of the run: time to end for all that fired."""
_BETWEEN_S = 12


@dataclass(frozen=True)
class Run:
    """A class of run at a site. The number is a seed too, so that runs of one class differ."""

    kind: str
    site: str
    number: int
    seed: int

    @property
    def name(self) -> str:
        """The name of its files."""
        return f"{self.kind}-{self.site}-{self.number}"


def write(run: Run, began: float, folder: Path, again: str = "") -> float:
    """Write the files of a run that begins at a time; returns when the next one may begin.

    Where faults are scripts each is seen: a run in which another fault hides one is drawn again.
    """
    draw = random.Random(f"{run.seed}{run.site}{run.kind}{run.number}{again}")
    topology = Topology(site(run.site), run.site, draw.randrange(1, 9))
    faults = planned(run.kind, topology, draw)
    lasts = max(fault.ends for fault in faults) + _QUIET_S
    offset = draw.random()
    conditions = live(topology, faults, run.number, lasts)
    active = alerts(conditions, topology.rules, _waits(topology, draw), run.number, offset, lasts)
    firings = [firing_of(one, topology, began) for one in active]
    group_by = topology.site.group_by[run.number % len(topology.site.group_by)]
    sent = notifications(firings, group_by, draw, began + lasts)
    port = draw.choice([19300, 19320, 19340])
    truth = truth_of(firings, sent, faults, topology, began)
    if topology.site.faults == "scripted" and not all(fault["n_alerts"] for fault in truth.faults):
        return write(run, began, folder, again + "again")
    about = {
        "run": run.name,
        "split": folder.name,
        "style": run.site,
        "seed": run.number,
        "t_start": round(began, 3),
        "t_end": round(began + lasts, 3),
        "plan": [_planned(fault) for fault in faults],
        "faults": truth.faults,
        "alerts": truth.alerts,
        "unattributed": truth.unattributed,
        "tseed": topology.variant,
        "cls": run.kind,
    }
    _save(folder / f"{run.name}.truth.json", json.dumps(about, ensure_ascii=False, indent=1))
    _save(folder / f"{run.name}.cmdb.json", json.dumps(topology.cmdb(), ensure_ascii=False, indent=1))
    lines = (line(number, one, port, topology.site.alertmanager) for number, one in enumerate(sent))
    _save(folder / f"{run.name}.jsonl", "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines))
    return began + lasts + _BETWEEN_S


def _waits(topology: Topology, draw: random.Random) -> Mapping[str, int]:
    """The `for` of each rule of the site; those of the common rules are drawn for all there are."""
    waits, has = {}, topology.site.alerts
    for kind, rule in topology.rules.items():
        if kind in has or kind in common():
            least, most = rule.wait
            waits[kind] = min(most, max(least, int(draw.uniform(least, most + 1))))
    return {kind: wait for kind, wait in waits.items() if kind in has}


def _planned(fault: Fault) -> dict[str, Any]:
    return {"at": round(fault.begins - 7, 2), "type": fault.type, "args": fault.args, "dur": round(fault.duration)}


def _save(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", newline="\n")
