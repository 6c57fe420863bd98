"""Alertmanager's webhook, payload version 4 (`template/template.go` of Alertmanager, Data)."""

from datetime import datetime
from typing import Any

import msgspec

from collectors.alert import Alert, NotThisFormat, Parsed, Rejected, Status, encode_labels
from collectors.labels import fingerprint
from collectors.moment import LONGEST_MOMENT, parse_moment
from collectors.payload import (
    MAX_LABELS,
    MAX_VALUE,
    clean,
    clean_annotations,
    clean_labels,
    identity,
    is_fingerprint,
    is_plain,
    read_json,
)
from collectors.remembering import Hashes

_FIX = (
    "this is no Alertmanager message of version 4: in the receiver of alertmanager.yml write "
    "`webhook_configs: [{url: …/webhooks/alertmanager/SOURCE, send_resolved: true}]` without `payload:`"
)


class _Alert(msgspec.Struct, gc=False):
    labels: msgspec.Raw
    startsAt: str
    status: str = ""
    annotations: msgspec.Raw = msgspec.Raw(b"{}")
    endsAt: str = ""
    generatorURL: str = ""
    fingerprint: str = ""


class _Message(msgspec.Struct):
    version: str
    alerts: list[_Alert]
    truncatedAlerts: int = 0
    groupKey: str = ""
    externalURL: str = ""
    receiver: str = ""


_message = msgspec.json.Decoder(_Message)
_labels = msgspec.json.Decoder(dict[str, str])


def parse(body: bytes, origin: str, now: datetime, _: Any = None) -> Parsed:
    """Return the alerts of a message; what one alert has wrong never costs the others.

    Each alert's own status counts, never the group's. Raises NotThisFormat, whose text says what to change.
    """
    if is_plain(body):
        try:
            return _parse_clean(_message.decode(body), origin)
        except (msgspec.DecodeError, RecursionError, _NotClean):
            pass
    return _parse_broken(read_json(body), origin, now)


class _NotClean(Exception):
    """Something in the message needs mending: take the slow road."""


def _parse_clean(message: _Message, origin: str) -> Parsed:
    if message.version != "4" or len(message.receiver) > MAX_VALUE or len(message.externalURL) > MAX_VALUE:
        raise _NotClean
    group = message.groupKey if len(message.groupKey) <= MAX_VALUE else ""
    return Parsed(
        [_clean_alert(alert, origin, group) for alert in message.alerts],
        truncated=max(0, message.truncatedAlerts),
        external_url=message.externalURL,
        receiver=message.receiver,
    )


def _clean_alert(alert: _Alert, origin: str, group: str) -> Alert:
    labels_json, annotations_json = bytes(alert.labels), bytes(alert.annotations)
    starts_at, mark = parse_moment(alert.startsAt), alert.fingerprint
    status = _STATUS.get(alert.status)
    if status is None or starts_at is None or len(alert.endsAt) > LONGEST_MOMENT or len(alert.generatorURL) > MAX_VALUE:
        raise _NotClean
    seen = hash((labels_json, annotations_json))
    if not _clean.has(seen):
        _look_at(labels_json, annotations_json)
        _clean.add(seen)
    return Alert(
        origin=origin,
        fingerprint=mark if is_fingerprint(mark) else fingerprint(_labels.decode(labels_json)),
        status=status,
        starts_at=starts_at,
        starts_text=alert.startsAt,
        labels_json=labels_json,
        annotations_json=annotations_json,
        ends_at=parse_moment(alert.endsAt) if status is Status.RESOLVED else None,
        ends_text=alert.endsAt,
        generator_url=alert.generatorURL,
        group=group,
    )


_clean = Hashes("labels_found_clean", 1 << 17)
"""Labels with annotations that were found clean: most messages repeat what was said before."""


def _look_at(labels_json: bytes, annotations_json: bytes) -> None:
    """Raise unless labels and annotations are strings within the limits, and no label is empty."""
    labels = _labels.decode(labels_json)
    plain = labels and len(labels_json) <= MAX_VALUE and len(labels) <= MAX_LABELS and "" not in labels.values()
    if not plain or len(annotations_json) > 4 * MAX_VALUE:
        raise _NotClean
    _labels.decode(annotations_json)


_STATUS = {"firing": Status.FIRING, "resolved": Status.RESOLVED}


def _parse_broken(message: Any, origin: str, now: datetime) -> Parsed:
    if not isinstance(message, dict) or str(message.get("version")) != "4":
        raise NotThisFormat(_FIX)
    found = message.get("alerts")
    if not isinstance(found, list):
        raise NotThisFormat(_FIX)
    group = clean(message.get("groupKey"))
    group = group if len(group) <= MAX_VALUE else ""
    alerts: list[Alert] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(found):
        try:
            alerts.append(_mended_alert(item, origin, group, now))
        except ValueError as error:
            rejected.append(Rejected(index, str(error), clean(item).encode()[:65_536]))
    truncated = message.get("truncatedAlerts")
    return Parsed(
        alerts,
        rejected,
        truncated=max(0, truncated) if isinstance(truncated, int) else 0,
        external_url=clean(message.get("externalURL"))[:MAX_VALUE],
        receiver=clean(message.get("receiver"))[:MAX_VALUE],
    )


def _mended_alert(item: Any, origin: str, group: str, now: datetime) -> Alert:
    """Return one alert of a message, mended where possible; raises ValueError where it has no identity."""
    if not isinstance(item, dict) or not isinstance(item.get("labels"), dict):
        raise ValueError("an alert must be an object with labels")
    repairs: list[str] = []
    labels = clean_labels(item["labels"], repairs)
    if not labels:
        raise ValueError("an alert without labels has no identity")
    annotations = item.get("annotations")
    starts_text, ends_text = clean(item.get("startsAt")), clean(item.get("endsAt"))
    starts_at, ends_at = parse_moment(starts_text), parse_moment(ends_text)
    if starts_at is None:
        repairs.append("no_start")
        starts_text = ""
    status = _STATUS.get(clean(item.get("status")).lower())
    if status is None:
        repairs.append("no_status")
        status = Status.RESOLVED if ends_at is not None and ends_at <= now else Status.FIRING
    told = item.get("fingerprint")
    return Alert(
        origin=origin,
        fingerprint=told if is_fingerprint(told) else identity(item["labels"], labels, repairs),
        status=status,
        starts_at=starts_at or now,
        starts_text=starts_text,
        labels_json=encode_labels(labels),
        annotations_json=encode_labels(clean_annotations(annotations)),
        ends_at=ends_at if status is Status.RESOLVED else None,
        ends_text=ends_text[:LONGEST_MOMENT],
        generator_url=clean(item.get("generatorURL"))[:MAX_VALUE],
        repairs=tuple(dict.fromkeys(repairs)),
        group=group,
    )
