"""`tocsin doctor`: proof of the store's settings and of the configuration, before the night."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agent.clock import SystemClock
from agent.configuration.faults import ConfigFaults, in_words
from agent.configuration.load import load
from agent.storage import migrate
from agent.storage.database import is_postgres, sqlite_path
from agent.storage.filesystem import network_filesystem
from agent.storage.sqlite import connect_sqlite
from agent.storage.writer import StoreDown
from agent.whereabouts import refuse_a_loss

_UNREADABLE = 4


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    found: str
    good: bool
    warns: bool = False
    """Good enough to run with, and worth mending."""
    code: int = 1
    """How `doctor` ends where it is bad: 3 is a configuration that cannot be loaded, 4 a store that cannot be read."""


def ends_with(findings: Sequence[Finding]) -> int:
    """The exit code: 0 where all is good, else that of what keeps a daemon from starting, else 1."""
    bad = [finding.code for finding in findings if not finding.good]
    return next((code for code in bad if code > 1), 1) if bad else 0


async def examine(config_dir: str, pack: str | None, storage_url: str) -> list[Finding]:
    """Look at configuration, store, disk and clock; every finding says whether it is good."""
    findings = _configuration(config_dir, pack)
    try:
        if is_postgres(storage_url):
            findings += await _postgres(storage_url)
        else:
            findings += _sqlite(sqlite_path(storage_url))
        found = await migrate.current(storage_url)
        known = migrate.heads()[0]
        findings.append(Finding("schema", f"{found or 'empty'} (release: {known})", found in (None, known)))
    except Exception as error:  # a store that cannot be opened is itself a finding
        findings.append(Finding("schema", in_words(error), False, code=_UNREADABLE))
    drift = SystemClock().drift()
    findings.append(Finding("clock", f"{drift.total_seconds():.3f} s", abs(drift) < timedelta(seconds=2)))
    return findings


def _configuration(config_dir: str, pack: str | None) -> list[Finding]:
    try:
        config = load(config_dir, pack, now=SystemClock().now())
    except ConfigFaults as faults:
        return [Finding("configuration", str(faults), False, code=3)]
    warnings = [Finding("configuration", str(w), True, warns=True) for w in config.warnings]
    reach = [p for p in config.fallback if config.people.get(p) and config.people[p].contacts]
    fallback = Finding("fallback", ", ".join(reach) or "nobody can be reached where a step reaches nobody", bool(reach))
    written = Finding("topology", _of_topology(len(config.topology)), True)
    return [Finding("configuration", f"{config_dir}, pack {config.pack}", True), *warnings, written, fallback]


def _of_topology(items: int) -> str:
    if items:
        return f"{items} item(s) written"
    return "nothing is written: alerts are joined by kind, place and time; topology.yaml makes it sure"


def _sqlite(path: str) -> list[Finding]:
    folder = Path(path).parent
    if not folder.is_dir():
        return [Finding("store", f"{folder} does not exist yet: `serve` makes it", True)]
    try:
        refuse_a_loss(path)
    except StoreDown as error:
        return [Finding("store", str(error), False)]
    free = os.statvfs(folder)
    room = free.f_bavail * free.f_frsize // 1024 // 1024
    findings = [Finding("room", f"{room} MiB free", room > 256), _filesystem(path)]
    if not Path(path).exists():
        return [*findings, Finding("store", f"{path} does not exist yet: `serve` makes it", True)]
    findings.append(_modes(path))
    try:
        db = connect_sqlite(path)
    except sqlite3.DatabaseError as error:
        return [*findings, Finding("store", f"{path}: {error}", False)]
    try:
        for name, wanted in (("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")):
            found = str(db.execute(f"PRAGMA {name}").fetchone()[0]).lower()
            findings.append(Finding(name, found, found == wanted))
        check = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        findings.append(Finding("integrity", str(check), check == "ok"))
    except sqlite3.DatabaseError as error:
        findings.append(Finding("store", f"{path}: {error}", False))
    finally:
        db.close()
    return findings


def _filesystem(path: str) -> Finding:
    kind = network_filesystem(path)
    if kind is None:
        return Finding("filesystem", "a local one", True)
    return Finding("filesystem", f"{path} lies on {kind}: move the store to a local disk, or use PostgreSQL", False)


def _modes(path: str) -> Finding:
    """Whether others on this machine can read what is in the store: the key of acknowledge links is."""
    beside = (path, f"{path}-wal", f"{path}-shm", f"{path}.reserve")
    open_to_others = [p for p in beside if Path(p).exists() and Path(p).stat().st_mode & 0o007]
    if not open_to_others:
        return Finding("permissions", f"{path} is closed to others", True)
    return Finding("permissions", f"others can read the store: chmod 600 {' '.join(open_to_others)}", False)


async def _postgres(url: str) -> list[Finding]:
    from agent.storage.database import readers  # noqa: PLC0415 - needs the extra

    engine = readers(url)
    findings = []
    try:
        async with engine.connect() as connection:
            for name, wanted in (("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")):
                found = (await connection.exec_driver_sql(f"SHOW {name}")).scalar_one()
                findings.append(Finding(name, str(found), found == wanted))
    except (OSError, StoreDown) as error:
        findings.append(Finding("store", str(error), False))
    finally:
        await engine.dispose()
    return findings
