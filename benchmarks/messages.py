"""The bodies that the load client sends: Alertmanager's webhook for us, a list of alerts for Alertmanager itself."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from benchmarks.alerts import identity

PATHS = {"tocsin": "/webhooks/alertmanager/bench", "alertmanager": "/api/v2/alerts"}
"""What is spoken to, and where it takes alerts."""

_ENDED, _NEVER = "2026-11-02T12:00:00.000Z", "0001-01-01T00:00:00Z"
_GENERATOR = "http://prometheus.example.com:9090/graph?g0.expr=up"
_encode = msgspec.json.Encoder().encode


def bodies(
    kind: str, numbers: Sequence[int], batch: int, *, seed: int, events: int, resolved: bool
) -> Iterator[tuple[int, bytes]]:
    """Yield the messages for these identities, `batch` alerts in each: how many, and the JSON."""
    write = _write_webhook if kind == "tocsin" else _write_list
    written: dict[int, bytes] = {}
    for start in range(0, len(numbers), batch):
        part = numbers[start : start + batch]
        for number in part:
            if number not in written:
                written[number] = _encode(_alert(kind, number, seed, events, resolved))
        yield len(part), write([written[number] for number in part], resolved)


def _alert(kind: str, number: int, seed: int, events: int, resolved: bool) -> dict[str, Any]:
    labels, annotations, starts_at = identity(number, seed, events)
    alert = {"labels": labels, "annotations": annotations, "startsAt": starts_at, "generatorURL": _GENERATOR}
    if kind == "tocsin":
        alert |= {
            "status": "resolved" if resolved else "firing",
            "endsAt": _ENDED if resolved else _NEVER,
            "fingerprint": f"{number * 0x9E3779B97F4A7C15 + seed & (1 << 64) - 1:016x}",
        }
    elif resolved:
        alert["endsAt"] = _ENDED
    return alert


def _write_list(alerts: list[bytes], _: bool) -> bytes:
    return b"[" + b",".join(alerts) + b"]"


def _write_webhook(alerts: list[bytes], resolved: bool) -> bytes:
    head = _encode(
        {
            "version": "4",
            "groupKey": "{}:{}",
            "truncatedAlerts": 0,
            "status": "resolved" if resolved else "firing",
            "receiver": "tocsin",
            "groupLabels": {},
            "commonLabels": {"environment": "Production"},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.example.com:9093",
        }
    )
    return head[:-1] + b',"alerts":[' + b",".join(alerts) + b"]}"
