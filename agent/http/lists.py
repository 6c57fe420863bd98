"""The other routes of v1: alerts, pages, dead letters, and who is on call."""

from typing import TYPE_CHECKING, Any

from agent.http import list_views, views
from agent.http.calls import Call, Result, Route
from agent.http.cursors import before
from agent.http.queries import AlertsQuery, OnCallQuery, Paged, PagesQuery
from agent.http.reads.alerts import AlertReads
from agent.http.reads.lists import ListReads
from agent.http.render.lists import alert_shown, dead_letter_shown, page_shown
from agent.http.rota import on_call_at
from collectors.moment import parse_moment

if TYPE_CHECKING:
    from agent.http.api import Api


def list_routes(api: "Api") -> list[Route]:
    at = Lists(api)
    v1 = "/api/v1"
    return [
        Route(
            "GET", f"{v1}/alerts", "list_alerts", "Alerts", at.alerts, views.Items[list_views.AlertView], AlertsQuery
        ),
        Route("GET", f"{v1}/pages", "list_pages", "Pages", at.pages, views.Items[list_views.PageView], PagesQuery),
        Route(
            "GET",
            f"{v1}/dead-letters",
            "list_dead_letters",
            "What could not be taken",
            at.dead_letters,
            views.Items[list_views.DeadLetterView],
            Paged,
        ),
        Route("GET", f"{v1}/oncall", "get_oncall", "Who is on call", at.oncall, list_views.OnCallView, OnCallQuery),
        Route("GET", f"{v1}/me", "get_me", "Who I am", at.me, list_views.Me),
    ]


class Lists:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api, self._alerts, self._rows = api, AlertReads(api.engine), ListReads(api.engine)

    def _reader(self, call: Call) -> Any:
        return self._api.reader(call.actor, call.request, call.now)

    async def alerts(self, call: Call) -> Result:
        asked: AlertsQuery = call.query
        pairs, following = await self._alerts.alerts(
            self._api.pipeline.desk.board,
            asked.origin,
            asked.fingerprint,
            asked.decision,
            before(asked.cursor, "alerts"),
            asked.limit,
        )
        numbers = await self._api.reads.numbers([e.incident_id for _, e in pairs])
        reader = self._reader(call)
        return Result(
            views.Items[list_views.AlertView](items=[alert_shown(reader, p, numbers) for p in pairs], next=following)
        )

    async def pages(self, call: Call) -> Result:
        asked: PagesQuery = call.query
        incident = None
        if asked.incident is not None:
            row = await self._api.reads.incident(asked.incident)
            if row is None:
                return Result(views.Items[list_views.PageView](items=[]))
            incident = row.id
        rows, following = await self._rows.pages(incident, asked.person, before(asked.cursor, "pages"), asked.limit)
        numbers = await self._api.reads.numbers([r.incident_id for r in rows])
        reader = self._reader(call)
        return Result(
            views.Items[list_views.PageView](items=[page_shown(reader, r, numbers) for r in rows], next=following)
        )

    async def dead_letters(self, call: Call) -> Result:
        rows, following = await self._rows.dead_letters(before(call.query.cursor, "dead_letters"), call.query.limit)
        masked = self._api.reader(call.actor, call.request, call.now).is_masked(None)
        shown = [dead_letter_shown(row, masked=masked) for row in rows]
        return Result(views.Items[list_views.DeadLetterView](items=shown, next=following))

    async def oncall(self, call: Call) -> Result:
        asked: OnCallQuery = call.query
        at = parse_moment(asked.at or "") or call.now
        schedules = self._api.get_config().schedules
        people = await on_call_at(self._api.reads, schedules, at)
        shown = [
            list_views.OnCall(schedule=name, group=schedule.group, role=schedule.role, people=people[name])
            for name, schedule in schedules.items()
        ]
        return Result(list_views.OnCallView(at=at, items=shown))

    async def me(self, call: Call) -> Result:
        person = self._api.get_config().people.get(call.actor.id)
        return Result(
            list_views.Me(
                id=call.actor.id,
                name=person.name if person else call.actor.id,
                roles=sorted(call.actor.roles),
                groups=sorted(call.actor.groups),
                language=person.language if person else "en",
            )
        )
