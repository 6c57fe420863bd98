"""A daemon's application on a real socket, on a hand clock; its loops but the line's stand still."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from agent import tokens
from agent.clock import HandClock
from agent.configuration.load import load
from agent.daemon import Daemon, Options
from agent.http.listening import serving
from agent.intents import ConfigChanged, PagesClaimed, PageTried, TimePassed
from escalation.delivery import Attempt
from knowledge.automation import AutomationPolicy
from tests.house import alert, message

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DISK_FULL = {"alertname": "DiskFull", "instance": "db-1:9100", "severity": "critical"}
LINK_DOWN = {"alertname": "LinkDown", "instance": "sw-1", "severity": "warning"}

SITE = {
    "tocsin.yaml": """
pack: iso20000-default
sources: {am: {type: alertmanager, token: am-secret-token}}
notifiers: {hook: {type: recording}}
fallback: [root]
""",
    "people.yaml": """
people:
  ana: {name: Ana, roles: [l1], groups: [sys-ops], contacts: [{notifier: hook, to: ana}]}
  luis: {name: Luis, roles: [l1], groups: [sys-ops], contacts: [{notifier: hook, to: luis}]}
  noa: {name: Noa, roles: [l1], groups: [net-ops], contacts: [{notifier: hook, to: noa}]}
  wei: {name: 伟, roles: [l2], groups: [sys-expert], language: zh, time_zone: Asia/Shanghai,
    contacts: [{notifier: hook, to: wei}]}
  pat: {name: Pat, roles: [pm], contacts: [{notifier: hook, to: pat}]}
  dora: {name: Dora, roles: [dept_manager], contacts: [{notifier: hook, to: dora}]}
  desk: {name: Desk, roles: [desk], groups: [desk], contacts: [{notifier: hook, to: desk}]}
  root: {name: Root, roles: [ops], contacts: [{notifier: hook, to: root}]}
  sal: {name: Sal, roles: [sales], contacts: [{notifier: hook, to: sal}]}
  vic: {name: Vic, roles: [viewer]}
  cus: {name: Cus, roles: [customer]}
  ven: {name: Ven, roles: [vendor], groups: [acme]}
groups: {acme: {tier: vendor}}
""",
    "oncall.yaml": """
schedules:
  sys-l1: {group: sys-ops, role: l1, time_zone: UTC, layers: [{people: [ana, luis], every: 7d, handover: "Mon 00:00"}]}
""",
    "rules.yaml": """
classification:
  - {id: disk, match: {alertname: DiskFull}, set: {category: storage/disk_space, group: sys-ops, urgency: 2, impact: 3}}
""",
    "topology.yaml": "configuration_items: {db-1: {kind: host, criticality: important}}",
}
"""Everybody once, with a role each."""


@dataclass
class Answered:
    """What the API answered."""

    status: int
    body: Any
    headers: Mapping[str, str]
    text: str

    @property
    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body["items"]
        return found


@dataclass
class Served:
    """A running application; `as_` names the person who calls, "" nobody."""

    daemon: Daemon
    clock: HandClock
    url: str
    storage: str
    session: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, person: str) -> str:
        if person not in self.tokens:
            self.tokens[person] = await tokens.create(self.daemon.writer, person=person, now=self.clock.now())
        return self.tokens[person]

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        as_: str = "pat",
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        sent = dict(headers or {})
        if as_:
            sent.setdefault("Authorization", f"Bearer {await self.token(as_)}")
        async with self.session.request(
            method, self.url + path, json=body if data is None else None, data=data and io.BytesIO(data), headers=sent
        ) as response:
            raw = await response.read()
            kind = response.content_type
            parsed = json.loads(raw) if kind.endswith("json") and raw else None
            return Answered(response.status, parsed, response.headers, raw.decode())

    async def get(self, path: str, **more: Any) -> Answered:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answered:
        return await self.call("POST", path, body, **more)

    async def receive(self, *alerts: dict[str, Any]) -> None:
        """The source `am` sends these; then what is due at once is done."""
        sent = {"Authorization": "Bearer am-secret-token", "Content-Type": "application/json"}
        answered = await self.call("POST", "/webhooks/alertmanager/am", as_="", data=message(*alerts), headers=sent)
        assert answered.status == 200, answered.text
        await self.settle()

    async def settle(self) -> None:
        """Take what is due now, and send its pages."""
        pipeline = self.daemon.pipeline
        await pipeline.submit(TimePassed())
        self.clock.set(self.clock.now() + timedelta(seconds=1))
        due = pipeline.desk.outbox.due(self.clock.now())
        for page in await pipeline.submit(PagesClaimed(tuple(due))):
            await pipeline.submit(PageTried(Attempt(page.page, sent=True)))

    async def open_incident(self, labels: Mapping[str, str] = DISK_FULL) -> str:
        """An alert opens an incident; return its number."""
        before = {i["number"] for i in (await self.get("/api/v1/incidents?limit=500")).items}
        await self.receive(alert(labels))
        after = {i["number"] for i in (await self.get("/api/v1/incidents?limit=500")).items}
        (number,) = after - before
        return str(number)

    async def propose_action(self) -> int:
        """An alert opens an incident whose known error would have a program run; return the number of the run."""
        rule: dict[str, Any] = {
            "argv": ["/bin/cycle", "{instance}"],
            "labels": {"instance": "[a-z][a-z0-9-]*"},
            "approve": "l2",
        }
        rule |= {"stop": [{"alert": {"alertname": "UpsOnBattery"}, "reason": "a UPS is on battery"}]}
        policy = AutomationPolicy.model_validate({"enabled": True, "actions": {"cycle": rule}})
        self.daemon.in_force.config = replace(self.daemon.config, automation=policy)
        await self.daemon.pipeline.submit(ConfigChanged(self.daemon.config, "root"))
        labels = {"alertname": "HostHung", "instance": "web-1"}
        entry = {"id": "hung", "title": "It hangs", "match": labels, "workaround": "cycle it", "action": "cycle"}
        assert (await self.post("/api/v1/known-errors", entry, as_="root")).status == 201
        await self.open_incident(labels)
        return int((await self.get("/api/v1/automation-runs")).items[0]["id"])

    async def report(self, title: str, as_: str = "desk", **more: Any) -> str:
        """A person reports an incident; return its number."""
        answered = await self.post("/api/v1/incidents", {"title": title, **more}, as_=as_)
        assert answered.status == 201, answered.text
        return str(answered.body["number"])

    async def act(self, number: str, action: str, body: Any = None, as_: str = "pat") -> Answered:
        return await self.post(f"/api/v1/incidents/{number}/{action}", body, as_=as_)


@asynccontextmanager
async def served(
    directory: Path,
    storage: str = "",
    trusted_proxies: tuple[str, ...] = (),
    external_url: str = "http://here",
    files: Mapping[str, str] = SITE,
) -> AsyncIterator[Served]:
    """A daemon with the site SITE on an empty SQLite file in `directory`, or with another one, or another store."""
    site = directory / "site"
    site.mkdir()
    for name, text in files.items():
        (site / name).write_text(text)
    storage = storage or f"sqlite:///{directory / 'tocsin.db'}"
    clock = HandClock(START)
    options = Options(
        config_dir=str(site),
        listen="127.0.0.1:0",
        storage_url=storage,
        external_url=external_url,
        trusted_proxies=trusted_proxies,
    )
    daemon = Daemon(options, load(site), clock)
    await daemon.open()
    daemon.pipeline.committed.clear()  # no ranking of known errors, no pulls: these loops stand still
    line = asyncio.create_task(daemon.pipeline.run())
    try:
        async with serving(daemon.app(), "127.0.0.1:0") as port, aiohttp.ClientSession() as session:
            yield Served(daemon, clock, f"http://127.0.0.1:{port}", storage, session)
    finally:
        line.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await line
        await daemon.close()
