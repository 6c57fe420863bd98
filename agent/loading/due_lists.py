"""The incidents that a notice lists and the desk does not hold any more: read before it goes out."""

from datetime import datetime
from typing import Any

import msgspec

from agent.desk import Desk
from agent.intents import NoticeActed, NoticesDue
from agent.storage.writer import Writer
from escalation.notice import week_before
from escalation.store import NOTICE_BY_ID, notice_from

_COLUMNS = "number, title, severity, state, history, resolution"
_IN_STATE = f"SELECT {_COLUMNS} FROM incident WHERE state = ? ORDER BY id"  # noqa: S608 - our own text
_OF_WEEK = (
    f"SELECT {_COLUMNS} FROM incident WHERE source <> 'self' AND state <> 'cancelled' AND opened_at < ? AND "  # noqa: S608 - ours
    "(updated_at >= ? OR state NOT IN ('archived', 'out_of_scope')) ORDER BY id"
)
"""All that was open at some time of the week, or ended in it (procedure R85)."""


async def read_notices(desk: Desk, writer: Writer, intent: NoticesDue | NoticeActed) -> None:
    """Have the notice that somebody acts on, or the rows of each list that is due, on the desk. Raises StoreDown."""
    if isinstance(intent, NoticesDue):
        await _read_lists(desk, writer, intent.at)
        return
    for row in await writer.fetch(NOTICE_BY_ID, intent.notice):
        desk.notices.found[intent.notice] = notice_from(row)


async def _read_lists(desk: Desk, writer: Writer, at: datetime) -> None:
    for notice in desk.notices.due(at):
        rule = desk.config.notices.get(notice.name)
        if rule is None or notice.incident_id:
            continue
        if rule.kind == "list":
            rows = await writer.fetch(_IN_STATE, str(rule.list_))
        elif rule.kind == "callback":
            rows = await writer.fetch(_OF_WEEK, notice.due_at, week_before(notice.due_at))
        else:
            continue
        desk.notices.read[notice.id] = [_read(row) for row in rows]


def _read(row: tuple[Any, ...]) -> tuple[Any, ...]:
    number, title, severity, state, history, resolution = row
    return (number, title, severity, state, msgspec.json.decode(history), msgspec.json.decode(resolution))
