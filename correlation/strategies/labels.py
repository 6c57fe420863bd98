"""Alerts that agree in chosen labels belong together: the join rules of `rules.yaml`."""

from datetime import timedelta

from collectors.labels import Labels, all_match
from correlation.incident import Why
from correlation.rules import JoinRule
from correlation.strategy import Firing


class Join:
    """Joins by the values of `join_by`, where the rule's matchers hold and no label is missing."""

    kind, weight, strong = "rule", 0.95, True
    by_rule = True

    def __init__(self, rule: JoinRule) -> None:
        self.id = rule.id
        self.window: timedelta | None = rule.window
        self._join_by, self._match = rule.join_by, rule.match

    def key(self, labels: Labels, firing: Firing | None = None) -> str | None:
        values = [labels.get(name, "") for name in self._join_by]
        if "" in values or (self._match and not all_match(self._match, labels)):
            return None
        return "\xff".join(values)

    def why(self, labels: Labels) -> Why:
        return Why("join_rule", {"rule": self.id, "labels": {n: labels.get(n, "") for n in self._join_by}})
