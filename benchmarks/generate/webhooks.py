"""Notifications as the lines of a recorded run: what Alertmanager posts, and when it arrived."""

import json
import urllib.parse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.generate.alertmanager import Group, Notification
from benchmarks.generate.firing import Firing
from benchmarks.generate.values import written

Json = dict[str, Any]


def line(number: int, notification: Notification, port: int, version: str) -> Json:
    """The line of a run: the message as it was sent, with the headers of a version of Alertmanager."""
    body = _body(notification, port)
    length = len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
    return {
        "i": number,
        "t": round(notification.at, 4),
        "iso": datetime.fromtimestamp(notification.at, UTC).isoformat(timespec="milliseconds"),
        "receiver": "main",
        "answered": 200,
        "delay": 0,
        "hang": 0,
        "len": length,
        "headers": {
            "Host": f"127.0.0.1:{port + 6}",
            "User-Agent": f"Alertmanager/{version}",
            "Content-Length": str(length),
            "Content-Type": "application/json",
        },
        "peer": 45518,
        "body": body,
    }


def _body(notification: Notification, port: int) -> Json:
    told = [(firing, False) for firing in notification.firing] + [(firing, True) for firing in notification.resolved]
    alerts = [_alert(firing, resolved, port) for firing, resolved in sorted(told, key=lambda one: _order(one[0]))]
    return {
        "receiver": "main",
        "status": "firing" if notification.firing else "resolved",
        "alerts": alerts,
        "groupLabels": dict(notification.group),
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": f"http://127.0.0.1:{port + 1}",
        "version": "4",
        "groupKey": _group_key(notification.group),
        "truncatedAlerts": 0,
    }


def _order(firing: Firing) -> tuple[str, str, list[tuple[str, str]]]:
    return firing.labels.get("job", ""), firing.labels.get("instance", ""), sorted(firing.labels.items())


def _alert(firing: Firing, resolved: bool, port: int) -> Json:
    expression = urllib.parse.quote_plus(firing.expression)
    return {
        "status": "resolved" if resolved else "firing",
        "labels": firing.labels,
        "annotations": dict(sorted(firing.annotations.items())),
        "startsAt": written(firing.starts),
        "endsAt": written(firing.ends if resolved else None),
        "generatorURL": f"http://vm:{port}/graph?g0.expr={expression}&g0.tab=1",
        "fingerprint": firing.fingerprint,
    }


def _common(said: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for name, value in said[0].items() if all(other.get(name) == value for other in said)}


def _group_key(group: Group) -> str:
    """Names are quoted where they are not ASCII, as Alertmanager does with UTF-8 names."""
    names = ((label if label.isascii() else _quoted(label), _quoted(value)) for label, value in group)
    return "{}:{" + ", ".join(f"{name}={value}" for name, value in names) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
