"""A firing: what Alertmanager is told of, and what the truth is about."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from benchmarks.generate.values import Shares, written
from collectors.labels import fingerprint


@dataclass(frozen=True, eq=False)
class Firing:
    """One alert, from its start to its end (none while the run lasts); each is itself alone."""

    signal: str
    starts: float
    ends: float | None
    causes: Shares
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    expression: str

    @cached_property
    def fingerprint(self) -> str:
        """As Alertmanager makes it."""
        return fingerprint(self.labels)

    @property
    def kind(self) -> str:
        """The kind of its rule."""
        return self.signal.split(":", 1)[0]

    @property
    def key(self) -> str:
        """The key of a firing in truths and answers."""
        return f"{self.fingerprint}@{written(self.starts)}"

    def fires_at(self, now: float, delay: float) -> bool:
        """Whether one who hears of all with a delay believes that it fires."""
        return self.starts + delay <= now < (math.inf if self.ends is None else self.ends + delay)

    def ended_at(self, now: float, delay: float) -> bool:
        """Whether one who hears of all with a delay has heard of its end."""
        return self.ends is not None and self.ends + delay <= now
