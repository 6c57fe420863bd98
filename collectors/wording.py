"""What an alert says of itself in words, without the things that it names."""

import re
from collections.abc import Mapping

from collectors.labels import Labels, one_text

_SAYS = ("summary", "title", "message", "description")
_DESCRIBES = frozenset({"alertname", "severity", "level", "priority", "state", "status", "mode", "type", "reason"})
_ADDRESS, _NUMBER = re.compile(r"https?://\S+"), re.compile(r"\d+(?:[.,:]\d+)*")
_LONGEST = 200


def words_of(annotations: Mapping[str, str], labels: Labels) -> str:
    """The first of summary, title, message and description without values of labels, addresses and numbers; or ""."""
    said = next((text for name in _SAYS if (text := annotations.get(name, "").strip())), "")[:_LONGEST]
    said = _ADDRESS.sub(" ", said)
    named = {part for name, value in labels.items() if name not in _DESCRIBES for part in (value, value.split(":")[0])}
    for name in sorted((name for name in named if len(name) > 1), key=len, reverse=True):
        said = said.replace(name, " ")
    return one_text(" ".join(_NUMBER.sub(" ", said).split()))
