"""The rota over the API: who is first on call in a span, what people lay over the schedules, and calendars of it."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from aiohttp import web
from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import Field, StringConstraints

from agent.http.bodies import Body, Moment, Name, Person, Text
from agent.http.calls import Call, Query, Result, Route
from agent.http.problems import Problem, not_found, problem_of
from agent.http.queries import When, Word
from agent.http.views import At, Items, View
from agent.intents import Mark, RotaChanged, RotaEnded
from collectors.moment import moment_text, parse_moment
from correlation.calendar import parse_zone
from escalation import ics
from escalation.oncall import Override, Schedule, on_call, shifts
from escalation.rota import RotaChange, laid

if TYPE_CHECKING:
    from agent.http.api import Api

_SALT = "calendar"
_USUAL = timedelta(days=14)
_LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)
_MOST_TURNS = 20_000
"""Of one rotation, in one answer: they are looked at on the loop."""
_CALENDAR_BACK, _CALENDAR_AHEAD = timedelta(days=31), timedelta(days=365)
"""A calendar subscription shows the last month and a year ahead."""


class ShiftsQuery(Query):
    schedule: Word | None = None
    since: When | None = None
    """Default: now."""
    until: When | None = None
    """Default: 14 days after `since`; at most 366 days."""


class OverridesQuery(Query):
    schedule: Word | None = None


class PutOverride(Body):
    """Somebody stands in. `from` is now where it is left out; without `until` it holds until it is ended."""

    schedule: Name
    person: Person
    replaces: Person | None = None
    """Whom they stand in for; left out: whoever is first."""
    from_: Annotated[Moment | None, Field(alias="from")] = None
    until: Moment | None = None
    reason: Text


class PutSwap(Body):
    """Two people swap: `with` takes `from` … `until` of `person` over, and gives `with_from` … `with_until`."""

    schedule: Name
    person: Person
    from_: Annotated[Moment, Field(alias="from")]
    until: Moment
    with_: Annotated[Person, Field(alias="with")]
    with_from: Moment
    with_until: Moment
    reason: Text


class ImportCalendar(Body):
    """An iCalendar file becomes overrides of a schedule; `from` (now) and `until` (a year) say what is taken of it."""

    schedule: Name
    calendar: Annotated[str, StringConstraints(min_length=1, max_length=900_000)]
    from_: Annotated[Moment | None, Field(alias="from")] = None
    until: Moment | None = None
    reason: Text


class DutyView(View):
    schedule: str
    from_: Annotated[At, Field(serialization_alias="from")]
    until: At
    person: str | None
    """Null: nobody is on call."""


class OverrideView(View):
    id: str
    schedule: str
    person: str
    replaces: str | None
    from_: Annotated[At, Field(serialization_alias="from")]
    until: At | None
    author: str
    reason: str
    created_at: At
    swap: str | None
    """The two halves of a swap share it."""
    ended_by: str | None


class CalendarView(View):
    url: str
    """Whoever has this address can read the calendar; it ends when its person leaves people.yaml."""


def rota_routes(api: "Api") -> list[Route]:
    at = Rota(api)
    v1 = "/api/v1/oncall"
    some = Items[OverrideView]
    return [
        Route(
            "GET",
            f"{v1}/shifts",
            "list_shifts",
            "Who is first on call, and when",
            at.shifts,
            Items[DutyView],
            ShiftsQuery,
        ),
        Route("GET", f"{v1}/overrides", "list_overrides", "Overrides of the rota", at.overrides, some, OverridesQuery),
        Route(
            "POST",
            f"{v1}/overrides",
            "create_override",
            "Somebody stands in",
            at.put,
            OverrideView,
            body=PutOverride,
            status=201,
        ),
        Route("DELETE", f"{v1}/overrides/{{id}}", "end_override", "Take an override back", at.end, OverrideView),
        Route("POST", f"{v1}/swaps", "create_swap", "Two people swap", at.swap, some, body=PutSwap, status=201),
        Route(
            "POST",
            f"{v1}/import",
            "import_calendar",
            "Overrides from an iCalendar file",
            at.take_calendar,
            some,
            body=ImportCalendar,
            status=201,
        ),
        Route(
            "GET",
            f"{v1}/calendar",
            "get_calendar",
            "The address of the rota as a calendar",
            at.calendar,
            CalendarView,
            OverridesQuery,
        ),
    ]


class Rota:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    async def shifts(self, call: Call) -> Result:
        asked: ShiftsQuery = call.query
        begins = parse_moment(asked.since or "") or call.now
        ends = parse_moment(asked.until or "") or begins + _USUAL
        if not begins < ends <= begins + _LONGEST:
            raise Problem(422, f"until must be after since, by at most {_LONGEST.days} days")
        listed = listed_until(self._api.get_config().schedules, begins, ends, asked.schedule)
        if asked.until is not None and listed < ends:
            raise Problem(
                422, f"that is more than {_MOST_TURNS} turns: write until={moment_text(listed)} at the latest"
            )
        ends = listed
        found = await self._api.duties(begins, ends, asked.schedule)
        shown = [DutyView(schedule=name, from_=d.from_at, until=d.until, person=d.person or None) for name, d in found]
        return Result(Items[DutyView](items=shown))

    async def overrides(self, call: Call) -> Result:
        changes = await self._api.reads.rota(call.now, None, call.query.schedule)
        return _listed([c for c in changes if not c.is_over(call.now)])

    async def put(self, call: Call) -> Result:
        if call.done is not None:
            return Result(_view(self._laid(call.done)[0]), 201)
        sent = call.body(PutOverride)
        change = RotaChange(
            id=str(uuid.uuid4()),
            schedule=sent.schedule,
            person=sent.person,
            replaces=sent.replaces,
            from_at=parse_moment(sent.from_ or "") or call.now,
            until=parse_moment(sent.until or ""),
            author=call.actor.id,
            reason=sent.reason,
            created_at=call.now,
        )
        await self._api.pipeline.submit(RotaChanged((change,), call.actor, mark=_marked(call, (change,))))
        return Result(_view(change), 201)

    async def swap(self, call: Call) -> Result:
        if call.done is not None:
            return _listed(self._laid(call.done), 201)
        sent = call.body(PutSwap)
        swap = str(uuid.uuid4())
        halves = (
            (sent.with_, sent.person, sent.from_, sent.until),
            (sent.person, sent.with_, sent.with_from, sent.with_until),
        )
        changes = tuple(
            RotaChange(
                id=str(uuid.uuid4()),
                schedule=sent.schedule,
                person=comes,
                replaces=leaves,
                from_at=parse_moment(begins) or call.now,
                until=parse_moment(ends),
                author=call.actor.id,
                reason=sent.reason,
                created_at=call.now,
                swap=swap,
            )
            for comes, leaves, begins, ends in halves
        )
        await self._api.pipeline.submit(RotaChanged(changes, call.actor, mark=_marked(call, changes)))
        return _listed(changes, 201)

    def _laid(self, about: str) -> list[RotaChange]:
        """The changes that `_marked` named. Raises the 404 where all of them are over by now."""
        rota = self._api.pipeline.desk.rota
        found = [rota[one] for one in about.split() if one in rota]
        if about and not found:
            raise not_found("it was laid over the rota, and is over by now")
        return found

    async def end(self, call: Call) -> Result:
        change = await self._api.pipeline.submit(RotaEnded(call.request.match_info["id"], call.actor))
        return Result(_view(change))

    async def take_calendar(self, call: Call) -> Result:
        if call.done is not None:
            return _listed(self._laid(call.done), 201)
        sent = call.body(ImportCalendar)
        schedule = self._api.get_config().schedules.get(sent.schedule)
        if schedule is None:
            raise Problem(422, f"there is no schedule {sent.schedule!r}", missing=["schedule"])
        begins = parse_moment(sent.from_ or "") or call.now
        ends = parse_moment(sent.until or "") or begins + _CALENDAR_AHEAD
        people, zone = self._api.get_config().people, parse_zone(schedule.time_zone)
        try:
            duties = await asyncio.to_thread(ics.read, sent.calendar, people, zone, begins, ends)
        except ics.BadCalendar as error:
            raise Problem(422, str(error), faults=[{"field": "calendar", "message": str(error)}]) from None
        changes = tuple(
            RotaChange(
                id=str(uuid.uuid4()),
                schedule=sent.schedule,
                person=duty.person,
                replaces=None,
                from_at=max(duty.from_at, begins),
                until=duty.until,
                author=call.actor.id,
                reason=sent.reason,
                created_at=call.now,
            )
            for duty in duties
            if duty.until > call.now
        )
        if changes:
            await self._api.pipeline.submit(RotaChanged(changes, call.actor, mark=_marked(call, changes)))
        return _listed(changes, 201)

    async def calendar(self, call: Call) -> Result:
        named = call.query.schedule
        if call.actor.id not in self._api.get_config().people:
            raise Problem(403, f"a calendar is for people of people.yaml; {call.actor.id} is none")
        if named is not None and named not in self._api.get_config().schedules:
            raise not_found(f"there is no schedule {named!r}")
        token = _signer(self._api.secret).dumps([call.actor.id, named])
        return Result(CalendarView(url=f"{self._api.address(call.request).rstrip('/')}/oncall/{token}.ics"))


def add(app: web.Application, api: "Api") -> None:
    """Add the calendars: their address is the token, because calendar programs send no header of ours."""

    async def calendar(request: web.Request) -> web.Response:
        try:
            return await _calendar(api, request)
        except Exception as error:  # the rim of a request: any failure is an answer, never a broken connection
            return problem_of(error).response()

    app.router.add_get("/oncall/{token}.ics", calendar)


async def _calendar(api: "Api", request: web.Request) -> web.Response:
    try:
        person, named = _signer(api.secret).loads(request.match_info["token"])
    except (BadSignature, ValueError, TypeError):
        raise not_found("this is no calendar: GET /api/v1/oncall/calendar tells the address of yours") from None
    config, now = api.get_config(), api.clock.now()
    if person not in config.people or (named is not None and named not in config.schedules):
        raise not_found("this calendar has ended")
    begins = now - _CALENDAR_BACK
    found = await api.duties(begins, listed_until(config.schedules, begins, now + _CALENDAR_AHEAD, named), named)
    duties = [(name, duty) for name, duty in found if duty.person]
    body = ics.write(named or "on call", duties, config.people, now)
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers={"Cache-Control": "no-store"})


def listed_until(schedules: Mapping[str, Schedule], begins: datetime, ends: datetime, named: str | None) -> datetime:
    """Until when the turns of each schedule can be listed one by one: they may be as short as a second."""
    layers = [layer for name, schedule in schedules.items() if named in (None, name) for layer in schedule.layers]
    return min((ends, *(begins + _MOST_TURNS * layer.every for layer in layers if layer.every < _DAY)))


async def duties_of(
    reads: Any, schedules: Mapping[str, Schedule], begins: datetime, ends: datetime, named: str | None
) -> list[tuple[str, ics.Duty]]:
    """By schedule, who is first on call between two instants, by the rows of that time; "" is nobody."""
    over: dict[str, list[Override]] = laid(await reads.rota(begins, ends, named))
    return [
        (name, ics.Duty(shift.person or "", shift.from_at, shift.until))
        for name, schedule in schedules.items()
        if named in (None, name)
        for shift in shifts(schedule, begins, ends, over.get(name, ()))
    ]


async def on_call_at(reads: Any, schedules: Mapping[str, Schedule], at: datetime) -> dict[str, list[str]]:
    """By schedule, who is on call at a moment, by the rows of that time."""
    over = laid(await reads.rota(at, at + timedelta(microseconds=1), None))
    return {name: on_call(schedule, at, over.get(name, ())) for name, schedule in schedules.items()}


def _marked(call: Call, changes: Sequence[RotaChange]) -> Mark | None:
    return call.marked(" ".join(change.id for change in changes))


def _signer(secret: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=_SALT)


def _listed(changes: Any, status: int = 200) -> Result:
    return Result(Items[OverrideView](items=[_view(c) for c in changes]), status)


def _view(change: RotaChange) -> OverrideView:
    return OverrideView(
        id=change.id,
        schedule=change.schedule,
        person=change.person,
        replaces=change.replaces,
        from_=change.from_at,
        until=change.until,
        author=change.author,
        reason=change.reason,
        created_at=change.created_at,
        swap=change.swap or None,
        ended_by=change.ended_by or None,
    )
