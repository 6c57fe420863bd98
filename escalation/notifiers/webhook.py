"""Posts a page to a URL: as JSON of ours (docs/plugins.md), or in the form that a chat, push or SMS gateway wants."""

import email.utils
import json
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from importlib import metadata
from types import SimpleNamespace
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import aiohttp
from multidict import CIMultiDict
from pydantic import Field, field_validator, model_validator

from collectors.rule import Span, parse_span
from escalation.delivery import ChannelConfig, PageToSend, Undeliverable, asked_to_wait
from escalation.template import check, filled, plain_texts

_PASSING = frozenset({408, 409, 423, 425, 429})
"""The 4xx that pass: whoever sends the same again later may be heard."""
_MOST_READ = 64 * 1024
_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class Config(ChannelConfig):
    """`url` is written whole; `headers` are sent along, and cannot replace those that Tocsin sends by contract.

    With a `body` that is sent in place of ours, its holes filled; `{text}` has at most `most_bytes` there.
    """

    type: Literal["webhook"]
    url: str
    headers: dict[str, str] = {}
    timeout: Span = parse_span("10s")
    body: dict[str, Any] | None = None
    encoding: Literal["json", "form"] = "json"
    most_bytes: int = Field(default=8000, ge=300)

    @field_validator("url")
    @classmethod
    def _whole(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            whole = False
        if not whole or re.search(r"[\x00-\x20\x7f]", url):
            raise ValueError("the url is no web address: write it whole, http://host/path or https://host/path")
        return url

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _NAME.fullmatch(name) or _UNPRINTABLE.search(value):
                raise ValueError(f"the header {name!r} cannot be sent: no line breaks and no spaces in its name")
        return headers

    @field_validator("body")
    @classmethod
    def _fillable(cls, body: dict[str, Any] | None) -> dict[str, Any] | None:
        check(body)
        return body

    @model_validator(mode="after")
    def _flat(self) -> Self:
        if self.encoding == "form" and any(not isinstance(v, str | int) for v in (self.body or {"": None}).values()):
            raise ValueError("a form is a flat body: write body with a text for each field, or encoding: json")
        return self

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if "@" in urlsplit(self.url).netloc and "authorization" in {name.lower() for name in self.headers}:
            raise ValueError("two logins: write user and password in the url, or the header Authorization, not both")
        return self


class Notify:
    """One session a channel.

    Redirects are not followed: a page goes where the operator said, or nowhere. Each page has a connection of its
    own: one that was kept open may die under a page, and then nobody knows whether it arrived.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._host = urlsplit(config.url).hostname or "the webhook"
        self._http: aiohttp.ClientSession | None = None

    async def send(self, page: PageToSend) -> str | None:
        wire = SimpleNamespace(written=False)
        try:
            async with self._session().post(
                self._config.url,
                data=self._body(page),
                headers=self._headers(page),
                allow_redirects=False,
                trace_request_ctx=wire,
            ) as response:
                if response.status >= 400:
                    await self._refused(response)
                _judge_status(self._host, response.status, response.headers)
                said = _object(await _read(response))
                self._judge_answer(response.status, said)
                return _id_of(response.headers, said)
        except aiohttp.ClientConnectorError as error:
            raise Undeliverable(f"{self._host} cannot be reached: {_why_unreachable(error)}") from error
        except TimeoutError as error:
            why = "did not answer in time" if wire.written else "cannot be reached: no connection in time"
            raise Undeliverable(f"{self._host} {why}", unknown=wire.written) from error
        except aiohttp.InvalidURL as error:
            raise Undeliverable("the url of the notifier is no URL", permanent=True) from error
        except aiohttp.ClientError as error:
            why = f"{self._host} gave no whole answer: {type(error).__name__}"
            raise Undeliverable(why, unknown=wire.written) from error

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=aiohttp.ClientTimeout(total=self._config.timeout.total_seconds()),
                trace_configs=[_watch_the_wire()],
            )
        return self._http

    def _body(self, page: PageToSend) -> bytes:
        config = self._config
        if config.body is None:
            said: Any = {**page.message.payload, "to": page.to}
        else:
            said = filled(config.body, page, config.most_bytes)
        if config.encoding == "form":
            return urlencode(said, errors="replace").encode()
        return json.dumps(said, ensure_ascii=False).encode(errors="replace")

    def _headers(self, page: PageToSend) -> CIMultiDict[str]:
        headers = CIMultiDict(
            {"Content-Type": _TYPES[self._config.encoding], "User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
        )
        headers.update(self._config.headers)
        headers.update(
            {
                "Idempotency-Key": page.key,
                "X-Tocsin-Incident": page.incident,
                "X-Tocsin-Step": page.step,
                "X-Tocsin-Target": page.target,
                "X-Tocsin-Attempt": str(page.attempt),
            }
        )
        return headers

    async def _refused(self, response: aiohttp.ClientResponse) -> None:
        """Raise Undeliverable with what the receiver says of it, where it says so in words."""
        try:
            words = _words_of(await _read(response))
        except (TimeoutError, aiohttp.ClientError):
            words = ""
        said = f": {self._without_secrets(words)[:200].strip()}" if words else ""
        _judge_status(self._host, response.status, response.headers, said)

    def _judge_answer(self, status: int, said: Mapping[str, Any]) -> None:
        """Raise Undeliverable where a 2xx says no inside, as chat services do."""
        refusal = _refusal(said)
        if refusal is not None:
            code, words, permanent = refusal
            what = f"{code} {self._without_secrets(words)}".strip()[:200]
            raise Undeliverable(f"{self._host} answered {status}, and in it: {what}", permanent=permanent)

    def _without_secrets(self, words: str) -> str:
        """What a service said, less what only we and it should know: it may repeat the token it was called with."""
        for secret in sorted(_secrets(self._config), key=len, reverse=True):
            words = words.replace(secret, "…")
        return _UNPRINTABLE.sub(" ", words)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()


def _version() -> str:
    try:
        return metadata.version("tocsin")
    except metadata.PackageNotFoundError:
        return "0+unknown"


_USER_AGENT = f"Tocsin/{_version()}"


def _watch_the_wire() -> aiohttp.TraceConfig:
    """Notes on the request when its first byte is handed to the connection: from then on it may have arrived."""

    async def note(_session: aiohttp.ClientSession, context: SimpleNamespace, _sent: Any) -> None:
        context.trace_request_ctx.written = True

    watch = aiohttp.TraceConfig()
    watch.on_request_headers_sent.append(note)
    return watch


def _why_unreachable(error: aiohttp.ClientConnectorError) -> str:
    """The cause in words that name no address: check DNS, the certificate, the port."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known to DNS"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not accepted: {_about(error.certificate_error)}"
    if isinstance(error, aiohttp.ClientSSLError):
        return "it does not speak TLS as we do"
    number = error.os_error.errno
    return os.strerror(number) if number else type(error.os_error).__name__


def _about(error: Exception) -> str:
    """What is wrong with a certificate (`certificate has expired`)."""
    return getattr(error, "verify_message", "") or type(error).__name__


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """What is answered after a 2xx, to its end or to 64 KiB.

    One that goes on for ever or breaks off takes nothing back of the 2xx, unless it is JSON, in which a no may stand.
    """
    answer = b""
    try:
        async for part in response.content.iter_any():
            answer += part
            if len(answer) >= _MOST_READ:
                break
    except (TimeoutError, aiohttp.ClientError):
        if answer.lstrip().startswith(b"{"):
            raise
    return answer[:_MOST_READ]


def _words_of(answer: bytes) -> str:
    """What an answer says: the words of its JSON, or its text where it is no page for browsers."""
    said = _object(answer)
    if said:
        return next((str(said[name]) for name in _WORDS if said.get(name)), "")[:1000]
    text = answer[:1000].decode(errors="replace").strip()
    return "" if text.startswith("<") else text


def _judge_status(host: str, status: int, headers: Mapping[str, str], said: str = "") -> None:
    """Raise Undeliverable for anything but 2xx; permanent where the same again would be refused again."""
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Undeliverable(f"{host} answers {status}, a redirect: write the address it points to", permanent=True)
    if 400 <= status < 500 and status not in _PASSING:
        raise Undeliverable(f"{host} answers {status}{said}", permanent=True)
    raise Undeliverable(f"{host} answers {status}{said}", retry_after=_retry_after(headers))


_PATIENCE = ("limit", "too many", "too fast", "freq", "busy", "timeout", "retry", "internal", "unavailable")
_PATIENCE_ZH = ("频率", "超限", "繁忙", "过快", "稍后", "系统错误")
_BUSY = frozenset({-1, 429, 9499, 11232, 45009, 45033, 130101, 410100})
"""Codes of WeCom, DingTalk and Feishu for `busy` and `too often`."""
_WORDS = ("errmsg", "msg", "StatusMessage", "error", "message", "description")


def _refusal(said: Mapping[str, Any]) -> tuple[str, str, bool] | None:
    """Code, words and whether it is for good, where `errcode`, `code` or `StatusCode` is not 0, or `ok` or
    `success` is false; None where nothing of this is said."""
    codes = [c for c in (_number(said.get(name)) for name in ("errcode", "code", "StatusCode")) if c is not None]
    bad = [code for code in codes if code != 0 and not 200 <= code < 300]
    if not bad and said.get("ok") is not False and said.get("success") is not False:
        return None
    words = next((str(said[name]) for name in _WORDS if said.get(name)), "refused")
    busy = any(code in _BUSY or 500 <= code < 600 for code in bad)
    busy = busy or any(word in words.lower() for word in (*_PATIENCE, *_PATIENCE_ZH))
    return (str(bad[0]) if bad else "", words[:1000], not busy)


def _number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(answer: bytes) -> Mapping[str, Any]:
    """The answer as a JSON object; nothing where it is none, which is no refusal: most receivers say `ok`."""
    try:
        said: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _id_of(headers: Mapping[str, str], said: Mapping[str, Any]) -> str | None:
    """The receiver's own id of the page, to ask it about later."""
    for found in (headers.get("X-Request-Id"), *(said.get(name) for name in ("id", "message_id", "messageId", "sid"))):
        if found and isinstance(found, str | int):
            return str(found)[:200]
    return None


def _secrets(config: Config) -> set[str]:
    """What may be secret in the configuration: the address after its host, header values, texts of the body."""
    parts = urlsplit(config.url)
    found = {parts.username, parts.password, parts.query, parts.path, *parts.path.split("/")}
    found |= {value for _, value in parse_qsl(parts.query)} | set(config.headers.values())
    found |= {word for value in config.headers.values() for word in value.split()} | set(plain_texts(config.body))
    return {form for text in found if text for form in (text, unquote(text)) if len(form) >= 6}


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Seconds, or a date, which is read against the receiver's own `Date`."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return asked_to_wait(float(text[:12]))
    try:
        span = email.utils.parsedate_to_datetime(text) - email.utils.parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return asked_to_wait(span.total_seconds())
