"""The daemon on PostgreSQL: the whole way, and PostgreSQL stopped, killed and started in the middle of it."""

import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.storage.migrate import heads
from tests.conftest import go_without
from tests.real import postgres as server
from tests.real.daemon import SOURCE_TOKEN, STEPS, Tocsin, Yaml, firing, message, run_tocsin, site
from tests.real.load import Load, nothing_acked_is_lost, tell
from tests.real.parts import Database, Exporter, SmtpSink, WebhookSink, call, until
from tests.real.running import PATIENCE, Program, as_nobody
from tests.real.test_daemon import one_sentence
from tests.real.test_whole_way import CLOSED, DISK_FULL, each_step_has_one_record, fill, in_order, monitored

needs_both = pytest.mark.real("prometheus", "prometheus-alertmanager")
DISK = DISK_FULL["alert"]


class Postgres(Program):
    """A PostgreSQL of this test alone, to be stopped and killed; it keeps what it has said is committed."""

    name = "postgres"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        try:
            self._programs = server.programs()
        except server.NoPostgres as reason:
            go_without(str(reason))
        self._data = self.directory / "data"
        self.environment["LC_ALL"] = "C"

    def make(self) -> None:
        """Make an empty cluster."""
        initdb = [
            str(self._programs / "initdb"),
            "-D",
            str(self._data),
            "-A",
            "trust",
            "-U",
            "tocsin",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(
            [*as_nobody(), *initdb], check=True, capture_output=True, cwd=self.directory, env=self.environment,
            timeout=PATIENCE,
        )  # fmt: skip

    @property
    def dsn(self) -> str:
        return f"postgresql://tocsin@{self.address}/postgres"

    def command(self) -> list[str]:
        if not self._data.exists():
            self.make()
        return [
            str(self._programs / "postgres"),
            f"-D{self._data}",
            f"-p{self.port}",
            "-clisten_addresses=127.0.0.1",
            f"-cunix_socket_directories={self.directory}",
        ]

    async def ready(self) -> bool:
        import asyncpg

        try:
            await (await asyncpg.connect(self.dsn, timeout=5)).close()
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        return True

    async def stop(self, within: float = 30) -> int:
        """Send its clients away and end (a fast shutdown)."""
        return await self._end(signal.SIGINT, within)

    async def crash(self) -> int:
        """End at once and recover at the next start (an immediate shutdown)."""
        return await self._end(signal.SIGQUIT, PATIENCE)


@pytest.fixture
async def database(open_dir: Path) -> AsyncIterator[Postgres]:
    async with Postgres(open_dir) as running:
        yield running


async def refuses(tocsin: Tocsin) -> bool:
    return await tell(tocsin, firing(alertname="While down", instance="mon-9")) == 503


async def takes(tocsin: Tocsin) -> bool:
    return await tell(tocsin, firing(alertname="After", instance="mon-9")) == 200


# the whole way


@needs_both
async def test_the_whole_way_on_postgresql(
    open_dir: Path, postgres: Database, exporter: Exporter, webhook_sink: WebhookSink, smtp_sink: SmtpSink
) -> None:
    fill(exporter, 97)
    files = site(hook=webhook_sink.url, mail_port=smtp_sink.port)
    async with (
        Tocsin(open_dir, files, storage_url=postgres.url) as tocsin,
        monitored(open_dir, exporter, tocsin),
    ):
        await smtp_sink.wait_for(1)
        await webhook_sink.wait_for(1)
        number = (await tocsin.incident_of(DISK))["number"]
        await tocsin.act(number, "acknowledge", by="ana")
        await tocsin.restart()
        fill(exporter, 40)
        await tocsin.wait_for(number, "it is resolved", state="resolved")
        kinds = await tocsin.kinds(number)
        assert in_order(kinds, *CLOSED), kinds
        await each_step_has_one_record(tocsin, number)
        assert len(await tocsin.incidents()) == 1
        doctor = await run_tocsin("doctor", f"--storage.url={postgres.url}", f"--config.dir={tocsin.site}")
        assert f"ok   schema: {heads()[0]}" in doctor.out
        assert await tocsin.stop() == 0
    assert (len(smtp_sink.mails), len(webhook_sink.received)) == (1, 1)


@needs_both
async def test_what_fires_while_postgresql_is_down_is_taken_when_it_is_back(
    open_dir: Path, database: Postgres, exporter: Exporter, webhook_sink: WebhookSink, smtp_sink: SmtpSink
) -> None:
    fill(exporter, 40)
    files = site(hook=webhook_sink.url, mail_port=smtp_sink.port)
    async with (
        Tocsin(open_dir, files, storage_url=database.dsn) as tocsin,
        monitored(open_dir, exporter, tocsin) as alertmanager,
    ):
        await tocsin.token_of("ana")
        await database.stop()
        fill(exporter, 97)
        await until(lambda: _refused(tocsin), "Alertmanager is answered 503")
        assert (await tocsin.ask("GET", "/-/ready"))[0] == 503
        assert (await tocsin.ask("GET", "/-/healthy"))[0] == 200
        assert (await tocsin.ask("GET", "/api/v1/incidents", token=tocsin.token))[0] == 503
        await database.start()
        await smtp_sink.wait_for(1)
        await webhook_sink.wait_for(1)
        number = (await tocsin.incident_of(DISK))["number"]
        told = await tocsin.incident_of("StoreFailed")
        assert told["source"] == "self"
        await tocsin.act(number, "acknowledge", by="ana")
        fill(exporter, 40)
        await tocsin.wait_for(number, "it is resolved", state="resolved")
        await each_step_has_one_record(tocsin, number)
        assert await _refused(tocsin) == await _refused(tocsin)
        assert (await call("GET", f"{alertmanager.url}/-/ready"))[0] == 200


async def _refused(tocsin: Tocsin) -> float:
    return await tocsin.metric("tocsin_webhooks_total", type="alertmanager", code="503")


# PostgreSQL goes away


REPEATING: list[Yaml] = [{**STEPS[0], "repeat": "2s"}, *STEPS[1:]]


@pytest.mark.parametrize("how", ["stopped", "crashed"])
async def test_postgresql_goes_away_under_load_and_comes_back(
    open_dir: Path, database: Postgres, webhook_sink: WebhookSink, how: str
) -> None:
    files = site(hook=webhook_sink.url, steps=REPEATING)
    async with Tocsin(open_dir, files, storage_url=database.dsn) as tocsin:
        load = Load(tocsin, how)
        async with load.running():
            await until(lambda: load.has(100), "some load")
            await (database.stop() if how == "stopped" else database.crash())
            await until(lambda: load.answers[503] > 5, "intake answers 503")
        (number,) = {page.headers["X-Tocsin-Incident"] for page in webhook_sink.received} or {""}
        await database.start()
        before = len(webhook_sink.received)
        await until(lambda: takes(tocsin), "intake is open again")
        await webhook_sink.wait_for(before + 4)
        known = Counter(a["labels"].get("n") for a in await tocsin.alerts() if a["labels"]["alertname"] == "Load")
        assert load.acked - set(known) == set()
        assert [n for n, times in known.items() if times > 1] == []
        assert (await tocsin.incident_of("StoreFailed"))["source"] == "self"
        assert (await tocsin.incident(number))["number"] == number
    assert set(load.answers) == {200, 503}


async def test_a_reload_while_postgresql_is_down_changes_nothing_and_ends_nothing(
    open_dir: Path, database: Postgres, webhook_sink: WebhookSink
) -> None:
    async with Tocsin(open_dir, site(hook=webhook_sink.url), storage_url=database.dsn) as tocsin:
        pid = tocsin.pid
        await database.stop()
        await until(lambda: refuses(tocsin), "intake answers 503")
        tocsin.sighup(states={"states": {"auto_recovered": {"stable_for": "7s"}}})
        await until(lambda: _reload_failed(tocsin), "the reload has failed")
        await database.start()
        await until(lambda: takes(tocsin), "intake is open again")
        await tocsin.reload()
        assert await tocsin.metric("tocsin_config_last_reload_successful") == 1
        assert (tocsin.running, tocsin.pid) == (True, pid)


async def _reload_failed(tocsin: Tocsin) -> bool:
    assert tocsin.running, tocsin.log[-2000:]
    return await tocsin.metric("tocsin_config_last_reload_successful") == 0


async def test_reloads_under_load_lose_and_refuse_nothing(
    open_dir: Path, postgres: Database, webhook_sink: WebhookSink
) -> None:
    async with Tocsin(open_dir, site(hook=webhook_sink.url), storage_url=postgres.url) as tocsin:
        load = Load(tocsin, "a")
        async with load.running():
            for seconds in range(5):
                await until(lambda: load.has(1), "some load")
                await tocsin.reload(states={"states": {"auto_recovered": {"stable_for": f"{seconds + 1}s"}}})
        assert set(load.answers) == {200}
        assert "commit failed" not in tocsin.log
        await nothing_acked_is_lost(tocsin, load.acked)


async def test_a_second_daemon_on_the_same_database_leaves_with_a_sentence_and_no_database_is_4(
    open_dir: Path, database: Postgres, webhook_sink: WebhookSink
) -> None:
    async with Tocsin(open_dir, site(hook=webhook_sink.url), storage_url=database.dsn) as tocsin:
        serve = [*tocsin.command()[3:-1], "--web.listen-address=127.0.0.1:0"]
        second = await run_tocsin(*serve)
        assert second.code == 1
        assert "another daemon is using this PostgreSQL database" in one_sentence(second.err)
        full = message(firing(alertname=DISK))
        assert (await tocsin.ask("POST", "/webhooks/alertmanager/am", full, SOURCE_TOKEN))[0] == 200
        await tocsin.stop()
        await database.stop()
        nobody = await run_tocsin(*serve)
        assert nobody.code == 4
        assert "PostgreSQL does not answer" in one_sentence(nobody.err)
        current = await run_tocsin("db", "current", f"--storage.url={database.dsn}")
        assert current.code == 4
        assert "Traceback" not in current.err
