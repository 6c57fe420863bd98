"""Posts a page as JSON to a URL: chat, SMS gateways, ntfy and the like (OUTSIDE §6)."""

import email.utils
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from collectors.rule import Rule, Span, parse_span
from escalation.delivery import PageToSend, Undeliverable, asked_to_wait

_PERMANENT = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
_MOST_READ = 64 * 1024


class Config(Rule):
    type: Literal["webhook"]
    url: str
    headers: dict[str, str] = {}
    timeout: Span = parse_span("10s")


class Notify:
    """One session a channel. Redirects are not followed: a page goes where the operator said, or nowhere."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._host = urlsplit(config.url).hostname or "the webhook"
        self._http: aiohttp.ClientSession | None = None

    async def send(self, page: PageToSend) -> str | None:
        body = {**page.message.payload, "to": page.to}
        try:
            async with self._session().post(
                self._config.url,
                data=json.dumps(body, ensure_ascii=False).encode(),
                headers=self._headers(page),
                allow_redirects=False,
            ) as response:
                answer = await response.content.read(_MOST_READ)
                _judge(self._host, response.status, response.headers, answer)
                return response.headers.get("X-Request-Id")
        except aiohttp.ClientConnectorError as error:
            raise Undeliverable(f"{self._host} cannot be reached: {type(error).__name__}") from error
        except TimeoutError as error:
            raise Undeliverable(f"{self._host} did not answer in time", unknown=True) from error
        except aiohttp.InvalidURL as error:
            raise Undeliverable("the url of the notifier is no URL", permanent=True) from error
        except aiohttp.ClientError as error:
            raise Undeliverable(f"{self._host}: {type(error).__name__}", unknown=True) from error

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=self._config.timeout.total_seconds())
            self._http = aiohttp.ClientSession(timeout=timeout)
        return self._http

    def _headers(self, page: PageToSend) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "Tocsin",
            **self._config.headers,
            "Idempotency-Key": page.key,
            "X-Tocsin-Incident": page.incident,
            "X-Tocsin-Step": page.step,
            "X-Tocsin-Target": page.target,
            "X-Tocsin-Attempt": str(page.attempt),
        }

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()


def _judge(host: str, status: int, headers: Mapping[str, str], answer: bytes) -> None:
    """Raise Undeliverable unless the answer says yes: chat webhooks say no inside a 200."""
    if 200 <= status < 300:
        no = _refusal(answer)
        if no is not None:
            raise Undeliverable(f"{host} answered {status}, and in it: {no}", permanent=no.permanent)
        return
    if 300 <= status < 400:
        raise Undeliverable(f"{host} answers {status}, a redirect: write the address it points to", permanent=True)
    if status in _PERMANENT:
        raise Undeliverable(f"{host} answers {status}", permanent=True)
    raise Undeliverable(f"{host} answers {status}", retry_after=_retry_after(headers))


class _No(str):
    """What a chat service says when it refuses; `permanent` unless it asks for patience."""

    permanent = True


_PATIENCE = ("limit", "too many", "too fast", "freq", "busy", "timeout", "retry", "internal", "频率", "超限", "繁忙")


def _refusal(answer: bytes) -> _No | None:
    """The refusal inside a 2xx: `errcode`, `code` or `StatusCode` not 0, `ok` or `success` false, `error` set."""
    try:
        said: Any = json.loads(answer)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    codes = [said.get(name) for name in ("errcode", "code", "StatusCode")]
    refused = any(isinstance(c, int) and not isinstance(c, bool) and c not in (0, 200, 201, 202) for c in codes)
    refused = refused or said.get("ok") is False or said.get("success") is False
    if not refused:
        return None
    words = next(
        (str(said[n]) for n in ("errmsg", "msg", "StatusMessage", "error", "message") if said.get(n)), "refused"
    )
    code = next((c for c in codes if c), "")
    no = _No(f"{code} {words}".strip()[:200])
    no.permanent = not any(word in words.lower() for word in _PATIENCE)
    return no


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Seconds, or a date, which is read against the receiver's own `Date`."""
    text = headers.get("Retry-After", "")
    if text.isdigit():
        return asked_to_wait(float(text))
    try:
        span = email.utils.parsedate_to_datetime(text) - email.utils.parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return asked_to_wait(span.total_seconds())
