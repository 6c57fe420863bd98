"""Where an alert that the store tells of stands: since when, and of which other it came."""

from datetime import datetime
from typing import NamedTuple

from correlation.incident import Key


class Place(NamedTuple):
    """The place of an alert; `placed_at` is null where an older release wrote the row, and then it is found anew."""

    placed_at: datetime | None
    came_at: datetime
    group: str
    parent: Key | None
    weight: float

    @property
    def since(self) -> datetime:
        """When it came into its incident, as far as that is known."""
        return self.placed_at or self.came_at
