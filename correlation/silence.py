"""A silence: alerts that match it open nothing and page nobody while it lasts."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from collectors.labels import Labels, Matcher, all_match


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Holds from `starts_at` until `ends_at` (UTC). `id` is a UUID, as Alertmanager's tools expect."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    created_at: datetime
    window: str = ""
    """The window whose stretch it is; "" of one that a person made."""
    unless: tuple[tuple[Matcher, ...], ...] = ()
    """What matches all of one of these is not held."""

    def active(self, now: datetime) -> bool:
        """Whether it holds at `now`."""
        return self.starts_at <= now < self.ends_at

    def covers(self, labels: Labels) -> bool:
        """Whether it is for an alert with these labels."""
        return all_match(self.matchers, labels) and not any(all_match(other, labels) for other in self.unless)

    def state(self, now: datetime) -> str:
        """`pending`, `active` or `expired`, as Alertmanager says it."""
        return "expired" if now >= self.ends_at else "active" if now >= self.starts_at else "pending"


def silenced_by(labels: Labels, silences: Iterable[Silence], now: datetime) -> Silence | None:
    """The silence that holds longest for an alert with these labels, or None."""
    holding = [s for s in silences if s.active(now) and s.covers(labels)]
    return max(holding, key=lambda s: s.ends_at, default=None)
