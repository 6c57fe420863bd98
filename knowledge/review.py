"""Which known errors are due to be read again: what was true of a machine last year need not be true of it now."""

from collections.abc import Iterable
from datetime import datetime

from knowledge.known_error import KnownError


def overdue(entries: Iterable[KnownError], now: datetime) -> list[KnownError]:
    """Return the entries in force whose `review_at` is a day before that of `now` (UTC), the longest overdue first.

    An entry without `review_at` is never overdue: nobody has promised to read it again.
    """
    today = now.date()
    late = [(due, entry) for entry in entries if (due := entry.review_at) and due < today and entry.in_force]
    return [entry for _, entry in sorted(late, key=lambda one: (one[0], one[1].id))]
