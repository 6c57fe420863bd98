"""A filesystem: space and inodes, when it will be full, whether it is read-only, gone or hung."""

import asyncio
import math
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Thread
from typing import Literal, NamedTuple

import msgspec

from collectors.alert import Level
from collectors.forecast import Point, Trend
from collectors.rule import Span
from collectors.source import Finding, Reading, Unreachable
from collectors.thresholds import JudgedConfig


class Config(JudgedConfig):
    """`path` is a directory on the filesystem. `mounted` asks that it is a mount point itself (a volume that
    is not mounted looks like the well disk below it); `read_only` says that being read-only is meant.
    """

    type: Literal["disk"]
    path: str
    mounted: bool = False
    read_only: bool = False
    forecast_over: Span = timedelta(hours=6)
    forecast_after: Span = timedelta(minutes=30)
    deadline: Span = timedelta(seconds=5)


_KEYS = ("disk_used_pct", "disk_full_in_s", "inode_free_pct")


class Disk(NamedTuple):
    """One look at a filesystem; `free` and `inodes_free` are what an ordinary user may still take, as `df` counts."""

    used: int
    free: int
    inodes: int
    inodes_free: int
    read_only: bool
    mount_point: bool
    device: int


def look(path: str) -> Disk:
    """Ask the kernel; may hang for ever where the server of a network filesystem is gone."""
    seen = os.statvfs(path)
    used, free = (seen.f_blocks - seen.f_bfree) * seen.f_frsize, seen.f_bavail * seen.f_frsize
    read_only = bool(seen.f_flag & os.ST_RDONLY)
    return Disk(used, free, seen.f_files, seen.f_favail, read_only, os.path.ismount(path), seen.f_fsid)


class _Memory(msgspec.Struct):
    device: int | None
    points: list[Point]


class Inspect:
    """One filesystem; keeps the samples of the forecast, and at most one thread that hangs in it."""

    def __init__(self, name: str, config: Config, look: Callable[[str], Disk] = look) -> None:
        self._config = config
        self._look = look
        self.about = {"mountpoint": config.path}
        self._trend = Trend(config.forecast_over, config.forecast_after)
        self._device: int | None = None
        self._asked: asyncio.Future[Disk | OSError] | None = None

    def moved(self, shift: timedelta) -> None:
        """The clock was put right by this much."""
        self._trend.moved(shift)

    async def read(self, now: datetime) -> list[Reading | Finding]:
        """Return `disk_used_pct`, `inode_free_pct` (where the filesystem counts inodes) and `disk_full_in_s`.

        Raises Unreachable where the path is not there, or the filesystem hangs past the deadline.
        """
        path = self._config.path
        disk = await self._answer()
        if isinstance(disk, OSError):
            raise Unreachable(f"{path} cannot be read: {disk.strerror or disk}") from disk
        if disk.used + disk.free <= 0:
            raise Unreachable(f"{path} has no blocks to count (is it /proc or /sys?): name a directory on a disk")
        if self._config.mounted and not disk.mount_point:
            unknown = [Reading(key, math.nan, self.about) for key in _KEYS]
            return [self._finding("DiskNotMounted", True, f"nothing is mounted at {path}"), *unknown]
        return [*self._findings(disk), *self._readings(disk, now)]

    def memory(self) -> str:
        """The samples of the forecast, and of which device they are."""
        return msgspec.json.encode({"device": self._device, "points": self._trend.points()}).decode()

    def recall(self, memory: str, now: datetime) -> None:
        """The forecast goes on where it was. Raises ValueError for what `memory` never said."""
        kept = msgspec.json.decode(memory, type=_Memory)
        self._device = kept.device
        self._trend.resume(kept.points, now)

    async def close(self) -> None:
        """Nothing to let go of; a thread that hangs ends with its filesystem or with the process."""

    def _findings(self, disk: Disk) -> list[Finding]:
        path = self._config.path
        wrong = disk.read_only and not self._config.read_only
        told = [self._finding("DiskReadOnly", wrong, f"{path} is {'read-only' if wrong else 'as it is meant to be'}")]
        if self._config.mounted:
            told.append(self._finding("DiskNotMounted", False, f"{path} is mounted"))
        return told

    def _finding(self, alertname: str, wrong: bool, summary: str) -> Finding:
        return Finding(alertname, self.about, Level.CRIT if wrong else None, {"summary": summary})

    def _readings(self, disk: Disk, now: datetime) -> list[Reading]:
        if disk.device != self._device:
            self._trend.forget()
            self._device = disk.device
        self._trend.add(now, disk.used)
        used_pct = 100 * disk.used / (disk.used + disk.free)
        facts = {"free_bytes": str(disk.free)}
        given = {"disk_free_pct": 100 - used_pct}
        full_in = math.inf if disk.read_only else self._trend.full_in(disk.free)
        told = [
            Reading("disk_used_pct", used_pct, self.about, facts),
            Reading("disk_full_in_s", full_in, self.about, facts, given),
        ]
        if disk.inodes > 0:
            facts = {"inodes_free": str(disk.inodes_free)}
            told.append(Reading("inode_free_pct", 100 * disk.inodes_free / disk.inodes, self.about, facts))
        return told

    async def _answer(self) -> Disk | OSError:
        """What the kernel says within the deadline; a look that still hangs is waited for, never doubled."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.get_running_loop().create_future()
            # A daemon thread, not the loop's executor: a hung one must not keep the process from ending.
            Thread(target=self._ask, args=(asyncio.get_running_loop(), self._asked), daemon=True).start()
        try:
            async with asyncio.timeout(self._config.deadline.total_seconds()):
                return await asyncio.shield(self._asked)
        except TimeoutError as error:
            raise Unreachable(
                f"{self._config.path} hangs: no answer in {self._config.deadline.total_seconds():g} s; "
                "is the server of this mount gone?"
            ) from error

    def _ask(self, loop: asyncio.AbstractEventLoop, asked: "asyncio.Future[Disk | OSError]") -> None:
        answer: Disk | OSError
        try:
            answer = self._look(self._config.path)
        except OSError as error:
            answer = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(_hand_over, asked, answer)


def _hand_over(asked: "asyncio.Future[Disk | OSError]", answer: Disk | OSError) -> None:
    if not asked.done():
        asked.set_result(answer)
