"""Callbacks: what they bring back to work, what they escalate, what they leave alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from correlation.act import act
from correlation.acts.acted import Acted
from correlation.incident import Action, Incident, State
from correlation.need import Missing
from correlation.permission import Actor
from tests.house import START, at, site

DESK = Actor("desk", frozenset({"desk"}))
PAT = Actor("pat", frozenset({"pm"}))
FINE = {"reached": True, "score": 5, "persists": False}
STILL = {"reached": True, "persists": True}
RESOLVE = {"type": "permanent", "resolution": "r", "note": "n"}


def incident(state: State = State.RESOLVED) -> Incident:
    made = {"id": 1, "number": "INC-1", "title": "t", "occurred_at": START, "opened_at": START, "updated_at": START}
    ended = {"resolved_at": START, "service_restored_at": START, "assignee": "ana", "tier": "l2", "group": "ops"}
    return Incident(**{**made, **ended, "state": state, "history": [(START, str(state))]})  # type: ignore[arg-type]


def callback(held: Incident, body: dict[str, Any], actor: Actor = DESK, now: datetime = START) -> Acted:
    return act(held, Action.CALLBACK, body, actor, site().severity, now)


@pytest.mark.parametrize(
    ("state", "after", "kinds"),
    [
        (State.RESOLVED, State.IN_PROGRESS, ["called_back", "reopened"]),
        (State.PENDING_REVIEW, State.IN_PROGRESS, ["called_back", "reopened"]),
        (State.ARCHIVED, State.ARCHIVED, ["called_back"]),
        (State.IN_PROGRESS, State.IN_PROGRESS, ["called_back"]),
        (State.PENDING_VENDOR, State.PENDING_VENDOR, ["called_back"]),
    ],
)
def test_what_persists_comes_back_to_work_from_resolved_and_from_review_alone(
    state: State, after: State, kinds: list[str]
) -> None:
    held = incident(state)
    acted = callback(held, STILL)
    assert (held.state, [e.kind for e in acted.events]) == (after, kinds)
    follows = {"recurs"} if state is State.ARCHIVED else {"reopened"} if "reopened" in kinds else set()
    assert acted.effects == follows
    assert (held.tier, held.group, held.assignee) == ("l2", "ops", "ana")
    assert held.resolution.get("reopened", 0) == ("reopened" in kinds)
    assert (held.resolved_at is None) == ("reopened" in kinds)


@pytest.mark.parametrize("state", [State.RESOLVED, State.PENDING_REVIEW, State.IN_PROGRESS, State.ARCHIVED])
@pytest.mark.parametrize("score", [None, 1, 2, 3, 4, 5])
def test_an_unsatisfied_score_asks_for_an_escalation_unless_it_is_archived(state: State, score: int | None) -> None:
    acted = callback(incident(state), {"reached": True, "score": score, "persists": False})
    asked = score in (1, 2) and state is not State.ARCHIVED
    assert ("unsatisfied" in acted.effects) == asked
    assert ("unsatisfied" in [e.kind for e in acted.events]) == asked


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**FINE, "score": 0}, "score"),
        ({**FINE, "score": 6}, "score"),
        ({"reached": False, "score": 3, "persists": False}, "reached"),
        ({"reached": False, "persists": True}, "reached"),
    ],
)
def test_what_nobody_can_have_said_is_refused_and_changes_nothing(body: dict[str, Any], field: str) -> None:
    held = incident()
    with pytest.raises(Missing) as refused:
        callback(held, body)
    assert refused.value.fields == [field]
    assert held == incident()


def test_the_same_result_told_twice_is_one_and_a_day_later_or_by_another_it_is_a_new_one() -> None:
    held, missed = incident(State.ARCHIVED), {"reached": False, "persists": False}
    assert not callback(held, missed).unchanged
    assert callback(held, missed).unchanged
    assert not callback(held, {**missed, "remark": "no answer"}).unchanged
    assert not callback(held, missed).unchanged
    assert not callback(held, missed, PAT).unchanged
    assert not callback(held, missed, PAT, START + timedelta(days=1)).unchanged


def test_a_repetition_of_what_brought_it_back_changes_nothing_and_after_the_next_resolution_it_counts_again() -> None:
    held = incident()
    callback(held, STILL)
    assert callback(held, STILL).unchanged
    act(held, Action.RESOLVE, RESOLVE, PAT, site().severity, START)
    callback(held, STILL)
    assert (held.state, held.resolution["reopened"]) == (State.IN_PROGRESS, 2)
    assert [c["at"] for c in held.resolution["callbacks"]] == [at(START)] * 2
