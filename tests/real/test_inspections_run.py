"""The daemon on its rounds: real UPSes, a filesystem that fills, an address, a heartbeat."""

import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.collectors.inspections.conftest import Nut, Snmpd
from tests.real.daemon import SOURCE_TOKEN, Tocsin, Yaml, firing, heal_at_once, message, site
from tests.real.parts import (
    Alertmanager,
    Exporter,
    Prometheus,
    SmtpSink,
    WebhookSink,
    route_to,
    rule,
    scrape,
    sends_to,
    until,
)

needs_nut = pytest.mark.real("nut-server", "nut-client")


def inspecting(sink: WebhookSink, *, thresholds: Yaml | None = None, **inspections: Yaml) -> dict[str, Yaml]:
    """A site that looks every second."""
    every_second = {name.replace("_", "-"): {"every": "1s", **one} for name, one in inspections.items()}
    rounds: Yaml = {"inspections": every_second}
    files = site(hook=sink.url, inspections=rounds, correlation=heal_at_once(), stable_for="1s")
    return {**files, "thresholds": thresholds} if thresholds else files


def ups_nut(nut: Nut) -> Yaml:
    return {"type": "ups_nut", "host": "127.0.0.1", "port": nut.server.port, "ups": nut.ups}


def ups_snmp(snmpd: Snmpd) -> Yaml:
    return {"type": "ups_snmp", "host": "127.0.0.1", "port": snmpd.port, "ups": "rack1"}


async def one_power_cut(tocsin: Tocsin, number: str) -> Any:
    """The resolved incident, of which there is one: severity 2 on battery, then 1, then over."""
    resolved = await tocsin.wait_for(number, "mains is back", state="resolved")
    assert (resolved["record"]["initial_severity"], resolved["severity"]) == (2, 1)
    assert resolved["record"]["alert_count"] == 1
    assert [i["number"] for i in await tocsin.incidents()] == [number]
    kinds = await tocsin.kinds(number)
    assert [kinds.count(kind) for kind in ("opened", "severity_raised", "service_restored", "resolved")] == [1, 1, 1, 1]
    return resolved


@needs_nut
async def test_a_power_cut_seen_by_nut_is_one_incident_that_is_raised_and_resolved_also_over_a_kill(
    open_dir: Path, nut: Nut, webhook_sink: WebhookSink
) -> None:
    async with Tocsin(open_dir, inspecting(webhook_sink, ups_a=ups_nut(nut))) as tocsin:
        await nut.say(ups_status="OB DISCHRG")
        incident = await tocsin.incident_of("UpsPower")
        number = incident["number"]
        assert (incident["severity"], incident["category"], incident["source"]) == (2, "facility/ups", "inspection")
        await tocsin.restart()
        await nut.say(ups_status="OB DISCHRG LB")
        await tocsin.wait_for(number, "the battery is low", severity=1)
        await nut.say(ups_status="OL CHRG")
        resolved = await one_power_cut(tocsin, number)
        assert [known["id"] for known in resolved["known_errors"]]
    steps = {got.headers["X-Tocsin-Step"] for got in webhook_sink.received}
    assert steps == {"2/c0", "1/c0"}


@pytest.mark.real("snmpd", "snmp")
async def test_a_power_cut_seen_over_snmp_is_one_incident_that_is_raised_and_resolved(
    open_dir: Path, snmpd: Snmpd, webhook_sink: WebhookSink
) -> None:
    async with Tocsin(open_dir, inspecting(webhook_sink, ups_b=ups_snmp(snmpd))) as tocsin:
        snmpd.say(o4_1_0=5)
        incident = await tocsin.incident_of("UpsPower")
        assert incident["severity"] == 2
        snmpd.say(o2_1_0=3)
        await tocsin.wait_for(incident["number"], "the battery is low", severity=1)
        snmpd.say(o4_1_0=3, o2_1_0=2)
        await one_power_cut(tocsin, incident["number"])


@needs_nut
async def test_stale_data_of_a_ups_on_battery_never_reads_as_mains(
    open_dir: Path, nut: Nut, webhook_sink: WebhookSink
) -> None:
    async with Tocsin(open_dir, inspecting(webhook_sink, ups_a=ups_nut(nut))) as tocsin:
        await nut.say(ups_status="OB DISCHRG")
        await tocsin.incident_of("UpsPower")
        nut.driver.send(signal.SIGSTOP)
        await until(lambda: _status(tocsin, "UpsCommLost", "firing"), "it is told that there is no data")
        assert await _status(tocsin, "UpsPower", "firing")
        nut.driver.send(signal.SIGCONT)
        await until(lambda: _status(tocsin, "UpsCommLost", "resolved"), "there is data again")
        assert await _status(tocsin, "UpsPower", "firing")
        await nut.say(ups_status="OL CHRG")
        await until(lambda: _status(tocsin, "UpsPower", "resolved"), "mains is back")


async def _status(tocsin: Tocsin, alertname: str, status: str) -> bool:
    told = [alert["status"] for alert in await tocsin.alerts() if alert["labels"]["alertname"] == alertname]
    return told == [status]


@needs_nut
async def test_a_nut_server_that_does_not_answer_is_told_once_with_its_reason_and_once_when_it_answers(
    open_dir: Path, nut: Nut, webhook_sink: WebhookSink
) -> None:
    async with Tocsin(open_dir, inspecting(webhook_sink, ups_a=ups_nut(nut))) as tocsin:
        await until(lambda: _inspected(tocsin, "ok", 1), "it was inspected")
        await nut.server.stop()
        incident = await tocsin.incident_of("InspectionUnreachable")
        failed = await tocsin.metric("tocsin_inspections_total", type="ups_nut", result="unreachable")
        await until(lambda: _inspected(tocsin, "unreachable", failed + 3), "it has failed some more times")
        (alert,) = (await tocsin.incident(incident["number"]))["alerts"]
        assert nut.server.address in alert["annotations"]["summary"]
        assert alert["count"] == 1
        assert tocsin.log.count("inspection does not answer") == 1
        await nut.server.start()
        await tocsin.wait_for(incident["number"], "it answers again", state="resolved")
        assert tocsin.log.count("inspection answers again") == 1
        # upsd says WAIT until its driver is back: no data of a UPS, and the same outage
        assert [a["labels"]["alertname"] for a in await tocsin.alerts()] == ["InspectionUnreachable"]


async def _inspected(tocsin: Tocsin, result: str, times: float) -> bool:
    return await tocsin.metric("tocsin_inspections_total", type="ups_nut", result=result) >= times


DISK_LINES: Yaml = {"disk_used_pct": {"warn": 85, "crit": 95, "clear": 83, "for": "1s"}}


def take(disk: Path, percent: float) -> None:
    """Have the disk of 8 MiB filled to so much."""
    (disk / "data").write_bytes(b"\0" * int((8 << 20) * percent / 100))


async def test_a_disk_that_fills_is_one_incident_from_warning_to_critical_and_back(
    open_dir: Path, tmpfs: Path, webhook_sink: WebhookSink
) -> None:
    disk: Yaml = {"type": "disk", "path": str(tmpfs)}
    async with Tocsin(open_dir, inspecting(webhook_sink, thresholds=DISK_LINES, data=disk)) as tocsin:
        take(tmpfs, 90)
        incident = await tocsin.incident_of("DiskSpaceLow")
        assert incident["severity"] == 3
        take(tmpfs, 97)
        await tocsin.wait_for(incident["number"], "it is critical", severity=2)
        take(tmpfs, 84)
        looks = await tocsin.metric("tocsin_inspections_total", type="disk", result="ok")
        await until(lambda: _looked(tocsin, looks + 3), "it was looked at some more times")
        assert (await tocsin.incident(incident["number"]))["record"]["open_alerts"] == 1
        take(tmpfs, 40)
        await tocsin.wait_for(incident["number"], "there is room again", state="resolved")
        assert len(await tocsin.incidents()) == 1


async def _looked(tocsin: Tocsin, times: float) -> bool:
    return await tocsin.metric("tocsin_inspections_total", type="disk", result="ok") >= times


async def test_thresholds_that_are_changed_hold_from_the_reload_on_without_a_restart(
    open_dir: Path, tmpfs: Path, webhook_sink: WebhookSink
) -> None:
    take(tmpfs, 50)
    disk: Yaml = {"type": "disk", "path": str(tmpfs)}
    async with Tocsin(open_dir, inspecting(webhook_sink, thresholds=DISK_LINES, data=disk)) as tocsin:
        await until(lambda: _looked(tocsin, 3), "it was looked at some times")
        assert await tocsin.incidents() == []
        pid = tocsin.pid
        await tocsin.reload(thresholds={"data.disk_used_pct": {"warn": 40, "crit": 45, "clear": 38, "for": "1s"}})
        incident = await tocsin.incident_of("DiskSpaceLow")
        assert incident["severity"] == 2
        assert incident["record"]["config_version"] == 2
        await tocsin.reload(thresholds=DISK_LINES)
        await tocsin.wait_for(incident["number"], "the old lines hold again", state="resolved")
        assert tocsin.pid == pid


async def test_an_address_that_fails_is_an_incident_until_it_answers(open_dir: Path, webhook_sink: WebhookSink) -> None:
    async with AsyncExitStack() as parts:
        shop = await parts.enter_async_context(WebhookSink())
        files = inspecting(webhook_sink, shop={"type": "http", "url": shop.url, "timeout": "5s"})
        tocsin = await parts.enter_async_context(Tocsin(open_dir, files))
        await shop.wait_for(1)
        assert await tocsin.incidents() == []
        shop.usual = type(shop.usual)(status=500)
        incident = await tocsin.incident_of("HttpDown")
        assert "500" in incident["alerts"][0]["annotations"]["summary"]
        shop.usual = type(shop.usual)(status=200)
        await tocsin.wait_for(incident["number"], "it answers", state="resolved")


@pytest.mark.real("prometheus", "prometheus-alertmanager")
async def test_a_watchdog_that_falls_silent_is_an_incident_until_it_is_heard_again(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink
) -> None:
    beat: Yaml = {"type": "heartbeat", "expect": {"alertname": "Watchdog"}, "source": "am", "within": "6s"}
    async with Tocsin(open_dir, inspecting(webhook_sink)) as tocsin:
        to = route_to(f"{tocsin.url}/webhooks/alertmanager/am", token=SOURCE_TOKEN, repeat_interval="1s")
        async with Alertmanager(open_dir, to) as alertmanager:
            config = scrape(exporter.address, alertmanagers=[sends_to(alertmanager.address)])
            async with Prometheus(open_dir, config, [rule("Watchdog", "vector(1)")]):
                await until(lambda: _heard(tocsin), "the watchdog is heard")
                await tocsin.reload(**_only_rounds(inspecting(webhook_sink, watchdog=beat)))
                beats = await _beats(tocsin)
                await until(lambda: _more_beats(tocsin, beats), "it is heard by the inspection too")
                assert await tocsin.incidents() == []
                await alertmanager.kill()
                incident = await tocsin.incident_of("HeartbeatMissing")
                assert {name for i in await tocsin.incidents() for name in _names(i)} == {"HeartbeatMissing"}
                await alertmanager.start()
                await tocsin.wait_for(incident["number"], "it is heard again", state="resolved")


def _only_rounds(files: dict[str, Yaml]) -> dict[str, Yaml]:
    return {"inspections": files["inspections"]}


async def _beats(tocsin: Tocsin) -> int:
    return sum(int(alert["count"]) for alert in await tocsin.alerts() if alert["labels"]["alertname"] == "Watchdog")


async def _more_beats(tocsin: Tocsin, than: int) -> bool:
    return await _beats(tocsin) > than


async def _heard(tocsin: Tocsin) -> bool:
    return [alert["why"]["code"] for alert in await tocsin.alerts()] == ["heartbeat"]


def _names(incident: Any) -> list[str]:
    return [alert["labels"]["alertname"] for alert in incident["alerts"]]


async def test_a_mail_server_that_refuses_for_now_is_told_once_and_the_page_arrives_once(
    open_dir: Path, webhook_sink: WebhookSink, smtp_sink: SmtpSink
) -> None:
    smtp_sink.script(*["451 4.3.0 later"] * 3)
    async with Tocsin(open_dir, site(hook=webhook_sink.url, mail_port=smtp_sink.port)) as tocsin:
        full = message(firing(alertname="NodeFilesystemAlmostOutOfSpace", instance="mon-1:9100"))
        assert (await tocsin.ask("POST", "/webhooks/alertmanager/am", full, SOURCE_TOKEN))[0] == 200
        (mail,) = await smtp_sink.wait_for(1)
        number = mail.message["X-Tocsin-Incident"]
        await until(lambda: _sent(tocsin, number), "the page is marked as sent")
        failures = [e for e in await tocsin.timeline(number) if e["kind"] == "page_failed"]
        assert len(failures) == 1
        assert "451" in failures[0]["facts"]["reason"]
        assert failures[0]["facts"]["tries_again"] is True
        assert await tocsin.metric("tocsin_page_attempts_total", notifier="mail", result="failed") == 3
    assert mail.message["X-Tocsin-Attempt"] == "4"
    assert len({one.message["Message-ID"] for one in (mail, *smtp_sink.refused)}) == 1


async def _sent(tocsin: Tocsin, number: str) -> bool:
    return [page["outcome"] for page in await tocsin.pages(incident=number, person="ana")] == ["sent"]
