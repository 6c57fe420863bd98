"""Malformed messages, made from good ones by seeded mutators, and what can be read in them."""

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from collectors.payload import MAX_DEPTH
from tests.house import alert, message

MARK = re.compile(r"mark-\d+-\d+")
_TIMES = (
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "2026-03-02T23:59:60Z",
    "2026-03-02T24:00:00Z",
    "2026-03-02T09:00:00",
    "yesterday",
    1_772_442_000,
    "Mon, 02 Mar 2026 09:00:00 CET",
    "",
    None,
)
_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", str(2**63), "-" + "9" * 5000, "9" * 5000, "-0", "0.1e-999")
_STRINGS = (r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', '"\\ufeff"', '"\u202eabc"', '"' + "x" * 1_000_000 + '"', '""')
_OTHERS = ("1", "-1.5", "true", "null", "[]", "{}", '"x"', '[{"a": [1]}]', '{"a": {"b": null}}')


@dataclass
class Malformed:
    """One request body with its headers, and how it was made."""

    how: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def base(number: int, rng: random.Random) -> dict[str, Any]:
    """A message of one to five alerts, each with a mark of its own."""
    alerts = []
    for k in range(rng.randint(1, 5)):
        labels = {"alertname": rng.choice(["Disk", "Host", "Net"]), "mark": f"mark-{number}-{k}", "job": "j"}
        ended = {"ends": "2026-03-02T08:59:30Z"} if rng.random() < 0.2 else {}
        alerts.append(alert(labels, **ended))
    made: dict[str, Any] = json.loads(message(*alerts))
    return made


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*here, key)
        yield from paths(inner, (*here, key))


def _parent(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


_HOLE = "@@hole@@"


def _with(told: dict[str, Any], path: tuple[Any, ...], text: str) -> bytes:
    """The message with a piece of JSON text in this place."""
    _parent(told, path)[path[-1]] = _HOLE
    return json.dumps(told, ensure_ascii=False).replace(f'"{_HOLE}"', text).encode("utf-8", "surrogatepass")


def _put(texts: tuple[str, ...]) -> Callable[[dict[str, Any], random.Random], bytes]:
    def put(told: dict[str, Any], rng: random.Random) -> bytes:
        return _with(told, rng.choice(list(paths(told))), rng.choice(texts))

    return put


def _cut(told: dict[str, Any], rng: random.Random) -> bytes:
    body = json.dumps(told).encode()
    return body[: rng.randrange(len(body))]


def _flip(told: dict[str, Any], rng: random.Random) -> bytes:
    body = bytearray(json.dumps(told).encode())
    for _ in range(rng.randint(1, 3)):
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return bytes(body)


def _lose_key(told: dict[str, Any], rng: random.Random) -> bytes:
    path = rng.choice(list(paths(told)))
    del _parent(told, path)[path[-1]]
    return json.dumps(told).encode()


def _rename_key(told: dict[str, Any], rng: random.Random) -> bytes:
    path = rng.choice([p for p in paths(told) if isinstance(p[-1], str)])
    held = _parent(told, path)
    held[path[-1].upper()] = held.pop(path[-1])
    return json.dumps(told).encode()


def _twice(told: dict[str, Any], rng: random.Random) -> bytes:
    key = rng.choice(["status", "labels", "startsAt", "alerts", "version"])
    body = json.dumps(told)
    return body.replace(f'"{key}":', f'"{key}": {rng.choice(_OTHERS)}, "{key}":', 1).encode()


def _time(told: dict[str, Any], rng: random.Random) -> bytes:
    rng.choice(told["alerts"])[rng.choice(["startsAt", "endsAt"])] = rng.choice(_TIMES)
    return json.dumps(told).encode()


def _deep(told: dict[str, Any], rng: random.Random) -> bytes:
    depth = rng.choice([1, 10, 60, 63, 64, 65, 1000, 5000])
    opening, closing = rng.choice([("[", "]"), ('{"a":', "}")])
    return _with(told, rng.choice(list(paths(told))), opening * depth + "1" + closing * depth)


def _status(told: dict[str, Any], rng: random.Random) -> bytes:
    rng.choice(told["alerts"])["status"] = rng.choice(["", "FIRING", "pending", "Resolved", "suppressed"])
    return json.dumps(told).encode()


def _fingerprint(told: dict[str, Any], rng: random.Random) -> bytes:
    for one in told["alerts"]:
        one["fingerprint"] = rng.choice(["", "0000000000000000", "zz", "0" * 17, "abcdefabcdefabcd"])
    return json.dumps(told).encode()


def _version(told: dict[str, Any], rng: random.Random) -> bytes:
    told["version"] = rng.choice(["5", "3", 4, 4.0, "", None, "4 ", ["4"]])
    return json.dumps(told).encode()


def _alerts(told: dict[str, Any], rng: random.Random) -> bytes:
    told["alerts"] = rng.choice([[], {}, None, "x", told["alerts"] * 200])
    return json.dumps(told).encode()


def _encoded(told: dict[str, Any], rng: random.Random) -> bytes:
    text = json.dumps(told, ensure_ascii=False)
    return text.encode(rng.choice(["utf-16", "utf-8-sig"]))


def _bytes(told: dict[str, Any], rng: random.Random) -> bytes:
    body = json.dumps(told).encode()
    at = rng.randrange(len(body))
    return body[:at] + rng.choice([b"\xff", b"\xed\xa0\x80", b"\x00", b"\xc0\x80", b"\xf8"]) + body[at:]


MUTATORS: tuple[tuple[str, Callable[[dict[str, Any], random.Random], bytes]], ...] = (
    ("cut off", _cut),
    ("flipped bits", _flip),
    ("a key lost", _lose_key),
    ("a key renamed", _rename_key),
    ("a key twice", _twice),
    ("another type", _put(_OTHERS)),
    ("a strange number", _put(_NUMBERS)),
    ("a strange string", _put(_STRINGS)),
    ("a strange time", _time),
    ("nested", _deep),
    ("an unknown status", _status),
    ("a forged fingerprint", _fingerprint),
    ("another version", _version),
    ("other alerts", _alerts),
    ("another encoding", _encoded),
    ("strange bytes", _bytes),
)
_HEADERS: tuple[dict[str, str], ...] = (
    {"Content-Type": "text/plain"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "br"},
    {"Content-Type": "application/json; charset=utf-16"},
)


def malformed(count: int, seed: int) -> Iterator[Malformed]:
    """So many bodies, the same for the same seed."""
    rng = random.Random(seed)
    for number in range(count):
        how, mutate = MUTATORS[number % len(MUTATORS)]
        headers = rng.choice(_HEADERS) if rng.random() < 0.05 else {}
        yield Malformed(how, mutate(base(number, rng), rng), headers)


def salvageable(body: bytes) -> set[str] | None:
    """The marks of the alerts that an honest reader finds in a body; None: it is no message at all."""
    told = _lenient(body)
    if not isinstance(told, dict) or str(told.get("version")) != "4" or not isinstance(told.get("alerts"), list):
        return None
    labels = [one.get("labels") for one in told["alerts"] if isinstance(one, dict)]
    marks = [found["mark"] for found in labels if isinstance(found, dict) and isinstance(found.get("mark"), str)]
    return {mark for mark in marks if MARK.fullmatch(mark)}


def too_deep(body: bytes) -> bool:
    """Whether a body nests deeper than is taken."""
    return _depth(_lenient(body)) > MAX_DEPTH


def _lenient(body: bytes) -> Any:
    encoding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return json.loads(body.decode(encoding, "replace"), parse_int=lambda digits: digits)
    except (ValueError, RecursionError):
        return None


def _depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(_depth, inside), default=0)
