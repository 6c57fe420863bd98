"""`tocsin db compact`: the room of what was let go of is the disk's again, and nothing else has changed."""

import asyncio
import os
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent.__main__ import main
from agent.evidence import examine
from tests.agent.http.serving import served

ROOT = Path(__file__).parents[3]
FILL = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, randomblob(2000) FROM n"
)


async def run(*words: object) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, [str(word) for word in words])


def with_holes(path: Path) -> None:
    """A store of which some megabytes were let go of."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE filled (i INTEGER PRIMARY KEY, body BLOB)")
        db.execute(f"INSERT INTO filled {FILL}")
        db.commit()
        db.execute("DROP TABLE filled")
        db.commit()


def parts(folder: Path) -> list[Path]:
    return list(folder.glob("*.part*"))


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}


async def test_the_file_shrinks_and_every_row_is_there_and_a_daemon_goes_on_with_it(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.db"
    async with served(tmp_path) as api:
        number = await api.open_incident()
    with_holes(path)
    before, size = rows(path), path.stat().st_size
    done = await run("db", "compact", "--storage.url", f"sqlite:///{path}")
    assert done.exit_code == 0, done.output
    assert path.stat().st_size < size - 3_000_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert rows(path) == before
    assert not parts(tmp_path)
    (tmp_path / "site").rename(tmp_path / "old-site")
    async with served(tmp_path) as api:
        assert [i["number"] for i in (await api.get("/api/v1/incidents")).items] == [number]
        await api.act(number, "acknowledge")
    assert (await examine(f"sqlite:///{path}", {})).faults == []


async def test_not_under_a_running_daemon_and_not_while_somebody_reads(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.db"
    async with served(tmp_path) as api:
        refused = await run("db", "compact", "--storage.url", api.storage)
        assert (refused.exit_code, "another daemon is using" in refused.output) == (1, True)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        with_holes(path)
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM incident").fetchone()
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE more (i)")
            other.commit()
        refused = await run("db", "compact", "--storage.url", f"sqlite:///{path}")
        assert refused.exit_code in (1, 4), refused.output
    assert (await run("db", "compact", "--storage.url", f"sqlite:///{path}")).exit_code == 0


@pytest.mark.parametrize(
    ("what", "code", "says"),
    [
        pytest.param(None, 4, "there is no store at", id="nothing"),
        pytest.param(b"no database at all, whatever it is called", 1, "is no store of Tocsin", id="another file"),
    ],
)
async def test_what_is_no_store_is_left_alone(tmp_path: Path, what: bytes | None, code: int, says: str) -> None:
    path = tmp_path / "tocsin.db"
    if what is not None:
        path.write_bytes(what)
    refused = await run("db", "compact", "--storage.url", f"sqlite:///{path}")
    assert (refused.exit_code, says in refused.output) == (code, True), refused.output
    assert not path.exists() if what is None else path.read_bytes() == what


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("words", [("db", "compact"), ("db", "current"), ("backup", "{}/copy.db"), ("audit", "verify")])
async def test_whoever_may_not_look_is_told_whom_to_be(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Root without its powers over files is a stranger in the folder of the daemon's user."""
    home = tmp_path / "home"
    async with served(tmp_path):
        pass
    home.mkdir(mode=0o700)
    (tmp_path / "tocsin.db").rename(home / "tocsin.db")
    os.chown(home, 12345, 12346)
    less = "-dac_override,-dac_read_search"
    stranger = ["setpriv", f"--bounding-set={less}", f"--inh-caps={less}", "--", sys.executable, "-m", "agent"]
    url = f"sqlite:///{home / 'tocsin.db'}"
    words = tuple(word.format(tmp_path) for word in words)
    ran = await asyncio.create_subprocess_exec(
        *stranger,
        *words,
        "--storage.url",
        url,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await ran.communicate())[0].decode()
    assert "run this as the user of the daemon" in said
    assert (ran.returncode, "Traceback" in said) == (4, False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to somebody")
async def test_what_root_makes_in_the_folder_of_the_daemons_user_is_that_users(tmp_path: Path) -> None:
    copy, home = tmp_path / "copy.db", tmp_path / "home"
    async with served(tmp_path) as api:
        await run("backup", copy, "--storage.url", api.storage)
    home.mkdir()
    os.chown(home, 12345, 12346)
    url = f"sqlite:///{home / 'tocsin.db'}"
    for command in (("restore", copy), ("db", "compact")):
        assert (await run(*command, "--storage.url", url)).exit_code == 0
        owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in home.iterdir()}
        assert owners == {"tocsin.db": (12345, 12346), "tocsin.db.lock": (12345, 12346)}
    assert copy.stat().st_uid == 0, "a backup belongs to whoever makes it"
