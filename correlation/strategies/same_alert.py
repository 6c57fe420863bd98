"""Alerts that differ only in `severity` are one trouble at two thresholds (real-parts: warning and critical rules)."""

from datetime import timedelta

from collectors.labels import Labels
from correlation.incident import Why
from correlation.rules import JoinRule
from correlation.strategy import Firing


class Join:
    """Joins by all labels but `severity`, as long as the incident is active. Only alerts that carry one have a key."""

    kind, weight, strong = "rule", 0.95, True
    by_rule = True

    def __init__(self, rule: JoinRule | None = None) -> None:
        self.id = rule.id if rule else "same-alert"
        self.window: timedelta | None = None

    def key(self, labels: Labels, firing: Firing | None = None) -> str | None:
        if "severity" not in labels:
            return None
        rest = {**labels}
        del rest["severity"]
        # Only the hash: there is one key per alert, and the board holds them all.
        return f"{hash(frozenset(rest.items())):x}"

    def why(self, labels: Labels) -> Why:
        return Why("same_alert", {"severity": labels.get("severity", "")})
