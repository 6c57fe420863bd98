"""What the store holds of problems, changes and what they are linked with."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from agent.http.cursors import page_of
from agent.http.reads.session import Reading
from correlation.tables import IncidentRow
from knowledge.store import ChangeRow, LinkRow, ProblemRow

MOST_INCIDENTS = 50


class CaseReads(Reading):
    """Problems and changes, and the incidents that they are linked with."""

    async def reported(self, numbers: Iterable[str]) -> set[str]:
        """Of these incidents, those that a person reported."""
        wanted = select(IncidentRow.number).where(
            col(IncidentRow.number).in_(sorted(set(numbers))), col(IncidentRow.reporter).is_not(None)
        )
        async with self._session() as session:
            return set((await session.exec(wanted)).all())

    async def problem(self, number: str) -> ProblemRow | None:
        async with self._session() as session:
            return (await session.exec(select(ProblemRow).where(col(ProblemRow.number) == number))).first()

    async def change(self, number: str) -> ChangeRow | None:
        async with self._session() as session:
            return (await session.exec(select(ChangeRow).where(col(ChangeRow.number) == number))).first()

    async def problems(self, states: Sequence[str], before: int, limit: int) -> tuple[list[ProblemRow], str | None]:
        """Problems, newest first."""
        wanted: list[ColumnElement[bool]] = [col(ProblemRow.id) < before]
        if states:
            wanted.append(col(ProblemRow.state).in_(states))
        statement = select(ProblemRow).where(*wanted).order_by(col(ProblemRow.id).desc()).limit(limit + 1)
        async with self._session() as session:
            found = list((await session.exec(statement)).all())
        return page_of(found, "problems", limit, lambda row: row.id)

    async def changes(
        self, states: Sequence[str], incident: str | None, before: int, limit: int
    ) -> tuple[list[ChangeRow], str | None]:
        """Changes, newest first."""
        wanted: list[ColumnElement[bool]] = [col(ChangeRow.id) < before]
        if states:
            wanted.append(col(ChangeRow.state).in_(states))
        if incident is not None:
            wanted.append(col(ChangeRow.incident) == incident)
        statement = select(ChangeRow).where(*wanted).order_by(col(ChangeRow.id).desc()).limit(limit + 1)
        async with self._session() as session:
            found = list((await session.exec(statement)).all())
        return page_of(found, "changes", limit, lambda row: row.id)

    async def incidents_of(self, kind: str, target: str) -> list[str]:
        """The numbers of the newest incidents that are linked with something."""
        statement = (
            select(IncidentRow.number)
            .join(LinkRow, col(LinkRow.incident_id) == col(IncidentRow.id))
            .where(col(LinkRow.kind) == kind, col(LinkRow.target) == target)
            .order_by(col(IncidentRow.id).desc())
            .limit(MOST_INCIDENTS)
        )
        async with self._session() as session:
            return list((await session.exec(statement)).all())
