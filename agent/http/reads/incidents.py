"""What the store holds of incidents; what is asked for is bounded, and values are never part of the text."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select

from agent.http.cursors import EPOCH, SORTS, cursor_of, page_of, says, states_of, visible_to
from agent.http.queries import IncidentsQuery
from agent.http.reads.alerts import ALERTS, AlertPair, pairs_of
from agent.http.reads.session import Reading
from agent.http.reads.sums import Sums, sums_of
from collectors.moment import parse_moment
from correlation.permission import Actor
from correlation.tables import AlertRow, EpisodeRow, IncidentRow, TimelineRow
from escalation.rota import RotaChange
from escalation.store import PageRow, RotaRow, StepRow
from knowledge.store import LinkRow


def _batched(values: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """The values in pieces: a statement takes only so many of them."""
    for start in range(0, len(values), most):
        yield values[start : start + most]


class IncidentReads(Reading):
    """Incidents and what belongs to each; the rota, by which people are told of them."""

    async def incident(self, number: str) -> IncidentRow | None:
        async with self._session() as session:
            return (await session.exec(select(IncidentRow).where(col(IncidentRow.number) == number))).first()

    async def merged(self, row: IncidentRow) -> list[IncidentRow]:
        """An incident and those that it was merged into, one after the other: the last has its alerts now."""
        chain = [row]
        while chain[-1].merged_into is not None:
            into = await self.incident(chain[-1].merged_into)
            if into is None or any(into.id == one.id for one in chain):
                break
            chain.append(into)
        return chain

    async def incidents(self, actor: Actor, asked: IncidentsQuery) -> tuple[list[IncidentRow], str | None]:
        """One page of the list that the actor may see, and the cursor of the next."""
        row = IncidentRow
        wanted: list[ColumnElement[bool]] = [visible_to(actor)]
        if states := states_of(asked.state):
            wanted.append(col(row.state).in_(sorted(states)))
        if asked.severity:
            wanted.append(col(row.severity).in_(asked.severity))
        if asked.group is not None:
            wanted.append(col(row.group) == asked.group)
        if asked.q:
            wanted.append(says(asked.q, actor))
        if (since := parse_moment(asked.since or "")) is not None:
            wanted.append(col(row.opened_at) >= since)
        if (updated_since := parse_moment(asked.updated_since or "")) is not None:
            wanted.append(col(row.updated_at) >= updated_since)
        key, order, after = SORTS[asked.sort](asked.cursor)
        if after is not None:
            wanted.append(after)
        statement = select(row).where(*wanted).order_by(*order).limit(asked.limit + 1)
        async with self._session() as session:
            found = list((await session.exec(statement)).all())
        more = len(found) > asked.limit
        found = found[: asked.limit]
        return found, cursor_of(asked.sort, getattr(found[-1], key), found[-1].id) if more else None

    async def alerts_of(self, incidents: Sequence[int], most: int) -> dict[int, list[AlertPair]]:
        """The alerts of each incident, those that fire first, then oldest first; at most `most` of each."""
        if not incidents:
            return {}
        place = func.row_number().over(
            partition_by=col(EpisodeRow.incident_id), order_by=(col(EpisodeRow.open).desc(), col(EpisodeRow.alert_id))
        )
        ranked = (
            select(EpisodeRow.alert_id, place.label("place"))
            .where(col(EpisodeRow.incident_id).in_(incidents))
            .subquery()
        )
        statement = (
            ALERTS.join(ranked, ranked.c.alert_id == col(AlertRow.id))
            .where(ranked.c.place <= most)
            .order_by(col(EpisodeRow.incident_id), ranked.c.place)
        )
        found: dict[int, list[AlertPair]] = {}
        async with self._session() as session:
            for alert, episode in pairs_of((await session.exec(statement)).all()):
                found.setdefault(episode.incident_id, []).append((alert, episode))
        return found

    async def roots_of(self, roots: Mapping[int, Mapping[str, Any]]) -> dict[int, AlertPair]:
        """The firing that is the root of each incident, by the incident."""
        if not roots:
            return {}
        fingerprints = {root["fingerprint"] for root in roots.values()}
        statement = ALERTS.where(
            col(EpisodeRow.incident_id).in_(list(roots)), col(AlertRow.fingerprint).in_(fingerprints)
        ).order_by(col(AlertRow.id))
        found: dict[int, AlertPair] = {}
        async with self._session() as session:
            for alert, episode in pairs_of((await session.exec(statement)).all()):
                root = roots[episode.incident_id]
                if (alert.origin, alert.fingerprint) == (root["origin"], root["fingerprint"]):
                    held = found.get(episode.incident_id)
                    if held is None or alert.starts_text == root["startsAt"]:
                        found[episode.incident_id] = alert, episode
        return found

    async def next_steps(self, incidents: Sequence[int]) -> dict[int, StepRow]:
        """The pending step of each incident that is due first."""
        if not incidents:
            return {}
        statement = (
            select(StepRow)
            .where(
                col(StepRow.incident_id).in_(incidents), col(StepRow.outcome) == "", col(StepRow.due_at).is_not(None)
            )
            .order_by(col(StepRow.due_at), col(StepRow.id))
        )
        found: dict[int, StepRow] = {}
        async with self._session() as session:
            for step in (await session.exec(statement)).all():
                found.setdefault(step.incident_id, step)
        return found

    async def links(self, incidents: Sequence[int]) -> dict[int, list[LinkRow]]:
        """What each of these incidents is linked with, oldest first."""
        if not incidents:
            return {}
        statement = (
            select(LinkRow)
            .where(col(LinkRow.incident_id).in_(incidents))
            .order_by(col(LinkRow.at), col(LinkRow.kind), col(LinkRow.target))
        )
        found: dict[int, list[LinkRow]] = {}
        async with self._session() as session:
            for row in (await session.exec(statement)).all():
                found.setdefault(row.incident_id, []).append(row)
        return found

    async def sums(self, incidents: Sequence[int]) -> dict[int, Sums]:
        """What the record of each of these incidents adds up."""
        return await sums_of(self._engine, incidents)

    async def steps(self, incident: int) -> list[StepRow]:
        """All steps of an incident, taken and to come, in the order in which they are due."""
        statement = select(StepRow).where(col(StepRow.incident_id) == incident)
        async with self._session() as session:
            rows = list((await session.exec(statement)).all())
        return sorted(rows, key=lambda s: (s.due_at is None, s.due_at or EPOCH, s.id))

    async def timeline(self, incident: int, after: int, limit: int) -> tuple[list[TimelineRow], str | None]:
        statement = (
            select(TimelineRow)
            .where(col(TimelineRow.incident_id) == incident, col(TimelineRow.id) > after)
            .order_by(col(TimelineRow.id))
            .limit(limit + 1)
        )
        async with self._session() as session:
            found = list((await session.exec(statement)).all())
        return page_of(found, "timeline", limit, lambda row: row.id)

    async def latest(self, incident: int, most: int) -> list[TimelineRow]:
        """The end of a timeline, the newest line first."""
        statement = (
            select(TimelineRow)
            .where(col(TimelineRow.incident_id) == incident)
            .order_by(col(TimelineRow.id).desc())
            .limit(most)
        )
        async with self._session() as session:
            return list((await session.exec(statement)).all())

    async def episodes_of(self, incident: int, after: int, limit: int) -> tuple[list[AlertPair], str | None]:
        """The alerts of an incident, oldest first."""
        statement = (
            ALERTS.where(col(EpisodeRow.incident_id) == incident, col(EpisodeRow.alert_id) > after)
            .order_by(col(AlertRow.id))
            .limit(limit + 1)
        )
        async with self._session() as session:
            found = pairs_of((await session.exec(statement)).all())
        return page_of(found, "why", limit, lambda pair: pair[0].id)

    async def paged(self, incident: int) -> set[str]:
        """Who was paged for an incident."""
        statement = select(PageRow.person).where(col(PageRow.incident_id) == incident).distinct()
        async with self._session() as session:
            return set((await session.exec(statement)).all())

    async def numbers(self, incidents: Sequence[int]) -> dict[int, str]:
        """The numbers of incidents by id."""
        if not incidents:
            return {}
        statement = select(IncidentRow.id, IncidentRow.number).where(col(IncidentRow.id).in_(set(incidents)))
        async with self._session() as session:
            return dict((await session.exec(statement)).all())

    async def incidents_by_id(self, incidents: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Number and group of incidents by id."""
        ids = set(incidents) - {0}
        found: dict[int, tuple[str, str]] = {}
        async with self._session() as session:
            for some in _batched(sorted(ids), 500):
                statement = select(IncidentRow.id, IncidentRow.number, IncidentRow.group)
                rows = await session.exec(statement.where(col(IncidentRow.id).in_(some)))
                found.update({row_id: (number, group) for row_id, number, group in rows.all()})
        return found

    async def rota(self, from_at: datetime, until: datetime | None, schedule: str | None) -> list[RotaChange]:
        """What lies over the rota somewhere between two instants (None: from then on), the oldest first."""
        wanted = [or_(col(RotaRow.until).is_(None), col(RotaRow.until) > from_at)]
        wanted += [col(RotaRow.from_at) < until] if until is not None else []
        wanted += [col(RotaRow.schedule) == schedule] if schedule is not None else []
        statement = select(RotaRow).where(*wanted).order_by(col(RotaRow.created_at), col(RotaRow.id))
        async with self._session() as session:
            return [RotaChange(**row.model_dump()) for row in (await session.exec(statement)).all()]
