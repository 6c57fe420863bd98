"""A suggestion of improvement: who may decide, in which order, and what is kept of it (procedure R33)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from knowledge.improvement import (
    FROM,
    MAY_DECIDE,
    IllegalImprovementAction,
    Improvement,
    ImprovementAction,
    ImprovementState,
    act,
    check,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAT = Actor("pat", frozenset({"pm"}))
BODY = {"owner": "ana", "reason": "why not", "note": "labelled"}


def suggestion(state: str = "suggested") -> Improvement:
    return Improvement(
        id=1,
        number="IMP-0001",
        title="label the breakers",
        text="nobody knew which was which",
        state=ImprovementState(state),
        suggested_by="ana",
        suggested_at=AT,
        updated_at=AT,
    )


def test_it_is_accepted_and_done_with_who_when_and_what_came_of_it() -> None:
    one = suggestion()
    assert act(one, ImprovementAction.ACCEPT, BODY, PAT, AT) == {"owner": "ana", "reason": "why not"}
    assert (one.state, one.decided_by, one.decided_at, one.ended_at) == ("accepted", "pat", AT, None)
    assert act(one, ImprovementAction.ACCEPT, BODY, PAT, AT) is None, "twice is once"
    dora = Actor("dora", frozenset({"dept_manager"}))
    assert act(one, ImprovementAction.COMPLETE, BODY, dora, AT) == {"note": "labelled"}
    assert (one.state, one.outcome, one.ended_at, one.decided_by) == ("done", "labelled", AT, "pat")
    assert one.version == 3


def test_what_was_accepted_may_be_given_up_with_a_reason() -> None:
    one = suggestion("accepted")
    with pytest.raises(Missing, match="reason"):
        act(one, ImprovementAction.DECLINE, {}, PAT, AT)
    assert one.state == "accepted"
    act(one, ImprovementAction.DECLINE, BODY, PAT, AT)
    assert (one.state, one.reason, one.ended_at) == ("declined", "why not", AT)


@pytest.mark.parametrize("state", list(ImprovementState))
@pytest.mark.parametrize("action", list(ImprovementAction))
def test_an_act_is_possible_from_its_states_alone(action: ImprovementAction, state: ImprovementState) -> None:
    one, body = suggestion(str(state)), dict[str, Any](BODY)
    if state in FROM[action]:
        assert act(one, action, body, PAT, AT) is not None
        return
    try:
        assert act(one, action, body, PAT, AT) is None, "it is so already"
    except IllegalImprovementAction as refusal:
        assert refusal.allowed == [str(a) for a, states in FROM.items() if state in states]
    assert one == suggestion(str(state))


def test_whoever_may_not_is_told_who_may() -> None:
    check(PAT, MAY_DECIDE, "accept")
    with pytest.raises(Forbidden, match="accept is for dept_manager, pm; ana is l1"):
        check(Actor("ana", frozenset({"l1"})), MAY_DECIDE, "accept")
