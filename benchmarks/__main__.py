"""`make bench`: every figure side by side in one run of a quarter of an hour at most, written to docs/benchmarks.md."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import ROOT, growth, idle, intake, machine, tick
from benchmarks.parts import Missing
from benchmarks.tables import put

PAGE = ROOT / "docs" / "benchmarks.md"
PARTS = ("intake", "growth", "tick", "idle")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and write; a quick run only prints. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round; printed, not written")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; printed, not written")
    parser.add_argument("--folder", type=Path, help="where the stores lie meanwhile (a temporary folder)")
    told = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended
    begun, figures = time.monotonic(), []
    try:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-", dir=told.folder) as folder:
            for part in _parts(Path(folder), told.only or PARTS, quick=told.quick):
                print(part, end="\n\n", flush=True)
                figures.append(part)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    took = f"Made in {time.monotonic() - begun:.0f} s."
    print(took)
    if not told.quick and not told.only:
        put(PAGE, "\n\n".join([*figures, took]))
    return 0


def _parts(folder: Path, wanted: Sequence[str], *, quick: bool) -> Iterator[str]:
    yield machine.facts(folder, 0.5 if quick else 2.0)
    if "intake" in wanted:
        plan = intake.QUICK if quick else intake.Plan()
        yield "### Intake\n\n" + intake.show(intake.run(folder / "intake", plan))
    if "growth" in wanted:
        grown = growth.run(folder / "growth", growth.QUICK if quick else growth.Plan())
        yield "### With many alerts open\n\n" + growth.show(grown)
    if "tick" in wanted:
        yield "### Ticks\n\n" + tick.show(tick.run(tick.QUICK if quick else tick.Plan()))
    if "idle" in wanted:
        yield "### Idle\n\n" + idle.show(idle.run(folder / "idle", idle.QUICK if quick else idle.Plan()))


if __name__ == "__main__":
    sys.exit(main())
