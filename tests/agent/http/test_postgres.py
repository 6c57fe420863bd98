"""The same API on PostgreSQL: every read, an act, a key, a token made beside the daemon, whom pages have reached."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from agent import tokens
from agent.http.api import routes_of
from escalation.store import reached
from tests.agent.http.serving import LINK_DOWN, Served, served
from tests.agent.http.test_openapi import api_of
from tests.real.parts import Database


@pytest_asyncio.fixture
async def api(tmp_path: Path, postgres: Database) -> AsyncIterator[Served]:
    async with served(tmp_path, postgres.url) as running:
        yield running


async def test_every_read_answers(api: Served) -> None:
    number = await api.open_incident()
    await api.open_incident(LINK_DOWN)
    problem = (await api.post("/api/v1/problems", {"title": "disks fill"})).body["number"]
    cause = {"root_cause": "no rotation", "workaround": "delete logs"}
    await api.post(f"/api/v1/problems/{problem}/diagnose", cause)
    raised = {"title": "grow", "risk": "low", "plan": "lvextend", "back_out": "none"}
    change = (await api.post("/api/v1/changes", raised)).body["number"]
    ids = {"number": number, "problem": problem, "change": change, "item": "db-1", "known_error": "disk-space-low"}
    said = {"title": "label the breakers", "text": "nobody knew which was which"}
    ids["improvement"] = (await api.post("/api/v1/improvements", said)).body["number"]
    ids["run"] = str(await api.propose_action())
    path = f"/api/v1/incidents/{number}/attachments"
    attached = await api.call("POST", path, data=b"x", headers={"Content-Type": "text/plain"})
    ids["attachment"] = str(attached.body["id"])
    for route in routes_of(api_of(api)):
        if route.method == "GET":
            answered = await api.get(route.path.format(**ids))
            assert answered.status == 200, (route.path, answered.text)
    filters = "state=active&severity=2&group=sys-ops&q=disk%25_%00&since=2026-03-02T00:00:00Z&sort=updated"
    assert (await api.get(f"/api/v1/incidents?{filters}")).status == 200
    first = (await api.get("/api/v1/incidents?limit=1")).body
    second = (await api.get(f"/api/v1/incidents?limit=1&cursor={first['next']}")).body
    assert {i["number"] for i in first["items"] + second["items"]} >= {number}
    found = (await api.get("/api/v1/alerts")).items
    assert (await api.get(f"/api/v1/alerts?fingerprint={found[0]['fingerprint']}")).items == found[:1]
    assert len((await api.get("/api/v2/alerts")).body) == 3


async def test_an_act_happens_once_under_its_key(api: Served) -> None:
    number = await api.open_incident()
    path, sent = f"/api/v1/incidents/{number}/note", {"Idempotency-Key": "k"}
    first = await api.post(path, {"text": "a\x00b"}, headers=sent)
    assert (first.status, (await api.post(path, {"text": "a\x00b"}, headers=sent)).text) == (200, first.text)
    assert (await api.post(path, {"text": "c"}, headers=sent)).status == 422


async def test_a_token_is_made_and_ended_beside_the_daemon(api: Served) -> None:
    made = await tokens.create(api.storage, person="ana", now=api.clock.now())
    headers = {"Authorization": f"Bearer {made}"}
    assert (await api.get("/api/v1/me", as_="", headers=headers)).body["id"] == "ana"
    (mine,) = [t.id for t in await tokens.listed(api.storage) if t.person == "ana"]
    await tokens.revoke(api.storage, mine, api.clock.now())
    assert [t.id for t in await tokens.listed(api.storage) if t.revoked_at is not None] == [mine]


async def test_it_knows_whom_the_pages_of_an_incident_have_reached(api: Served) -> None:
    number = await api.open_incident()
    paged = {one["target"] for one in (await api.get(f"/api/v1/pages?incident={number}")).items}
    rows = await api.daemon.writer.fetch(reached(2), api.daemon.pipeline.desk.board.numbers[number], 0)
    assert {row[1] for row in rows} == paged != set()
    assert all(last > 0 and told == 0 for *_, last, told in rows)
