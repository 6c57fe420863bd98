"""What the store holds of alerts: each firing, with what changes of it."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agent.http.cursors import cursor_of, page_of
from agent.http.reads.session import Reading
from correlation.board import Board
from correlation.tables import AlertRow, EpisodeRow, TouchRow
from escalation.page_facts import Described

WINDOW = 100_000
"""Rows that one request for alerts looks through at most; then it says where to go on."""

AlertPair = tuple[AlertRow, EpisodeRow]
ALERTS = (
    select(AlertRow, EpisodeRow, TouchRow)
    .join(EpisodeRow, col(EpisodeRow.alert_id) == col(AlertRow.id))
    .outerjoin(TouchRow, col(TouchRow.alert_id) == col(AlertRow.id))
)
"""Firings with what changes of them."""


def pairs_of(rows: Iterable[Any]) -> list[AlertPair]:
    """Rows of ALERTS, each episode as it was told last."""
    pairs = []
    for alert, episode, touch in rows:
        if touch is not None:
            set_committed_value(episode, "last_at", touch.last_at)
            set_committed_value(episode, "count", touch.count)
        pairs.append((alert, episode))
    return pairs


class AlertReads(Reading):
    """Firings, whatever became of them."""

    def __init__(self, engine: AsyncEngine, window: int = WINDOW) -> None:
        super().__init__(engine)
        self._window = window

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
            statement = ALERTS.where(*wanted).order_by(col(AlertRow.id).desc()).limit(limit + 1)
            found = pairs_of((await session.exec(statement)).all())
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
            rows = pairs_of((await session.exec(ALERTS.where(col(AlertRow.id).in_(ids)))).all())
            found += [r for r in rows if r[0].id < before and _decided(r[1], decision)]
            ids = {a.previous_id for a, _ in rows if a.previous_id}
        return sorted(found, key=lambda r: -r[0].id)[:limit]

    async def open_alerts(self) -> list[AlertPair]:
        """Everything that fires."""
        async with self._session() as session:
            statement = ALERTS.where(col(EpisodeRow.open).is_(True)).order_by(col(AlertRow.fingerprint))
            return pairs_of((await session.exec(statement)).all())

    async def annotations(self, alerts: Sequence[int]) -> dict[int, Described]:
        """What its sender tells of each alert beside the labels."""
        asked = select(AlertRow.id, AlertRow.annotations, AlertRow.generator_url).where(col(AlertRow.id).in_(alerts))
        async with self._session() as session:
            return {row: Described(json.loads(text), at) for row, text, at in (await session.exec(asked)).all()}


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
