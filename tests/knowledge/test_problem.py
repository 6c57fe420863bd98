"""Problems: their states, who may do what, what proposes one, and the draft that a known error begins as."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.configuration.yaml import read
from collectors.rule import parse_span
from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from knowledge.casebook import Casebook
from knowledge.markdown import parse, split_front_matter
from knowledge.problem import (
    FROM,
    WHO_MAY,
    IllegalProblemAction,
    Origin,
    Problem,
    ProblemAction,
    ProblemPolicy,
    ProblemState,
    Repeats,
    Seen,
    act,
    after_resolve,
    check,
    known_error_draft,
    repeated,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_problem(state: ProblemState = ProblemState.OPEN, **more: Any) -> Problem:
    known: dict[str, Any] = {"title": "the disk fills up", "origin": Origin.PERSON, "about": "problem:PRB-0001"}
    moments = {"opened_at": NOW, "updated_at": NOW}
    return Problem(id=1, number="PRB-0001", state=state, opened_by="wei", **{**known, **moments, **more})


BODIES: dict[ProblemAction, dict[str, Any]] = {
    ProblemAction.OPEN: {},
    ProblemAction.DECLINE: {"reason": "once is never"},
    ProblemAction.DIAGNOSE: {"root_cause": "no rotation", "workaround": "delete old logs"},
    ProblemAction.RESOLVE: {"solution": "logrotate is installed"},
    ProblemAction.REOPEN: {"reason": "it fills again"},
    ProblemAction.CLOSE: {},
    ProblemAction.LINK: {"incidents": ["INC-20260302-0001"]},
}
WHERE_TO = {
    ProblemAction.OPEN: ProblemState.OPEN,
    ProblemAction.DECLINE: ProblemState.DECLINED,
    ProblemAction.DIAGNOSE: ProblemState.KNOWN_ERROR,
    ProblemAction.RESOLVE: ProblemState.RESOLVED,
    ProblemAction.REOPEN: ProblemState.OPEN,
    ProblemAction.CLOSE: ProblemState.CLOSED,
}


@pytest.mark.parametrize("action", list(ProblemAction))
@pytest.mark.parametrize("state", list(ProblemState))
def test_an_act_is_possible_from_its_states_alone_and_leads_where_it_says(
    action: ProblemAction, state: ProblemState
) -> None:
    problem = a_problem(state)
    if state in FROM[action]:
        assert act(problem, action, BODIES[action], NOW + HOUR) is not None
        assert problem.state is WHERE_TO.get(action, state)
        assert (problem.version, problem.updated_at) == (2, NOW + HOUR)
        assert (problem.ended_at is not None) == problem.ended
    elif WHERE_TO.get(action) is state and action not in (ProblemAction.DIAGNOSE, ProblemAction.REOPEN):
        assert act(problem, action, BODIES[action], NOW) is None
        assert problem.version == 1
    else:
        with pytest.raises(IllegalProblemAction) as refused:
            act(problem, action, BODIES[action], NOW)
        assert str(action) not in refused.value.allowed


def test_a_cause_without_a_workaround_is_no_known_error_yet() -> None:
    problem = a_problem()
    act(problem, ProblemAction.DIAGNOSE, {"root_cause": "no rotation"}, NOW)
    assert (problem.state, problem.root_cause) == (ProblemState.OPEN, "no rotation")
    act(problem, ProblemAction.DIAGNOSE, {"root_cause": "no rotation", "known_error": "disk-space-low"}, NOW)
    assert (problem.state, problem.known_error) == (ProblemState.KNOWN_ERROR, "disk-space-low")
    assert act(problem, ProblemAction.DIAGNOSE, {"root_cause": "no rotation"}, NOW) is None


def test_a_problem_that_is_reopened_is_again_what_is_known_of_it() -> None:
    problem = a_problem(ProblemState.RESOLVED, root_cause="no rotation", workaround="delete old logs")
    act(problem, ProblemAction.REOPEN, {"reason": "again"}, NOW)
    assert problem.state is ProblemState.KNOWN_ERROR


@pytest.mark.parametrize("action", list(ProblemAction))
def test_a_role_that_may_not_is_told_who_may(action: ProblemAction) -> None:
    check(Actor("pat", frozenset({"pm"})), action)
    with pytest.raises(Forbidden, match=", ".join(sorted(WHO_MAY[action]))):
        check(Actor("sal", frozenset({"sales"})), action)


def test_a_director_decides_on_proposals_as_the_department_manager_does() -> None:
    check(Actor("dan", frozenset({"director"})), ProblemAction.DECLINE)


@pytest.mark.parametrize(
    ("body", "origin"),
    [
        ({"type": "workaround"}, Origin.WORKAROUND),
        ({"type": "permanent", "root_cause_known": False}, Origin.CAUSE_UNKNOWN),
        ({"type": "permanent", "root_cause_known": True}, None),
        ({"type": "no_fault"}, None),
    ],
)
def test_what_was_solved_without_its_cause_proposes_a_problem(body: dict[str, Any], origin: Origin | None) -> None:
    assert after_resolve(body) is origin


def seen(place: int, hours_ago: float, alert: str = "am/1", category: str = "storage") -> Seen:
    return Seen(place, f"INC-{place}", NOW - timedelta(hours=hours_ago), alert, category)


POLICY = ProblemPolicy(
    recurrence=Repeats(count=3, within=parse_span("1d")), trend=Repeats(count=4, within=parse_span("1d"))
)


def book(*counted: Seen) -> Callable[[str], Iterable[Seen]]:
    casebook = Casebook()
    for one in counted:
        casebook.remember(one)
    return casebook.alike


def test_the_third_incident_of_one_alert_within_its_span_is_a_recurrence() -> None:
    fresh = seen(3, 0)
    before = [seen(1, 23), seen(2, 1)]
    (found,) = repeated(fresh, book(*before, fresh), POLICY, {}, NOW)
    assert (found.origin, found.about, found.facts["count"]) == (Origin.RECURRENCE, "alert:am/1", 3)
    assert [s.number for s in found.incidents] == ["INC-1", "INC-2", "INC-3"]
    assert repeated(fresh, book(seen(1, 24), seen(2, 1), fresh), POLICY, {}, NOW) == []
    assert repeated(fresh, book(seen(1, 23, "am/2"), seen(2, 1), fresh), POLICY, {}, NOW) == []


def test_many_incidents_of_one_category_are_a_trend() -> None:
    fresh = seen(4, 0, "am/4")
    (found,) = repeated(fresh, book(*(seen(n, 1, f"am/{n}") for n in (1, 2, 3)), fresh), POLICY, {}, NOW)
    assert (found.origin, found.about) == (Origin.TREND, "category:storage")


def test_what_came_before_the_last_such_problem_ended_counts_no_more() -> None:
    fresh = seen(3, 0)
    settled = {"alert:am/1": NOW - timedelta(hours=2)}
    assert repeated(fresh, book(seen(1, 23), seen(2, 1), fresh), POLICY, settled, NOW) == []


def test_a_count_of_none_proposes_nothing_and_a_reported_incident_has_no_alert() -> None:
    never = ProblemPolicy(recurrence=Repeats(count=0, within=parse_span("1d")), trend=POLICY.trend)
    assert repeated(seen(3, 0), book(*(seen(n, 0) for n in (1, 2, 3))), never, {}, NOW) == []
    assert repeated(seen(3, 0, ""), book(*(seen(n, 0, "") for n in (1, 2, 3))), POLICY, {}, NOW) == []


def test_the_draft_of_a_problem_is_a_known_error_that_the_library_reads() -> None:
    problem = a_problem(
        root_cause="no rotation:\n## of logs",
        workaround='delete "old" logs',
        solution="install logrotate",
        incidents=["INC-20260302-0001"],
        owner="wei",
    )
    text = known_error_draft(problem, "storage/disk_space")
    front, body, line = split_front_matter(text)
    entry = parse("knowledge/prb-0001.md", body, read("x", front).value, line)
    assert (entry.id, entry.status, entry.category, entry.owner) == ("prb-0001", "draft", "storage/disk_space", "wei")
    assert (entry.title, entry.workaround) == ("the disk fills up", 'delete "old" logs')
    assert "of logs" in entry.root_cause
    assert not entry.in_force


def test_a_draft_needs_a_cause_and_a_workaround() -> None:
    with pytest.raises(Missing) as refused:
        known_error_draft(a_problem(root_cause="no rotation"))
    assert refused.value.fields == ["workaround"]
