"""Whether the files of a SQLite store are still where they were: what is written to a deleted file is lost."""

import os
import stat
from pathlib import Path

from agent.storage.writer import StoreDown

_SUFFIXES = ("", "-wal")


def refuse_a_loss(path: str) -> None:
    """Raise StoreDown where a store lay at `path` and is not there now: a new one would hide that it is lost.

    SQLite even deletes the `-wal` of a file that is empty or gone, also when it is only read.
    """
    if path == ":memory:":
        return
    found = look_at(path)
    if Path(path).is_symlink() and not Path(path).exists():
        target = os.path.realpath(path)
        raise StoreDown(
            f"{path} is a link to {target}, where there is nothing: mount what it lies on, or make the file"
        )
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise StoreDown(f"{path} is no file: move it away, or name another --storage.url")
    if found is not None and found.st_size:
        return
    beside_it = ("-wal",) if found is None else ("-wal", ".reserve")  # who deletes the file alone means it
    for left in (f"{os.path.realpath(path)}{suffix}" for suffix in beside_it):
        beside = look_at(left)
        if beside is not None and beside.st_size:
            state = "gone" if found is None else "empty"
            raise StoreDown(
                f"{path} is {state}, and {left} says that a store was there: put it back or restore a backup; "
                "for a new store move that file away too"
            )


def look_at(path: str) -> os.stat_result | None:
    """Return what lies at `path`; None: nothing does. Raises StoreDown where this user may not look."""
    try:
        return os.stat(path)  # noqa: PTH116 - what is not there is no fault here
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        what = "run this as the user of the daemon, or name another --storage.url"
        raise StoreDown(f"{path} cannot be opened: {error.strerror}; {what}") from error


class Whereabouts:
    """The files of an open store. SQLite goes on writing to a file that was deleted or moved away, and says nothing."""

    def __init__(self, path: str) -> None:
        self._paths = () if path == ":memory:" else tuple(path + suffix for suffix in _SUFFIXES)
        self._known: dict[str, tuple[int, int]] = {}

    def missing(self) -> str:
        """Return the file that is gone or another one since the store was opened; "" where all are as they were."""
        for path in self._paths:
            try:
                found = os.stat(path)  # noqa: PTH116 - each commit asks, and a Path takes twice as long
            except OSError:
                if path in self._known:
                    return path
                continue
            if self._known.setdefault(path, (found.st_dev, found.st_ino)) != (found.st_dev, found.st_ino):
                return path
        return ""
