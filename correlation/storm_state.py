"""What a storm has seen, and whom it lets out: the incident that stands for it holds it, and so the store does."""

from datetime import datetime, timedelta

import msgspec

_OPENS_AGAIN = timedelta(seconds=30)
_MOST_KINDS = 1_000
_PLACE = 150
"""Characters of a place that a title has room for."""


def storm_title(place: str, alerts: int) -> str:
    """What the incident of a storm is called; `place` is "" where it is everywhere."""
    return f"Alert storm{f' in {place[:_PLACE]}' if place else ''}: {alerts} alerts"


class Door(msgspec.Struct, gc=False):
    """Lets so many through at once, and then as many again for every half minute that passes."""

    at: datetime
    used: float = 0.0

    def lets(self, now: datetime, most: int) -> bool:
        """Whether one more may go through now."""
        self.used = max(0.0, self.used - most * ((now - self.at) / _OPENS_AGAIN))
        self.at = now
        if self.used > most - 1:
            return False
        self.used += 1
        return True


class Storm(msgspec.Struct, gc=False):
    """A storm in one place: which kinds and places of alert it has seen, and what of it is still to be told."""

    after: int
    """The last incident that had been opened when it began."""
    counted_from: datetime
    by_kind: Door
    by_place: Door
    kinds: dict[str, None]
    places: dict[str, None]
    count: int = 0
    """How many came since `counted_from`."""
    digests: int = 0
    told: int = 0
    """The last alert that a digest has told of."""
    let_out: list[str] = []
    """The incidents that were let out since."""
    over: bool = False

    def lets_out(self, kind: str, place: str, now: datetime, most: int, *, critical: bool) -> bool:
        """Whether an alert may be another trouble: a critical one of a new kind; those of new places do not wait."""
        is_new_kind, is_new_place = kind not in self.kinds, place not in self.places
        if is_new_kind and len(self.kinds) < _MOST_KINDS:
            self.kinds[kind] = None
        if is_new_place and len(self.places) < _MOST_KINDS:
            self.places[place] = None
        if not (critical and is_new_kind):
            return False
        return (is_new_place and self.by_place.lets(now, most)) or self.by_kind.lets(now, most)

    def note_let_out(self, number: str) -> None:
        """An incident of its own was opened by what it let out."""
        if len(self.let_out) < _MOST_KINDS:
            self.let_out = [*self.let_out, number]
