"""Severity from urgency x impact (procedure R20, table 4.1)."""

from typing import Any

from pydantic import model_validator

from collectors.rule import Rule


class SeverityPolicy(Rule):
    """severity.yaml of a pack. `matrix[impact][urgency]`, every value 1 (highest) to 4."""

    scale: list[int] = [1, 2, 3, 4]
    labels: dict[int, str | dict[str, str]] = {}
    """What people call each one: one name, or one for each language."""
    major: list[int] = [1]
    urgency: dict[int, dict[str, Any]] = {}
    impact: dict[int, dict[str, Any]] = {}
    matrix: dict[int, dict[int, int]]
    downgrade: dict[str, Any] = {}
    from_alert_label: dict[str, dict[str, int]] = {}
    """The value of the alert's `severity` label -> urgency and, if it says so, impact."""
    impact_from_ci_criticality: dict[str, int] = {}

    @model_validator(mode="after")
    def _no_hole(self) -> "SeverityPolicy":
        holes = [
            f"impact {i} x urgency {u}"
            for i in self.scale
            for u in self.scale
            if self.matrix.get(i, {}).get(u) not in self.scale
        ]
        if holes:
            raise ValueError(f"the matrix has a hole at {', '.join(holes)}: write a severity of {self.scale} there")
        return self

    def severity(self, urgency: int, impact: int) -> int:
        """The severity of a cell of the matrix."""
        return self.matrix[impact][urgency]
