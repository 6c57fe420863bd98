"""A vendor is called beside our own clock, and the customer is asked afterwards (procedure R64, R85-R87)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.rehearsal.house import House
from correlation.incident import Incident, State
from correlation.permission import Forbidden
from correlation.vendor import calls_of
from escalation.vendor import Vendor
from tests.house import DISK_FULL, START, alert, at, message, site

ACME = Vendor(name="Acme", response=timedelta(minutes=30), resolve=timedelta(hours=4))
UNSATISFIED = {"reached": True, "score": 2, "persists": False, "remark": "too slow"}
CALL = {"vendor": "acme", "ticket": "T-1", "note": "the array is dead"}


async def worked_on() -> tuple[House, Incident]:
    house = await House(replace(site(), vendors={"acme": ACME}), START).open()
    await house.receive(message(alert(DISK_FULL)))
    incident = house.incidents()[0]
    await house.act(incident.number, "acknowledge")
    house.sent.clear()
    return house, incident


async def resolved(*then: str, held: tuple[House, Incident] | None = None) -> tuple[House, Incident]:
    house, incident = held or await worked_on()
    body = {"type": "permanent", "resolution": "r", "note": "n", "service_restored_at": at(house.now)}
    await house.act(incident.number, "resolve", body)
    bodies: dict[str, dict[str, Any]] = {
        "accept": {"by": "customer", "via": "phone"},
        "archive": {"final_category": "storage/disk_space", "final_severity": 2},
    }
    for action in then:
        await house.act(incident.number, action, bodies[action], who="pat")
    house.sent.clear()
    return house, incident


async def kinds(house: House, incident: Incident) -> list[str]:
    return [kind for _, kind, _, _ in await house.timeline(incident.number)]


async def test_a_vendors_clock_runs_beside_ours_and_the_desk_is_told() -> None:
    house, incident = await worked_on()
    ours = incident.resolve_due_at
    await house.advance(minutes=10)
    await house.act(incident.number, "call-vendor", CALL)
    assert (incident.state, incident.tier, incident.resolve_due_at) == (State.IN_PROGRESS, "vendor", ours)
    assert house.pages == ["desk"]
    assert "desk_informed" in house.sent[0].step
    assert [k for k in await kinds(house, incident) if k in ("vendor_called", "desk_informed")] == [
        "vendor_called",
        "desk_informed",
    ]
    await house.restart()
    (called,) = calls_of(house.incident(incident.number).targets)
    assert (called["at"], called["by"]) == (at(START + timedelta(minutes=10)), "ana")
    assert called["response_due_at"] == at(START + timedelta(minutes=40))
    assert called["resolve_due_at"] == at(START + timedelta(hours=4, minutes=10))


async def test_a_vendor_that_promised_nothing_has_a_clock_without_an_end() -> None:
    house, incident = await worked_on()
    await house.act(incident.number, "call-vendor", {"vendor": "blox", "note": "their switch"})
    (called,) = calls_of(incident.targets)
    assert (called["response_due_at"], called["resolve_due_at"]) == (None, None)


async def test_the_desk_is_told_of_each_call_though_the_incident_is_snoozed() -> None:
    house, incident = await worked_on()
    await house.act(incident.number, "snooze", {"until": at(START + timedelta(hours=1)), "reason": "lunch"})
    await house.act(incident.number, "call-vendor", CALL)
    await house.act(incident.number, "call-vendor", {**CALL, "note": "asked again"})
    await house.act(incident.number, "call-vendor", {**CALL, "note": "asked again"})
    assert house.pages == ["desk", "desk"]


@pytest.mark.parametrize("then", [(), ("accept",)], ids=["resolved", "in review"])
async def test_what_persists_comes_back_to_whoever_had_it_and_its_ladder_goes_on(then: tuple[str, ...]) -> None:
    house, incident = await resolved(*then)
    await house.act(incident.number, "callback", {"reached": True, "persists": True, "remark": "slow"}, who="desk")
    assert (incident.state, incident.assignee, house.pages) == (State.IN_PROGRESS, "ana", ["ana"])
    assert incident.next_due_at is not None
    await house.restart()
    assert house.incident(incident.number).resolution["reopened"] == 1


@pytest.mark.parametrize("then", [(), ("accept",)], ids=["resolved", "in review"])
@pytest.mark.parametrize(("hours", "told"), [(1, "pat"), (5, "dora")], ids=["pm is next", "pm was told at half time"])
async def test_an_unsatisfied_customer_is_told_one_level_up(then: tuple[str, ...], hours: int, told: str) -> None:
    house, incident = await worked_on()
    await house.advance(hours=hours)
    house, incident = await resolved(*then, held=(house, incident))
    was = incident.state
    await house.act(incident.number, "callback", UNSATISFIED, who="desk")
    assert house.pages == [told]
    assert "unsatisfied" in house.sent[0].step
    assert house.incident(incident.number).state is was


async def test_what_is_archived_keeps_the_callback_and_nothing_else_happens() -> None:
    house, incident = await resolved("accept", "archive")
    acted = await house.act(incident.number, "callback", UNSATISFIED, who="desk")
    assert (acted.state, house.pages) == (State.ARCHIVED, [])
    assert (await kinds(house, incident))[-1] == "called_back"
    assert acted.resolution["callbacks"][0]["score"] == 2


async def test_what_persists_and_leaves_unsatisfied_comes_back_and_goes_up() -> None:
    house, incident = await resolved()
    await house.act(incident.number, "callback", {"reached": True, "score": 1, "persists": True}, who="pat")
    assert set(house.pages) == {"ana", "pat"}
    assert [k for k in await kinds(house, incident) if k in ("called_back", "reopened", "unsatisfied")] == [
        "called_back",
        "reopened",
        "unsatisfied",
    ]


async def test_the_desk_and_the_project_manager_alone_call_back() -> None:
    house, incident = await resolved()
    with pytest.raises(Forbidden, match="callback may be done by desk, pm"):
        await house.act(incident.number, "callback", {"reached": True, "persists": True})
    assert incident.state is State.RESOLVED
