"""Runs of actions over the API and the command line."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from click.testing import CliRunner

from agent.__main__ import main
from agent.intents import RunEnded, RunsClaimed
from knowledge.run import RunState
from tests.agent.http.serving import Served, served
from tests.house import alert
from tests.real.parts import Database

ALL = "/api/v1/automation-runs"


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        await running.propose_action()
        yield running


async def only(api: Served) -> Any:
    (run,) = (await api.get(ALL)).items
    return run


async def test_a_run_is_listed_and_shown_with_what_would_be_run_and_who_approves(api: Served) -> None:
    run = await only(api)
    told = (run["state"], run["argv"], run["approve"], run["known_error"], run["target"])
    assert told == ("proposed", ["/bin/cycle", "web-1"], "l2", "hung", "web-1")
    assert (await api.get(f"{ALL}/{run['id']}")).body == run
    assert (await api.get(f"{ALL}?incident={run['incident']}&state=proposed")).items == [run]
    assert (await api.get(f"{ALL}?state=started")).items == []


async def test_refusals_come_in_their_order(api: Served) -> None:
    one = f"{ALL}/{(await only(api))['id']}"
    assert (await api.post(f"{one}/approve", {}, as_="")).status == 401
    assert (await api.post(f"{ALL}/999/approve", {}, as_="wei")).status == 404
    assert (await api.get(f"{ALL}/999")).status == 404
    for person in ("vic", "ana", "pat", "cus", "ven"):
        assert (await api.post(f"{one}/approve", {}, as_=person)).status == 403, person
    assert (await api.post(f"{one}/decline", {}, as_="wei")).status == 422
    assert (await api.post(f"{one}/decline", {"reason": "no"}, as_="wei")).body["state"] == "declined"
    late = await api.post(f"{one}/approve", {}, as_="wei")
    assert (late.status, late.body["allowed"]) == (409, [])
    assert (await api.post(f"{one}/approve", {}, as_="ana")).status == 403


async def test_a_guard_answers_409_in_words_and_the_timeline_has_them(api: Served) -> None:
    run = await only(api)
    await api.receive(alert({"alertname": "UpsOnBattery", "ups": "a"}))
    refused = await api.post(f"{ALL}/{run['id']}/approve", {}, as_="wei")
    assert refused.status == 409
    assert refused.body["detail"] == "现在不执行：a UPS is on battery（UpsOnBattery a）"
    lines = (await api.get(f"/api/v1/incidents/{run['incident']}/timeline", headers={"Accept-Language": "en"})).items
    (said,) = [line["text"] for line in lines if line["kind"] == "action_stopped"]
    assert said == "action cycle on web-1 was not run: a UPS is on battery (UpsOnBattery a)"
    assert (await only(api))["why"]["code"] == "action_stop_rule"


async def test_a_repeated_request_approves_once(api: Served) -> None:
    one, key = f"{ALL}/{(await only(api))['id']}", {"Idempotency-Key": "k"}
    first = await api.post(f"{one}/approve", {}, as_="wei", headers=key)
    again = await api.post(f"{one}/approve", {}, as_="wei", headers=key)
    assert (first.status, first.body["state"], again.body) == (200, "approved", first.body)
    await api.daemon.pipeline.submit(RunsClaimed())
    assert (await only(api))["state"] == "started"


async def test_the_commands_list_show_and_decide(api: Served) -> None:
    run, token = await only(api), await api.token("wei")

    async def say(*words: str) -> str:
        told = ("automation", *words, "--url", api.url, "--token", token)
        return (await asyncio.to_thread(CliRunner().invoke, main, told)).output

    number = str(run["id"])
    assert "proposed" in await say("list", "--state", "proposed")
    assert "/bin/cycle web-1" in await say("show", number)
    assert "proposed" in await say("approve", number, "--dry-run")
    assert "approved" in await say("approve", number, "--reason", "it hangs")
    assert "only what is proposed" in await say("decline", number, "--reason", "no")


async def test_a_run_and_a_known_error_are_kept_by_postgresql_too(tmp_path: Path, postgres: Database) -> None:
    async with served(tmp_path, postgres.url) as api:
        run = await api.propose_action()
        assert (await api.post(f"{ALL}/{run}/approve", {}, as_="wei")).status == 200
        pipeline = api.daemon.pipeline
        assert [claimed.id for claimed in await pipeline.submit(RunsClaimed())] == [run]
        await pipeline.submit(RunEnded(run, RunState.FAILED, 3, "no such host"))
        pipeline.desk = await pipeline._load(pipeline.writer)
        shown = await only(api)
        assert (shown["state"], shown["exit_code"], shown["decided_by"]) == ("failed", 3, "wei")
        assert pipeline.desk.config.known_errors.get("hung") is not None
        late = await api.post(f"{ALL}/{run}/decline", {"reason": "x"}, as_="wei")
        assert late.status == 409
