"""Rounds over the API: what is to be made and when, and the record of one that was made (procedure R36, R37)."""

from typing import TYPE_CHECKING, Any

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agent.deciders.rounds import Record
from agent.http.bodies import Body, Text
from agent.http.calls import Call, Result, Route
from agent.http.queries import Paged
from agent.http.views import At, Items, View
from agent.intents import RoundMade
from correlation.incident import INSPECTION
from correlation.tables import IncidentRow
from escalation.notice import ROUND
from knowledge.store import LinkRow

if TYPE_CHECKING:
    from agent.http.api import Api


class MadeBody(Body):
    """A value for each item of the round: a number, true or false, or ok or fail."""

    values: dict[str, float | bool | str] = Field(min_length=1, max_length=200)
    note: Text | None = None


class RoundView(View):
    """A round, and by when its next record is due."""

    name: str
    owner: str
    windows: list[str]
    items: list[str]
    due_at: At | None


class RecordView(View):
    """The record of a round; `incidents` are those that its findings are registered as, linked with `record`."""

    record: str
    incidents: list[str]


def round_routes(api: "Api") -> list[Route]:
    """The routes of rounds."""
    at, base = Rounds(api), "/api/v1/rounds"
    return [
        Route("GET", base, "list_rounds", "Rounds that people make", at.rounds, Items[RoundView], Paged),
        Route(
            "POST",
            f"{base}/{{round}}",
            "record_round",
            "A round was made",
            at.made,
            RecordView,
            body=MadeBody,
            status=201,
        ),
    ]


class Rounds:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    async def rounds(self, call: Call) -> Result:
        pending = self._api.pipeline.desk.notices.pending
        shown = []
        for name, rule in self._api.get_config().rounds.items():
            due = pending.get((ROUND, name, 0))
            items = [item.key for item in rule.items]
            facts: dict[str, Any] = {"name": name, "owner": rule.owner, "windows": rule.windows, "items": items}
            shown.append(RoundView(**facts, due_at=due.due_at if due is not None else None))
        return Result(Items[RoundView](items=shown, next=None))

    async def made(self, call: Call) -> Result:
        sent: MadeBody = call.body(MadeBody)
        name = call.request.match_info["round"]
        record = call.done
        if record is None:
            intent = RoundMade(name, sent.values, call.actor, sent.note or "", mark=call.mark)
            made: Record = await self._api.pipeline.submit(intent)
            record = made.number
        linked = col(LinkRow.incident_id) == col(IncidentRow.id)
        wanted = (linked, col(LinkRow.kind) == INSPECTION, col(LinkRow.target) == record)
        async with AsyncSession(self._api.engine) as session:
            rows = (await session.exec(select(IncidentRow.number).where(*wanted).order_by(col(IncidentRow.id)))).all()
        return Result(RecordView(record=record, incidents=list(rows)), 201)
