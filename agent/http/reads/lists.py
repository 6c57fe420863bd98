"""What the lists of the API show beside incidents and alerts: pages, runs of actions, dead letters, silences."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from agent.http.cursors import page_of
from agent.http.reads.session import Reading
from agent.storage.store import DeadLetterRow
from correlation.tables import SilenceRow
from escalation.store import PageRow
from knowledge.store import RunRow


class ListReads(Reading):
    """Rows of each list, and the cursor of the next page of it."""

    async def pages(
        self, incident: int | None, person: str | None, before: int, limit: int
    ) -> tuple[list[PageRow], str | None]:
        wanted: list[ColumnElement[bool]] = [col(PageRow.id) < before]
        if incident is not None:
            wanted.append(col(PageRow.incident_id) == incident)
        if person is not None:
            wanted.append(col(PageRow.person) == person)
        statement = select(PageRow).where(*wanted).order_by(col(PageRow.id).desc()).limit(limit + 1)
        async with self._session() as session:
            found = list((await session.exec(statement)).all())
        return page_of(found, "pages", limit, lambda row: row.id)

    async def run(self, run: int) -> RunRow | None:
        async with self._session() as session:
            return (await session.exec(select(RunRow).where(col(RunRow.id) == run))).first()

    async def runs(
        self, incident: str | None, states: Sequence[str], before: int, limit: int
    ) -> tuple[list[RunRow], str | None]:
        """Runs of actions, newest first."""
        wanted: list[ColumnElement[bool]] = [col(RunRow.id) < before]
        if incident is not None:
            wanted.append(col(RunRow.number) == incident)
        if states:
            wanted.append(col(RunRow.state).in_(states))
        statement = select(RunRow).where(*wanted).order_by(col(RunRow.id).desc()).limit(limit + 1)
        async with self._session() as session:
            found = list((await session.exec(statement)).all())
        return page_of(found, "runs", limit, lambda row: row.id)

    async def dead_letters(self, before: int, limit: int) -> tuple[list[DeadLetterRow], str | None]:
        statement = (
            select(DeadLetterRow)
            .where(col(DeadLetterRow.id) < before)
            .order_by(col(DeadLetterRow.id).desc())
            .limit(limit + 1)
        )
        async with self._session() as session:
            found = list((await session.exec(statement)).all())
        return page_of(found, "dead_letters", limit, lambda row: row.id)

    async def silences(self, ended_after: datetime) -> list[SilenceRow]:
        """Silences that hold, will hold, or ended later than that; newest first."""
        statement = (
            select(SilenceRow)
            .where(col(SilenceRow.ends_at) > ended_after)
            .order_by(col(SilenceRow.created_at).desc(), col(SilenceRow.id))
        )
        async with self._session() as session:
            return list((await session.exec(statement)).all())

    async def silence(self, silence_id: str) -> SilenceRow | None:
        async with self._session() as session:
            return (await session.exec(select(SilenceRow).where(col(SilenceRow.id) == silence_id))).first()
