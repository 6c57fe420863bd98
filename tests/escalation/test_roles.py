"""Who holds a role, and whom a step reaches."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from escalation.oncall import Override, Schedule
from escalation.roles import OUTSIDE, ROLES, Directory, Group, Person, Reached, called

PROPERTY = settings(deadline=None, derandomize=True, database=None)
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
"""Monday, 10:00 in Shanghai; luis has just taken over from ana."""


def person(roles: str, groups: str = "", *, silent: bool = False, **more: Any) -> Person:
    contacts = [] if silent else [{"notifier": "hook", "to": "desk-1"}]
    return Person.model_validate(
        {"name": "N.", "roles": roles.split(), "groups": groups.split(), "contacts": contacts, **more}
    )


def rota(group: str, role: str, *people: str, **more: Any) -> Schedule:
    layers = [{"people": list(people), "every": "7d", "handover": "Mon 09:00", **more}] if people else []
    return Schedule.model_validate({"group": group, "role": role, "time_zone": "Asia/Shanghai", "layers": layers})


GROUPS = {
    "desk": Group(tier="desk"),
    "sys-ops": Group(tier="l1", l2="sys-expert", vendors=["server-vendor"]),
    "net-ops": Group(tier="l1", l2="net-expert"),
    "dba": Group(tier="l2"),
}
PEOPLE = {
    "ana": person("l1", "sys-ops"),
    "luis": person("l1 l1_lead", "sys-ops"),
    "wei": person("l2 l2_lead", "sys-expert"),
    "mei": person("l2", "sys-ops net-ops dba"),
    "zoe": person("l1 l2"),
    "tom": person("desk", "desk"),
    "kai": person("pm"),
    "eva": person("pm", "net-ops"),
    "max": person("dept_manager director"),
    "ida": person("executive", silent=True),
    "cho": person("customer vendor reporter"),
}
SCHEDULES = {"sys-l1": rota("sys-ops", "l1", "ana", "luis")}


def who(role: str, group: str | None, schedules: dict[str, Schedule] | None = None) -> list[str]:
    return Directory(PEOPLE, GROUPS, SCHEDULES if schedules is None else schedules).holders(role, group, NOW)


@pytest.mark.parametrize(
    ("role", "group", "expected"),
    [
        pytest.param("l1", "sys-ops", ["luis"], id="on call by the schedule, the first alone"),
        pytest.param("oncall_second", "sys-ops", ["ana"], id="the next of the schedule"),
        pytest.param("oncall_second", "net-ops", [], id="no schedule, no second"),
        pytest.param("l1", "net-ops", ["zoe"], id="nobody of the group: who serves every group"),
        pytest.param("l1", None, ["zoe"], id="no group: who serves every group"),
        pytest.param("l1", "unheard-of", ["zoe"], id="a group that is gone"),
        pytest.param("l2", "sys-ops", ["wei"], id="the second line is a group of its own"),
        pytest.param("l2", "net-ops", ["mei"], id="its group is empty: the second line in the group"),
        pytest.param("l2", "dba", ["mei"], id="a group that is the second line itself"),
        pytest.param("l1_lead", "sys-ops", ["luis"], id="the lead of the group"),
        pytest.param("l2_lead", "sys-ops", ["wei"], id="the lead of the second line"),
        pytest.param("l2_lead", "dba", [], id="no lead: nobody"),
        pytest.param("desk", "desk", ["tom"], id="the desk in its own group"),
        pytest.param("desk", "sys-ops", ["tom"], id="the desk serves every group"),
        pytest.param("pm", "net-ops", ["eva"], id="the project manager of the group"),
        pytest.param("pm", "sys-ops", ["kai", "eva"], id="none of the group: all"),
        pytest.param("director", "sys-ops", ["max"], id="one person with two roles"),
        pytest.param("executive", None, ["ida"], id="management needs no group"),
        pytest.param("sales", "sys-ops", [], id="nobody at all"),
        pytest.param("customer", "sys-ops", [], id="a customer is not ours"),
        pytest.param("vendor", "sys-ops", [], id="a vendor is not ours"),
        pytest.param("reporter", "sys-ops", [], id="the reporter is another one each time"),
    ],
)
def test_a_role_is_held(role: str, group: str | None, expected: list[str]) -> None:
    assert who(role, group) == expected


@pytest.mark.parametrize(
    ("group", "en", "zh"), [("sys-ops", "sys-ops", "系统运维"), ("plain", "plain", "plain"), ("gone", "gone", "gone")]
)
def test_a_reader_is_told_of_a_group_by_its_name_in_their_language(group: str, en: str, zh: str) -> None:
    groups = {"sys-ops": Group(zh="系统运维"), "plain": Group()}
    assert (called(group, groups, "en"), called(group, groups, "zh")) == (en, zh)


def test_without_a_schedule_everybody_of_the_group_holds_the_role() -> None:
    assert who("l1", "sys-ops", {}) == ["ana", "luis"]


@pytest.mark.parametrize(
    ("schedule", "role", "expected"),
    [
        pytest.param(rota("sys-expert", "l2", "mei"), "l2", ["mei"], id="the second line has a rota"),
        pytest.param(rota("net-ops", "l1", "ana"), "l1", ["luis"], id="another group's rota"),
        pytest.param(rota("sys-ops", "pm", "eva", "kai"), "pm", ["kai"], id="project managers may take turns"),
        pytest.param(rota("desk", "desk", "ana"), "desk", ["ana"], id="the desk's rota serves every group"),
        pytest.param(rota("sys-expert", "l2"), "l2", [], id="a rota with nobody is a hole, not an invitation to all"),
        pytest.param(rota("sys-expert", "l2", "mei", hours="20:00-08:00"), "l2", [], id="a hole in a rota"),
        pytest.param(rota("sys-expert", "l2", "gone", "wei"), "l2", ["wei"], id="who has left is passed over"),
    ],
)
def test_a_schedule_goes_before_the_list_of_people(schedule: Schedule, role: str, expected: list[str]) -> None:
    schedules = {"new": schedule, **({} if role == "l1" and schedule.group == "sys-ops" else SCHEDULES)}
    assert who(role, "sys-ops", schedules) == expected


def test_two_schedules_of_a_role_put_two_people_on_call() -> None:
    schedules = {"day": rota("sys-ops", "l1", "luis"), "too": rota("sys-ops", "l1", "ana"), **SCHEDULES}
    assert who("l1", "sys-ops", schedules) == ["luis", "ana"]


def test_an_override_is_found_by_the_name_of_its_schedule() -> None:
    over = Override(person="zoe", from_at=NOW, until=NOW + timedelta(hours=1))
    laid_over = Directory(PEOPLE, GROUPS, SCHEDULES, overrides={"sys-l1": [over]})
    assert laid_over.holders("l1", "sys-ops", NOW) == ["zoe"]
    assert laid_over.holders("l1", "sys-ops", NOW + timedelta(hours=1)) == ["luis"]
    another = Directory(PEOPLE, GROUPS, SCHEDULES, overrides={"other": [over]})
    assert another.holders("l1", "sys-ops", NOW) == ["luis"]


def reached(*tell: str, group: str | None = "sys-ops", fallback: tuple[str, ...] = ("ana", "gone", "ana")) -> Reached:
    return Directory(PEOPLE, GROUPS, SCHEDULES, fallback).reach(tell, group, NOW)


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        pytest.param(("l1", "l2"), Reached((("luis", "l1"), ("wei", "l2"))), id="each line"),
        pytest.param(("l1", "l1_lead"), Reached((("luis", "l1"),)), id="each person once, the first role wins"),
        pytest.param(("l1_lead", "l1"), Reached((("luis", "l1_lead"),)), id="the first told, not the first listed"),
        pytest.param(("l1", "sales"), Reached((("luis", "l1"),), ("sales",)), id="a hole does not stop the others"),
        pytest.param(
            ("director", "customer"), Reached((("max", "director"),), ("customer",)), id="a customer is a hole"
        ),
        pytest.param(("customer",), Reached((("ana", "customer"),), ("customer",), True), id="nobody but a customer"),
        pytest.param(("sales",), Reached((("ana", "sales"),), ("sales",), True), id="nobody: the fallback"),
        pytest.param(
            ("executive",), Reached((("ana", "executive"),), ("executive",), True), id="no contact: as good as nobody"
        ),
        pytest.param(
            ("executive", "l1"), Reached((("luis", "l1"),), ("executive",)), id="no contact: a hole beside the others"
        ),
        pytest.param(
            ("vendor", "sales", "executive"),
            Reached((("ana", "sales"),), ("vendor", "sales", "executive"), True),
            id="the fallback stands in for the first of ours",
        ),
        pytest.param(("l1", "l1"), Reached((("luis", "l1"),)), id="a role told twice"),
        pytest.param((), Reached(()), id="a step that tells nobody needs no fallback"),
    ],
)
def test_a_step_reaches(tell: tuple[str, ...], expected: Reached) -> None:
    assert reached(*tell) == expected


def test_a_fallback_that_nobody_knows_reaches_nobody_and_says_so() -> None:
    assert reached("sales", fallback=("gone",)) == Reached((), ("sales",), True)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"roles": ["l3"]}, "'l3' is no role", id="no such role"),
        pytest.param({"roles": ["oncall_second"]}, "nobody holds oncall_second", id="a place in a schedule is no role"),
        pytest.param({"language": "fr"}, "'en' or 'zh'", id="a language that is not spoken"),
        pytest.param({"contacts": [{"notifier": "hook"}]}, "Field required", id="a contact without an address"),
        pytest.param({"time_zone": "Berlin"}, "no time zone", id="no such zone"),
    ],
)
def test_a_person_who_cannot_be_meant_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Person.model_validate({"name": "Ana", **given})


def test_the_groups_of_the_procedure_are_read_as_they_stand() -> None:
    assert Group.model_validate({"tier": "desk", "zh": "服务台"}).zh == "服务台"
    with pytest.raises(ValidationError, match="'vendor'"):
        Group.model_validate({"tier": "l4"})


roles = st.sampled_from([r for r in ROLES if r != "oncall_second"])
team = st.sampled_from(["desk", "sys-ops", "sys-expert", "net-ops"])
crowds = st.dictionaries(
    st.sampled_from(["ana", "luis", "wei", "mei", "zoe"]),
    st.builds(
        lambda has, inside, silent: person(" ".join(has), " ".join(inside), silent=silent),
        st.lists(roles, max_size=3, unique=True),
        st.lists(team, max_size=2, unique=True),
        st.booleans(),
    ),
)


@PROPERTY
@given(
    crowds,
    st.lists(st.sampled_from(ROLES), min_size=1, max_size=4),
    st.none() | team,
    st.lists(st.sampled_from(["ana", "luis", "gone"]), max_size=2),
)
def test_nobody_is_told_twice_and_nobody_is_passed_over_in_silence(
    people: dict[str, Person], tell: list[str], group: str | None, fallback: list[str]
) -> None:
    directory = Directory(people, GROUPS, SCHEDULES, fallback)
    found = directory.reach(tell, group, NOW)
    ids = [who for who, _ in found.people]
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(people)
    told = {role for _, role in found.people}
    assert told <= set(tell)
    for role in {*tell} - {*found.holes}:
        held_by = directory.holders(role, group, NOW)
        assert {who for who in held_by if people[who].contacts} & set(ids)
    assert found.by_fallback == (set(found.holes) == set(tell))
    if found.by_fallback:
        assert set(ids) == set(fallback) & set(people)
    else:
        assert all(people[who].contacts for who in ids)
        assert not told & set(found.holes)
    assert {*tell} & {*OUTSIDE} <= set(found.holes)
