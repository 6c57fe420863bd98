"""The table of moves says just where acts lead."""

from typing import Any

import pytest

from correlation.incident import FROM, Action, State
from correlation.moves import moves
from tests.correlation.test_act import BODIES, do, incident

MOVES = {(move.from_state, move.act, move.to) for move in moves()}
OTHERWISE: dict[Action, list[dict[str, Any]]] = {
    Action.SUSPEND: [
        {"for": "vendor", "reason": "r"},
        {"for": "customer", "reason": "r", "resume_at": "2027-01-01T00:00:00Z"},
    ],
    Action.SALES_DECIDE: [{"accept": False, "reason": "r"}],
    Action.CALLBACK: [{"reached": True, "persists": True}],
}
CASES = [(state, action) for action, states in FROM.items() for state in State if state in states]


@pytest.mark.parametrize(("state", "action"), CASES, ids=str)
@pytest.mark.parametrize("assignee", ["ana", None])
def test_an_act_leads_where_the_table_says_and_nowhere_else(state: State, action: Action, assignee: str | None) -> None:
    for body in (BODIES[action], *OTHERWISE.get(action, ())):
        held = incident(state, assignee=assignee, links=[("change", "CHG-1")])
        do(held, action, body)
        assert held.state is state or (state, str(action), held.state) in MOVES
