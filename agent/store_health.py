"""Whether the store takes rows: since when not, why, and how much of it the log has been told."""

import math
from datetime import datetime

import structlog

from agent.storage.sqlite import Reserve
from agent.storage.writer import StoreDown, StoreFull

log = structlog.get_logger("pipeline")


class StoreHealth:
    """What the line has seen of its store. An outage is in the log when it begins and when it ends.

    `reserve` is disk space that is given up when the disk is full, so that acts and pages can still be stored; None: on
    a store that is not on our disk.
    """

    def __init__(self, reserve: Reserve | None = None) -> None:
        self.reserve = reserve
        self.down = ""
        """Why the store takes nothing now; empty while it does."""
        self.down_since: datetime | None = None
        self.came_back = ""
        """Why the store took nothing before it answered again; empty once a self-incident has told of it."""
        self.full = False
        """The disk is full: messages are refused until there is room again."""
        self.full_since: datetime | None = None
        self.committed_at = -math.inf
        """When the last commit was over, in seconds of the loop."""
        self.given_up_at = -math.inf
        """When a sender was last told that the store has not taken its message in time, in seconds of the loop."""
        self._outage = ""
        """The failure that the log has told of, until it is over."""

    @property
    def refuses(self) -> str:
        """Why messages are not taken now; empty while they are."""
        if self.full:
            return f"the disk is full: {self.down or 'only acts, ticks and pages go on'}"
        if not self.down and self.given_up_at > self.committed_at:
            return "the store stands still: it has not taken what was sent in time"
        return self.down

    def take_reserve(self) -> None:
        """Take the room of the reserve, where there is any; warn where there is none."""
        if self.reserve is not None and not self.reserve.fill():
            log.warning(
                "no room for the reserve: on a full disk neither acts nor pages can be stored",
                needed_mib=self.reserve.size // 1024 // 1024,
            )

    def unreachable(self, error: StoreDown, now: datetime) -> None:
        """It takes nothing from `now` on."""
        self.down, self.down_since = str(error), self.down_since or now

    def failed(self, error: StoreDown, intents: int, now: datetime) -> bool:
        """A commit of so many intents has failed: give the reserve up on a disk that has just become full.

        Returns whether it has, so that what is no message is worth another try.
        """
        self.unreachable(error, now)
        if isinstance(error, StoreFull) and not self.full:
            self.full, self.full_since, self._outage = True, now, str(error)
            gave = self.reserve is not None and self.reserve.give_up()
            log.error("disk full: intake answers 503", error=str(error), reserve_given_up=gave)
            return True
        if not self._outage:
            self._outage = str(error)
            log.error("commit failed", error=str(error), intents=intents)
        return False

    def answers(self) -> None:
        """It takes rows, also where it did not before."""
        if not self.down:
            return
        self.came_back = self.came_back or self.down
        self.down, self.down_since = "", None
        if not self.full:
            log.info("store answers again", was=self._outage)
            self._outage = ""

    def has_room(self) -> bool:
        """Whether there is room again after a full disk: the reserve is taken, as soon as it can be.

        Where there never was a reserve, or the store is not on our disk, that the store takes rows is enough.
        """
        return self.full and (self.reserve is None or self.reserve.refill())

    def opens(self) -> None:
        """The intake is open again."""
        self.full, self.full_since, self._outage = False, None, ""
        log.info("there is room again: intake is open")
