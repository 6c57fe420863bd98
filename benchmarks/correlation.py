"""How well incidents are formed, on recorded webhooks of which the faults are known.

python benchmarks/correlation.py --corpus DIR [--stretch 10] [--shuffles N] [--scorer FILE] [--config.dir DIR]

Every `<run>.jsonl` is replayed with the topology that `<run>.cmdb.json` gives (racks, hosts, services); the answers
lie in a temporary folder, and what the scorer prints about them, with our row ANSWER, is printed whole. `--shuffles`
replays each run so often again, its messages up to five seconds late each, and prints how alike the incidents are.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from math import comb
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a file: our packages stand beside this folder, and two have the names of its files
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import yaml

from agent import logs
from agent.rehearsal import replay
from benchmarks.parts import PLAIN
from correlation.naming import bare

Items = dict[str, dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay, score, print; returns the exit code of the scorer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of <run>.jsonl, or one such file")
    parser.add_argument("--stretch", type=float, default=1.0, help="multiply every distance in time")
    parser.add_argument("--shuffles", type=int, default=0, help="other orders of arrival to compare each run with")
    parser.add_argument("--scorer", type=Path, help="score.py of the corpus' folder, or of its parent")
    parser.add_argument("--config.dir", dest="config_dir", type=Path, help="a site (default: the pack, as it is)")
    told = parser.parse_args(arguments)
    runs = sorted(told.corpus.glob("*.jsonl")) if told.corpus.is_dir() else [told.corpus]
    folder = told.corpus if told.corpus.is_dir() else told.corpus.parent
    scorer = told.scorer or find_scorer(folder)
    if not runs or not runs[0].is_file() or scorer is None:
        print(f"{told.corpus} holds no <run>.jsonl, or there is no score.py: name one with --scorer", file=sys.stderr)
        return 2
    logs.set_up("error")
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as place:
        site = told.config_dir or _site(Path(place) / "site")
        answers = Path(place) / "answers"
        answers.mkdir()
        for run in runs:
            _answer(run, site, told.stretch, answers)
        if told.shuffles:
            print(_between_orders(runs, site, told.stretch, told.shuffles, Path(place)))
        sys.stdout.flush()
        if told.corpus.is_dir():
            return score(scorer, "--dir", str(folder), "--answers", str(answers))
        run = runs[0]
        return score(scorer, str(run.with_suffix(".truth.json")), str(answers / f"{run.stem}.answer.json"))


def find_scorer(folder: Path) -> Path | None:
    """`score.py` of a folder, or of the folder that it lies in."""
    return next((p for p in (folder / "score.py", folder.resolve().parent / "score.py") if p.is_file()), None)


def score(scorer: Path, *arguments: str) -> int:
    """Run a scorer, print all that it says, and return its exit code."""
    ran = subprocess.run([sys.executable, str(scorer), *arguments], capture_output=True, text=True, check=False)
    print(ran.stderr, end="", file=sys.stderr)
    print(ran.stdout, end="")
    return ran.returncode


def _site(folder: Path) -> Path:
    folder.mkdir()
    for name, text in PLAIN.items():
        (folder / name).write_text(text)
    return folder


def _answer(run: Path, site: Path, stretch: float, answers: Path) -> None:
    """Replay one run and write its answer file. Raises agent.rehearsal.replay.BadRun."""
    answer = _replayed(run, list(replay.read_run(str(run))), site, stretch, answers.parent)
    (answers / f"{run.stem}.answer.json").write_text(json.dumps(answer.as_json(), ensure_ascii=False), "utf-8")


def _replayed(run: Path, messages: Iterable[replay.Message], site: Path, stretch: float, place: Path) -> replay.Answer:
    cmdb, topology = run.with_suffix(".cmdb.json"), place / "topology.yaml"
    items = topology_of(json.loads(cmdb.read_text("utf-8"))) if cmdb.is_file() else {}
    topology.write_text(yaml.safe_dump({"configuration_items": items}, allow_unicode=True), "utf-8")
    return asyncio.run(replay.replay(messages, replay.load_for(str(site), str(topology)), stretch))


def _between_orders(runs: Sequence[Path], site: Path, stretch: float, times: int, place: Path) -> str:
    """How alike the incidents are when every message of a run is up to five seconds late."""
    found = []
    for run in runs:
        messages = list(replay.read_run(str(run)))
        first = _replayed(run, messages, site, stretch, place).incidents
        for seed in range(times):
            draw = random.Random(seed)
            late = [replace(m, t=m.t + timedelta(seconds=draw.uniform(0, 5))) for m in messages]
            found.append(agreement(first, _replayed(run, late, site, stretch, place).incidents))
    same = sum(ari == 1.0 for ari in found)
    return (
        f"between orders within 5 s: ARI {statistics.mean(found):.3f} in the mean, {min(found):.3f} at least, "
        f"{same} of {len(found)} the same"
    )


def agreement(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """The adjusted Rand index of two groupings, over what both of them hold: 1 where they are the same."""
    both = [key for key in one if key in other]
    pairs = sum(comb(n, 2) for n in Counter((one[key], other[key]) for key in both).values())
    ours, theirs = (sum(comb(n, 2) for n in Counter(of[key] for key in both).values()) for of in (one, other))
    by_chance = ours * theirs / comb(len(both), 2) if len(both) > 1 else 0.0
    most = (ours + theirs) / 2
    return 1.0 if most == by_chance else (pairs - by_chance) / (most - by_chance)


def topology_of(cmdb: Mapping[str, Any]) -> Items:
    """The configuration items of a CMDB export: what there is, and what each thing stands on.

    A rack stands on its UPS; a switch on its rack; a host on rack, switch and network storage; a database on its
    host; a service on hosts, databases and other services. What asks for a service by its URL is about it.
    """
    items: Items = {}
    for name, kind, depends_on in (*_things(cmdb), *_programs(cmdb)):
        item = items.setdefault(name, {"kind": kind, "depends_on": []})
        item["depends_on"] += [on for on in depends_on if on and on != name and on not in item["depends_on"]]
    for name, item in items.items():
        item["depends_on"], wanted = [], item["depends_on"]
        for on in wanted:
            if on in items and not _stands_on(items, on, name):
                item["depends_on"].append(on)
    for service in cmdb.get("services", ()):
        if service.get("url"):
            items[service["name"]]["match"] = {"instance": service["url"]}
    return items


def _stands_on(items: Items, item: str, below: str) -> bool:
    """Whether an item stands on another: services of a CMDB may call each other, and nothing stands on itself."""
    seen, ahead = {item}, [item]
    while ahead:
        fresh = [on for on in items[ahead.pop()]["depends_on"] if on in items and on not in seen]
        seen.update(fresh)
        ahead += fresh
    return below in seen


_Item = tuple[str, str, Iterable[str | None]]


def _things(cmdb: Mapping[str, Any]) -> Iterator[_Item]:
    switches = {}
    for rack in cmdb.get("racks", ()):
        ups, switch = rack.get("ups"), rack.get("switch")
        if ups:
            yield ups, "ups", ()
        yield rack["name"], "rack", (ups,)
        if switch:
            yield switch, "switch", (rack["name"],)
        switches[rack["name"]] = switch
    for kind in ("storage", "dns"):
        yield from ((name, kind, ()) for name in cmdb.get(kind, ()))
    for host in cmdb.get("hosts", ()):
        yield host["name"], "host", (host.get("rack"), switches.get(host.get("rack")), host.get("nas"))


def _programs(cmdb: Mapping[str, Any]) -> Iterator[_Item]:
    for database in cmdb.get("databases", ()):
        yield database["name"], "database", (database.get("host"),)
    for service in cmdb.get("services", ()):
        hosts = (bare(instance) for instance in service.get("instances", ()))
        yield service["name"], "service", (*hosts, *service.get("databases", ()), *service.get("depends_on", ()))


if __name__ == "__main__":
    sys.exit(main())
