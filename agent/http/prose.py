"""What a known error says, as a page shows it: lines that were broken for an editor are joined, code is set as code."""

import html
import re
from unicodedata import east_asian_width

_BROKEN = re.compile(r"(?<=(.))\n[ \t]*(?=(\S))(?!(?:[-*+]|\d{1,3}[.)])\s)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = "```"


def prose(text: str) -> str:
    """The text as HTML; a list keeps its lines, and what is fenced stays as it was written."""
    joined = text if _FENCE in text else _BROKEN.sub(_joint, text)
    return _CODE.sub(r"<code>\1</code>", html.escape(joined))


def _joint(found: re.Match[str]) -> str:
    """What stands between the two lines: nothing where a Chinese character does."""
    return "" if any(east_asian_width(c) in "WF" for c in found.groups()) else " "
