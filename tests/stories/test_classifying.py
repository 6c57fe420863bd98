"""What waits at the desk to be classified and graded is told, once, when it has waited too long (procedure R51)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.configuration.load import load
from agent.rehearsal.house import House
from correlation.incident import Incident, State
from tests.house import START, alert, message

SITE = Path(__file__).parents[1] / "scenarios" / "procedure"
ODD = {"alertname": "SomethingNobodyKnows", "instance": "db-1"}
ALARM = "unclassified"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(load(SITE), START).open()
    yield made
    await made.close()


def alarmed(house: House) -> list[tuple[str, str]]:
    return [(s.step, s.person) for s in house.sent if ALARM in s.step]


async def odd(house: House) -> Incident:
    await house.receive(message(alert(ODD)))
    (incident,) = house.incidents()
    return incident


async def test_what_no_rule_knows_is_told_to_the_desk_and_the_project_manager_once_after_ten_minutes(
    house: House,
) -> None:
    incident = await odd(house)
    assert (incident.state, incident.category, incident.group) == (State.NEW, "unclassified", "desk")
    assert house.desk.agenda.due_of(incident.id) == START + timedelta(minutes=10), "it is what it waits for next"
    await house.advance(minutes=9, seconds=59)
    assert not alarmed(house)
    await house.advance(seconds=1)
    assert alarmed(house) == [("3/unclassified", "desk"), ("3/unclassified", "pat")]
    await house.restart()
    await house.advance(days=1)
    assert len(alarmed(house)) == 2


async def test_a_restart_before_it_and_one_after_it_change_nothing(house: House) -> None:
    await odd(house)
    await house.advance(minutes=5)
    await house.restart()
    await house.advance(minutes=5)
    await house.restart()
    await house.advance(hours=1)
    assert [person for _, person in alarmed(house)] == ["desk", "pat"]


@pytest.mark.parametrize(
    ("action", "body", "who"),
    [
        ("classify", {"category": "network/link"}, "desk"),
        ("assign", {"group": "net-ops"}, "desk"),
        ("acknowledge", {}, "desk"),
        ("cancel", {"reason": "a test"}, "desk"),
    ],
)
async def test_what_has_left_the_queue_is_waited_for_no_more(
    action: str, body: dict[str, Any], who: str, house: House
) -> None:
    incident = await odd(house)
    await house.act(incident.number, action, body, who=who)
    rows = await house.writer.fetch("SELECT outcome FROM step WHERE key = '3/unclassified'")
    assert rows == [("cancelled",)]
    await house.advance(hours=1)
    assert not alarmed(house)


async def test_a_raise_of_its_severity_does_not_classify_it(house: House) -> None:
    incident = await odd(house)
    await house.act(incident.number, "set-severity", {"severity": 2, "reason": "it spreads"}, who="desk")
    await house.advance(minutes=10)
    assert [person for _, person in alarmed(house)] == ["desk", "pat"]


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"category": "network/link"}, True, id="no grade"),
        pytest.param({"urgency": 4, "impact": 4}, True, id="no category"),
        pytest.param({"category": "network/link", "urgency": 4, "impact": 4}, False, id="both"),
    ],
)
async def test_a_report_waits_for_category_and_grade(said: dict[str, Any], waits: bool, house: House) -> None:
    await house.report({"title": "something is odd", **said}, who="ana")
    await house.advance(minutes=10)
    assert bool(alarmed(house)) is waits


async def test_a_pack_without_a_desk_waits_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "tocsin.yaml").write_text(
        "pack: on-call-only\nnotifiers: {hook: {type: recording}}\nfallback: [ana]\n"
        "sources: {am: {type: alertmanager, token: a-token-of-am}}\n"
    )
    (tmp_path / "people.yaml").write_text(
        "people: {ana: {name: Ana, roles: [l1], groups: [sys-ops], contacts: [{notifier: hook, to: ana}]}}\n"
    )
    house = await House(load(tmp_path), START).open()
    await odd(house)
    await house.advance(hours=1)
    assert not alarmed(house)
    await house.close()
