"""The machine that figures were made on, without a name: cores, versions, and how fast its disk says it is done."""

import os
import platform
import sqlite3
import subprocess
import time
from pathlib import Path

from benchmarks.parts import PEER
from benchmarks.tables import table
from benchmarks.usage import machine


def facts(folder: Path, seconds: float = 2.0) -> str:
    """A table of them; `folder` lies on the disk that the stores lie on."""
    rate, middle_ms = _fsyncs(folder, seconds)
    rows = [
        ("cores", f"{os.cpu_count()} {_processor()}".strip()),
        ("Python", platform.python_version()),
        ("SQLite", sqlite3.sqlite_version),
        ("Alertmanager", _peer()),
        ("fdatasync of 4 KiB", f"{rate:,.0f} a second, p50 {middle_ms:.2f} ms"),
        ("cores busy elsewhere at the start", f"{_busy(1.0 if seconds >= 1 else seconds):.2f}"),
    ]
    return table(("machine", ""), rows)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"({line.partition(':')[2].strip()})"
    return ""


def _peer() -> str:
    try:
        said = subprocess.run([PEER, "--version"], capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        return "not installed"
    found = (said.stdout + said.stderr).split()
    return found[found.index("version") + 1] if "version" in found else "unknown"


def _fsyncs(folder: Path, seconds: float) -> tuple[float, float]:
    """How many a second, and the middle one in ms, of appends of one page."""
    path, page, took = folder / "fsync", b"x" * 4096, []
    begun = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        while time.perf_counter() - begun < seconds:
            start = time.perf_counter()
            file.write(page)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - start)
    path.unlink()
    return len(took) / seconds, sorted(took)[len(took) // 2] * 1000


def _busy(seconds: float) -> float:
    before = machine()
    time.sleep(seconds)
    after = machine()
    return (after.busy_s - before.busy_s + after.stolen_s - before.stolen_s) / seconds
