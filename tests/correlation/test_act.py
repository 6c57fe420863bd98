"""What a person does: every act from every state, what it lacks, what it repeats."""

from datetime import timedelta
from typing import Any

import pytest

from correlation.act import act
from correlation.incident import ENDED, FROM, NEXT, Action, IllegalAction, Incident, State, allowed
from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from tests.house import START, at, site

ANA = Actor("ana", frozenset({"l1"}))
PAT = Actor("pat", frozenset({"pm"}))
POLICY = site().severity
SOON = at(START + timedelta(hours=1))

BODIES: dict[Action, dict[str, Any]] = {
    Action.ACKNOWLEDGE: {},
    Action.ASSIGN: {"person": "luis"},
    Action.RETURN: {"reason": "r"},
    Action.HANDOVER: {"to": "l2", "reason": "r"},
    Action.NOTE: {"text": "t"},
    Action.SUSPEND: {"for": "customer", "reason": "r", "resume_at": SOON},
    Action.RESUME: {},
    Action.SNOOZE: {"until": SOON, "reason": "r"},
    Action.RESOLVE: {"type": "fixed", "resolution": "r", "note": "n"},
    Action.ACCEPT: {"by": "b", "via": "v"},
    Action.ARCHIVE: {"final_category": "c", "final_severity": 2},
    Action.REJECT: {"reason": "r"},
    Action.CANCEL: {"reason": "r"},
    Action.ESCALATE: {"reason": "r"},
    Action.SET_SEVERITY: {"severity": 1, "reason": "r"},
    Action.CLASSIFY: {"category": "c"},
    Action.MERGE: {"into": "INC-2"},
    Action.FEEDBACK: {"known_error": "KE-1", "outcome": "used"},
    Action.OUT_OF_SCOPE: {"reason": "r"},
    Action.TO_SALES: {},
    Action.SALES_DECIDE: {"accept": True, "reason": "r"},
    Action.REPLAN: {},
    Action.LINK: {"kind": "problem", "target": "PRB-0001"},
    Action.RAISE_CHANGE: {"title": "t", "risk": "low", "plan": "p", "back_out": "b"},
    Action.CONFIRM_RULE: {},
    Action.DECLARE_MAJOR: {"reason": "r"},
    Action.BRIEF: {},
    Action.REVIEW: {"cause": "c", "actions": ["a"]},
    Action.CALL_VENDOR: {"vendor": "acme", "note": "n"},
    Action.CALLBACK: {"reached": True, "persists": False},
    Action.SET_ROOT: {"alert": "f@s"},
    Action.CONFIRM: {},
    Action.SPLIT: {"alerts": ["f@s"]},
    Action.RECALL: {"for": "INC-2", "reason": "r"},
}


def incident(state: State = State.ASSIGNED, **more: Any) -> Incident:
    made = {"id": 1, "number": "INC-1", "title": "t", "occurred_at": START, "opened_at": START, "updated_at": START}
    made["major"] = {"roles": {}, "review": {}}
    return Incident(**{**made, "state": state, "severity": 3, "history": [(START, str(state))], **more})


def do(held: Incident, action: Action, body: dict[str, Any] | None = None, actor: Actor = ANA) -> Any:
    return act(held, action, BODIES[action] if body is None else body, actor, POLICY, START)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("state", list(State))
def test_an_act_is_possible_from_its_states_alone_and_a_refusal_changes_nothing(action: Action, state: State) -> None:
    held, untouched = incident(state), incident(state)
    if state in FROM[action]:
        do(held, action)
        if action in NEXT and action is not Action.ACKNOWLEDGE:
            assert held.state is NEXT[action]
        return
    with pytest.raises(IllegalAction) as refused:
        do(held, action)
    assert held == untouched
    assert refused.value.allowed == allowed(state)
    assert str(action) not in refused.value.allowed


@pytest.mark.parametrize("action", [a for a, body in BODIES.items() if body])
def test_an_act_that_lacks_something_names_it_and_changes_nothing(action: Action) -> None:
    state = min(FROM[action])
    for field in BODIES[action]:
        held, untouched = incident(state), incident(state)
        body = {k: v for k, v in BODIES[action].items() if k != field}
        with pytest.raises(Missing) as missing:
            do(held, action, body)
        assert field in missing.value.fields
        assert held == untouched


def test_every_state_before_the_end_allows_something_and_an_ended_one_allows_no_work() -> None:
    for state in State:
        assert bool(allowed(state)) or state in ENDED
    assert allowed(State.CANCELLED) == []


@pytest.mark.parametrize("state", [State.NEW, State.ASSIGNED])
def test_an_acknowledgement_takes_what_nobody_has(state: State) -> None:
    held = incident(state)
    assert do(held, Action.ACKNOWLEDGE).effects == {"acknowledged"}
    assert (held.state, held.assignee, held.acknowledged_at) == (State.IN_PROGRESS, "ana", START)


def test_an_acknowledgement_of_what_another_holds_is_one_line_and_leaves_them() -> None:
    held = incident(State.IN_PROGRESS, assignee="luis", acknowledged_at=START)
    acted = do(held, Action.ACKNOWLEDGE)
    assert ([e.kind for e in acted.events], acted.effects) == (["acknowledged_too"], set())
    assert held.assignee == "luis"
    assert do(held, Action.ACKNOWLEDGE).unchanged


def test_an_acknowledgement_after_a_relapse_is_a_new_one() -> None:
    held = incident(State.IN_PROGRESS, assignee="ana")
    assert do(held, Action.ACKNOWLEDGE).effects == {"acknowledged"}
    assert do(held, Action.ACKNOWLEDGE).unchanged


def test_an_acknowledgement_while_it_waits_does_not_end_the_waiting() -> None:
    held = incident(State.PENDING_VENDOR, assignee="ana")
    do(held, Action.ACKNOWLEDGE)
    assert held.state is State.PENDING_VENDOR


@pytest.mark.parametrize("action", [Action.RESOLVE, Action.CANCEL, Action.ACCEPT, Action.ARCHIVE, Action.TO_SALES])
def test_the_same_act_again_by_the_same_person_changes_nothing_and_by_another_is_refused(action: Action) -> None:
    held = incident(min(FROM[action] - {State.PENDING_VENDOR}))
    do(held, action)
    if action is Action.RESOLVE:
        assert do(held, action).unchanged
    version = len(held.history)
    if action is not Action.TO_SALES:
        assert do(held, action).unchanged
    assert len(held.history) == version
    with pytest.raises(IllegalAction):
        do(held, action, actor=PAT)


@pytest.mark.parametrize(("firing", "restored", "taken"), [(1, None, False), (1, SOON, True), (0, None, True)])
def test_a_resolution_while_something_fires_needs_the_persons_word(firing: int, restored: Any, taken: bool) -> None:
    held = incident(open_alerts=firing)
    body = {**BODIES[Action.RESOLVE], "service_restored_at": restored}
    if not taken:
        with pytest.raises(Missing, match="still fire"):
            do(held, Action.RESOLVE, body)
        return
    do(held, Action.RESOLVE, body)
    assert (held.state, held.resolved_at) == (State.RESOLVED, START)
    assert held.resolution["override"] == bool(firing)


@pytest.mark.parametrize(
    ("actor", "wanted", "outcome"),
    [(ANA, 2, 2), (ANA, 4, Forbidden), (PAT, 4, 4), (PAT, 3, 3), (ANA, 9, Missing)],
    ids=["raise", "lower", "lower by the project manager", "the same", "no severity"],
)
def test_a_severity_is_raised_by_many_and_lowered_by_the_project_manager_alone(
    actor: Actor, wanted: int, outcome: Any
) -> None:
    held = incident()
    body = {"severity": wanted, "reason": "r"}
    if not isinstance(outcome, int):
        with pytest.raises(outcome):
            do(held, Action.SET_SEVERITY, body, actor)
        assert held.severity == 3
        return
    acted = do(held, Action.SET_SEVERITY, body, actor)
    assert held.severity == outcome
    assert acted.unchanged == (wanted == 3)


def test_a_classification_raises_and_never_lowers() -> None:
    held = incident(State.NEW, urgency=3, impact=3)
    assert do(held, Action.CLASSIFY, {"category": "c", "urgency": 1, "impact": 1}).effects == {"regraded"}
    assert (held.severity, held.state) == (1, State.ASSIGNED)
    assert do(held, Action.CLASSIFY, {"category": "d", "urgency": 4, "impact": 4}).effects == set()
    assert held.severity == 1


@pytest.mark.parametrize("until", ["2026-03-02T08:00:00Z", "soon", at(START)])
def test_a_snooze_ends_in_what_is_to_come(until: str) -> None:
    with pytest.raises(Missing):
        do(incident(), Action.SNOOZE, {"until": until, "reason": "r"})


@pytest.mark.parametrize(("assignee", "state"), [("ana", State.IN_PROGRESS), (None, State.ASSIGNED)])
def test_a_refused_resolution_is_counted_and_starts_where_work_stopped(assignee: str | None, state: State) -> None:
    held = incident(State.RESOLVED, assignee=assignee, resolved_at=START, service_restored_at=START, tier="l2")
    assert do(held, Action.REJECT).effects == {"reopened"}
    assert (held.state, held.resolved_at, held.service_restored_at) == (state, None, None)
    assert (held.tier, held.resolution["reopened"]) == ("l2", 1)


def test_a_return_goes_to_the_desk_and_counts() -> None:
    held = incident(assignee="ana", group="ops")
    do(held, Action.RETURN)
    assert (held.state, held.group, held.assignee, held.bounces) == (State.NEW, "desk", None, 1)
