"""What the record of an incident adds up (procedure 4.15): escalations, files, and when its customer was last told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import func
from sqlalchemy import select as sa_select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from agent.storage.store import AttachmentRow
from correlation.tables import TimelineRow
from escalation.escalate import management_hops
from escalation.store import StepRow
from escalation.timetable import TimetableStep

_TOLD = "customer_told"
_HOPS = ("handed_over", "vendor_called")
"""An incident goes to another line or group, or to a vendor (procedure R12)."""


@dataclass
class Sums:
    """Of one incident; counted from what the store still holds."""

    functional: int = 0
    hierarchical: int = 0
    attachments: int = 0
    last_customer_update: datetime | None = None


async def sums_of(engine: AsyncEngine, incidents: Sequence[int]) -> dict[int, Sums]:
    """The sums of each of these incidents."""
    found = {number: Sums() for number in incidents}
    if not incidents:
        return found
    lines, files, taken = TimelineRow, AttachmentRow, StepRow
    happened = (
        sa_select(col(lines.incident_id), col(lines.kind), func.count(), func.max(col(lines.at)))
        .where(col(lines.incident_id).in_(incidents), col(lines.kind).in_([*_HOPS, _TOLD]))
        .group_by(col(lines.incident_id), col(lines.kind))
    )
    attached = (
        sa_select(col(files.incident_id), func.count())
        .where(col(files.incident_id).in_(incidents))
        .group_by(col(files.incident_id))
    )
    told = (
        sa_select(col(taken.incident_id), col(taken.definition), col(taken.repetition))
        .where(col(taken.incident_id).in_(incidents), col(taken.outcome).in_(["paged", "fallback"]))
        .order_by(col(taken.incident_id), col(taken.at), col(taken.id))
    )
    async with engine.connect() as connection:
        for number, kind, count, last_at in (await connection.execute(happened)).all():
            if kind == _TOLD:
                found[number].last_customer_update = last_at
            else:
                found[number].functional += count
        for number, count in (await connection.execute(attached)).all():
            found[number].attachments = count
        reached = (await connection.execute(told)).all()
    by_incident = {number: list(rows) for number, rows in groupby(reached, key=lambda row: row[0])}
    for number, rows in by_incident.items():
        steps = ((TimetableStep.model_validate_json(row.definition), row.repetition) for row in rows)
        found[number].hierarchical = management_hops(steps)
    return found
