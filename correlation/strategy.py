"""What a join strategy is: evidence that an alert belongs to an incident that is open already."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from collectors.labels import Labels
from correlation.incident import Key, Why
from correlation.scene import Mark


class Evidence(msgspec.Struct, gc=False):
    """One reason why an alert may belong to an incident.

    `weight` is from 0 to 1. Weak evidence (not `strong`) joins nothing alone, only together with another kind of it.
    `tell` makes the reason of it: asked only of what is stored. `of` is the alert that it is evidence with.
    """

    kind: str
    weight: float
    incident: int
    tell: Callable[[], Why]
    strong: bool = True
    of: Key | None = None
    near: float = 1.0
    """What it counts beside the evidence for another incident, for being near in time."""


class Firing(msgspec.Struct, gc=False):
    """An alert that looks for its incident, as strategies see it."""

    labels: Labels
    mark: Mark
    scope: str
    group: str = ""
    """Hash of the group that its sender told it in; "" where there is none."""
    twins: Sequence[Mark] = ()
    """Of one that is being placed: the alerts of the same trouble on the other instances of its service."""


class Strategy(Protocol):
    """One file in `correlation/strategies/`: two alerts with the same key within `window` belong together."""

    id: str
    kind: str
    weight: float
    strong: bool
    window: timedelta | None
    """Counted from the last alert that had this key; None: as long as the incident is active."""

    def __init__(self, rule: Any) -> None: ...

    def key(self, labels: Labels, firing: Firing | None = None) -> str | None:
        """The key of an alert; None: not mine, ask the next. `firing` is None while the board is rebuilt."""
        ...

    def why(self, labels: Labels) -> Why:
        """What will be stored as the reason of a join by this strategy."""
        ...


class Finder(Protocol):
    """One file in `correlation/strategies/`, of those that look for evidence among what is open."""

    id: str
    kind: str

    def __init__(self, rule: Any) -> None: ...

    def find(self, firing: Firing, board: Any, rules: Any) -> Iterator[Evidence]:
        """The evidence for each incident that may take it in; bounded, whatever is open."""
        ...
