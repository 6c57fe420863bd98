"""A UPS with a network card that speaks the UPS-MIB (RFC 1628) over SNMP."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import SecretStr
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    get_cmd,
    walk_cmd,
)

from collectors.rule import Span
from collectors.source import Finding, Reading, Unreachable
from collectors.thresholds import JudgedConfig
from collectors.ups import OUTAGES, Lost, UpsData, UpsState, judge_ups


class Config(JudgedConfig):
    """An agent that is asked with SNMP v1 or v2c; `retries` of a lost packet fit into `deadline`."""

    type: Literal["ups_snmp"]
    host: str
    port: int = 161
    community: SecretStr = SecretStr("public")
    version: Literal["1", "2c"] = "2c"
    ups: str = ""
    """The name of the UPS in alerts; the name of the inspection where it is left out."""
    retries: int = 2
    deadline: Span = timedelta(seconds=5)


_MIB = "1.3.6.1.2.1.33.1"
_BATTERY_STATUS, _MINUTES_LEFT, _CHARGE = f"{_MIB}.2.1.0", f"{_MIB}.2.3.0", f"{_MIB}.2.4.0"
_OUTPUT_SOURCE = f"{_MIB}.4.1.0"
_LOADS, _ALARMS, _KNOWN_ALARM = f"{_MIB}.4.4.1.5", f"{_MIB}.6.2.1.2", f"{_MIB}.6.3."
_SOURCES = {2: ("OFF",), 3: ("OL",), 4: ("BYPASS",), 5: ("OB",), 6: ("OL", "BOOST"), 7: ("OL", "TRIM")}
_BATTERIES = {3: "LB", 4: "LB"}
# upsWellKnownAlarms (RFC 1628): what speaks of a power cut or of a test is no alarm of its own.
_ALARM_FLAGS = {1: "RB", 8: "OVER", 20: "COMMLOST", 23: "FSD", **dict.fromkeys((2, 3, 4, 6, 9, 11, 12, 14, 21, 22, 24))}
_ALARM_NAMES = {
    5: "temperature", 7: "output", 10: "bypass", 13: "charger failed", 15: "system off", 16: "fan", 17: "fuse",
    18: "general fault", 19: "test failed",
}  # fmt: skip


class Inspect:
    """One UPS behind one SNMP agent."""

    outages = OUTAGES

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self.about = {"ups": config.ups or name, "instance": config.host}
        self._state = UpsState()
        self._engine: Any = None
        self._target: Any = None

    def moved(self, shift: timedelta) -> None:
        """The clock was put right by this much."""
        self._state = self._state.moved(shift)

    async def read(self, now: datetime) -> list[Reading | Finding]:
        """Return the state and the readings of the UPS.

        Raises Unreachable where the agent does not answer, which is also how it says no to a wrong community,
        or does not speak the UPS-MIB.
        """
        at = f"the SNMP agent at {self._config.host}:{self._config.port}"
        try:
            async with asyncio.timeout(self._config.deadline.total_seconds()):
                seen = await self._look(at)
        except (PySnmpError, OSError, TimeoutError) as error:
            said = str(error) or type(error).__name__
            raise Unreachable(f"{at} does not answer ({said}): check address, community and access list") from error
        self._state, told = judge_ups(self._state, seen, self.about, now)
        return told

    async def close(self) -> None:
        """Close the socket."""
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._engine = self._target = None

    async def _look(self, at: str) -> UpsData | Lost:
        values = await self._get(_BATTERY_STATUS, _MINUTES_LEFT, _CHARGE, _OUTPUT_SOURCE)
        if _OUTPUT_SOURCE not in values and _BATTERY_STATUS not in values:
            raise Unreachable(f"{at} does not speak the UPS-MIB ({_MIB}): is it a UPS?")
        loads = [float(v) async for v in self._walk(_LOADS)]
        alarms = [str(v).lstrip(".") async for v in self._walk(_ALARMS)]
        return _data(values, loads, alarms)

    async def _get(self, *oids: str) -> dict[str, float]:
        asked = [ObjectType(ObjectIdentity(oid)) for oid in oids]
        error, status, _, bound = await get_cmd(*await self._ends(), *asked, lookupMib=False)
        if error:
            raise PySnmpError(str(error))
        if int(status) == 2:  # SNMPv1 refuses the whole request for one object that is missing
            parts = [await self._get(oid) for oid in oids] if len(oids) > 1 else []
            return {oid: value for part in parts for oid, value in part.items()}
        if status:
            raise PySnmpError(f"error status {int(status)}")
        return {str(name): float(value) for name, value in bound if _is_number(value)}

    async def _walk(self, oid: str) -> Any:
        ends = await self._ends()
        async for error, status, _, bound in walk_cmd(
            *ends, ObjectType(ObjectIdentity(oid)), lookupMib=False, lexicographicMode=False
        ):
            if error:
                raise PySnmpError(str(error))
            if status:
                return
            yield bound[0][1]

    async def _ends(self) -> tuple[Any, Any, Any, Any]:
        config = self._config
        if self._engine is None:
            self._engine = SnmpEngine()
        if self._target is None:  # also where the deadline came between the two
            patience = config.deadline.total_seconds() / (config.retries + 1)
            self._target = await UdpTransportTarget.create((config.host, config.port), patience, config.retries)
        community = CommunityData(config.community.get_secret_value(), mpModel=0 if config.version == "1" else 1)
        return self._engine, community, self._target, ContextData()


def _is_number(value: Any) -> bool:
    try:
        return bool(float(value) > -math.inf)
    except (TypeError, ValueError, PySnmpError):
        return False


def _data(values: Mapping[str, float], loads: Iterable[float], alarms: Iterable[str]) -> UpsData:
    """Translate the MIB into NUT's flags."""
    flags = set(_SOURCES.get(int(values.get(_OUTPUT_SOURCE, 0)), ()))
    flags |= {flag for code, flag in _BATTERIES.items() if code == int(values.get(_BATTERY_STATUS, 0))}
    faults = []
    for alarm in alarms:
        number = int(alarm.removeprefix(_KNOWN_ALARM)) if alarm.removeprefix(_KNOWN_ALARM).isdigit() else -1
        if flag := _ALARM_FLAGS.get(number):
            flags.add(flag)
        elif number not in _ALARM_FLAGS:
            faults.append(_ALARM_NAMES.get(number, alarm))
    flags |= {"ALARM"} if faults else set()
    minutes = values.get(_MINUTES_LEFT, math.nan)
    load = max(loads, default=math.nan)
    return UpsData(frozenset(flags), values.get(_CHARGE, math.nan), minutes * 60, load, ", ".join(faults))
