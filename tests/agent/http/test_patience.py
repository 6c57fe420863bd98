"""Whoever calls is answered in time, also while the store stands still, and is not told that nothing was done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from agent.http.patience import Patience
from agent.http.problems import Problem
from tests.agent.http.serving import Served, served
from tests.real.running import until


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


@asynccontextmanager
async def frozen(api: Served) -> AsyncIterator[None]:
    """While the block runs no commit comes back, as with a database that has stopped within a statement."""
    writer, goes_on = api.daemon.writer, asyncio.Event()
    commit, patience = writer.commit, api.daemon.patience.stands_still_s

    async def hangs(batch: Any) -> None:
        await goes_on.wait()
        await commit(batch)

    writer.commit = hangs  # type: ignore[method-assign]
    api.daemon.patience.stands_still_s = 0.05
    try:
        yield
    finally:
        api.daemon.patience.stands_still_s = patience
        goes_on.set()


async def test_an_act_on_a_store_that_stands_still_is_answered_and_done_once(api: Served) -> None:
    number = await api.open_incident()
    path, note, key = f"/api/v1/incidents/{number}/note", {"text": "on my way"}, {"Idempotency-Key": "k1"}
    async with frozen(api):
        late = await api.post(path, note, headers=key)
    assert (late.status, late.headers["Retry-After"]) == (503, "5")
    assert "whether this is done is not known" in late.body["detail"]
    again = await api.post(path, note, headers=key)
    assert again.status == 200
    told = (await api.get(f"/api/v1/incidents/{number}/timeline")).body["items"]
    assert [t["facts"]["text"] for t in told if t["kind"] == "note"] == ["on my way"]


async def test_an_acknowledge_link_is_answered_too(api: Served) -> None:
    number = await api.open_incident()
    link = api.daemon.links(number, "ana")["acknowledge"].removeprefix("http://here")
    async with frozen(api), api.session.post(api.url + link) as late:
        assert (late.status, "not known" in await late.text()) == (503, True)

    async def held() -> bool:
        return bool((await api.get(f"/api/v1/incidents/{number}")).body["assignee"] == "ana")

    await until(held, "what was answered late is done")


async def test_who_waits_while_others_are_committed_goes_on_waiting() -> None:
    loop = asyncio.get_running_loop()
    patience, goes_on = Patience(loop.time, 0.01), asyncio.Event()
    waiting = asyncio.create_task(patience.act(goes_on.wait()))
    done, _ = await asyncio.wait((waiting,), timeout=0.1)
    assert not done
    goes_on.set()
    assert await waiting


async def test_a_read_that_takes_too_long_is_answered_and_ends() -> None:
    ended = asyncio.Event()

    async def read() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Problem) as told:
        await Patience(lambda: 0.0).read(read(), 0.01)
    assert (told.value.status, told.value.detail) == (503, "the store does not answer now: try again")
    await ended.wait()


async def test_what_nobody_waits_for_ends_with_the_house() -> None:
    ended, patience = asyncio.Event(), Patience(lambda: 0.0, 0.01)

    async def late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Problem, match="not known"):
        await patience.act(late())
    assert not ended.is_set()
    await patience.close()
    assert ended.is_set()


async def test_what_refuses_an_act_is_raised_as_it_is() -> None:
    async def refused() -> None:
        raise Problem(409, "no")

    with pytest.raises(Problem, match="no"):
        await Patience(lambda: 0.0).act(refused())
