"""A route that goes on: the group that has the incident is paged, others are told besides."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.rehearsal.house import House
from correlation.classify import Route
from tests.house import DISK_FULL, START, alert, message, site

ROUTES = [
    {"id": "experts", "match": ['severity="critical"'], "group": "net-ops", "continue": True},
    {"id": "disks", "match": ['alertname="DiskFull"'], "group": "sys-ops"},
]


@pytest.fixture
async def besides() -> AsyncIterator[House]:
    config = site()
    noa = config.people["luis"].model_copy(update={"name": "Noa", "groups": ["net-ops"]})
    routes = [Route.model_validate(route) for route in ROUTES]
    classification = config.classification.model_copy(update={"routes": routes})
    people = {**config.people, "noa": noa}
    made = await House(replace(config, classification=classification, people=people), START).open()
    yield made
    await made.close()


async def test_the_group_told_besides_is_told_once_and_the_ladder_is_that_of_the_group_that_has_it(
    besides: House,
) -> None:
    await besides.receive(message(alert(DISK_FULL)))
    (incident,) = besides.incidents()
    assert incident.group == "sys-ops"
    await besides.advance(hours=1)
    assert [(s.at, s.step) for s in besides.sent if s.person == "noa"] == [(START, "2/told_besides")]
    alone = await House(site(), START).open()
    await alone.receive(message(alert(DISK_FULL)))
    await alone.advance(hours=1)
    assert [s for s in besides.sent if s.person != "noa"] == alone.sent
    await alone.close()
    lines = [facts for _, kind, _, facts in await besides.timeline(incident.number) if kind == "opened"]
    assert lines[0]["also"] == ["net-ops"]


async def test_whoever_was_told_besides_may_take_it_and_nobody_is_called_any_more(besides: House) -> None:
    await besides.receive(message(alert(DISK_FULL)))
    number = besides.incidents()[0].number
    await besides.act(number, "acknowledge", who="noa")
    assert besides.incident(number).assignee == "noa"
    await besides.advance(hours=1)
    assert not {"2/r50", "2/r100"} & {s.step for s in besides.sent}


async def test_what_no_route_that_goes_on_matches_is_told_to_its_group_alone(besides: House) -> None:
    await besides.receive(message(alert({**DISK_FULL, "severity": "warning"})))
    await besides.advance(timedelta(hours=1))
    assert besides.pages
    assert "noa" not in besides.pages


async def test_a_restart_tells_nobody_again(besides: House) -> None:
    await besides.receive(message(alert(DISK_FULL)))
    await besides.restart()
    await besides.advance(hours=1)
    assert besides.pages.count("noa") == 1


HOST_DOWN = {"alertname": "HostDown", "instance": "db-1:9100", "severity": "warning"}
ITS_DATABASE = {"alertname": "PostgresDown", "instance": "db-1:9187", "severity": "warning", "team": "net"}
OF_TEAMS = [
    {"id": "net", "match": ['team="net"'], "group": "net-ops"},
    {"id": "rest", "match": [], "group": "sys-ops"},
]


@pytest.fixture
async def teams() -> AsyncIterator[House]:
    config = site()
    noa = config.people["luis"].model_copy(update={"name": "Noa", "groups": ["net-ops"]})
    routes = [Route.model_validate(route) for route in OF_TEAMS]
    classification = config.classification.model_copy(update={"routes": routes})
    made = await House(
        replace(config, classification=classification, people={**config.people, "noa": noa}), START
    ).open()
    yield made
    await made.close()


async def test_a_team_hears_of_its_alert_that_joins_the_incident_of_another_once(teams: House) -> None:
    """The host explains the database; those who would have been paged for it alone are told all the same."""
    await teams.receive(message(alert(HOST_DOWN)))
    await teams.advance(seconds=10)
    assert "noa" not in teams.pages
    await teams.receive(message(alert(ITS_DATABASE)))
    await teams.advance(seconds=10)
    (incident,) = teams.incidents()
    assert incident.group == "sys-ops"
    assert [(s.step, s.incident) for s in teams.sent if s.person == "noa"] == [("2/told_besides", incident.number)]
    await teams.restart()
    await teams.receive(message(alert({**ITS_DATABASE, "alertname": "MysqlDown"})))
    await teams.advance(minutes=5)
    assert teams.pages.count("noa") == 1
    await teams.act(incident.number, "acknowledge", who="noa")
    assert teams.incident(incident.number).assignee == "noa"


async def test_who_is_called_for_the_incident_is_not_told_besides(teams: House) -> None:
    """One message with both: the people of the incident's own group are about to be paged."""
    people = {
        **teams.config.people,
        "noa": teams.config.people["noa"].model_copy(update={"groups": ["sys-ops", "net-ops"]}),
    }
    house = await House(replace(teams.config, people=people, schedules={}), START).open()
    await house.receive(message(alert(HOST_DOWN), alert(ITS_DATABASE)))
    await house.advance(minutes=1)
    assert not [s for s in house.sent if "besides" in s.step]
    await house.close()
