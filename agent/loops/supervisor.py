"""What the supervisor of the process (systemd) is told, as sd_notify(3) writes it: ready, alive, reloading, ending."""

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog

from agent.clock import Clock
from agent.intents import PagesClaimed
from agent.loops.cycle import Cycle
from agent.pipeline import Pipeline
from agent.storage.writer import StoreDown

log = structlog.get_logger("daemon")
_LOOK_AGAIN = timedelta(milliseconds=200)
"""How often it is looked whether alerts are taken, until they are."""


class NotifySocket:
    """The datagram socket that a supervisor listens on: a path, or an abstract name behind `@`; "": nobody listens.

    `watchdog` is how long it waits for a sign of life before it kills the process; None: for ever.
    """

    def __init__(self, address: str = "", watchdog: timedelta | None = None) -> None:
        self.watchdog = watchdog if address else None
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "NotifySocket":
        """What NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID ask of this process.

        What has no known form asks nothing, as does an address of another family (`vsock:`).
        """
        address, pid = environment.get("NOTIFY_SOCKET", ""), environment.get("WATCHDOG_PID", "")
        micros = environment.get("WATCHDOG_USEC", "")
        is_ours = pid in ("", str(os.getpid())) and micros.isascii() and micros.isdigit() and int(micros) > 0
        return cls(
            address if address.startswith(("/", "@")) else "",
            timedelta(microseconds=int(micros)) if is_ours else None,
        )

    def tell(self, state: str) -> bool:
        """Send a state such as `READY=1`, waiting for nobody; False where it could not be told now."""
        if not self._address:
            return True
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
                to.sendto(state.encode(), socket.MSG_DONTWAIT, self._address)
        except OSError as error:
            log.warning("the supervisor cannot be told", state=state, why=error.strerror or str(error))
            return False
        return True


class Supervisor:
    """Tells once that alerts are taken, and from then on that the engine turns, for as long as it does.

    A sign of life has gone through the line, and then a round of the escalation loop was completed. A store that is
    down stops neither: another start would not mend it.
    """

    def __init__(self, to: NotifySocket, pipeline: Pipeline, cycle: Cycle, clock: Clock) -> None:
        self._to, self._pipeline, self._cycle, self._clock = to, pipeline, cycle, clock
        self._is_ready = False

    async def run(self) -> None:
        """Tell that alerts are taken, as soon as they are; then of life, twice as often as is asked for. For ever."""
        while self._pipeline.health.refuses or not self._to.tell("READY=1"):
            await self._clock.sleep_until(self._clock.now() + _LOOK_AGAIN)
        self._is_ready = True
        while self._to.watchdog is not None:
            await self._turn()
            self._to.tell("WATCHDOG=1")
            await self._clock.sleep_until(self._clock.now() + self._to.watchdog / 2)

    async def _turn(self) -> None:
        """Return when the line and the escalation loop have done their work once more."""
        with contextlib.suppress(StoreDown):
            await self._pipeline.submit(PagesClaimed(()))
        await self._cycle.turned()

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """Tell of a reload, from its begin to its end, taken or not."""
        if not self._is_ready:
            yield
            return
        self._to.tell("RELOADING=1")
        try:
            yield
        finally:
            if self._is_ready:
                self._to.tell("READY=1")

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._is_ready = False
        self._to.tell("STOPPING=1")
