"""Reading what strangers send: deep, broken, oversized or not JSON at all."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec

from collectors.alert import NotThisFormat
from collectors.labels import Labels, fingerprint

MAX_DEPTH = 64
MAX_LABELS, MAX_NAME, MAX_VALUE = 64, 1024, 4096
_MOST_DIGITS = 300
_KEPT = frozenset({"alertname", "severity", "instance", "job", "cluster"})
_MOST_HASHED = 65_536
"""Characters of labels of which Alertmanager's fingerprint is made; of more, a faster one."""
_ESCAPED = re.compile(rb"\\u(?:0000|[dD])")
_FINGERPRINT = re.compile("[0-9a-f]{16}").fullmatch
_UNSAFE = re.compile("[\ud800-\udfff\x00]")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def is_plain(body: bytes) -> bool:
    """Whether no string in it needs mending: no NUL, no surrogate escape, proper UTF-8."""
    if b"\\" in body and _ESCAPED.search(body) is not None:
        return False
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text, mended where that is possible.

    A byte order mark, broken UTF-8, lone surrogates and NUL are mended; NaN and Infinity become floats.
    Raises NotThisFormat where it is no JSON, or nested deeper than 64.
    """
    try:
        return msgspec.json.decode(body) if is_plain(body) and _depth(body) <= MAX_DEPTH else _read_broken(body)
    except (msgspec.DecodeError, RecursionError):
        return _read_broken(body)


def _read_broken(body: bytes) -> Any:
    if _depth(body) > MAX_DEPTH:
        raise NotThisFormat(f"the body is nested deeper than {MAX_DEPTH}")
    text = body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="replace")
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise NotThisFormat(f"the body is no JSON: {str(error)[:200]}") from error


def _integer(digits: str) -> int | float:
    """A number of thousands of digits is no reason to lose a message: it becomes what it is near to."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _depth(body: bytes) -> int:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    deepest = level = 0
    for found in _BRACKETS.finditer(body):
        mark = found[0]
        if mark in (b"[", b"{"):
            level += 1
            if level > deepest:
                deepest = level
                if deepest > MAX_DEPTH:
                    break
        elif mark in (b"]", b"}"):
            level -= 1
    return deepest


def clean(value: Any) -> str:
    """Return a value as text that both stores can keep: surrogates and NUL become U+FFFD."""
    if isinstance(value, str):
        return _UNSAFE.sub("\ufffd", value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)[:MAX_VALUE]
    return _UNSAFE.sub("\ufffd", json.dumps(value, ensure_ascii=False, default=str))


def clean_labels(labels: dict[str, Any], repairs: list[str]) -> dict[str, str]:
    """Return labels as strings within the limits, without empty ones; notes in `repairs` what was mended."""
    out: dict[str, str] = {}
    for name in sorted(labels) if len(labels) <= MAX_LABELS else _weightiest(labels):
        value = clean(labels[name])
        if not value:
            continue
        if not isinstance(labels[name], str) or value != labels[name] or clean(name) != name:
            repairs.append("label_mended")
        if len(value) > MAX_VALUE or len(name) > MAX_NAME:
            repairs.append("label_cut")
        out[clean(name)[:MAX_NAME]] = value[:MAX_VALUE]
    if len(labels) > MAX_LABELS:
        repairs.append("labels_dropped")
    return out


def _weightiest(labels: dict[str, Any]) -> list[str]:
    """The names that are kept of too many: first those by which alerts are named, ranked and told apart."""
    kept = sorted(sorted(labels), key=lambda name: name not in _KEPT)[:MAX_LABELS]
    return sorted(kept)


def identity(sent: Mapping[str, Any], labels: Labels, repairs: list[str]) -> str:
    """Return the fingerprint of an alert whose `sent` labels became `labels`.

    What was cut still tells two alerts apart: the hash is of everything that was sent, as Alertmanager makes it.
    """
    if not {"label_cut", "labels_dropped"} & set(repairs):
        return fingerprint(labels)
    whole = {clean(name): value for name in sent if (value := clean(sent[name]))}
    if sum(len(name) + len(value) for name, value in whole.items()) <= _MOST_HASHED:
        return fingerprint(whole)
    text = json.dumps(whole, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def clean_annotations(annotations: Any) -> dict[str, str]:
    """Return annotations as strings within the limits."""
    if not isinstance(annotations, dict):
        return {}
    return {clean(k)[:MAX_NAME]: clean(v)[:MAX_VALUE] for k, v in sorted(annotations.items(), key=str)[:MAX_LABELS]}


def is_fingerprint(text: Any) -> TypeGuard[str]:
    """Whether it is sixteen hex digits, as Alertmanager writes them."""
    return isinstance(text, str) and _FINGERPRINT(text) is not None
