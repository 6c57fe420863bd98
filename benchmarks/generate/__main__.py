"""Write eighteen alert runs like recorded ones, of which the faults are known.

python -m benchmarks.generate OUT [--sites first|second|third|fourth|fifth|sixth] [--seed N]

The shape is that of a recorded corpus: `<run>.jsonl` (webhooks), `<run>.truth.json` (which fault caused which firing,
and the root) and `<run>.cmdb.json` (racks, hosts, services). A seed gives always the same runs.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.generate.plans import BESIDE, CLASSES
from benchmarks.generate.run import Run, write


class Half(NamedTuple):
    """Sites, the word that the seeds of their runs have, the number of the first run, its begin, and the classes."""

    sites: Sequence[str]
    word: str
    number: int
    begins: float
    classes: Sequence[str] = tuple(CLASSES)


HALVES = {
    "first": Half(("fubao", "dc1", "kube"), "look", 40, 1796050800.0),
    "second": Half(("plant", "campus", "telco"), "keep", 140, 1796223600.0),
    "third": Half(("ward", "office", "retail", "carrier"), "blind", 240, 1796396400.0),
    "fourth": Half(("haolun", "menagerie", "numbered", "cage", "mixin", "shanghai"), "near", 340, 1796569200.0),
    "fifth": Half(("transit", "depot", "clinic", "press", "brew"), "aside", 440, 1796742000.0),
    "sixth": Half(
        ("shuiwu", "foundry", "bakery", "papermill", "studio"),
        "away",
        540,
        1796914800.0,
        (*(kind for kind in CLASSES if kind not in ("random3", "random4")), *BESIDE),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the runs of a half; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder to write them to")
    parser.add_argument("--sites", choices=HALVES, default="first", help="which sites (default: first)")
    parser.add_argument("--seed", type=int, default=1, help="other runs of these sites (default: 1)")
    told = parser.parse_args(arguments)
    told.out.mkdir(parents=True, exist_ok=True)
    generate(told.out, HALVES[told.sites], told.seed)
    return 0


def generate(folder: Path, half: Half, seed: int) -> None:
    """One run of each class, one after the other; each site has as many, or one more than another."""
    order = random.Random(f"ord{half.word}{seed}")
    sites = [half.sites[number % len(half.sites)] for number in range(len(half.classes))]
    order.shuffle(sites)
    now = half.begins
    for number, (kind, name) in enumerate(zip(half.classes, sites, strict=True), half.number):
        now = write(Run(kind, name, number, seed), now + order.random(), folder)


if __name__ == "__main__":
    sys.exit(main())
