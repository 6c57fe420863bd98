"""The record form: every field of procedure 4.15 is taken and shown (R40-R47)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner

from agent.__main__ import main
from agent.configuration.site import Customer, Service
from agent.intents import ConfigChanged
from collectors.moment import moment_text
from escalation.roles import Contact
from tests.agent.http.serving import SITE, START, Served, served

FORM: dict[str, Any] = {
    "reporter_contact": "555-0134",
    "affected_user": "Li Wei",
    "affected_contact": "wei@example.org",
    "customer": "harbour",
    "owner": "desk",
    "site": "hall 3",
    "error_codes": ["E-17", "0x80"],
    "request": "a second screen",
    "impact_actual": "two tills stand",
    "impact_potential": "all tills",
    "service_affecting": True,
    "outage_start": "2026-03-02T08:30:00.000Z",
    "outage_end": "2026-03-02T08:50:00.000Z",
    "cause_code": "facility/power",
    "lessons": "label the breakers",
    "resolution_channel": "on site",
}


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def record(api: Served, number: str, as_: str = "desk") -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/api/v1/incidents/{number}", as_=as_)).body["record"]
    return found


async def test_a_report_fills_in_the_whole_form(api: Served) -> None:
    number = await api.report("till", reporter="Bob", symptom="dark", affected_items=["db-1"], **FORM)
    held = await record(api, number)
    assert {name: held[name] for name in FORM} == FORM
    assert (held["recorder"], held["reporter"], held["affected_items"]) == ("desk", "Bob", ["db-1"])
    assert [held[name] for name in ("accepted_at", "archived_at", "solved_tier")] == [None, None, None]
    assert held["proactive"] is False


async def test_the_form_is_completed_later_and_null_empties_a_field(api: Served) -> None:
    number = await api.report("till")
    edited = await api.call("PATCH", f"/api/v1/incidents/{number}", FORM, as_="desk", headers={"If-Match": "1"})
    assert edited.status == 200, edited.text
    assert {name: edited.body["record"][name] for name in FORM} == FORM
    version = {"If-Match": str(edited.body["version"])}
    emptied = {"site": None, "error_codes": None, "service_affecting": None}
    again = await api.call("PATCH", f"/api/v1/incidents/{number}", emptied, as_="desk", headers=version)
    held = again.body["record"]
    assert (held["site"], held["error_codes"], held["service_affecting"]) == ("", [], None)
    assert held["lessons"] == FORM["lessons"]


async def test_categories_and_severities_are_kept_apart_and_so_are_the_moments(api: Served) -> None:
    number = await api.report("till", category="application/unavailable", urgency=3, impact=3)
    await api.act(number, "acknowledge", as_="desk")
    await api.act(number, "classify", {"category": "facility/power"}, as_="desk")
    await api.act(number, "set-severity", {"severity": 2, "reason": "all tills"}, as_="desk")
    await api.act(number, "resolve", {"type": "permanent", "resolution": "fuse", "note": "new fuse"}, as_="desk")
    await api.act(number, "accept", {"by": "Bob", "via": "phone"}, as_="desk")
    await api.act(number, "archive", {"final_category": "facility/ups", "final_severity": 3})
    shown = (await api.get(f"/api/v1/incidents/{number}")).body
    held = shown["record"]
    assert (held["initial_category"], shown["category"], held["final_category"]) == (
        "application/unavailable",
        "facility/power",
        "facility/ups",
    )
    assert (shown["severity"], held["final_severity"]) == (2, 3)
    assert held["initial_severity"] > 2
    assert held["accepted_at"] is not None
    assert held["archived_at"] is not None
    assert held["solved_tier"] == shown["tier"]


async def test_clocks_run_from_the_report_though_it_is_recorded_later(api: Served) -> None:
    api.clock.set(START + timedelta(minutes=20))
    at_once = await api.report("one", urgency=2, impact=2)
    early = await api.report("two", urgency=2, impact=2, reported_at="2026-03-02T09:00:00Z")
    one, two = [(await api.get(f"/api/v1/incidents/{n}")).body for n in (at_once, early)]
    assert two["response_due_at"] < one["response_due_at"]
    assert (two["opened_at"], two["record"]["reported_at"]) == ("2026-03-02T09:00:00.000Z",) * 2
    assert two["record"]["recorded_at"] == "2026-03-02T09:20:00.000Z"
    body = {"title": "three", "reported_at": "2026-03-03T09:00:00Z"}
    assert (await api.post("/api/v1/incidents", body, as_="desk")).status == 409


async def test_a_service_request_says_what_it_asks_for(api: Served) -> None:
    refused = await api.post("/api/v1/incidents", {"title": "screen", "kind": "service_request"}, as_="desk")
    assert (refused.status, refused.body["missing"]) == (422, ["request"])
    await api.report("screen", kind="service_request", request="a second screen")


async def test_an_item_that_nobody_knows_is_refused(api: Served) -> None:
    refused = await api.post("/api/v1/incidents", {"title": "x", "affected_items": ["nothing"]}, as_="desk")
    assert (refused.status, refused.body["missing"]) == (422, ["affected_items"])


async def test_contacts_and_words_of_the_form_are_masked(api: Served) -> None:
    number = await api.report("till", reporter="Bob", symptom="dark", **FORM)
    held = await record(api, number, as_="vic")
    hidden = {"reporter_contact", "affected_user", "affected_contact", "request", "impact_actual", "impact_potential"}
    assert {name for name in FORM if held[name] == "(masked)"} == {*hidden, "lessons"}


async def test_the_form_is_erased_with_the_person(api: Served) -> None:
    number = await api.report("till", reporter="Bob Canary", symptom="dark", **FORM)
    await api.act(number, "note", {"text": "rang 555-0134"}, as_="desk")
    other = await api.report("till", affected_user="Bob Canary", affected_contact="555-9999", as_="desk")
    await api.post("/api/v1/people/erase", {"person": "Bob Canary"}, as_="root")
    assert (await record(api, number))["reporter_contact"] == "(erased)"
    held = await record(api, other)
    assert (held["affected_contact"], held["affected_user"].startswith("erased-")) == ("(erased)", True)
    timeline = (await api.get(f"/api/v1/incidents/{number}/timeline")).text
    assert "555-0134" not in timeline


@pytest.mark.parametrize("as_json", [False, True])
async def test_the_command_line_reports_and_completes(api: Served, as_json: bool) -> None:
    environment = {"TOCSIN_URL": api.url, "TOCSIN_TOKEN": await api.token("desk")}
    words = ["incident", "report", "till", "--symptom", "dark", "--error-codes", "E-1", "--error-codes", "E-2"]
    words += ["--service-affecting", "--reporter-contact", "555-0134", *(["--json"] if as_json else [])]
    made = await asyncio.to_thread(CliRunner().invoke, main, words, env=environment)
    assert made.exit_code == 0, made.output
    (number,) = [i["number"] for i in (await api.get("/api/v1/incidents")).items]
    words = ["incident", "edit", number, "--lessons", "label them", "--site", "hall 3"]
    done = await asyncio.to_thread(CliRunner().invoke, main, words, env=environment)
    assert done.exit_code == 0, done.output
    held = await record(api, number)
    assert (held["error_codes"], held["service_affecting"], held["lessons"]) == (["E-1", "E-2"], True, "label them")


async def test_the_record_adds_up_escalations_files_and_when_the_customer_was_last_told(api: Served) -> None:
    acme = Customer(name="Acme", contacts=[Contact(notifier="hook", to="acme")])
    daemon = api.daemon
    daemon.in_force.config = replace(
        daemon.config, customers={"acme": acme}, services={"portal": Service(customers=["acme"])}
    )
    await daemon.pipeline.submit(ConfigChanged(daemon.config, "root"))
    number = await api.open_incident({"alertname": "DiskFull", "instance": "db-1:9100", "service": "portal"})
    held = await record(api, number)
    nothing = {"functional": 0, "hierarchical": 0}
    assert (held["escalations"], held["attachments"], held["last_customer_update"]) == (nothing, 0, None)
    await api.act(number, "acknowledge", as_="ana")
    await api.act(number, "call-vendor", {"vendor": "server-vendor", "note": "a disk"}, as_="ana")
    await api.act(number, "handover", {"to": "l2", "reason": "deep"}, as_="ana")
    await api.act(number, "escalate", {"reason": "no skill"}, as_="ana")
    for name in ("a.log", "b.log"):
        assert (await api.call("POST", f"/api/v1/incidents/{number}/attachments?name={name}", data=b"x")).status == 201
    await api.settle()
    api.clock.set(START + timedelta(hours=6, minutes=10))
    await api.settle()
    told_at = api.clock.now() - timedelta(seconds=1)
    held = await record(api, number)
    assert held["escalations"] == {"functional": 2, "hierarchical": 3}
    assert (held["attachments"], held["last_customer_update"]) == (2, moment_text(told_at))
    (listed,) = (await api.get("/api/v1/incidents")).items
    assert listed["record"] == held


async def test_what_a_rule_says_of_the_service_is_shown_with_the_rule_and_a_person_corrects_it(api: Served) -> None:
    number = await api.open_incident({"alertname": "PostgresqlDown", "instance": "pg-1", "severity": "critical"})
    held = await record(api, number)
    assert (held["service_affecting"], held["service_affecting_rule"]) == (True, "database-down")
    version = {"If-Match": str((await api.get(f"/api/v1/incidents/{number}")).body["version"])}
    correction = {"service_affecting": False}
    assert (
        await api.call("PATCH", f"/api/v1/incidents/{number}", correction, as_="desk", headers=version)
    ).status == 200
    await api.open_incident({"alertname": "SomethingElse"})
    held = await record(api, number)
    assert (held["service_affecting"], held["service_affecting_rule"]) == (False, None)


async def test_what_the_contracts_say_and_that_it_is_a_change_stand_in_the_record(tmp_path: Path) -> None:
    services = "customers: {acme: {name: Acme}}\nservices: {fax: {customers: [acme]}}\n"
    files = {**SITE, "services.yaml": f"{services}contracts: {{old: {{customer: acme, valid_until: 2025-12-31}}}}\n"}
    async with served(tmp_path, files=files) as api:
        held = await record(api, await api.report("fax", service="fax", kind="change_request"))
        assert held["scope"] == {
            "code": "contract_over",
            "facts": {"contract": "old", "valid_until": "2025-12-31"},
            "text": "contract old ended on 2025-12-31",
        }
        assert held["is_change"]["text"] == "it is of the kind change_request"
        other = await record(api, await api.report("till"))
        assert (other["scope"], other["is_change"]) == (None, None)
