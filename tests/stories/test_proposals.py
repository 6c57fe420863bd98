"""What is out of scope, or really a change, is proposed with the rule that says so; a person decides (R6, R48)."""

import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.configuration.faults import ConfigFaults
from agent.configuration.load import load
from agent.intents import RecordEdited
from agent.rehearsal.house import House
from correlation.incident import CHANGE, Incident, State
from correlation.permission import Actor
from tests.house import START, alert, message

SITE = Path(__file__).parents[1] / "scenarios" / "procedure"
SERVICES = """
customers:
  acme: {name: Acme, contacts: [{notifier: mail, to: it@acme.example}]}
  bolt: {name: Bolt, contacts: [{notifier: mail, to: it@bolt.example}]}
services:
  portal: {customers: [acme], match: {service: portal}}
  intranet: {customers: [acme], match: {service: intranet}}
  vault: {customers: [acme]}
  shop: {customers: [acme]}
contracts:
  portal-2026: {customer: acme, services: [portal], valid_from: 2026-01-01, valid_until: 2026-12-31}
  old-lan: {customer: acme, services: [intranet], valid_until: 2025-12-31}
  vaults: {customer: acme, items: [vault-1], services: [vault]}
  evenings: {customer: acme, services: [shop], hours: business}
"""
RULES = """
classification:
  - {id: portal, match: {service: portal}, set: {category: application, group: app-ops}}
  - {id: move, match: {alertname: MoveWanted}, set: {category: request/move, group: app-ops, kind: change_request}}
"""
CLASSIFICATION = """
classification:
  changes:
    categories: [request/standard_change]
    standard:
      request/access: {risk: low, plan: grant the role asked for, back_out: take it away again}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    copied = Path(shutil.copytree(SITE, tmp_path / "site"))
    for name, text in (("services", SERVICES), ("rules", RULES), ("classification", CLASSIFICATION)):
        (copied / f"{name}.yaml").write_text(text)
    return copied


@pytest.fixture
async def house(site: Path) -> AsyncIterator[House]:
    made = await House(load(site), START).open()
    yield made
    await made.close()


async def reported(house: House, who: str = "desk", **more: Any) -> Incident:
    return await house.report({"title": "it does not work", "urgency": 3, "impact": 3, **more}, who=who)


def verdict(incident: Incident) -> tuple[str, dict[str, Any]] | None:
    held = incident.form.get("scope")
    return (held["code"], held["facts"]) if held else None


def told(house: House, step: str) -> list[str]:
    return [s.person for s in house.sent if step in s.step]


# scope


@pytest.mark.parametrize(
    ("said", "code", "facts"),
    [
        pytest.param({"service": "portal"}, "covered", {"contract": "portal-2026"}, id="covered"),
        pytest.param({"customer": "acme"}, "covered", {"contract": "portal-2026"}, id="nobody says of which service"),
        pytest.param(
            {"service": "intranet"}, "contract_over", {"contract": "old-lan", "valid_until": "2025-12-31"}, id="over"
        ),
        pytest.param({"customer": "Bolt"}, "no_contract", {"customer": "bolt"}, id="a customer without one, by name"),
        pytest.param({"customer": "Passer-by"}, "no_contract", {"customer": "Passer-by"}, id="no customer of ours"),
        pytest.param(
            {"customer": "acme", "service": "fax"},
            "service_not_covered",
            {"contract": "portal-2026", "service": "fax"},
            id="a service of none",
        ),
        pytest.param({"service": "vault", "affected_items": ["vault-1"]}, "covered", {"contract": "vaults"}, id="item"),
    ],
)
async def test_a_report_is_judged_by_the_contracts_and_the_rule_is_kept(
    said: dict[str, Any], code: str, facts: dict[str, Any], house: House
) -> None:
    incident = await reported(house, **said)
    assert verdict(incident) == (code, facts)
    assert bool(told(house, "out_of_scope_proposed")) is (code != "covered")
    assert incident.state is State.NEW, "a person decides"
    await house.restart()
    assert verdict(house.incident(incident.number)) == (code, facts)


async def test_where_nobody_says_whose_it_is_nothing_is_judged(house: House) -> None:
    assert verdict(await reported(house)) is None
    await house.receive(message(alert({"alertname": "Odd"})))
    assert [verdict(incident) for incident in house.incidents()] == [None, None]


@pytest.mark.parametrize(("hour", "code"), [(2, "covered"), (12, "outside_hours")])
async def test_a_contract_may_cover_certain_hours_alone(hour: int, code: str, house: House) -> None:
    """The provider's business hours are 9 to 18 in Shanghai: 01:00 to 10:00 UTC."""
    await house.advance_to(datetime(2026, 3, 3, hour, tzinfo=START.tzinfo))
    incident = await reported(house, service="shop")
    assert (verdict(incident) or ("", {}))[0] == code


async def test_an_item_that_the_contract_does_not_name_is_out_of_scope(site: Path) -> None:
    (site / "topology.yaml").write_text("configuration_items: {vault-1: {kind: host}, vault-2: {kind: host}}\n")
    house = await House(load(site), START).open()
    incident = await reported(house, service="vault", affected_items=["vault-2"])
    assert verdict(incident) == ("items_not_covered", {"contract": "vaults", "items": ["vault-2"]})
    await house.close()


async def test_the_ladder_goes_on_until_a_person_has_decided(house: House) -> None:
    await house.receive(message(alert({"alertname": "CapsuleOpened", "service": "intranet", "severity": "critical"})))
    (incident,) = house.incidents()
    assert (verdict(incident) or ("", {}))[0] == "contract_over"
    assert told(house, "out_of_scope_proposed") == ["desk"], "one page says it, and that there is an incident"
    before = len(house.sent)
    await house.advance(hours=1)
    assert {"2/r50", "2/r100"} <= {s.step for s in house.sent[before:]}
    await house.act(incident.number, "out-of-scope", {"reason": "the contract is over"}, who="desk")
    before = len(house.sent)
    await house.advance(days=2)
    assert not [s for s in house.sent[before:] if s.incident == incident.number]
    assert len(told(house, "out_of_scope_proposed")) == 1


async def test_it_is_judged_again_when_the_record_says_more(house: House) -> None:
    incident = await reported(house)
    desk = Actor("desk", frozenset({"desk"}))
    changes = ({"customer": "bolt"}, {"customer": "acme"}, {"customer": "bolt"}, {"site": "hall 3"})
    codes = []
    for change in changes:
        incident = await house.do(RecordEdited(incident.number, incident.version, change, desk))
        codes.append((verdict(incident) or ("", {}))[0])
    assert codes == ["no_contract", "covered", "no_contract", "no_contract"]
    proposed = [f for _, kind, _, f in await house.timeline(incident.number) if kind == "out_of_scope_proposed"]
    assert len(proposed) == 2


async def test_what_sales_took_up_is_not_proposed_again(house: House) -> None:
    incident = await reported(house, service="intranet")
    for action, body, who in (
        ("out-of-scope", {"reason": "the contract is over"}, "desk"),
        ("to-sales", {}, "desk"),
        ("sales-decide", {"accept": True, "reason": "they pay"}, "sam"),
    ):
        await house.act(incident.number, action, body, who=who)
    desk = Actor("desk", frozenset({"desk"}))
    taken = house.incident(incident.number)
    await house.do(RecordEdited(taken.number, taken.version, {"customer": "bolt"}, desk))
    assert len(told(house, "out_of_scope_proposed")) == 1


async def test_a_contract_that_is_over_promises_nothing_any_more(site: Path) -> None:
    (site / "services.yaml").write_text(
        SERVICES.replace("valid_until: 2025-12-31}", "valid_until: 2025-12-31, sla: {3: {resolve: 1h}}}")
    )
    house = await House(load(site), START).open()
    incident = await reported(house, service="intranet")
    assert incident.resolve_due_at == START + timedelta(hours=48)
    await house.close()


def test_a_contract_that_ends_before_it_begins_is_refused(site: Path) -> None:
    (site / "services.yaml").write_text(SERVICES.replace("valid_from: 2026-01-01", "valid_from: 2027-01-01"))
    with pytest.raises(ConfigFaults, match=r"services.yaml:\d+:\d+: .*before valid_from 2027-01-01: swap them"):
        load(site)


# changes


async def test_what_is_really_a_change_is_proposed_once_and_a_person_raises_it(house: House) -> None:
    incident = await reported(house, kind="change_request")
    assert told(house, "change_proposed") == ["desk"]
    assert not incident.linked(CHANGE), "nothing is raised without a person"
    await house.act(incident.number, "note", {"text": "asked which room"}, who="desk")
    assert told(house, "change_proposed") == ["desk"]
    await house.act(incident.number, "acknowledge", who="desk")
    body = {"title": "move it", "risk": "low", "plan": "at noon", "back_out": "move it back"}
    await house.act(incident.number, "raise-change", body, who="desk")
    held = house.incident(incident.number)
    assert (held.state, len(held.linked(CHANGE))) == (State.PENDING_CHANGE, 1), "it is still tracked"


async def test_a_rule_says_that_an_alert_is_a_change(house: House) -> None:
    await house.receive(message(alert({"alertname": "MoveWanted"})))
    (incident,) = house.incidents()
    assert (incident.kind, incident.form["is_change"]["code"]) == ("change_request", "kind_is_change")
    assert told(house, "change_proposed") == ["desk"]


async def test_the_desks_classification_and_an_edit_propose_it_too(house: House) -> None:
    one, two = await reported(house), await reported(house)
    await house.act(one.number, "classify", {"category": "request/standard_change"}, who="desk")
    desk = Actor("desk", frozenset({"desk"}))
    await house.do(RecordEdited(two.number, two.version, {"kind": "change_request"}, desk))
    whys = [house.incident(i.number).form["is_change"]["code"] for i in (one, two)]
    assert whys == ["category_is_change", "kind_is_change"]
    await house.settle()
    assert told(house, "change_proposed") == ["desk", "desk"]


async def test_a_standard_change_of_the_pack_is_raised_by_the_agent_and_approved_by_a_person(house: House) -> None:
    incident = await reported(house, category="request/access")
    (number,) = house.incident(incident.number).linked(CHANGE)
    change = house.desk.casebook.change(number)
    assert (change.author, change.plan, change.state) == ("agent", "grant the role asked for", "requested")
    assert (told(house, "change_proposed"), told(house, "/change")) == ([], ["pat"])
    await house.act(incident.number, "note", {"text": "asked"}, who="desk")
    assert len(house.incident(incident.number).linked(CHANGE)) == 1
