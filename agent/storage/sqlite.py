"""The one writer's connection to SQLite, and the room that it keeps for a full disk."""

import asyncio
import contextlib
import errno
import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from agent.storage.filesystem import make_file
from agent.storage.wide_rows import widened
from agent.storage.writer import Batch, Compressed, StoreDown, StoreFull, StoreTaken, Unwritable
from agent.whereabouts import Whereabouts, refuse_a_loss

T = TypeVar("T")


RESERVE_BYTES = 64 * 1024 * 1024


@lru_cache(maxsize=64)
def moment_to_sqlite(moment: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS.ffffff` in UTC, as SQLModel writes it: any other form compares wrong.

    Rows of one group have most of their moments in common.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a zone: {moment}")
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(" ", "microseconds")[:26]


@lru_cache(maxsize=64)
def moment_from_sqlite(raw: bytes) -> datetime:
    """The moment of a column; what one group wrote has its moments in common, and they are read as one object."""
    return datetime.fromisoformat(raw.decode()).replace(tzinfo=UTC)


sqlite3.register_adapter(datetime, moment_to_sqlite)
sqlite3.register_adapter(Compressed, Compressed.packed)
sqlite3.register_converter("DATETIME", moment_from_sqlite)
sqlite3.register_converter("BOOLEAN", lambda raw: raw not in (b"0", b"false"))

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=10000",
    "cache_size=-4096",
    "secure_delete=FAST",
)


def connect_sqlite(path: str) -> sqlite3.Connection:
    """A connection with the settings that make a commit durable: the writer's, and what `doctor` looks at."""
    db = sqlite3.connect(
        path,
        isolation_level=None,
        detect_types=sqlite3.PARSE_DECLTYPES,
        check_same_thread=False,
        cached_statements=512,
    )
    if path != ":memory:":
        for pragma in PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
    return db


def make_private(path: str) -> None:
    """Make the file of a new store for its owner alone, whatever the umask: it holds the key of acknowledge links.

    SQLite gives its `-wal` and `-shm` the mode of the file. One that is there keeps its mode (`doctor` looks at it) and
    is not opened: closing it would take the locks of every connection of this process from it, and the next program to
    leave the store would delete the `-wal` under them.
    """
    if path != ":memory:":
        with contextlib.suppress(FileExistsError):
            os.close(make_file(path))


def lock_store(path: str) -> int:
    """Hold the file lock beside the database itself, by whatever link it was named: two daemons would page twice.

    The kernel gives it back with the file that is returned, and however the process ends. Raises StoreTaken.
    """
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{os.path.realpath(path)}.lock"
    try:
        lock = make_file(name)
    except FileExistsError:
        lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StoreTaken(f"another daemon is using {path}: stop it, or give this one another --storage.url") from error
    return lock


class SqliteWriter:
    """One thread owns the connection; `inline` keeps it in the caller's thread (hand clock, in memory)."""

    def __init__(self, path: str, *, inline: bool = False) -> None:
        self.path = path
        self._thread = None if inline else ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._lock: int | None = None

    async def open(self) -> None:
        try:
            refuse_a_loss(self.path)
            if self.path != ":memory:":
                self._take_lock()
            await self._run(self._connect)
        except OSError as error:
            raise StoreDown(
                f"{error.filename or self.path} cannot be opened: {error.strerror or error}; name another --storage.url"
            ) from error
        except sqlite3.DatabaseError as error:
            raise StoreDown(
                f"{self.path} cannot be opened: {error}; restore a backup, or name another --storage.url"
            ) from error

    def _take_lock(self) -> None:
        """The lock of a daemon; a writer beside one takes none."""
        self._lock = lock_store(self.path)

    def _connect(self) -> None:
        make_private(self.path)
        self._db = connect_sqlite(self.path)
        self._files = Whereabouts(self.path if self.path == ":memory:" else os.path.realpath(self.path))
        self._files.missing()

    async def claim(self) -> None:
        """Nothing to do: the lock of the file is ours until the process ends."""

    async def commit(self, batch: Batch) -> None:
        await self._run(self._commit, batch)

    def _commit(self, batch: Batch) -> None:
        db = self._db
        try:
            self._roll_back()
            db.execute("BEGIN IMMEDIATE")
            for sql, rows in batch:
                for statement, values in widened(sql, rows):
                    db.execute(statement, values)
            db.execute("COMMIT")
        except _REFUSES_ROWS as error:
            raise Unwritable(f"{type(error).__name__}: {error}") from error
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error
        finally:  # whatever stopped the batch; where even this fails, the next batch tries it again
            with contextlib.suppress(sqlite3.Error):
                self._roll_back()
        if gone := self._files.missing():
            raise StoreDown(f"{gone} was deleted or moved while it was open: put it back, or stop and restore a backup")

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return await self._run(self._fetch, sql, values)

    def _fetch(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    async def script(self, statements: Iterable[str]) -> None:
        """Run DDL (the in-memory store of a replay)."""
        for statement in statements:
            await self._run(self._db.execute, statement)

    async def close(self) -> None:
        await self._run(self._db.close)
        if self._thread is not None:
            self._thread.shutdown()
        if self._lock is not None:
            os.close(self._lock)

    async def _run(self, call: Callable[..., T], *arguments: Any) -> T:
        if self._thread is None:
            return call(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)


_REFUSES_ROWS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    ValueError,
    TypeError,
    OverflowError,
)
"""What a row raises that SQLite cannot hold: a key twice, a lone surrogate, a number over 64 bits."""


_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _translated(error: sqlite3.Error, path: str) -> StoreDown:
    """The outage that an error of SQLite is, with what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what SQLite says besides (of an IOERR: at which call)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and not has_room(path)):
        return StoreFull(f"no room left for {path}: free some space, intake answers 503 until then")
    if code in _LOCKED:
        return StoreDown(f"another program has locked {path}: end it (`fuser {path}` names it), intake answers 503")
    return StoreDown(f"{path}: {error}")


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def has_room(path: str, wanted: int = 1024 * 1024) -> bool:
    """Whether the files of a store may grow by so many bytes: no disk, quota or limit of the process is in the way."""
    files = [Path(name) for name in (path, f"{path}-wal")]
    try:
        longest = max((file.stat().st_size for file in files if file.exists()), default=0)
        with tempfile.TemporaryFile(dir=Path(os.path.realpath(path)).parent) as file:
            os.posix_fallocate(file.fileno(), longest, wanted)
    except OSError as error:
        return error.errno not in _NO_ROOM
    return True


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Reserve:
    """A file that holds room for the acts, ticks and deliveries of a night on a full disk."""

    def __init__(self, database: str, size: int = RESERVE_BYTES) -> None:
        self._database = database
        self._path = Path(f"{os.path.realpath(database)}.reserve")
        self.size = size
        self._had = False

    def fill(self) -> bool:
        """Take the room, where it is to be had with an eighth as much to spare."""
        try:
            if self._path.is_file() and self._path.stat().st_size == self.size:
                self._had = True
                return True
            if self._room() < self.size + self.size // 8:
                return False
            with open(self._path, "wb", opener=_privately) as file:
                os.posix_fallocate(file.fileno(), 0, self.size)
        except OSError as error:
            if error.errno in _NO_ROOM:
                self.give_up()
            return False
        self._had = True
        return True

    def refill(self) -> bool:
        """After a full disk: take the room again. Where it could never be had, some of it being free is enough."""
        return self.fill() or (not self._had and has_room(self._database, self.size // 8))

    def _room(self) -> int:
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize

    def give_up(self) -> bool:
        """Free the room; False where there was none to free."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
