"""The register of improvements over the API, and what reviews and callbacks put into it (procedure R33)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agent.evidence import examine
from agent.storage.store import AuditRow
from tests.agent.http.serving import Served, served

PATH = "/api/v1/improvements"
SAID = {"title": "label the breakers", "text": "nobody knew which was which", "about": "room 3"}
SOLVE = {"type": "permanent", "resolution": "a new fuse", "note": "changed"}


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def suggested(api: Served, as_: str = "ana", **more: Any) -> str:
    answered = await api.post(PATH, {**SAID, **more}, as_=as_)
    assert answered.status == 201, answered.text
    assert answered.headers["Location"] == f"{PATH}/{answered.body['number']}"
    return str(answered.body["number"])


async def test_a_suggestion_is_decided_on_and_what_came_of_it_is_kept(api: Served) -> None:
    incident = await api.open_incident()
    number = await suggested(api, incident=incident)
    held = (await api.get(f"{PATH}/{number}")).body
    assert {name: held[name] for name in SAID} == SAID
    assert (held["state"], held["origin"], held["suggested_by"], held["incident"]) == (
        "suggested",
        "person",
        "ana",
        incident,
    )
    links = (await api.get(f"/api/v1/incidents/{incident}")).body["links"]
    assert ("improvement", number) in [(link["kind"], link["target"]) for link in links]
    assert (await api.post(f"{PATH}/{number}/accept", {}, as_="ana")).status == 403
    assert (await api.post(f"{PATH}/{number}/complete", {"note": "x"})).status == 409
    accepted = await api.post(f"{PATH}/{number}/accept", {"owner": "luis", "reason": "cheap"})
    assert (accepted.body["state"], accepted.body["owner"], accepted.body["decided_by"]) == ("accepted", "luis", "pat")
    assert (await api.post(f"{PATH}/{number}/complete", {})).status == 422
    done = await api.post(f"{PATH}/{number}/complete", {"note": "labelled"}, as_="dora")
    assert (done.body["state"], done.body["outcome"], done.body["decided_by"]) == ("done", "labelled", "pat")
    assert (await api.post(f"{PATH}/{number}/accept", {})).body["allowed"] == []


async def test_every_step_is_on_the_record_and_the_record_is_whole(api: Served) -> None:
    number = await suggested(api)
    await api.post(f"{PATH}/{number}/decline", {"reason": "next year"})
    async with AsyncSession(api.daemon.engine) as session:
        wanted = select(AuditRow).where(col(AuditRow.what) == "improvement").order_by(col(AuditRow.id))
        rows = [(row.who, msgspec.json.decode(row.facts)) for row in (await session.exec(wanted)).all()]
    assert [who for who, _ in rows] == ["ana", "pat"]
    assert rows[0][1]["title"] == SAID["title"]
    assert rows[1][1] == {"improvement": number, "act": "decline", "reason": "next year"}
    found = await examine(api.storage)
    assert not found.faults


async def test_the_register_is_listed_by_state_newest_first(api: Served) -> None:
    numbers = [await suggested(api, title=f"idea {n}") for n in range(3)]
    await api.post(f"{PATH}/{numbers[1]}/accept", {})
    assert [i["number"] for i in (await api.get(PATH)).items] == numbers[::-1]
    assert [i["number"] for i in (await api.get(f"{PATH}?state=suggested")).items] == [numbers[2], numbers[0]]
    first = (await api.get(f"{PATH}?limit=2")).body
    rest = (await api.get(f"{PATH}?limit=2&cursor={first['next']}")).body
    assert ([i["number"] for i in rest["items"]], rest["next"]) == ([numbers[0]], None)


async def test_what_is_wrong_is_refused(api: Served) -> None:
    assert (await api.post(PATH, {"title": "x"})).body["missing"] == ["text"]
    assert (await api.post(PATH, {**SAID, "incident": "INC-20260302-9999"})).status == 404
    assert (await api.post(PATH, SAID, as_="vic")).status == 403
    assert (await api.get(PATH, as_="cus")).status == 403
    assert (await api.get(f"{PATH}/IMP-0009")).status == 404
    number = await suggested(api)
    refused = await api.post(f"{PATH}/{number}/accept", {"owner": "nobody"})
    assert (refused.status, refused.body["missing"]) == (422, ["owner"])
    masked = (await api.get(f"{PATH}/{number}", as_="vic")).body
    assert (masked["title"], masked["text"], masked["about"]) == ("(masked)", "(masked)", SAID["about"])


async def test_a_key_suggests_once(api: Served) -> None:
    sent = {"Idempotency-Key": "k"}
    one, two = [(await api.post(PATH, SAID, headers=sent)).body["number"] for _ in range(2)]
    assert one == two
    assert len((await api.get(PATH)).items) == 1


async def solved(api: Served, title: str) -> str:
    number = await api.report(title, urgency=3, impact=3, category="hardware")
    await api.act(number, "acknowledge", as_="desk")
    await api.act(number, "resolve", SOLVE, as_="desk")
    return number


async def test_the_lessons_of_a_review_are_a_suggestion_once(api: Served) -> None:
    number = await api.report("all tills stand", urgency=3, impact=3, category="hardware")
    await api.act(number, "acknowledge", as_="desk")
    await api.act(number, "declare-major", {"reason": "all of them"}, as_="desk")
    await api.act(number, "resolve", SOLVE, as_="desk")
    for lessons in ("label the\nbreakers", "label all breakers"):
        review = {"cause": "a wrong breaker", "actions": ["label"], "lessons": lessons}
        assert (await api.act(number, "review", review)).status == 200
    (held,) = (await api.get(PATH)).items
    assert (held["origin"], held["incident"], held["title"]) == ("review", number, "label the breakers")


async def test_what_an_unsatisfied_customer_says_is_a_suggestion(api: Served) -> None:
    content, angry, silent = [await solved(api, title) for title in ("one", "two", "three")]
    for number, score, remark in ((content, 5, "fine"), (angry, 1, "nobody rang me"), (silent, 1, None)):
        body = {"reached": True, "persists": False, "score": score, **({"remark": remark} if remark else {})}
        assert (await api.act(number, "callback", body, as_="desk")).status == 200
    (held,) = (await api.get(PATH)).items
    assert (held["origin"], held["incident"], held["text"]) == ("callback", angry, "nobody rang me")


async def test_it_is_acted_on_after_a_restart_and_erased_with_its_person(api: Served) -> None:
    number = await suggested(api, as_="luis", text="ask Luis Canary")
    api.daemon.pipeline.desk.casebook.improvements.clear()
    assert (await api.post(f"{PATH}/{number}/accept", {})).body["state"] == "accepted"
    await api.post("/api/v1/people/erase", {"person": "luis", "also": ["Luis Canary"]}, as_="root")
    held = (await api.get(f"{PATH}/{number}")).body
    assert (held["text"], held["suggested_by"].startswith("erased-")) == ("(erased)", True)
