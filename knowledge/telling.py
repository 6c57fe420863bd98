"""The conditions that an alert met, in words: the label, what it has, and of a long regex the beginning."""

from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST = 60
"""Characters of a value, or of a regex, that are told."""
_OPS = ("=~", "!~", "!=", "=")
_WORDS = {
    "=": ("{name} is {value}", "{name} 为 {value}"),
    "!=": ("{name} is not {value}", "{name} 不为 {value}"),
    "=~": ("{name} is {found}, which matches {value}", "{name} 为 {found}，匹配 {value}"),
    "!~": ("{name} does not match {value}", "{name} 不匹配 {value}"),
}
_NOTHING = {
    "=": ("it has no {name}", "没有 {name}"),
    "!=": ("it has a {name}", "有 {name}"),
    "=~": ("it has no {name}, which is allowed", "没有 {name}，允许如此"),
}


def told(facts: Mapping[str, Any], *, chinese: bool) -> Iterator[str]:
    """Each of the `predicates` that held, as a few words; `labels` are what they found.

    The exact condition stays in the facts. One that cannot be read is told as it stands.
    """
    found = facts.get("labels") or {}
    for written in facts["predicates"]:
        yield _in_words(str(written), found, chinese=chinese)


def _in_words(written: str, found: Mapping[str, str], *, chinese: bool) -> str:
    name, op, value = _read(written)
    if not op:
        return _cut(written)
    has = found.get(name, "")
    nothing = (not value and op in ("=", "!=")) or (op == "=~" and not has)
    said = (_NOTHING if nothing else _WORDS)[op][chinese]
    return said.format(name=name, value=_cut(value), found=_cut(has))


def _read(written: str) -> tuple[str, str, str]:
    """Name, operator and value of a matcher's text, as it writes itself: no regex is compiled for this."""
    cuts = [(place, op) for op in _OPS if (place := written.find(op)) > 0]
    if not cuts:
        return written, "", ""
    place, op = min(cuts, key=lambda cut: (cut[0], -len(cut[1])))
    value = written[place + len(op) :]
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return written[:place], op, value


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
