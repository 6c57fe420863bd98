"""What may be attached to an incident: sizes, and names and types that harm nobody who opens them."""

import re

from correlation.need import Missing
from correlation.refusal import Refusal

LARGEST = 10 * 1024 * 1024
"""Bytes of one attachment."""
MOST = 50 * 1024 * 1024
"""Bytes of all attachments of one incident."""
ANY_KIND = "application/octet-stream"
_SHOWN = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "application/zip", "text/csv"}
    | {"text/plain", "message/rfc822", "application/json", "application/gzip"}
)
"""Types that are served as what they are; nothing of them runs in a browser."""
_UNSAFE = re.compile('[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff"\\\\/:*?<>|]')
_LONGEST = 150


class TooMuch(Refusal):
    """The attachment is over a limit (413); the text is the rule."""


def check_size(size: int, there: int) -> None:
    """Raise TooMuch, or Missing for an empty file. `there`: bytes that are attached already."""
    if size == 0:
        raise Missing(["file"], "the attachment is empty: send its content as the body")
    if size > LARGEST:
        raise TooMuch(f"an attachment has at most {LARGEST // 1024**2} MiB; this one has {size} bytes")
    if there + size > MOST:
        left = max(0, MOST - there)
        most = f"the attachments of an incident have at most {MOST // 1024**2} MiB together"
        raise TooMuch(f"{most}; {left} bytes are left, and this one has {size}")


def safe_name(name: str) -> str:
    """A file name without a path, without what cannot be printed, and without a leading dot."""
    last = re.split(r"[/\\]", name)[-1]
    kept = " ".join(_UNSAFE.sub(" ", last).split()).lstrip(". ")
    if len(kept) > _LONGEST:
        stem, dot, ending = kept.rpartition(".")
        kept = f"{stem[: _LONGEST - 11]}{dot}{ending[:10]}" if dot else kept[:_LONGEST]
    return kept or "file"


def safe_kind(kind: str) -> str:
    """The type under which it is served: one that is only looked at, else bytes."""
    plain = kind.partition(";")[0].strip().lower()
    return plain if plain in _SHOWN else ANY_KIND
