"""Major incidents: declared, led, reviewed; none is archived without its review."""

from datetime import timedelta
from typing import Any

import pytest

from correlation.act import act
from correlation.incident import Action, Incident, State
from correlation.need import Missing
from correlation.permission import Actor
from tests.house import START, site

PAT = Actor("pat", frozenset({"pm"}))
POLICY = site().severity


def incident(state: State = State.IN_PROGRESS, **more: Any) -> Incident:
    made = {"id": 1, "number": "INC-1", "title": "t", "occurred_at": START, "opened_at": START, "updated_at": START}
    return Incident(**{**made, "state": state, "severity": 3, **more})


def do(held: Incident, action: Action, **body: Any) -> list[str]:
    return [e.kind for e in act(held, action, body, PAT, POLICY, START + timedelta(hours=1)).events]


def test_one_declared_by_hand_keeps_who_and_why_and_names_the_commander() -> None:
    held = incident()
    roles = {"communications": "desk"}
    assert do(held, Action.DECLARE_MAJOR, reason="all tills stand", commander="dora", roles=roles) == [
        "major_declared",
        "commander_named",
    ]
    assert held.major is not None
    assert (held.commander, held.major["by"], held.major["code"]) == ("dora", "pat", "person")
    assert held.major["roles"] == roles
    assert held.severity == 3


def test_declaring_it_again_only_names_who_is_new() -> None:
    held = incident()
    do(held, Action.DECLARE_MAJOR, reason="all tills stand", commander="dora")
    assert do(held, Action.DECLARE_MAJOR, reason="all tills stand", commander="dora") == []
    assert do(held, Action.DECLARE_MAJOR, reason="handed on", commander="pat") == ["commander_named"]
    assert held.major is not None
    assert (held.commander, held.major["reason"]) == ("pat", "all tills stand")


def test_none_is_archived_without_its_review() -> None:
    held = incident(State.PENDING_REVIEW, major={"roles": {}})
    with pytest.raises(Missing) as refused:
        do(held, Action.ARCHIVE, final_category="c", final_severity=1)
    assert (refused.value.fields, held.state) == (["review"], State.PENDING_REVIEW)
    assert do(held, Action.REVIEW, cause="a broken fan", actions=["spare fans on site"]) == ["reviewed"]
    assert do(held, Action.REVIEW, cause="a broken fan", actions=["spare fans on site"]) == []
    assert held.major is not None
    assert (held.major["review"]["by"], held.major["review"]["cause"]) == ("pat", "a broken fan")
    assert do(held, Action.ARCHIVE, final_category="c", final_severity=1) == ["archived"]


def test_a_review_and_a_brief_are_of_major_incidents() -> None:
    for action, body in (
        (Action.REVIEW, {"cause": "c", "actions": ["a"]}),
        (Action.BRIEF, {"place": "hall 3"}),
    ):
        with pytest.raises(Missing):
            do(incident(State.RESOLVED), action, **body)


def test_what_people_write_into_the_brief_is_kept_beside_what_others_wrote() -> None:
    held = incident(major={"roles": {}})
    assert do(held, Action.BRIEF, place="hall 3") == ["brief_written"]
    assert do(held, Action.BRIEF, casualties="none") == ["brief_written"]
    assert do(held, Action.BRIEF, casualties="none") == []
    assert held.major is not None
    assert held.major["brief"] == {"place": "hall 3", "casualties": "none"}
