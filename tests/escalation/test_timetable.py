"""The timetable of the procedure, its instants, its keys and its faults."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from correlation.calendar import ALWAYS, BusinessCalendar
from escalation.sla import Pause, Target, falls_due
from escalation.timetable import (
    EscalationPolicy,
    Mark,
    PlannedStep,
    TimetableStep,
    faults_of,
    hierarchical,
    next_repetition,
    parse_mark,
    plan,
    role_seeks_responder,
    seeks_responder,
)
from tests.moments import DAY, HOUR, MINUTE, PROPERTY

START = datetime(2026, 3, 2, 2, tzinfo=UTC)
"""Monday, 10:00 in Shanghai."""
BUSINESS = BusinessCalendar(time_zone="Asia/Shanghai")
TARGETS = {
    1: Target(response=30 * MINUTE, resolve=4 * HOUR),
    2: Target(response=HOUR, resolve=8 * HOUR),
    3: Target(response=4 * HOUR, resolve=48 * HOUR),
    4: Target(response=8 * HOUR, resolve=72 * HOUR),
}


def step(step_id: str, clock: str, at: Any, *tell: str, **more: Any) -> dict[str, Any]:
    return {"id": step_id, "clock": clock, "at": at, "tell": list(tell), **more}


FIRST = ("l1", "l2", "pm", "dept_manager")
PACK: dict[str, Any] = {
    "rules": {
        "once_per_step": True,
        "late_steps": "fire_once_marked_late",
        "ack_required": True,
        "unacked_repeat": "15m",
        "unacked_raise_after": 2,
        "stop_in": ["resolved", "pending_review", "archived", "cancelled", "out_of_scope"],
    },
    "on_severity_raise": "recompute_from_reported_at",
    "predicted_breach": {"when": ["eta_after_due", {"no_update_for_pct": 25}], "fire": "p75"},
    "manual": {
        "who": ["customer", "reporter", "desk", "l1", "l2", "pm", "dept_manager"],
        "effect": "next_level",
        "reason_required": True,
    },
    "timetable": {
        1: [
            step("c0", "created", 0, *FIRST, do=["major_incident", "brief_draft"]),
            step("r50", "response", "50%", "l1", "oncall_second"),
            step("r100", "response", "100%", *FIRST),
            step("p25", "resolution", "25%", "l2_lead", "pm", do=["handover_l2"]),
            step("p50", "resolution", "50%", "dept_manager", do=["propose_vendor"]),
            step("p75", "resolution", "75%", "director", "customer"),
            step("p100", "resolution", "100%", "executive", "customer", do=["open_problem"], repeat="30m"),
        ],
        2: [
            step("c0", "created", 0, *FIRST),
            step("r50", "response", "50%", "l1", "oncall_second"),
            step("r100", "response", "100%", *FIRST),
            step("p25", "resolution", "25%", "l2", do=["handover_l2"]),
            step("p50", "resolution", "50%", "pm", "l2_lead"),
            step("p75", "resolution", "75%", "dept_manager", "customer", do=["propose_vendor"]),
            step("p100", "resolution", "100%", "director", "customer", do=["propose_problem"], repeat="2h"),
        ],
        3: [
            step("c0", "created", 0, "l1", "l2"),
            step("r50", "response", "50%", "l1", "oncall_second"),
            step("r100", "response", "100%", *FIRST),
            step("p50", "resolution", "50%", "l2", "pm", do=["handover_l2"]),
            step("p75", "resolution", "75%", "pm", do=["propose_vendor"]),
            step("p100", "resolution", "100%", "dept_manager", "customer", do=["propose_problem"], repeat="workday"),
        ],
        4: [
            step("c0", "created", 0, "l1"),
            step("r50", "response", "50%", "l1", "oncall_second"),
            step("r100", "response", "100%", "desk", "l1", "l2", "pm"),
            step("p50", "resolution", "50%", "l1_lead"),
            step("p75", "resolution", "75%", "pm"),
            step("p100", "resolution", "100%", "dept_manager", repeat="workday"),
        ],
    },
}
POLICY = EscalationPolicy.model_validate(PACK)


def named(severity: int, step_id: str) -> TimetableStep:
    return next(s for s in POLICY.timetable[severity] if s.id == step_id)


def due_after(steps: list[PlannedStep]) -> dict[str, float | None]:
    """Hours from START by key."""
    return {s.key: None if s.due_at is None else (s.due_at - START) / HOUR for s in steps}


def test_the_table_of_the_procedure_is_read_as_it_stands_and_has_no_fault() -> None:
    assert faults_of(POLICY) == []
    assert faults_of(POLICY, TARGETS) == []
    assert POLICY.predicted_breach.eta_after_due
    assert POLICY.predicted_breach.no_update_for_pct == 25
    assert EscalationPolicy.model_validate(POLICY.model_dump(mode="json")) == POLICY


def test_all_but_the_timetable_may_be_left_out() -> None:
    assert EscalationPolicy.model_validate({"timetable": PACK["timetable"]}) == POLICY


@pytest.mark.parametrize(
    ("text", "mark", "after"),
    [
        pytest.param("50%", Mark(50), 4 * HOUR, id="a share of the target"),
        pytest.param("12.5%", Mark(12.5), HOUR, id="half a percent"),
        pytest.param("150%", Mark(150), 12 * HOUR, id="after the target"),
        pytest.param("15m", Mark(None, 15 * MINUTE), 15 * MINUTE, id="a span"),
        pytest.param(0, Mark(None), timedelta(), id="nothing"),
        pytest.param("0%", Mark(0), timedelta(), id="nothing of it"),
    ],
)
def test_a_mark_is_a_percentage_or_a_span(text: Any, mark: Mark, after: timedelta) -> None:
    assert parse_mark(text) == mark
    assert parse_mark(text).after(8 * HOUR) == after
    assert parse_mark(str(mark)) == mark


@pytest.mark.parametrize("text", ["half", "-5%", "%", "", None, 50, "50"])
def test_what_is_no_mark_is_refused_with_the_right_form(text: Any) -> None:
    with pytest.raises(ValueError, match="write 50%, 15m or 0"):
        parse_mark(text)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(step("a", "created", "50%", "l1"), "no target", id="a share of nothing"),
        pytest.param(step("a", "created", 0, "l3"), "'l3' is no role", id="no such role"),
        pytest.param(step("a b", "created", 0, "l1"), "pattern", id="an id that no header can hold"),
        pytest.param(step("a#1", "created", 0, "l1"), "pattern", id="an id that reads as a repetition"),
        pytest.param(step("a", "resolve", 0, "l1"), "resolution", id="no such clock"),
        pytest.param(step("a", "resolution", "1%", "l1", repeat="0s"), "greater than", id="for ever at once"),
        pytest.param(step("a", "resolution", "1%", "l1", repeat="daily"), "workday", id="no such pace"),
    ],
)
def test_a_step_that_cannot_be_meant_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TimetableStep.model_validate(given)


def test_two_steps_of_a_severity_have_two_names() -> None:
    with pytest.raises(ValidationError, match="two steps are called c0"):
        EscalationPolicy.model_validate({"timetable": {1: [step("c0", "created", 0, "l1")] * 2}})


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        pytest.param(
            1,
            {"1/c0": 0, "1/r50": 0.25, "1/r100": 0.5, "1/p25": 1, "1/p50": 2, "1/p75": 3, "1/p100": 4},
            id="severity 1",
        ),
        pytest.param(
            2, {"2/c0": 0, "2/r50": 0.5, "2/r100": 1, "2/p25": 2, "2/p50": 4, "2/p75": 6, "2/p100": 8}, id="severity 2"
        ),
        pytest.param(3, {"3/c0": 0, "3/r50": 2, "3/r100": 4, "3/p50": 24, "3/p75": 36, "3/p100": 48}, id="severity 3"),
        pytest.param(4, {"4/c0": 0, "4/r50": 4, "4/r100": 8, "4/p50": 36, "4/p75": 54, "4/p100": 72}, id="severity 4"),
        pytest.param(9, {}, id="a severity without steps"),
    ],
)
def test_each_mark_has_the_instant_of_the_table(severity: int, expected: dict[str, float]) -> None:
    assert due_after(plan(POLICY, severity, START, TARGETS[min(severity, 4)], ALWAYS)) == expected


def test_a_pause_holds_up_the_resolution_ladder_alone_and_only_what_had_not_fallen_due() -> None:
    held = (Pause(START + 1.5 * HOUR, None),)
    assert due_after(plan(POLICY, 1, START, TARGETS[1], ALWAYS, held)) == {
        "1/c0": 0,
        "1/r50": 0.25,
        "1/r100": 0.5,
        "1/p25": 1,
        "1/p50": None,
        "1/p75": None,
        "1/p100": None,
    }


def test_after_a_pause_what_was_held_up_is_due_that_much_later() -> None:
    held = (Pause(START + 1.5 * HOUR, START + 3.5 * HOUR),)
    planned = due_after(plan(POLICY, 1, START, TARGETS[1], ALWAYS, held))
    assert [planned[f"1/{step_id}"] for step_id in ("r100", "p25", "p50", "p75", "p100")] == [0.5, 1, 4, 5, 6]


def test_targets_count_business_time_but_the_first_page_does_not_wait_for_it() -> None:
    saturday = START + 5 * DAY
    planned = {s.step.id: s.due_at for s in plan(POLICY, 4, saturday, TARGETS[4], BUSINESS)}
    assert planned["c0"] == saturday
    assert planned["r50"] == START + 7 * DAY + 3 * HOUR


def test_the_response_ladder_may_start_anew_while_the_rest_stays() -> None:
    planned = due_after(plan(POLICY, 1, START, TARGETS[1], ALWAYS, response_from=START + HOUR))
    assert [planned[f"1/{step_id}"] for step_id in ("c0", "r50", "r100", "p25")] == [0, 1.25, 1.5, 1]


def test_after_a_relapse_people_are_called_anew_and_the_resolution_ladder_is_not_climbed_twice() -> None:
    planned = plan(POLICY, 2, START, TARGETS[2], ALWAYS, relapse=1, response_from=START + 10 * HOUR)
    assert due_after(planned) == {"2/c0@1": 10, "2/r50@1": 10.5, "2/r100@1": 11}


def planned(severity: int, step_id: str, repetition: int = 0, relapse: int = 0) -> PlannedStep:
    step = named(1, "c0").model_copy(update={"id": step_id})
    return PlannedStep(severity, step, START, repetition, relapse)


@pytest.mark.parametrize(
    ("step", "key"),
    [
        pytest.param((2, "p75"), "2/p75", id="a step"),
        pytest.param((1, "p100", 3), "1/p100#3", id="a repetition"),
        pytest.param((2, "r50", 0, 1), "2/r50@1", id="after a relapse"),
        pytest.param((1, "p100", 3, 2), "1/p100#3@2", id="both"),
    ],
)
def test_a_step_is_called_as_the_contract_writes_it(step: tuple[Any, ...], key: str) -> None:
    assert planned(*step).key == key


def test_no_two_steps_share_a_key() -> None:
    few = range(12)
    steps = list(product((1, 2, 11), ("p1", "p11", "1", "1.1", "1-1"), few, few))
    assert len({planned(*step).key for step in steps}) == len(steps)


@pytest.mark.parametrize(
    ("fired", "now", "due", "number"),
    [
        pytest.param(4, 4, 4.5, 1, id="the first, half an hour on"),
        pytest.param(4, 4.4, 4.5, 1, id="the tick was late"),
        pytest.param(4, 4.5, 4.5, 1, id="due this moment"),
        pytest.param(4, 4.9, 4.5, 1, id="one is late"),
        pytest.param(4, 29.2, 29, 50, id="an outage: only the newest of fifty"),
    ],
)
def test_a_step_repeats_at_its_pace_and_an_outage_costs_one_repetition(
    fired: float, now: float, due: float, number: int
) -> None:
    planned = PlannedStep(1, named(1, "p100"), START + fired * HOUR)
    following = next_repetition(planned, START + fired * HOUR, ALWAYS, START + now * HOUR)
    assert following is not None
    assert (following.due_at, following.key) == (START + due * HOUR, f"1/p100#{number}")


def test_a_repetition_follows_a_repetition_and_keeps_its_relapse() -> None:
    planned = PlannedStep(1, named(1, "p100"), START, repetition=3, relapse=2)
    following = next_repetition(planned, START, ALWAYS, START)
    assert following is not None
    assert following.key == "1/p100#4@2"


@pytest.mark.parametrize(
    ("fired", "now", "due", "number"),
    [
        pytest.param(
            "2026-03-04T05:00", "2026-03-04T05:00", "2026-03-05T01:00", 1, id="on a Wednesday: Thursday, 09:00"
        ),
        pytest.param(
            "2026-03-03T18:00", "2026-03-03T18:00", "2026-03-05T01:00", 1, id="Wednesday, 02:00 there: Thursday"
        ),
        pytest.param("2026-03-06T05:00", "2026-03-07T05:00", "2026-03-09T01:00", 1, id="on a Friday: Monday"),
        pytest.param("2026-03-06T05:00", "2026-03-11T05:00", "2026-03-11T01:00", 3, id="an outage: the newest opening"),
    ],
)
def test_each_workday_is_the_opening_of_the_calendar(fired: str, now: str, due: str, number: int) -> None:
    fired_at, now_at, due_at = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (fired, now, due))
    following = next_repetition(PlannedStep(3, named(3, "p100"), fired_at), fired_at, BUSINESS, now_at)
    assert following is not None
    assert (following.due_at, following.repetition) == (due_at, number)


def test_a_step_without_a_pace_does_not_repeat() -> None:
    assert next_repetition(PlannedStep(1, named(1, "p75"), START), START, ALWAYS, START + DAY) is None


@pytest.mark.parametrize(
    ("severity", "step_id", "management", "responder"),
    [
        pytest.param(1, "c0", True, True, id="at once: both"),
        pytest.param(3, "c0", False, True, id="at once: the lines"),
        pytest.param(1, "r50", False, True, id="not acknowledged"),
        pytest.param(1, "p25", True, True, id="handed to the second line"),
        pytest.param(2, "p25", False, True, id="the second line takes over"),
        pytest.param(2, "p50", True, False, id="half the time: leads and pm are informed"),
        pytest.param(1, "p75", True, False, id="director and customer"),
        pytest.param(4, "p50", False, False, id="the lead is informed"),
    ],
)
def test_a_step_tells_management_or_seeks_a_responder(
    severity: int, step_id: str, management: bool, responder: bool
) -> None:
    assert hierarchical(named(severity, step_id)) is management
    assert seeks_responder(named(severity, step_id)) is responder


@pytest.mark.parametrize("role", ["l1", "l2", "oncall_second", "l1_lead", "l2_lead"])
def test_an_acknowledgement_takes_back_what_looks_for_a_responder(role: str) -> None:
    assert role_seeks_responder(role)


@pytest.mark.parametrize("role", ["desk", "pm", "dept_manager", "director", "executive", "customer", "vendor", "sales"])
def test_who_is_informed_is_still_told_after_an_acknowledgement(role: str) -> None:
    assert not role_seeks_responder(role)


def altered(severity: int, *steps: Mapping[str, Any], **more: Any) -> EscalationPolicy:
    return EscalationPolicy.model_validate({**PACK, "timetable": {**PACK["timetable"], severity: list(steps)}, **more})


CREATED = step("c0", "created", 0, "l1")
P75 = step("p75", "resolution", "75%", "pm")


@pytest.mark.parametrize(
    ("policy", "path", "says", "is_error"),
    [
        pytest.param(altered(2), ("timetable", 2), "has no steps", True, id="no steps"),
        pytest.param(
            altered(2, CREATED, step("p75", "resolution", "100%", "pm")),
            ("timetable", 2),
            "too late",
            True,
            id="management only at 100 % (R16)",
        ),
        pytest.param(
            altered(2, CREATED, step("p75", "resolution", "75%", "l2", "customer")),
            ("timetable", 2),
            "too late",
            True,
            id="nobody of management on the ladder",
        ),
        pytest.param(
            altered(2, step("c0", "created", 0, "pm"), step("p75", "resolution", "100%", "pm")),
            ("timetable", 2),
            "too late",
            True,
            id="management on another clock does not count",
        ),
        pytest.param(
            altered(2, CREATED, step("p75", "resolution", "9h", "pm")),
            ("timetable", 2),
            "too late",
            True,
            id="a span longer than the target",
        ),
        pytest.param(
            altered(2, CREATED, P75, step("p50", "resolution", "50%", "pm")),
            ("timetable", 2, 2, "at"),
            "p50 at 50% stands after p75 at 75%",
            True,
            id="percentages out of order",
        ),
        pytest.param(
            altered(2, step("c1", "created", "15m", "l1"), step("c0", "created", "5m", "l1"), P75),
            ("timetable", 2, 1, "at"),
            "c0 at 5m stands after c1 at 15m",
            True,
            id="spans out of order",
        ),
        pytest.param(
            altered(2, CREATED, P75, step("p90", "resolution", "1h", "pm")),
            ("timetable", 2, 2, "at"),
            "p90 at 1h stands after p75 at 75%",
            True,
            id="a span and a percentage out of order",
        ),
        pytest.param(
            altered(2, CREATED, P75, step("p90", "resolution", "90%")),
            ("timetable", 2, 2),
            "tells nobody",
            True,
            id="a step for nothing",
        ),
        pytest.param(
            altered(2, CREATED, step("p75", "resolution", "75%", "pm", do=["handover_l3"])),
            ("timetable", 2, 1, "do", 0),
            "'handover_l3', which is not known",
            False,
            id="a deed that is not known",
        ),
        pytest.param(altered(2, P75), ("timetable", 2), "no created step", False, id="nobody is told at once"),
        pytest.param(
            altered(2, CREATED, step("p50", "resolution", "50%", "pm")),
            ("predicted_breach", "fire"),
            "severity 2 has no step p75",
            False,
            id="an expected breach fires nothing",
        ),
        pytest.param(altered(5, CREATED, P75), ("timetable", 5), "does not exist", True, id="a fifth severity"),
    ],
)
def test_each_fault_is_told_with_its_place(
    policy: EscalationPolicy, path: tuple[str | int, ...], says: str, is_error: bool
) -> None:
    (fault,) = faults_of(policy, TARGETS)
    assert (fault.path, fault.is_error) == (path, is_error)
    assert says in fault.message


def test_a_span_gets_the_benefit_of_the_doubt_where_no_target_is_known() -> None:
    assert faults_of(altered(2, CREATED, step("p75", "resolution", "9h", "pm"))) == []


def test_a_created_step_at_once_may_be_followed_by_one_at_the_same_moment() -> None:
    assert faults_of(altered(2, CREATED, step("c0b", "created", 0, "pm"), P75), TARGETS) == []


@PROPERTY
@given(
    st.integers(1, 4),
    st.sampled_from([ALWAYS, BUSINESS]),
    st.lists(st.integers(0, 4000), unique=True, max_size=6).map(sorted),
)
def test_a_plan_keeps_the_order_of_each_clock_and_the_instants_of_the_sla(
    severity: int, calendar: Any, edges: list[int]
) -> None:
    moments = [START + n * MINUTE for n in edges]
    held = [Pause(a, b) for a, b in zip(moments[::2], [*moments[1::2], None], strict=False)]
    planned = plan(POLICY, severity, START, TARGETS[severity], calendar, held)
    assert [p.step for p in planned] == POLICY.timetable[severity]
    ladder = [p for p in planned if p.step.clock == "resolution"]
    known = [p.due_at for p in ladder if p.due_at is not None]
    assert known == sorted(known)
    assert [p.due_at is None for p in ladder] == sorted(p.due_at is None for p in ladder)
    assert ladder[-1].due_at == falls_due(START, TARGETS[severity].resolve, calendar, held)


def test_a_copy_of_a_step_that_tells_others_is_written_as_such() -> None:
    step = TimetableStep.model_validate({"id": "p75", "clock": "resolution", "at": "75%", "tell": ["pm"]})
    assert '"tell":["pm"]' in step.written
    assert '"tell":["director"]' in step.model_copy(update={"tell": ["director"]}).written
