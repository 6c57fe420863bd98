"""In which order an act is refused, whoever submits it: 404, 403, 409 (allowed), 422 (missing)."""

from typing import Any

import pytest

from agent.intents import PersonActed
from agent.rehearsal.house import House
from agent.turn import NoSuchIncident
from correlation.incident import FROM, Action, IllegalAction, State, allowed
from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from tests.house import DISK_FULL, alert, message

NOWHERE = "INC-20260302-9999"
VENDOR = Actor("acme", frozenset({"vendor"}))
VIEWER = Actor("vic", frozenset({"viewer"}))
PAT = Actor("pat", frozenset({"pm"}))
DESK = Actor("desk", frozenset({"desk"}))
L1 = Actor("luis", frozenset({"l1"}), frozenset({"sys-ops"}))

WRONG = [
    # an act that the pm or the desk may do, with everything wrong about its body; who may; what is missing at last
    pytest.param(Action.ASSIGN, {"person": "nobody"}, PAT, ["person"], id="a person that is not there"),
    pytest.param(Action.ASSIGN, {"group": "nobody"}, PAT, ["group"], id="a group that is not there"),
    pytest.param(Action.ASSIGN, {}, PAT, ["person", "group"], id="neither a person nor a group"),
    pytest.param(Action.HANDOVER, {"to": "nobody", "reason": "r"}, DESK, ["to"], id="a handover to nobody"),
    pytest.param(Action.SNOOZE, {"reason": "r"}, PAT, ["until"], id="no end of a snooze"),
    pytest.param(Action.SUSPEND, {"for": "customer"}, PAT, ["reason"], id="no reason"),
    pytest.param(Action.RESOLVE, {"type": "fixed"}, PAT, ["resolution", "note"], id="no resolution"),
    pytest.param(Action.MERGE, {}, PAT, ["into"], id="merged into nothing"),
]


async def held(house: House, action: Action) -> str:
    """An incident in a state in which the act is possible."""
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[-1].number
    if action is Action.SUSPEND:
        await house.act(number, "acknowledge", who="ana")
    return number


@pytest.mark.parametrize(("action", "body", "may", "missing"), WRONG)
async def test_one_act_has_everything_wrong_and_each_thing_put_right_shows_the_next(
    house: House, action: Action, body: dict[str, Any], may: Actor, missing: list[str]
) -> None:
    number = await held(house, action)
    before = await house.writer.fetch("SELECT count(*) FROM timeline")

    with pytest.raises(NoSuchIncident):
        await house.do(PersonActed(NOWHERE, action, body, VIEWER))
    with pytest.raises(NoSuchIncident):
        await house.do(PersonActed(number, action, body, VENDOR))
    with pytest.raises(Forbidden, match=f"{action} may be done by"):
        await house.do(PersonActed(number, action, body, VIEWER, "a user"))
    with pytest.raises(Forbidden, match="on_behalf_of"):
        await house.do(PersonActed(number, action, body, PAT, "a user"))
    with pytest.raises(Missing) as lacks:
        await house.do(PersonActed(number, action, body, may))
    assert lacks.value.fields == missing
    assert await house.writer.fetch("SELECT count(*) FROM timeline") == before
    await house.act(number, "cancel", {"reason": "no fault"}, "desk")
    with pytest.raises(IllegalAction) as over:
        await house.do(PersonActed(number, action, body, may))
    assert over.value.allowed == allowed(State.CANCELLED)
    with pytest.raises(Forbidden):
        await house.do(PersonActed(number, action, body, VIEWER))


async def test_a_severity_that_only_the_pm_may_lower_is_403_before_the_state_and_before_a_reason(house: House) -> None:
    number = await held(house, Action.SET_SEVERITY)
    lower = PersonActed(number, Action.SET_SEVERITY, {"severity": 4}, L1)
    with pytest.raises(Forbidden):
        await house.do(lower)
    await house.act(number, "cancel", {"reason": "no fault"}, "desk")
    assert State.CANCELLED not in FROM[Action.SET_SEVERITY]
    with pytest.raises(Forbidden):
        await house.do(lower)


async def test_merging_into_what_is_not_there_is_refused_by_the_state_first(house: House) -> None:
    number = await held(house, Action.MERGE)
    into = PersonActed(number, Action.MERGE, {"into": NOWHERE}, PAT)
    with pytest.raises(NoSuchIncident, match=NOWHERE):
        await house.do(into)
    await house.act(number, "cancel", {"reason": "no fault"}, "desk")
    with pytest.raises(IllegalAction):
        await house.do(into)
