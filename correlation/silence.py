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

    def active(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at

    def state(self, now: datetime) -> str:
        """`pending`, `active` or `expired`, as Alertmanager says it."""
        return "expired" if now >= self.ends_at else "active" if now >= self.starts_at else "pending"


def silenced_by(labels: Labels, silences: Iterable[Silence], now: datetime) -> Silence | None:
    """The silence that holds longest for an alert with these labels, or None."""
    holding = [s for s in silences if s.active(now) and all_match(s.matchers, labels)]
    return max(holding, key=lambda s: s.ends_at, default=None)
