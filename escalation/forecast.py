"""A breach of the resolution target that is to be expected: by the estimate, or since nothing is heard (R90)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from correlation.calendar import Calendar
from escalation.sla import Pause, falls_due
from escalation.timetable import PredictedBreach


def is_estimated_late(policy: PredictedBreach, eta: datetime | None, due_at: datetime | None) -> bool:
    """Whether those who work on it expect to be done after it is due; `due_at` is None while the clock stands."""
    return policy.eta_after_due and eta is not None and due_at is not None and eta > due_at


def silent_at(
    policy: PredictedBreach,
    opened_at: datetime,
    heard_at: datetime,
    target: timedelta,
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
) -> datetime | None:
    """Return when a breach is to be expected since nobody has written anything since `heard_at`; None: not now.

    The share `no_update_for_pct` of the target has passed in silence, and no more than that share is left.
    """
    if policy.no_update_for_pct is None:
        return None
    share = target * policy.no_update_for_pct / 100
    silence, little_left = (
        falls_due(since, span, calendar, pauses) for since, span in ((heard_at, share), (opened_at, target - share))
    )
    return None if silence is None or little_left is None else max(silence, little_left)
