"""Both stores keep what they are given, the same way, and only one daemon writes."""

import asyncio
import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select
from structlog.testing import capture_logs

from agent import tokens
from agent.evidence import NoEvidence, commit_noted, examine
from agent.group import INSERT_JOURNAL
from agent.loading.absence import listen_again
from agent.storage import migrate, tables
from agent.storage.database import readers, sqlite_path, writer_for
from agent.storage.postgres import PostgresWriter, numbered
from agent.storage.sqlite import Reserve, SqliteWriter, has_room
from agent.storage.store import INSERT_AUDIT, AuditRow
from agent.storage.writer import Compressed, StoreDown, StoreFull, StoreTaken, Unwritable, Writer
from collectors.alert import Alert, Status
from collectors.labels import packed
from correlation.incident import Episode, Incident, State, Why, key_of
from correlation.rows import columns
from correlation.store import (
    INCIDENT_BY_NUMBER,
    INCIDENT_FIELDS,
    INSERT_ALERT,
    INSERT_EPISODE,
    UPSERT_BEAT,
    UPSERT_INCIDENT,
    alert_values,
    episode_values,
    incident_from,
    incident_values,
)
from correlation.tables import EpisodeRow, IncidentRow
from escalation.store import Page, PageRow
from tests.real.parts import Database

AT = datetime(2026, 3, 2, 9, 0, 0, 500, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.real("postgresql"))])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres").url
        return url
    return f"sqlite:///{tmp_path}/tocsin.db"


@pytest_asyncio.fixture
async def writer(store_url: str) -> AsyncIterator[Writer]:
    made = writer_for(store_url)
    await made.open()
    await migrate.upgrade(store_url)
    yield made
    await made.close()


def incident(**more: object) -> Incident:
    made = Incident(id=1, number="INC-20260302-0001", title="磁盘 full", occurred_at=AT, opened_at=AT, updated_at=AT)
    made.history.append((AT, "new"))
    made.root = {
        "origin": "am",
        "fingerprint": "ab",
        "startsAt": "x",
        "at": AT,
        "why": {"code": "earliest", "facts": {}},
    }
    for name, value in more.items():
        setattr(made, name, value)
    return made


async def test_an_incident_comes_back_as_it_was_written(writer: Writer) -> None:
    written = incident(state=State.PENDING_VENDOR, resolve_due_at=AT + timedelta(hours=8), known_errors=[{"id": "ke"}])
    await writer.commit([(UPSERT_INCIDENT, [incident_values(written)])])
    rows = await writer.fetch(INCIDENT_BY_NUMBER, written.number)
    assert incident_from(rows[0]) == written


async def test_raw_rows_and_the_orm_agree_on_moments_and_booleans(writer: Writer, store_url: str) -> None:
    """A moment written raw must compare equal to one written through SQLModel."""
    episode = Episode(
        id=7, key=key_of("am", "ab"), starts_at=AT, starts_written="x", labels=packed({}), told=0, open=True, last_at=AT
    )
    await writer.commit([(INSERT_EPISODE, [episode_values(episode, Why("none"), None, None)])])
    east = AT.astimezone(timezone(timedelta(hours=8)))
    engine = readers(store_url)
    async with AsyncSession(engine) as session:
        found = (await session.execute(select(EpisodeRow).where(EpisodeRow.last_at == east))).scalar_one()
        assert (found.last_at, found.open) == (AT, True)
        before = select(EpisodeRow).where(EpisodeRow.last_at < AT + timedelta(microseconds=1))
        assert (await session.execute(before)).scalar_one().alert_id == 7
    await engine.dispose()


async def test_a_naive_moment_is_refused_on_sqlite(tmp_path: Path) -> None:
    writer = SqliteWriter(f"{tmp_path}/t.db")
    await writer.open()
    await migrate.upgrade(f"sqlite:///{tmp_path}/t.db")
    with pytest.raises(Unwritable, match="without a zone"):
        act = (1, datetime(2026, 1, 1), "x", "y", "{}", "", "", "", 0)  # noqa: DTZ001 - on purpose
        await writer.commit([(INSERT_AUDIT, [act])])
    await writer.close()


async def test_a_batch_is_written_whole_or_not_at_all(writer: Writer) -> None:
    good = (1, AT, "ana", "login", "{}", "", "", "", 0)
    with pytest.raises(Unwritable):
        await writer.commit([(INSERT_AUDIT, [good]), (INSERT_AUDIT, [good])])
    assert await writer.fetch("SELECT count(*) FROM audit") == [(0,)]
    await writer.commit([(INSERT_AUDIT, [good])])
    assert await writer.fetch("SELECT who FROM audit WHERE at = ?", AT) == [("ana",)]


async def test_evidence_is_append_only_and_can_be_verified(writer: Writer, store_url: str) -> None:
    for what in ("token created", "token revoked"):
        await commit_noted(writer, [], "伟", what, {"id": "x"}, AT)
    with pytest.raises(Unwritable, match="append-only"):
        await writer.commit([("UPDATE audit SET who = ? WHERE id = -1", [("ana",)])])
    with pytest.raises(Unwritable, match="append-only"):
        await writer.commit([("DELETE FROM audit WHERE id = ?", [(-1,)])])
    assert (await examine(store_url)).faults == []
    change = ("UPDATE audit SET who = ? WHERE id = -1", [("ana",)])
    await writer.commit([(tables.UNLOCK, [("x",)]), change, (tables.LOCK, [("x",)])])
    assert [(f.chain, f.row) for f in (await examine(store_url)).faults] == [("command line", -1)]


@pytest.mark.parametrize("who", ["\ud800", 2**70, object()], ids=["a lone surrogate", "a huge number", "no value"])
async def test_a_row_that_no_store_can_hold_is_no_outage_of_the_store(writer: Writer, who: Any) -> None:
    with pytest.raises(Unwritable):
        await writer.commit([(INSERT_AUDIT, [(1, AT, who, "login", "{}", "", "", "", 0)])])
    await writer.commit([(INSERT_AUDIT, [(1, AT, "ana", "login", "{}", "", "", "", 0)])])


async def test_a_second_writer_of_a_process_leaves_the_log_to_the_first(tmp_path: Path) -> None:
    """SQLite keeps POSIX locks, which a process loses with any descriptor of the file that it closes."""
    path = tmp_path / "tocsin.db"
    first, second = SqliteWriter(str(path)), tokens.beside(f"sqlite:///{path}")
    await first.open()
    await first.commit([("CREATE TABLE t (n INTEGER)", [()])])
    await second.open()
    read = f"import sqlite3; db = sqlite3.connect({str(path)!r}); db.execute('SELECT n FROM t').fetchall(); db.close()"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", read], check=True)
    await first.commit([("INSERT INTO t VALUES (?)", [(1,)])])
    assert await second.fetch("SELECT n FROM t") == [(1,)]
    await second.close()
    await first.close()


@pytest.mark.parametrize("lost", ["tocsin.db", "tocsin.db-wal"])
async def test_what_is_written_to_a_file_that_is_gone_is_an_outage_until_it_is_back(tmp_path: Path, lost: str) -> None:
    """SQLite goes on writing to a deleted file without a word: a 2xx for that would be a lie."""
    writer = SqliteWriter(str(tmp_path / "tocsin.db"))
    await writer.open()
    try:
        await writer.commit([("CREATE TABLE t (a)", [()])])
        file, elsewhere = tmp_path / lost, tmp_path / "elsewhere"
        file.rename(elsewhere)
        with pytest.raises(StoreDown, match=f"{lost} was deleted or moved"):
            await writer.commit([("INSERT INTO t VALUES (?)", [(1,)])])
        file.touch()
        with pytest.raises(StoreDown, match=f"{lost} was deleted or moved"):
            await writer.commit([("INSERT INTO t VALUES (?)", [(2,)])])
        elsewhere.rename(file)
        await writer.commit([("INSERT INTO t VALUES (?)", [(3,)])])
        assert (await writer.fetch("SELECT max(a) FROM t")) == [(3,)]
    finally:
        await writer.close()


async def test_a_sqlite_file_that_cannot_be_read_is_an_outage_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_bytes(b"\0" * 8192)
    writer = SqliteWriter(f"{tmp_path}/t.db", inline=True)
    writer._db = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    with pytest.raises(StoreDown, match="not a database"):
        await writer.fetch("SELECT who FROM audit")
    with pytest.raises(StoreDown, match="not a database"):
        await writer.commit([(INSERT_AUDIT, [(1, AT, "ana", "login", "{}", "", "", "", 0)])])
    writer._db.close()


@pytest.mark.real("postgresql")
async def test_a_server_that_stops_within_a_statement_is_an_outage_and_the_next_call_connects_anew(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncpg: its own state machine trips (InternalClientError) where a server's end cuts a statement short."""
    asyncpg = pytest.importorskip("asyncpg")
    writer = writer_for(postgres.url)
    await writer.open()
    await migrate.upgrade(postgres.url)
    act = (1, AT, "ana", "login", "{}", "", "", "", 0)

    async def trips(*_: object) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")

    for verb in ("executemany", "fetch"):
        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, verb, trips)
            with pytest.raises(StoreDown, match="another operation"):
                await (writer.commit([(INSERT_AUDIT, [act])]) if verb == "executemany" else writer.fetch("SELECT 1"))
    await writer.commit([(INSERT_AUDIT, [act])])
    assert await writer.fetch("SELECT who FROM audit") == [("ana",)]
    await writer.close()


@contextlib.asynccontextmanager
async def wire(url: str, folder: Path) -> AsyncIterator[tuple[str, list[asyncio.Event]]]:
    """A way to the server that is cut unnoticed: its URL, and for each connection an event that ends its traffic."""
    home, cuts, pumps = parse_qs(urlsplit(url).query)["host"][0], list[asyncio.Event](), list[asyncio.Task[None]]()
    ends: list[asyncio.StreamWriter] = []

    async def pump(source: asyncio.StreamReader, to: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while piece := await source.read(65536):
            if cut.is_set():
                await asyncio.Event().wait()
            to.write(piece)
        to.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(f"{home}/.s.PGSQL.5432")
        cuts.append(asyncio.Event())
        ends.extend((back, writer))
        pumps.extend(asyncio.create_task(pump(a, b, cuts[-1])) for a, b in ((reader, back), (there, writer)))

    server = await asyncio.start_unix_server(connected, folder / ".s.PGSQL.5432")
    try:
        yield url.replace(home, str(folder)), cuts
    finally:
        server.close()
        for task in pumps:
            task.cancel()
        for end in ends:
            end.close()
        await asyncio.gather(*pumps, *(end.wait_closed() for end in ends), return_exceptions=True)


@pytest.mark.real("postgresql")
async def test_a_server_of_which_nothing_is_heard_is_asked_on_a_new_connection_though_it_has_not_noticed(
    postgres: Database, tmp_path: Path
) -> None:
    async with wire(postgres.url, tmp_path) as (url, cuts):
        writer = PostgresWriter(url)
        await writer.open()
        await writer.commit([("CREATE TABLE t (n INTEGER)", [()])])
        writer.commit_within_s = 0.2
        cuts[0].set()
        with pytest.raises(StoreDown, match="PostgreSQL"):
            await writer.commit([("INSERT INTO t VALUES (?)", [(1,)])])
        writer.commit_within_s = 60
        await writer.commit([("INSERT INTO t VALUES (?)", [(2,)])])
        assert await writer.fetch("SELECT n FROM t") == [(2,)]
        with pytest.raises(StoreTaken):
            await writer_for(postgres.url).open()
        await writer.close()


@pytest.mark.real("postgresql")
async def test_a_running_daemon_whose_database_another_one_took_meanwhile_lives_and_takes_nothing(
    postgres: Database,
) -> None:
    writer, other = writer_for(postgres.url), writer_for(postgres.url)
    await writer.open()
    await writer.commit([("CREATE TABLE t (n INTEGER)", [()])])
    await _cut_off(postgres.url)
    await other.open()
    for _ in range(2):
        with pytest.raises(StoreDown):
            await writer.commit([("INSERT INTO t VALUES (?)", [(1,)])])
    with pytest.raises(StoreDown, match="another daemon is using"):
        await writer.commit([("INSERT INTO t VALUES (?)", [(1,)])])
    await other.close()
    await writer.commit([("INSERT INTO t VALUES (?)", [(2,)])])
    assert await writer.fetch("SELECT n FROM t") == [(2,)]
    await writer.close()


@pytest.mark.real("postgresql")
async def test_nothing_is_written_on_what_was_known_before_another_daemon_had_the_database(postgres: Database) -> None:
    act, ours, other = (AT, "ana", "login", "{}", "", "", "", 0), writer_for(postgres.url), writer_for(postgres.url)
    await ours.open()
    await migrate.upgrade(postgres.url)
    await ours.claim()
    await _cut_off(postgres.url)
    await _once_connected(lambda: ours.commit([(INSERT_AUDIT, [(1, *act)])]))  # nobody else had it
    await _cut_off(postgres.url)
    await other.open()
    await other.claim()
    await other.commit([(INSERT_AUDIT, [(2, *act)])])
    await other.close()
    assert await _once_connected(lambda: ours.fetch("SELECT id FROM audit ORDER BY id")) == [(1,), (2,)]
    for _ in range(2):
        with pytest.raises(StoreDown, match="another daemon had"):
            await ours.commit([(INSERT_AUDIT, [(2, *act)])])
    await ours.claim()
    await ours.commit([(INSERT_AUDIT, [(3, *act)])])
    assert await ours.fetch("SELECT id FROM audit ORDER BY id") == [(1,), (2,), (3,)]
    await ours.close()


async def _once_connected(call: Callable[[], Awaitable[Any]]) -> Any:
    """What a call returns: the first one may still find the connection that is gone."""
    try:
        return await call()
    except StoreDown:
        return await call()


async def _cut_off(url: str) -> None:
    """End the session that has the lock, and wait until the lock is free."""
    import asyncpg

    admin = await asyncpg.connect(url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await admin.fetchval("SELECT pg_advisory_lock($1)", 0x70C51)
    await admin.close()


@pytest.mark.real("postgresql")
async def test_what_is_committed_is_on_the_disk_also_of_a_server_that_would_not_wait_for_it(postgres: Database) -> None:
    writer = writer_for(postgres.url)
    with capture_logs() as told:
        await writer.open()
    assert await writer.fetch("SHOW synchronous_commit") == [("on",)]
    assert [(line["log_level"], line["off"]) for line in told] == [("warning", "fsync, full_page_writes")]
    await writer.close()


async def test_a_second_daemon_on_the_same_store_is_refused_with_a_sentence(writer: Writer, store_url: str) -> None:
    with pytest.raises(StoreTaken, match="another daemon is using"):
        await writer_for(store_url).open()


async def test_the_migrations_make_just_the_tables_of_the_models(writer: Writer, store_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))

    engine = readers(store_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_an_upgrade_that_was_done_is_done(writer: Writer, store_url: str) -> None:
    before, after = await migrate.upgrade(store_url)
    assert before == after == migrate.heads()[0]


async def test_what_an_older_release_may_have_left_unranked_is_ranked_after_the_upgrade(
    writer: Writer, store_url: str
) -> None:
    several = [
        incident(id=1, number="a"),
        incident(id=2, number="b", known_errors=[{"id": "ke"}]),
        incident(id=3, number="c", state=State.ARCHIVED),
    ]
    await writer.commit([(UPSERT_INCIDENT, [incident_values(one) for one in several])])
    later = ("to_rank", "untold_since")
    columns = [f"ALTER TABLE incident DROP COLUMN {name}" for name in later]
    for sql in (*columns, "UPDATE alembic_version SET version_num = '0006'"):
        await writer.commit([(sql, [()])])
    await migrate.upgrade(store_url)
    assert await writer.fetch("SELECT id FROM incident WHERE to_rank") == [(1,)]


async def test_a_schema_newer_than_the_program_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    await migrate.upgrade(url)
    engine = create_engine(f"sqlite:///{tmp_path}/t.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(migrate.NewerSchema, match="9999"):
        await migrate.upgrade(url)


@pytest.mark.parametrize("begun_at", [None, "0001"], ids=["a new store", "a store of an older release"])
async def test_a_power_cut_in_the_middle_of_an_upgrade_leaves_a_store_that_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun_at: str | None
) -> None:
    path = tmp_path / "t.db"
    cuts: list[Path] = []
    if begun_at is not None:
        with monkeypatch.context() as older:
            upgrade = command.upgrade
            older.setattr(command, "upgrade", lambda config, _: upgrade(config, begun_at))
            await migrate.upgrade(f"sqlite:///{path}")

    def cut(*_: Any) -> None:
        cuts.append(tmp_path / f"cut-{len(cuts)}")
        cuts[-1].mkdir()
        for file in tmp_path.glob("t.db*"):
            shutil.copy(file, cuts[-1])

    event.listen(Engine, "after_cursor_execute", cut)
    try:
        await migrate.upgrade(f"sqlite:///{path}")
    finally:
        event.remove(Engine, "after_cursor_execute", cut)
    assert len(cuts) > 20
    for folder in cuts[::5]:
        before, after = await migrate.upgrade(f"sqlite:///{folder}/t.db")
        assert (before, after) == (begun_at, migrate.heads()[0])


async def test_a_file_with_tables_of_something_else_is_told_in_a_sentence_and_left_alone(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "t.db")) as db:
        db.execute("CREATE TABLE alert (theirs TEXT)")
        with pytest.raises(StoreDown, match=r"cannot be brought to the schema .*table alert already exists"):
            await migrate.upgrade(f"sqlite:///{tmp_path}/t.db")
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("alert",)]


def test_a_store_in_memory_has_the_same_columns_as_the_models() -> None:
    db = sqlite3.connect(":memory:")
    for statement in tables.sqlite_ddl():
        db.execute(statement)
    for model in (IncidentRow, PageRow, EpisodeRow, AuditRow):
        table = getattr(model, "__tablename__", "")
        assert [row[1] for row in db.execute(f"PRAGMA table_info({table})")] == columns(model)
    db.close()


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        pytest.param(INCIDENT_FIELDS, IncidentRow, id="incident"),
        pytest.param(Page.__struct_fields__, PageRow, id="page"),
    ],
)
def test_what_is_held_in_memory_has_the_fields_of_its_row(fields: tuple[str, ...], model: type) -> None:
    assert list(fields) == columns(model)


async def test_read_then_write_in_turns_loses_no_update(tmp_path: Path) -> None:
    """SQLAlchemy's defaults lose 566 of 800; our one writer loses none."""
    writer = SqliteWriter(f"{tmp_path}/t.db")
    await writer.open()
    await writer.commit(
        [("CREATE TABLE n (k INTEGER PRIMARY KEY, v INTEGER)", [()]), ("INSERT INTO n VALUES (1, 0)", [()])]
    )
    line = asyncio.Lock()

    async def one() -> None:
        for _ in range(50):
            async with line:
                ((value,),) = await writer.fetch("SELECT v FROM n WHERE k = 1")
                await writer.commit([("UPDATE n SET v = ? WHERE k = 1", [(value + 1,)])])

    await asyncio.gather(*(one() for _ in range(8)))
    assert await writer.fetch("SELECT v FROM n") == [(400,)]
    await writer.close()


async def test_readers_cannot_write_on_sqlite(tmp_path: Path) -> None:
    await migrate.upgrade(f"sqlite:///{tmp_path}/t.db")
    engine = readers(f"sqlite:///{tmp_path}/t.db")
    with pytest.raises(Exception, match="readonly"):
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM incident"))
    await engine.dispose()


async def test_a_store_is_durable_by_its_settings(tmp_path: Path) -> None:
    writer = SqliteWriter(f"{tmp_path}/t.db")
    await writer.open()
    assert await writer.fetch("PRAGMA journal_mode") == [("wal",)]
    assert await writer.fetch("PRAGMA synchronous") == [(2,)]
    await writer.close()


def test_a_full_disk_is_told_from_a_store_that_is_down(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    db.execute("CREATE TABLE t (b BLOB)")
    db.execute("PRAGMA max_page_count = 4")
    db.close()

    async def fill() -> None:
        writer = SqliteWriter(str(tmp_path / "t.db"))
        await writer.open()
        await writer.fetch("PRAGMA max_page_count = 4")
        try:
            await writer.commit([("INSERT INTO t VALUES (?)", [(os.urandom(200_000),)])])
        finally:
            await writer.close()

    with pytest.raises(StoreFull, match="free some space"):
        asyncio.run(fill())


def test_a_quota_or_a_limit_of_the_process_is_a_full_disk_too(tmp_path: Path) -> None:
    path, (soft, hard) = str(tmp_path / "t.db"), resource.getrlimit(resource.RLIMIT_FSIZE)

    async def fill() -> None:
        writer = SqliteWriter(path)
        await writer.open()
        try:
            await writer.commit([("CREATE TABLE t (b BLOB)", [()])])
            assert has_room(path)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
            assert not has_room(path)
            with pytest.raises(StoreFull, match="free some space"):
                await writer.commit([("INSERT INTO t VALUES (?)", [(os.urandom(400_000),)])])
            assert not Reserve(path, size=400_000).refill()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await writer.commit([("INSERT INTO t VALUES (?)", [(os.urandom(400_000),)])])
        assert Reserve(path, size=400_000).refill()
        await writer.close()

    asyncio.run(fill())


def test_a_store_that_another_program_has_locked_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = str(tmp_path / "t.db")

    async def write() -> None:
        writer = SqliteWriter(path)
        await writer.open()
        await writer.commit([("CREATE TABLE t (b BLOB)", [()])])
        await writer.fetch("PRAGMA busy_timeout = 0")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreDown, match=r"another program has locked .*: end it"):
                await writer.commit([("INSERT INTO t VALUES (?)", [(b"",)])])
        await writer.commit([("INSERT INTO t VALUES (?)", [(b"",)])])
        await writer.close()

    asyncio.run(write())


def test_the_reserve_is_taken_once_and_given_up_once(tmp_path: Path) -> None:
    reserve = Reserve(str(tmp_path / "t.db"), size=1024 * 1024)
    assert reserve.fill()
    assert (tmp_path / "t.db.reserve").stat().st_blocks * 512 >= 1024 * 1024
    assert reserve.give_up()
    assert not reserve.give_up()
    assert reserve.fill()


def test_a_reserve_that_cannot_be_given_up_ends_no_daemon(tmp_path: Path) -> None:
    (tmp_path / "t.db.reserve").mkdir()
    reserve = Reserve(str(tmp_path / "t.db"), size=4096)
    assert not reserve.fill()
    assert not reserve.give_up()


async def test_the_files_of_a_store_are_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "var" / "t.db"
    before = os.umask(0)
    try:
        writer = SqliteWriter(str(path))
        await writer.open()
        await writer.script(["CREATE TABLE t (a)"])
        Reserve(str(path), size=4096).fill()
    finally:
        os.umask(before)
    modes = {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}
    await writer.close()
    assert modes.keys() == {"t.db", "t.db-wal", "t.db-shm", "t.db.lock", "t.db.reserve"}
    assert set(modes.values()) == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def sizes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def emptied_beside_a_log(path: Path) -> None:
    path.write_bytes(b"")
    Path(f"{path}-wal").write_bytes(b"what was committed last")
    Path(f"{path}.reserve").unlink()


def gone_beside_a_log(path: Path) -> None:
    path.unlink()
    Path(f"{path}-wal").write_bytes(b"what was committed last")


def a_link_to_nowhere(path: Path) -> None:
    path.unlink()
    (path.parent / "mount").mkdir()
    path.symlink_to(path.parent / "mount" / "t.db")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("lose", "told"),
    [
        pytest.param(gone_beside_a_log, r"t\.db is gone, and .*t\.db-wal says that a store was there", id="gone"),
        pytest.param(emptied, r"t\.db is empty, and .*t\.db\.reserve", id="empty"),
        pytest.param(emptied_beside_a_log, r"t\.db is empty, and .*t\.db-wal", id="empty beside a log"),
        pytest.param(a_link_to_nowhere, r"a link to .*mount/t\.db, where there is nothing", id="a link to nowhere"),
        pytest.param(a_folder, r"t\.db is no file", id="a folder"),
    ],
)
async def test_where_a_store_was_lost_no_new_one_is_made_and_nothing_that_is_left_is_touched(
    tmp_path: Path, lose: Callable[[Path], None], told: str
) -> None:
    path = tmp_path / "t.db"
    await migrate.upgrade(f"sqlite:///{path}")
    assert Reserve(str(path), size=4096).fill()
    lose(path)
    left = sizes(tmp_path)
    for opened in (SqliteWriter(str(path)), tokens.beside(f"sqlite:///{path}")):
        with pytest.raises(StoreDown, match=told):
            await opened.open()
    with pytest.raises(StoreDown, match=told):
        await migrate.current(f"sqlite:///{path}")
    with pytest.raises(NoEvidence, match=told):
        await examine(f"sqlite:///{path}")
    assert sizes(tmp_path) == left


async def test_a_first_start_that_was_cut_off_before_anything_was_written_is_a_first_start(tmp_path: Path) -> None:
    (tmp_path / "t.db").touch()
    (tmp_path / "t.db.lock").touch()
    (tmp_path / "t.db-wal").touch()
    writer = SqliteWriter(str(tmp_path / "t.db"))
    await writer.open()
    await writer.close()


async def test_a_file_beside_the_store_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.db.lock").mkdir()
    with pytest.raises(StoreDown, match=r"t\.db\.lock cannot be opened: Is a directory"):
        await SqliteWriter(str(tmp_path / "t.db")).open()


async def test_of_a_store_that_is_torn_apart_it_says_to_restore_a_backup(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_bytes(os.urandom(20_000))
    with pytest.raises(StoreDown, match="file is not a database; restore a backup, or name another"):
        await SqliteWriter(str(tmp_path / "t.db")).open()


async def test_a_store_has_one_daemon_by_whatever_link_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "t.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "disk" / "t.db")
    writer = SqliteWriter(str(tmp_path / "disk" / "t.db"))
    await writer.open()
    with pytest.raises(StoreTaken):
        await SqliteWriter(str(tmp_path / "link.db")).open()
    await writer.close()


async def test_a_store_that_is_there_keeps_the_mode_that_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    path.touch(mode=0o640)
    path.chmod(0o640)
    writer = SqliteWriter(str(path))
    await writer.open()
    await writer.close()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_compressed_body_unpacks_to_what_it_was() -> None:
    import zlib

    body = b'{"alerts": []}' * 1000
    packed = Compressed(body).packed()
    assert len(packed) < len(body) / 10
    assert zlib.decompress(packed) == body


def test_placeholders_are_numbered_for_postgres() -> None:
    assert numbered("INSERT INTO t VALUES (?, ?)") == "INSERT INTO t VALUES ($1, $2)"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param("sqlite:///./var/tocsin.db", "./var/tocsin.db", id="relative"),
        pytest.param("sqlite:////srv/tocsin.db", "/srv/tocsin.db", id="absolute"),
    ],
)
def test_storage_urls_name_a_file(url: str, path: str) -> None:
    assert sqlite_path(url) == path


def test_a_storage_url_of_another_kind_is_refused_with_the_right_form() -> None:
    with pytest.raises(ValueError, match="sqlite:///"):
        sqlite_path("mysql://x")


async def test_a_span_in_which_nothing_could_be_heard_counts_as_none_on_both_stores(writer: Writer) -> None:
    hour, journaled = timedelta(hours=1), (1, AT, "webhook/prometheus", "am", b"")
    episode = Episode(
        id=7, key=key_of("am", "ab"), starts_at=AT, starts_written="x", labels=packed({}), told=0, open=True, last_at=AT
    )
    episode.expires_at = AT + timedelta(minutes=4)
    known = Alert(origin="am", fingerprint="ab", status=Status.FIRING, labels_json=b"{}", starts_at=AT, starts_text="x")
    await writer.commit([(INSERT_EPISODE, [episode_values(episode, Why("none"), None, None)])])
    await writer.commit([(INSERT_ALERT, [alert_values(known, episode, "am", AT)])])
    await writer.commit([(INSERT_JOURNAL, [journaled]), (UPSERT_BEAT, [("am", AT, 60.0, False, 60.0)])])
    await listen_again(writer, AT + hour)
    assert await writer.fetch("SELECT last_at FROM beat") == [(AT + hour,)]
    assert await writer.fetch("SELECT expires_at FROM episode") == [(AT + hour + timedelta(minutes=4),)]
    assert [kind for (kind,) in await writer.fetch("SELECT kind FROM journal ORDER BY seq")][1:] == ["listening"]
