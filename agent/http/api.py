"""The API: its routes, and the frame around each (who calls, what was sent, what becomes of a refusal)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from agent.clock import Clock
from agent.configuration.config import Config
from agent.http import ack, alertmanager_v2, events, openapi, rota
from agent.http.acts import act_routes
from agent.http.answers import Answer, Answers
from agent.http.attachments import attachment_routes
from agent.http.auth import Auth, require
from agent.http.automation import automation_routes
from agent.http.bodies import ATTACHMENT, NUMBER
from agent.http.brief import brief_routes
from agent.http.calls import LIMIT, Call, Result, Route, answer_to, read_json, read_query, read_raw, response_of
from agent.http.case_bodies import CHANGE, ENTRY, IMPROVEMENT, ITEM, PROBLEM, RUN
from agent.http.cases import case_routes
from agent.http.console import routes as console
from agent.http.improvements import improvement_routes
from agent.http.items import item_routes
from agent.http.known_errors import known_error_routes
from agent.http.lists import list_routes
from agent.http.notices import notice_routes
from agent.http.patience import READ_WITHIN_S, Patience
from agent.http.people import people_routes
from agent.http.problems import Problem, not_found, unauthorized
from agent.http.proxies import Came, Proxies
from agent.http.reads.incidents import IncidentReads
from agent.http.render.reader import Reader
from agent.http.rounds import round_routes
from agent.http.silences import silence_routes
from agent.http.statistics import statistics_routes
from agent.http.turned_away import TurnedAway
from agent.intents import Mark
from agent.pipeline import Pipeline
from agent.tokens import beside
from agent.wording.sentences import language_of
from correlation.permission import Actor
from escalation import ics


class Api:
    """What the routes work with: the line for every change, the readers' engine for every read.

    `get_config` says what the desk decides by at this moment. `secret` signs the links of pages. `get_external_url`
    says the address that was written for people; "" where none was. `reload(who)` reads the configuration anew.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        engine: AsyncEngine,
        get_config: Callable[[], Config],
        clock: Clock,
        *,
        secret: bytes,
        get_external_url: Callable[[], str],
        reload: Callable[..., Awaitable[Any]],
        proxies: Proxies | None = None,
        turned_away: TurnedAway | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.engine = engine
        self.get_config = get_config
        self.clock = clock
        self.secret = secret
        self._external_url = get_external_url
        self.reload = reload
        self._proxies = proxies or Proxies()
        self._turned_away = turned_away or TurnedAway()
        self.auth = Auth(engine, get_config, clock)
        self.reads = IncidentReads(engine)
        self.answers = Answers(beside(engine.url.render_as_string(hide_password=False)))
        self.events = events.Events(self)
        self.patience = patience or Patience(lambda: pipeline.health.committed_at)

    async def may_reload(self, request: web.Request) -> str:
        """Who asks for a reload: a person with the role ops. Raises the 401 or the 403."""
        actor = await self.caller(request)
        require(actor, "reload")
        return actor.id

    def reader(self, actor: Actor, request: web.Request, now: datetime) -> Reader:
        """What is shown to this person now, in the language they ask for."""
        return Reader(self.get_config(), self.pipeline.desk, now, self.language(actor, request), actor)

    async def duties(self, begins: datetime, ends: datetime, schedule: str | None) -> list[tuple[str, ics.Duty]]:
        """By schedule, who is first on call between two instants."""
        return await rota.duties_of(self.reads, self.get_config().schedules, begins, ends, schedule)

    def language(self, actor: Actor, request: web.Request) -> str:
        """That of Accept-Language, else the person's own, else English."""
        person = self.get_config().people.get(actor.id)
        return language_of(request.headers.get("Accept-Language", ""), person.language if person else "en")

    async def caller(self, request: web.Request) -> Actor:
        """Who calls. Raises the 401."""
        actor = await self.patience.read(self.auth.actor_of(request))
        if actor is None:
            self.turned_away(request)
            raise unauthorized()
        return actor

    def came(self, request: web.Request) -> Came:
        """How a request came here, through the proxies that are trusted."""
        return self._proxies.came(request)

    def address(self, request: web.Request) -> str:
        """What links in an answer begin with: the external URL, else the address that the caller used."""
        return self._external_url() or self.came(request).base

    def turned_away(self, request: web.Request) -> None:
        """Note that a caller is nobody we know."""
        self._turned_away.note(self.came(request).client, request.path, self.clock.now())


def routes_of(api: Api) -> list[Route]:
    """Every operation of v1, in the order in which the document lists them."""
    return [
        *act_routes(api),
        *automation_routes(api),
        *attachment_routes(api),
        *brief_routes(api),
        *case_routes(api),
        *improvement_routes(api),
        *item_routes(api),
        *known_error_routes(api),
        *list_routes(api),
        *silence_routes(api),
        *notice_routes(api),
        *people_routes(api),
        *rota.rota_routes(api),
        *round_routes(api),
        *statistics_routes(api),
    ]


def add_api(app: web.Application, api: Api) -> None:
    """Add v1, Alertmanager's v2, events, acknowledge links and documents to an application that has the intake.

    No middleware: each route has its own frame, so that the intake runs bare. Call it last: what no route of the
    application takes is answered here as a problem, 404 or 405.
    """
    routes = routes_of(api)
    for route in routes:
        add = app.router.add_get if route.method == "GET" else partial(app.router.add_route, route.method)
        add(_pattern(route.path), _framed(api, route))
    openapi.add(app, api, routes)
    events.add(app, api)
    alertmanager_v2.add(app, api)
    ack.add(app, api)
    console.add(app, api)
    rota.add(app, api)
    app.router.add_route("*", r"/{rest:[\s\S]*}", _nowhere(app, api))
    app.on_cleanup.append(lambda _: api.patience.close())
    app.on_cleanup.append(lambda _: api.answers.close())


_PATTERNS = {
    "number": NUMBER,
    "problem": PROBLEM,
    "change": CHANGE,
    "improvement": IMPROVEMENT,
    "item": ITEM,
    "known_error": ENTRY,
    "run": RUN,
    "attachment": ATTACHMENT,
}


def _pattern(path: str) -> str:
    for name, pattern in _PATTERNS.items():
        path = path.replace(f"{{{name}}}", f"{{{name}:{pattern.strip('^$')}}}")
    return path


def _framed(api: Api, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await _answer(api, route, request)
        except Exception as error:  # the rim of a request: any failure is an answer, never a broken connection
            return answer_to(error)

    return answer


async def _answer(api: Api, route: Route, request: web.Request) -> web.Response:
    actor = await api.caller(request)
    raw = await read_raw(request, route.upload_limit or LIMIT) if route.method in ("POST", "PATCH") else b""
    sent = read_json(request, raw) if route.takes_body else None
    call = Call(request, actor, api.clock.now(), api.language(actor, request), raw=raw, sent=sent)
    if route.method == "GET":
        return await api.patience.read(_answer_of(api, route, call), READ_WITHIN_S)
    if route.takes_long:
        return await _answer_of(api, route, call)
    return await api.patience.act(_answer_of(api, route, call))


async def _answer_of(api: Api, route: Route, call: Call) -> web.Response:
    request, actor = call.request, call.actor
    key = request.headers.get("Idempotency-Key") if route.method == "POST" else None
    if key is None:
        result = await _done(route, call)
        if result.response is not None:
            return result.response
        return response_of(Answer(result.status, _body(result)), result.headers)

    headers: dict[str, str] = {}

    async def once(mark: Mark, done: str | None) -> Answer:
        call.mark, call.done = mark, done
        try:
            result = await _done(route, call)
        except Exception as error:  # a refusal is an answer too, and is kept
            response = answer_to(error)
            return Answer(response.status, bytes(response.body or b""))  # type: ignore[arg-type]  # it is bytes
        headers.update(result.headers)
        return Answer(result.status, _body(result))

    what = b"\n".join((route.method.encode(), request.path.encode("utf-8", "replace"), call.raw))
    return response_of(await api.answers.once(actor.id, key, what, call.now, once), headers)


async def _done(route: Route, call: Call) -> Result:
    if route.finds is not None:
        await route.finds(call)
    require(call.actor, route.name)
    call.query = read_query(call.request.query, route.query)
    return await route.do(call)


def _body(result: Result) -> bytes:
    return result.content.model_dump_json(by_alias=True).encode()


def _nowhere(app: web.Application, api: Api) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """What no route takes: 405 with `Allow` where another method would do, else 404; below /api only for callers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            if request.path.startswith("/api/"):
                await api.caller(request)
            allowed: set[str] = set()
            for resource in app.router.resources():
                if resource.canonical != "/{rest}":
                    _, methods = await resource.resolve(request)
                    allowed |= methods
            if allowed:
                names = ",".join(sorted(allowed))
                raise Problem(405, f"{request.method} is not for this path: {names}", {"Allow": names})
            raise not_found("there is nothing at this path: GET /api/docs lists what there is")
        except Exception as error:  # the rim of a request
            return answer_to(error)

    return answer
