"""A body as its receiver wants it: the texts of a JSON value have holes for what a page says."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from escalation.delivery import PageToSend
from escalation.recovery import is_end
from escalation.words import cut_bytes

_HOLE = re.compile(r"\{([a-z_]+)\}")
_LEAST_SEVERE = 4
HOLES = frozenset(
    {"subject", "text", "short", "title", "reason", "number", "severity", "priority", "link", "to", "person", "key"}
)


def check(body: Any) -> None:
    """Raise ValueError where a text names what a page does not say."""
    for text in _texts(body):
        for name in _HOLE.findall(text):
            if name not in HOLES:
                near = difflib.get_close_matches(name, HOLES, n=1)
                meant = f" (did you mean {{{near[0]}}}?)" if near else ""
                known = ", ".join(f"{{{hole}}}" for hole in sorted(HOLES))
                raise ValueError(f"a page has no {{{name}}}{meant}: write one of {known}")


def filled(body: Any, page: PageToSend, most_bytes: int) -> Any:
    """The body with what this page says; `{text}` has at most so many bytes.

    It is filled in one pass, so that braces which came with an alert stay what they are. A text that is one hole and
    nothing else becomes the value itself: severity and priority are numbers.
    """
    return _filled(body, _said(page, most_bytes))


def _filled(value: Any, said: Mapping[str, str | int]) -> Any:
    if isinstance(value, str):
        alone = _HOLE.fullmatch(value)
        return said[alone[1]] if alone else _HOLE.sub(lambda hole: str(said[hole[1]]), value)
    if isinstance(value, Mapping):
        return {key: _filled(inner, said) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, said) for inner in value]
    return value


def _said(page: PageToSend, most_bytes: int) -> dict[str, str | int]:
    message, payload = page.message, page.message.payload
    incident = payload.get("incident") or {}
    severity = incident.get("severity", _LEAST_SEVERE)
    links, reason = payload.get("links") or {}, payload.get("reason") or {}
    return {
        "subject": message.subject,
        "text": cut_bytes(message.text, most_bytes),
        "short": message.short,
        "title": incident.get("title") or message.subject,
        "reason": reason.get("text", ""),
        "number": page.incident,
        "severity": severity,
        "priority": 6 - (_LEAST_SEVERE if is_end(reason.get("code", "")) else severity),
        "link": links.get("acknowledge") or (links.get("console", "") if is_end(reason.get("code", "")) else ""),
        "to": page.to,
        "person": page.target,
        "key": page.key,
    }


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [text for part in inner for text in _texts(part)]


def plain_texts(body: Any) -> list[str]:
    """The texts that are the site's own: what may be secret among them."""
    return [text for text in _texts(body) if not _HOLE.search(text)]
