"""Tocsin's own troubles are alerts too, of the origin `tocsin`: they open self-incidents by the same road."""

from collections.abc import Mapping
from datetime import datetime

from collectors.alert import Alert, Status, encode_labels
from collectors.labels import fingerprint
from collectors.moment import moment_text

ORIGIN = "tocsin"


def own_alert(
    name: str, labels: Mapping[str, str], summary: str, now: datetime, *, firing: bool = True, origin: str = ORIGIN
) -> Alert:
    """Return an alert of our own making; the same name and labels are the same alert."""
    all_labels = {"alertname": name, **labels}
    return Alert(
        origin=origin,
        fingerprint=fingerprint(all_labels),
        status=Status.FIRING if firing else Status.RESOLVED,
        starts_at=now,
        starts_text="" if not firing else moment_text(now) or "",
        ends_at=None if firing else now,
        ends_text="" if firing else moment_text(now) or "",
        labels_json=encode_labels(all_labels),
        annotations_json=encode_labels({"summary": summary}),
    )
