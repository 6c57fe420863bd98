"""Tocsin's own troubles are alerts too, of the origin `tocsin`: they open self-incidents by the same road."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from collectors.alert import Alert, Status, encode_labels
from collectors.labels import fingerprint

ORIGIN = "tocsin"
BRIEFLY = timedelta(minutes=10)
"""A trouble of our own that is not told again for this long is over."""
LAPSING = frozenset({"DeadLetter", "HeldUpByFault", "StepReachedNobody", "StoreFailed"})
"""Troubles of our own that are told when they happen, and of which nobody tells that they are mended."""


def own_alert(
    name: str,
    labels: Mapping[str, str],
    summary: str,
    now: datetime,
    *,
    firing: bool = True,
    lasts: timedelta | None = None,
) -> Alert:
    """Return an alert of our own making; the same name and labels are the same alert, told again it is a duplicate.

    With `lasts` it ends by itself that long after it was told last: those of LAPSING do.
    """
    assert (lasts is None) is (name not in LAPSING), f"{name}: with `lasts` it stands in LAPSING, else it does not"
    all_labels = {"alertname": name, **labels}
    return Alert(
        origin=ORIGIN,
        fingerprint=fingerprint(all_labels),
        status=Status.FIRING if firing else Status.RESOLVED,
        starts_at=now,
        starts_text="",
        ends_at=None if firing else now,
        expires_at=now + lasts if lasts and firing else None,
        labels_json=encode_labels(all_labels),
        annotations_json=encode_labels({"summary": summary}),
    )
