"""The routes of problems and changes (procedure R97-R104)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent.http import case_bodies as bodies
from agent.http import case_views as views
from agent.http.act_bodies import RaiseChange as RaiseFromIncident
from agent.http.acts import incident_of
from agent.http.calls import Call, Result, Route
from agent.http.cursors import before
from agent.http.masking import MASKED, hides_words
from agent.http.problems import not_found
from agent.http.queries import ChangesQuery, ProblemsQuery
from agent.http.reads.cases import CaseReads
from agent.http.render.stored import json_of
from agent.http.views import Items
from agent.intents import ChangeActed, ChangeRaised, PersonActed, ProblemActed, ProblemOpened
from agent.turn import AGENT
from correlation.incident import CHANGE, Action
from knowledge import change, problem
from knowledge.change import Change, ChangeAction
from knowledge.problem import ProblemAction, known_error_draft
from knowledge.store import ChangeRow, ProblemRow, change_from, problem_from

if TYPE_CHECKING:
    from agent.http.api import Api

_PROBLEMS, _CHANGES = "/api/v1/problems", "/api/v1/changes"


def case_routes(api: "Api") -> list[Route]:
    """The routes of problems and changes."""
    at = Cases(api)
    one, other = views.ProblemShown, views.ChangeShown
    routes = [
        Route("GET", _PROBLEMS, "list_problems", "Problems", at.problems, Items[views.ProblemShown], ProblemsQuery),
        Route("POST", _PROBLEMS, "open_problem", "Open a problem", at.open, one, body=bodies.OpenProblem, status=201),
        Route("GET", f"{_PROBLEMS}/{{problem}}", "get_problem", "What it is", at.problem, one),
        Route(
            "GET",
            f"{_PROBLEMS}/{{problem}}/known-error",
            "draft_known_error",
            "As a draft for the library",
            at.draft,
            views.KnownErrorDraft,
        ),
        Route("GET", _CHANGES, "list_changes", "Changes", at.changes, Items[views.ChangeShown], ChangesQuery),
        Route(
            "POST", _CHANGES, "request_change", "Raise a change", at.request, other, body=bodies.RaiseChange, status=201
        ),
        Route("GET", f"{_CHANGES}/{{change}}", "get_change", "What it is", at.change, other),
    ]
    for action, (body, says) in bodies.PROBLEM_ACTS.items():
        path = f"{_PROBLEMS}/{{problem}}/{action}"
        name = "take_up_problem" if action is ProblemAction.OPEN else f"{action}_problem"
        routes.append(Route("POST", path, name, says, at.acting_on_problem(action, body), one, body=body))
    for deed, (body, says) in bodies.CHANGE_ACTS.items():
        path, name = f"{_CHANGES}/{{change}}/{deed}", f"{deed}_change".replace("-", "_")
        routes.append(Route("POST", path, name, says, at.acting_on_change(deed, body), other, body=body))
    return routes


class Cases:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api
        self._reads = CaseReads(api.engine)

    # problems

    async def problems(self, call: Call) -> Result:
        asked: ProblemsQuery = call.query
        rows, following = await self._reads.problems(asked.state, before(asked.cursor, "problems"), asked.limit)
        shown = await self._seen(call, rows)
        return Result(Items[views.ProblemShown](items=shown, next=following))

    async def problem(self, call: Call) -> Result:
        (shown,) = await self._seen(call, [await self._problem_row(call)])
        return Result(shown)

    async def _seen(self, call: Call, rows: Sequence[ProblemRow]) -> list[views.ProblemShown]:
        """Problems as this person may see them: one that the agent opened has the title of its first incident."""
        shown = [self._problem(call, row) for row in rows]
        if hides_words(call.actor, None):
            taken = {p.number: p.incidents[0] for p in shown if p.opened_by == AGENT and p.incidents}
            reported = await self._reads.reported(taken.values())
            shown = [p.model_copy(update={"title": MASKED}) if taken.get(p.number) in reported else p for p in shown]
        return shown

    async def open(self, call: Call) -> Result:
        number = call.done
        if number is None:
            body = call.body(bodies.OpenProblem).facts()
            number = (await self._api.pipeline.submit(ProblemOpened(body, call.actor, mark=call.mark))).number
        row = await self._reads.problem(number)
        assert row is not None, "it was committed"
        return Result(self._problem(call, row), 201, {"Location": f"{_PROBLEMS}/{number}"})

    def acting_on_problem(self, action: ProblemAction, model: Any) -> Any:
        async def act(call: Call) -> Result:
            row = await self._problem_row(call)
            if call.done is not None:
                return Result(self._problem(call, row))
            problem.check(call.actor, action)
            state = problem.ProblemState(row.state)
            body = bodies.facts_of(call, model, lambda: problem.check_state(action, state))
            await self._api.pipeline.submit(ProblemActed(row.number, action, body, call.actor, mark=call.mark))
            return Result(self._problem(call, await self._problem_row(call)))

        return act

    async def draft(self, call: Call) -> Result:
        row = await self._problem_row(call)
        (seen,) = await self._seen(call, [row])
        found = problem_from(_values(row))
        found.title = seen.title
        number = next(iter(found.incidents), None)
        incident = await self._api.reads.incident(number) if number else None
        text = known_error_draft(found, incident.category if incident else "")
        name = found.known_error or found.number.lower()
        return Result(views.KnownErrorDraft(id=name, file=f"knowledge/{name}.md", text=text))

    async def _problem_row(self, call: Call) -> ProblemRow:
        number = call.request.match_info["problem"]
        row = await self._reads.problem(number)
        if row is None:
            raise not_found(f"there is no problem {number}")
        return row

    def _problem(self, call: Call, row: ProblemRow) -> views.ProblemShown:
        reader = self._api.reader(call.actor, call.request, call.now)
        same = {n: getattr(row, n) for n in views.ProblemShown.model_fields if n not in ("why", "incidents")}
        why = reader.why({"code": f"problem_{row.origin}", "facts": json_of(row.facts)})
        return views.ProblemShown(**same, why=why, incidents=json_of(row.incidents))

    # changes

    async def changes(self, call: Call) -> Result:
        asked: ChangesQuery = call.query
        rows, following = await self._reads.changes(
            asked.state, asked.incident, before(asked.cursor, "changes"), asked.limit
        )
        return Result(Items[views.ChangeShown](items=[_change(row) for row in rows], next=following))

    async def change(self, call: Call) -> Result:
        return Result(_change(await self._change_row(call)))

    async def request(self, call: Call) -> Result:
        sent = call.body(bodies.RaiseChange)
        if call.done is not None:
            number = await self._raised(call.done)
        elif sent.incident is None:
            made: Change = await self._api.pipeline.submit(ChangeRaised(sent.facts(), call.actor, mark=call.mark))
            number = made.number
        else:
            body = RaiseFromIncident(title=sent.title, risk=sent.risk, plan=sent.plan, back_out=sent.back_out)
            act = PersonActed(sent.incident, Action.RAISE_CHANGE, body.facts(), call.actor, mark=call.mark)
            incident = await self._api.pipeline.submit(act)
            number = incident.linked(CHANGE)[-1]
        row = await self._reads.change(number)
        assert row is not None, "it was committed"
        return Result(_change(row), 201, {"Location": f"{_CHANGES}/{number}"})

    async def _raised(self, number: str) -> str:
        """The change of this number, or the last one that the incident of this number asked for."""
        incident = await self._api.reads.incident(number)
        return incident_of(incident).linked(CHANGE)[-1] if incident is not None else number

    def acting_on_change(self, action: ChangeAction, model: Any) -> Any:
        async def act(call: Call) -> Result:
            row = await self._change_row(call)
            if call.done is not None:
                return Result(_change(row))
            change.check(call.actor, action, change_from(_values(row)))
            state = change.ChangeState(row.state)
            body = bodies.facts_of(call, model, lambda: change.check_state(action, state))
            await self._api.pipeline.submit(ChangeActed(row.number, action, body, call.actor, mark=call.mark))
            return Result(_change(await self._change_row(call)))

        return act

    async def _change_row(self, call: Call) -> ChangeRow:
        number = call.request.match_info["change"]
        row = await self._reads.change(number)
        if row is None:
            raise not_found(f"there is no change {number}")
        return row


def _change(row: ChangeRow) -> views.ChangeShown:
    return views.ChangeShown(**{name: getattr(row, name) for name in views.ChangeShown.model_fields})


def _values(row: ProblemRow | ChangeRow) -> tuple[Any, ...]:
    """The values of a row in the order of its columns."""
    return tuple(getattr(row, name) for name in type(row).model_fields)
