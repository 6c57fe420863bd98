"""Power cuts, replayed: what a program wrote to its store is logged, and the files are made as a cut may leave them.

At a cut all is there that was synced before it; of what was written since, each piece is there or not, by lot, and the
last may be torn. Syncs are the only thing that a store may rely on. After one that failed (EIO) each piece that was
written before it is there or never will be, by lot: the kernel has let go of it, and a later sync says nothing of it.
"""

import random
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = struct.Struct("=dcqqH")
_SECTOR = 512
SOURCE = Path(__file__).with_suffix(".c")


def shim(directory: Path) -> Path:
    """Compile what is preloaded into the program."""
    made = directory / "power_cut.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl", "-pthread"], check=True)
    return made


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing done to a file: `w` write, `s` sync, `e` failed sync, `t` truncate to `length`, `u` unlink."""

    at: float
    kind: str
    offset: int
    length: int
    path: str
    data: bytes = b""


def read_log(path: Path) -> list[Operation]:
    """What was done, in its order; a record that the end has cut short is left out."""
    raw, at, found = path.read_bytes(), 0, []
    while at + _HEAD.size <= len(raw):
        when, kind, offset, length, named = _HEAD.unpack_from(raw, at)
        data_at = at + _HEAD.size + named
        end = data_at + (length if kind == b"w" else 0)
        if end > len(raw):
            break
        name = raw[at + _HEAD.size : data_at].decode()
        found.append(Operation(when, kind.decode(), offset, length, name, raw[data_at:end]))
        at = end
    return found


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)


def cuts(
    done: Sequence[Operation], places: Sequence[int], draw: random.Random, *, lies: str | None = None
) -> Iterator[tuple[int, dict[str, bytes]]]:
    """The files as cuts before the operations at `places` (ascending) leave them.

    `lies` is the end of the name of a file whose syncs do nothing: a disk that lies, or a program that does not ask.
    """
    files: dict[str, _File] = {}
    wanted = iter(places)
    cut = next(wanted, None)
    for number, operation in enumerate(done):
        while cut == number:
            yield number, {path: bytes(_left(file, draw)) for path, file in files.items()}
            cut = next(wanted, None)
        if operation.kind == "u":
            files.pop(operation.path, None)
            continue
        file = files.setdefault(operation.path, _File())
        if operation.kind == "e":
            file.durable = _left(file, draw)
            file.pending.clear()
        elif operation.kind != "s":
            file.pending.append(operation)
        elif lies is None or not operation.path.endswith(lies):
            for pending in file.pending:
                _apply(file.durable, pending)
            file.pending.clear()


def _left(file: _File, draw: random.Random) -> bytearray:
    left = bytearray(file.durable)
    for operation in file.pending:
        if draw.random() < 0.5:
            continue
        sectors = [
            Operation(
                operation.at, "w", operation.offset + at, _SECTOR, operation.path, operation.data[at : at + _SECTOR]
            )
            for at in range(0, operation.length, _SECTOR)
        ]
        if operation.kind != "w" or draw.random() < 0.7:
            _apply(left, operation)
        else:
            for sector in sectors:
                if draw.random() < 0.5:
                    _apply(left, sector)
    return left


def _apply(content: bytearray, operation: Operation) -> None:
    if operation.kind == "t":
        del content[operation.length :]
        content.extend(b"\0" * (operation.length - len(content)))
        return
    end = operation.offset + len(operation.data)
    content.extend(b"\0" * (end - len(content)))
    content[operation.offset : end] = operation.data
