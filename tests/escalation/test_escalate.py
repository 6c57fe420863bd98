"""What has come due becomes pages: one a person, naming the highest step; nobody is told in vain or not at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from escalation.escalate import CALLS, management_hops, page_key, reason_of, take_due_steps
from escalation.roles import Contact, Directory, Group, Person
from escalation.store import Step
from escalation.timetable import PlannedStep, TimetableStep

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def person(*roles: str, contacts: tuple[str, ...] = ("hook",), groups: tuple[str, ...] = ("ops",)) -> Person:
    made = [Contact(notifier=n, to=n) for n in contacts]
    return Person.model_validate({"name": "x", "roles": roles, "groups": groups, "contacts": made})


PEOPLE = {
    "ana": person("l1", contacts=("hook", "mail")),
    "wei": person("l2"),
    "pat": person("pm"),
    "mute": person("director", contacts=()),
    "root": person("ops"),
    "dumb": person("ops", contacts=()),
}


def directory(*fallback: str) -> Directory:
    return Directory(PEOPLE, {"ops": Group()}, {}, fallback)


def step(name: str, clock: str, *tell: str, minutes: int = 0, **more: Any) -> Step:
    known = {k: v for k, v in more.items() if k not in ("repetition", "relapse")}
    definition = TimetableStep.model_validate({"id": name, "clock": clock, "at": 0, "tell": list(tell), **known})
    due_at = NOW + timedelta(minutes=minutes)
    planned = PlannedStep(2, definition, due_at, more.get("repetition", 0), more.get("relapse", 0))
    return Step(id=minutes + 1, incident=1, planned=planned, due_at=due_at)


C0 = step("c0", "created", "l1", "l2", "pm")
R50 = step("r50", "response", "l1", minutes=30)
P25 = step("p25", "resolution", "l2", "pm", minutes=60)


def taken(*steps: Step, fallback: tuple[str, ...] = ("root",), assignee: str | None = None) -> Any:
    return take_due_steps(steps, "ops", assignee, directory(*fallback), NOW)


def test_each_person_gets_one_page_that_names_the_highest_step() -> None:
    done = taken(C0, R50, P25)
    assert {c.person: (c.step.key, c.supersedes) for c in done.calls} == {
        "wei": ("2/p25", ["2/c0"]),
        "pat": ("2/p25", ["2/c0"]),
        "ana": ("2/r50", ["2/c0"]),
    }
    assert {s.key: outcome for s, outcome, _ in done.outcomes} == {
        "2/p25": "paged",
        "2/r50": "paged",
        "2/c0": "superseded",
    }


def test_every_due_step_gets_exactly_one_record() -> None:
    assert sorted(s.key for s, _, _ in taken(C0, R50, P25).outcomes) == ["2/c0", "2/p25", "2/r50"]


@pytest.mark.parametrize(
    ("tell", "fallback", "outcome", "who"),
    [
        pytest.param(["l2_lead"], ["root"], "fallback", ["root"], id="a role that nobody holds"),
        pytest.param(["director"], ["root"], "fallback", ["root"], id="a holder without contacts"),
        pytest.param(["customer"], ["root"], "fallback", ["root"], id="a customer only"),
        pytest.param(["l2_lead"], ["dumb"], "nobody", [], id="a fallback without contacts"),
        pytest.param(["l2_lead"], ["dumb", "root"], "fallback", ["root"], id="one fallback of two without contacts"),
        pytest.param(["l2_lead"], [], "nobody", [], id="no fallback at all"),
        pytest.param(["l2_lead"], ["gone"], "nobody", [], id="a fallback that is not in people.yaml"),
        pytest.param(["l1", "director"], ["root"], "paged", ["ana"], id="one of two roles is enough"),
    ],
)
def test_a_step_that_would_reach_nobody_falls_back_or_says_so(
    tell: list[str], fallback: list[str], outcome: str, who: list[str]
) -> None:
    done = taken(step("s", "created", *tell), fallback=tuple(fallback))
    ((_, found, why),) = done.outcomes
    assert (found, why["told"], [c.person for c in done.calls]) == (outcome, who, who)


def test_a_step_that_only_does_is_done_and_is_no_hole() -> None:
    done = taken(step("s", "resolution", do=["open_problem"]))
    assert [(o, w["told"]) for _, o, w in done.outcomes] == [("done", [])]
    assert done.calls == []


@pytest.mark.parametrize(
    ("assignee", "who"),
    [
        pytest.param("wei", ["wei"], id="who has it"),
        pytest.param(None, ["ana"], id="nobody has it: the first line"),
        pytest.param("mute", ["ana"], id="who has it cannot be reached"),
        pytest.param("gone", ["ana"], id="who has it has left"),
    ],
)
def test_a_call_to_whoever_has_it_reaches_somebody(assignee: str | None, who: list[str]) -> None:
    assert [c.person for c in taken(step("relapse", "created", "assignee"), assignee=assignee).calls] == who


def test_the_channel_that_a_step_names_is_taken_and_another_where_the_person_has_it_not() -> None:
    done = taken(step("s", "created", "l1", "l2", channel="mail"))
    assert {c.person: (c.notifier, c.rank) for c in done.calls} == {"ana": ("mail", 1), "wei": ("hook", 0)}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_an_act_that_calls_somebody_is_its_own_reason_also_the_second_time(name: str) -> None:
    assert reason_of(step(name, "created", "l1", repetition=1))["code"] == name


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (C0, "opened"),
        (R50, "response_overdue"),
        (P25, "resolution_mark"),
        (step("p100", "resolution", "pm", at="100%"), "breach"),
        (step("p100", "resolution", "pm", at="100%", repetition=2), "repeat"),
        (step("relapse", "created", "assignee", relapse=1), "relapse"),
        (step("c0", "created", "l1", relapse=1), "relapse"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.key,
)
def test_a_page_says_why_it_was_sent(made: Step, code: str) -> None:
    assert reason_of(made)["code"] == code


def test_a_key_differs_by_incident_step_person_and_channel() -> None:
    given = [("INC-1", "2/c0", "ana", "hook"), ("INC-2", "2/c0", "ana", "hook"), ("INC-1", "2/r50", "ana", "hook")]
    given += [("INC-1", "2/c0", "wei", "hook"), ("INC-1", "2/c0", "ana", "mail")]
    assert len({page_key(*parts) for parts in given}) == len(given)


def _told(step_id: str, clock: str, *tell: str) -> TimetableStep:
    return TimetableStep.model_validate({"id": step_id, "clock": clock, "at": 0, "tell": list(tell)})


@pytest.mark.parametrize(
    ("told", "hops"),
    [
        pytest.param(
            [(_told("c0", "created", "l1", "pm", "dept_manager"), 0)], 0, id="a new incident is no escalation"
        ),
        pytest.param([(_told("r50", "response", "l1"), 0)], 0, id="the first line is no management"),
        pytest.param([(_told("r100", "response", "l1", "pm"), 0)], 1, id="nobody has answered"),
        pytest.param([(_told("p75", "resolution", "dept_manager"), n) for n in range(3)], 1, id="repeated"),
        pytest.param(
            [(_told("p75", "resolution", "dept_manager"), 2), (_told("p75", "resolution", "director"), 3)],
            2,
            id="repeated, and then a level up",
        ),
        pytest.param([(_told("manual", "created", "pm"), n) for n in range(2)], 2, id="asked for by hand twice"),
        pytest.param([(_told("problem", "created", "pm", "dept_manager"), 0)], 0, id="told of a problem"),
    ],
)
def test_an_escalation_is_counted_once(told: list[tuple[TimetableStep, int]], hops: int) -> None:
    assert management_hops(told) == hops


def test_what_is_told_by_a_channel_of_its_own_is_told_there_beside_a_higher_step() -> None:
    """One page per channel: what a step tells by phone is not said by the mail of another."""
    by_mail = [step("m", "response", "l1", minutes=m, channel="mail") for m in (10, 20)]
    done = taken(C0, *by_mail, R50)
    calls = {(c.person, c.notifier): (c.step.id, c.supersedes) for c in done.calls}
    assert calls["ana", "hook"] == (R50.id, ["2/c0"])
    assert calls["ana", "mail"] == (21, ["2/m"])
    assert [(o, w["told"]) for s, o, w in done.outcomes if s.planned.step.id == "m"] == [
        ("paged", ["ana"]),
        ("superseded", ["ana"]),
    ]
