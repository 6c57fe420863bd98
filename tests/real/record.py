"""`python -m tests.real.record` records what the real Alertmanager sends into `tests/payloads/alertmanager/`.

The bodies are kept byte for byte. Both programs are given neutral outside names, and the series name neutral
hosts, so nothing needs to be scrubbed afterwards.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.real.parts import (
    Alertmanager,
    Exporter,
    Prometheus,
    Received,
    WebhookSink,
    route_to,
    rule,
    scrape,
    sends_to,
)
from tests.real.running import remove_run, run_directory

PLACE = Path(__file__).parent.parent / "payloads" / "alertmanager"

RULES = [
    rule(
        "DiskFull",
        "disk_used_pct > 95",
        labels={"severity": "critical"},
        annotations={"summary": "{{ $labels.path }} on {{ $labels.instance }} is {{ $value }} % full"},
    ),
    rule(
        "DiskFull",
        "disk_used_pct > 85",
        labels={"severity": "warning"},
        annotations={"summary": "{{ $labels.path }} on {{ $labels.instance }} is {{ $value }} % full"},
    ),
    rule("HostDown", "host_up == 0", labels={"severity": "critical"}, annotations={"summary": "no answer"}),
    rule(
        "应用实例停止",
        "instance_up == 0",
        labels={"severity": "critical"},
        annotations={
            "summary": "{{ $labels.system }}的实例 {{ $labels.instance }} 已停止",
            "procedure": "先查“进程”，再查端口",
        },
    ),
]


class Site:
    """Prometheus over gauges, and the Alertmanager whose payloads are recorded."""

    def __init__(self, exporter: Exporter, sink: WebhookSink) -> None:
        self.exporter, self.sink = exporter, sink

    async def next(self, what: str, condition: Callable[[Any], bool]) -> Received:
        """Return the first payload received from now on of which `condition` holds."""
        seen = len(self.sink.received)
        got = await self.sink.wait(lambda got: [one for one in got[seen:] if condition(one.json)], what)
        return next(one for one in got[seen:] if condition(one.json))

    def hosts(self, *up: int) -> None:
        """Set which hosts answer, from mon-1 on."""
        for number, value in enumerate(up, start=1):
            self.exporter.set("host_up", value, instance=f"mon-{number}:9100", job="node")


@asynccontextmanager
async def site(directory: Path, **route: Any) -> AsyncIterator[Site]:
    async with Exporter() as exporter, WebhookSink() as sink:
        config = route_to(sink.url, group_wait="3s", **route)
        async with Alertmanager(directory, config, external_url="http://am-1:9093") as alertmanager:
            scraping = scrape(
                exporter.address,
                alertmanagers=[sends_to(alertmanager.address)],
                external_labels={"cluster": "prod", "replica": "a"},
            )
            async with Prometheus(directory, scraping, RULES, external_url="http://prom-1:9090"):
                yield Site(exporter, sink)


def states(payload: Any) -> list[str]:
    return [alert["status"] for alert in payload["alerts"]]


async def one_host(directory: Path) -> dict[str, Received]:
    """One alert fires and resolves; a second one fires while the first is resolved."""
    async with site(directory) as here:
        here.hosts(0, 1)
        firing = await here.next("a firing", lambda payload: states(payload) == ["firing"])
        here.hosts(1, 0)
        mixed = await here.next("both", lambda payload: sorted(states(payload)) == ["firing", "resolved"])
        here.hosts(1, 1)
        resolved = await here.next("all resolved", lambda payload: payload["status"] == "resolved")
    return {"firing": firing, "mixed": mixed, "resolved": resolved}


async def chinese(directory: Path) -> dict[str, Received]:
    """Chinese in the alert's name, labels and annotations, and a group key that holds them."""
    async with site(directory, group_by=("alertname", "system"), receiver="值班.组") as here:
        here.exporter.set("instance_up", 0, instance="mon-1:8080", job="app", system="挂号", room="一号楼")
        return {"chinese": await here.next("the alert", lambda payload: bool(payload["alerts"]))}


async def truncated(directory: Path) -> dict[str, Received]:
    """Five alerts in one group, of which `max_alerts` shows two: firing, part resolved, resolved."""
    async with site(directory, max_alerts=2) as here:
        here.hosts(0, 0, 0, 0, 0)
        firing = await here.next("five", lambda payload: payload["truncatedAlerts"] == 3)
        here.hosts(1, 1, 0, 0, 0)
        hidden = await here.next("the firing ones hidden", lambda payload: states(payload) == ["resolved", "resolved"])
    return {"truncated": firing, "truncated_hides_firing": hidden}


async def two_severities(directory: Path) -> dict[str, Received]:
    """One disk over both of its lines: the same name in one group with two severities, so two fingerprints."""
    async with site(directory) as here:
        here.exporter.set("disk_used_pct", 97.5, instance="mon-1:9100", job="node", path="/data")
        both = await here.next("both severities", lambda payload: len(payload["alerts"]) == 2)
    return {"two_severities": both}


SCENES: tuple[Callable[[Path], Awaitable[dict[str, Received]]], ...] = (one_host, chinese, truncated, two_severities)


async def record(place: Path = PLACE) -> list[Path]:
    """Write every scene's payloads below `place` and return the files."""
    written = []
    for number, scene in enumerate(SCENES):
        directory = run_directory() / f"scene-{number}"
        directory.mkdir(mode=0o755)
        for name, got in (await scene(directory)).items():
            (place / f"{name}.json").write_bytes(got.body)
            written.append(place / f"{name}.json")
        shutil.rmtree(directory)
    return written


if __name__ == "__main__":
    try:
        for path in asyncio.run(record()):
            print(path)  # noqa: T201 - a command tells what it has done
    finally:
        remove_run(run_directory())
