"""The other routes of v1: alerts, pages, dead letters, who is on call, and silences."""

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from agent.http import bodies, list_views, views
from agent.http.auth import may
from agent.http.calls import Call, Result, Route
from agent.http.cursors import before
from agent.http.problems import Problem, not_found
from agent.http.queries import AlertsQuery, OnCallQuery, Paged, PagesQuery
from agent.http.render import dead_letter, silence_of
from agent.http.rota import on_call_at
from agent.intents import Mark, SilencePut
from collectors.labels import BadMatcher, Matcher, all_match
from collectors.moment import parse_moment
from correlation.permission import Actor, Forbidden
from correlation.silence import Silence

if TYPE_CHECKING:
    from agent.http.api import Api

_ENDED_SHOWN = timedelta(days=5)
"""Silences that ended longer ago are not listed any more, as with Alertmanager's retention."""


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
        Route("GET", f"{v1}/silences", "list_silences", "Silences", at.silences, views.Items[list_views.SilenceView]),
        Route(
            "POST",
            f"{v1}/silences",
            "create_silence",
            "Silence",
            at.create_silence,
            list_views.SilenceView,
            body=bodies.PutSilence,
            status=201,
        ),
        Route(
            "DELETE", f"{v1}/silences/{{id}}", "end_silence", "End a silence", at.end_silence, list_views.SilenceView
        ),
    ]


class Lists:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    def _reader(self, call: Call) -> Any:
        return self._api.reader(call.actor, call.request, call.now)

    async def alerts(self, call: Call) -> Result:
        asked: AlertsQuery = call.query
        pairs, following = await self._api.reads.alerts(
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
            views.Items[list_views.AlertView](items=[reader.alert(p, numbers) for p in pairs], next=following)
        )

    async def pages(self, call: Call) -> Result:
        asked: PagesQuery = call.query
        incident = None
        if asked.incident is not None:
            row = await self._api.reads.incident(asked.incident)
            if row is None:
                return Result(views.Items[list_views.PageView](items=[]))
            incident = row.id
        rows, following = await self._api.reads.pages(
            incident, asked.person, before(asked.cursor, "pages"), asked.limit
        )
        numbers = await self._api.reads.numbers([r.incident_id for r in rows])
        reader = self._reader(call)
        return Result(views.Items[list_views.PageView](items=[reader.page(r, numbers) for r in rows], next=following))

    async def dead_letters(self, call: Call) -> Result:
        rows, following = await self._api.reads.dead_letters(
            before(call.query.cursor, "dead_letters"), call.query.limit
        )
        masked = self._api.reader(call.actor, call.request, call.now).is_masked(None)
        shown = [dead_letter(row, masked=masked) for row in rows]
        return Result(views.Items[list_views.DeadLetterView](items=shown, next=following))

    async def oncall(self, call: Call) -> Result:
        asked: OnCallQuery = call.query
        at = parse_moment(asked.at or "") or call.now
        schedules = self._api.get_config().schedules
        people = await on_call_at(self._api.reads, schedules, at)
        shown = [
            list_views.OnCall(
                schedule=name,
                group=schedule.group,
                role=schedule.role,
                people=people[name],
            )
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

    # silences

    async def silences(self, call: Call) -> Result:
        reader = self._reader(call)
        found = await silences(self._api, call.now)
        return Result(views.Items[list_views.SilenceView](items=[reader.silence(one) for one in found]))

    async def create_silence(self, call: Call) -> Result:
        if call.done is not None:
            return await self._silence(call, call.done, 201)
        sent = call.body(bodies.PutSilence)
        try:
            matchers = tuple(Matcher.parse(text) for text in sent.matchers)
        except BadMatcher as error:
            raise Problem(422, str(error), faults=[{"field": "matchers", "message": str(error)}]) from None
        return await self.silence(call, matchers, sent)

    async def silence(self, call: Call, matchers: tuple[Matcher, ...], sent: bodies.SilenceFor) -> Result:
        """Silence what matches, once under the key of the call. Raises Problem 409 where it would be over already."""
        if call.done is not None:
            return await self._silence(call, call.done, 201)
        starts_at = max(parse_moment(sent.starts_at or "") or call.now, call.now)
        ends_at = parse_moment(sent.ends_at)
        if ends_at is None or ends_at <= starts_at:
            raise Problem(409, "ends_at must be a moment to come, after starts_at")
        silence = Silence(
            id=str(uuid.uuid4()),
            matchers=matchers,
            starts_at=starts_at,
            ends_at=ends_at,
            created_by=call.actor.id,
            comment=sent.comment,
            created_at=call.now,
        )
        await put_silence(self._api, silence, call.actor, call.marked(silence.id))
        return await self._silence(call, silence.id, 201)

    async def end_silence(self, call: Call) -> Result:
        silence_id = call.request.match_info["id"]
        await end_silence(self._api, silence_id, call.actor)
        return await self._silence(call, silence_id)

    async def _silence(self, call: Call, silence_id: str, status: int = 200) -> Result:
        silence = await silence_by_id(self._api, silence_id)
        assert silence is not None, "it was committed"
        reader = self._api.reader(call.actor, call.request, max(call.now, self._api.clock.now()))
        return Result(reader.silence(silence), status)


async def put_silence(api: "Api", silence: Silence, actor: Actor, mark: Mark | None = None) -> None:
    """Have a silence hold, on the record. Raises Forbidden where it would match everything."""
    if all_match(silence.matchers, {}):
        raise Forbidden("nobody may silence everything: at least one matcher must need a label")
    await api.pipeline.submit(SilencePut(silence, actor.id, mark=mark))


async def silences(api: "Api", now: datetime) -> list[Silence]:
    """The silences that hold, will hold or ended of late, newest first; then of each window the stretch of now."""
    rows = await api.reads.silences(now - _ENDED_SHOWN)
    windows = [silence for silence in api.pipeline.desk.board.silences.values() if silence.window]
    return [*map(silence_of, rows), *sorted(windows, key=lambda silence: (silence.starts_at, silence.id))]


async def silence_by_id(api: "Api", silence_id: str) -> Silence | None:
    """A silence that somebody made, or the stretch of a window that holds or is the next to; None: there is none."""
    if not _is_id(silence_id):
        return None
    held = api.pipeline.desk.board.silences.get(silence_id)
    if held is not None and held.window:
        return held
    row = await api.reads.silence(silence_id)
    return silence_of(row) if row is not None else None


def may_end(actor: Actor, created_by: str) -> bool:
    """Whether somebody may end a silence of this person."""
    return may(actor, "end_silence") and bool(actor.rights & {"desk", "pm"} or created_by == actor.id)


async def end_silence(api: "Api", silence_id: str, actor: Actor) -> None:
    """End a silence, on the record; one that has ended stays as it is. Raises 404, and 403 for what is another's.

    Of a window this stretch is ended, and the next one comes.
    """
    silence = await silence_by_id(api, silence_id)
    if silence is None:
        raise not_found("there is no such silence")
    if not may_end(actor, silence.created_by):
        raise Forbidden(f"a silence of {silence.created_by} is ended by them, desk or pm; {actor.id} is none of these")
    now = api.clock.now()
    if silence.ends_at > now:
        ended = msgspec.structs.replace(silence, starts_at=min(silence.starts_at, now), ends_at=now)
        await api.pipeline.submit(SilencePut(ended, actor.id))


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
