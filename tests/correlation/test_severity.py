"""Severity from urgency and impact: every cell of the matrix has a value."""

import pytest
from pydantic import ValidationError

from correlation.severity import SeverityPolicy
from tests.house import site

FULL = {i: {u: (i + u) // 2 for u in (1, 2, 3, 4)} for i in (1, 2, 3, 4)}


@pytest.mark.parametrize("impact", [1, 2, 3, 4])
@pytest.mark.parametrize("urgency", [1, 2, 3, 4])
def test_the_pack_has_half_the_sum_in_every_cell(impact: int, urgency: int) -> None:
    assert site().severity.severity(urgency, impact) == (impact + urgency) // 2


@pytest.mark.parametrize("value", [None, 0, 5], ids=["a hole", "below", "above"])
def test_a_matrix_with_a_hole_is_refused_by_its_place(value: int | None) -> None:
    cells = {i: dict(row) for i, row in FULL.items()}
    if value is None:
        del cells[2][3]
    else:
        cells[2][3] = value
    with pytest.raises(ValidationError, match="impact 2 x urgency 3"):
        SeverityPolicy(matrix=cells)


@pytest.mark.parametrize("said", [{"allowed_roles": ["pm", "desk"]}, {"reason_required": False}, {"who": ["pm"]}])
def test_that_another_may_lower_a_severity_is_refused_where_it_is_written(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="downgrade"):
        SeverityPolicy.model_validate({"matrix": FULL, "downgrade": said})
