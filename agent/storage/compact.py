"""What was let go of is given back to the disk: SQLite keeps the room for rows to come, and its file never shrinks."""

import contextlib
import os
import sqlite3
from pathlib import Path

from agent.storage.backup import BadBackup, appearing, schema_of
from agent.storage.database import is_postgres, sqlite_path
from agent.storage.filesystem import make_file
from agent.storage.migrate import refuse_unknown
from agent.storage.sqlite import lock_store
from agent.storage.writer import StoreDown
from agent.whereabouts import look_at


def compact(url: str) -> tuple[int, int]:
    """Write the store anew without its holes, while no daemon uses it; return its bytes before and after.

    The old file makes way when the new one is on the disk, so that both need room beside each other; what fails leaves
    the store as it was. Raises BadBackup, StoreDown, StoreTaken, and NewerSchema.
    """
    if is_postgres(url):
        raise BadBackup("PostgreSQL gives room back by itself (autovacuum), all of it by its own VACUUM FULL")
    path = Path(os.path.realpath(sqlite_path(url)))
    if look_at(str(path)) is None:
        raise StoreDown(f"there is no store at {path}: name it with --storage.url")
    lock = lock_store(str(path))  # no daemon is at work, and none begins
    try:
        refuse_unknown(schema_of(path))
        before = path.stat().st_size
        with appearing(path, make_file) as part:
            _write_anew(path, part)
        return before, path.stat().st_size
    finally:
        os.close(lock)


def _write_anew(path: Path, part: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as store:
            # What stands in the -wal goes into the file first: the new one must find none beside it.
            (busy, *_) = store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise BadBackup(f"another program reads {path}: end it (`fuser {path}` names it)")
            store.execute("VACUUM INTO ?", (str(part),))
    except sqlite3.Error as error:
        raise StoreDown(f"{path} cannot be written anew, and is as it was: {error}") from error
    schema_of(part)
