"""A fault of the configuration says where it stands and what to write."""

import difflib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

Path = tuple[str | int, ...]

_SHORTEST = 4


class Fault(NamedTuple):
    """One thing that is wrong in a file; as text it reads `file:line:col: path: message`."""

    file: str
    line: int
    col: int
    path: str
    message: str

    def __str__(self) -> str:
        what = f"{self.path}: {self.message}" if self.path else self.message
        return f"{self.file}:{self.line}:{self.col}: {what}"


class Mark(NamedTuple):
    """Where a value stands: `line`, `col` of the value (of its key, where the value is a mapping), and of its key."""

    file: str
    line: int
    col: int
    key_line: int
    key_col: int


Marks = dict[Path, Mark]


def dotted(path: Path) -> str:
    """Return the path as a reader writes it: `sources.am.api_urls.0`."""
    return ".".join(str(part) for part in path)


def fault_at(marks: Mapping[Path, Mark], path: Path, message: str, *, key: bool = False, file: str = "") -> Fault:
    """Return a fault at the value of `path`, at its key with `key`, or at the nearest thing around it."""
    around = path
    while around and around not in marks:
        around = around[:-1]
    mark = marks.get(around) or Mark(file, 1, 1, 1, 1)
    at_key = key or around != path
    line, col = (mark.key_line, mark.key_col) if at_key else (mark.line, mark.col)
    return Fault(mark.file, line, col, dotted(path), message)


_FEW = 40


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'warn'?)` or, if nothing is near, the words that are known, where they are few."""
    words = sorted(known)
    by_case = {name.lower(): name for name in words}
    near = difflib.get_close_matches(word, words, n=1) or difflib.get_close_matches(word.lower(), by_case, n=1)
    if near:
        return f" (did you mean {by_case.get(near[0], near[0])!r}?)"
    return f" (known: {', '.join(words)})" if 0 < len(words) <= _FEW else ""


def hide(text: str, hidden: Mapping[str, str]) -> str:
    """Return the text with every secret (of four characters or more) replaced by what stands in the file for it."""
    for secret in sorted((s for s in hidden if len(s) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, hidden[secret]).replace(repr(secret)[1:-1], hidden[secret])
    return text


def in_words(error: BaseException) -> str:
    """What a driver said of the store, without the statement and the links that SQLAlchemy puts around it."""
    return str(getattr(error, "orig", None) or error) or type(error).__name__


class ConfigFaults(Exception):
    """The configuration cannot be used; `faults` are all that is wrong, in the order of files and lines."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


class Findings:
    """What a load has found wrong so far: `faults` stop it, `warnings` do where it is strict, `notes` never."""

    def __init__(self, faults: Iterable[Fault] = (), warnings: Iterable[Fault] = ()) -> None:
        self.faults, self.warnings = list(faults), list(warnings)
        self.notes: list[Fault] = []

    def add(self, faults: Iterable[Fault]) -> None:
        """Note faults; where a secret is missing, nothing more is said of it."""
        known = {fault[:3] for fault in self.faults}
        self.faults += [fault for fault in faults if fault[:3] not in known]

    def sort(self, found: Iterable[tuple[Fault, bool]], others: list[Fault]) -> None:
        """Note what comes with whether it is an error; what is none goes to `others`."""
        for fault, is_error in found:
            (self.faults if is_error else others).append(fault)
