"""Readings are judged here: warn, crit and clear with hysteresis and `for` (procedure 4.6); what ops tune."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import ConfigDict, Field

from collectors.alert import Level
from collectors.condition import Condition, WrittenCondition, known
from collectors.labels import Labels
from collectors.rule import Rule, Span
from collectors.source import Finding, InspectionConfig, Reading

SeverityNumber = Annotated[int, Field(ge=1, le=4)]


class Threshold(Rule):
    """One entry of thresholds.yaml: `{warn, crit, clear, for}`.

    A level is reached when its condition has held for `for`. It is left only past `clear`: a bare number means
    that the reading is back beyond that number, a condition means that it holds; left out, past warn by the
    hysteresis of the key. `severity` says which severity 1-4 a level asks for (procedure 4.6).
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    warn: WrittenCondition | None = None
    crit: WrittenCondition | None = None
    clear: WrittenCondition | None = None
    for_: Span = Field(default=timedelta(), alias="for")
    severity: dict[Level, SeverityNumber] = {}


Thresholds = Mapping[str, Threshold]


def lay_over(base: Threshold, over: Threshold) -> Threshold:
    """Return `base` with every field that `over` names; a field written as null takes the one below away."""
    update = {name: getattr(over, name) for name in over.model_fields_set}
    if "severity" in update:
        update["severity"] = {**base.severity, **over.severity}
    return base.model_copy(update=update)


def threshold_for(inspection: str, key: str, *layers: Thresholds) -> Threshold:
    """Return the threshold of a key of an inspection; an empty one where nothing is written.

    `layers` come weakest first: the pack's, the inspection's own, the site's thresholds.yaml. Within a layer
    `inspection.key` is laid over `key`.
    """
    found = Threshold()
    for layer in layers:
        for name in (key, f"{inspection}.{key}"):
            if name in layer:
                found = lay_over(found, layer[name])
    return found


def contradiction(key: str, threshold: Threshold) -> str | None:
    """Return what is wrong with a threshold as a whole, or None: a crit that is reached before warn, a late clear."""
    warn, crit, clear = (c and c.of(key) for c in (threshold.warn, threshold.crit, threshold.clear))
    down = {"lt": True, "lte": True, "gt": False, "gte": False}
    if warn and crit and down.get(warn.op) is down.get(crit.op) is not None:
        ahead = crit.low > warn.low if down[warn.op] else crit.low < warn.low
        if ahead:
            return f"{key}: crit ({crit}) is reached before warn ({warn}): swap them"
    outer = warn or crit
    if outer and clear and threshold.clear and not threshold.clear.op and outer.op in down:
        late = clear.low < outer.low if down[outer.op] else clear.low > outer.low
        if late:
            return f"{key}: clear ({clear.low:g}) lies beyond {outer}: an alert would end while it still holds"
    return None


class JudgedConfig(InspectionConfig):
    """The configuration of an inspection whose readings are judged: it may bring `thresholds:` of its own."""

    thresholds: dict[str, Threshold] = {}

    def own_thresholds(self, name: str) -> Thresholds:
        """The thresholds written with the inspection `name`; thresholds.yaml is laid over them."""
        return self.thresholds


class State(NamedTuple):
    """What is remembered of a reading: its level, and since when the conditions of warn and crit hold."""

    level: Level | None = None
    warn_since: datetime | None = None
    crit_since: datetime | None = None

    def moved(self, shift: timedelta) -> "State":
        """The same, with its moments later by this much."""
        warn, crit = (None if at is None else at + shift for at in (self.warn_since, self.crit_since))
        return self._replace(warn_since=warn, crit_since=crit)


def judge(state: State, reading: Reading, threshold: Threshold, now: datetime) -> tuple[State, Level | None]:
    """Return the new state and the level of a reading (procedure 4.6, hysteresis).

    NaN changes nothing, neither the level nor what has been counted towards `for`. A raise needs `for`; leaving a
    level happens at once, but only past the hysteresis: crit falls back to warn while `clear` is not reached.
    """
    if math.isnan(reading.value):
        return state, state.level
    crit_holds = _holds(threshold.crit, reading)
    warn_holds = _holds(threshold.warn, reading) or (crit_holds and threshold.warn is not None)
    warn_since = (state.warn_since or now) if warn_holds else None
    crit_since = (state.crit_since or now) if crit_holds else None
    reached = (
        Level.CRIT
        if crit_since and now - crit_since >= threshold.for_
        else Level.WARN
        if warn_since and now - warn_since >= threshold.for_
        else None
    )
    level = _worse(reached, _still(state.level, reading, threshold))
    return State(level, warn_since, crit_since), level


def _holds(condition: Condition | None, reading: Reading) -> bool:
    return condition is not None and condition.of(reading.key).holds(reading.value, reading.given)


def _still(level: Level | None, reading: Reading, threshold: Threshold) -> Level | None:
    """The part of the level that is not left yet."""
    outer = threshold.warn or threshold.crit
    if level is None or outer is None or _cleared(outer, reading, threshold.clear):
        return None
    if level is Level.WARN or threshold.warn is None:
        return level
    crit = threshold.crit and threshold.crit.of(reading.key).eased(reading.key)
    return Level.CRIT if _holds(crit, reading) else Level.WARN


def _cleared(outer: Condition, reading: Reading, clear: Condition | None) -> bool:
    outer = outer.of(reading.key)
    if outer.holds(reading.value, reading.given):
        return False
    if clear is not None and clear.op:
        return clear.holds(reading.value, reading.given)
    if clear is not None:
        return not clear.of(reading.key).holds(reading.value, reading.given)
    return not outer.eased(reading.key).holds(reading.value, reading.given)


_RANK = {None: 0, "warn": 1, "crit": 2}


def _worse(one: Level | None, other: Level | None) -> Level | None:
    return one if _RANK[one] >= _RANK[other] else other


def finding_of(reading: Reading, level: Level | None, threshold: Threshold) -> Finding:
    """Return the finding of a judged reading, with the severity that its threshold asks for.

    Annotations: `summary` (English), `value`, `threshold` (what was crossed) and the facts of the reading.
    """
    what = known(reading.key)
    value = f"{reading.value:.4g}"
    annotations = {**reading.facts, "key": reading.key, "value": value, "summary": f"{what.says}: {value}"}
    crossed = threshold.crit if level is Level.CRIT else threshold.warn
    if level is not None and crossed is not None:
        annotations["threshold"] = str(crossed.of(reading.key))
        annotations["summary"] += f" ({level} {annotations['threshold']})"
    severity = None if level is None else threshold.severity.get(level)
    return Finding(reading.alertname or what.alertname, reading.labels, level, annotations, severity)


AlertKey = tuple[str, tuple[tuple[str, str], ...]]


class Kept(NamedTuple):
    """The last known reading and the state of it."""

    reading: Reading
    state: State = State()


def alert_key(alertname: str, labels: Labels) -> AlertKey:
    """What makes two findings the same alert: the name and the labels, never the level."""
    return alertname, tuple(sorted(labels.items()))


def judge_all(
    seen: Iterable[Reading | Finding],
    kept: Mapping[AlertKey, Kept],
    threshold_of: Callable[[str], Threshold],
    now: datetime,
    open_levels: Mapping[AlertKey, str] | None = None,
) -> tuple[list[Finding], dict[AlertKey, Kept]]:
    """Return one finding per alert of a read of one inspection, and what to keep for its next read.

    `kept` is what the last call returned, keyed by key and labels; `threshold_of` gives the threshold of a key.
    `open_levels` are the levels of alerts that are open (keyed by alert), for readings not seen since the start:
    a restart neither ends an alert that `for` would open again nor forgets the hysteresis. A reading that was
    kept and is not seen now is gone: its alert is well. An alert nothing is known of is not in the answer.
    """
    found, left, next_kept = _split(seen), dict(kept), {}
    for reading in found.readings:
        which = alert_key(reading.key, reading.labels)
        threshold = threshold_of(reading.key)
        before = left.pop(which, None) or Kept(reading, _resumed(reading, open_levels or {}))
        state, level = judge(before.state, reading, threshold, now)
        last = before.reading if math.isnan(reading.value) else reading
        next_kept[which] = Kept(last, state)
        if level is not None or not math.isnan(reading.value):
            _put(found.alerts, reading, finding_of(last, level, threshold))
    for gone in left.values():
        finding = finding_of(gone.reading, None, Threshold())
        if gone.reading.opens:
            found.alerts.setdefault(alert_key(finding.alertname, finding.labels), finding)
    return list(found.alerts.values()), next_kept


class _Seen(NamedTuple):
    readings: list[Reading]
    alerts: dict[AlertKey, Finding]


def _split(seen: Iterable[Reading | Finding]) -> _Seen:
    parts = _Seen([], {})
    for one in seen:
        if isinstance(one, Reading):
            parts.readings.append(one)
        else:
            parts.alerts[alert_key(one.alertname, one.labels)] = one
    return parts


def _resumed(reading: Reading, open_levels: Mapping[AlertKey, str]) -> State:
    level = open_levels.get(alert_key(reading.alertname or known(reading.key).alertname, reading.labels))
    return State(Level(level)) if reading.opens and level else State()


def _put(alerts: dict[AlertKey, Finding], reading: Reading, finding: Finding) -> None:
    which = alert_key(finding.alertname, finding.labels)
    there = alerts.get(which)
    if there is None:
        if reading.opens:
            alerts[which] = finding
    elif reading.opens or there.level is not None:
        alerts[which] = _joined(there, finding)


def _joined(there: Finding, finding: Finding) -> Finding:
    """One alert out of two: the worse level, the highest severity that either asks for."""
    if finding.level is None:
        return there
    main, other = (there, finding) if there.level is not None else (finding, there)
    level = _worse(Level(finding.level), Level(there.level) if there.level else None)
    severities = [s for s in (there.severity, finding.severity) if s is not None]
    numbers = {finding.annotations["key"]: finding.annotations["value"]}
    annotations = {**other.annotations, **main.annotations, **numbers}
    return Finding(there.alertname, there.labels, level, annotations, min(severities, default=None))
