"""What was promised by contract, and what groups promise each other."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.configuration.site import Contract, Customer, Service
from agent.intents import ConfigChanged, PersonReported
from agent.rehearsal.house import House
from correlation.permission import Actor
from escalation.sla import Promise, strictest
from tests.house import DISK_FULL, START, alert, at, message, site

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DESK = Actor("desk", frozenset({"desk"}))


def promise(**given: Any) -> Promise:
    return Promise.model_validate(given)


def contracted() -> Any:
    config = site()
    customers = {name: Customer(name=name) for name in ("acme", "zeta")}
    services = {"portal": Service(customers=["acme", "zeta"], sla={2: promise(resolve="7h")})}
    contracts = {
        "gold": Contract(customer="acme", services=["portal"], sla={2: promise(resolve="2h", response="20m")}),
        "iron": Contract(customer="zeta", sla={2: promise(resolve="5h", response="10m")}),
    }
    groups = {**config.groups, "sys-ops": config.groups["sys-ops"].model_copy(update={"ola": promise(response="15m")})}
    groups["sys-expert"] = groups["sys-expert"].model_copy(update={"ola": promise(response="30m", resolve="3h")})
    return replace(config, customers=customers, services=services, contracts=contracts, groups=groups)


@pytest.fixture
async def home() -> AsyncIterator[House]:
    house = await House(contracted(), START).open()
    yield house
    await house.close()


async def opened(house: House) -> str:
    await house.receive(message(alert({**DISK_FULL, "service": "portal"})))
    return house.incidents()[0].number


async def test_of_several_contracts_the_strictest_holds_from_the_opening_on(home: House) -> None:
    incident = home.incident(await opened(home))
    assert incident.resolve_due_at == START + 2 * HOUR
    assert incident.response_due_at == START + 10 * MINUTE
    assert incident.targets["contracts"] == ["gold", "iron"]
    await home.do(ConfigChanged(replace(home.config, contracts={}, version=home.config.version + 1), "root"))
    await home.act(incident.number, "set-severity", {"severity": 1, "reason": "worse"}, "pat")
    await home.act(incident.number, "set-severity", {"severity": 2, "reason": "better"}, "pat")
    assert home.incident(incident.number).resolve_due_at == START + 2 * HOUR


@pytest.mark.parametrize(
    ("customer", "resolve", "response"),
    [("acme", 2 * HOUR, 20 * MINUTE), ("zeta", 5 * HOUR, 10 * MINUTE), ("nobody", 2 * HOUR, 10 * MINUTE)],
)
async def test_a_customer_that_the_record_names_has_their_own_contract(
    home: House, customer: str, resolve: timedelta, response: timedelta
) -> None:
    body = {"title": "slow", "urgency": 2, "impact": 2, "group": "sys-ops", "service": "portal", "customer": customer}
    incident = await home.do(PersonReported(body, DESK))
    assert (incident.resolve_due_at - START, incident.response_due_at - START) == (resolve, response)


def test_the_strictest_of_promises_keeps_them_all() -> None:
    one, other = promise(resolve="4h", calendar="business"), promise(resolve="6h", response="10m")
    assert strictest([one, other]) == promise(resolve="4h", response="10m", calendar="business")
    assert strictest([]) == Promise()


async def test_each_group_has_a_clock_of_its_own_from_when_it_came_to_it(home: House) -> None:
    number = await opened(home)
    await home.act(number, "acknowledge", who="ana")
    await home.advance(minutes=20)
    await home.act(number, "handover", {"to": "l2", "reason": "deep"}, "ana")
    await home.restart()
    first, second = home.incident(number).targets["stays"]
    assert (first["group"], first["response_due_at"], first["resolve_due_at"]) == (
        "sys-ops",
        at(START + 15 * MINUTE),
        None,
    )
    assert (second["group"], second["at"]) == ("sys-expert", at(START + 20 * MINUTE))
    assert first["left_at"] == second["at"]
    assert second["resolve_due_at"] == at(START + 3 * HOUR + 20 * MINUTE)
    await home.act(number, "note", {"text": "on it"}, "wei")
    assert len(home.incident(number).targets["stays"]) == 2


async def test_the_timetable_hands_the_clock_on_too(home: House) -> None:
    number = await opened(home)
    await home.act(number, "acknowledge", who="ana")
    await home.advance(minutes=31)
    assert [s["group"] for s in home.incident(number).targets["stays"]] == ["sys-ops", "sys-expert"]
