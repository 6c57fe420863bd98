"""Where alerts come in: authenticate, read under a deadline, parse, wait for the commit, answer."""

import asyncio
import base64
import hashlib
import hmac
import json
import zlib
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from agent.clock import Clock
from agent.configuration import plugins
from agent.configuration.config import Config
from agent.configuration.site import OURS, SourceConfig
from agent.http.problems import Problem
from agent.http.proxies import Proxies, is_forwarded
from agent.http.turned_away import TurnedAway
from agent.intents import AlertsArrived, LetterDied
from agent.metrics import Metrics
from agent.pipeline import Overloaded, Pipeline, Undecided
from agent.storage.writer import StoreDown
from collectors.alert import NotThisFormat, Parsed
from collectors.payload import clean

log = structlog.get_logger("intake")
LIMIT = 32 * 1024 * 1024
READ_DEADLINE_S = 10.0
ANSWER_DEADLINE_S = 8.0
"""A message is answered 503 when the store has committed nothing for so long: an Alertmanager gives up after 10 s. Each
MiB of the message adds a second. While the store commits others it goes on waiting: sent again it would wait anew."""
_A_MEBIBYTE = 1024 * 1024
_OFF_LOOP = _A_MEBIBYTE
"""Bodies larger than this are parsed in a thread."""
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
_LONGEST_TOKEN = 1024
_MOST_UNKNOWN = 60
"""Dead letters a minute that are kept of requests for which no source vouches."""
_MINUTE = timedelta(minutes=1)
_V2 = "/api/v2"
"""What stands for the kind of what Prometheus sends to Alertmanager's own route."""

SourceOf = Callable[[str], Awaitable[str | None]]
"""The source that a token of `tocsin token create --source` names."""


class Refused(Exception):
    """The request is answered with this status and text, and nothing was stored."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        super().__init__(text)


class UnknownSource(LookupError):
    """No such source is written in tocsin.yaml (404)."""


class TooLarge(ValueError):
    """The body is over the limit (413); `body` is what was sent, for the dead letter."""

    body: bytes = b""


_NOT_TAKEN = (Refused, UnknownSource, NotThisFormat, TooLarge, StoreDown, Overloaded, Undecided)
"""Why a message gets no 2xx."""


class Intake:
    """The routes of the push sources, and how each of their messages is answered.

    `source_of` finds the source of a token of `tocsin token create --source`. `on_loopback` says that the daemon
    listens on loopback alone: then no token is needed, as long as tocsin.yaml names no source.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        get_config: Callable[[], Config],
        clock: Clock,
        metrics: Metrics,
        source_of: SourceOf,
        *,
        on_loopback: bool,
        proxies: Proxies | None = None,
        turned_away: TurnedAway | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._config = get_config
        self._clock = clock
        self._metrics = metrics
        self._source_of = source_of
        self._on_loopback = on_loopback
        self._proxies = proxies or Proxies()
        self._turned_away = turned_away or TurnedAway()
        self._unknown: deque[datetime] = deque(maxlen=_MOST_UNKNOWN)
        self.read_deadline_s = READ_DEADLINE_S
        self.answer_deadline_s = ANSWER_DEADLINE_S
        self.heard: Callable[[str, Parsed], None] = lambda source, parsed: None
        """Told of each message that was taken."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/webhooks/{type}/{source}", self.receive),
            web.post("/api/v2/alerts", self.receive_v2),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        """`POST /webhooks/{type}/{source}`: 2xx only after the commit."""
        kind, source = request.match_info["type"], request.match_info["source"]
        try:
            parse, config = self._find(kind, source)
            signed = config is not None and config.hmac is not None and config.hmac.header in request.headers
            if not signed:
                await self._authenticate(request, source, config)
            sent = await self._read(request, source)
            if config is not None and signed and not _signed(config, request, sent):
                raise Refused(401, "the signature is wrong: it is sha256=<hex HMAC-SHA256 of the body as it is sent>")
            body = _unpack(request, sent)
            parsed = await self._parse(parse, body, source, config)
            await self._store(source, config, kind, body, parsed)
        except _NOT_TAKEN as error:
            return await self._not_taken(kind, source, request, error)
        if parsed.rejected and not parsed.alerts and kind != "alertmanager":
            return self._answer(kind, 400, _faults(parsed))
        return self._answer(kind, 200, "")

    async def receive_v2(self, request: web.Request) -> web.Response:
        """`POST /api/v2/alerts`, as Prometheus sends it: the valid ones are stored, then 400 names the others."""
        source = "prometheus"
        try:
            source = await self._source_of_v2(request)
            config = self._config().sources.get(source)
            body = _unpack(request, await self._read(request, source))
            parsed = await self._parse(plugins.webhook("prometheus").parse, body, source, config)
            await self._store(source, config, "prometheus", body, parsed)
        except _NOT_TAKEN as error:
            return await self._not_taken(_V2, source, request, error)
        if parsed.rejected:
            return self._answer(_V2, 400, _faults(parsed))
        return self._answer(_V2, 200, "")

    async def _not_taken(self, kind: str, source: str, request: web.Request, error: Exception) -> web.Response:
        """Answer a message that was not taken. What its sender would not send again alike is kept as a dead letter."""
        if isinstance(error, Refused):
            if error.status == 401:
                self._note_turned_away(request)
            return self._answer(kind, error.status, error.text)
        if isinstance(error, UnknownSource):
            await self._note_unknown(source, str(error))
            self._note_turned_away(request)
            return self._answer(kind, 404, str(error))
        if isinstance(error, NotThisFormat | TooLarge):
            buried = await self._bury(source, str(error), error.body)
            status = 413 if isinstance(error, TooLarge) else 400
            return self._answer(kind, status if buried else 503, str(error))
        return self._answer(kind, 503, str(error))

    def _note_turned_away(self, request: web.Request) -> None:
        self._turned_away.note(self._proxies.came(request).client, request.path, self._clock.now())

    def _answer(self, kind: str, status: int, text: str) -> web.Response:
        """An empty 200; a refusal is a problem, and on Alertmanager's own route a JSON string, as it sends them."""
        sender = "prometheus" if kind is _V2 else kind if kind in plugins.known("webhook") else "unknown"
        self._metrics.webhooks.labels(sender, str(status)).inc()
        if status < 400:
            return web.Response(status=status)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "1"} if status == 503 else {}
        if kind is _V2:
            said = json.dumps(clean(text), ensure_ascii=False)
            return web.Response(status=status, text=said, content_type="application/json", headers=headers)
        return Problem(status, clean(text), headers).response()

    # who sends

    def _find(self, kind: str, source: str) -> tuple[Any, SourceConfig | None]:
        """The parser of a kind and what tocsin.yaml says of the source; None: it names no source at all.

        Raises UnknownSource.
        """
        config = self._config()
        if kind not in plugins.known("webhook"):
            known = ", ".join(plugins.known("webhook"))
            raise UnknownSource(f"there is no source type {kind!r}: {known}")
        if source in OURS:
            raise UnknownSource(f"{source} is Tocsin itself: give the source another name")
        if not config.sources:
            if not source or not set(source) <= _NAME or source[0] in "_.-":
                raise UnknownSource(f"{source!r} is no name of a source: write a-z, 0-9, _ . -")
            return plugins.webhook(kind).parse, None
        found = config.sources.get(source)
        if found is None or found.type != kind:
            raise UnknownSource(f"tocsin.yaml has no source {source!r} of type {kind}")
        return plugins.webhook(kind).parse, found

    async def _authenticate(self, request: web.Request, source: str, config: SourceConfig | None) -> None:
        """Before the body is read: nobody fills our memory who is not known."""
        if config is None and self._is_open(request):
            return
        sent = request.headers.get("Authorization", "")
        if config is not None and config.basic is not None and _is_basic(config, sent):
            return
        token = _bearer(sent)
        if token:
            if config is not None and any(_same(token, t) for t in config.tokens):
                return
            if await self._named_by(token) == source:
                return
        if config is not None and config.hmac is not None:
            raise Refused(401, f"a signature is needed: {config.hmac.header}: sha256=<hex HMAC-SHA256 of the body>")
        raise Refused(401, "a token of this source is needed: Authorization: Bearer …")

    async def _named_by(self, token: str) -> str | None:
        """The source of a token that was made by `tocsin token create`. Raises StoreDown."""
        try:
            async with asyncio.timeout(self.answer_deadline_s):
                return await self._source_of(token)
        except (SQLAlchemyError, OSError) as error:
            raise StoreDown(f"tokens cannot be read: {type(error).__name__}") from error

    def _is_open(self, request: web.Request) -> bool:
        """Open intake: on loopback, without sources written, and not from behind a proxy."""
        return self._on_loopback and not self._config().sources and not is_forwarded(request.headers)

    async def _source_of_v2(self, request: web.Request) -> str:
        """The source is the one the token names, else `prometheus`."""
        config = self._config()
        sent = request.headers.get("Authorization", "")
        token = _bearer(sent)
        if token:
            for name, source in config.sources.items():
                if any(_same(token, t) for t in source.tokens):
                    return name
            named = await self._named_by(token)
            if named is not None:
                return named
        for name, source in config.sources.items():
            if source.basic is not None and _is_basic(source, sent):
                return name
        if self._is_open(request):
            return "prometheus"
        raise Refused(401, "a token of a source is needed: Authorization: Bearer …")

    # what is sent

    async def _read(self, request: web.Request, source: str) -> bytes:
        """The body as it was sent, within its limit and its deadline."""
        encoding = _encoding(request)
        if encoding not in ("identity", "gzip", ""):
            raise Refused(415, f"the encoding {encoding[:40]!r} is not taken: send identity or gzip")
        if (request.content_length or 0) > LIMIT and encoding != "gzip":
            raise TooLarge(f"{request.content_length} bytes are over the limit of {LIMIT}")
        try:
            async with asyncio.timeout(self.read_deadline_s):
                return await request.read()
        except TimeoutError:
            log.warning("a body came too slowly", source=source)
            if request.transport is not None:
                request.transport.abort()
            raise Refused(408, "the body came too slowly") from None
        except web.HTTPRequestEntityTooLarge:
            raise TooLarge(f"the body is over the limit of {LIMIT} bytes") from None
        except (web.HTTPBadRequest, ValueError) as error:
            raise NotThisFormat(f"the body cannot be read: {error}") from error

    async def _parse(self, parse: Any, body: bytes, source: str, config: SourceConfig | None) -> Parsed:
        origin, now = _origin(source, config), self._clock.now()
        mapping = config.mapping if config is not None else None
        try:
            if len(body) > _OFF_LOOP:
                parsed: Parsed = await asyncio.to_thread(parse, body, origin, now, mapping)
            else:
                parsed = parse(body, origin, now, mapping)
        except NotThisFormat as error:
            error.body = body
            raise
        return parsed

    async def _store(self, source: str, config: SourceConfig | None, kind: str, body: bytes, parsed: Parsed) -> None:
        """Put a message in line and wait until it is on disk. Raises StoreDown, Overloaded, Undecided."""
        if parsed.truncated:
            log.warning("a message was cut by its sender", source=source, missing=parsed.truncated)
        arrived = AlertsArrived(source, _origin(source, config), kind, body, parsed, self._clock.now())
        stored = self._pipeline.put(arrived)
        patience = self.answer_deadline_s + len(body) / _A_MEBIBYTE
        loop = asyncio.get_running_loop()
        while not (await asyncio.wait((stored,), timeout=patience))[0]:
            if loop.time() - self._pipeline.health.committed_at >= patience:
                stored.cancel()  # it may be stored yet: told again, it is the same
                self._pipeline.health.given_up_at = loop.time()
                raise StoreDown("the store has not taken it in time")
        await stored
        self.heard(source, parsed)

    async def _bury(self, source: str, reason: str, body: bytes) -> bool:
        """Keep what was sent as a dead letter; return whether it is kept: where not, the sender has to send again."""
        try:
            await self._pipeline.submit(LetterDied(clean(source), clean(reason), body, self._clock.now()))
        except (StoreDown, Overloaded, Undecided):
            return False
        return True

    async def _note_unknown(self, source: str, reason: str) -> None:
        """A dead letter of a sender that nobody knows; not so many that they fill the disk."""
        now = self._clock.now()
        if len(self._unknown) < _MOST_UNKNOWN or now - self._unknown[0] >= _MINUTE:
            self._unknown.append(now)
            await self._bury(source, reason, b"")


def _faults(parsed: Parsed) -> str:
    return "; ".join(f"alert {r.index}: {r.reason}" for r in parsed.rejected[:20])


def _encoding(request: web.Request) -> str:
    return request.headers.get("Content-Encoding", "identity").strip().lower()


def _unpack(request: web.Request, sent: bytes) -> bytes:
    """The body as it was before it was packed. Raises TooLarge and NotThisFormat, which carry what was sent."""
    if _encoding(request) != "gzip":
        return sent
    try:
        return gunzip(sent)
    except (TooLarge, NotThisFormat) as error:
        error.body = sent
        raise


def gunzip(body: bytes) -> bytes:
    """Unpack a gzip body. Raises TooLarge beyond the limit, before that much is unpacked, and NotThisFormat."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        text = unpack.decompress(body, LIMIT + 1)
    except zlib.error as error:
        raise NotThisFormat(f"the body is no gzip: {error}") from error
    if len(text) > LIMIT:
        raise TooLarge(f"the body is over the limit of {LIMIT} bytes when unpacked")
    if not unpack.eof:
        raise NotThisFormat("the gzip body is cut off")
    return text


def _origin(source: str, config: SourceConfig | None) -> str:
    return (config.origin if config is not None else None) or source


def _credentials(sent: str, scheme: str) -> str:
    """What an Authorization header says by this scheme, whose name is not case-sensitive (RFC 9110); else nothing."""
    named, _, said = sent.partition(" ")
    return said.strip() if named.lower() == scheme else ""


def _bearer(sent: str) -> str:
    token = _credentials(sent, "bearer")
    return token if len(token) < _LONGEST_TOKEN else ""


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "surrogateescape"), b.encode("utf-8", "surrogateescape"))


def _is_basic(config: SourceConfig, sent: str) -> bool:
    said = _credentials(sent, "basic")
    if config.basic is None or not said:
        return False
    try:
        user, _, password = base64.b64decode(said, validate=True).decode().partition(":")
    except ValueError:
        return False
    return _same(user, config.basic.username) & _same(password, config.basic.password)


def _signed(config: SourceConfig, request: web.Request, body: bytes) -> bool:
    """`sha256=<hex HMAC-SHA256 of the raw body>`."""
    if config.hmac is None:
        return False
    sent = request.headers.get(config.hmac.header, "")
    wanted = "sha256=" + hmac.new(config.hmac.secret.encode(), body, hashlib.sha256).hexdigest()
    return _same(sent, wanted)
