"""What stories tell the house: alerts as an Alertmanager sends them, and the small site."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.configuration.config import Config
from agent.configuration.load import load
from collectors.labels import fingerprint
from collectors.moment import moment_text

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SITE = Path(__file__).parent / "sites" / "small"
DISK_FULL = {"alertname": "DiskFull", "instance": "db-1:9100", "severity": "critical"}
DISK_WARN = {"alertname": "DiskFull", "instance": "db-1:9100", "severity": "warning"}


def alert(
    labels: Mapping[str, str],
    starts: str = "2026-03-02T08:59:00.5Z",
    ends: str = "0001-01-01T00:00:00Z",
    **more: Any,
) -> dict[str, Any]:
    """One alert of a webhook; it is resolved where it has an end."""
    return {
        "status": "firing" if ends.startswith("0001") else "resolved",
        "labels": dict(labels),
        "annotations": {},
        "startsAt": starts,
        "endsAt": ends,
        "generatorURL": "http://prom-1:9090/graph",
        "fingerprint": fingerprint(labels),
        **more,
    }


def message(*alerts: dict[str, Any], **more: Any) -> bytes:
    """A webhook of version 4."""
    body = {
        "version": "4",
        "groupKey": '{}:{alertname="DiskFull"}',
        "truncatedAlerts": 0,
        "receiver": "tocsin",
        "status": "firing" if any(a["status"] == "firing" for a in alerts) else "resolved",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://am-1:9093",
        "alerts": list(alerts),
        **more,
    }
    return json.dumps(body, ensure_ascii=False).encode()


def at(moment: datetime) -> str:
    """A moment as a sender writes it."""
    return moment_text(moment) or ""


def site(**files: str) -> Config:
    """The small site's configuration."""
    return load(SITE)
