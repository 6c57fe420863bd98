"""What real Alertmanagers and Prometheus do to a receiver: twins, deaths, silences, cut messages, direct intake."""

import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.real.daemon import SOURCE_TOKEN, Tocsin, Yaml, firing, heal_at_once, message, site
from tests.real.parts import (
    Alertmanager,
    Exporter,
    Prometheus,
    WebhookSink,
    amtool,
    call,
    pair,
    route_to,
    rule,
    scrape,
    sends_to,
    until,
)

needs_alertmanager = pytest.mark.real("prometheus-alertmanager")
needs_both = pytest.mark.real("prometheus", "prometheus-alertmanager")

DISK = "NodeFilesystemAlmostOutOfSpace"
DISK_FULL = rule(DISK, "disk_used_pct > 95", labels={"severity": "critical"})
TWINS: Yaml = {name: {"type": "alertmanager", "token": SOURCE_TOKEN, "origin": "prod"} for name in ("am-1", "am-2")}


def fill(exporter: Exporter, used: float, instance: str = "mon-1:9100") -> None:
    exporter.set("disk_used_pct", used, instance=instance, mountpoint="/srv")


def intake(tocsin: Tocsin, source: str = "am", **more: Any) -> Yaml:
    """The configuration of an Alertmanager that tells this daemon."""
    return route_to(f"{tocsin.url}/webhooks/alertmanager/{source}", token=SOURCE_TOKEN, **more)


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def labelled(alertname: str = DISK, **labels: str) -> dict[str, str]:
    return {"alertname": alertname, "instance": "mon-1:9100", "severity": "critical", **labels}


def each_page_once(sink: WebhookSink) -> None:
    assert max(Counter(got.headers["Idempotency-Key"] for got in sink.received).values()) == 1
    assert (
        max(Counter((got.headers["X-Tocsin-Step"], got.headers["X-Tocsin-Target"]) for got in sink.received).values())
        == 1
    )


# twins


@needs_both
async def test_twins_that_do_not_hear_each_other_are_one_origin_one_incident_and_one_page_each(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink
) -> None:
    fill(exporter, 97)
    async with Tocsin(open_dir, site(hook=webhook_sink.url, sources=TWINS)) as tocsin:
        first = Alertmanager(open_dir, intake(tocsin, "am-1"), name="am-1", external_url="http://am-1:9093")
        second = Alertmanager(open_dir, intake(tocsin, "am-2"), name="am-2", external_url="http://am-2:9093")
        async with first, second:
            config = scrape(exporter.address, alertmanagers=[sends_to(first.address, second.address)])
            async with Prometheus(open_dir, config, [DISK_FULL]):
                number = (await tocsin.incident_of(DISK))["number"]
                await until(lambda: _told_twice(tocsin), "both twins have told it")
                fill(exporter, 40)
                resolved = await tocsin.wait_for(number, "it is resolved", state="resolved")
        (alert,) = resolved["alerts"]
        assert (alert["origin"], alert["status"]) == ("prod", "resolved")
        assert (resolved["record"]["alert_count"], resolved["record"]["relapse"]) == (1, 0)
        assert len(await tocsin.incidents()) == 1
    assert {got.headers["X-Tocsin-Target"] for got in webhook_sink.received} == {"ana", "wei"}
    each_page_once(webhook_sink)


async def _told_twice(tocsin: Tocsin) -> bool:
    return all(alert["count"] >= 2 for alert in await tocsin.alerts())


@needs_both
async def test_a_twin_that_is_killed_and_comes_back_loses_nothing_and_reopens_nothing(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink
) -> None:
    fill(exporter, 97)
    async with (
        Tocsin(open_dir, site(hook=webhook_sink.url, sources=TWINS, correlation=heal_at_once())) as tocsin,
        pair(open_dir, intake(tocsin, "am-1")) as (first, second),
    ):
        second.config = intake(tocsin, "am-2")
        await second.reload()
        config = scrape(exporter.address, alertmanagers=[sends_to(first.address, second.address)])
        async with Prometheus(open_dir, config, [DISK_FULL]):
            number = (await tocsin.incident_of(DISK))["number"]
            await first.kill()
            fill(exporter, 98, instance="mon-2:9100")
            await until(lambda: _firing(tocsin, 2), "what fires while one is dead comes through the other")
            fill(exporter, 40)
            fill(exporter, 40, instance="mon-2:9100")
            await first.start()
            await tocsin.wait_for(number, "it is resolved", state="resolved")

            async def again() -> bool:
                return await first.cluster() == ("ready", 2) and not await _firing_at(first)

            await until(again, "the dead one is back and knows that it is over")
        assert all(alert["status"] == "resolved" for alert in await tocsin.alerts())
        assert {i["state"] for i in await tocsin.incidents()} == {"resolved"}
        assert {i["record"]["relapse"] for i in await tocsin.incidents()} == {0}
    keys = Counter(got.headers["Idempotency-Key"] for got in webhook_sink.received)
    assert set(keys.values()) == {1}


async def _firing(tocsin: Tocsin, count: int) -> bool:
    return [alert["status"] for alert in await tocsin.alerts()].count("firing") == count


async def _firing_at(alertmanager: Alertmanager) -> list[Any]:
    now = iso(datetime.now(UTC))
    return [alert for alert in await alertmanager.alerts() if alert["endsAt"] > now]


# a receiver that is not well


async def failed_sends(alertmanager: Alertmanager) -> float:
    """How many of its requests to webhooks have failed."""
    _, body = await call("GET", f"{alertmanager.url}/metrics")
    name = 'alertmanager_notification_requests_failed_total{integration="webhook"}'
    return next((float(line.split()[-1]) for line in body.decode().splitlines() if line.startswith(name)), 0.0)


@asynccontextmanager
async def told_by_one(open_dir: Path, tocsin: Tocsin, **more: Any) -> AsyncIterator[Alertmanager]:
    async with Alertmanager(open_dir, intake(tocsin, **more)) as alertmanager:
        yield alertmanager


@needs_alertmanager
@pytest.mark.parametrize("trouble", ["refuses", "hangs"])
async def test_an_alert_that_fires_while_we_do_not_answer_arrives_once_when_we_do(
    open_dir: Path, webhook_sink: WebhookSink, trouble: str
) -> None:
    async with Tocsin(open_dir, site(hook=webhook_sink.url)) as tocsin, told_by_one(open_dir, tocsin) as alertmanager:
        if trouble == "refuses":
            assert await tocsin.stop() == 0
        else:
            tocsin.send(signal.SIGSTOP)
        await alertmanager.post({"labels": labelled()})
        await until(lambda: failed_sends(alertmanager), "it is sent in vain")
        if trouble == "refuses":
            await tocsin.start()
        else:
            tocsin.send(signal.SIGCONT)
        incident = await tocsin.incident_of(DISK)
        await webhook_sink.wait_for(2)
        assert incident["record"]["alert_count"] == 1
        assert len(await tocsin.alerts()) == 1
        assert len(await tocsin.incidents()) == 1
    each_page_once(webhook_sink)


# what webhooks hide


def asking(alertmanager_url: str, **more: Any) -> Yaml:
    source = {"type": "alertmanager", "token": SOURCE_TOKEN, "api_urls": [alertmanager_url], "reconcile_every": "1s"}
    return {"am": {**source, **more}}


@asynccontextmanager
async def both(open_dir: Path, sink: WebhookSink, **more: Any) -> AsyncIterator[tuple[Tocsin, Alertmanager]]:
    """An Alertmanager that tells a daemon that asks it back."""
    async with Alertmanager(open_dir, route_to(sink.url, receiver="unused")) as alertmanager:
        files = site(hook=sink.url, sources=asking(alertmanager.url), correlation=heal_at_once())
        async with Tocsin(open_dir, files) as tocsin:
            alertmanager.config = intake(tocsin, **more)
            await alertmanager.reload()
            yield tocsin, alertmanager


@pytest.mark.real("prometheus-alertmanager", "amtool")
async def test_an_end_that_a_silence_of_alertmanager_hides_is_found_by_asking(
    open_dir: Path, webhook_sink: WebhookSink
) -> None:
    async with both(open_dir, webhook_sink) as (tocsin, alertmanager):
        began = datetime.now(UTC)
        await alertmanager.post({"labels": labelled(), "startsAt": iso(began)})
        number = (await tocsin.incident_of(DISK))["number"]
        await amtool(alertmanager.url, "silence", "add", "--author=ana", "--comment=work", f"alertname={DISK}")

        async def silenced() -> bool:
            return [alert["status"]["state"] for alert in await alertmanager.alerts()] == ["suppressed"]

        await until(silenced, "it is silenced there")
        (alert,) = await tocsin.alerts()
        assert alert["status"] == "firing"
        await alertmanager.post({"labels": labelled(), "startsAt": iso(began), "endsAt": iso(datetime.now(UTC))})
        await tocsin.wait_for(number, "it is resolved", state="resolved")
        ended = next(e for e in await tocsin.timeline(number) if e["kind"] == "alerts_ended")
        assert ended["facts"]["why"] == {"not_active_at_source": 1}


@needs_alertmanager
async def test_a_cut_message_has_the_rest_found_by_asking_and_its_cut_end_too(
    open_dir: Path, webhook_sink: WebhookSink
) -> None:
    disks = [labelled(mountpoint=f"/srv/{n}") for n in range(5)]
    async with both(open_dir, webhook_sink, max_alerts=2) as (tocsin, alertmanager):
        began = datetime.now(UTC)
        await alertmanager.post(*({"labels": disk, "startsAt": iso(began)} for disk in disks))
        await until(lambda: _firing(tocsin, 5), "all five are known")
        (incident,) = await tocsin.incidents()
        assert incident["record"]["open_alerts"] == 5
        over = iso(datetime.now(UTC))
        await alertmanager.post(*({"labels": disk, "startsAt": iso(began), "endsAt": over} for disk in disks))
        await tocsin.wait_for(incident["number"], "it is resolved", state="resolved")
        assert await _firing(tocsin, 0)


@needs_alertmanager
async def test_the_same_start_after_the_end_is_asked_for_an_outage_goes_on_and_a_late_message_opens_nothing(
    open_dir: Path, webhook_sink: WebhookSink
) -> None:
    began = datetime.now(UTC) - timedelta(seconds=30)
    async with both(open_dir, webhook_sink) as (tocsin, alertmanager):
        for disk in ("/live", "/late"):
            await alertmanager.post({"labels": labelled(mountpoint=disk), "startsAt": iso(began)})
        await until(lambda: _firing(tocsin, 2), "both fire")
        over = iso(datetime.now(UTC))
        for disk in ("/live", "/late"):
            await alertmanager.post({"labels": labelled(mountpoint=disk), "startsAt": iso(began), "endsAt": over})
        (incident,) = await tocsin.incidents()
        await tocsin.wait_for(incident["number"], "it is resolved", state="resolved")

        told = next(a for a in await tocsin.alerts() if a["labels"]["mountpoint"] == "/late")
        late = {**firing(told["startsAt"], **told["labels"]), "fingerprint": told["fingerprint"]}
        status, _ = await tocsin.ask("POST", "/webhooks/alertmanager/am", message(late), SOURCE_TOKEN)
        assert status == 200
        await alertmanager.post(
            {
                "labels": labelled(mountpoint="/live"),
                "startsAt": iso(began),
                "endsAt": iso(datetime.now(UTC) + timedelta(hours=1)),
            }
        )
        await until(lambda: _decided(tocsin, "/late", "stale"), "the late message is stale")
        await until(lambda: _firing(tocsin, 1), "the outage that goes on is open again")
        back = await tocsin.incident(incident["number"])
        assert (back["state"], back["record"]["relapse"]) == ("assigned", 1)
        assert len(await tocsin.incidents()) == 1


async def _decided(tocsin: Tocsin, disk: str, decision: str) -> bool:
    alerts = await tocsin.alerts(decision=decision)
    return any(alert["labels"]["mountpoint"] == disk for alert in alerts)


# Prometheus itself


PROMETHEUS: Yaml = {"prom": {"type": "prometheus", "token": "prom-token", "origin": "prod"}}


@pytest.mark.real("prometheus")
async def test_prometheus_tells_us_itself_and_when_it_dies_its_alerts_expire_and_come_back(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink
) -> None:
    fill(exporter, 97)
    files = site(hook=webhook_sink.url, sources=PROMETHEUS, correlation=heal_at_once())
    async with Tocsin(open_dir, files) as tocsin:
        ours = sends_to(tocsin.address, token="prom-token")
        async with Prometheus(open_dir, scrape(exporter.address, alertmanagers=[ours]), [DISK_FULL]) as prometheus:
            incident = await tocsin.incident_of(DISK)
            number = incident["number"]
            assert incident["alerts"][0]["origin"] == "prod"
            await prometheus.kill()
            await tocsin.wait_for(number, "it is resolved", state="resolved")
            ended = next(e for e in await tocsin.timeline(number) if e["kind"] == "alerts_ended")
            assert ended["facts"]["why"] == {"expired": 1}
            await prometheus.start()
            back = await tocsin.wait_for(number, "it is back", state="assigned")
            assert back["record"]["relapse"] == 1
            fill(exporter, 40)
            await tocsin.wait_for(number, "it is resolved again", state="resolved")
        assert len(await tocsin.incidents()) == 1
    steps = Counter(got.headers["X-Tocsin-Step"] for got in webhook_sink.received)
    assert steps == {"2/c0": 2, "2/c0@1": 2}


@needs_both
async def test_prometheus_beside_its_alertmanager_tells_the_same_alerts(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink
) -> None:
    fill(exporter, 97)
    sources = {**PROMETHEUS, "am": {"type": "alertmanager", "token": SOURCE_TOKEN, "origin": "prod"}}
    async with (
        Tocsin(open_dir, site(hook=webhook_sink.url, sources=sources)) as tocsin,
        told_by_one(open_dir, tocsin) as alertmanager,
    ):
        to = [sends_to(tocsin.address, token="prom-token"), sends_to(alertmanager.address)]
        async with Prometheus(open_dir, scrape(exporter.address, alertmanagers=to), [DISK_FULL]):
            number = (await tocsin.incident_of(DISK))["number"]
            await until(lambda: _told_by(tocsin, "alertmanager"), "Alertmanager has told it too")
            fill(exporter, 40)
            await tocsin.wait_for(number, "it is resolved", state="resolved")
        assert len(await tocsin.alerts()) == 1
        assert len(await tocsin.incidents()) == 1
    each_page_once(webhook_sink)


async def _told_by(tocsin: Tocsin, kind: str) -> bool:
    return await tocsin.metric("tocsin_webhooks_total", type=kind, code="200") >= 1
