"""Who reported an incident, and in which words, is for those who need it; logs and metrics never hold it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent.http.render import MASKED
from agent.intents import LetterDied
from tests.agent.http.serving import Served, served

CONTACT, WORDS = "bob.canary@example.org", "my phone is 555-0134-canary"


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def test_the_reporter_is_shown_to_those_who_work_on_it_and_masked_for_others(api: Served) -> None:
    number = await api.report("printer", reporter=CONTACT, symptom=WORDS)
    for who in ("desk", "ana", "wei", "pat", "dora", "sal", "root"):
        record = (await api.get(f"/api/v1/incidents/{number}", as_=who)).body["record"]
        assert (record["reporter"], record["symptom"]) == (CONTACT, WORDS), who
    for path in (f"/api/v1/incidents/{number}", "/api/v1/incidents"):
        seen = await api.get(path, as_="vic")
        assert seen.status == 200
        assert MASKED in seen.text
        assert "canary" not in seen.text


async def test_customers_see_their_own_words(api: Served) -> None:
    number = await api.report("printer", as_="cus", symptom=WORDS)
    assert (await api.get(f"/api/v1/incidents/{number}", as_="cus")).body["record"]["symptom"] == WORDS


async def test_a_dead_letter_shows_a_viewer_no_excerpt(api: Served) -> None:
    await api.daemon.pipeline.submit(LetterDied("am", "no JSON", CONTACT.encode(), api.clock.now()))
    assert CONTACT in (await api.get("/api/v1/dead-letters", as_="root")).text
    assert CONTACT not in (await api.get("/api/v1/dead-letters", as_="vic")).text


async def test_no_contact_and_no_word_of_a_reporter_stands_in_logs_or_metrics(
    api: Served, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    number = await api.report("printer", reporter=CONTACT, symptom=WORDS)
    await api.act(number, "note", {"text": WORDS}, as_="desk")
    await api.act(number, "assign", {"person": CONTACT}, as_="desk")
    await api.settle()
    said = capfd.readouterr()
    assert "canary" not in said.out + said.err + caplog.text
    metrics = await api.get("/metrics", as_="")
    assert (metrics.status, "canary" in metrics.text) == (200, False)
