"""A copy of the store, whole and of one moment, and the way back."""

import asyncio
import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from agent.storage import migrate, numbers
from agent.storage.database import is_postgres, sqlite_path, writer_for
from agent.storage.filesystem import make_file
from agent.storage.sqlite import lock_store
from agent.storage.writer import StoreDown
from agent.whereabouts import look_at

_BESIDE = ("", "-wal", "-shm")
_PACKAGE = "it comes with the package postgresql-client"


class BadBackup(Exception):
    """It cannot be made or taken back; the text says what to do."""


def backup(url: str, target: Path) -> str:
    """Copy the store into a new file, beside a running daemon; returns the schema of the copy.

    The file is for its owner alone, and has its name only when it is whole and on the disk. Raises BadBackup, and
    StoreDown where the store cannot be read.
    """
    if target.exists():
        raise BadBackup(f"{target} is there already: name a new file")
    if not target.parent.is_dir():
        raise BadBackup(f"there is no folder {target.parent}: make it first")
    with appearing(target, _private) as part:
        if is_postgres(url):
            _postgres("pg_dump", url, ["--format=custom", "--no-owner", f"--file={part}"])
            return asyncio.run(migrate.current(url)) or "empty"
        _copy_sqlite(sqlite_path(url), part)
        return schema_of(part)


def restore(url: str, source: Path, now: datetime) -> Path | None:
    """Put a copy in the place of the store, which no daemon may use; returns where the old one lies (SQLite).

    No number is given again that was given since the copy was made (agent/storage/numbers.py).
    The old store is moved aside and never deleted. PostgreSQL takes all of the copy, or stays as it was. Raises
    BadBackup, StoreTaken, StoreDown, and NewerSchema for a copy that a newer release has made.
    """
    if is_postgres(url):
        asyncio.run(_restore_postgres(url, source, now))
        return None
    migrate.refuse_unknown(schema_of(source))
    return _restore_sqlite(url, source, now)


@contextlib.contextmanager
def appearing(target: Path, make: Callable[[Path], int]) -> Iterator[Path]:
    """A file, begun by `make`, that gets its name when it is whole and on the disk; what fails leaves nothing behind.

    Raises BadBackup where it cannot be made.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(make(part))
    except FileExistsError:
        raise BadBackup(f"{part} is left of another run, or that is still at work: delete it once it is over") from None
    except OSError as error:
        raise BadBackup(f"{part} cannot be written: {error.strerror}") from error
    try:
        yield part
        _onto_disk(part)
        part.rename(target)
        _onto_disk(target.parent)
    except OSError as error:
        raise BadBackup(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        for suffix in (*_BESIDE, "-journal"):
            Path(f"{part}{suffix}").unlink(missing_ok=True)


def _private(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _onto_disk(path: Path) -> None:
    held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(held)
    finally:
        os.close(held)


# SQLite


def _copy_sqlite(path: str, part: Path) -> None:
    if look_at(path) is None:
        raise StoreDown(f"there is no store at {path}: name it with --storage.url")
    try:
        with contextlib.closing(_reading(path)) as store, contextlib.closing(sqlite3.connect(part)) as copy:
            store.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise StoreDown(f"{path} cannot be copied: {error}") from error


def _reading(path: str | Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)


def schema_of(file: Path) -> str:
    """The schema of a copy that is whole. Raises BadBackup for what is none of ours, or damaged."""
    try:
        with contextlib.closing(_reading(file)) as copy:
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            rows = copy.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error as error:
        raise BadBackup(f"{file} is no store of Tocsin: {error}") from error
    if found != "ok" or len(rows) != 1:
        raise BadBackup(f"{file} is damaged: {found if found != 'ok' else 'it has no schema'}")
    return str(rows[0][0])


def _restore_sqlite(url: str, source: Path, now: datetime) -> Path | None:
    path = Path(os.path.realpath(sqlite_path(url)))
    if look_at(str(path)) is not None and path.samefile(source):
        raise BadBackup(f"{source} is the store itself: name the copy")
    lock = lock_store(str(path))  # no daemon is at work, and none begins
    try:
        return _put(source, path, path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%SZ}"), now)
    finally:
        os.close(lock)


def _put(source: Path, path: Path, aside: Path, now: datetime) -> Path | None:
    """The old store is moved away when the copy is on the disk beside it."""
    with appearing(path, make_file) as part:
        shutil.copyfile(source, part)
        numbers.count_on_sqlite(part, path, now)
        _onto_disk(part)
        found = [suffix for suffix in _BESIDE if Path(f"{path}{suffix}").exists()]  # also what looking at it has made
        for suffix in found:
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside if found else None


# PostgreSQL


async def _restore_postgres(url: str, source: Path, now: datetime) -> None:
    writer = writer_for(url)
    await writer.open()  # its lock: no daemon is at work, and none begins
    try:
        given = await numbers.given_postgres(url)
        options = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"]
        await asyncio.to_thread(_postgres, "pg_restore", url, [*options, str(source)])
        migrate.refuse_unknown(await migrate.current(url))
        await numbers.count_on_postgres(url, given, now)
    finally:
        await writer.close()


def _postgres(program: str, url: str, options: Sequence[str]) -> None:
    """Run a tool of PostgreSQL; the password goes by the environment, where no list of processes shows it."""
    if shutil.which(program) is None:
        raise BadBackup(f"{program} is not installed: {_PACKAGE}")
    plain = urlsplit(re.sub(r"^postgres(ql)?(\+asyncpg)?://", "postgresql://", url))
    place = plain.netloc.rpartition("@")[2]
    named = urlunsplit(plain._replace(netloc=f"{plain.username}@{place}" if plain.username else place))
    environment = {**os.environ, **({"PGPASSWORD": unquote(plain.password)} if plain.password else {})}
    ran = subprocess.run(
        [program, "--no-password", f"--dbname={named}", *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        said = " ".join(ran.stderr.split())[:500] or f"exit code {ran.returncode}"
        raise BadBackup(f"{program}: {said}")
