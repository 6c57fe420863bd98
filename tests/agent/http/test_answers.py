"""Idempotency keys."""

import asyncio
from datetime import timedelta

import pytest

from tests.agent.http.serving import Served

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
