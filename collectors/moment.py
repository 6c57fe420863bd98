"""Moments as senders write them, and as we write them."""

import re
from datetime import UTC, datetime, timedelta

from collectors.remembering import remembers

LONGEST_MOMENT = 64
ZERO_YEAR = "0001-01-01T00:00:00Z"
_MILLISECOND = timedelta(milliseconds=1)
_SIXTIETH = re.compile(r"(T\d\d:\d\d:)60")
_BEYOND = re.compile(r"9[0-9]{3}-[01][0-9]-[0-3][0-9]T")
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def parse_moment(text: str) -> datetime | None:
    """Return an RFC 3339 moment in UTC, cut to microseconds; None for "", year 1 and what is no moment.

    A moment without a zone is taken as UTC, a sixtieth second as the first of the next minute.
    """
    return _parsed(text) if len(text) <= LONGEST_MOMENT else None


def parse_end(text: str) -> datetime | None:
    """Return the end of something as `parse_moment` does; one beyond what can be kept is the last that can."""
    return _LATEST if _BEYOND.match(text) else parse_moment(text)


@remembers("moments", 4096)
def _parsed(text: str) -> datetime | None:
    if not text or text.startswith("0001-01-01"):
        return None
    leap = timedelta()
    if found := _SIXTIETH.search(text):
        text, leap = _SIXTIETH.sub(found[1] + "59", text), timedelta(seconds=1)
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)) + leap
    except (ValueError, OverflowError):
        return None
    return moment if _EARLIEST <= moment <= _LATEST else None


def moment_text(moment: datetime | None) -> str | None:
    """Return a moment as RFC 3339, UTC, `Z`, milliseconds."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def written_otherwise(text: str, moment: datetime) -> str | None:
    """How a moment was written, where that is not as we write it; else None."""
    return None if text == moment_text(moment) else text


def same_to_the_millisecond(a: datetime, b: datetime) -> bool:
    """Whether two moments may be one: Alertmanager's API cuts to milliseconds what its webhook says in full."""
    return abs(a - b) < _MILLISECOND
