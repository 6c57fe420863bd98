"""The files of incidents; what is in one is read by itself."""

from sqlalchemy import select as sa_select
from sqlmodel import col, select

from agent.http.reads.session import Reading
from agent.storage.store import AttachmentRow
from correlation.tables import IncidentRow

_COLUMNS = AttachmentRow.__table__.columns  # type: ignore[attr-defined]  # SQLModel adds it to table classes
_ATTACHMENT = [column for column in _COLUMNS if column.name != "content"]
"""All but what is in it."""


class AttachmentReads(Reading):
    """Files that were attached to incidents."""

    async def attachments(self, incident: int) -> list[AttachmentRow]:
        """The files of an incident without their content, oldest first."""
        statement = sa_select(*_ATTACHMENT).where(col(AttachmentRow.incident_id) == incident).order_by(_ATTACHMENT[0])
        async with self._engine.connect() as connection:
            return [AttachmentRow(**row._mapping) for row in (await connection.execute(statement)).all()]

    async def attachment(self, number: str, row_id: int) -> AttachmentRow | None:
        """One file of an incident without its content."""
        of = sa_select(col(IncidentRow.id)).where(col(IncidentRow.number) == number).scalar_subquery()
        statement = sa_select(*_ATTACHMENT).where(col(AttachmentRow.id) == row_id, col(AttachmentRow.incident_id) == of)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).first()
        return AttachmentRow(**row._mapping) if row is not None else None

    async def attachment_content(self, row_id: int) -> bytes:
        """What is in a file; nothing where it has gone meanwhile."""
        statement = select(AttachmentRow.content).where(col(AttachmentRow.id) == row_id)
        async with self._session() as session:
            return bytes((await session.exec(statement)).first() or b"")
