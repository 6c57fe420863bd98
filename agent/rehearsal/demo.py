"""`make demo`: a daemon of its own, two people and a two-minute outage; each thing is printed as it happens."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import click
from aiohttp import web

from agent import tokens
from agent.clock import SystemClock
from agent.configuration.layers import shared
from collectors.labels import fingerprint
from collectors.moment import moment_text, parse_moment

UPS = {"alertname": "UPSOnBattery", "ups": "ups-a", "rack": "a", "severity": "warning"}
DB_DOWN = {"alertname": "HostDown", "instance": "db-1", "rack": "a", "severity": "critical"}
WEB_DOWN = {"alertname": "HostDown", "instance": "web-1", "rack": "a", "severity": "critical"}
DISK = {"alertname": "NodeFilesystemReadOnly", "instance": "db-1", "mountpoint": "/srv", "severity": "critical"}
SUMMARY = {
    "UPSOnBattery": "ups-a runs on battery",
    "HostDown": "the host does not answer",
    "NodeFilesystemReadOnly": "/srv on db-1 went read-only",
}
_FAST = 10.0
_PATIENCE_S = 60.0
_TOLD_ELSEWHERE = frozenset({"alerts_joined", "step", "page_sent"})
"""Lines of the timeline that are printed from the alerts and from the pages themselves."""


class Failed(Exception):
    """The demo did not go as it should; the text says what was waited for."""


def main(fast: bool = False) -> int:
    """Play the outage; return 0, or 1 with a sentence. With `fast` in about 15 seconds."""
    try:
        asyncio.run(_play(fast))
    except Failed as error:
        click.echo(f"demo: {error}", err=True)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("demo: interrupted", err=True)
        return 1
    return 0


async def _play(fast: bool) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    folder = Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    try:
        stage = Stage(folder, SystemClock(), _FAST if fast else 1.0)
        async with stage.listening() as sink, stage.running(sink), stage.watching():
            await _outage(stage)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _outage(stage: "Stage") -> None:
    """Mains fails: the UPS, then what hangs on it, then what that leaves behind; and all of it once more."""
    await stage.send("mains fails: the UPS tells Alertmanager, Alertmanager tells Tocsin", UPS)
    await stage.until("page", "ana 3/c0")
    await stage.rest(8)
    await stage.send("the two hosts on that UPS go down", DB_DOWN, WEB_DOWN)
    await stage.until("page", "luis 2/r100")
    await stage.rest(6)
    await stage.act("luis acknowledges over the API", "acknowledge")
    await stage.until("acknowledged", "")
    await stage.rest(6)
    await stage.send("db-1 is back, its disk is not well", DISK)
    await stage.until("page", "luis 2/p50")
    await stage.rest(14)
    await stage.end("mains is back, all alerts end", UPS, DB_DOWN, WEB_DOWN, DISK)
    await stage.until("resolved", "")
    await stage.rest(14)
    await stage.send("mains fails again", UPS)
    await stage.until("page", "luis 2/relapse@1")
    await stage.rest(6)
    await stage.act("luis acknowledges again", "acknowledge")
    await stage.rest(16)
    await stage.end("mains is back", UPS)
    await stage.until("resolved", "", times=2)
    await stage.summary()


class Stage:
    """The daemon, those who send to it, and what has been seen of it so far."""

    def __init__(self, folder: Path, clock: SystemClock, pace: float) -> None:
        self._folder, self._clock, self._pace = folder, clock, pace
        self._site = folder / "site"
        self._store = f"sqlite:///{folder}/tocsin.db"
        self._source_token = secrets.token_urlsafe(16)
        self._start = clock.now()
        self._url, self._number = "", ""
        self._token: dict[str, str] = {}
        self._started: dict[str, datetime] = {}
        self._told: list[tuple[str, str]] = []
        self._fresh, self._looking = asyncio.Event(), asyncio.Lock()
        self._lines_told, self._alerts_told, self._errors_told = 0, set[str](), set[str]()
        shutil.copytree(shared("configs") / "demo" / "site", self._site)
        if pace != 1.0:
            shutil.copytree(shared("configs") / "demo" / "fast", self._site, dirs_exist_ok=True)

    # what is printed

    def say(self, what: str, text: str, key: str = "", at: datetime | None = None) -> None:
        """Print one line with the seconds since the start, and remember it under `what` and `key`."""
        seconds = ((at or self._clock.now()) - self._start).total_seconds()
        click.echo(f"{seconds:6.1f} s  {what:<16}  {text}")
        sys.stdout.flush()
        self._told.append((what, key))
        self._fresh.set()

    async def until(self, what: str, key: str, times: int = 1) -> None:
        """Wait until this was said so often. Raises Failed after a minute."""
        latest = self._clock.now() + timedelta(seconds=_PATIENCE_S)
        while sum(1 for w, k in self._told if w == what and k == key) < times:
            if self._clock.now() >= latest:
                raise Failed(f"waited {_PATIENCE_S:.0f} s for {what} {key}, in vain; log of the daemon:\n{self.log()}")
            await self._clock.sleep_until(latest, self._fresh)

    async def rest(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.now() + timedelta(seconds=seconds / self._pace))

    def log(self) -> str:
        """The last lines that the daemon has written."""
        return "\n".join((self._folder / "log").read_text("utf-8", "replace").splitlines()[-15:])

    # the daemon, and the sink that its pages go to

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """A web server that takes the pages; yields its address."""
        app = web.Application()
        app.router.add_post("/", self._take_page)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()

    async def _take_page(self, request: web.Request) -> web.Response:
        page = await request.json()
        step, target = request.headers["X-Tocsin-Step"], request.headers["X-Tocsin-Target"]
        await self._look(request.headers["X-Tocsin-Incident"])
        self.say("page", f"to {target} by step {step}: {page['reason']['text']}", f"{target} {step}")
        return web.Response()

    @contextlib.asynccontextmanager
    async def running(self, sink: str) -> AsyncIterator[None]:
        """The daemon as a process of its own; ended, and waited for, on the way out."""
        with (self._folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agent", "serve", "--web.listen-address", "127.0.0.1:0"),
                *("--config.dir", str(self._site), "--storage.url", self._store),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environment(sink),
            )
        try:
            await self._greeted(process)
            yield
        finally:
            await _ended(process)

    def _environment(self, sink: str) -> dict[str, str]:
        """Ours without TOCSIN_*: whatever is set for another daemon is not for this one."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        return {**ours, "DEMO_SINK": sink, "DEMO_TOKEN": self._source_token}

    async def _greeted(self, process: asyncio.subprocess.Process) -> None:
        """Read what the daemon says when it is up."""
        assert process.stdout is not None
        while "admin" not in self._token:
            line = ""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    line = (await process.stdout.readline()).decode()
            if not line:
                raise Failed(f"the daemon did not start:\n{self.log()}")
            said, _, value = line.strip().partition("token: ")
            if said.startswith("listening on "):
                self._url = f"http://{said.removeprefix('listening on ')}"
            if value:
                self._token["admin"] = value
        self._token["luis"] = await tokens.create(self._store, person="luis", now=self._clock.now(), by="demo")
        self._start = self._clock.now()
        self.say("start", f"a daemon on {self._url} with an empty store; ana is on call, luis leads")

    # those who send and act

    async def send(self, text: str, *alerts: Mapping[str, str]) -> None:
        """Alertmanager tells of alerts that fire."""
        self.say("-->", text)
        for labels in alerts:
            self._started[fingerprint(labels)] = self._clock.now()
        await self._post_alerts("firing", alerts)

    async def end(self, text: str, *alerts: Mapping[str, str]) -> None:
        """Alertmanager tells that alerts are over."""
        self.say("-->", text)
        await self._post_alerts("resolved", alerts)

    async def _post_alerts(self, status: str, alerts: tuple[Mapping[str, str], ...]) -> None:
        ends = moment_text(self._clock.now()) if status == "resolved" else "0001-01-01T00:00:00Z"
        told = [
            {
                "status": status,
                "labels": dict(labels),
                "annotations": {"summary": SUMMARY[labels["alertname"]]},
                "startsAt": moment_text(self._started[fingerprint(labels)]),
                "endsAt": ends,
                "fingerprint": fingerprint(labels),
            }
            for labels in alerts
        ]
        body = {"version": "4", "status": status, "receiver": "tocsin", "alerts": told}
        await self._call("POST", "/webhooks/alertmanager/am", self._source_token, body)

    async def act(self, text: str, action: str) -> None:
        """Luis acts on the incident."""
        self.say("-->", text)
        await self._call("POST", f"/api/v1/incidents/{self._number}/{action}", self._token["luis"], {})

    async def _call(self, method: str, path: str, token: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self._url}{path}", json=body) as response,
        ):
            answer = await response.text()
            if response.status >= 300:
                raise Failed(f"{method} {path}: {response.status} {answer}")
            return json.loads(answer) if answer else None

    # those who watch

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Follow the stream of events, and print what is new of the incident after each."""
        connected = asyncio.Event()
        watch = asyncio.create_task(self._watch(connected))
        try:
            waiting = asyncio.create_task(connected.wait())
            await asyncio.wait({waiting, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
                raise Failed(f"the stream of events cannot be read; log of the daemon:\n{self.log()}")
            yield
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError):
                await watch

    async def _watch(self, connected: asyncio.Event) -> None:
        headers = {"Authorization": f"Bearer {self._token['admin']}"}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout()) as session,
            session.get(f"{self._url}/api/v1/events") as stream,
        ):
            connected.set()
            async for line in stream.content:
                if line.startswith(b'data: {"'):
                    await self._look(json.loads(line.removeprefix(b"data: "))["number"])

    async def _look(self, number: str) -> None:
        """Print the lines of the timeline, the alerts and the known errors that are new."""
        async with self._looking:
            self._number = number
            await self._tell_what_is_new()

    async def _tell_what_is_new(self) -> None:
        path = f"/api/v1/incidents/{self._number}"
        incident = await self._call("GET", path, self._token["admin"])
        timeline = await self._call("GET", f"{path}/timeline?limit=500", self._token["admin"])
        fresh, self._lines_told = timeline["items"][self._lines_told :], len(timeline["items"])
        for line in fresh:
            if line["kind"] not in _TOLD_ELSEWHERE:
                who = "" if line["actor"] == "agent" else f"{line['actor']}: "
                title = f"{self._number} {incident['title']}: " if line["kind"] == "opened" else ""
                self.say(line["kind"].replace("_", " "), f"{title}{who}{line['text']}", at=_moment(line["at"]))
        self._tell_alerts(incident["alerts"])
        for known in incident["known_errors"]:
            if known["id"] not in self._errors_told:
                self._errors_told.add(known["id"])
                self.say("known error", f"{known['id']}: {known['title']}; {known['why']['text']}")

    def _tell_alerts(self, alerts: list[dict[str, Any]]) -> None:
        for alert in sorted(alerts, key=lambda told: str(told["startsAt"])):
            firing = f"{alert['fingerprint']}@{alert['startsAt']}"
            if firing not in self._alerts_told:
                self._alerts_told.add(firing)
                labels = alert["labels"]
                about = labels.get("instance") or labels.get("ups", "")
                self.say("alert", f"{labels['alertname']} {about}: {alert['why']['text']}")

    async def summary(self) -> None:
        """Say how it ended, and where to go on."""
        incident = await self._call("GET", f"/api/v1/incidents/{self._number}", self._token["admin"])
        record = incident["record"]
        pages = sum(1 for what, _ in self._told if what == "page")
        counts = f"{record['alert_count']} alerts, {record['relapse']} relapse, {pages} pages"
        self.say(
            "end",
            f"{self._number} is {incident['state']}: severity {incident['severity']}, {counts}",
        )


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End a process, and wait until it has."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _moment(text: str) -> datetime:
    moment = parse_moment(text)
    assert moment is not None, "a moment of our own"
    return moment
