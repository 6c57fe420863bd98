"""The routes of silences, and what they share with Alertmanager's API: who may make one, and who may end it."""

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from agent.http import bodies, list_views, views
from agent.http.auth import may
from agent.http.calls import Call, Result, Route
from agent.http.problems import Problem, not_found
from agent.http.reads.lists import ListReads
from agent.http.render.lists import silence_shown
from agent.http.render.stored import silence_of
from agent.intents import Mark, SilencePut
from collectors.labels import BadMatcher, Matcher, all_match
from collectors.moment import parse_moment
from correlation.permission import Actor, Forbidden
from correlation.silence import Silence

if TYPE_CHECKING:
    from agent.http.api import Api

_ENDED_SHOWN = timedelta(days=5)
"""Silences that ended longer ago are not listed any more, as with Alertmanager's retention."""


def silence_routes(api: "Api") -> list[Route]:
    at = Silences(api)
    v1 = "/api/v1"
    return [
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


class Silences:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    async def silences(self, call: Call) -> Result:
        found = await silences(self._api, call.now)
        return Result(views.Items[list_views.SilenceView](items=[silence_shown(one, call.now) for one in found]))

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
        return Result(silence_shown(silence, max(call.now, self._api.clock.now())), status)


async def put_silence(api: "Api", silence: Silence, actor: Actor, mark: Mark | None = None) -> None:
    """Have a silence hold, on the record. Raises Forbidden where it would match everything."""
    if all_match(silence.matchers, {}):
        raise Forbidden("nobody may silence everything: at least one matcher must need a label")
    await api.pipeline.submit(SilencePut(silence, actor.id, mark=mark))


async def silences(api: "Api", now: datetime) -> list[Silence]:
    """The silences that hold, will hold or ended of late, newest first; then of each window the stretch of now."""
    rows = await ListReads(api.engine).silences(now - _ENDED_SHOWN)
    windows = [silence for silence in api.pipeline.desk.board.silences.values() if silence.window]
    return [*map(silence_of, rows), *sorted(windows, key=lambda silence: (silence.starts_at, silence.id))]


async def silence_by_id(api: "Api", silence_id: str) -> Silence | None:
    """A silence that somebody made, or the stretch of a window that holds or is the next to; None: there is none."""
    if not _is_id(silence_id):
        return None
    held = api.pipeline.desk.board.silences.get(silence_id)
    if held is not None and held.window:
        return held
    row = await ListReads(api.engine).silence(silence_id)
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
