"""The real parts: Prometheus, Alertmanager (one or a pair), amtool, and the sinks and servers beside them.

async with Exporter() as exporter, WebhookSink() as sink:
    async with Alertmanager(open_dir, route_to(sink.url)) as alertmanager:
        config = scrape(exporter.address, alertmanagers=[sends_to(alertmanager.address)])
        async with Prometheus(open_dir, config, [rule("DiskFull", "disk_used_pct > 95")]) as prometheus:
            exporter.set("disk_used_pct", 97, instance="mon-1")
            await sink.wait_for(1)
"""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.real.exporter import Exporter
from tests.real.postgres import Database
from tests.real.running import PATIENCE, Port, Program, until, without_rights
from tests.real.sinks import Answer, Mail, Received, SmtpSink, WebhookSink

__all__ = [
    "PATIENCE",
    "Alertmanager",
    "Answer",
    "Database",
    "Exporter",
    "Mail",
    "Port",
    "Program",
    "Prometheus",
    "Received",
    "SmtpSink",
    "WebhookSink",
    "amtool",
    "call",
    "pair",
    "route_to",
    "rule",
    "scrape",
    "sends_to",
    "until",
]

Config = dict[str, Any]


async def call(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Make one HTTP request, `body` as JSON, and return status and body; (0, reason) where nobody answers."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session,
            session.request(method, url, json=body, headers=headers) as response,
        ):
            return response.status, await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        return 0, repr(error).encode()


async def fetch(url: str) -> Any:
    """GET a JSON document; raises AssertionError with the answer where it is not 200."""
    status, body = await call("GET", url)
    assert status == 200, f"GET {url}: {status} {body[:500]!r}"
    return json.loads(body)


def rule(alert: str, expr: str, *, held: str = "0s", **fields: Mapping[str, str]) -> Config:
    """Return one alerting rule; `held` is its `for`, `fields` are `labels` and `annotations`."""
    return {"alert": alert, "expr": expr, "for": held, **fields}


def sends_to(*addresses: str, path_prefix: str = "", token: str | None = None) -> Config:
    """Return one entry of `alerting.alertmanagers`: Alertmanagers, or ourselves with our prefix and token."""
    entry: Config = {"static_configs": [{"targets": list(addresses)}]}
    if path_prefix:
        entry["path_prefix"] = path_prefix
    if token is not None:
        entry["authorization"] = {"credentials": token}
    return entry


def scrape(
    *targets: str,
    alertmanagers: Sequence[Config] = (),
    external_labels: Mapping[str, str] | None = None,
    target_labels: Mapping[str, str] | None = None,
) -> Config:
    """Return a Prometheus configuration that scrapes `targets` and evaluates every second.

    Labels that the exporter gives (also `instance` and `job`) win over those of the scrape.
    """
    return {
        "global": {
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "evaluation_interval": "1s",
            "external_labels": dict(external_labels or {}),
        },
        "rule_files": ["rules.json"],
        "scrape_configs": [
            {
                "job_name": "exporter",
                "honor_labels": True,
                "static_configs": [{"targets": list(targets), "labels": dict(target_labels or {})}],
            }
        ],
        "alerting": {"alertmanagers": list(alertmanagers)},
    }


class Prometheus(Program):
    """A real Prometheus with a configuration (see `scrape`) and alerting rules (see `rule`)."""

    name = "prometheus"

    def __init__(
        self,
        directory: Path,
        config: Config,
        rules: Sequence[Config] = (),
        *,
        name: str | None = None,
        external_url: str | None = None,
        resend_delay: str = "1s",
    ) -> None:
        super().__init__(directory, name=name)
        self.config, self.rules = config, list(rules)
        self._external_url, self._resend_delay = external_url, resend_delay

    def write(self) -> None:
        """Write configuration and rules to where Prometheus reads them; JSON is YAML."""
        groups = {"groups": [{"name": "rules", "interval": "1s", "rules": self.rules}]}
        (self.directory / "prometheus.json").write_text(json.dumps(self.config))
        (self.directory / "rules.json").write_text(json.dumps(groups))

    def command(self) -> list[str]:
        self.write()
        return [
            "prometheus",
            f"--config.file={self.directory / 'prometheus.json'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address={self.address}",
            "--web.enable-lifecycle",
            f"--rules.alert.resend-delay={self._resend_delay}",
            *([f"--web.external-url={self._external_url}"] if self._external_url else []),
        ]

    async def ready(self) -> bool:
        return (await call("GET", f"{self.url}/-/ready"))[0] == 200

    async def reload(self) -> None:
        """Take the configuration and the rules as they are now in `config` and `rules`."""
        self.write()
        status, said = await call("POST", f"{self.url}/-/reload")
        assert status == 200, f"Prometheus refused its configuration: {said.decode()}"

    async def query(self, expression: str) -> list[Any]:
        """Return the result vector of an instant query."""
        status, body = await call("GET", f"{self.url}/api/v1/query?query={quote(expression)}")
        assert status == 200, body.decode()
        result: list[Any] = json.loads(body)["data"]["result"]
        return result

    async def alerts(self) -> list[Any]:
        """Return the alerts that are pending or firing now."""
        found: list[Any] = (await fetch(f"{self.url}/api/v1/alerts"))["data"]["alerts"]
        return found


def route_to(
    url: str,
    *,
    receiver: str = "tocsin",
    group_by: Sequence[str] = ("alertname",),
    group_wait: str = "1s",
    group_interval: str = "1s",
    repeat_interval: str = "4h",
    send_resolved: bool = True,
    max_alerts: int = 0,
    token: str | None = None,
) -> Config:
    """Return an Alertmanager configuration with one webhook receiver, quick enough for a test."""
    webhook: Config = {"url": url, "send_resolved": send_resolved, "max_alerts": max_alerts}
    if token is not None:
        webhook["http_config"] = {"authorization": {"credentials": token}}
    return {
        "route": {
            "receiver": receiver,
            "group_by": list(group_by),
            "group_wait": group_wait,
            "group_interval": group_interval,
            "repeat_interval": repeat_interval,
        },
        "receivers": [{"name": receiver, "webhook_configs": [webhook]}],
    }


class Alertmanager(Program):
    """A real Alertmanager; with `clustered` it gossips with `peers` (see `pair`)."""

    name = "alertmanager"

    def __init__(
        self,
        directory: Path,
        config: Config,
        *,
        name: str | None = None,
        external_url: str | None = None,
        clustered: bool = False,
        peer_timeout: str = "1s",
    ) -> None:
        super().__init__(directory, name=name, ports=2 if clustered else 1)
        self.config = config
        self.peers: list[Alertmanager] = []
        self._external_url, self._clustered, self._peer_timeout = external_url, clustered, peer_timeout

    @property
    def cluster_address(self) -> str:
        return f"127.0.0.1:{self.ports[1]}"

    def write(self) -> None:
        """Write the configuration to where Alertmanager reads it."""
        (self.directory / "alertmanager.json").write_text(json.dumps(self.config))

    def command(self) -> list[str]:
        self.write()
        return [
            "prometheus-alertmanager",
            f"--config.file={self.directory / 'alertmanager.json'}",
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address={self.address}",
            *(self._gossip() if self._clustered else ["--cluster.listen-address="]),
            *([f"--web.external-url={self._external_url}"] if self._external_url else []),
        ]

    def _gossip(self) -> list[str]:
        return [
            f"--cluster.listen-address={self.cluster_address}",
            "--cluster.gossip-interval=50ms",
            "--cluster.pushpull-interval=1s",
            "--cluster.probe-interval=1s",
            "--cluster.reconnect-interval=1s",
            f"--cluster.peer-timeout={self._peer_timeout}",
            *(f"--cluster.peer={peer.cluster_address}" for peer in self.peers if peer.ports),
        ]

    async def ready(self) -> bool:
        return (await call("GET", f"{self.url}/-/ready"))[0] == 200

    async def reload(self) -> None:
        """Take the configuration as it is now in `config`."""
        self.write()
        status, said = await call("POST", f"{self.url}/-/reload")
        assert status == 200, f"Alertmanager refused its configuration: {said.decode()}"

    async def cluster(self) -> tuple[str, int]:
        """Return what it says of its cluster (`ready`, `settling`, `disabled`) and how many members it sees."""
        status = (await fetch(f"{self.url}/api/v2/status"))["cluster"]
        return status["status"], len(status.get("peers") or [])

    async def post(self, *alerts: Config) -> None:
        """Hand it alerts as Prometheus does (`labels`, and what else of the v2 API)."""
        status, said = await call("POST", f"{self.url}/api/v2/alerts", list(alerts))
        assert status == 200, said.decode()

    async def alerts(self) -> list[Any]:
        """Return the alerts that it holds."""
        found: list[Any] = await fetch(f"{self.url}/api/v2/alerts")
        return found

    async def silence(self, starts_at: str, ends_at: str, **labels: str) -> str:
        """Silence alerts by equal labels between two RFC 3339 instants; return the silence's id."""
        body = {
            "matchers": [{"name": k, "value": v, "isRegex": False, "isEqual": True} for k, v in labels.items()],
            "startsAt": starts_at,
            "endsAt": ends_at,
            "createdBy": "ana",
            "comment": "a test",
        }
        status, said = await call("POST", f"{self.url}/api/v2/silences", body)
        assert status == 200, said.decode()
        return str(json.loads(said)["silenceID"])


@asynccontextmanager
async def pair(
    directory: Path, config: Config, *, peer_timeout: str = "1s", external_urls: tuple[str, str] | None = None
) -> AsyncIterator[tuple[Alertmanager, Alertmanager]]:
    """Run two Alertmanagers that gossip; both are settled and see each other when this enters.

    The second waits `peer_timeout` for the first's word before it sends itself (15 s outside tests). Either can
    be stopped and started again.
    """
    urls = external_urls or (None, None)
    first, second = (
        Alertmanager(
            directory, config, name=name, clustered=True, peer_timeout=peer_timeout, external_url=urls[position]
        )
        for position, name in enumerate(("alertmanager-1", "alertmanager-2"))
    )
    first.peers, second.peers = [second], [first]
    async with first, second:

        async def settled() -> bool:
            return [await first.cluster(), await second.cluster()] == [("ready", 2), ("ready", 2)]

        await until(settled, "both Alertmanagers see each other")
        yield first, second


async def amtool(url: str, *arguments: str) -> str:
    """Run Debian's amtool against an Alertmanager, or against what speaks its API, and return what it printed.

    Raises AssertionError with its words where it fails.
    """
    command = [*without_rights(), "amtool", f"--alertmanager.url={url}", *arguments]
    ran = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd="/",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, f"amtool {' '.join(arguments)}: {ran.stdout.decode()}{ran.stderr.decode()}"
    return ran.stdout.decode()
