"""The process itself: how it starts, refuses, reloads, ends, dies and comes back."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from agent.storage.migrate import heads
from tests.agent.loops.test_supervisor import Listening
from tests.collectors.inspections.conftest import mount
from tests.conftest import go_without
from tests.real.daemon import STEPS, Tocsin, Yaml, firing, message, run_tocsin, site, write_site
from tests.real.load import Load, nothing_acked_is_lost, tell
from tests.real.parts import WebhookSink, until
from tests.real.running import Port, as_nobody, give_to_nobody

INTAKE = "/webhooks/alertmanager/am"
DISK = "NodeFilesystemAlmostOutOfSpace"


@pytest.fixture
async def tocsin(open_dir: Path, webhook_sink: WebhookSink) -> AsyncIterator[Tocsin]:
    async with Tocsin(open_dir, site(hook=webhook_sink.url)) as running:
        yield running


def one_sentence(text: str) -> str:
    """What a command said beside warnings and its log, which must be one line."""
    (line,) = [x for x in text.splitlines() if not x.startswith(("warning:", "ts="))]
    return line


# starting


async def test_a_second_daemon_on_the_same_file_leaves_with_a_sentence_and_the_first_lives_on(tocsin: Tocsin) -> None:
    second = await run_tocsin(*tocsin.command()[3:-1], "--web.listen-address=127.0.0.1:0")
    assert second.code == 1
    assert "another daemon is using" in one_sentence(second.err)
    assert str(tocsin.store) in second.err
    assert await tell(tocsin, firing(alertname=DISK)) == 200
    assert [i["title"] for i in await tocsin.incidents()] == [DISK]


async def test_a_port_in_use_is_a_sentence_and_costs_no_token(open_dir: Path, webhook_sink: WebhookSink) -> None:
    tocsin = Tocsin(open_dir, site(hook=webhook_sink.url))
    tocsin.ports = [webhook_sink.port]
    taken = await run_tocsin(*tocsin.command()[3:])
    assert taken.code == 1
    said = one_sentence(taken.err)
    assert f"127.0.0.1:{webhook_sink.port}" in said
    assert "--web.listen-address" in said

    tocsin.ports = []
    async with tocsin:
        assert (await tocsin.get("/api/v1/me"))["id"] == "admin"


TEN_FAULTS: dict[str, Yaml] = {
    "tocsin": {
        "pak": "iso20000-default",
        "sources": {"am": {"type": "alertmanagr"}, "b": {"type": "alertmanager", "suspect_window": "soon"}},
        "notifiers": {"hook": {"type": "webhook"}, "mail": {"type": "emial"}},
        "fallback": ["nobody"],
    },
    "people": {"people": {"ana": {"name": "Ana", "roles": ["l9"], "contacts": [{"notifier": "hok", "to": "ana"}]}}},
    "inspections": {"inspections": {"root": {"type": "disk", "every": "1m", "pathh": "/"}}},
    "oncall": {"schedules": {"sys-l1": {"group": "sys-ops", "role": "l1", "layers": [{"people": ["anna"]}]}}},
}


async def test_a_configuration_with_ten_faults_says_all_ten_and_leaves_with_3(open_dir: Path) -> None:
    where = write_site(open_dir / "site", TEN_FAULTS)
    store = f"sqlite:///{open_dir}/none.db"
    for command in (("serve", "--storage.url", store), ("check", "config")):
        ended = await run_tocsin(*command, "--config.dir", str(where))
        assert ended.code == 3
        lines = ended.err.splitlines()
        assert len(lines) >= 10, ended.err
        assert all(line.split(":")[0] in {f"{name}.yaml" for name in TEN_FAULTS} for line in lines), ended.err
        assert all(line.split(":")[1].isdigit() and line.split(":")[2].isdigit() for line in lines), ended.err
        for meant in ("'pack'", "'alertmanager'", "'email'", "'hook'", "'path'", "'ana'"):
            assert any("did you mean" in line and meant in line for line in lines), (meant, ended.err)
    assert not (open_dir / "none.db").exists()


async def test_a_store_newer_than_the_program_is_left_alone(open_dir: Path, webhook_sink: WebhookSink) -> None:
    tocsin = Tocsin(open_dir, site(hook=webhook_sink.url))
    async with tocsin:
        assert await tell(tocsin, firing(alertname=DISK)) == 200
    with closing(sqlite3.connect(tocsin.store)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()
    for command in (tocsin.command()[3:], ["db", "upgrade", f"--storage.url={tocsin.storage_url}"]):
        refused = await run_tocsin(*command)
        assert refused.code == 1
        assert "9999" in one_sentence(refused.err)
        assert "newer release" in refused.err
    with closing(sqlite3.connect(tocsin.store)) as db:
        assert db.execute("SELECT COUNT(*) FROM incident").fetchone() == (1,)


async def test_doctor_check_and_db_current_look_at_what_runs(tocsin: Tocsin) -> None:
    storage, where = f"--storage.url={tocsin.storage_url}", f"--config.dir={tocsin.site}"
    doctor = await run_tocsin("doctor", storage, where)
    assert doctor.code == 0, doctor.out
    for proof in ("journal_mode: wal", "synchronous: 2", "foreign_keys: 1", "integrity: ok"):
        assert f"ok   {proof}" in doctor.out
    check = await run_tocsin("check", "config", where)
    assert (check.code, check.out.splitlines()[-1].partition(":")[0]) == (0, str(tocsin.site))
    (head,) = heads()
    current = await run_tocsin("db", "current", storage)
    assert (current.code, current.out) == (0, f"store {head}, release {head}\n")
    assert await tell(tocsin, firing(alertname=DISK)) == 200


async def test_how_long_a_start_takes_is_printed(open_dir: Path, webhook_sink: WebhookSink) -> None:
    tocsin = Tocsin(open_dir, site(hook=webhook_sink.url))
    for what in ("on an empty store", "on a store of one incident"):
        begun = time.monotonic()
        async with tocsin:
            sys.stdout.write(f"started {what} in {time.monotonic() - begun:.2f} s\n")
            assert await tell(tocsin, firing(alertname=DISK)) == 200


async def test_the_supervisor_is_told_of_the_start_of_life_of_a_reload_and_of_the_end(
    open_dir: Path, webhook_sink: WebhookSink
) -> None:
    tocsin = Tocsin(open_dir, site(hook=webhook_sink.url))
    there = Listening(f"@tocsin-{os.getpid()}-{webhook_sink.port}")
    heard: list[str] = []

    def told(what: str) -> bool:
        heard.extend(there.heard())
        return what in heard

    tocsin.environment |= {"NOTIFY_SOCKET": there.address, "WATCHDOG_USEC": "400000"}
    async with tocsin:
        await until(lambda: told("WATCHDOG=1"), "a sign of life")
        assert heard[:2] == ["READY=1", "WATCHDOG=1"]
        assert (await tocsin.ask("GET", "/-/ready"))[0] == 200
        await tocsin.reload()
        await until(lambda: told("RELOADING=1") and heard[-1] != "RELOADING=1", "the reload is told")
        heard.clear()
        await until(lambda: told("WATCHDOG=1"), "another sign of life")
        assert await tocsin.stop() == 0
    assert told("STOPPING=1")
    assert set(heard) == {"WATCHDOG=1", "STOPPING=1"}
    there.close()


# who may come in


async def test_a_wrong_token_is_401_and_leaves_nothing(tocsin: Tocsin) -> None:
    alert = firing(alertname=DISK)
    assert await tell(tocsin, alert, token="wrong") == 401
    assert (await tocsin.ask("POST", INTAKE, message(alert)))[0] == 401
    assert (await tocsin.ask("POST", "/api/v2/alerts", [alert], "wrong"))[0] == 401
    assert (await tocsin.ask("GET", "/api/v1/incidents", token="wrong"))[0] == 401
    assert (await tocsin.ask("GET", "/api/v1/incidents"))[0] == 401
    assert await tocsin.incidents() == []
    assert (await tocsin.get("/api/v1/dead-letters"))["items"] == []


async def test_an_unknown_source_is_404_a_dead_letter_and_an_incident_of_our_own(tocsin: Tocsin) -> None:
    assert await tell(tocsin, firing(alertname=DISK), source="am2") == 404
    (letter,) = (await tocsin.get("/api/v1/dead-letters"))["items"]
    assert letter["source"] == "am2"
    incident = await tocsin.incident_of("DeadLetter")
    assert (incident["source"], incident["category"].split("/")[0]) == ("self", "monitoring")
    assert "am2" in incident["title"]


# reloading


async def test_a_bad_file_keeps_the_configuration_and_says_so(tocsin: Tocsin) -> None:
    gauge = "tocsin_config_last_reload_successful"
    assert await tocsin.metric(gauge) == 1
    good = tocsin.files["people"]
    tocsin.sighup(people={"people": {"ana": {"name": "Ana", "rolls": ["l1"]}}})
    await until(lambda: "configuration not taken" in tocsin.log, "the bad file is told")
    assert "rolls" in tocsin.log
    assert await tocsin.metric(gauge) == 0
    status, said = await tocsin.ask("POST", "/-/reload", token=tocsin.token)
    assert status == 422
    assert b"people.yaml:" in said
    assert await tell(tocsin, firing(alertname=DISK)) == 200
    assert (await tocsin.act((await tocsin.incidents())[0]["number"], "acknowledge", by="ana"))["assignee"] == "ana"
    await tocsin.reload(people=good)
    assert await tocsin.metric(gauge) == 1


# ending, dying, coming back


async def test_sigterm_under_load_ends_with_0_and_nothing_acked_is_lost(tocsin: Tocsin) -> None:
    async with Load(tocsin, "a").running() as load:
        await until(lambda: len(load.acked) > 200, "some load")
        assert await tocsin.stop() == 0
    assert set(load.answers) <= {200, 503, 0}
    await tocsin.start()
    await nothing_acked_is_lost(tocsin, load.acked)


async def test_asked_to_end_again_and_again_it_ends_with_0(tocsin: Tocsin) -> None:
    process = psutil.Process(tocsin.pid)
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        process.send_signal(signal.SIGTERM)
    assert await tocsin.stop() == 0


async def test_asked_to_end_while_it_starts_it_ends_with_0(open_dir: Path, webhook_sink: WebhookSink) -> None:
    gone = Port().release()  # a PostgreSQL that is waited for
    tocsin = Tocsin(open_dir, site(hook=webhook_sink.url), storage_url=f"postgresql://127.0.0.1:{gone}/none")
    tocsin.ports = [Port().release()]
    tocsin._spawn()
    await until(lambda: "waiting for the store" in tocsin.log, "it waits for its store")
    assert await tocsin.stop() == 0


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_killed_under_load_at_five_points_nothing_acked_is_lost(tocsin: Tocsin, seed: int) -> None:
    chance, acked = random.Random(seed), set[str]()
    for kill in range(5):
        async with Load(tocsin, f"{kill}").running() as load:
            enough = chance.randint(1, 300)
            await until(partial(load.has, enough), f"{enough} alerts are taken")
            await tocsin.kill()
        acked |= load.acked
        await tocsin.start()
    await nothing_acked_is_lost(tocsin, acked)
    assert await tocsin.stop() == 0
    with closing(sqlite3.connect(tocsin.store)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_after_a_restart_an_old_alert_still_takes_in_what_comes_soon_after_it(tocsin: Tocsin) -> None:
    long_ago = "2026-01-01T00:00:00Z"
    assert await tell(tocsin, firing(long_ago, alertname=DISK, instance="mon-1")) == 200
    await tocsin.restart()
    assert await tell(tocsin, firing(long_ago, alertname=DISK, instance="mon-1", severity="info")) == 200
    (incident,) = await tocsin.incidents()
    assert incident["record"]["alert_count"] == 2


# a full disk


@contextmanager
def filesystem(place: Path, size: str) -> Iterator[Path]:
    """A filesystem of its own that is filled by nobody but the test and the daemon."""
    place.mkdir()
    wrong = mount("-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", str(place))
    if wrong:
        go_without(f"a filesystem cannot be mounted here ({wrong}): run as root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False, timeout=60)


def fill_up(place: Path) -> Path:
    """Take all the room that is left."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for piece in (1 << 20, 1 << 12):
            try:
                while file.write(b"\0" * piece):
                    pass
            except OSError:
                continue
    return filler


REPEATING = [{**STEPS[0], "repeat": "2s"}, *STEPS[1:]]


@pytest.mark.parametrize("size", ["200m", "80m"])
async def test_on_a_full_disk_pages_and_acts_go_on_and_intake_waits_for_room(
    open_dir: Path, webhook_sink: WebhookSink, size: str
) -> None:
    with filesystem(open_dir / "disk", size) as disk:
        store = give_to_nobody(disk / "var") / "tocsin.db"
        async with Tocsin(open_dir, site(hook=webhook_sink.url, steps=REPEATING), store=store) as tocsin:
            assert await tell(tocsin, firing(alertname=DISK, instance="mon-1")) == 200
            number = (await tocsin.incident_of(DISK))["number"]
            await tocsin.token_of("ana")
            filler = fill_up(disk)
            load = Load(tocsin, "full")
            async with load.running(2):
                await until(lambda: load.answers[503], "intake answers 503")
            status, said = await tocsin.ask("GET", "/-/ready")
            assert (status, b"disk is full" in said) == (503, True)

            before = _steps(webhook_sink)
            await until(lambda: len(_steps(webhook_sink) - before) >= 2, "steps that fall due now still go out")
            while_full = _steps(webhook_sink) - before
            assert (await tocsin.act(number, "acknowledge", by="ana"))["state"] == "in_progress"
            assert await tell(tocsin, firing(alertname="During", instance="mon-1")) == 503

            filler.unlink()
            await until(lambda: _taken(tocsin, "After"), "intake is open again")
            assert (await tocsin.ask("GET", "/-/ready"))[0] == 200
            told = await tocsin.incident_of("StoreFailed")
            assert told["source"] == "self"
            known = {alert["labels"].get("n") for alert in await tocsin.alerts()}
            assert load.acked <= known
            sent = {page["step"] for page in await tocsin.pages(incident=number) if page["outcome"] == "sent"}
            assert while_full <= sent
            assert await tocsin.stop() == 0


def let_files_grow(tocsin: Tocsin, to: str) -> None:
    """Set how long a file of the running daemon may become, as `ulimit -f` does before a start."""
    subprocess.run([*as_nobody(), "prlimit", f"--pid={tocsin.pid}", f"--fsize={to}:"], check=True, timeout=60)


async def test_where_its_files_may_not_grow_the_daemon_says_that_there_is_no_room_until_they_may(
    tocsin: Tocsin,
) -> None:
    assert await tell(tocsin, firing(alertname=DISK, instance="mon-1")) == 200
    longest = max(file.stat().st_size for file in (tocsin.store, Path(f"{tocsin.store}-wal")))
    let_files_grow(tocsin, str(longest + 100_000))
    load = Load(tocsin, "limit")
    async with load.running(2):
        await until(lambda: load.answers[503] > 3, "intake answers 503")
        for _ in range(5):
            status, said = await tocsin.ask("GET", "/-/ready")
            assert (status, b"disk is full" in said) == (503, True), "also where a small row still finds room"
    let_files_grow(tocsin, "unlimited")
    await until(lambda: _taken(tocsin, "After"), "intake is open again")
    assert (await tocsin.ask("GET", "/-/ready"))[0] == 200
    known = Counter(alert["labels"].get("n") for alert in await tocsin.alerts())
    assert load.acked <= set(known)
    assert tocsin.log.count("store answers again") <= 1


def _steps(sink: WebhookSink) -> set[str]:
    return {got.headers["X-Tocsin-Step"] for got in sink.accepted}


async def _taken(tocsin: Tocsin, alertname: str) -> bool:
    return await tell(tocsin, firing(alertname=alertname, instance="mon-1")) == 200
