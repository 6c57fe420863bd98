"""The routes of the console: the list, an incident with what can be done to it, signing in and out."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from pydantic import StringConstraints

from agent.http.acts import Incidents, incident_of
from agent.http.answers import Answer, UsedKey
from agent.http.auth import may, require
from agent.http.bodies import NUMBER, SilenceFor
from agent.http.calls import Call, Do, Query, Result, read_query, read_raw
from agent.http.console import session
from agent.http.console.board_page import SHOWN, BoardPage, sign_in, sign_out
from agent.http.console.forms import ACTS, KEY, SILENCE, Forms, body_of
from agent.http.console.known_errors_page import Judged, KnownErrorsPage
from agent.http.console.refusals import Said, refusal
from agent.http.console.silences_page import ALL, MOST_ALERTS, SilencesPage, covers_all, matchers_of
from agent.http.console.words import say
from agent.http.incident_page import ALERTS_SHOWN, HEADERS, LINES_SHOWN, IncidentPage, page, tag
from agent.http.patience import READ_WITHIN_S
from agent.http.problems import Problem, not_found, problem_of
from agent.http.queries import Cursor, IncidentsQuery
from agent.http.render.lists import silence_shown
from agent.http.render.reader import Reader
from agent.http.render.stored import firing_of
from agent.http.rota import on_call_at
from agent.http.silences import Silences, end_silence, may_end, silences
from agent.http.statistics import suggested
from agent.intents import Mark
from agent.wording.sentences import language_of
from correlation.calendar import parse_zone
from correlation.incident import Action, Episode
from correlation.permission import Actor
from correlation.tables import IncidentRow
from escalation.roles import called
from escalation.words import Language, besides, told

if TYPE_CHECKING:
    from agent.http.api import Api

_LISTED = 50
_LOOKS_AGAIN_S = 60
_MOST_SENT, _MOST_FIELDS = 64 * 1024, 20
_A_PAGE = re.compile(rf"/|/silences|/known-errors|/incidents/{NUMBER.strip('^$')}")
# A form that is sent tells its origin only where the page it stands on may tell of itself.
_HEADERS = {**HEADERS, "Referrer-Policy": "same-origin", "Vary": "Cookie, Accept-Language"}
_Do = Callable[["Visit"], Awaitable[web.Response]]


class BoardQuery(Query):
    """What may be asked of the list."""

    show: Literal["active", "resolved", "all"] = "active"
    q: Annotated[str, StringConstraints(max_length=200)] = ""
    cursor: Cursor | None = None


class Visit:
    """A request of somebody who is signed in."""

    def __init__(self, api: "Api", request: web.Request, actor: Actor) -> None:
        self.api, self.request, self.actor, self.now = api, request, actor, api.clock.now()
        config = api.get_config()
        person = config.people.get(actor.id)
        self.language: Language = person.language if person is not None else _asked_language(request)
        self.zone = parse_zone(person.time_zone) if person is not None and person.time_zone else None
        self.names = {} if actor.outside else config.names
        self.reader = Reader(config, api.pipeline.desk, self.now, self.language, actor, self.zone, self.names)

    def call(self, sent: object = None) -> Call:
        """The same as a call of the API."""
        return Call(self.request, self.actor, self.now, self.language, sent=sent)


def add(app: web.Application, api: "Api") -> None:
    """Add the console to an application."""
    one = f"/incidents/{{number:{NUMBER.strip('^$')}}}"
    app.router.add_get("/", _framed(api, _board))
    app.router.add_get(one, _framed(api, _incident))
    app.router.add_get("/silences", _framed(api, _silences))
    app.router.add_get("/known-errors", _framed(api, _known_errors))
    app.router.add_post(f"{one}/{SILENCE}", _framed(api, _silence))
    app.router.add_post("/silences/{id}/end", _framed(api, _end_silence))
    app.router.add_post(f"{one}/{{action:[a-z-]+}}", _framed(api, _act))
    app.router.add_post("/sign-in", _bare(api, _sign_in))
    app.router.add_post("/sign-out", _bare(api, _sign_out))


def _framed(api: "Api", do: _Do) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """For whoever is signed in; others are asked for their token."""

    async def answer(api: "Api", request: web.Request) -> web.Response:
        token = session.token_of(request)
        actor = await api.patience.read(api.auth.holder_of(token)) if token is not None else None
        if actor is None:
            return _asks_for_token(request)
        visit = Visit(api, request, actor)
        try:
            return await do(visit)
        except Exception as error:  # the rim of a request
            problem = problem_of(error)
            there = _there(request)
            word = "back" if there == "/" else "back_there"
            back = f'<p><a href="{there}">{say(word, visit.language)}</a></p>'
            said = _refused(problem, error, visit.language)
            return _page(problem.status, visit.language, [*said, back])

    return _bare(api, answer)


def _bare(
    api: "Api", do: Callable[["Api", web.Request], Awaitable[web.Response]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """For anybody; a form that stands on a page of somebody else is refused."""

    async def answer(request: web.Request) -> web.StreamResponse:
        language = _asked_language(request)
        try:
            if request.method == "POST" and not session.is_ours(request, api.address(request)):
                raise Said(403, say("foreign", language))
            return await do(api, request)
        except Exception as error:  # the rim of a request
            problem = problem_of(error)
            return _page(problem.status, language, _refused(problem, error, language))

    return answer


# the pages


async def _board(visit: Visit) -> web.Response:
    asked = read_query(visit.request.query, BoardQuery)
    assert isinstance(asked, BoardQuery)
    return await visit.api.patience.read(_listed(visit, asked), READ_WITHIN_S)


async def _listed(visit: Visit, asked: BoardQuery) -> web.Response:
    api = visit.api
    sort: Literal["due", "updated"] = "due" if asked.show == "active" else "updated"
    listed = IncidentsQuery(state=list(SHOWN[asked.show]), q=asked.q, sort=sort, limit=_LISTED, cursor=asked.cursor)
    rows, following = await api.reads.incidents(visit.actor, listed)
    shown = await visit.reader.incidents(api.reads, rows, 1)
    roots = await visit.reader.roots(api.reads, rows)
    of_number = {row.number: roots[row.id] for row in rows if row.id in roots}
    schedules = api.get_config().schedules if may(visit.actor, "get_oncall") else {}
    on_call = await on_call_at(api.reads, schedules, visit.now)
    board = BoardPage(visit.language, visit.zone, asked.show, asked.q, visit.names)
    firing, inside = {row.number: firing_of(row) for row in rows}, not visit.actor.outside
    body = board.body(visit.actor.id, shown, following, on_call, of_number, firing, inside=inside)
    answer = _page(200, visit.language, body)
    answer.headers["Refresh"] = str(_LOOKS_AGAIN_S)
    return answer


async def _incident(visit: Visit) -> web.Response:
    row = await visit.api.patience.read(Incidents(visit.api).visible(visit.call()))
    return await visit.api.patience.read(_shown(visit, row), READ_WITHIN_S)


async def _shown(visit: Visit, row: IncidentRow) -> web.Response:
    api, reader, language = visit.api, visit.reader, visit.language
    config = api.get_config()
    (shown,) = await reader.incidents(api.reads, [row], ALERTS_SHOWN)
    shown.no_known_error = reader.no_known_error(row)
    happened = [reader.happened(line, row.reporter) for line in await api.reads.latest(row.id, LINES_SHOWN)]
    group, roots = called(shown.group, config.groups, language), await reader.roots(api.reads, [row])
    made = IncidentPage(shown, language, visit.zone, group, roots.get(row.id), firing_of(row), visit.names)
    others = await _others(visit, row.number)
    fires = [api.pipeline.desk.board.labels(one) for one in _firing(visit, row)]
    forms = Forms(
        incident_of(row),
        language,
        {name: called(name, config.groups, language) for name in sorted(config.groups)},
        shown.known_errors,
        shown.alerts,
        others,
        covers_all=covers_all(fires),
    )
    body = [
        sign_out(visit.names.get(visit.actor.id, visit.actor.id), language),
        f'<p><a href="/">{say("back", language)}</a></p>',
        *made.head(),
        *forms.shown(visit.actor, await api.reads.paged(row.id)),
        *made.rest(happened),
        *await _why(visit, row),
    ]
    return _page(200, language, body, f"{row.number} {shown.title}")


def _firing(visit: Visit, row: IncidentRow) -> list[Episode]:
    """What fires of an incident; of very much, one more than a silence covers."""
    return visit.api.pipeline.desk.board.open_members(row.id, MOST_ALERTS + 1)


async def _others(visit: Visit, number: str) -> dict[str, str]:
    """By number, the titles of other incidents that somebody works on, the newest first."""
    listed = IncidentsQuery(state=list(SHOWN["active"]), sort="opened", limit=_LISTED)
    rows, _ = await visit.api.reads.incidents(visit.actor, listed)
    return {row.number: row.title for row in rows if row.number != number}


async def _why(visit: Visit, row: IncidentRow) -> list[str]:
    """Why each alert is in this incident, and what spoke for another."""
    pairs, _ = await visit.api.reads.episodes_of(row.id, 0, ALERTS_SHOWN)
    lines = []
    for alert in pairs:
        found = visit.reader.explained(alert, row)
        named = visit.reader.incident_alert(alert).labels.get("alertname", found.fingerprint)
        other = ""
        if found.rejected is not None:
            other = besides(told(say("not", visit.language), found.rejected.text, visit.language), visit.language)
        lines.append(f"<li>{tag('time', named)}{tag('span', f'{found.why.text}{other}')}</li>")
    return [tag("h2", say("why", visit.language)), "<ol>", *lines, "</ol>"] if lines else []


async def _silences(visit: Visit) -> web.Response:
    require(visit.actor, "list_silences")
    api = visit.api
    found = await api.patience.read(silences(api, visit.now), READ_WITHIN_S)
    shown = [one for one in (silence_shown(one, visit.now) for one in found) if one.state != "expired"]
    ends = {one.id: may_end(visit.actor, one.created_by) for one in shown}
    return _beside(visit, SilencesPage(visit.language, visit.zone, visit.names).body(shown, ends), "silences")


async def _known_errors(visit: Visit) -> web.Response:
    require(visit.actor, "list_known_errors")
    config, feedback = visit.api.get_config(), visit.api.pipeline.desk.feedback
    judged = [
        Judged(entry.id, entry.text("title", visit.language), tally, tally.demoted(config.feedback))
        for entry in config.known_errors
        if (tally := feedback.of(entry.id)).precision is not None
    ]
    judged.sort(key=lambda one: (one.tally.precision, one.id))
    total = suggested(visit.api) if may(visit.actor, "get_statistics") else None
    body = KnownErrorsPage(visit.language).body(total, judged, len(config.known_errors))
    return _beside(visit, body, "known_errors")


def _beside(visit: Visit, body: Sequence[str], title: str) -> web.Response:
    """A page beside the list, with the way back to it."""
    back = f'<p><a href="/">{say("back", visit.language)}</a></p>'
    top = [sign_out(visit.names.get(visit.actor.id, visit.actor.id), visit.language), back]
    return _page(200, visit.language, [*top, *body], say(title, visit.language))


# what is sent


async def _silence(visit: Visit) -> web.Response:
    """What fires of an incident, or one of its alerts, is silenced: as those alerts are, whatever the page showed."""
    require(visit.actor, "create_silence")
    api, filled = visit.api, await _filled(visit.request)
    row = await api.patience.read(Incidents(api).visible(visit.call()))
    wanted, firing = filled.get("silenced", ""), _firing(visit, row)
    of_one = [one for one in firing if wanted.partition("@")[0] == one.fingerprint]
    labels = [api.pipeline.desk.board.labels(one) for one in (firing if wanted == ALL else of_one[:1])]
    if not labels or (wanted == ALL and not covers_all(labels)):
        raise Said(422, say("nothing_fires", visit.language))
    asked = body_of(SILENCE, filled, visit.now)
    asked.pop("silenced")

    async def silence(call: Call) -> Result:
        return await Silences(api).silence(call, tuple(matchers_of(labels)), call.body(SilenceFor))

    await api.patience.act(_done_once(visit, silence, visit.call(asked), filled))
    return _to(f"/incidents/{row.number}")


async def _end_silence(visit: Visit) -> web.Response:
    require(visit.actor, "end_silence")
    await visit.api.patience.act(end_silence(visit.api, visit.request.match_info["id"], visit.actor))
    return _to("/silences")


async def _act(visit: Visit) -> web.Response:
    number, action = visit.request.match_info["number"], visit.request.match_info["action"]
    if action not in ACTS:
        raise not_found("there is no such form")
    filled = await _filled(visit.request)
    call = visit.call(body_of(Action(action), filled, visit.now))
    do = Incidents(visit.api).acting(Action(action))
    await visit.api.patience.act(_done_once(visit, do, call, filled))
    return _to(f"/incidents/{number}")


async def _done_once(visit: Visit, do: Do, call: Call, filled: Mapping[str, str]) -> None:
    """Do what a form asks for. Sent again (a double tap) it does nothing more; what is refused can be mended and sent.

    Raises Problem 409 where the page was gone back to, and its form filled otherwise: nobody is to think that it was
    done.
    """
    key = filled.get(KEY)
    if not key:
        await do(call)
        return

    async def once(mark: Mark, done: str | None) -> Answer:
        call.mark, call.done = mark, done
        await do(call)
        return Answer(303, b"")

    what = f"{visit.request.path}?{urlencode(sorted(filled.items()))}"
    try:
        await visit.api.answers.once(visit.actor.id, key, what.encode(), visit.now, once)
    except UsedKey:
        raise Said(409, say("sent", visit.language)) from None


async def _sign_in(api: "Api", request: web.Request) -> web.Response:
    filled = await _filled(request)
    token, there = filled.get("token", "").strip(), filled.get("there", "/")
    if not token or await api.patience.read(api.auth.holder_of(token)) is None:
        api.turned_away(request)
        return _asks_for_token(request, say("unknown", _asked_language(request)), there)
    answer = _to(there if _A_PAGE.fullmatch(there) else "/")
    session.remember(answer, token, secure=api.address(request).startswith("https:"))
    return answer


async def _sign_out(api: "Api", request: web.Request) -> web.Response:
    answer = _to("/")
    session.forget(answer)
    return answer


async def _filled(request: web.Request) -> dict[str, str]:
    """The fields of a form. Raises Problem 400, 413."""
    raw = await read_raw(request, _MOST_SENT)
    try:
        return dict(parse_qsl(raw.decode(), max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Problem(400, "this is no form of ours") from None


# answers


def _refused(problem: Problem, error: Exception, language: Language) -> list[str]:
    first, *more = refusal(problem, error, language)
    return [tag("p", first, "safety"), *(tag("p", one, "soft") for one in more)]


def _asked_language(request: web.Request) -> Language:
    return "zh" if language_of(request.headers.get("Accept-Language", "")) == "zh" else "en"


def _there(request: web.Request) -> str:
    """The page that a request was for, or that its form stands on."""
    number = request.match_info.get("number")
    return f"/incidents/{number}" if number and request.method == "POST" else "/"


def _asks_for_token(request: web.Request, said: str = "", there: str | None = None) -> web.Response:
    language = _asked_language(request)
    number = request.match_info.get("number")
    asked = request.path if _A_PAGE.fullmatch(request.path) else "/"
    there = there or (f"/incidents/{number}" if number else asked)
    answer = _page(401, language, sign_in(language, there, said))
    answer.headers["WWW-Authenticate"] = "Bearer"
    session.forget(answer)
    return answer


def _to(path: str) -> web.Response:
    return web.Response(status=303, headers={**_HEADERS, "Location": path})


def _page(status: int, language: str, body: Sequence[str], title: str = "Tocsin") -> web.Response:
    return web.Response(status=status, text=page(language, title, body), content_type="text/html", headers=_HEADERS)
