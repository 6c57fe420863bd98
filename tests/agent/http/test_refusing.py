"""What an act refuses: names of nobody, moments that cannot be, blanks; and that the same again changes nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner

from agent.__main__ import main
from agent.http import problems
from collectors.moment import moment_text
from correlation.refusal import Refusal
from tests.agent.http.serving import START, Served, served

BEFORE, AHEAD = moment_text(START - timedelta(days=1)), moment_text(START + timedelta(days=1))


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


def test_every_refusal_has_a_status_of_its_own() -> None:
    """One that agent/http/problems.py forgets would be told as a fault of Tocsin, 500."""
    known = Path(problems.__file__).read_text("utf-8").partition("def problem_of")[2]
    assert [one.__name__ for one in Refusal.__subclasses__() if not re.search(rf"\b{one.__name__}\b", known)] == []


# names


@pytest.mark.parametrize(
    ("action", "body", "field", "says"),
    [
        pytest.param("assign", {"person": "vic"}, "person", "vic is viewer", id="who only looks on"),
        pytest.param("assign", {"person": "cus"}, "person", "cus is customer", id="a customer"),
        pytest.param("assign", {"person": "sal"}, "person", "name one of", id="sales"),
        pytest.param("assign", {"person": "lius"}, "person", "did you mean 'luis'", id="a person by a wrong name"),
        pytest.param("assign", {"group": "sys-op"}, "group", "did you mean 'sys-ops'", id="a group by a wrong name"),
        pytest.param("handover", {"to": "l3", "reason": "x"}, "to", "no group 'l3'", id="a line that is not there"),
        pytest.param("classify", {"category": "storage/disk_spce"}, "category", "did you mean", id="a category"),
        pytest.param("declare-major", {"reason": "x", "commander": "vic"}, "commander", "leads", id="a commander"),
        pytest.param(
            "declare-major", {"reason": "x", "roles": {"safety": "cus"}}, "roles", "leads", id="a role beside them"
        ),
    ],
)
async def test_names_of_nobody_and_nothing_are_refused_with_what_to_write(
    api: Served, action: str, body: dict[str, Any], field: str, says: str
) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    before = (await api.get(f"/api/v1/incidents/{number}")).body["version"]
    refused = await api.act(number, action, body)
    assert (refused.status, refused.body["missing"], says in refused.body["detail"]) == (422, [field], True)
    assert (await api.get(f"/api/v1/incidents/{number}")).body["version"] == before


@pytest.mark.parametrize(
    "category",
    [
        pytest.param("storage", id="a root"),
        pytest.param("endpoint/printer", id="a leaf that no rule sets"),
        pytest.param("monitoring/source_silent", id="what a rule sets"),
        pytest.param("unclassified", id="none"),
        pytest.param("磁盘", id="another word"),
    ],
)
async def test_categories_of_the_tree_and_other_words_are_taken(api: Served, category: str) -> None:
    number = await api.open_incident()
    assert (await api.act(number, "classify", {"category": category})).body["category"] == category


async def test_a_report_and_an_archive_take_no_slip_of_a_category(api: Served) -> None:
    wrong = {"title": "t", "category": "storage/raids"}
    assert (await api.post("/api/v1/incidents", wrong, as_="desk")).body["missing"] == ["category"]
    number = await api.report("printer")
    resolved = {"type": "permanent", "resolution": "r", "note": "n"}
    await api.act(number, "resolve", resolved, as_="desk")
    await api.act(number, "accept", {"by": "Li", "via": "phone"}, as_="desk")
    refused = await api.act(number, "archive", {"final_category": "endpoint/prnter", "final_severity": 4})
    assert (refused.status, refused.body["missing"]) == (422, ["final_category"])
    assert (await api.act(number, "archive", {"final_category": "endpoint/printer", "final_severity": 4})).status == 200


# moments


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"occurred_at": AHEAD}, id="it will occur"),
        pytest.param({"reported_at": AHEAD}, id="it will be reported"),
        pytest.param({"outage_start": AHEAD}, id="an outage to come"),
        pytest.param({"outage_start": moment_text(START), "outage_end": BEFORE}, id="over before it began"),
    ],
)
async def test_a_report_of_what_is_still_to_come_is_refused(api: Served, body: dict[str, Any]) -> None:
    refused = await api.post("/api/v1/incidents", {"title": "t", **body}, as_="desk")
    assert (refused.status, "to come" in refused.body["detail"] or "before" in refused.body["detail"]) == (409, True)
    number = await api.report("t")
    edited = await api.call("PATCH", f"/api/v1/incidents/{number}", body, as_="desk", headers={"If-Match": "1"})
    assert edited.status == (422 if "reported_at" in body else 409)


async def test_a_clock_that_is_a_little_ahead_may_report(api: Served) -> None:
    soon = moment_text(START + timedelta(minutes=1))
    number = await api.report("t", occurred_at=soon)
    assert (await api.get(f"/api/v1/incidents/{number}")).body["record"]["occurred_at"] == soon


async def test_the_end_of_an_outage_is_compared_with_the_start_that_is_there(api: Served) -> None:
    number = await api.report("t", outage_start=moment_text(START))
    sent = {"outage_end": BEFORE}
    edited = await api.call("PATCH", f"/api/v1/incidents/{number}", sent, as_="desk", headers={"If-Match": "1"})
    assert edited.status == 409


@pytest.mark.parametrize(
    ("action", "body"),
    [
        pytest.param("snooze", {"until": BEFORE, "reason": "x"}, id="snoozed until a moment that has passed"),
        pytest.param("suspend", {"for": "vendor", "reason": "x", "resume_at": BEFORE}, id="resumed in the past"),
        pytest.param(
            "resolve",
            {"type": "permanent", "resolution": "r", "note": "n", "service_restored_at": AHEAD},
            id="the service will be back",
        ),
        pytest.param("merge", {"into": "OTHER"}, id="merged into what has ended"),
        pytest.param("set-root", {"alert": "nothing"}, id="an alert that is none of its own"),
        pytest.param("suspend", {"for": "change", "reason": "x"}, id="a change that nobody raised"),
    ],
)
async def test_what_is_not_possible_now_says_what_is(api: Served, action: str, body: dict[str, Any]) -> None:
    other = await api.report("t")
    await api.act(other, "cancel", {"reason": "none"}, as_="desk")
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    body = {k: other if v == "OTHER" else v for k, v in body.items()}
    refused = await api.act(number, action, body)
    assert (refused.status, "note" in refused.body["allowed"]) == (409, True)
    assert (await api.get(f"/api/v1/incidents/{number}")).body["state"] == "in_progress"


async def test_a_user_cannot_have_accepted_tomorrow(api: Served) -> None:
    number = await api.report("t")
    await api.act(number, "resolve", {"type": "permanent", "resolution": "r", "note": "n"}, as_="desk")
    refused = await api.act(number, "accept", {"by": "Li", "via": "phone", "at": AHEAD}, as_="desk")
    assert (refused.status, "accept" in refused.body["allowed"]) == (409, True)


# what is written


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        pytest.param("note", {"text": " \n\t　"}, 422, id="blank"),
        pytest.param("note", {"text": ""}, 422, id="empty"),
        pytest.param("note", {"text": "x" * 4001}, 422, id="too long"),
        pytest.param("note", {"text": "x" * 4000}, 200, id="as long as may be"),
        pytest.param("note", {"text": 7}, 422, id="a number"),
        pytest.param("note", {"text": ["x"]}, 422, id="a list"),
        pytest.param("note", {"text": None}, 422, id="null"),
        pytest.param("note", [1], 422, id="no object"),
        pytest.param("note", {"text": "已更换硬盘 🔥 العربية"}, 200, id="other languages"),
        pytest.param("note", {"text": "a\x00b\x1b[31m"}, 200, id="control characters"),
        pytest.param("acknowledge", {"classification_ok": "yes"}, 422, id="a word for a yes"),
        pytest.param("set-severity", {"severity": "1", "reason": "x"}, 422, id="a number in quotes"),
        pytest.param("set-severity", {"severity": 0, "reason": "x"}, 422, id="no severity"),
        pytest.param("set-severity", {"severity": True, "reason": "x"}, 422, id="a yes for a number"),
        pytest.param("handover", {"to": " ", "reason": "x"}, 422, id="to a blank"),
        pytest.param("split", {"alerts": []}, 422, id="no alerts"),
        pytest.param("note", {"text": "x", "eta": "tomorrow"}, 422, id="no moment"),
        pytest.param("note", {"text": "x", "eta": "2026-02-30T00:00:00Z"}, 422, id="a day that is none"),
    ],
)
async def test_what_is_sent_is_taken_or_refused_by_its_kind(api: Served, action: str, body: Any, status: int) -> None:
    number = await api.open_incident()
    answered = await api.act(number, action, body)
    assert answered.status == status, answered.text
    if status == 422:
        assert answered.body["detail"]


async def test_half_a_character_is_no_json(api: Served) -> None:
    number = await api.open_incident()
    sent = {"Content-Type": "application/json"}
    path = f"/api/v1/incidents/{number}/note"
    answered = await api.call("POST", path, data=b'{"text": "\\ud800"}', headers=sent)
    assert answered.status == 400


# the same again


@pytest.mark.parametrize(
    ("action", "body", "who"),
    [
        pytest.param("return", {"reason": "not ours"}, "ana", id="return"),
        pytest.param("handover", {"to": "l2", "reason": "deep"}, "ana", id="handover"),
        pytest.param("suspend", {"for": "vendor", "reason": "a part"}, "ana", id="suspend"),
        pytest.param("snooze", {"until": AHEAD, "reason": "later"}, "ana", id="snooze"),
        pytest.param("classify", {"category": "storage/raid"}, "desk", id="classify"),
        pytest.param("raise-change", {"title": "t", "risk": "r", "plan": "p", "back_out": "b"}, "ana", id="a change"),
        pytest.param("declare-major", {"reason": "r", "commander": "pat"}, "pat", id="declare-major"),
        pytest.param("call-vendor", {"vendor": "server-vendor", "note": "n"}, "ana", id="call-vendor"),
        pytest.param("cancel", {"reason": "none"}, "desk", id="cancel"),
        pytest.param("replan", {}, "pat", id="replan"),
        pytest.param(
            "resolve",
            {"type": "permanent", "resolution": "r", "note": "n", "service_restored_at": moment_text(START)},
            "ana",
            id="resolve",
        ),
    ],
)
async def test_the_same_again_by_the_same_person_is_200_and_changes_nothing(
    api: Served, action: str, body: dict[str, Any], who: str
) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    first = await api.act(number, action, body, as_=who)
    assert first.status == 200, first.text
    lines = len((await api.get(f"/api/v1/incidents/{number}/timeline?limit=500")).items)
    again = await api.act(number, action, body, as_=who)
    assert (again.status, again.body["version"]) == (200, first.body["version"]), again.text
    assert len((await api.get(f"/api/v1/incidents/{number}/timeline?limit=500")).items) == lines
    assert len((await api.get("/api/v1/changes")).items) == (action == "raise-change")


async def test_other_words_another_person_and_another_state_are_another_act(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    body = {"for": "vendor", "reason": "a part"}
    for _ in range(2):
        assert (await api.act(number, "suspend", body, as_="ana")).body["state"] == "pending_vendor"
        assert (await api.act(number, "resume", {}, as_="ana")).body["state"] == "in_progress"
    await api.act(number, "suspend", body, as_="ana")
    assert (await api.act(number, "suspend", {**body, "reason": "another"}, as_="ana")).status == 409
    assert (await api.act(number, "suspend", body, as_="pat")).status == 409


# the command


async def test_the_roles_of_a_major_incident_are_given_one_by_one(api: Served) -> None:
    number = await api.open_incident()
    words = ["incident", "declare-major", number, "--reason", "the hall is dark", "--url", api.url]
    words += ["--token", await api.token("pat"), "--json"]
    given = ["--roles", "safety=ana", "--roles", "communications=desk"]
    done = await asyncio.to_thread(CliRunner().invoke, main, [*words, *given])
    assert done.exit_code == 0, done.output
    major = (await api.get(f"/api/v1/incidents/{number}")).body["major"]
    assert major["roles"] == {"safety": "ana", "communications": "desk"}
    wrong = await asyncio.to_thread(CliRunner().invoke, main, [*words, "--roles", "ana"])
    assert (wrong.exit_code, "NAME=VALUE" in wrong.output) == (2, True)
    unknown = await asyncio.to_thread(CliRunner().invoke, main, [*words, "--roles", "cook=ana"])
    assert (unknown.exit_code, "communications" in unknown.output) == (1, True), unknown.output
