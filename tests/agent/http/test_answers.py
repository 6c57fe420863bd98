"""Idempotency keys."""

import ast
import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.group import Group
from agent.intents import Asked
from tests.agent.http.serving import Answered, Served, served

NOTE = {"text": "looked at it"}


async def notes(api: Served, number: str) -> int:
    kinds = [h["kind"] for h in (await api.get(f"/api/v1/incidents/{number}/timeline")).items]
    return kinds.count("note")


async def test_the_same_key_and_body_get_the_first_answer_and_act_once(api: Served) -> None:
    number = await api.open_incident()
    path, sent = f"/api/v1/incidents/{number}/note", {"Idempotency-Key": "k1"}
    first = await api.post(path, NOTE, headers=sent)
    await api.act(number, "acknowledge")
    again = await api.post(path, NOTE, headers=sent)
    assert (again.status, again.text) == (first.status, first.text)
    assert await notes(api, number) == 1


async def test_the_first_answer_under_a_key_has_its_headers(api: Served) -> None:
    made = await api.post("/api/v1/incidents", {"title": "it is down"}, as_="desk", headers={"Idempotency-Key": "k1"})
    assert made.headers["ETag"] == '"1"'
    assert made.headers["Location"].endswith(f"/api/v1/incidents/{made.body['number']}")


async def test_many_at_once_under_one_key_act_once(api: Served) -> None:
    sent = {"Idempotency-Key": "k1"}
    await api.token("desk")
    calls = [api.post("/api/v1/incidents", {"title": "it is down"}, as_="desk", headers=sent) for _ in range(8)]
    answers = await asyncio.gather(*calls)
    assert len({a.text for a in answers}) == 1
    assert len((await api.get("/api/v1/incidents")).items) == 1


async def test_another_body_or_path_under_the_same_key_is_422(api: Served) -> None:
    number, sent = await api.open_incident(), {"Idempotency-Key": "k1"}
    path = f"/api/v1/incidents/{number}/note"
    await api.post(path, NOTE, headers=sent)
    assert (await api.post(path, {"text": "another"}, headers=sent)).status == 422
    assert (await api.post(f"/api/v1/incidents/{number}/escalate", NOTE, headers=sent)).status == 422
    assert await notes(api, number) == 1


async def test_a_key_is_of_one_person(api: Served) -> None:
    number, sent = await api.open_incident(), {"Idempotency-Key": "k1"}
    path = f"/api/v1/incidents/{number}/note"
    await api.post(path, NOTE, headers=sent)
    assert (await api.post(path, {"text": "mine"}, as_="desk", headers=sent)).status == 200
    assert await notes(api, number) == 2


async def test_a_key_is_kept_for_a_day(api: Served) -> None:
    number, sent = await api.open_incident(), {"Idempotency-Key": "k1"}
    path = f"/api/v1/incidents/{number}/note"
    await api.post(path, NOTE, headers=sent)
    api.clock.set(api.clock.now() + timedelta(hours=23, minutes=59))
    assert (await api.post(path, {"text": "another"}, headers=sent)).status == 422
    api.clock.set(api.clock.now() + timedelta(minutes=2))
    assert (await api.post(path, {"text": "another"}, headers=sent)).status == 200


async def test_a_refusal_is_given_again_as_it_was(api: Served) -> None:
    number, sent = await api.open_incident(), {"Idempotency-Key": "k1"}
    path = f"/api/v1/incidents/{number}/resume"
    first = await api.post(path, headers=sent)
    again = await api.post(path, headers=sent)
    assert (first.status, again.status, again.text) == (409, 409, first.text)
    assert again.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "é"])
async def test_what_cannot_be_a_key_is_422(api: Served, key: str) -> None:
    assert (await api.post("/api/v1/incidents", {"title": "x"}, headers={"Idempotency-Key": key})).status == 422
    assert (await api.get("/api/v1/incidents")).items == []


class PowerCut:
    """The store as it is on the disk right after a commit, before anybody is answered."""

    def __init__(self, api: Served, to: Path) -> None:
        self._from, self.to = Path(api.storage.removeprefix("sqlite:///")), to
        api.daemon.pipeline.committed.append(self._cut)

    def _cut(self, _: Group) -> None:
        for end in ("", "-wal"):
            kept = self._from.with_name(self._from.name + end)
            if kept.exists():
                shutil.copy(kept, self.to / kept.name)


DONE_ONCE: list[Any] = [
    pytest.param("incidents/{number}/note", NOTE, "SELECT count(*) FROM timeline WHERE kind = 'note'", id="note"),
    pytest.param(
        "incidents/{number}/escalate",
        {"reason": "it grows"},
        "SELECT count(*) FROM timeline WHERE kind = 'escalation_requested'",
        id="escalate",
    ),
    pytest.param("incidents", {"title": "it is down"}, "SELECT count(*) - 1 FROM incident", id="report"),
    pytest.param(
        "silences",
        {"matchers": ['host="db-1"'], "ends_at": "2026-03-03T09:00:00Z", "comment": "works"},
        "SELECT count(*) FROM silence",
        id="silence",
    ),
    pytest.param("problems", {"title": "it comes again"}, "SELECT count(*) FROM problem", id="problem"),
    pytest.param(
        "changes",
        {"title": "a larger disk", "risk": "low", "plan": "swap it", "back_out": "swap it back"},
        "SELECT count(*) FROM change",
        id="change",
    ),
    pytest.param(
        "changes",
        {"title": "t", "risk": "low", "plan": "p", "back_out": "b", "incident": "{number}"},
        "SELECT count(*) FROM change",
        id="change of an incident",
    ),
    pytest.param(
        "oncall/overrides",
        {"schedule": "sys-l1", "person": "luis", "until": "2026-03-03T09:00:00Z", "reason": "ana is ill"},
        "SELECT count(*) FROM rota",
        id="override",
    ),
    pytest.param(
        "configuration-items",
        {"id": "db-9", "kind": "host", "reason": "it is new"},
        "SELECT count(*) FROM item_edit",
        id="item",
    ),
]


def but_for_what_is_looked_for(answer: Answered) -> dict[str, Any]:
    """An answer without its word on known errors: at the first answer they may still be looked through."""
    return {name: value for name, value in answer.body.items() if name != "no_known_error"}


@pytest.mark.parametrize(("path", "body", "counted"), DONE_ONCE)
async def test_what_was_committed_before_a_crash_is_answered_again_and_not_done_again(
    api: Served, tmp_path: Path, path: str, body: dict[str, Any], counted: str
) -> None:
    number, sent = await api.open_incident(), {"Idempotency-Key": "k1"}
    await api.act(number, "acknowledge")
    path = f"/api/v1/{path.format(number=number)}"
    body = {name: value.format(number=number) if isinstance(value, str) else value for name, value in body.items()}
    (left := tmp_path / "left").mkdir()
    PowerCut(api, left)
    first = await api.post(path, body, as_="pat", headers=sent)
    assert first.status in (200, 201), first.text
    async with served(left, f"sqlite:///{left / 'tocsin.db'}") as after:
        after.clock.set(api.clock.now())
        assert await after.daemon.writer.fetch("SELECT status FROM answer") == [(0,)]
        again = await after.post(path, body, as_="pat", headers=sent)
        assert (again.status, but_for_what_is_looked_for(again)) == (first.status, but_for_what_is_looked_for(first))
        assert (await after.post(path, body, as_="pat", headers=sent)).text == again.text
        assert (await after.post(path, {**body, "x": 1}, as_="pat", headers=sent)).status == 422
        assert await after.daemon.writer.fetch(counted) == [(1,)]


HTTP = Path(__file__).resolve().parents[3] / "agent" / "http"
NO_POST_OF_V1 = {"ack.py", "alertmanager_v2.py"}
BY_DELETE = {("silences.py", "SilencePut(ended, actor.id)")}
BY_PATCH = {("known_errors.py", "KnownErrorWritten(name, sent.values(), sent.reason or '', call.actor, made_on)")}
"""Told again, an edit meets a newer version and is refused."""


def test_whatever_a_route_puts_in_line_carries_the_key_of_its_request() -> None:
    asked = {intent.__name__ for intent in Asked.__subclasses__()}
    bare = {
        (path.name, ast.unparse(node))
        for path in HTTP.glob("*.py")
        if path.name not in NO_POST_OF_V1
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in asked
        if "mark" not in {keyword.arg for keyword in node.keywords}
    }
    assert bare == BY_DELETE | BY_PATCH
