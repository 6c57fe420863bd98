"""Who may do what: every act for every role, on an incident of one's own and on another's."""

import pytest

from correlation.incident import Action, Incident, State
from correlation.permission import Actor, Forbidden, check, owns
from tests.house import START

ANY = {
    "desk": set(Action) - {Action.RETURN, Action.ARCHIVE, Action.SALES_DECIDE, Action.REPLAN, Action.REVIEW},
    "pm": set(Action) - {Action.RETURN, Action.TO_SALES, Action.SALES_DECIDE},
    "sales": {Action.SALES_DECIDE},
    "dept_manager": {
        Action.ESCALATE,
        Action.SET_SEVERITY,
        Action.LINK,
        Action.DECLARE_MAJOR,
        Action.BRIEF,
        Action.REVIEW,
        Action.CALL_VENDOR,
        Action.RECALL,
    },
    "l1": {Action.ESCALATE},
    "l2": {Action.ESCALATE},
}
_HANDS = {
    Action.ACKNOWLEDGE,
    Action.RETURN,
    Action.HANDOVER,
    Action.NOTE,
    Action.SUSPEND,
    Action.RESUME,
    Action.SNOOZE,
    Action.RESOLVE,
    Action.ACCEPT,
    Action.SET_SEVERITY,
    Action.MERGE,
    Action.FEEDBACK,
    Action.ESCALATE,
    Action.LINK,
    Action.RAISE_CHANGE,
    Action.CONFIRM_RULE,
    Action.DECLARE_MAJOR,
    Action.BRIEF,
    Action.CALL_VENDOR,
    Action.SET_ROOT,
    Action.SPLIT,
    Action.CONFIRM,
}
OWN = {
    "l1": _HANDS,
    "l2": _HANDS,
    "vendor": {Action.ACKNOWLEDGE, Action.RETURN, Action.NOTE, Action.RESUME},
    "reporter": {Action.NOTE, Action.ACCEPT, Action.REJECT, Action.ESCALATE},
    "customer": {Action.NOTE, Action.ACCEPT, Action.REJECT, Action.ESCALATE},
}
"""Written out by hand from procedure 2.12 and docs/api.md, beside the table that it tests."""
ROLES = ["desk", "pm", "sales", "dept_manager", "l1", "l2", "vendor", "reporter", "customer", "ops", "viewer"]


def incident(**more: object) -> Incident:
    values = {"id": 1, "number": "N", "title": "t", "occurred_at": START, "opened_at": START, "updated_at": START}
    return Incident(**{**values, "group": "ops", "state": State.RESOLVED, **more})  # type: ignore[arg-type]


def may(role: str, action: Action, held: Incident, paged: set[str] | None = None) -> bool:
    try:
        check(Actor("me", frozenset({role})), action, held, paged or set())
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", list(Action))
def test_what_a_role_may_do_with_any_incident_and_with_its_own(role: str, action: Action) -> None:
    anybody = action in ANY.get(role, set())
    assert may(role, action, incident(assignee="you")) == anybody
    assert may(role, action, incident(assignee="me")) == (anybody or action in OWN.get(role, set()))


@pytest.mark.parametrize(
    ("alias", "role"),
    [("director", "dept_manager"), ("executive", "dept_manager"), ("l1_lead", "l1"), ("l2_lead", "l2")],
)
def test_some_roles_have_the_rights_of_others(alias: str, role: str) -> None:
    for action in Action:
        assert may(alias, action, incident(assignee="me")) == may(role, action, incident(assignee="me"))


def test_in_review_the_project_manager_alone_refuses() -> None:
    held = incident(state=State.PENDING_REVIEW, assignee="me", reporter="me")
    assert [role for role in ROLES if may(role, Action.REJECT, held)] == ["pm"]


def test_whoever_was_paged_may_acknowledge_whatever_their_role() -> None:
    assert [r for r in ROLES if may(r, Action.ACKNOWLEDGE, incident(assignee="you"), {"me"})] == ROLES
    assert not may("viewer", Action.RESOLVE, incident(assignee="you"), {"me"})


@pytest.mark.parametrize(
    ("held", "paged", "shared", "mine"),
    [
        pytest.param({"assignee": "me"}, set(), False, True, id="assigned to me"),
        pytest.param({"reporter": "me"}, set(), False, True, id="reported by me"),
        pytest.param({"assignee": "you"}, {"me"}, False, True, id="paged for it"),
        pytest.param({}, set(), False, True, id="my group's, and nobody has it"),
        pytest.param({"assignee": "you"}, set(), False, False, id="my group's, and another has it"),
        pytest.param({"assignee": "you"}, set(), True, True, id="the same, for an act that a group shares"),
        pytest.param({"group": "net"}, set(), True, False, id="another group's"),
    ],
)
def test_what_is_ones_own(held: dict[str, object], paged: set[str], shared: bool, mine: bool) -> None:
    actor = Actor("me", frozenset({"l1"}), frozenset({"ops"}))
    assert owns(actor, incident(**held), paged, shared=shared) == mine


def test_a_refusal_names_the_roles_that_may() -> None:
    with pytest.raises(Forbidden, match=r"archive may be done by pm; me is l1"):
        check(Actor("me", frozenset({"l1"})), Action.ARCHIVE, incident(), set())


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"group": "net"}, "is not theirs: it is with the group net$"),
        ({"group": "net", "assignee": "you"}, "is not theirs: it is with the group net, you has it$"),
        ({"assignee": "you"}, "is not theirs: you has it$"),
    ],
)
def test_a_refusal_says_whose_it_is(held: dict[str, object], said: str) -> None:
    with pytest.raises(Forbidden, match=said):
        check(Actor("me", frozenset({"l1"}), frozenset({"ops"})), Action.RESOLVE, incident(**held), set())


@pytest.mark.parametrize(
    ("roles", "outside"),
    [({"customer"}, True), ({"customer", "vendor"}, True), ({"customer", "l1"}, False), (set(), False)],
)
def test_who_is_outside(roles: set[str], outside: bool) -> None:
    assert Actor("me", frozenset(roles)).outside == outside
