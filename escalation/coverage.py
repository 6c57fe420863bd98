"""Where a rota leaves nobody on call, or a shift with too few: looked for ahead of time (procedure S2.1, S2.3)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from escalation.oncall import Schedule, gaps, understaffed
from escalation.roles import NO_OVERRIDES, Overrides

HORIZON = timedelta(days=60)
"""How far ahead a rota is looked at."""


class Hole(NamedTuple):
    """A stretch in which a schedule has fewer people than it needs; without `shift` nobody at all is on call."""

    schedule: str
    shift: str | None
    from_at: datetime
    until: datetime
    has: int
    needs: int


def holes(
    schedules: Mapping[str, Schedule], from_at: datetime, until: datetime, overrides: Overrides = NO_OVERRIDES
) -> list[Hole]:
    """Return what is missing between two instants, schedule by schedule, each in order of time."""
    found = []
    for name, schedule in schedules.items():
        laid = overrides.get(name, ())
        found += [Hole(name, None, begins, ends, 0, 1) for begins, ends in gaps(schedule, from_at, until, laid)]
        found += [Hole(name, *thin) for thin in understaffed(schedule, from_at, until, laid)]
    return found
