"""What incidents have to do with: problems, changes, configuration items, and the flow of major incidents."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.intents import ChangeActed, ItemEdited, PersonReported, ProblemActed, ProblemOpened
from agent.rehearsal.house import House
from collectors.labels import Matcher
from correlation.incident import CHANGE, ITEM, KNOWN_ERROR, PROBLEM, Incident, State
from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from correlation.rules import ConfigurationItem
from knowledge.change import ChangeAction, ChangeState
from knowledge.problem import Origin, Problem, ProblemAction, ProblemState
from tests.house import DISK_FULL, START, alert, at, message, site

PAT, ANA = Actor("pat", frozenset({"pm"})), Actor("ana", frozenset({"l1"}), frozenset({"sys-ops"}))
DORA = Actor("dora", frozenset({"dept_manager"}))
RFC = {"title": "grow the disk", "risk": "low", "plan": "lvextend", "back_out": "none needed"}
TOPOLOGY = {
    "db-1": ConfigurationItem(owner="wei", location="room 1"),
    "vault": ConfigurationItem(restricted=True, rule="two people", match=(Matcher.parse('team="vault"'),)),
}


async def opened(labels: dict[str, str] = DISK_FULL) -> tuple[House, Incident]:
    house = await House(replace(site(), topology=TOPOLOGY), START).open()
    await house.receive(message(alert(labels)))
    return house, house.incidents()[0]


def problems(house: House) -> list[Problem]:
    return list(house.desk.casebook.problems.values())


async def kinds(house: House, incident: Incident) -> list[str]:
    return [kind for _, kind, _, _ in await house.timeline(incident.number)]


async def report(house: House, **body: Any) -> Incident:
    made: Incident = await house.do(PersonReported({"title": "all tills stand", **body}, PAT))
    return made


RESOLVE = {"type": "permanent", "resolution": "r", "note": "n", "service_restored_at": at(START)}


# problems


async def test_a_major_incident_has_its_problem_without_anyone_asking() -> None:
    house, _ = await opened()
    incident = await report(house, urgency=1, impact=1)
    (problem,) = problems(house)
    assert (problem.state, problem.origin, problem.incidents) == (ProblemState.OPEN, Origin.MAJOR, [incident.number])
    assert incident.linked(PROBLEM) == [problem.number]
    assert incident.commander == "pat"
    assert {"major_declared", "problem_opened", "commander_named"} <= set(await kinds(house, incident))


@pytest.mark.parametrize(
    ("body", "origin"),
    [({"type": "workaround"}, Origin.WORKAROUND), ({"root_cause_known": False}, Origin.CAUSE_UNKNOWN)],
)
async def test_what_is_solved_without_its_cause_is_proposed_to_pm_and_department_manager(
    body: dict[str, Any], origin: Origin
) -> None:
    house, incident = await opened()
    await house.act(incident.number, "acknowledge")
    house.sent.clear()
    await house.act(incident.number, "resolve", {**RESOLVE, **body})
    (problem,) = problems(house)
    assert (problem.state, problem.origin) == (ProblemState.PROPOSED, origin)
    assert sorted(house.pages) == ["dora", "pat"]
    assert "problem_proposed" in await kinds(house, incident)


async def test_a_known_cause_proposes_nothing() -> None:
    house, incident = await opened()
    await house.act(incident.number, "acknowledge")
    await house.act(incident.number, "resolve", {**RESOLVE, "root_cause_known": True})
    assert problems(house) == []


async def test_what_is_not_solved_by_its_due_instant_is_proposed_once() -> None:
    house, incident = await opened()
    await house.act(incident.number, "acknowledge")
    await house.advance(hours=30)
    (problem,) = problems(house)
    assert (problem.origin, problem.state) == (Origin.UNSOLVED, ProblemState.PROPOSED)
    assert incident.linked(PROBLEM) == [problem.number]


async def fire_and_end(house: House, times: int) -> None:
    """The alert fires, ends, and fires again when its incident can no longer come back."""
    for _ in range(times):
        begun = house.now
        await house.receive(message(alert(DISK_FULL, at(begun))))
        await house.advance(minutes=1)
        await house.receive(message(alert(DISK_FULL, at(begun), at(house.now))))
        await house.advance(hours=2)


async def test_the_same_alert_again_and_again_is_one_proposal_that_gathers_the_later_ones() -> None:
    house = await House(site(), START).open()
    await fire_and_end(house, 2)
    assert problems(house) == []
    await fire_and_end(house, 2)
    (problem,) = problems(house)
    assert (problem.origin, problem.facts["count"], len(problem.incidents)) == (Origin.RECURRENCE, 3, 4)


async def test_a_declined_recurrence_is_proposed_again_only_by_what_comes_after() -> None:
    house = await House(site(), START).open()
    await fire_and_end(house, 3)
    (problem,) = problems(house)
    await house.do(ProblemActed(problem.number, ProblemAction.DECLINE, {"reason": "the vendor knows"}, DORA))
    await house.advance(minutes=1)
    await house.restart()
    await fire_and_end(house, 2)
    assert problems(house) == []
    await fire_and_end(house, 1)
    assert len(problems(house)) == 1


async def test_a_problem_and_its_incidents_survive_a_restart() -> None:
    house, incident = await opened()
    made = await house.do(ProblemOpened({"title": "disks fill", "incidents": [incident.number]}, ANA))
    await house.restart()
    assert problems(house) == [made]
    assert house.incident(incident.number).linked(PROBLEM) == [made.number]
    known = {"root_cause": "no rotation", "workaround": "delete logs"}
    done = await house.do(ProblemActed(made.number, ProblemAction.DIAGNOSE, known, ANA))
    assert done.state is ProblemState.KNOWN_ERROR
    assert "problem_acted" in await kinds(house, incident)


# changes


async def test_a_change_is_raised_from_an_incident_that_then_waits_for_it() -> None:
    house, incident = await opened()
    await house.act(incident.number, "acknowledge")
    house.sent.clear()
    await house.act(incident.number, "raise-change", RFC)
    assert (incident.state, incident.linked(CHANGE)) == (State.PENDING_CHANGE, ["CHG-0001"])
    assert house.pages == ["pat"]
    change = house.desk.casebook.change("CHG-0001")
    assert (change.author, change.incident, change.state) == ("ana", incident.number, ChangeState.REQUESTED)


@pytest.mark.parametrize(
    ("acts", "state"),
    [
        ([(ChangeAction.REFUSE, {"reason": "too risky"})], ChangeState.REFUSED),
        ([(ChangeAction.APPROVE, {}), (ChangeAction.COMPLETE, {"note": "done"})], ChangeState.DONE),
        ([(ChangeAction.APPROVE, {}), (ChangeAction.BACK_OUT, {"note": "undone"})], ChangeState.BACKED_OUT),
    ],
)
async def test_the_end_of_a_change_brings_its_incident_back_to_work(acts: list[Any], state: ChangeState) -> None:
    house, incident = await opened()
    await house.act(incident.number, "acknowledge")
    await house.act(incident.number, "raise-change", RFC)
    await house.restart()
    house.sent.clear()
    for action, body in acts:
        assert house.incident(incident.number).state is State.PENDING_CHANGE
        change = await house.do(ChangeActed("CHG-0001", action, body, PAT))
    assert change.state is state
    assert house.incident(incident.number).state is State.IN_PROGRESS
    assert house.pages == ["ana"]
    assert {"change_acted", "resumed"} <= set(await kinds(house, incident))


async def test_nobody_approves_the_change_they_raised() -> None:
    house, incident = await opened()
    await house.act(incident.number, "raise-change", RFC, who="pat")
    with pytest.raises(Forbidden, match="raised by pat"):
        await house.do(ChangeActed("CHG-0001", ChangeAction.APPROVE, {}, PAT))
    await house.do(ChangeActed("CHG-0001", ChangeAction.APPROVE, {}, DORA))
    assert house.desk.casebook.change("CHG-0001").approver == "dora"


async def test_waiting_for_a_change_needs_one_that_is_still_to_come() -> None:
    house, incident = await opened()
    await house.act(incident.number, "acknowledge")
    with pytest.raises(Missing) as refused:
        await house.act(incident.number, "suspend", {"for": "change", "reason": "window"})
    assert refused.value.fields == ["raise-change"]
    await house.act(incident.number, "raise-change", RFC)
    await house.act(incident.number, "resume")
    await house.act(incident.number, "suspend", {"for": "change", "reason": "window"})
    await house.do(ChangeActed("CHG-0001", ChangeAction.WITHDRAW, {"reason": "no need"}, ANA))
    with pytest.raises(Missing, match="have all ended"):
        await house.act(incident.number, "suspend", {"for": "change", "reason": "window"})


# configuration items


async def test_an_incident_is_linked_with_the_items_of_its_alerts() -> None:
    _, incident = await opened()
    assert incident.linked(ITEM) == ["db-1"]


async def test_an_item_that_changes_during_handling_is_written_back_and_ends_when_it_says() -> None:
    house, incident = await opened()
    until = START + timedelta(hours=1)
    await house.do(ItemEdited("db-1", {"location": "room 2"}, "moved", ANA, until, incident.number))
    assert house.desk.config.topology["db-1"].location == "room 2"
    assert "item_changed" in await kinds(house, incident)
    await house.restart()
    assert house.desk.register.items["db-1"].location == "room 2"
    await house.advance(hours=1)
    assert house.desk.register.items["db-1"].location == "room 1"


async def test_a_new_criticality_decides_the_severity_of_the_next_alert() -> None:
    config = site()
    house = await House(config, START).open()
    odd = {"alertname": "Oddity", "instance": "till-1", "severity": "emergency"}
    await house.do(ItemEdited("till-1", {"criticality": "critical"}, "it earns the money", PAT, new=True))
    await house.receive(message(alert(odd)))
    assert (house.incidents()[0].impact, house.incidents()[0].severity) == (1, 1)
    with pytest.raises(Forbidden, match="criticality of an item is for ops, pm"):
        await house.do(ItemEdited("till-1", {"criticality": "low"}, "quiet", ANA))


async def test_work_on_a_restricted_item_waits_until_an_engineer_has_confirmed_the_customers_rule() -> None:
    house, incident = await opened({**DISK_FULL, "instance": "x", "team": "vault"})
    await house.act(incident.number, "acknowledge")
    for action, body in (("resolve", RESOLVE), ("feedback", {"known_error": "disk-space-low", "outcome": "used"})):
        with pytest.raises(Missing, match="vault: two people") as refused:
            await house.act(incident.number, action, body)
        assert refused.value.fields == ["confirm-rule"]
    await house.act(incident.number, "confirm-rule")
    assert incident.rules_confirmed == {"vault": "ana"}
    await house.act(incident.number, "feedback", {"known_error": "disk-space-low", "outcome": "used"})
    assert incident.linked(KNOWN_ERROR) == ["disk-space-low"]
    await house.act(incident.number, "resolve", RESOLVE)
    assert incident.state is State.RESOLVED


# major incidents


async def test_one_declared_by_hand_is_escalated_at_once_and_reviewed_before_the_archive() -> None:
    house, incident = await opened()
    await house.act(incident.number, "acknowledge")
    house.sent.clear()
    await house.act(incident.number, "declare-major", {"reason": "all tills stand", "commander": "dora"})
    assert incident.commander == "dora"
    assert {"pat", "dora"} <= set(house.pages)
    assert [p.origin for p in problems(house)] == [Origin.MAJOR]
    await house.act(incident.number, "resolve", RESOLVE)
    await house.act(incident.number, "accept", {"by": "customer", "via": "phone"})
    final = {"final_category": "storage/disk_space", "final_severity": 2}
    with pytest.raises(Missing) as refused:
        await house.act(incident.number, "archive", final, who="pat")
    assert refused.value.fields == ["review"]
    await house.act(incident.number, "review", {"cause": "no rotation", "actions": ["rotate"]}, who="pat")
    await house.act(incident.number, "archive", final, who="pat")
    assert incident.state is State.ARCHIVED


async def test_a_raise_to_the_highest_severity_makes_it_major_and_takes_its_proposal_up() -> None:
    house, incident = await opened()
    await house.act(incident.number, "acknowledge")
    await house.advance(hours=30)
    assert [p.state for p in problems(house)] == [ProblemState.PROPOSED]
    await house.act(incident.number, "set-severity", {"severity": 1, "reason": "it spreads"}, who="pat")
    assert incident.major is not None
    assert [(p.state, p.origin) for p in problems(house)] == [(ProblemState.OPEN, Origin.MAJOR)]


async def test_people_who_are_nobody_command_nothing() -> None:
    house, incident = await opened()
    with pytest.raises(Missing, match="no person 'nobody'"):
        await house.act(incident.number, "declare-major", {"reason": "x", "commander": "nobody"}, who="pat")
    assert incident.major is None
