"""The text of a file that a person wrote: what keeps it from being read is told with its line, and what to do."""

import stat
from pathlib import Path as FilePath

MIB = 1024 * 1024


class BadText(Exception):
    """A file that cannot be read as text: `line` (from 1), and `said`, which says what to do."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.line, self.said = line, said


def text_of(path: FilePath, at_most: int = 64 * MIB, *, named: bool = False) -> str:
    """Return the text of a file of UTF-8, without a byte order mark. Raises BadText, FileNotFoundError.

    `at_most` is in bytes. A pipe is waited for only where a person `named` it.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) and (not named or stat.S_ISDIR(about.st_mode)):
            raise BadText(1, "this is no file: move it away, or give it another name")
        if about.st_size > at_most:
            size, most = about.st_size / MIB, at_most // MIB
            raise BadText(1, f"it is too large, {size:.1f} MiB of at most {most}: leave out what nobody reads here")
        raw = path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            raise
        said = f"it cannot be read ({error.strerror}): check its permissions, and where it leads if it is a link"
        raise BadText(1, said) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadText(raw.count(b"\n", 0, error.start) + 1, "this is no UTF-8 text: save it as UTF-8") from None
