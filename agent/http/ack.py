"""Acknowledge links: GET shows a page with a button, POST acts as the person the link was made for."""

import hashlib
import html
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web
from itsdangerous import BadSignature, URLSafeSerializer

from agent.http.console.refusals import refusal
from agent.http.incident_page import ALERTS_SHOWN, HEADERS, LINES_SHOWN, IncidentPage, page, tag
from agent.http.problems import problem_of
from agent.http.render.reader import Reader
from agent.http.render.stored import firing_of
from agent.intents import PersonActed
from correlation.calendar import parse_zone
from correlation.incident import ACTIVE, Action
from correlation.permission import Actor
from escalation.roles import called
from escalation.words import Language, state_text

if TYPE_CHECKING:
    from agent.http.api import Api
    from correlation.tables import IncidentRow

VALID_FOR = timedelta(hours=24)
_SALT = "acknowledge"
_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "button": "Acknowledge",
        "ask": "Acknowledge as {person}: you take it on.",
        "done": "Acknowledged. It is with {assignee}.",
        "merged": "{number} was the same trouble: it was merged into {into}, which is shown here.",
        "over": "This incident is {state}: there is nothing to acknowledge.",
        "expired": "This link has expired: acknowledge on the command line.",
        "forged": "This link is not valid: open it whole, as the page has it, or acknowledge on the command line.",
    },
    "zh": {
        "button": "响应",
        "ask": "以 {person} 的身份响应：由您负责处理。",
        "done": "已响应，由 {assignee} 负责。",
        "merged": "{number} 属于同一故障，已并入 {into}，以下为后者。",
        "over": "该事件当前为 {state}，无需响应。",
        "expired": "链接已过期，请使用命令行响应。",
        "forged": "链接无效：请完整打开通知中的链接，或使用命令行响应。",
    },
}


class BadLink(Exception):
    """The link was not made here (403), or its time is over (410)."""

    def __init__(self, status: int, word: str) -> None:
        self.status, self.word = status, word
        super().__init__(word)


@dataclass(frozen=True)
class Link:
    """What a link says: who may acknowledge which incident."""

    number: str
    person: str


def ack_link(secret: bytes, external_url: str, number: str, person: str, now: datetime) -> str:
    """The address under which `person` may acknowledge an incident, for 24 hours from `now`."""
    ends_at = now + VALID_FOR
    token = _signer(secret).dumps([number, person, int(ends_at.timestamp())])
    return f"{external_url.rstrip('/')}/ack/{token}"


def read_link(secret: bytes, token: str, now: datetime) -> Link:
    """What a token of a link says. Raises BadLink."""
    try:
        number, person, until = _signer(secret).loads(token)
    except (BadSignature, ValueError, TypeError):
        raise BadLink(403, "forged") from None
    if now >= datetime.fromtimestamp(until, UTC):
        raise BadLink(410, "expired")
    return Link(number, person)


def _signer(secret: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256})


def add(app: web.Application, api: "Api") -> None:
    """Add `/ack/{token}`."""
    app.router.add_get("/ack/{token}", _framed(api, _show, api.patience.read))
    app.router.add_post("/ack/{token}", _framed(api, _acknowledge, api.patience.act))


_Page = Coroutine[Any, Any, web.Response]
_Do = Callable[["Api", Link, Actor, Language], _Page]
_Wait = Callable[[_Page], Awaitable[web.Response]]


def _framed(api: "Api", do: _Do, in_time: _Wait) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        language: Language = "en"
        try:
            link = read_link(api.secret, request.match_info["token"], api.clock.now())
            person = api.get_config().people.get(link.person)
            if person is None:
                raise BadLink(403, "forged")
            language = person.language
            actor = api.auth.person(link.person) or Actor(link.person, frozenset())
            return await in_time(do(api, link, actor, language))
        except BadLink as bad:
            return _answer(bad.status, language, "Tocsin", [tag("p", _WORDS[language][bad.word])])
        except Exception as error:  # the rim of a request
            problem = problem_of(error)
            said = refusal(problem, error, language)
            return _answer(problem.status, language, "Tocsin", [tag("p", one) for one in said])

    return answer


async def _show(api: "Api", link: Link, actor: Actor, language: Language) -> web.Response:
    """The page with the button; nothing changes, however often mail scanners and previews fetch it."""
    *_, row = await _incidents(api, link)
    words, merged = _WORDS[language], _merged(link, row, language)
    if row.state not in ACTIVE:
        said = words["over"].format(state=state_text(row.state, language))
        return await _told(api, row, actor, language, 200, merged + tag("p", said))
    button = f'<form method="post"><button type="submit">{html.escape(words["button"])}</button></form>'
    asked = tag("p", words["ask"].format(person=_called(api, link.person)), "soft")
    return await _told(api, row, actor, language, 200, merged + button + asked)


async def _acknowledge(api: "Api", link: Link, actor: Actor, language: Language) -> web.Response:
    *before, row = await _incidents(api, link)
    words, merged = _WORDS[language], _merged(link, row, language)
    if row.state not in ACTIVE:
        said = words["over"].format(state=state_text(row.state, language))
        return await _told(api, row, actor, language, 409, merged + tag("p", said))
    was_paged = any([link.person in await api.reads.paged(one.id) for one in before])
    await api.pipeline.submit(PersonActed(row.number, Action.ACKNOWLEDGE, {}, actor, was_paged=was_paged))
    *_, row = await _incidents(api, link)
    said = words["done"].format(assignee=_called(api, row.assignee or link.person))
    return await _told(api, row, actor, language, 200, merged + tag("p", said))


def _called(api: "Api", person: str) -> str:
    return api.get_config().names.get(person, person)


def _merged(link: Link, row: "IncidentRow", language: Language) -> str:
    """That the incident of the link has become another one, which is shown."""
    if row.number == link.number:
        return ""
    return tag("p", _WORDS[language]["merged"].format(number=link.number, into=row.number))


async def _told(
    api: "Api", row: "IncidentRow", actor: Actor, language: Language, status: int, said: str
) -> web.Response:
    """The incident with what is said of the acknowledgement; an outsider sees its title alone."""
    title = f"{row.number} {row.title}"
    if actor.outside:
        return _answer(status, language, title, [tag("h1", title), said])
    config = api.get_config()
    zone_name = config.people[actor.id].time_zone
    zone = parse_zone(zone_name) if zone_name else None
    reader = Reader(config, api.pipeline.desk, api.clock.now(), language, actor, zone, config.names)
    (shown,) = await reader.incidents(api.reads, [row], ALERTS_SHOWN)
    happened = [reader.happened(line, row.reporter) for line in await api.reads.latest(row.id, LINES_SHOWN)]
    group = called(shown.group, config.groups, language)
    roots = await reader.roots(api.reads, [row])
    shown.no_known_error = reader.no_known_error(row)
    made = IncidentPage(shown, language, zone, group, roots.get(row.id), firing_of(row), config.names)
    return _answer(status, language, f"{row.number} {shown.title}", [*made.head(), said, *made.rest(happened)])


async def _incidents(api: "Api", link: Link) -> list["IncidentRow"]:
    """The incident of a link and those it was merged into: the last of them is shown, and acknowledged."""
    row = await api.reads.incident(link.number)
    if row is None:
        raise BadLink(403, "forged")
    return await api.reads.merged(row)


def _answer(status: int, language: str, title: str, body: Sequence[str]) -> web.Response:
    return web.Response(status=status, text=page(language, title, body), content_type="text/html", headers=HEADERS)
