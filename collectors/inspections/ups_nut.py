"""A UPS that a NUT server (upsd) watches: charge, runtime, load, and its state."""

import asyncio
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from aionut import AIONUTClient, NUTCommandError, NUTError
from pydantic import SecretStr

from collectors.rule import Span
from collectors.source import Finding, Reading, Unreachable
from collectors.thresholds import JudgedConfig
from collectors.ups import OUTAGES, Lost, UpsData, UpsState, judge_ups


class Config(JudgedConfig):
    """`ups` is the name in upsd's ups.conf; a user is needed only where upsd asks for one."""

    type: Literal["ups_nut"]
    host: str = "127.0.0.1"
    port: int = 3493
    ups: str
    username: str | None = None
    password: SecretStr | None = None
    deadline: Span = timedelta(seconds=5)


_LOST = {
    "DATA-STALE": "upsd has only stale data: the driver hangs",
    "DRIVER-NOT-CONNECTED": "the driver of the UPS is not connected to upsd",
}


class Inspect:
    """One UPS of one upsd, over one connection that is kept and made again when it breaks."""

    outages = OUTAGES

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self.about = {"ups": config.ups, "instance": f"{config.host}:{config.port}"}
        self._state = UpsState()
        password = config.password.get_secret_value() if config.password else None
        self._client = AIONUTClient(
            config.host, config.port, config.username, password, timeout=config.deadline.total_seconds()
        )

    def moved(self, shift: timedelta) -> None:
        """The clock was put right by this much."""
        self._state = self._state.moved(shift)

    async def read(self, now: datetime) -> list[Reading | Finding]:
        """Return the state and the readings of the UPS; stale data and a lost driver are findings.

        Raises Unreachable where upsd does not answer or knows no UPS of this name.
        """
        self._state, told = judge_ups(self._state, await self._look(), self.about, now)
        return told

    async def close(self) -> None:
        """Close the connection to upsd."""
        self._client.shutdown()

    async def _look(self) -> UpsData | Lost:
        at = f"upsd at {self.about['instance']}"
        try:
            async with asyncio.timeout(self._config.deadline.total_seconds()):
                return _data(await self._client.list_vars(self._config.ups))
        except NUTCommandError as error:
            code = str(error).rpartition("ERR ")[2]
            if code in _LOST:
                return Lost(_LOST[code])
            if code == "UNKNOWN-UPS":
                raise Unreachable(
                    f"{at} knows no UPS {self._config.ups!r}: see `upsc -l {self._config.host}`"
                ) from error
            raise Unreachable(f"{at} refused: {code}") from error
        except (NUTError, OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as error:
            self._client.disconnect()
            said = str(error) or type(error).__name__
            raise Unreachable(f"{at} does not answer ({said}): does it run, and LISTEN on this address?") from error


def _data(variables: Mapping[str, str]) -> UpsData:
    return UpsData(
        frozenset(variables.get("ups.status", "").upper().split()),
        _number(variables.get("battery.charge")),
        _number(variables.get("battery.runtime")),
        _number(variables.get("ups.load")),
        variables.get("ups.alarm", ""),
    )


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else math.nan
    except ValueError:
        return math.nan
