"""Alerts of one name in one place read alike: weak evidence, that joins nothing by itself."""

from collectors.labels import Labels
from correlation.incident import Why
from correlation.lessons import kind_of
from correlation.rules import EvidencePolicy
from correlation.strategy import Firing


class Join:
    """Weak evidence by the words of the alert's name, numbers left out, within one scope."""

    id, kind, strong = "text", "text", False

    def __init__(self, policy: EvidencePolicy) -> None:
        self.window = policy.quiet
        self.weight = policy.text

    def key(self, labels: Labels, firing: Firing | None = None) -> str | None:
        if firing is None:
            return None
        return f"{firing.scope}\xff{kind_of(firing.mark.name)}"

    def why(self, labels: Labels) -> Why:
        return Why("similar_text", {"alertname": labels.get("alertname", "")})
