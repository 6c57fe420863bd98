"""Alerts that their source told in one group may belong together: a hint, for a group may hold everything."""

from collectors.labels import Labels
from correlation.incident import Why
from correlation.rules import EvidencePolicy
from correlation.strategy import Firing


class Join:
    """Weak evidence by the group of the sender (`groupKey` of Alertmanager)."""

    id, kind, strong = "source_group", "source_group", False

    def __init__(self, policy: EvidencePolicy) -> None:
        self.window = policy.quiet
        self.weight = policy.source_group

    def key(self, labels: Labels, firing: Firing | None = None) -> str | None:
        return firing.group or None if firing is not None else None

    def why(self, labels: Labels) -> Why:
        return Why("source_group", {})
