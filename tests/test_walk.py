"""docs/walk.md is the walk that one alert takes: its stops are compared with a trace of a whole daemon."""

import asyncio
import gc
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import _lru_cache_wrapper
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
import pytest

from agent.configuration.load import load
from agent.daemon import Daemon, Options
from agent.http.listening import serving
from tests.house import DISK_FULL, SITE, alert, message
from tests.real.running import until
from tests.real.sinks import WebhookSink

ROOT = Path(__file__).parent.parent
WALK = ROOT / "docs" / "walk.md"
ROOMS = ("collectors", "correlation", "knowledge", "escalation")
_STOP = re.compile(r"^\| \d+ \| `([a-z0-9_/]+\.py): ([A-Za-z_.]+)\(([a-z_, ]*)\)`", re.MULTILINE)
_FILE = re.compile(r"`((?:agent|collectors|correlation|knowledge|escalation)/[a-z0-9_/]+\.py)")
_OURS = tuple(f"{ROOT}/{folder}/" for folder in ("agent", *ROOMS))

Stop = tuple[str, str]
"""The file and the name of a function, as walk.md writes them: ("correlation/correlate.py", "correlate")."""


def written() -> list[tuple[str, str, str]]:
    """The stops of the table, in its order: file, function, arguments."""
    return _STOP.findall(WALK.read_text("utf-8"))


def named_files() -> set[str]:
    """Every file that the page names, in the table or below it."""
    return set(_FILE.findall(WALK.read_text("utf-8")))


@contextmanager
def traced() -> Iterator[list[Stop]]:
    """The functions of ours that are called meanwhile on this thread, in the order of their first call.

    What another test has left in a cache is called all the same.
    """
    gc.unfreeze()  # what a daemon of another test has frozen is not among the objects
    for made in gc.get_objects():
        if isinstance(made, _lru_cache_wrapper) and made.__module__.partition(".")[0] in ("agent", *ROOMS):
            made.cache_clear()
    seen: dict[Stop, None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(_OURS):
            seen.setdefault((path.removeprefix(f"{ROOT}/"), frame.f_code.co_qualname))

    calls: list[Stop] = []
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)
        calls.extend(seen)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> list[Stop]:
    """What is called from the moment an alert is sent until its page has arrived."""
    folder = tmp_path_factory.mktemp("walk")
    return asyncio.run(_walk(folder))


async def _walk(folder: Path) -> list[Stop]:
    async with WebhookSink() as sink:
        options = Options(site(folder, sink.url), listen="127.0.0.1:0", storage_url=f"sqlite:///{folder}/tocsin.db")
        daemon, stop = Daemon(options, load(options.config_dir)), asyncio.Event()
        await daemon.open()
        async with serving(daemon.app(), options.listen) as port, aiohttp.ClientSession() as session:
            loops = asyncio.create_task(daemon.run(stop))
            notices, stored = daemon.pipeline.desk.notices, list[str]()
            daemon.pipeline.committed.append(lambda group: stored.extend(s for s in group.rows if "notice" in s))
            await until(lambda: stored and notices.plan_at is None, "the notices to come are planned and stored")
            await until(lambda: daemon.cycle.late_s() is not None, "the loops have come to rest")
            with traced() as calls:
                await send(session, f"http://127.0.0.1:{port}/webhooks/alertmanager/am")
                await until(daemon.metrics.pages.labels("hook", "sent")._value.get, "a page was sent")
            stop.set()
            await loops
        await daemon.close()
    return calls


def site(folder: Path, sink: str) -> str:
    """The small site, its pages going to a web server."""
    for path in SITE.glob("*.yaml"):
        text = path.read_text("utf-8").replace("{type: recording}", f'{{type: webhook, url: "{sink}"}}')
        (folder / path.name).write_text(text, "utf-8")
    return str(folder)


async def send(session: aiohttp.ClientSession, url: str) -> None:
    headers = {"Authorization": "Bearer am-secret-token"}
    async with session.post(url, data=message(alert(DISK_FULL)), headers=headers) as response:
        assert response.status == 200


def test_the_stops_of_the_walk_are_passed_in_their_order(walk: list[Stop]) -> None:
    stops = [(file, name) for file, name, _ in written()]
    assert len(stops) >= 11
    assert set(stops) - set(walk) == set()
    assert sorted(stops, key=walk.index) == stops


def test_the_walk_names_every_file_of_a_room_that_an_alert_passes(walk: list[Stop]) -> None:
    passed = {file for file, _ in walk if file.partition("/")[0] in ROOMS}
    assert passed - named_files() == set()


def test_the_walk_names_no_file_that_an_alert_does_not_pass(walk: list[Stop]) -> None:
    assert named_files() - {file for file, _ in walk} == set()


def test_the_stops_lead_through_the_rooms_in_the_order_of_the_data() -> None:
    rooms = [file.partition("/")[0] for file, _, _ in written() if not file.startswith("agent/")]
    assert list(dict.fromkeys(rooms)) == list(ROOMS)


@pytest.mark.parametrize(("file", "name", "arguments"), written(), ids=str)
def test_a_stop_is_written_with_the_arguments_it_takes(file: str, name: str, arguments: str) -> None:
    called = attrgetter(name)(import_module(file.removesuffix(".py").replace("/", ".")))
    takes = [argument.lstrip("_") for argument in inspect.signature(called).parameters if argument != "self"]
    assert arguments.split(", ") == takes[: arguments.count(", ") + 1]
