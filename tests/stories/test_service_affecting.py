"""Whether a service is affected is what the rules say of the alerts, until a person says it (procedure R11)."""

import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from agent.configuration.load import load
from agent.intents import RecordEdited
from agent.rehearsal.house import House
from correlation.incident import Incident
from correlation.permission import Actor
from tests.house import START, alert, message

SITE = Path(__file__).parents[1] / "scenarios" / "procedure"
RULES = """
join: [{id: host, match: {}, join_by: [instance], window: 15m}]
classification:
  - {id: full, match: {alertname: DiskFull}, set: {category: storage, group: sys-ops, service_affecting: false}}
  - {id: down, match: {alertname: PgDown}, set: {category: database, group: sys-ops, service_affecting: true}}
  - {id: slow, match: {alertname: PgSlow}, set: {category: database, group: sys-ops}}
"""
FULL, DOWN, SLOW = ({"alertname": name, "instance": "db-1"} for name in ("DiskFull", "PgDown", "PgSlow"))
SAID = ("service_affecting", "service_affecting_rule")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    site = Path(shutil.copytree(SITE, tmp_path / "site"))
    (site / "rules.yaml").write_text(RULES)
    made = await House(load(site), START).open()
    yield made
    await made.close()


async def receive(house: House, labels: Mapping[str, str]) -> Incident:
    await house.receive(message(alert(labels)))
    (incident,) = house.incidents()
    return incident


def said(incident: Incident) -> tuple[bool | None, str | None]:
    return incident.form.get(SAID[0]), incident.form.get(SAID[1])


async def test_an_alert_that_says_so_makes_it_service_affecting_and_none_takes_it_back(house: House) -> None:
    assert said(await receive(house, SLOW)) == (None, None), "no rule says anything of it"
    assert said(await receive(house, FULL)) == (False, "full")
    assert said(await receive(house, DOWN)) == (True, "down")
    assert said(await receive(house, {**FULL, "mountpoint": "/srv"})) == (True, "down")
    (told,) = [f for _, kind, _, f in await house.timeline(house.incidents()[0].number) if kind == "service_affected"]
    assert told == {"alertname": "PgDown", "rule": "down"}
    await house.restart()
    assert said(house.incidents()[0]) == (True, "down")


@pytest.mark.parametrize("word", [True, False])
async def test_a_persons_word_stands_over_what_later_alerts_say(word: bool, house: House) -> None:
    incident = await receive(house, FULL)
    desk = Actor("desk", frozenset({"desk"}))
    await house.do(RecordEdited(incident.number, incident.version, {"service_affecting": word}, desk))
    assert said(await receive(house, DOWN)) == (word, None)
    assert said(await receive(house, {**FULL, "mountpoint": "/srv"})) == (word, None)


async def test_what_is_merged_in_brings_what_was_said_of_the_service(house: House) -> None:
    await house.receive(message(alert({**FULL, "instance": "db-1"}), alert({**DOWN, "instance": "db-2"})))
    one, two = house.incidents()
    await house.act(two.number, "merge", {"into": one.number}, who="desk")
    assert said(house.incident(one.number)) == (True, "down")


async def test_a_report_that_a_rule_knows_is_judged_too_unless_it_says_so_itself(house: House) -> None:
    reported = await house.report({"title": "the till is slow", "alertname": "PgDown"})
    assert said(reported) == (True, "down")
    told = await house.report({"title": "the till is slow", "alertname": "PgDown", "service_affecting": False})
    assert said(told) == (False, None)
