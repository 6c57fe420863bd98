"""Prometheus on the conditions of a run: scrapes, an evaluation each second, rates over windows, `for`."""

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.generate.moment import STEP_S, Conditions
from benchmarks.generate.rules import Rule
from benchmarks.generate.values import Shares

_CAUSES_FOR_S = 3
"""So long after its start what causes an alert counts."""
_HELD_BY = 1.12
"""A condition that alerts must fall further to end than it had to rise."""
_NOISE = 0.025


@dataclass
class Active:
    """An alert that fires, in seconds of the run. `amount` is what it had at its start."""

    signal: str
    starts: float
    amount: float
    ends: float | None = None
    causes: Shares = field(default_factory=dict)


def alerts(
    conditions: Conditions,
    rules: Mapping[str, Rule],
    waits: Mapping[str, float],
    seed: int,
    offset: float,
    until: float,
) -> Iterator[Active]:
    """What fires by these rules, signal by signal, of the kinds that have a wait.

    Each rule is evaluated every second from an offset on.
    """
    for signal in conditions.signals():
        kind, thing = signal.split(":", 1)
        if kind in waits:
            rule = rules[kind]
            interval = 1.5 if rule.target.over_snmp else 1.0
            phase = random.Random(f"{seed}{rule.target.value}{thing}").uniform(0, 1) * interval
            samples = _Samples(conditions, signal, rule, phase, interval, random.Random(f"{seed}{signal}"))
            yield from _evaluated(samples, waits[kind], offset, until)


@dataclass(frozen=True)
class _Samples:
    """What Prometheus knows of a signal."""

    conditions: Conditions
    signal: str
    rule: Rule
    phase: float
    interval: float
    noise: random.Random

    def shares(self, now: float) -> Shares:
        """The mean over the window that ends with the last scrape."""
        scraped = math.floor((now - self.phase) / self.interval) * self.interval + self.phase
        last = int(scraped / STEP_S)
        steps = range(max(0, last - int(self.rule.window / STEP_S)), last + 1)
        found: Shares = defaultdict(float)
        for step in steps:
            for fault, amount in self.conditions.at(self.signal, step).items():
                found[fault] += amount / len(steps)
        return found

    def measured(self, shares: Shares, active: bool) -> float:
        """What the expression gives: a rate is never quite the same twice."""
        blur = math.exp(self.noise.gauss(0, _NOISE)) if self.rule.window else 1
        return sum(shares.values()) * (_HELD_BY if active else 1) * blur


def _evaluated(samples: _Samples, wait: float, offset: float, until: float) -> Iterator[Active]:
    pending: float | None = None
    active: Active | None = None
    causes: Shares = defaultdict(float)
    now = offset
    while now < until:
        shares = samples.shares(now)
        amount = samples.measured(shares, active is not None)
        if amount >= samples.rule.threshold:
            if pending is None:
                pending = now
                causes.clear()
            if active is None or now < active.starts + _CAUSES_FOR_S:
                for fault, share in shares.items():
                    causes[fault] += share
            if active is None and now - pending >= wait:
                active = Active(samples.signal, now, amount)
            if active is not None and now <= active.starts + _CAUSES_FOR_S:
                active.causes = dict(causes)
        else:
            if active is not None:
                active.ends = now
                yield active
            pending = active = None
        now += 1
    if active is not None:
        yield active
