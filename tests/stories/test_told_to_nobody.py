"""A route with `pages: false`: what it takes is kept and shown, and nobody is told of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from agent.intents import ConfigChanged
from agent.rehearsal.house import House
from correlation.classify import Route
from correlation.own import own_alert
from tests.house import DISK_FULL, START, alert, message, site

NONE = {"id": "none", "match": ['severity="none"'], "pages": False}
EXPERTS = {"id": "experts", "match": ['team="net"'], "group": "net-ops", "continue": True}
REST = {"id": "rest", "match": [], "group": "sys-ops"}
NOISE = {**DISK_FULL, "severity": "none"}


def with_routes(*routes: dict[str, Any]) -> Any:
    config = site()
    made = [Route.model_validate(route) for route in routes]
    return replace(config, classification=config.classification.model_copy(update={"routes": made}))


@pytest.fixture
async def quiet() -> AsyncIterator[House]:
    made = await House(with_routes(NONE, EXPERTS, REST), START).open()
    yield made
    await made.close()


async def decisions(house: House) -> list[str]:
    return [row[0] for row in await house.writer.fetch("SELECT decision FROM episode ORDER BY alert_id")]


async def test_nobody_is_told_and_the_alert_is_kept_with_its_reason(quiet: House) -> None:
    await quiet.receive(message(alert(NOISE)))
    await quiet.advance(hours=8)
    assert (quiet.incidents(), quiet.pages) == ([], [])
    ((decision, why),) = await quiet.writer.fetch("SELECT decision, why FROM episode")
    assert decision == "suppressed"
    assert "told_to_nobody" in str(why)
    assert "none" in str(why)


async def test_what_another_route_takes_pages_as_ever(quiet: House) -> None:
    await quiet.receive(message(alert(NOISE), alert(DISK_FULL)))
    await quiet.advance(hours=1)
    assert len(quiet.incidents()) == 1
    assert quiet.pages


async def test_what_a_route_that_goes_on_matches_too_is_for_its_group(quiet: House) -> None:
    """As an Alertmanager has it: the receiver of the route with `continue` is told."""
    routes = with_routes(EXPERTS, NONE, REST)
    house = await House(routes, START).open()
    await house.receive(message(alert({**NOISE, "team": "net"})))
    (incident,) = house.incidents()
    assert incident.group == "net-ops"
    await house.close()


async def test_a_reload_that_takes_the_route_away_pages_what_fires_still(quiet: House) -> None:
    await quiet.receive(message(alert(NOISE)))
    await quiet.restart()
    await quiet.advance(minutes=1)
    assert await decisions(quiet) == ["suppressed"], "a restart forgets nothing"
    quiet.config = replace(with_routes(REST), version=quiet.config.version + 1)
    await quiet.do(ConfigChanged(quiet.config, "root"))
    await quiet.advance(minutes=1)
    assert len(quiet.incidents()) == 1
    assert quiet.pages


async def test_troubles_of_our_own_are_told_whatever_routes_say() -> None:
    house = await House(with_routes({"id": "all", "match": [], "pages": False}), START).open()
    trouble = own_alert("ClockJumped", {}, "the clock jumped", house.now)
    await house.find([trouble])
    assert [incident.title for incident in house.incidents()] == ["the clock jumped"]
    await house.close()


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ({"id": "a", "match": []}, "write its group"),
        ({"id": "a", "match": [], "continue": True, "pages": False}, "goes on"),
    ],
)
def test_a_route_is_of_a_group_or_of_nobody(route: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Route.model_validate(route)
