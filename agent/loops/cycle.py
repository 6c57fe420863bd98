"""The pulse of the escalation loop: proof that it does its work, and not merely exists."""

import asyncio

from agent.clock import Clock


class Cycle:
    """Beaten by the loop after each full cycle."""

    patience_s = 30.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: float | None = None
        self._turned = asyncio.Event()

    def beat(self) -> None:
        self._last = self._clock.monotonic()
        self.turn()

    def turn(self) -> None:
        """A round is over, also one of which a store that is down took nothing."""
        self._turned.set()

    async def turned(self) -> None:
        """Wait for the end of the next round. For one caller."""
        self._turned.clear()
        await self._turned.wait()

    def late_s(self) -> float | None:
        """Seconds since the last completed cycle; None before the first."""
        return None if self._last is None else self._clock.monotonic() - self._last
