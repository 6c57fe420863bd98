"""Severity from urgency x impact (procedure R20, table 4.1)."""

from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from collectors.rule import Rule


class Downgrade(Rule):
    """Who may lower a severity: the project manager alone, with a reason (procedure R60). A pack may say so."""

    allowed_roles: list[Literal["pm"]] = ["pm"]
    reason_required: Literal[True] = True


class SeverityPolicy(Rule):
    """severity.yaml of a pack. `matrix[impact][urgency]`, every value 1 (highest) to 4."""

    scale: list[int] = [1, 2, 3, 4]
    labels: dict[int, str | dict[str, str]] = {}
    """What people call each one: one name, or one for each language."""
    major: list[int] = [1]
    urgency: dict[int, dict[str, Any]] = {}
    impact: dict[int, dict[str, Any]] = {}
    matrix: dict[int, dict[int, int]]
    downgrade: Downgrade = Downgrade()
    from_alert_label: dict[str, dict[str, int]] = {}
    """The value of the alert's `severity` label -> urgency and, if it says so, impact."""
    impact_from_ci_criticality: dict[str, int] = {}

    @field_validator("matrix")
    @classmethod
    def _no_hole(cls, matrix: dict[int, dict[int, int]], info: ValidationInfo) -> dict[int, dict[int, int]]:
        scale = info.data.get("scale", [])
        holes = [f"impact {i} x urgency {u}" for i in scale for u in scale if matrix.get(i, {}).get(u) not in scale]
        if holes:
            raise ValueError(f"the matrix has a hole at {', '.join(holes)}: write a severity of {scale} there")
        return matrix

    def severity(self, urgency: int, impact: int) -> int:
        """The severity of a cell of the matrix."""
        return self.matrix[impact][urgency]
