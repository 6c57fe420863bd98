"""A UPS as one machine of states: OL, OB, LB, FSD, in NUT's words (procedure 4.6). What is not known is never OL."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from collectors.alert import Level
from collectors.labels import Labels
from collectors.source import Finding, Reading

POWER, COMM_LOST = "UpsPower", "UpsCommLost"
OUTAGES = frozenset({COMM_LOST})
"""The alerts that say that there is no data."""


class UpsData(NamedTuple):
    """What a UPS says of itself; NaN is what it does not say. Flags are the tokens of NUT's `ups.status`."""

    flags: frozenset[str]
    charge_pct: float = math.nan
    runtime_s: float = math.nan
    load_pct: float = math.nan
    alarm: str = ""


class Lost(NamedTuple):
    """There is no data to be trusted: stale, or nobody speaks with the UPS."""

    reason: str


class UpsState(NamedTuple):
    """What is remembered between two reads: the findings last told, and since when there has been no data."""

    findings: tuple[Finding, ...] = ()
    lost_since: datetime | None = None

    def moved(self, shift: timedelta) -> "UpsState":
        """The same, with its moment later by this much."""
        return self._replace(lost_since=self.lost_since and self.lost_since + shift)


class _Told(NamedTuple):
    alertname: str
    level: Level
    severity: int
    says: str


_TOLD = {
    "RB": _Told("UpsReplaceBattery", Level.WARN, 3, "the battery is to be replaced"),
    "OVER": _Told("UpsOverload", Level.CRIT, 2, "the UPS is overloaded"),
    "ALARM": _Told("UpsAlarm", Level.WARN, 3, "the UPS has an alarm"),
    "BYPASS": _Told("UpsBypass", Level.WARN, 3, "the load is on bypass, without protection"),
    "OFF": _Told("UpsOff", Level.CRIT, 2, "the output of the UPS is off"),
}
_WAITS = ("RB", "ALARM")  # first seen during a power cut they are part of it, and told when mains is back
_SPEAKS_OF_POWER = frozenset({"OL", "OB", "FSD", "BYPASS", "OFF"})


def judge_ups(
    was: UpsState, seen: UpsData | Lost, labels: Labels, now: datetime
) -> tuple[UpsState, list[Reading | Finding]]:
    """Return the new state and what is to be told of one look at a UPS.

    A power cut is the one alert UpsPower: on battery crit with severity 2, with LB or FSD severity 1, well with OL;
    charge and runtime are readings that raise it while it lasts and open nothing. Without data (also: a status
    that speaks neither of mains nor of battery) everything keeps its level and UpsCommLost is told; its reading
    `ups_unreachable_s` makes that worse with time.
    """
    if isinstance(seen, UpsData) and "COMMLOST" in seen.flags:
        seen = Lost("the UPS has lost its communication (COMMLOST)")
    elif isinstance(seen, UpsData) and not seen.flags & _SPEAKS_OF_POWER:
        seen = Lost(f"the status {' '.join(sorted(seen.flags))!r} speaks neither of mains nor of battery")
    if isinstance(seen, Lost):
        since = was.lost_since or now
        lost = _finding(COMM_LOST, labels, Level.WARN, 3, f"no data of the UPS: {seen.reason}", {"reason": seen.reason})
        readings = _readings(UpsData(frozenset()), (now - since).total_seconds(), labels)
        return UpsState(was.findings, since), [*was.findings, lost, *readings]
    findings = tuple(_findings({f.alertname: f for f in was.findings}, seen, labels))
    found = _finding(COMM_LOST, labels, None, None, "the UPS answers")
    return UpsState(findings), [*findings, found, *_readings(seen, 0.0, labels)]


def _findings(was: Mapping[str, Finding], seen: UpsData, labels: Labels) -> list[Finding]:
    told = [_power(was.get(POWER), seen, labels)]
    on_battery = bool(seen.flags & {"OB", "FSD"})
    for flag, what in _TOLD.items():
        before = was.get(what.alertname)
        waits = on_battery and flag in _WAITS and (before is None or before.level is None)
        if flag in seen.flags and waits:
            continue
        if flag in seen.flags:
            facts = {"alarm": seen.alarm} if flag == "ALARM" and seen.alarm else {}
            told.append(_finding(what.alertname, labels, what.level, what.severity, what.says, facts))
        else:
            told.append(_finding(what.alertname, labels, None, None, f"no longer {flag}"))
    low = "LB" in seen.flags and not on_battery and "CHRG" not in seen.flags
    says = "the battery is low on mains and is not charging" if low else "the battery is not low"
    told.append(_finding("UpsBatteryLow", labels, Level.WARN if low else None, 3 if low else None, says))
    return [f for f in told if f is not None]


def _power(was: Finding | None, seen: UpsData, labels: Labels) -> Finding | None:
    facts = {"status": " ".join(sorted(seen.flags))}
    if "FSD" in seen.flags:
        return _finding(POWER, labels, Level.CRIT, 1, "the UPS shuts down (FSD)", facts)
    if "OB" in seen.flags:
        low = "LB" in seen.flags
        says = "on battery, and the battery is low" if low else "on battery"
        return _finding(POWER, labels, Level.CRIT, 1 if low else 2, says, facts)
    if seen.flags & {"OL", "BYPASS"}:
        return _finding(POWER, labels, None, None, "on mains", facts)
    return was


def _finding(
    alertname: str, labels: Labels, level: Level | None, severity: int | None, says: str, facts: Labels | None = None
) -> Finding:
    summary = f"UPS {labels.get('ups', '')}: {says}"
    return Finding(alertname, labels, level, {"summary": summary, **(facts or {})}, severity)


def _readings(seen: UpsData, lost_s: float, labels: Labels) -> list[Reading]:
    return [
        Reading("ups_charge_pct", seen.charge_pct, labels, alertname=POWER, opens=False),
        Reading("ups_runtime_s", seen.runtime_s, labels, alertname=POWER, opens=False),
        Reading("ups_load_pct", seen.load_pct, labels),
        Reading("ups_unreachable_s", lost_s, labels, alertname=COMM_LOST, opens=False),
    ]
