"""What Prometheus sends to an Alertmanager: `POST /api/v2/alerts`."""

from datetime import datetime, timedelta
from typing import Any

from collectors.alert import Alert, NotThisFormat, Parsed, Rejected, Status, encode_labels
from collectors.moment import moment_text, parse_end, parse_moment
from collectors.payload import MAX_VALUE, clean, clean_annotations, clean_labels, identity, is_fingerprint, read_json

RESOLVE_TIMEOUT = timedelta(minutes=5)


def parse(body: bytes, origin: str, now: datetime, _: Any = None) -> Parsed:
    """Return the valid alerts and the others each with its reason.

    An end in the past is a resolve; an end in the future is when the alert expires, unless it is told again.
    Raises NotThisFormat where the body is no JSON array.
    """
    found = read_json(body)
    if not isinstance(found, list):
        raise NotThisFormat("the body must be a JSON array of alerts, as Prometheus sends it to /api/v2/alerts")
    alerts: list[Alert] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(found):
        try:
            alerts.append(_alert(item, origin, now))
        except ValueError as error:
            rejected.append(Rejected(index, str(error), clean(item).encode()[:65_536]))
    return Parsed(alerts, rejected)


def _alert(item: Any, origin: str, now: datetime) -> Alert:
    if not isinstance(item, dict) or not isinstance(item.get("labels"), dict):
        raise ValueError("an alert must be an object with labels")
    repairs: list[str] = []
    labels = clean_labels(item["labels"], repairs)
    if not labels:
        raise ValueError("at least one label with a value is needed")
    starts_text, ends_text = clean(item.get("startsAt")), clean(item.get("endsAt"))
    starts_at = _checked(parse_moment(starts_text), starts_text, "startsAt")
    ends_at = _checked(parse_end(ends_text), ends_text, "endsAt")
    if starts_at is None:
        starts_at, repairs = min(ends_at or now, now), [*repairs, "no_start"]
        starts_text = ""
    if ends_at is not None and ends_at < starts_at:
        raise ValueError(f"it ends ({ends_text}) before it starts ({starts_text})")
    over = ends_at is not None and ends_at <= now
    return Alert(
        origin=origin,
        fingerprint=identity(item["labels"], labels, repairs),
        status=Status.RESOLVED if over else Status.FIRING,
        starts_at=starts_at,
        starts_text=starts_text,
        labels_json=encode_labels(labels),
        annotations_json=encode_labels(clean_annotations(item.get("annotations"))),
        ends_at=ends_at if over else None,
        ends_text=ends_text if over else "",
        expires_at=None if over else ends_at or now + RESOLVE_TIMEOUT,
        generator_url=clean(item.get("generatorURL"))[:MAX_VALUE],
        repairs=tuple(dict.fromkeys(repairs)),
    )


def _checked(moment: datetime | None, text: str, name: str) -> datetime | None:
    if moment is None and text and not text.startswith("0001-01-01"):
        raise ValueError(f"{name} is no moment: {text[:64]}")
    return moment


def active_alerts(items: Any, origin: str, now: datetime) -> list[Alert]:
    """Return what an Alertmanager's `GET /api/v2/alerts` says is firing, suppressed or not."""
    if not isinstance(items, list):
        raise NotThisFormat("GET /api/v2/alerts did not answer with a list")
    out = []
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("labels"), dict):
            continue
        repairs: list[str] = []
        labels = clean_labels(item["labels"], repairs)
        starts_text = clean(item.get("startsAt"))
        starts_at = parse_moment(starts_text)
        ends_at = parse_end(clean(item.get("endsAt")))
        if not labels or starts_at is None or (ends_at is not None and ends_at <= now):
            continue
        told = item.get("fingerprint")
        out.append(
            Alert(
                origin=origin,
                fingerprint=told if is_fingerprint(told) else identity(item["labels"], labels, repairs),
                status=Status.FIRING,
                starts_at=starts_at,
                starts_text=starts_text or moment_text(starts_at) or "",
                labels_json=encode_labels(labels),
                annotations_json=encode_labels(clean_annotations(item.get("annotations"))),
                generator_url=clean(item.get("generatorURL"))[:MAX_VALUE],
            )
        )
    return out
