"""`tocsin backup` and `tocsin restore`: nothing of a copy is missing, and nothing that was there is lost."""

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent.__main__ import main
from agent.evidence import examine
from tests.agent.http.serving import LINK_DOWN, served
from tests.real.parts import Database
from tests.real.postgres import programs

SCHEMA = "CREATE TABLE alembic_version (version_num TEXT)"


async def run(*words: object) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, [str(word) for word in words])


def numbers(path: Path) -> set[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return {number for (number,) in db.execute("SELECT number FROM incident")}


def names(folder: Path, pattern: str) -> set[str]:
    return {path.name for path in folder.glob(pattern)}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.suffix not in (".lock", ".reserve")}


async def test_a_copy_beside_a_daemon_is_whole_and_its_owners_alone(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    async with served(tmp_path) as api:
        number = await api.open_incident()
        made = await run("backup", copy, "--storage.url", api.storage)
        assert made.exit_code == 0, made.output
        await api.open_incident(LINK_DOWN)
    assert numbers(copy) == {number}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert names(tmp_path, "copy.db*") == {"copy.db"}, "one file, that needs no other"
    report = await examine(f"sqlite:///{copy}", {})
    assert report.faults == []
    assert report.rows["timeline"] > 0


async def test_the_way_back_brings_the_copy_and_keeps_what_was_there(tmp_path: Path) -> None:
    copy, storage = tmp_path / "copy.db", f"sqlite:///{tmp_path / 'tocsin.db'}"
    async with served(tmp_path) as api:
        first = await api.open_incident()
        await run("backup", copy, "--storage.url", storage)
        second = await api.open_incident(LINK_DOWN)
    back = await run("restore", copy, "--storage.url", storage)
    assert back.exit_code == 0, back.output
    (name,) = {n for n in names(tmp_path, "tocsin.db.before-*") if not n.endswith(("-wal", "-shm"))}
    aside = tmp_path / name
    assert names(tmp_path, "tocsin.db*") & {"tocsin.db-wal", "tocsin.db-shm"} == set(), "nothing of the old one is left"
    assert str(aside) in back.output
    assert numbers(aside) == {first, second}
    (tmp_path / "site").rename(tmp_path / "old-site")
    async with served(tmp_path) as api:
        assert [i["number"] for i in (await api.get("/api/v1/incidents")).items] == [first]
        third = await api.open_incident(LINK_DOWN)
        assert third not in (first, second), "the copy does not know the second, and whoever was paged for it does"
        assert int(third.rpartition("-")[2]) == int(second.rpartition("-")[2]) + 1, "what was there says how many"


@pytest.mark.parametrize("there", ["nothing", "another store"])
async def test_where_nobody_knows_what_was_given_since_numbers_go_on_behind_the_next_thousand(
    tmp_path: Path, there: str
) -> None:
    copy, away = tmp_path / "copy.db", tmp_path / "away"
    async with served(tmp_path) as api:
        first = await api.open_incident()
        await run("backup", copy, "--storage.url", api.storage)
    away.mkdir()
    if there == "another store":
        async with served(away) as api:
            await api.open_incident(LINK_DOWN)
        (away / "site").rename(away / "old-site")
    assert (await run("restore", copy, "--storage.url", f"sqlite:///{away / 'tocsin.db'}")).exit_code == 0
    async with served(away) as api:
        assert [i["number"] for i in (await api.get("/api/v1/incidents")).items] == [first]
        assert (await api.open_incident(LINK_DOWN)).rpartition("-")[2] == "1001"


async def test_nothing_is_put_back_under_a_running_daemon(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    async with served(tmp_path) as api:
        number = await api.open_incident()
        await run("backup", copy, "--storage.url", api.storage)
        refused = await run("restore", copy, "--storage.url", api.storage)
        assert refused.exit_code == 1
        assert "another daemon" in refused.output
        assert (await api.act(number, "acknowledge", as_="ana")).status == 200


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (b"", "no store of Tocsin"),
        (b"not a database at all, but long enough to be one" * 100, "no store of Tocsin"),
        ("CREATE TABLE x (a)", "no store of Tocsin"),
        (
            "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('9999')",
            "newer release",
        ),
        ("CREATE TABLE alembic_version (version_num TEXT)", "damaged"),
    ],
)
async def test_what_is_no_copy_is_refused_and_the_store_stays(tmp_path: Path, what: bytes | str, says: str) -> None:
    place = tmp_path / "store"
    place.mkdir()
    async with served(tmp_path, f"sqlite:///{place / 'tocsin.db'}") as api:
        await api.open_incident()
    before, copy = bytes_of(place), tmp_path / "copy.db"
    if isinstance(what, bytes):
        copy.write_bytes(what)
    else:
        with closing(sqlite3.connect(copy)) as db:
            db.executescript(what)
    refused = await run("restore", copy, "--storage.url", api.storage)
    assert refused.exit_code == 1, refused.output
    assert says in refused.output
    assert bytes_of(place) == before


async def test_a_copy_that_rots_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    async with served(tmp_path) as api:
        await api.open_incident()
        await run("backup", copy, "--storage.url", api.storage)
    raw = bytearray(copy.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 8192] = os.urandom(8192)
    copy.write_bytes(raw)
    refused = await run("restore", copy, "--storage.url", api.storage)
    assert refused.exit_code == 1
    assert "damaged" in refused.output or "no store" in refused.output


async def test_a_store_that_is_damaged_or_gone_makes_way(tmp_path: Path) -> None:
    copy, store = tmp_path / "copy.db", tmp_path / "tocsin.db"
    async with served(tmp_path) as api:
        number = await api.open_incident()
        await run("backup", copy, "--storage.url", api.storage)
    store.write_bytes(b"rubbish" * 10_000)
    assert (await run("restore", copy, "--storage.url", api.storage)).exit_code == 0
    assert numbers(store) == {number}
    store.unlink()
    assert (await run("restore", copy, "--storage.url", api.storage)).exit_code == 0
    assert numbers(store) == {number}


async def test_no_file_is_written_over_and_a_store_that_is_not_there_is_told(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    async with served(tmp_path) as api:
        refused = await run("backup", there, "--storage.url", api.storage)
        assert (refused.exit_code, there.read_text()) == (1, "mine")
        assert (await run("backup", tmp_path / "no" / "x", "--storage.url", api.storage)).exit_code == 1
    gone = await run("backup", tmp_path / "new", "--storage.url", f"sqlite:///{tmp_path / 'gone.db'}")
    assert gone.exit_code == 4
    assert not names(tmp_path, "new*")
    assert not (tmp_path / "gone.db").exists()


async def test_the_store_itself_is_no_copy(tmp_path: Path) -> None:
    async with served(tmp_path) as api:
        await api.open_incident()
    refused = await run("restore", tmp_path / "tocsin.db", "--storage.url", api.storage)
    assert refused.exit_code == 1
    assert (tmp_path / "tocsin.db").exists()


@pytest.mark.real("postgresql")
async def test_postgres_goes_there_and_back(
    tmp_path: Path, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{programs()}:{os.environ['PATH']}")
    copy = tmp_path / "copy.dump"
    async with served(tmp_path, postgres.url) as api:
        first = await api.open_incident()
        made = await run("backup", copy, "--storage.url", postgres.url)
        assert made.exit_code == 0, made.output
        second = await api.open_incident(LINK_DOWN)
        refused = await run("restore", copy, "--storage.url", postgres.url)
        assert refused.exit_code == 1
        assert len((await api.get("/api/v1/incidents")).items) == 2
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    back = await run("restore", copy, "--storage.url", postgres.url)
    assert back.exit_code == 0, back.output
    (tmp_path / "site").rename(tmp_path / "old-site")
    async with served(tmp_path, postgres.url) as api:
        assert [i["number"] for i in (await api.get("/api/v1/incidents")).items] == [first]
        third = await api.open_incident(LINK_DOWN)
        assert int(third.rpartition("-")[2]) > int(second.rpartition("-")[2])
    copy.write_bytes(copy.read_bytes()[:2000])
    assert (await run("restore", copy, "--storage.url", postgres.url)).exit_code == 1
    assert (await examine(postgres.url, {})).faults == []
