"""Each fixture does what it says against the real thing; stories with the daemon stand elsewhere."""

import json
import os
import signal
import smtplib
import sys
from asyncio import create_task, to_thread
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collectors.labels import fingerprint
from tests.conftest import PARTS, is_installed
from tests.real.parts import (
    Alertmanager,
    Answer,
    Database,
    Exporter,
    Port,
    Program,
    Prometheus,
    SmtpSink,
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
from tests.real.running import dying_with_us, remove_run, sweep

needs_both = pytest.mark.real("prometheus", "prometheus-alertmanager")
needs_alertmanager = pytest.mark.real("prometheus-alertmanager")

DISK_FULL = rule(
    "DiskFull", "disk_used_pct > 95", labels={"severity": "critical"}, annotations={"summary": "{{ $value }} %"}
)


@needs_both
async def test_a_gauge_over_its_line_reaches_the_webhook_and_so_does_its_return(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink
) -> None:
    exporter.set("disk_used_pct", 40, instance="mon-1", path="/data")
    async with Alertmanager(open_dir, route_to(webhook_sink.url, token="s3cret")) as alertmanager:
        config = scrape(exporter.address, alertmanagers=[sends_to(alertmanager.address)])
        async with Prometheus(open_dir, config, [DISK_FULL]) as prometheus:
            await until(lambda: exporter.scrapes, "a scrape")
            assert await prometheus.alerts() == []
            exporter.set("disk_used_pct", 97, instance="mon-1", path="/data")
            first, *_ = await webhook_sink.wait_for(1)
            exporter.set("disk_used_pct", 40, instance="mon-1", path="/data")
            *_, last = await webhook_sink.wait(lambda got: got[-1:] and got[-1].json["status"] == "resolved", "resolve")

    assert first.json["version"] == "4"
    assert first.headers["Authorization"] == "Bearer s3cret"
    (alert,) = first.json["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"] == {
        "alertname": "DiskFull",
        "instance": "mon-1",
        "job": "exporter",
        "path": "/data",
        "severity": "critical",
    }
    assert alert["annotations"] == {"summary": "97 %"}
    (over,) = last.json["alerts"]
    assert (over["fingerprint"], over["startsAt"]) == (alert["fingerprint"], alert["startsAt"])


@pytest.mark.real("prometheus")
async def test_prometheus_posts_straight_to_a_server_under_a_prefix(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink
) -> None:
    exporter.set("disk_used_pct", 97, instance="mon-1")
    ours = sends_to(webhook_sink.address, path_prefix="/ours", token="s3cret")
    async with Prometheus(open_dir, scrape(exporter.address, alertmanagers=[ours]), [DISK_FULL]):
        first, *_ = await webhook_sink.wait_for(1)
    assert (first.method, first.path) == ("POST", "/ours/api/v2/alerts")
    assert first.json[0]["labels"]["alertname"] == "DiskFull"


@pytest.mark.real("prometheus")
async def test_a_reload_takes_new_rules_and_a_broken_exporter_is_down(open_dir: Path, exporter: Exporter) -> None:
    async with Prometheus(open_dir, scrape(exporter.address)) as prometheus:
        exporter.broken = True

        async def down() -> bool:
            return [found["value"][1] for found in await prometheus.query("up")] == ["0"]

        await until(down, "up is 0")
        prometheus.rules = [rule("ExporterDown", "up == 0")]
        await prometheus.reload()
        (alert,) = await until(prometheus.alerts, "the new rule fires")
    assert alert["labels"]["alertname"] == "ExporterDown"


async def _has_noted_one(alertmanager: Alertmanager) -> bool:
    _, told = await call("GET", f"{alertmanager.url}/metrics")
    return 'alertmanager_notifications_total{integration="webhook"} 1' in told.decode()


@needs_alertmanager
async def test_alertmanager_keeps_its_ports_and_what_it_has_sent_over_a_restart(
    open_dir: Path, webhook_sink: WebhookSink
) -> None:
    async with Alertmanager(open_dir, route_to(webhook_sink.url)) as alertmanager:
        before = alertmanager.address
        await alertmanager.post({"labels": {"alertname": "A"}})
        await webhook_sink.wait_for(1)
        await until(lambda: _has_noted_one(alertmanager), "Alertmanager has noted that it was sent")
        await alertmanager.stop()
        await alertmanager.start()
        assert alertmanager.address == before
        await alertmanager.post({"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}})
        got = await webhook_sink.wait_for(2)
    assert [one.json["groupLabels"]["alertname"] for one in got] == ["A", "B"]


@needs_alertmanager
async def test_a_pair_settles_sends_once_and_goes_on_when_one_is_killed(
    open_dir: Path, webhook_sink: WebhookSink
) -> None:
    urls = ("http://am-1:9093", "http://am-2:9093")
    async with pair(open_dir, route_to(webhook_sink.url), external_urls=urls, peer_timeout="5s") as (first, second):
        for member in (first, second):
            await member.post({"labels": {"alertname": "A"}})
        await webhook_sink.wait_for(1)
        await first.kill()
        await second.post({"labels": {"alertname": "B"}})
        got = await webhook_sink.wait(lambda got: any("B" in one.body.decode() for one in got), "the other one's B")
        assert got[-1].json["externalURL"] == "http://am-2:9093"
        await first.start()

        async def again() -> bool:
            return await first.cluster() == ("ready", 2)

        await until(again, "the killed one is back in the pair")


@pytest.mark.real("prometheus-alertmanager", "amtool")
async def test_amtool_lists_alerts_and_silences_one(open_dir: Path, webhook_sink: WebhookSink) -> None:
    async with Alertmanager(open_dir, route_to(webhook_sink.url)) as alertmanager:
        await alertmanager.post({"labels": {"alertname": "DiskFull", "instance": "mon-1"}})
        (listed,) = json.loads(await amtool(alertmanager.url, "alert", "query", "-o", "json"))
        assert listed["labels"]["instance"] == "mon-1"
        await amtool(alertmanager.url, "silence", "add", "--author=ana", "--comment=a test", "alertname=DiskFull")
        (held,) = await alertmanager.alerts()
        assert held["status"]["state"] == "suppressed"


async def answer_of(sink: WebhookSink) -> int:
    return (await call("POST", sink.url, {}))[0]


async def test_the_web_sink_answers_as_scripted_then_as_usual(webhook_sink: WebhookSink) -> None:
    webhook_sink.script(503, Answer(drop=True), Answer(after=0.01, status=202))
    assert [await answer_of(webhook_sink) for _ in range(4)] == [503, 0, 202, 200]
    assert [got.answer.status for got in webhook_sink.accepted] == [202, 200]
    assert len(webhook_sink.received) == 4


async def test_the_web_sink_refuses_also_who_was_connected_and_listens_again_on_its_port(
    webhook_sink: WebhookSink,
) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(webhook_sink.url, data=b"1") as response:
            await response.read()
        port = webhook_sink.port
        await webhook_sink.refuse()
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.post(webhook_sink.url, data=b"2")
    assert await answer_of(webhook_sink) == 0
    await webhook_sink.listen()
    assert (await answer_of(webhook_sink), webhook_sink.port) == (200, port)
    assert len(webhook_sink.received) == 2


async def test_the_web_sink_ends_at_once_with_an_answer_still_due() -> None:
    async with WebhookSink() as sink:
        sink.usual = Answer(after=3600)
        waiting = create_task(call("POST", sink.url, {}))
        await sink.wait_for(1)
    assert (await waiting)[0] in (0, 200)


def post(port: int, subject: str, text: str, login: tuple[str, str] | None = None) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "tocsin@example.org", "ana@example.org", subject
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as server:
        if login:
            server.login(*login)
        server.send_message(mail)


async def test_the_mail_sink_receives_chinese_decoded(smtp_sink: SmtpSink) -> None:
    await to_thread(post, smtp_sink.port, "磁盘已满", "机房 A 的 mon-1")
    (mail,) = await smtp_sink.wait_for(1)
    assert (mail.subject, mail.text.strip(), mail.recipients) == ("磁盘已满", "机房 A 的 mon-1", ["ana@example.org"])


async def test_the_mail_sink_refuses_as_scripted(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("451 4.3.0 later")
    with pytest.raises(smtplib.SMTPDataError, match="later"):
        await to_thread(post, smtp_sink.port, "one", "text")
    await to_thread(post, smtp_sink.port, "two", "text")
    assert [mail.subject for mail in smtp_sink.refused] == ["one"]
    assert [mail.subject for mail in smtp_sink.mails] == ["two"]


async def test_the_mail_sink_may_ask_for_a_login() -> None:
    async with SmtpSink(user="ana", password="s3cret") as sink:
        with pytest.raises(smtplib.SMTPException):
            await to_thread(post, sink.port, "one", "text")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            await to_thread(post, sink.port, "two", "text", ("ana", "wrong"))
        await to_thread(post, sink.port, "three", "text", ("ana", "s3cret"))
    assert [mail.subject for mail in sink.mails] == ["three"]


@pytest.mark.parametrize("table", ["first", "second"])
async def test_every_test_has_an_empty_database_of_its_own(postgres: Database, table: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(postgres.url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        assert await connection.fetchval("SELECT current_database()") == postgres.name
        await connection.execute(f"CREATE TABLE {table} (text text)")
        await connection.execute(f"INSERT INTO {table} VALUES ($1)", "磁盘已满")
    finally:
        await connection.close()


async def test_sqlalchemy_reads_the_database_by_its_url(postgres: Database) -> None:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(postgres.async_url)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT current_database()"))).scalar() == postgres.name
    await engine.dispose()


async def test_databases_of_dead_runs_are_swept_and_living_ones_stay(postgres: Database, postgres_server: str) -> None:
    import asyncpg

    from tests.real.postgres import _machine_prefix, sweep_databases

    dead = f"{_machine_prefix()}{os.getpid()}_1_1_1"
    admin = await asyncpg.connect(postgres_server)
    try:
        await admin.execute(f'CREATE DATABASE "{dead}"')
        assert dead in await sweep_databases(postgres_server)
        names = {row["datname"] for row in await admin.fetch("SELECT datname FROM pg_database")}
    finally:
        await admin.close()
    assert postgres.name in names
    assert dead not in names


class Listener(Program):
    """A program that listens on its port, or, told so, ends at once with what a taken port makes it say."""

    name = "listener"
    taken = 0

    def prefix(self) -> list[str]:
        return dying_with_us()  # this Python may live where `nobody` cannot go

    def command(self) -> list[str]:
        if self.taken:
            self.taken -= 1
            return [sys.executable, "-c", "raise SystemExit('bind: address already in use')"]
        # It wakes up by itself: a signal that comes just before it waits would else be seen by nobody.
        lines = (
            f"import socket, time; s = socket.create_server(('127.0.0.1', {self.port}))\nwhile True: time.sleep(0.1)"
        )
        return [sys.executable, "-c", lines]

    async def ready(self) -> bool:
        return True


async def test_a_program_whose_port_was_taken_tries_another(open_dir: Path) -> None:
    program = Listener(open_dir)
    program.taken = 2
    async with program:
        assert program.running
    assert program.log.count("address already in use") == 2


async def test_a_program_that_ends_at_once_says_why(open_dir: Path) -> None:
    class Broken(Listener):
        def command(self) -> list[str]:
            return [sys.executable, "-c", "raise SystemExit('no such thing')"]

    with pytest.raises(AssertionError, match="no such thing"):
        async with Broken(open_dir):
            pass


@pytest.mark.parametrize(
    ("on_term", "within", "code"),
    [
        pytest.param("lambda *_: sys.exit(7)", 30, 7, id="one that was stopped wakes up and ends itself"),
        pytest.param("signal.SIG_IGN", 0.2, -signal.SIGKILL, id="one that does not listen is killed"),
    ],
)
async def test_a_program_ends_when_asked_or_else(open_dir: Path, on_term: str, within: float, code: int) -> None:
    class Stubborn(Listener):
        def command(self) -> list[str]:
            *python, lines = super().command()
            return [*python, f"import signal, sys; signal.signal(signal.SIGTERM, {on_term}); {lines}"]

    async with Stubborn(open_dir) as program:
        program.send(signal.SIGSTOP)
        assert await program.stop(within) == code
        assert not program.running


async def test_a_kept_port_refuses_and_is_nobody_elses(free_port: Callable[..., Port]) -> None:
    ports = [free_port() for _ in range(20)]
    assert len({port.number for port in ports}) == 20
    status, _ = await call("GET", f"http://127.0.0.1:{ports[0].number}/")
    assert status == 0


def test_what_a_dead_run_left_is_swept(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(open_dir))
    left, living = (open_dir / f"tocsin-run-{os.geteuid()}-{number}" for number in (1, 2))
    import psutil

    for place, created in ((left, 0.0), (living, psutil.Process().create_time())):
        place.mkdir()
        (place / "owner").write_text(json.dumps([os.getpid(), created]))
    sweep()
    assert [place.exists() for place in (left, living)] == [False, True]
    remove_run(living)
    assert not living.exists()


PAYLOADS = sorted((Path(__file__).parent.parent / "payloads" / "alertmanager").glob("*.json"))


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_a_recorded_payload_is_a_v4_message_that_names_no_machine(path: Path) -> None:
    payload: dict[str, Any] = json.loads(path.read_bytes())
    assert payload["version"] == "4"
    assert payload["externalURL"] == "http://am-1:9093"
    assert all(alert["generatorURL"].startswith("http://prom-1:9090/") for alert in payload["alerts"])
    assert b"127.0.0.1" not in path.read_bytes()
    assert all(alert["fingerprint"] == fingerprint(alert["labels"]) for alert in payload["alerts"])


@pytest.mark.parametrize("required", [False, True], ids=["a user's machine", "where they are required"])
def test_a_missing_part_is_named_with_its_package(
    required: bool, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> None:
    from tests import conftest

    monkeypatch.setitem(PARTS, "prometheus", ("no-such-program", "prometheus"))
    monkeypatch.setenv("TOCSIN_REQUIRE_REAL_PARTS", "1" if required else "0")
    request.node.add_marker(pytest.mark.real("prometheus"))
    outcomes = (pytest.skip.Exception, pytest.fail.Exception)
    with pytest.raises(outcomes, match="apt-get install prometheus") as raised:
        conftest.pytest_runtest_setup(request.node)
    assert raised.type is outcomes[required]


def test_an_unknown_part_is_a_fault_of_the_test(request: pytest.FixtureRequest) -> None:
    from tests import conftest

    request.node.add_marker(pytest.mark.real("promethius"))
    with pytest.raises(pytest.fail.Exception, match="promethius"):
        conftest.pytest_runtest_setup(request.node)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_found_where_its_package_puts_it(part: str) -> None:
    program, package = PARTS[part]
    if not is_installed(program):
        pytest.skip(f"apt-get install {package}")
