"""How the daemon sends pages and stands faults: one that hangs or breaks keeps no other from its work."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
import yaml
from prometheus_client import generate_latest
from sqlalchemy.exc import OperationalError

from agent.clock import SystemClock
from agent.configuration.load import load
from agent.daemon import Daemon, Options
from agent.deciders import DECIDERS
from agent.http.reads.alerts import AlertReads
from agent.in_force import InForce
from agent.intents import (
    AlertsArrived,
    ConfigChanged,
    KnownErrorWritten,
    PagesClaimed,
    PageTried,
    PersonActed,
    TimePassed,
)
from agent.loops import courier
from agent.loops.encoder import Suggestions
from agent.loops.paging import Claimed, claimed
from agent.pipeline import Undecided
from agent.storage.writer import Batch, StoreDown, Writer
from collectors.webhooks.alertmanager import parse
from correlation.incident import Action
from correlation.permission import Actor
from escalation.delivery import PageToSend, Undeliverable
from escalation.page_facts import Described
from knowledge import written
from knowledge.index import Predicate, PredicateIndex
from knowledge.match import Match
from knowledge.store import UPSERT_KNOWN_ERROR, written_values
from knowledge.written import BadEntry, WrittenError
from tests.house import DISK_FULL, SITE, alert, at, message


class Channel:
    """A notifier: keeps what it gets; it hangs while `gate` is closed, and refuses while `refuses`."""

    def __init__(self) -> None:
        self.got: list[PageToSend] = []
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.refuses = False
        self.closed = asyncio.Event()

    async def send(self, page: PageToSend) -> str | None:
        self.started.set()
        await self.gate.wait()
        if self.refuses:
            raise Undeliverable("no")
        self.got.append(page)
        return None

    async def close(self) -> None:
        self.closed.set()


class Running:
    """A daemon with its line and its loops, without a web."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon, self.hook, self.mail = daemon, Channel(), Channel()
        daemon.in_force.notifiers = {"hook": self.hook, "mail": self.mail}

    async def receive(self, labels: Mapping[str, str] = DISK_FULL, **more: Any) -> str:
        now = self.daemon.clock.now()
        body = message(alert(labels, starts=at(now), **more))
        parsed = parse(body, "am", now)
        await self.daemon.pipeline.submit(AlertsArrived("am", "am", "alertmanager", body, parsed, now))
        return next(iter(self.daemon.pipeline.desk.board.numbers))

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return await self.daemon.writer.fetch(sql)

    async def until(self, sql: str, wanted: Any) -> None:
        """Wait until the store says so; each commit gives it another look."""
        said: list[tuple[Any, ...]] = []
        try:
            async with asyncio.timeout(20):
                while (said := await self.rows(sql)) != wanted:  # noqa: ASYNC110 - it is in the store
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"the store says {said} and not {wanted}: {await self.rows('SELECT * FROM page')}")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    daemon = Daemon(Options(storage_url=f"sqlite:///{tmp_path / 't.db'}"), load(SITE), SystemClock())
    await daemon.open()
    for notifier in daemon.notifiers.values():
        await notifier.close()
    stop = asyncio.Event()
    loops = asyncio.create_task(daemon.run(stop))
    try:
        async with asyncio.timeout(30):
            yield Running(daemon)
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await loops
        await daemon.close()


async def _opened_and_cut_off(options: Options, acts: Sequence[PersonActed] = (), name: str = "OddlyFull") -> str:
    """The number of an incident that was opened by a daemon that ended before it was ranked."""
    cut_off = Daemon(options, load(SITE), SystemClock())
    await cut_off.open()
    line = asyncio.create_task(cut_off.pipeline.run())
    number = await Running(cut_off).receive({**DISK_FULL, "alertname": name})
    for act in acts:
        await cut_off.pipeline.submit(replace(act, number=number))
    line.cancel()
    await asyncio.wait([line])
    await cut_off.writer.commit([("UPDATE incident SET opened_at = ?", [(cut_off.clock.now() - timedelta(days=3),)])])
    await cut_off.close()
    return number


_DESK = Actor("desk", frozenset({"desk"}), frozenset())


@pytest.mark.parametrize(
    ("name", "acts"),
    [
        ("OddlyFull", []),
        ("WaterLeak", []),
        ("OddlyFull", [PersonActed("", Action.ACKNOWLEDGE, {}, _DESK)]),
    ],
    ids=["new", "assigned to a group", "taken"],
)
async def test_what_the_end_of_the_daemon_left_unranked_is_ranked_once_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, acts: list[PersonActed]
) -> None:
    ranked: list[str] = []

    def match_each(_: Suggestions, texts: Mapping[str, str], *__: Any) -> dict[str, list[Any]]:
        ranked.extend(texts)
        return {number: [] for number in texts}

    monkeypatch.setattr(Suggestions, "match_each", match_each)
    options = Options(storage_url=f"sqlite:///{tmp_path / 't.db'}")
    number = await _opened_and_cut_off(options, acts, name)
    assert ranked == []
    for _ in range(2):
        daemon, stop = Daemon(options, load(SITE), SystemClock()), asyncio.Event()
        await daemon.open()
        loops = asyncio.create_task(daemon.run(stop))
        async with asyncio.timeout(20):
            while ranked != [number] or daemon.ranker.left_unranked():  # noqa: ASYNC110 - it is ranked in a thread
                await asyncio.sleep(0.01)
        stop.set()
        await loops
        await daemon.close()
    assert ranked == [number]


async def test_a_suggestion_that_the_store_did_not_take_is_brought_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Match("spool-full", 0.7, {"code": "words", "facts": {"words": ["spool"], "share": 0.5}})
    monkeypatch.setattr(Suggestions, "match_each", lambda _, texts, *__: {number: [found] for number in texts})
    down, commit = [StoreDown("no room"), StoreDown("no room")], running.daemon.writer.commit

    async def refuses(batch: Batch) -> None:
        if down and any("known_errors_suggested" in row for _, rows in batch for row in rows):
            raise down.pop()
        await commit(batch)

    monkeypatch.setattr(running.daemon.writer, "commit", refuses)
    number = await running.receive({**DISK_FULL, "alertname": "OddlyFull"})
    told = "SELECT kind FROM timeline WHERE kind = 'known_errors_suggested'"
    await running.until(told, [("known_errors_suggested",)])
    board = running.daemon.pipeline.desk.board
    assert (down, board.incidents[board.numbers[number]].to_rank) == ([], False)


async def test_a_stop_does_not_wait_for_a_ranking_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def match_each(_: Suggestions, texts: Mapping[str, str], *__: Any) -> dict[str, list[Any]]:
        begun.set()
        goes_on.wait(60)
        return {number: [] for number in texts}

    monkeypatch.setattr(Suggestions, "match_each", match_each)
    monkeypatch.setattr("agent.daemon._LAST_MINUTE_S", 0.05)
    options = Options(storage_url=f"sqlite:///{tmp_path / 't.db'}")
    daemon, stop = Daemon(options, load(SITE), SystemClock()), asyncio.Event()
    await daemon.open()
    loops = asyncio.create_task(daemon.run(stop))
    number = await Running(daemon).receive({**DISK_FULL, "alertname": "OddlyFull"})
    await asyncio.to_thread(begun.wait, 20)
    stop.set()
    async with asyncio.timeout(20):
        await loops
    goes_on.set()
    assert daemon.ranker.left_unranked() == [daemon.pipeline.desk.board.numbers[number]]
    await daemon.close()


def _many(site: Path, last: str = "restart it") -> Path:
    """A site with more known errors than a start waits for; `last` is the workaround of the last one."""
    shutil.copytree(SITE, site)
    (site / "knowledge").mkdir(exist_ok=True)
    for number in range(2_001):
        text = f"---\nid: many-{number}\ntitle: Odd\nmatch: {{alertname: Odd{number}}}\n---\n## Workaround\n"
        (site / "knowledge" / f"many-{number}.md").write_text(text + (last if number == 2_000 else "restart it"))
    return site


@contextlib.asynccontextmanager
async def _started(site: Path, store: Path) -> AsyncIterator[Daemon]:
    options = Options(config_dir=str(site), storage_url=f"sqlite:///{store}")
    daemon, stop = Daemon(options, load(site, library_later=True), SystemClock()), asyncio.Event()
    await daemon.open()
    loops = asyncio.create_task(daemon.run(stop))
    try:
        async with asyncio.timeout(120):
            yield daemon
    finally:
        stop.set()
        await loops
        await daemon.close()


async def test_a_start_waits_for_no_large_library_and_what_came_meanwhile_is_recognised_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, reads = threading.Event(), InForce._read_anew

    def read(in_force: InForce, *asked: Any) -> Any:
        goes_on.wait()
        return reads(in_force, *asked)

    monkeypatch.setattr(InForce, "_read_anew", read)
    async with _started(_many(tmp_path / "site"), tmp_path / "t.db") as daemon:
        number = await Running(daemon).receive({**DISK_FULL, "alertname": "Odd1999"})
        incident = daemon.pipeline.desk.board.numbers[number]
        assert "being read" in daemon.behind()
        assert not daemon.pipeline.desk.board.incidents[incident].known_errors
        goes_on.set()
        while daemon.behind():  # noqa: ASYNC110 - it is read in a thread
            await asyncio.sleep(0.01)
        found = daemon.pipeline.desk.board.incidents[incident].known_errors
        assert [known["id"] for known in found] == ["many-1999"]
        assert len(daemon.config.known_errors) > 2_001


def _reload_failed(daemon: Daemon) -> bool:
    return b"tocsin_config_last_reload_successful 0.0" in generate_latest(daemon.metrics.registry)


async def test_of_a_large_library_a_file_that_is_wrong_is_left_out_alone_until_it_is_mended(tmp_path: Path) -> None:
    wrong = tmp_path / "site" / "knowledge" / "many-2000.md"
    async with _started(_many(tmp_path / "site", last=""), tmp_path / "t.db") as daemon:
        while "left out" not in daemon.behind() or not _reload_failed(daemon):  # noqa: ASYNC110 - it is read in a thread
            await asyncio.sleep(0.01)
        assert [fault.file for fault in daemon.config.left_out] == ["knowledge/many-2000.md"]
        number = await Running(daemon).receive({**DISK_FULL, "alertname": "Odd1999"})
        board = daemon.pipeline.desk.board
        assert [k["id"] for k in board.incidents[board.numbers[number]].known_errors] == ["many-1999"]
        (refused,) = await daemon.in_force.reload("SIGHUP")
        assert "many-2000.md" in refused
        wrong.write_text(wrong.read_text() + "restart it")
        assert await daemon.in_force.reload("SIGHUP") == []
        assert daemon.config.known_errors.get("many-2000") is not None
        assert not daemon.config.left_out


_OPS = Actor("root", frozenset({"ops"}))


def _till(name: str) -> dict[str, Any]:
    return {"title": "The till is mute", "match": [{"alertname": name}], "workaround": "restart it"}


async def _write_many(store: Path) -> None:
    """A store with more known errors written over the API than a start waits for."""
    daemon = Daemon(Options(storage_url=f"sqlite:///{store}"), load(SITE), SystemClock())
    await daemon.open()
    at = daemon.clock.now()
    by: Any = {"version": 1, "author": "ana", "written_at": at, "edited_by": "ana", "edited_at": at}
    many = [WrittenError(id=f"till-{number}", entry=_till(f"Till{number}"), **by) for number in range(2_001)]
    await daemon.writer.commit([(UPSERT_KNOWN_ERROR, [written_values(one) for one in many])])
    await daemon.close()


async def test_a_start_waits_for_no_many_known_errors_that_people_wrote_and_none_is_written_over_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _write_many(tmp_path / "t.db")
    goes_on, reads, here, judges = threading.Event(), InForce._read_anew, threading.current_thread(), written.entry_of
    beside: set[bool] = set()

    def read(in_force: InForce, *asked: Any) -> Any:
        goes_on.wait()
        return reads(in_force, *asked)

    def judge(values: Mapping[str, Any]) -> Any:
        beside.add(threading.current_thread() is not here)
        return judges(values)

    monkeypatch.setattr(InForce, "_read_anew", read)
    monkeypatch.setattr(written, "entry_of", judge)
    async with _started(SITE, tmp_path / "t.db") as daemon:
        number = await Running(daemon).receive({**DISK_FULL, "alertname": "Till1999"})
        board = daemon.pipeline.desk.board
        incident = board.incidents[board.numbers[number]]
        assert ("being read" in daemon.behind(), incident.known_errors) == (True, [])
        with pytest.raises(BadEntry):
            await daemon.pipeline.submit(KnownErrorWritten("till-7", _till("Other"), "", _OPS))
        await daemon.pipeline.submit(KnownErrorWritten("till-8", {"title": "Dumb"}, "", _OPS, made_on=1))
        await daemon.pipeline.submit(KnownErrorWritten("fresh", _till("Fresh"), "", _OPS))
        goes_on.set()
        while daemon.behind():  # noqa: ASYNC110 - it is read in a thread
            await asyncio.sleep(0.01)
        assert [known["id"] for known in incident.known_errors] == ["till-1999"]
        held = daemon.pipeline.desk.config.known_errors
        titles = [one.title for name in ("till-7", "till-8", "fresh") if (one := held.get(name))]
        assert titles == ["The till is mute", "Dumb", "The till is mute"]
        assert len(daemon.pipeline.desk.written) == 2_002
        assert beside == {True}
        await daemon.pipeline.submit(KnownErrorWritten("till-8", {"title": "Deaf"}, "", _OPS, made_on=2))


async def test_a_desk_that_is_read_again_judges_no_known_error_again_that_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _write_many(tmp_path / "t.db")
    async with _started(SITE, tmp_path / "t.db") as daemon:
        while daemon.behind():  # noqa: ASYNC110 - it is read in a thread
            await asyncio.sleep(0.01)
        judged: list[str] = []
        judges = written.entry_of

        def judge(values: Mapping[str, Any]) -> Any:
            judged.append(values["id"])
            return judges(values)

        monkeypatch.setattr(written, "entry_of", judge)

        async def elsewhere(writer: Writer) -> None:
            changed = WrittenError(**{**msgspec.structs.asdict(daemon.pipeline.desk.written["till-3"]), "entry": other})
            await writer.commit([(UPSERT_KNOWN_ERROR, [written_values(changed)])])

        other = {**_till("Till3"), "title": "Other words"}
        await daemon.pipeline.between(elsewhere)
        held = daemon.pipeline.desk.config.known_errors.get("till-3")
        assert judged == ["till-3"]
        assert held is not None
        assert held.title == "Other words"
        assert daemon.behind() == ""


async def test_what_was_written_is_filed_beside_the_loop_when_a_configuration_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: dict[str, set[bool]] = {}
    files, reads, loop = PredicateIndex._file, InForce._read_anew, asyncio.get_running_loop()
    here = threading.current_thread()

    def file(index: PredicateIndex, one: Predicate, into: Any) -> None:
        beside.setdefault(one.entry.id, set()).add(threading.current_thread() is not here)
        files(index, one, into)

    def read(in_force: InForce, *asked: Any) -> Any:
        made = reads(in_force, *asked)
        asyncio.run_coroutine_threadsafe(write(daemon, "meanwhile"), loop).result()
        del beside["meanwhile"]
        return made

    async def write(daemon: Daemon, name: str) -> None:
        values = {"title": "The till is mute", "match": [{"alertname": name}], "workaround": "restart it"}
        await daemon.pipeline.submit(KnownErrorWritten(name, values, "", Actor("root", frozenset({"ops"}))))

    async with _started(SITE, tmp_path / "t.db") as daemon:
        written = {f"till-{number}" for number in range(5)}
        for name in written:
            await write(daemon, name)
        beside.clear()
        monkeypatch.setattr(PredicateIndex, "_file", file)
        monkeypatch.setattr(InForce, "_read_anew", read)
        assert await daemon.in_force.reload("root") == []
        assert {name for name in written if beside[name] == {True}} == written
        assert beside["meanwhile"] == {False}
        held = daemon.pipeline.desk.config.known_errors
        assert all(held.get(name) is not None for name in (*written, "meanwhile"))


async def test_a_calendar_that_was_changed_while_nothing_ran_counts_what_is_open_anew(tmp_path: Path) -> None:
    site, store = tmp_path / "site", tmp_path / "t.db"
    shutil.copytree(SITE, site)
    targets = {severity: {"resolve": "90h", "calendar": "business"} for severity in (1, 2, 3, 4)}
    (site / "services.yaml").write_text(yaml.safe_dump({"services": {"portal": {"sla": targets}}}))

    def write(hours: str) -> None:
        every_day = {"time_zone": "UTC", "days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], "hours": hours}
        (site / "calendar.yaml").write_text(yaml.safe_dump({"calendars": {"business": every_day}}))

    write("09:00-18:00")
    async with _started(site, store) as daemon:
        number = await Running(daemon).receive({**DISK_FULL, "service": "portal"})
    write("09:00-12:00")
    for lines in (1, 1):
        async with _started(site, store) as daemon:
            running = Running(daemon)
            told = "SELECT COUNT(*) FROM timeline WHERE kind = 'calendar_changed'"
            await running.until(told, [(lines,)])
            desk = daemon.pipeline.desk
            incident = desk.board.incidents[desk.board.numbers[number]]
            due = {step.key: step.due_at for step in desk.agenda.of(incident.id)}[f"{incident.severity}/p100"]
            assert due == incident.resolve_due_at
            assert due is not None
            assert due - incident.opened_at > timedelta(days=29)


async def test_nobody_who_left_is_asked_to_take_an_incident_and_the_fallback_is(running: Running) -> None:
    daemon = running.daemon
    running.hook.refuses = True
    await running.receive()
    gone = "wei"
    await running.until(f"SELECT DISTINCT attempts > 0 FROM page WHERE seeks_responder AND person = '{gone}'", [(1,)])
    people = {name: person for name, person in daemon.config.people.items() if name != gone}
    daemon.in_force.config = replace(daemon.config, people=people, schedules={})
    await daemon.pipeline.submit(ConfigChanged(daemon.config, "root"))
    running.hook.refuses = False
    await running.until("SELECT count(*) FROM page WHERE open", [(0,)])
    told = await running.rows(f"SELECT DISTINCT state, outcome FROM page WHERE person = '{gone}'")
    assert told == [("failed", f"people.yaml has no {gone} any more")]
    assert "root" in {page.target for page in running.hook.got}
    assert gone not in {page.target for page in running.hook.got}


async def test_a_notifier_that_hangs_keeps_no_other_from_sending(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "_AT_ONCE", 1)
    running.hook.gate.clear()
    await running.receive()
    await running.hook.started.wait()
    page = next(iter(running.daemon.pipeline.desk.outbox.pages.values()))
    desk = running.daemon.pipeline.desk
    made = claimed(page, desk.board.incidents[page.incident_id], desk.config, desk.board, desk.past)
    by_mail = msgspec.structs.replace(made, notifier="mail")
    await running.daemon.courier.send(by_mail, running.daemon.clock.monotonic())
    assert [p.notifier for p in running.mail.got] == ["mail"]
    assert running.hook.got == []
    running.hook.gate.set()
    await running.until("SELECT count(*) FROM page WHERE open", [(0,)])


async def test_pages_that_wait_for_a_notifier_are_not_claimed_and_go_once_each(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that ran out in a queue had each page claimed again and again, one more task every time."""
    monkeypatch.setattr(courier, "_AT_ONCE", 2)
    running.hook.gate.clear()
    for number in range(8):
        await running.receive({**DISK_FULL, "alertname": f"Odd{'abcdefgh'[number]}", "instance": f"db-{number}"})
    await running.hook.started.wait()
    await running.until("SELECT count(*) FROM page WHERE notifier = 'hook' AND attempts = 1", [(2,)])
    waits = "SELECT count(*) > 5 FROM page WHERE notifier = 'hook' AND state = 'pending' AND attempts = 0"
    assert await running.rows(waits) == [(1,)]
    running.hook.gate.set()
    await running.until("SELECT count(*) FROM page WHERE open", [(0,)])
    pages = [page.page for page in running.hook.got]
    assert len(pages) == len(set(pages)) > 7


async def test_a_page_tells_what_the_rule_says_of_its_alert(running: Running) -> None:
    await running.receive(annotations={"runbook_url": "https://wiki/disk"})
    await running.hook.started.wait()
    await running.until("SELECT count(*) FROM page WHERE open", [(0,)])
    (page, *_) = running.hook.got
    assert "runbook_url: https://wiki/disk" in page.message.text
    assert "At its source: http://prom-1:9090/graph" in page.message.text
    assert page.message.payload["alerts"][0]["generatorURL"] == "http://prom-1:9090/graph"
    assert page.message.payload["alerts"][0]["annotations"] == {"runbook_url": "https://wiki/disk"}


async def test_pages_that_are_claimed_together_read_the_descriptions_once(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page read its own: in a storm that cost more than all the rest, and pages went without."""
    asked: list[Sequence[int]] = []
    read = AlertReads.annotations

    async def counted(self: AlertReads, alerts: Sequence[int]) -> dict[int, Described]:
        asked.append(alerts)
        return await read(self, alerts)

    monkeypatch.setattr(AlertReads, "annotations", counted)
    await running.receive(annotations={"runbook_url": "https://wiki/disk"})
    await running.hook.started.wait()
    await running.until("SELECT count(*) FROM page WHERE open", [(0,)])
    assert len(running.hook.got) > 1
    assert all("https://wiki/disk" in page.message.text for page in running.hook.got)
    assert len(asked) == 1


@pytest.mark.parametrize("meanwhile", ["a reload", "an acknowledgement"])
async def test_what_happens_while_descriptions_are_read_counts(
    running: Running, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """A page went out by a notifier that the reload had closed, or for an incident that somebody had taken."""
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def late(*_: Any) -> dict[int, Described]:
        asked.set()
        await goes_on.wait()
        return {}

    monkeypatch.setattr(AlertReads, "annotations", late)
    number = await running.receive()
    await asked.wait()
    fresh = Channel()
    if meanwhile == "a reload":
        running.daemon.in_force.notifiers = {"hook": fresh, "mail": fresh}
    else:
        actor = Actor("desk", frozenset({"desk"}))
        await running.daemon.pipeline.submit(PersonActed(number, Action.ACKNOWLEDGE, {}, actor))
    goes_on.set()
    await running.until("SELECT count(*) FROM page WHERE open", [(0,)])
    if meanwhile == "a reload":
        assert (running.hook.got, bool(fresh.got)) == ([], True)
    else:
        sought = await running.rows("SELECT state FROM page WHERE seeks_responder")
        assert {state for (state,) in sought} == {"cancelled"}


async def test_a_page_goes_without_descriptions_where_the_store_does_not_say_them(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OperationalError("SELECT", {}, OSError("gone"))

    monkeypatch.setattr(AlertReads, "annotations", broken)
    await running.receive(annotations={"runbook_url": "https://wiki/disk"})
    await running.hook.started.wait()
    await running.until("SELECT count(*) FROM page WHERE open", [(0,)])
    assert all("runbook" not in page.message.text for page in running.hook.got)
    assert running.hook.got


async def test_a_page_that_waits_for_its_notifier_is_not_sent_once_somebody_has_the_incident(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "_AT_ONCE", 1)
    running.hook.gate.clear()
    number = await running.receive()
    await running.hook.started.wait()
    actor = Actor("desk", frozenset({"desk"}))
    await running.daemon.pipeline.submit(PersonActed(number, Action.ACKNOWLEDGE, {}, actor))
    running.hook.gate.set()
    await running.until("SELECT count(*) FROM page WHERE open", [(0,)])
    sought = await running.rows("SELECT person, state FROM page WHERE seeks_responder ORDER BY id")
    assert [state for _, state in sought].count("sent") <= 1
    assert {"cancelled"} <= {state for _, state in sought}
    informed = await running.rows("SELECT state FROM page WHERE NOT seeks_responder")
    assert {state for (state,) in informed} == {"sent"}


async def test_a_page_that_cannot_be_composed_is_told_as_not_sent(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Claimed, "composed", broken)
    with structlog.testing.capture_logs():
        await running.receive()
        await running.until("SELECT count(*) > 0 FROM page WHERE outcome LIKE '%composed: ZeroDivisionError'", [(1,)])
    assert running.hook.got == []


async def test_the_log_says_whom_a_page_was_for(running: Running) -> None:
    with structlog.testing.capture_logs() as said:
        await running.receive()
        await running.until("SELECT count(*) FROM page WHERE state = 'sent'", [(4,)])
    told = [line["target"] for line in said if line["event"] == "page delivered"]
    assert sorted(told) == ["ana", "dora", "pat", "wei"]


async def test_known_errors_that_cannot_be_ranked_cost_no_page(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Suggestions, "match", broken)
    with structlog.testing.capture_logs():
        await running.receive()
        await running.until("SELECT count(*) FROM page WHERE state = 'sent'", [(4,)])


async def test_a_library_that_is_being_read_keeps_no_other_thread_from_its_work(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each incident waited for it in a thread of its own, until none was left to read a message or a configuration."""
    reading, read = threading.Event(), threading.Event()

    def slow(*_: Any) -> Any:
        reading.set()
        read.wait(20)
        return []

    monkeypatch.setattr(Suggestions, "match", slow)
    try:
        for number in range(40):
            await running.receive({"alertname": f"Odd{number:x}", "instance": f"h{number}:9100"})
        async with asyncio.timeout(15):
            assert await asyncio.to_thread(reading.wait, 10)
    finally:
        read.set()


async def test_time_that_cannot_be_decided_keeps_the_line_open_and_the_engine_unhealthy(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    def broken(*_: Any) -> Any:
        tried.set()
        raise ZeroDivisionError

    monkeypatch.setitem(DECIDERS, TimePassed, broken)
    with structlog.testing.capture_logs():
        await running.receive()
        await tried.wait()
        with pytest.raises(Undecided):
            await running.daemon.pipeline.submit(TimePassed())
        await running.receive()
    monkeypatch.undo()
    await running.until("SELECT count(*) FROM page WHERE state = 'sent' AND incident_id = 1", [(4,)])


def failing_for(monkeypatch: pytest.MonkeyPatch, intent: type[Any], is_at_fault: Callable[[Any], bool]) -> None:
    """A fault of ours in the decisions about one page."""
    decided = DECIDERS[intent]

    def decider(turn: Any, asked: Any) -> Any:
        if is_at_fault(asked):
            raise ZeroDivisionError
        return decided(turn, asked)

    monkeypatch.setitem(DECIDERS, intent, decider)


async def test_a_page_that_cannot_be_claimed_costs_no_other_and_the_person_is_called_another_way(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_for(monkeypatch, PagesClaimed, lambda asked: 1 in asked.pages)
    with structlog.testing.capture_logs():
        await running.receive()
        await running.until("SELECT count(*) FROM page WHERE state = 'sent'", [(4,)])
    told = await running.rows("SELECT notifier, state FROM page WHERE person = 'ana' ORDER BY id")
    assert told[0][1] == "cancelled"
    assert "sent" in {state for _, state in told}


async def test_a_page_of_which_nothing_can_be_decided_costs_no_other(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_for(monkeypatch, PagesClaimed, lambda asked: 1 in asked.pages)
    failing_for(monkeypatch, PageTried, lambda asked: asked.attempt.page == 1)
    with structlog.testing.capture_logs():
        await running.receive()
        await running.until("SELECT count(*) FROM page WHERE state = 'sent'", [(3,)])
    assert await running.rows("SELECT id FROM page WHERE open") == [(1,)]


async def test_a_page_whose_arrival_cannot_be_stored_is_sent_once_and_stored_as_soon_as_it_can_be(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_for(monkeypatch, PageTried, lambda asked: asked.attempt.page == 1)
    with structlog.testing.capture_logs():
        await running.receive()
        await running.until("SELECT count(*) FROM page WHERE state = 'sent'", [(3,)])
    monkeypatch.undo()
    await running.until("SELECT count(*) FROM page WHERE state = 'sent'", [(4,)])
    keys = [page.key for page in (*running.hook.got, *running.mail.got)]
    assert len(keys) == len(set(keys)) == 4


async def test_a_page_that_has_arrived_is_not_sent_again_when_the_store_is_away_for_longer_than_its_lease(
    running: Running,
) -> None:
    daemon, commit = running.daemon, running.daemon.writer.commit
    is_away = asyncio.Event()

    async def fails(batch: Any) -> None:
        if is_away.is_set():
            raise StoreDown("gone")
        await commit(batch)

    daemon.writer.commit = fails  # type: ignore[method-assign]  # a store that goes away with a page under way
    running.hook.gate.clear()
    await running.receive()
    await running.hook.started.wait()
    with structlog.testing.capture_logs() as told:
        is_away.set()
        running.hook.gate.set()
        while not any(line["event"] == "commit failed" for line in told) or not running.hook.got:  # noqa: ASYNC110 - what the log says
            await asyncio.sleep(0.01)
        ((number,),) = await running.rows("SELECT min(id) FROM page WHERE state = 'claimed' AND notifier = 'hook'")
        ran_out = daemon.clock.now() - timedelta(seconds=1)
        await commit([("UPDATE page SET lease_until = ? WHERE state = 'claimed'", [(ran_out,)])])
        await daemon.pipeline._forget()
        daemon.courier._line_up(daemon.clock.now())
        assert number not in daemon.courier._waiting._known
        is_away.clear()
        await running.until("SELECT count(*) FROM page WHERE open", [(0,)])
    keys = [page.key for page in (*running.hook.got, *running.mail.got)]
    assert len(keys) == len(set(keys)) >= 4, "those of the store that failed beside them"


async def test_a_reload_closes_a_notifier_after_the_page_that_it_is_sending(running: Running, tmp_path: Path) -> None:
    running.daemon.options = replace(running.daemon.options, config_dir=str(SITE))
    running.hook.gate.clear()
    await running.receive()
    await running.hook.started.wait()
    assert await running.daemon.in_force.reload("ana") == []
    await running.mail.closed.wait()
    assert not running.hook.closed.is_set()
    running.hook.gate.set()
    await running.hook.closed.wait()
    assert running.hook.got


async def test_a_hangup_before_the_house_runs_is_a_reload_once_it_does(tmp_path: Path) -> None:
    daemon = Daemon(Options(str(SITE), storage_url=f"sqlite:///{tmp_path / 't.db'}"), load(SITE), SystemClock())
    daemon.in_force.ask_to_reload()
    await daemon.open()
    stop = asyncio.Event()
    loops = asyncio.create_task(daemon.run(stop))
    try:
        async with asyncio.timeout(30):
            await Running(daemon).until("SELECT what, who FROM audit WHERE what = 'reload'", [("reload", "SIGHUP")])
    finally:
        stop.set()
        await loops
        await daemon.close()


async def test_a_calendar_whose_days_have_run_out_stops_no_start_and_pages_around_the_clock(tmp_path: Path) -> None:
    shutil.copytree(SITE, tmp_path / "site")
    past = {"time_zone": "UTC", "days": [], "hours": "09:00-17:00", "workdays": ["2020-01-02"]}
    (tmp_path / "site/calendar.yaml").write_text(yaml.safe_dump({"calendars": {"past": past}}))
    targets = {n: {"response": "30m", "resolve": "4h", "calendar": "past"} for n in (1, 2, 3, 4)}
    (tmp_path / "site/sla.yaml").write_text(yaml.safe_dump({"sla": {"default": targets}}))
    config = load(tmp_path / "site")
    daemon = Daemon(Options(storage_url=f"sqlite:///{tmp_path / 't.db'}"), config, SystemClock())
    with structlog.testing.capture_logs() as said:
        await daemon.open()
    assert [line["calendar"] for line in said if line["log_level"] == "error"] == ["past"]
    loops = asyncio.create_task(daemon.pipeline.run())
    number = await Running(daemon).receive()
    incident = daemon.pipeline.desk.board.incidents[daemon.pipeline.desk.board.numbers[number]]
    assert incident.response_due_at == incident.opened_at + timedelta(minutes=30)
    loops.cancel()
    await asyncio.wait([loops])
    await daemon.close()
