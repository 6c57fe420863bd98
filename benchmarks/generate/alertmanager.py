"""Alertmanager on the firings of a run: groups, waits, repetitions, and groups that are forgotten."""

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.generate.firing import Firing

GROUP_WAIT_S, GROUP_INTERVAL_S, REPEAT_S, FORGET_S = 1.0, 5, 30, 30
DELAY_S = 0.02
"""From Prometheus to Alertmanager."""
_LINGERS_S = 15
"""Messages still come so long after the end of a run."""

Group = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Notification:
    """One message: at a time, about the firings of a group."""

    at: float
    group: Group
    firing: Sequence[Firing]
    resolved: Sequence[Firing]


def notifications(
    firings: Sequence[Firing], group_by: Sequence[str], draw: random.Random, until: float
) -> list[Notification]:
    """All messages about these firings, in the order of their sending."""
    groups: defaultdict[Group, list[Firing]] = defaultdict(list)
    forgets = draw.uniform(0, FORGET_S)
    for firing in firings:
        labels = firing.labels
        groups[tuple((label, labels[label]) for label in sorted(group_by) if label in labels)].append(firing)
    sent = [
        notification
        for group, members in groups.items()
        for notification in _Flushes(group, members, forgets, draw).sent(until + _LINGERS_S)
    ]
    return sorted(sent, key=lambda one: (one.at, str(one.group)))


class _Flushes:
    """The flushes of one group, and what it remembers of the last message."""

    def __init__(self, group: Group, firings: Sequence[Firing], forgets: float, draw: random.Random) -> None:
        self.group, self.forgets, self.draw = group, forgets, draw
        self.firings = sorted(firings, key=lambda firing: firing.starts)
        self.told_firing: set[str] = set()
        self.told_resolved: set[str] = set()
        self.over: set[Firing] = set()
        self.last = -math.inf

    def sent(self, until: float) -> Iterator[Notification]:
        """The messages of the group."""
        now: float | None = self._first_after(self.firings[0].starts)
        while now is not None and now < until:
            notification = self._flush(now)
            if notification is not None:
                yield notification
            self.over |= {firing for firing in self.firings if firing.ended_at(now, DELAY_S)}
            now = self._next(now)

    def _flush(self, now: float) -> Notification | None:
        firing = [one for one in self.firings if one.fires_at(now, DELAY_S)]
        names = {one.fingerprint for one in firing}
        ended = [one for one in self.firings if one.ended_at(now, DELAY_S) and one not in self.over]
        resolved = [one for one in ended if one.fingerprint not in names]
        if not self._is_news(now, names, {one.fingerprint for one in resolved}) or not (firing or resolved):
            return None
        self.last, self.told_firing = now, names
        self.told_resolved = {one.fingerprint for one in resolved}
        return Notification(now, self.group, firing, resolved)

    def _is_news(self, now: float, firing: set[str], resolved: set[str]) -> bool:
        if not firing:
            return bool(self.told_firing)
        if firing - self.told_firing or resolved - self.told_resolved:
            return True
        return now - self.last >= REPEAT_S - 0.5

    def _next(self, now: float) -> float | None:
        """When the group is flushed again; an empty one is forgotten at the next turn, and waits anew."""
        if any(one.starts <= now and one not in self.over for one in self.firings):
            return self._after_interval(now + GROUP_INTERVAL_S)
        later = [one.starts for one in self.firings if one.starts > now]
        if not later:
            return None
        forgotten = self.forgets + math.ceil((now - self.forgets) / FORGET_S) * FORGET_S
        if later[0] > forgotten:
            return self._first_after(later[0])
        tick = now + GROUP_INTERVAL_S
        while tick < later[0] + DELAY_S:
            tick += GROUP_INTERVAL_S
        return self._after_interval(tick)

    def _first_after(self, starts: float) -> float:
        return starts + GROUP_WAIT_S + self.draw.uniform(0.005, 0.05)

    def _after_interval(self, tick: float) -> float:
        return tick + self.draw.uniform(-0.008, 0.008)
