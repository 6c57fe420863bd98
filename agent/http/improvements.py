"""The register of improvements over the API (procedure R33)."""

from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agent.http.bodies import Body, Name, Number, Person, Text
from agent.http.calls import Call, Result, Route
from agent.http.case_bodies import Because, Title, facts_of
from agent.http.cursors import before, page_of
from agent.http.masking import MASKED, hides_words
from agent.http.problems import not_found
from agent.http.queries import Paged
from agent.http.views import At, Items, View
from agent.intents import ImprovementActed, ImprovementSuggested
from knowledge import improvement
from knowledge.improvement import Improvement, ImprovementAction, ImprovementState
from knowledge.store import ImprovementRow

if TYPE_CHECKING:
    from agent.http.api import Api

_BASE = "/api/v1/improvements"


class ImprovementsQuery(Paged):
    state: list[Literal["suggested", "accepted", "declined", "done"]] = []


class Suggest(Body):
    """What could be better, and why."""

    title: Title
    text: Text
    about: Name | None = None
    """What it is about: a figure, a service, a way of working."""
    incident: Number | None = None
    """The incident that showed it."""


class TakeOn(Body):
    owner: Person | None = None
    """Who sees to it."""
    reason: Text | None = None


class CameOfIt(Body):
    note: Text


class ImprovementShown(View):
    """A suggestion, who decided on it, and what came of it."""

    number: str
    title: str
    text: str
    about: str
    incident: str | None
    origin: str
    """person, review (the lessons of a major incident), callback (what an unsatisfied customer said)."""
    state: str
    """suggested, accepted, declined, done."""
    version: int
    suggested_by: str
    suggested_at: At
    owner: str | None
    decided_by: str | None
    decided_at: At | None
    reason: str
    outcome: str
    ended_at: At | None
    updated_at: At


ACTS: dict[ImprovementAction, tuple[type[Body], str]] = {
    ImprovementAction.ACCEPT: (TakeOn, "It will be done"),
    ImprovementAction.DECLINE: (Because, "It will not be done"),
    ImprovementAction.COMPLETE: (CameOfIt, "What came of it"),
}
"""The body of each act on a suggestion, and what the act says."""


def improvement_routes(api: "Api") -> list[Route]:
    """The routes of the register."""
    at, one = Improvements(api), ImprovementShown
    name = "list_improvements"
    routes = [
        Route("GET", _BASE, name, "Suggestions of improvement", at.listed, Items[ImprovementShown], ImprovementsQuery),
        Route("POST", _BASE, "suggest_improvement", "Suggest one", at.suggest, one, body=Suggest, status=201),
        Route("GET", f"{_BASE}/{{improvement}}", "get_improvement", "What it is", at.get, one),
    ]
    for action, (body, says) in ACTS.items():
        path = f"{_BASE}/{{improvement}}/{action}"
        routes.append(Route("POST", path, f"{action}_improvement", says, at.acting(action, body), one, body=body))
    return routes


class Improvements:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    async def listed(self, call: Call) -> Result:
        asked: ImprovementsQuery = call.query
        row = ImprovementRow
        wanted: list[ColumnElement[bool]] = [col(row.id) < before(asked.cursor, "improvements")]
        wanted += [col(row.state).in_(asked.state)] if asked.state else []
        statement = select(row).where(*wanted).order_by(col(row.id).desc()).limit(asked.limit + 1)
        async with AsyncSession(self._api.engine) as session:
            rows = list((await session.exec(statement)).all())
        page, following = page_of(rows, "improvements", asked.limit, lambda one: one.id)
        return Result(Items[ImprovementShown](items=[_shown(call, one) for one in page], next=following))

    async def get(self, call: Call) -> Result:
        return Result(_shown(call, await self._row(call.request.match_info["improvement"])))

    async def suggest(self, call: Call) -> Result:
        number = call.done
        if number is None:
            body = call.body(Suggest).facts()
            made: Improvement = await self._api.pipeline.submit(ImprovementSuggested(body, call.actor, mark=call.mark))
            number = made.number
        return Result(_shown(call, await self._row(number)), 201, {"Location": f"{_BASE}/{number}"})

    def acting(self, action: ImprovementAction, model: type[Body]) -> Any:
        async def act(call: Call) -> Result:
            row = await self._row(call.request.match_info["improvement"])
            if call.done is not None:
                return Result(_shown(call, row))
            state = ImprovementState(row.state)
            body = facts_of(call, model, lambda: improvement.check_state(action, state))
            await self._api.pipeline.submit(ImprovementActed(row.number, action, body, call.actor, mark=call.mark))
            return Result(_shown(call, await self._row(row.number)))

        return act

    async def _row(self, number: str) -> ImprovementRow:
        statement = select(ImprovementRow).where(col(ImprovementRow.number) == number)
        async with AsyncSession(self._api.engine) as session:
            row = (await session.exec(statement)).first()
        if row is None:
            raise not_found(f"there is no improvement {number}")
        return row


def _shown(call: Call, row: ImprovementRow) -> ImprovementShown:
    """As this person may see it: what people wrote is for whoever works on incidents."""
    shown = ImprovementShown(**{name: getattr(row, name) for name in ImprovementShown.model_fields})
    if not hides_words(call.actor, None):
        return shown
    words = {name: MASKED for name in ("title", "text", "reason", "outcome") if getattr(shown, name)}
    return shown.model_copy(update=words)
