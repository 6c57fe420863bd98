"""Whether the files of a SQLite store are still where they were: what is written to a deleted file is lost."""

import os

_SUFFIXES = ("", "-wal")


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
