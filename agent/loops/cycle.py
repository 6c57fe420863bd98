"""The pulse of the escalation loop: proof that it does its work, and not merely exists."""

from agent.clock import Clock


class Cycle:
    """Beaten by the loop after each full cycle."""

    patience_s = 30.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: float | None = None

    def beat(self) -> None:
        self._last = self._clock.monotonic()

    def late_s(self) -> float | None:
        """Seconds since the last completed cycle; None before the first."""
        return None if self._last is None else self._clock.monotonic() - self._last
