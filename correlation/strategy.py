"""What a join strategy is: evidence that an alert belongs to an incident that is open already."""

from datetime import timedelta
from typing import Any, Protocol

from collectors.labels import Labels
from correlation.incident import Why


class Strategy(Protocol):
    """One file in `correlation/strategies/`: two alerts with the same key within `window` belong together."""

    id: str
    window: timedelta | None
    """Counted from the last alert that had this key; None: as long as the incident is active."""

    def __init__(self, rule: Any) -> None: ...

    def key(self, labels: Labels) -> str | None:
        """The key of an alert; None: not mine, ask the next."""
        ...

    def why(self, labels: Labels) -> Why:
        """What will be stored as the reason of a join by this strategy."""
        ...
