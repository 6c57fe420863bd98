"""What people lay over the rota: overrides and swaps, each with its author, its reason and, if it has one, its end."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from escalation.oncall import Override, Schedule, on_call, serves, shifts

_DAY = timedelta(days=1)
_AHEAD, _TWO_WEEKS = 60 * _DAY, 14 * _DAY
"""How far a change without an end is looked into."""


class RotaChange(msgspec.Struct, kw_only=True, frozen=True):
    """A row laid over the overrides of a schedule. The two halves of a swap share `swap`."""

    id: str
    schedule: str
    person: str
    replaces: str | None
    from_at: datetime
    until: datetime | None
    author: str
    reason: str
    created_at: datetime
    swap: str = ""
    ended_by: str = ""
    """Who took it back: it holds no longer than until then."""

    @property
    def override(self) -> Override:
        """What a schedule is told."""
        return Override(person=self.person, from_at=self.from_at, until=self.until, replaces=self.replaces)

    def is_over(self, now: datetime) -> bool:
        """Whether it will never hold again."""
        return self.until is not None and self.until <= now


def laid(changes: Iterable[RotaChange]) -> dict[str, list[Override]]:
    """By schedule, what lies over it, the newest last; what was taken back before it began is left out."""
    found: dict[str, list[Override]] = {}
    for change in sorted(changes, key=lambda c: (c.created_at, c.id)):
        if change.until is None or change.until > change.from_at:
            found.setdefault(change.schedule, []).append(change.override)
    return found


def check_change(actor: Actor, change: RotaChange, schedule: Schedule, overrides: Sequence[Override] = ()) -> None:
    """Raise Forbidden unless the actor is one of the two people, or pm.

    Where nobody is named that is whoever is on call then, `overrides` laid over the schedule.
    """
    relieved = change.replaces or next(iter(on_call(schedule, change.from_at, overrides)), change.person)
    two = {change.person, relieved}
    if "pm" in actor.rights or actor.id in two:
        return
    who = " and ".join(sorted(two))
    raise Forbidden(
        f"the rota of {change.schedule} is changed by the two people ({who}) or by pm; {actor.id} is neither"
    )


def check_relieved(change: RotaChange, schedule: Schedule, overrides: Sequence[Override] = ()) -> None:
    """Raise Missing where whoever is to be relieved is not on call then: it would change nothing."""
    until = change.until or change.from_at + _AHEAD
    if change.replaces is not None and not serves(schedule, change.replaces, change.from_at, until, overrides):
        who = next(iter(on_call(schedule, change.from_at, overrides)), "nobody")
        raise Missing(
            ["replaces"], f"{change.replaces} is not on call then: at {change.from_at:%Y-%m-%d %H:%M} UTC that is {who}"
        )


class Handover(msgspec.Struct, kw_only=True, frozen=True):
    """A change of whoever is first on call: `leaves` and `comes`, one of whom may be nobody."""

    schedule: str
    at: datetime
    leaves: str | None
    comes: str | None


def next_handover(
    name: str, schedule: Schedule, after: datetime, overrides: Iterable[Override] = ()
) -> Handover | None:
    """Return the first change of whoever is first on call after a moment; None: there is none within two weeks."""
    laid_over, horizon = list(overrides), after + _TWO_WEEKS
    begins, stride = after, min((_DAY, *(2 * layer.every for layer in schedule.layers)))
    while begins < horizon:
        ends = min(begins + stride, horizon)
        found = shifts(schedule, begins, ends + timedelta(seconds=1), laid_over)
        for before, following in pairwise(found):
            return Handover(schedule=name, at=following.from_at, leaves=before.person, comes=following.person)
        begins, stride = ends, min(_DAY, 2 * stride)
    return None
