"""Any JSON becomes alerts by a declarative mapping, which carries its own tests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from collectors.alert import Alert, Level, NotThisFormat, Parsed, Rejected, Status, encode_labels
from collectors.moment import parse_moment
from collectors.payload import MAX_VALUE, clean, clean_annotations, clean_labels, identity, read_json
from collectors.rule import Rule

_FIRING = ("firing", "open", "alert", "alerting", "problem", "down", "critical", "warning", "error", "1", "true")
_RESOLVED = ("resolved", "ok", "closed", "clear", "cleared", "recovery", "recovered", "up", "0", "false")


class StatusMapping(Rule):
    """Which field says whether it fires, and by which words (any case)."""

    path: str = "status"
    firing: list[str] = list(_FIRING)
    resolved: list[str] = list(_RESOLVED)


class AlertMapping(Rule):
    """How a message is read.

    A value is a path (`$.host.name`, `$.items.0.id`; `$` is the item) or, without `$`, the text itself.
    `alerts` is the path of a list, each entry an alert; without it the whole body is one alert.
    """

    alerts: str | None = None
    alertname: str = "$.alertname"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    status: StatusMapping = StatusMapping()
    starts_at: str | None = None
    ends_at: str | None = None
    level: str | None = None


class MappingTest(Rule):
    """An inline example: what `payload` must become."""

    payload: Any
    expect: list[dict[str, Any]]


def parse(body: bytes, origin: str, now: datetime, mapping: Any = None) -> Parsed:
    """Return the alerts that the mapping finds. Raises NotThisFormat where the body is no JSON of that shape.

    Without a mapping the body is `{alertname | title, status, labels, annotations, startsAt, endsAt}`, or a list of
    them.
    """
    payload = read_json(body)
    rules = mapping if isinstance(mapping, AlertMapping) else AlertMapping.model_validate(mapping or {})
    items = _at(payload, rules.alerts) if rules.alerts else payload
    if rules.alerts is None and not isinstance(items, list):
        items = [items]
    if not isinstance(items, list):
        raise NotThisFormat(f"the body has no list at {rules.alerts}")
    alerts: list[Alert] = []
    rejected: list[Rejected] = []
    plain = not mapping
    for index, item in enumerate(items):
        try:
            alerts.append(_alert(item, payload, rules, origin, now, plain=plain))
        except ValueError as error:
            rejected.append(Rejected(index, str(error), clean(item).encode()[:65_536]))
    return Parsed(alerts, rejected)


def _alert(item: Any, payload: Any, rules: AlertMapping, origin: str, now: datetime, *, plain: bool) -> Alert:
    if not isinstance(item, dict):
        raise ValueError("an alert must be an object")
    found = {name: _value(path, item, payload) for name, path in rules.labels.items()}
    annotations = {name: _value(path, item, payload) for name, path in rules.annotations.items()}
    name = _value(rules.alertname, item, payload)
    if plain:
        found, annotations = _plain(item, found, annotations)
        name = name or clean(item.get("title"))
    repairs: list[str] = []
    told = {"alertname": name, **found}
    labels = clean_labels(told, repairs)
    if not labels.get("alertname"):
        raise ValueError(f"it has no name at {rules.alertname}")
    starts_text = clean(_value(rules.starts_at or "$.startsAt", item, payload))
    ends_text = clean(_value(rules.ends_at or "$.endsAt", item, payload))
    starts_at, ends_at = parse_moment(starts_text), parse_moment(ends_text)
    status = _status(rules.status, item, payload)
    level = clean(_value(rules.level, item, payload)) if rules.level else ""
    return Alert(
        origin=origin,
        fingerprint=identity(told, labels, repairs),
        status=status,
        starts_at=starts_at or now,
        starts_text=starts_text if starts_at else "",
        labels_json=encode_labels(labels),
        annotations_json=encode_labels(clean_annotations(annotations)),
        ends_at=(ends_at or now) if status is Status.RESOLVED else None,
        ends_text=ends_text if ends_at else "",
        level=level if level in tuple(Level) else "",
        generator_url=clean(item.get("generatorURL"))[:MAX_VALUE] if plain else "",
        repairs=tuple(dict.fromkeys(repairs)),
    )


def _plain(
    item: dict[str, Any], labels: dict[str, Any], annotations: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    told, notes = item.get("labels"), item.get("annotations")
    labels = {**labels, **(told if isinstance(told, dict) else {})}
    annotations = {**annotations, **(notes if isinstance(notes, dict) else {})}
    for name in ("summary", "description"):
        if isinstance(item.get(name), str):
            annotations.setdefault(name, item[name])
    return labels, annotations


def _status(rules: StatusMapping, item: Any, payload: Any) -> Status:
    path = rules.path if rules.path.startswith("$") else f"$.{rules.path}"
    said = clean(_value(path, item, payload)).strip().lower()
    if said in (w.lower() for w in rules.resolved):
        return Status.RESOLVED
    if said in (w.lower() for w in rules.firing) or not said:
        return Status.FIRING
    raise ValueError(
        f"its status {said[:64]!r} is neither firing nor resolved: name the word in `status:` of the mapping"
    )


def _value(path: str | None, item: Any, payload: Any) -> Any:
    if path is None:
        return None
    if not path.startswith("$"):
        return path
    return _at(payload, path[1:]) if path.startswith("$$") else _at(item, path)


def _at(value: Any, path: str) -> Any:
    """The value at `$.a.b.0`; None where there is none."""
    for part in path.removeprefix("$").strip(".").split("."):
        if not part:
            continue
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def check(mapping: Any, tests: list[Any]) -> list[str]:
    """Run the inline tests of a mapping; return one sentence for each that fails."""
    faults = []
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for number, raw in enumerate(tests, 1):
        test = MappingTest.model_validate(raw)
        try:
            found = parse(_encode(test.payload), "test", now, mapping)
        except NotThisFormat as error:
            faults.append(f"test {number}: {error}")
            continue
        made = [_shown(a) for a in found.alerts]
        for wanted, got in zip(test.expect, made, strict=False):
            wrong = {k: (v, got.get(k)) for k, v in wanted.items() if got.get(k) != v}
            if wrong:
                faults.append(f"test {number}: " + ", ".join(f"{k} is {g!r}, not {w!r}" for k, (w, g) in wrong.items()))
        if len(made) != len(test.expect):
            why = "; ".join(r.reason for r in found.rejected)
            faults.append(f"test {number}: {len(made)} alert(s) instead of {len(test.expect)} {why}".rstrip())
    return faults


def _encode(payload: Any) -> bytes:
    return payload.encode() if isinstance(payload, str) else clean(payload).encode()


def _shown(alert: Alert) -> dict[str, Any]:
    labels = dict(alert.labels)
    return {
        "status": str(alert.status),
        "alertname": labels.get("alertname"),
        "labels": labels,
        "level": alert.level,
        "annotations": dict(alert.annotations),
        **labels,
    }
