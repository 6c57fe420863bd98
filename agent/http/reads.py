"""The API's reads, on the readers' engine; what is asked for is bounded, and values are never part of the text."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy import select as sa_select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agent.http.cursors import EPOCH, SORTS, cursor_of, page_of, says, visible_to
from agent.http.sums import Sums, sums_of
from agent.storage.store import AttachmentRow, DeadLetterRow
from correlation.board import Board
from correlation.permission import Actor
from correlation.tables import AlertRow, EpisodeRow, IncidentRow, SilenceRow, TimelineRow, TouchRow
from escalation.rota import RotaChange
from escalation.store import PageRow, RotaRow, StepRow
from knowledge.store import LinkRow, RunRow

WINDOW = 100_000
"""Rows that one request for alerts looks through at most; then it says where to go on."""

AlertPair = tuple[AlertRow, EpisodeRow]


def batched(values: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """The values in pieces: a statement takes only so many of them."""
    for start in range(0, len(values), most):
        yield values[start : start + most]


class Reads:
    """Each method is one read transaction."""

    def __init__(self, engine: AsyncEngine, window: int = WINDOW) -> None:
        self._engine, self._window = engine, window

    def _session(self) -> AsyncSession:
        return AsyncSession(self._engine, expire_on_commit=False)

    # incidents

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

    async def incidents(
        self,
        actor: Actor,
        *,
        states: set[str],
        severities: Sequence[int],
        group: str | None,
        q: str | None,
        since: datetime | None,
        updated_since: datetime | None,
        sort: str,
        limit: int,
        cursor: str | None,
    ) -> tuple[list[IncidentRow], str | None]:
        """One page of the list and the cursor of the next."""
        row = IncidentRow
        wanted: list[ColumnElement[bool]] = [visible_to(actor)]
        if states:
            wanted.append(col(row.state).in_(sorted(states)))
        if severities:
            wanted.append(col(row.severity).in_(severities))
        if group is not None:
            wanted.append(col(row.group) == group)
        if q:
            wanted.append(says(q, actor))
        if since is not None:
            wanted.append(col(row.opened_at) >= since)
        if updated_since is not None:
            wanted.append(col(row.updated_at) >= updated_since)
        key, order, after = SORTS[sort](cursor)
        if after is not None:
            wanted.append(after)
        statement = select(row).where(*wanted).order_by(*order).limit(limit + 1)
        async with self._session() as session:
            found = list((await session.exec(statement)).all())
        more = len(found) > limit
        found = found[:limit]
        return found, cursor_of(sort, getattr(found[-1], key), found[-1].id) if more else None

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
            _ALERTS.join(ranked, ranked.c.alert_id == col(AlertRow.id))
            .where(ranked.c.place <= most)
            .order_by(col(EpisodeRow.incident_id), ranked.c.place)
        )
        found: dict[int, list[AlertPair]] = {}
        async with self._session() as session:
            for alert, episode in _pairs((await session.exec(statement)).all()):
                found.setdefault(episode.incident_id, []).append((alert, episode))
        return found

    async def roots_of(self, roots: Mapping[int, Mapping[str, Any]]) -> dict[int, AlertPair]:
        """The firing that is the root of each incident, by the incident."""
        if not roots:
            return {}
        fingerprints = {root["fingerprint"] for root in roots.values()}
        statement = _ALERTS.where(
            col(EpisodeRow.incident_id).in_(list(roots)), col(AlertRow.fingerprint).in_(fingerprints)
        ).order_by(col(AlertRow.id))
        found: dict[int, AlertPair] = {}
        async with self._session() as session:
            for alert, episode in _pairs((await session.exec(statement)).all()):
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

    async def annotations(self, alerts: Sequence[int]) -> dict[int, dict[str, str]]:
        """What its sender wrote beside the labels of each alert."""
        statement = select(AlertRow.id, AlertRow.annotations).where(col(AlertRow.id).in_(alerts))
        async with self._session() as session:
            return {row_id: json.loads(text) for row_id, text in (await session.exec(statement)).all()}

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
            _ALERTS.where(col(EpisodeRow.incident_id) == incident, col(EpisodeRow.alert_id) > after)
            .order_by(col(AlertRow.id))
            .limit(limit + 1)
        )
        async with self._session() as session:
            found = _pairs((await session.exec(statement)).all())
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
            for some in batched(sorted(ids), 500):
                statement = select(IncidentRow.id, IncidentRow.number, IncidentRow.group)
                rows = await session.exec(statement.where(col(IncidentRow.id).in_(some)))
                found.update({row_id: (number, group) for row_id, number, group in rows.all()})
        return found

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

    # alerts

    async def alerts(
        self, board: Board, origin: str | None, fingerprint: str | None, decision: str | None, before: int, limit: int
    ) -> tuple[list[AlertPair], str | None]:
        """Firings, newest first. One request looks through a window of rows; fewer than `limit` may come.

        There is no index on the fingerprint: what lies further back than the window is found from the board, along
        `previous_id`.
        """
        async with self._session() as session:
            newest = (await session.exec(select(func.max(AlertRow.id)))).one() or 0
            start = min(before, newest + 1)
            floor = max(0, start - self._window)
            wanted = [col(AlertRow.id) < start, col(AlertRow.id) >= floor, *_asked(origin, fingerprint, decision)]
            statement = _ALERTS.where(*wanted).order_by(col(AlertRow.id).desc()).limit(limit + 1)
            found = _pairs((await session.exec(statement)).all())
            if len(found) <= limit and fingerprint is not None and floor > 0:
                found += await self._walk(session, board, origin, fingerprint, decision, floor, limit + 1 - len(found))
                return page_of(found, "alerts", limit, lambda pair: pair[0].id)
        shown, following = page_of(found, "alerts", limit, lambda pair: pair[0].id)
        return shown, following or (cursor_of("alerts", None, floor) if floor > 0 else None)

    async def _walk(
        self,
        session: AsyncSession,
        board: Board,
        origin: str | None,
        fingerprint: str,
        decision: str | None,
        before: int,
        limit: int,
    ) -> list[AlertPair]:
        """Go back along the firings of an alert, to those older than `before`."""
        held = [e for e in (*board.episodes.values(), *board.suspects.values()) if e.fingerprint == fingerprint]
        ids = {e.id for e in held if origin is None or e.origin == origin}
        found: list[AlertPair] = []
        for _ in range(WINDOW // 100):
            if not ids or len(found) >= limit:
                break
            rows = _pairs((await session.exec(_ALERTS.where(col(AlertRow.id).in_(ids)))).all())
            found += [r for r in rows if r[0].id < before and _decided(r[1], decision)]
            ids = {a.previous_id for a, _ in rows if a.previous_id}
        return sorted(found, key=lambda r: -r[0].id)[:limit]

    async def open_alerts(self) -> list[AlertPair]:
        """Everything that fires."""
        async with self._session() as session:
            statement = _ALERTS.where(col(EpisodeRow.open).is_(True)).order_by(col(AlertRow.fingerprint))
            return _pairs((await session.exec(statement)).all())

    # pages, letters, silences

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

    async def rota(self, from_at: datetime, until: datetime | None, schedule: str | None) -> list[RotaChange]:
        """What lies over the rota somewhere between two instants (None: from then on), the oldest first."""
        wanted = [or_(col(RotaRow.until).is_(None), col(RotaRow.until) > from_at)]
        wanted += [col(RotaRow.from_at) < until] if until is not None else []
        wanted += [col(RotaRow.schedule) == schedule] if schedule is not None else []
        statement = select(RotaRow).where(*wanted).order_by(col(RotaRow.created_at), col(RotaRow.id))
        async with self._session() as session:
            return [RotaChange(**row.model_dump()) for row in (await session.exec(statement)).all()]

    async def silence(self, silence_id: str) -> SilenceRow | None:
        async with self._session() as session:
            return (await session.exec(select(SilenceRow).where(col(SilenceRow.id) == silence_id))).first()


_ATTACHMENT = [c for c in AttachmentRow.__table__.columns if c.name != "content"]  # type: ignore[attr-defined]
_ALERTS = (
    select(AlertRow, EpisodeRow, TouchRow)
    .join(EpisodeRow, col(EpisodeRow.alert_id) == col(AlertRow.id))
    .outerjoin(TouchRow, col(TouchRow.alert_id) == col(AlertRow.id))
)
"""Firings with what changes of them."""


def _pairs(rows: Iterable[Any]) -> list[AlertPair]:
    """Rows of _ALERTS, each episode as it was told last."""
    pairs = []
    for alert, episode, touch in rows:
        if touch is not None:
            set_committed_value(episode, "last_at", touch.last_at)
            set_committed_value(episode, "count", touch.count)
        pairs.append((alert, episode))
    return pairs


def _asked(origin: str | None, fingerprint: str | None, decision: str | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if origin is not None:
        wanted.append(col(AlertRow.origin) == origin)
    if fingerprint is not None:
        wanted.append(col(AlertRow.fingerprint) == fingerprint)
    if decision == "duplicate":
        wanted.append(func.coalesce(col(TouchRow.count), col(EpisodeRow.count)) > 1)
    elif decision is not None:
        wanted.append(col(EpisodeRow.decision).in_(_STORED.get(decision, (decision,))))
    return wanted


_STORED = {"suppressed": ("suppressed", "heartbeat")}
"""A heartbeat is suppressed for being one."""


def _decided(episode: EpisodeRow, decision: str | None) -> bool:
    if decision == "duplicate":
        return episode.count > 1
    return decision is None or episode.decision in _STORED.get(decision, (decision,))


def json_of(text: str | None) -> Any:
    """A column of JSON text."""
    return None if text is None else json.loads(text)
