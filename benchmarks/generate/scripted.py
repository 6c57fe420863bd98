"""Faults that are written as scripts (scripted_faults.yaml): where they may be, their root, and what they do."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import yaml

from benchmarks.generate import draws


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that a fault does, as scripted_faults.yaml explains it."""

    do: str
    to: float | tuple[float, float] = 1
    start: float = 0
    hard: bool = False
    after: float = 0
    spread: float = 0
    rise: float = 0
    lasts: float = math.inf
    lingers: float = 0
    boots: bool = False
    reach: tuple[float, float] = (0, 1)
    luck: tuple[float, float] = (0, 1)
    every: float = 0
    pulse: float = 0
    split: bool = False


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault, as scripted_faults.yaml explains it."""

    sizes: Sequence[str]
    at: str
    root: Sequence[Sequence[str]]
    does: Sequence[Step]
    needs: str = ""

    @property
    def lingers(self) -> bool:
        """Whether it is felt a while after it is cleared."""
        return any(step.lingers or step.boots for step in self.does)


def _read() -> dict[str, Script]:
    written = yaml.safe_load(Path(__file__).with_name("scripted_faults.yaml").read_text("utf-8"))
    return msgspec.convert(written, dict[str, Script])


def _sizes() -> dict[str, list[str]]:
    sizes = defaultdict[str, list[str]](list)
    for kind, script in SCRIPTS.items():
        for size in script.sizes:
            sizes[size].append(kind)
    return dict(sizes)


SCRIPTS: Mapping[str, Script] = _read()
SIZES: Mapping[str, Sequence[str]] = _sizes()
"""As plans.py has those of other sites."""
TIERS: Mapping[str, Sequence[Sequence[str]]] = {kind: script.root for kind, script in SCRIPTS.items()}
"""As roots.py has those of other sites."""
PLACES: Mapping[str, draws.Draw] = {kind: draws.ALL[script.at] for kind, script in SCRIPTS.items()}
"""As plans.py has those of other sites."""
NEEDS: Mapping[str, str] = {kind: script.needs for kind, script in SCRIPTS.items() if script.needs}
"""The rule without which a site does not have a fault."""
