"""A wall clock that went back while nothing ran (reliability R12, decision 8): what waits comes no later for it."""

from datetime import datetime, timedelta
from typing import Any

import structlog

from agent.clock import TOLERATED
from agent.database import Compressed, Writer
from agent.evidence import commit_noted
from agent.group import INSERT_JOURNAL
from correlation.store import to_json

log = structlog.get_logger("daemon")
_LAST = "SELECT seq, at FROM journal ORDER BY seq DESC LIMIT 1"
_WAITING = (
    (
        "SELECT id, due_at, planned_at FROM step WHERE outcome = '' AND due_at IS NOT NULL",
        "UPDATE step SET due_at = ?, planned_at = ? WHERE id = ?",
    ),
    (
        "SELECT id, next_attempt_at, lease_until FROM page WHERE open",
        "UPDATE page SET next_attempt_at = ?, lease_until = ? WHERE id = ?",
    ),
    (
        "SELECT alert_id, expires_at, last_at FROM episode WHERE open AND expires_at IS NOT NULL",
        "UPDATE episode SET expires_at = ?, last_at = ? WHERE alert_id = ?",
    ),
)
"""What comes of itself, and by when: the steps that are due to come, pages to try again, alerts that expire."""


async def follow_wall(writer: Writer, now: datetime) -> timedelta:
    """Move what waits as far back as the wall is behind the last decision; return how far, 0 where it is not.

    How long nothing ran is not known then, and counts as nothing: a step comes late by that, and not by the jump.
    Raises StoreDown.
    """
    found = await writer.fetch(_LAST)
    behind = found[0][1] - now if found else timedelta()
    if behind <= TOLERATED:
        return timedelta()
    batch: list[tuple[str, list[tuple[Any, ...]]]] = []
    for select, update in _WAITING:
        rows = await writer.fetch(select)
        batch.append((update, [(_less(first, behind), _less(second, behind), row) for row, first, second in rows]))
    facts = {"behind_s": round(behind.total_seconds()), "moved": sum(len(rows) for _, rows in batch)}
    taken = (found[0][0] + 1, now, "clock", "", Compressed(to_json(facts).encode()))  # the next start counts from here
    rows = [(INSERT_JOURNAL, [taken]), *(part for part in batch if part[1])]
    await commit_noted(writer, rows, "agent", "clock went back", facts, now)
    log.warning("the wall clock went back while nothing ran: what waits was moved with it", **facts)
    return behind


def _less(moment: datetime | None, behind: timedelta) -> datetime | None:
    return None if moment is None else moment - behind
