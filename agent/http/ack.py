"""Acknowledge links: GET shows a page with a button, POST acts as the person the link was made for (OUTSIDE §6)."""

import base64
import hashlib
import html
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from itsdangerous import BadSignature, URLSafeSerializer

from agent.clock import SystemClock
from agent.http.problems import problem_of
from agent.intents import PersonActed
from correlation.incident import ACTIVE, Action, State
from correlation.permission import Actor

if TYPE_CHECKING:
    from agent.http.api import Api
    from correlation.store import IncidentRow

VALID_FOR = timedelta(hours=24)
_SALT = "acknowledge"
_STYLE = (
    "body{font:18px/1.5 sans-serif;max-width:34em;margin:3em auto;padding:0 1em}button{font:inherit;padding:.6em 2em}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_WORDS = {
    "en": {
        "button": "Acknowledge",
        "ask": "Acknowledge as {person}: you take it on.",
        "done": "Acknowledged. It is with {assignee}.",
        "over": "This incident is {state}: there is nothing to acknowledge.",
        "expired": "This link has expired: acknowledge on the command line or in the console.",
        "forged": "This link is not valid.",
    },
    "zh": {
        "button": "响应",
        "ask": "以 {person} 的身份响应:由您负责处理。",
        "done": "已响应,由 {assignee} 负责。",
        "over": "该事件当前为 {state},无需响应。",
        "expired": "链接已过期,请使用命令行或控制台响应。",
        "forged": "链接无效。",
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


def ack_link(secret: bytes, external_url: str, number: str, person: str, now: datetime | None = None) -> str:
    """The address under which `person` may acknowledge an incident, for 24 hours from `now` (default: this moment)."""
    ends_at = (now or SystemClock().now()) + VALID_FOR
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
    app.router.add_get("/ack/{token}", _framed(api, _show))
    app.router.add_post("/ack/{token}", _framed(api, _acknowledge))


_Do = Callable[["Api", web.Request, Link, Actor], Awaitable[web.Response]]


def _framed(api: "Api", do: _Do) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        language = "en"
        try:
            link = read_link(api.secret, request.match_info["token"], api.clock.now())
            actor = api.auth.person(link.person)
            if actor is None:
                actor = Actor(link.person, frozenset())
            language = api.language(actor, request)
            if link.person not in api.get_config().people:
                raise BadLink(403, "forged")
            return await do(api, request, link, actor)
        except BadLink as bad:
            return _page(bad.status, language, "Tocsin", _WORDS[language][bad.word])
        except Exception as error:  # the rim of a request
            problem = problem_of(error)
            return _page(problem.status, language, "Tocsin", problem.detail)

    return answer


async def _show(api: "Api", request: web.Request, link: Link, actor: Actor) -> web.Response:
    """The page with the button; nothing changes, however often mail scanners and previews fetch it."""
    row = await _incident(api, link)
    language = api.language(actor, request)
    words = _WORDS[language]
    if row.state not in ACTIVE:
        return _page(200, language, f"{row.number} {row.title}", words["over"].format(state=row.state))
    said = words["ask"].format(person=link.person)
    return _page(200, language, f"{row.number} {row.title}", said, button=words["button"])


async def _acknowledge(api: "Api", request: web.Request, link: Link, actor: Actor) -> web.Response:
    language = api.language(actor, request)
    row = await _incident(api, link)
    words = _WORDS[language]
    if row.state not in ACTIVE:
        return _page(409, language, f"{row.number} {row.title}", words["over"].format(state=State(row.state)))
    await api.pipeline.submit(PersonActed(link.number, Action.ACKNOWLEDGE, {}, actor))
    row = await _incident(api, link)
    said = words["done"].format(assignee=row.assignee or link.person)
    return _page(200, language, f"{row.number} {row.title}", said)


async def _incident(api: "Api", link: Link) -> "IncidentRow":
    row = await api.reads.incident(link.number)
    if row is None:
        raise BadLink(403, "forged")
    return row


def _page(status: int, language: str, title: str, said: str, button: str = "") -> web.Response:
    """A page of HTML; whatever comes from outside is escaped."""
    form = f'<form method="post"><button type="submit">{html.escape(button)}</button></form>' if button else ""
    text = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1><p>{html.escape(said)}</p>{form}</body></html>"
    )
    return web.Response(status=status, text=text, content_type="text/html", headers=HEADERS)
