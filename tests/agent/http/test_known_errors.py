"""Known errors over the API: written, read with their origin, edited on a version, refused with what to write."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner

from agent.__main__ import main
from tests.agent.http.serving import Served, served

ALL = "/api/v1/known-errors"
TILL = {
    "id": "till-mute",
    "title": "The till is mute",
    "match": [{"alertname": "TillMute"}],
    "workaround": "restart the spooler",
    "category": "application/till",
    "owner": "sys-ops",
    "review_at": "2027-06-01",
}
FILE = """---
id: till-mute
title: The till is mute
match: {alertname: TillMute}
---
## Workaround
restart the spooler
"""


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def test_a_large_library_is_read_page_by_page(api: Served) -> None:
    everything = [one["id"] for one in (await api.get(ALL)).items]
    pages, asked = [], f"{ALL}?limit=20"
    while asked:
        page = (await api.get(asked)).body
        pages.append([one["id"] for one in page["items"]])
        asked = f"{ALL}?limit=20&cursor={page['next']}" if page["next"] else ""
    assert [len(page) for page in pages[:-1]] == [20] * (len(pages) - 1)
    assert [one for page in pages for one in page] == everything
    assert (await api.get(f"{ALL}?limit=1001")).status == 422


async def test_one_that_was_written_is_shown_with_its_origin_and_author(api: Served) -> None:
    answered = await api.post(ALL, {**TILL, "reason": "seen twice"}, as_="ana")
    assert (answered.status, answered.headers["Location"]) == (201, f"{ALL}/till-mute")
    assert answered.body == (await api.get(f"{ALL}/till-mute")).body
    assert answered.body in (await api.get(ALL)).items
    told = {k: answered.body[k] for k in ("origin", "source", "owner", "review_at", "match", "status")}
    assert told == {
        "origin": "api",
        "source": "",
        "owner": "sys-ops",
        "review_at": "2027-06-01",
        "match": [['alertname="TillMute"']],
        "status": "published",
    }
    written = answered.body["written"]
    assert (written["author"], written["version"], written["reason"]) == ("ana", 1, "seen twice")
    acts = await api.daemon.writer.fetch("SELECT who, what FROM audit WHERE what = 'known_error'")
    assert acts == [("ana", "known_error")]


async def test_what_stands_in_a_file_says_in_which(api: Served) -> None:
    shown = (await api.get(f"{ALL}/disk-space-low")).body
    assert (shown["origin"], shown["written"]) == ("pack", None)
    assert shown["source"].startswith("iso20000-default/knowledge/")
    edited = await api.call("PATCH", f"{ALL}/disk-space-low", {"title": "x"}, headers={"If-Match": "1"})
    assert edited.status == 409
    assert "change it there" in edited.body["detail"]


async def test_an_edit_is_made_on_a_version(api: Served) -> None:
    await api.post(ALL, TILL, as_="ana")

    async def edit(body: dict[str, Any], version: str) -> Any:
        return await api.call("PATCH", f"{ALL}/till-mute", body, headers={"If-Match": version}, as_="wei")

    edited = await edit({"status": "retired", "owner": None, "reason": "tills were replaced"}, "1")
    assert (edited.status, edited.body["status"], edited.body["owner"]) == (200, "retired", "")
    assert edited.body["written"]["author"] == "ana"
    assert (edited.body["written"]["edited_by"], edited.body["written"]["version"]) == ("wei", 2)
    late = await edit({"title": "x"}, "1")
    assert (late.status, late.body["version"], late.body["made_on"]) == (409, 2, 1)
    assert (await edit({"workaround": None}, "2")).status == 422
    assert (await api.call("PATCH", f"{ALL}/till-mute", {"title": "x"})).body["missing"] == ["If-Match"]
    assert (await api.call("PATCH", f"{ALL}/none", {"title": "x"}, headers={"If-Match": "1"})).status == 404


@pytest.mark.parametrize(
    ("as_", "body", "status", "said"),
    [
        ("", TILL, 401, "token"),
        ("vic", TILL, 403, "desk, l1, l2, ops, pm"),
        ("cus", TILL, 403, "write_known_error"),
        ("ana", {**TILL, "workaround": ""}, 422, "it has no workaround"),
        ("ana", {k: v for k, v in TILL.items() if k != "id"}, 422, "id"),
        ("ana", {**TILL, "match": {"alertname_re": "((a*)*)*{1000}{1000}"}}, 422, "match"),
        ("ana", {**TILL, "match": 7}, 422, "match"),
        ("ana", {**TILL, "match": [["=x"]]}, 422, "match"),
        ("ana", {**TILL, "colour": "red"}, 422, "colour"),
    ],
)
async def test_what_is_refused(api: Served, as_: str, body: dict[str, Any], status: int, said: str) -> None:
    answered = await api.post(ALL, body, as_=as_)
    assert answered.status == status
    assert said in answered.text


async def test_a_second_one_of_an_id_is_refused_and_a_repeated_request_is_not(api: Served) -> None:
    key = {"Idempotency-Key": "one"}
    first = await api.post(ALL, TILL, as_="ana", headers=key)
    again = await api.post(ALL, TILL, as_="ana", headers=key)
    assert (again.status, again.body) == (201, first.body)
    second = await api.post(ALL, TILL, as_="ana")
    assert second.status == 422
    assert "the id 'till-mute' is taken by one that was written over the API" in second.body["detail"]


async def test_an_incident_shows_the_workaround_that_was_written(api: Served) -> None:
    await api.post(ALL, TILL, as_="ana")
    number = await api.open_incident({"alertname": "TillMute", "instance": "till-1"})
    (shown,) = (await api.get(f"/api/v1/incidents/{number}")).body["known_errors"]
    assert (shown["id"], shown["workaround"]) == ("till-mute", "restart the spooler")


async def test_the_command_writes_a_file_and_edits_it(api: Served, tmp_path: Path) -> None:
    import asyncio

    token = await api.token("ana")
    path = tmp_path / "till.md"
    path.write_text(FILE)

    async def run(*words: str) -> Any:
        told = ("known-error", *words, "--url", api.url, "--token", token)
        return await asyncio.to_thread(CliRunner().invoke, main, told)

    assert "till-mute  published  version 1" in (await run("write", str(path))).output
    path.write_text(FILE.replace("is mute", "is silent"))
    edited = await run("write", str(path), "--made-on", "1", "--json")
    assert json.loads(edited.output)["title"] == "The till is silent"
    assert "till-mute" in (await run("list")).output
    assert "restart the spooler" in (await run("show", "till-mute")).output
    path.write_text(FILE.replace("## Workaround", "## Worcaround"))
    assert "till.md:6" in (await run("write", str(path))).output
