"""Two thousand malformed messages at the door: each gets a plain answer, and no alert in them is lost."""

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.agent.http.serving import Served, served
from tests.properties.malformed import MARK, MUTATORS, malformed, salvageable, too_deep

SENT = {"Authorization": "Bearer am-secret-token", "Content-Type": "application/json"}
COUNT, SEED = int(os.environ.get("TOCSIN_MALFORMED", "2000")), 20_260_302


@pytest_asyncio.fixture
async def door(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def stored(door: Served) -> set[str]:
    rows = await door.daemon.writer.fetch("SELECT labels FROM alert WHERE origin = 'am'")
    return {mark for (labels,) in rows for mark in MARK.findall(labels)}


async def test_every_malformed_message_gets_a_plain_answer_and_what_can_be_saved_is_saved(door: Served) -> None:
    url, wanted, told = f"{door.url}/webhooks/alertmanager/am", {}, {how: 0 for how, _ in MUTATORS}
    for number, made in enumerate(malformed(COUNT, SEED)):
        headers = {**SENT, **made.headers}
        async with door.session.post(url, data=io.BytesIO(made.body), headers=headers) as answer:
            status, text = answer.status, await answer.text()
        case = (number, made.how, made.headers, made.body[:300], status, text[:200])
        assert status in {200, 400, 413, 415, 422}, case
        if "Content-Encoding" in made.headers:
            assert status == {"gzip": 400, "br": 415}[made.headers["Content-Encoding"]], case
            continue
        if status == 400 and too_deep(made.body):
            continue
        marks = salvageable(made.body)
        assert status == (400 if marks is None else 200), case
        wanted.update(dict.fromkeys(marks or (), case))
        told[made.how] += status == 200
    lost = wanted.keys() - await stored(door)
    assert not lost, wanted[min(lost)]
    assert len(wanted) > COUNT
    assert sum(1 for count in told.values() if count) >= len(MUTATORS) - 1


async def test_every_refusal_left_a_dead_letter_and_they_share_one_self_incident(door: Served) -> None:
    url, refused = f"{door.url}/webhooks/alertmanager/am", 0
    for made in malformed(200, SEED + 1):
        if made.headers:
            continue
        async with door.session.post(url, data=io.BytesIO(made.body), headers=SENT) as answer:
            refused += answer.status == 400
    rows = await door.daemon.writer.fetch("SELECT count(*) FROM dead_letter WHERE reason NOT LIKE 'an alert%'")
    assert rows[0][0] == refused > 20
    own = await door.daemon.writer.fetch("SELECT count(*) FROM incident WHERE source = 'self'")
    assert own[0][0] == 1


def test_the_same_seed_makes_the_same_bodies() -> None:
    assert [m.body for m in malformed(50, 7)] == [m.body for m in malformed(50, 7)]
