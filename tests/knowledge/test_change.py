"""Requests for change: their states, and that nobody approves their own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from knowledge.change import FROM, LEADS, Change, ChangeAction, ChangeState, IllegalChangeAction, act, check

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANA, PAT = Actor("ana", frozenset({"l1"})), Actor("pat", frozenset({"pm"}))
BODY = {"reason": "the window is free", "note": "went as planned"}


def a_change(state: ChangeState = ChangeState.REQUESTED, author: str = "ana") -> Change:
    known: dict[str, Any] = {"title": "grow the disk", "risk": "low", "plan": "lvextend", "back_out": "none needed"}
    return Change(id=1, number="CHG-0001", state=state, author=author, raised_at=NOW, updated_at=NOW, **known)


@pytest.mark.parametrize("action", list(ChangeAction))
@pytest.mark.parametrize("state", list(ChangeState))
def test_an_act_is_possible_from_its_states_alone_and_leads_where_it_says(
    action: ChangeAction, state: ChangeState
) -> None:
    change = a_change(state)
    if state in FROM[action]:
        assert act(change, action, BODY, PAT, NOW + timedelta(hours=1)) is not None
        assert change.state is LEADS[action]
        assert (change.ended_at is not None) == change.ended
    elif LEADS[action] is state:
        assert act(change, action, BODY, PAT, NOW) is None
        assert change.version == 1
    else:
        with pytest.raises(IllegalChangeAction) as refused:
            act(change, action, BODY, PAT, NOW)
        assert str(action) not in refused.value.allowed


def test_nobody_approves_their_own_change() -> None:
    change = a_change(author="pat")
    with pytest.raises(Forbidden, match="raised by pat: another of dept_manager, pm"):
        check(PAT, ChangeAction.APPROVE, change)
    check(Actor("dora", frozenset({"dept_manager"})), ChangeAction.APPROVE, change)
    check(PAT, ChangeAction.REFUSE, change)


def test_an_engineer_decides_on_no_change_and_takes_back_none_of_another() -> None:
    for action in (ChangeAction.APPROVE, ChangeAction.REFUSE):
        with pytest.raises(Forbidden, match="dept_manager, pm"):
            check(ANA, action, a_change(author="wei"))
    with pytest.raises(Forbidden, match="withdrawn by wei or pm"):
        check(ANA, ChangeAction.WITHDRAW, a_change(author="wei"))
    check(ANA, ChangeAction.WITHDRAW, a_change(author="ana"))


@pytest.mark.parametrize(
    ("state", "action", "missing"),
    [
        (ChangeState.REQUESTED, ChangeAction.REFUSE, "reason"),
        (ChangeState.REQUESTED, ChangeAction.WITHDRAW, "reason"),
        (ChangeState.APPROVED, ChangeAction.COMPLETE, "note"),
        (ChangeState.APPROVED, ChangeAction.BACK_OUT, "note"),
    ],
)
def test_an_end_says_why_and_a_refused_act_changes_nothing(
    state: ChangeState, action: ChangeAction, missing: str
) -> None:
    change = a_change(state)
    with pytest.raises(Missing) as refused:
        act(change, action, {}, PAT, NOW)
    assert (refused.value.fields, change.state, change.version) == ([missing], state, 1)
