"""The routes of incidents: read, report, complete, act."""

import re
from typing import TYPE_CHECKING, Any

from agent.deciders.names import check_category
from agent.deciders.records import Stale
from agent.http import act_bodies, views
from agent.http.calls import Call, Result, Route
from agent.http.cursors import after
from agent.http.problems import Problem, not_found, problem_of
from agent.http.queries import IncidentsQuery, Paged
from agent.http.record_bodies import ArchiveMany, Edit, Report
from agent.http.render.plan import plan_of, plan_step
from agent.http.render.reader import ALERTS_LISTED, ALERTS_SHOWN
from agent.intents import Mark, PersonActed, PersonReported, RecordEdited
from agent.turn import NoSuchIncident
from correlation.act import check_state
from correlation.incident import Action, State, allowed
from correlation.need import Missing, NotNow
from correlation.permission import Actor, Forbidden, check, check_lowering, check_on_behalf, owns
from correlation.store import INCIDENT_FIELDS, incident_from
from correlation.tables import IncidentRow

if TYPE_CHECKING:
    from agent.http.api import Api

_ONE = "/api/v1/incidents/{number}"
_EDITS_ANY = frozenset({"desk", "pm"})


def act_routes(api: "Api") -> list[Route]:
    """The routes of incidents."""
    at = Incidents(api)
    one = views.IncidentView
    routes = [
        Route(
            "GET",
            "/api/v1/incidents",
            "list_incidents",
            "Incidents",
            at.list_incidents,
            views.Items[views.IncidentView],
            IncidentsQuery,
        ),
        Route(
            "POST",
            "/api/v1/incidents",
            "report_incident",
            "Report",
            at.report,
            one,
            body=Report,
            status=201,
        ),
        Route("GET", _ONE, "get_incident", "What it is", at.get, one),
        Route(
            "PATCH",
            _ONE,
            "edit_incident",
            "Complete the record",
            at.edit,
            one,
            body=Edit,
            if_match=True,
            finds=at.visible,
        ),
        Route(
            "GET", f"{_ONE}/timeline", "get_timeline", "What happened", at.timeline, views.Items[views.Happened], Paged
        ),
        Route(
            "GET",
            f"{_ONE}/why",
            "get_why",
            "Why each alert is here",
            at.why,
            views.Items[views.Explained],
            Paged,
        ),
        Route("GET", f"{_ONE}/plan", "get_plan", "What will fire when, and to whom", at.plan, views.Plan),
        Route(
            "POST",
            "/api/v1/incidents/archive",
            "archive_incidents",
            "Archive several",
            at.archive_many,
            views.ArchivedMany,
            body=ArchiveMany,
        ),
    ]
    for action, body in act_bodies.ACTS.items():
        name = str(action).replace("-", "_")
        routes.append(
            Route("POST", f"{_ONE}/{action}", name, act_bodies.SUMMARIES[action], at.acting(action), one, body=body)
        )
    return routes


class Incidents:
    """What the routes of incidents do."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    # reading

    async def list_incidents(self, call: Call) -> Result:
        rows, following = await self._api.reads.incidents(call.actor, call.query)
        shown = await self._reader(call).incidents(self._api.reads, rows, ALERTS_LISTED)
        return Result(views.Items[views.IncidentView](items=shown, next=following))

    async def get(self, call: Call) -> Result:
        return await self._shown(call, await self.visible(call))

    async def timeline(self, call: Call) -> Result:
        row, asked = await self.visible(call), call.query
        behind = after(asked.cursor, "timeline")
        rows, following = await self._api.reads.timeline(row.id, behind, asked.limit)
        reader = self._reader(call)
        return Result(
            views.Items[views.Happened](items=[reader.happened(r, row.reporter) for r in rows], next=following)
        )

    async def why(self, call: Call) -> Result:
        row, asked = await self.visible(call), call.query
        behind = after(asked.cursor, "why")
        pairs, following = await self._api.reads.episodes_of(row.id, behind, asked.limit)
        reader = self._reader(call)
        return Result(views.Items[views.Explained](items=[reader.explained(p, row) for p in pairs], next=following))

    async def plan(self, call: Call) -> Result:
        row = await self.visible(call)
        reader = self._reader(call)
        steps = [plan_step(reader, s, row) for s in await self._api.reads.steps(row.id)]
        return Result(plan_of(reader, row, steps))

    # changing

    async def report(self, call: Call) -> Result:
        if call.done is not None:
            return await self._reported(call, call.done)
        body = call.body(Report).facts()
        if call.actor.outside:
            body.pop("reported_at", None)
            body["reporter"] = call.actor.id
        incident = await self._api.pipeline.submit(PersonReported(body, call.actor, mark=call.mark))
        return await self._reported(call, incident.number)

    async def _reported(self, call: Call, number: str) -> Result:
        answer = await self._shown(call, await self._row(number), 201)
        where = f"{self._api.address(call.request)}/api/v1/incidents/{number}"
        return Result(answer.content, 201, {**answer.headers, "Location": where})

    async def edit(self, call: Call) -> Result:
        row = await self.visible(call)
        rights = call.actor.rights
        if not rights & _EDITS_ANY and not owns(call.actor, incident_of(row), await self._api.reads.paged(row.id)):
            raise Forbidden(f"the record is completed by desk, pm, l1 (own), l2 (own); {call.actor.id} does not own it")
        made_on = version_of(call)
        try:
            await self._api.pipeline.submit(RecordEdited(row.number, made_on, self._changes(call, row), call.actor))
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 422 and row.version != made_on:
                problem = problem_of(Stale(row.version))
            if problem.status == 409:
                problem.facts["made_on"] = made_on
            raise problem from None
        return await self._shown(call, await self._row(row.number))

    def _changes(self, call: Call, row: IncidentRow) -> dict[str, Any]:
        changes = call.body(Edit).changes()
        if changes.get("occurred_at", row) is None:
            raise Missing(["occurred_at"])
        return changes

    def acting(self, action: Action) -> Any:
        async def act(call: Call) -> Result:
            if call.done is None:
                await self._act(call.number, action, call, call.actor)
            return await self._shown(call, await self._row(call.number))

        return act

    async def _act(self, number: str, action: Action, call: Call, actor: Actor) -> None:
        """Check what was sent, then put it in line; refusals come in the order 404, 403, 409, 422."""
        try:
            body = call.body(act_bodies.ACTS[action])
        except Problem:
            await self._refuse_first(call, action)
            raise
        await self.submit(number, action, body, actor, call.mark)

    async def submit(
        self, number: str, action: Action, body: act_bodies.ActBody, actor: Actor, mark: Mark | None = None
    ) -> None:
        """Put an act in line. Raises what refuses it."""
        facts = body.facts()
        on_behalf_of = facts.pop("on_behalf_of", None)
        try:
            await self._api.pipeline.submit(PersonActed(number, action, facts, actor, on_behalf_of, mark=mark))
        except Missing as error:
            if set(error.fields) <= _ACTS:
                raise Problem(409, str(error), allowed=await self._allowed(number), missing=error.fields) from None
            given = _MOVING.get(action)
            if given in facts and error.fields == [given]:
                raise Problem(409, str(error), allowed=await self._allowed(number)) from None
            raise
        except NotNow as error:
            raise Problem(409, str(error), allowed=await self._allowed(number)) from None
        except NoSuchIncident as error:
            raise not_found(f"there is no incident {error.args[0]}") from None

    async def _allowed(self, number: str) -> list[str]:
        """The acts that are possible in its state."""
        return allowed(State((await self._row(number)).state))

    async def _refuse_first(self, call: Call, action: Action) -> None:
        """Raise what comes before a 422: the incident is not there, not theirs, or not in a state for it."""
        row = await self.visible(call)
        incident = incident_of(row)
        check(call.actor, action, incident, await self._api.reads.paged(row.id))
        sent = call.sent if isinstance(call.sent, dict) else {}
        if sent.get("on_behalf_of") is not None:
            check_on_behalf(call.actor)
        check_lowering(call.actor, action, incident, sent)
        check_state(incident, action, call.actor)

    async def archive_many(self, call: Call) -> Result:
        sent = call.body(ArchiveMany)
        check_category(self._api.get_config(), "final_category", sent.final_category)
        archived: list[str] = []
        refused: list[views.Refused] = []
        for number in dict.fromkeys(sent.numbers):
            try:
                row = await self._row(number)
                accept = sent.accept or (None if row.reporter else act_bodies.Accept(by=call.actor.id, via="archive"))
                if accept is not None and row.state == State.RESOLVED:
                    await self.submit(number, Action.ACCEPT, accept, call.actor)
                body = act_bodies.Archive(
                    final_category=sent.final_category or row.category or "unclassified",
                    final_severity=sent.final_severity or row.severity,
                )
                await self.submit(number, Action.ARCHIVE, body, call.actor)
            except Exception as error:
                problem = problem_of(error)
                if problem.status >= 500:
                    raise
                refused.append(views.Refused(number=number, status=problem.status, detail=problem.detail))
            else:
                archived.append(number)
        return Result(views.ArchivedMany(archived=archived, refused=refused))

    # finding

    async def _row(self, number: str) -> IncidentRow:
        row = await self._api.reads.incident(number)
        if row is None:
            raise not_found(f"there is no incident {number}")
        return row

    async def visible(self, call: Call) -> IncidentRow:
        """The incident of the path. Raises 404 where there is none, and where it is none of an outsider's."""
        row = await self._row(call.number)
        if call.actor.outside and not owns(
            call.actor, incident_of(row), await self._api.reads.paged(row.id), shared=True
        ):
            raise not_found(f"there is no incident {call.number}")
        return row

    def _reader(self, call: Call) -> Any:
        return self._api.reader(call.actor, call.request, call.now)

    async def _shown(self, call: Call, row: IncidentRow, status: int = 200) -> Result:
        reader = self._reader(call)
        (shown,) = await reader.incidents(self._api.reads, [row], ALERTS_SHOWN)
        shown.no_known_error = reader.no_known_error(row)
        return Result(shown, status, {"ETag": f'"{row.version}"'})


_ACTS = {str(action) for action in Action}
"""Where an act lacks another act that comes before it, it is not possible now (409)."""
_MOVING = {
    Action.SNOOZE: "until",
    Action.MERGE: "into",
    Action.LINK: "target",
    Action.SET_ROOT: "alert",
    Action.SPLIT: "alerts",
}
"""What is well written and yet not possible now: a moment that has passed, an incident that has ended (409)."""


def incident_of(row: IncidentRow) -> Any:
    """The incident of a row, as the deciders know it."""
    return incident_from(tuple(getattr(row, name) for name in INCIDENT_FIELDS))


_IF_MATCH = re.compile(r'^"?([0-9]{1,18})"?$')


def version_of(call: Call) -> int:
    """The version that an edit was made on."""
    sent = call.request.headers.get("If-Match")
    if sent is None:
        raise Missing(["If-Match"], "send the version that you edited as If-Match")
    found = _IF_MATCH.fullmatch(sent.strip())
    if found is None:
        raise Missing(["If-Match"], 'If-Match is the version of the record: "3"')
    return int(found[1])
