"""Who reported an incident, and in which words, is for those who need it; logs and metrics never hold it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent.http.masking import MASKED
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


async def spoken_of(api: Served) -> str:
    """Somebody reports, and everybody writes something about them."""
    number = await api.report(f"printer of {CONTACT}", reporter=CONTACT, symptom=WORDS)
    await api.act(number, "acknowledge", as_="desk")
    await api.act(number, "note", {"text": WORDS, "next_action": f"ring {CONTACT}"}, as_="desk")
    await api.act(number, "declare-major", {"reason": WORDS}, as_="pat")
    await api.act(number, "brief", {"persons": CONTACT, "phone": "0134-canary"}, as_="pat")
    await api.act(number, "review", {"cause": WORDS, "actions": [WORDS], "attended": ["pat"]}, as_="pat")
    done = {"type": "permanent", "resolution": WORDS, "note": WORDS}
    assert (await api.act(number, "resolve", done, as_="desk")).status == 200
    assert (await api.act(number, "accept", {"by": CONTACT, "via": "phone"}, as_="desk")).status == 200
    await api.act(number, "callback", {"reached": True, "persists": False, "remark": WORDS}, as_="desk")
    return number


@pytest.mark.parametrize("who", ["vic", "noa"])
async def test_what_people_wrote_is_masked_wherever_it_is_read(api: Served, who: str) -> None:
    number = await spoken_of(api)
    one = f"/api/v1/incidents/{number}"
    needs = who != "vic"
    for path in (one, "/api/v1/incidents", f"{one}/timeline", f"{one}/brief", "/api/v1/problems"):
        seen = await api.get(path, as_=who)
        assert seen.status == 200, path
        assert ("canary" in seen.text) is needs, path
    problem = (await api.get(one)).body["links"][0]["target"]
    assert ("canary" in (await api.get(f"/api/v1/problems/{problem}", as_=who)).text) is needs
    await api.post(f"/api/v1/problems/{problem}/diagnose", {"root_cause": "dust", "workaround": "clean"})
    draft = await api.get(f"/api/v1/problems/{problem}/known-error", as_=who)
    assert (draft.status, "canary" in draft.text) == (200, needs)


async def test_nobody_finds_by_a_search_what_is_masked(api: Served) -> None:
    number = await api.report(f"printer of {CONTACT}", reporter=CONTACT, symptom=WORDS)
    alert_born = await api.open_incident()

    async def found(q: str, as_: str) -> list[str]:
        return [i["number"] for i in (await api.get(f"/api/v1/incidents?q={q}", as_=as_)).items]

    for words in ("bob.canary", "555-0134"):
        assert await found(words, "desk") == [number]
        assert await found(words, "vic") == []
    assert await found("DiskFull", "vic") == [alert_born]
    assert await found(number, "vic") == [number]


async def test_a_vendor_reads_what_is_wrong_and_not_who_said_so(api: Served) -> None:
    number = await api.report("the array is slow", reporter=CONTACT, symptom="disk 4 is red")
    await api.act(number, "assign", {"group": "acme"}, as_="desk")
    await api.act(number, "note", {"text": "the LED of bay 4"}, as_="desk")
    seen = await api.get(f"/api/v1/incidents/{number}", as_="ven")
    assert (seen.body["title"], seen.body["record"]["symptom"]) == ("the array is slow", "disk 4 is red")
    assert "canary" not in seen.text
    timeline = (await api.get(f"/api/v1/incidents/{number}/timeline", as_="ven")).text
    assert ("the LED of bay 4" in timeline, "canary" in timeline) == (True, False)


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
    number = await spoken_of(api)
    await api.get("/api/v1/incidents?q=bob.canary", as_="vic")
    await api.post("/api/v1/people/erase", {"person": "carol.canary"}, as_="root")
    await api.act(number, "assign", {"person": CONTACT}, as_="desk")
    await api.settle()
    said = capfd.readouterr()
    assert "canary" not in said.out + said.err + caplog.text
    metrics = await api.get("/metrics", as_="")
    assert (metrics.status, "canary" in metrics.text) == (200, False)
