"""A web address: whether it answers as it should, how fast, and how long its certificate is good."""

import asyncio
import math
import ssl
from datetime import datetime, timedelta
from typing import Literal

import aiohttp
from yarl import URL

from collectors.alert import Level
from collectors.rule import Span
from collectors.source import Finding, Reading
from collectors.thresholds import JudgedConfig

_MOST = 1024 * 1024


class Config(JudgedConfig):
    """Well is an answer within `timeout` with a status of `expect_status` (left out: any 2xx) that holds
    `expect_text` in its first MiB. It counts as down when that has failed for `down_after`.
    """

    type: Literal["http"]
    url: str
    method: Literal["GET", "HEAD", "POST", "OPTIONS"] = "GET"
    headers: dict[str, str] = {}
    expect_status: list[int] = []
    expect_text: str = ""
    follow_redirects: bool = True
    timeout: Span = timedelta(seconds=10)
    down_after: Span = timedelta()
    verify_tls: bool = True
    ca_file: str | None = None


class _NotWell(Exception):
    """The answer is not what is expected; the text says in what."""


class Inspect:
    """One web address; each look is a new connection, as a visitor's would be."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self.about = {"instance": str(URL(config.url).with_user(None))}
        self._failing_since: datetime | None = None
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None

    def moved(self, shift: timedelta) -> None:
        """The clock was put right by this much."""
        self._failing_since = self._failing_since and self._failing_since + shift

    async def read(self, now: datetime) -> list[Reading | Finding]:
        """Return HttpDown with its reason or as well, `http_latency_s`, and over TLS `tls_days_left`.

        Latency is in seconds up to the end of the body. While it fails and is not yet down nothing is said.
        """
        try:
            took_s, not_after_s = await self._visit()
        except (TimeoutError, _NotWell, aiohttp.ClientError, OSError, ValueError) as error:
            return [*self._down(error, now), *self._readings(math.nan, math.nan)]
        self._failing_since = None
        well = Finding("HttpDown", self.about, None, {"summary": f"{self.about['instance']} answers"})
        return [well, *self._readings(took_s, (not_after_s - now.timestamp()) / 86_400)]

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _down(self, error: Exception, now: datetime) -> list[Finding]:
        self._failing_since = self._failing_since or now
        if now - self._failing_since < self._config.down_after:
            return []
        reason = str(error) or f"no answer in {self._config.timeout.total_seconds():g} s"
        summary = f"{self.about['instance']} is down: {reason}"
        return [Finding("HttpDown", self.about, Level.CRIT, {"summary": summary, "reason": reason})]

    def _readings(self, latency_s: float, days_left: float) -> list[Reading]:
        told = [Reading("http_latency_s", latency_s, self.about)]
        if URL(self._config.url).scheme == "https" and self._config.verify_tls:
            told.append(Reading("tls_days_left", days_left, self.about))
        return told

    async def _visit(self) -> tuple[float, float]:
        """Return the seconds it took and the end of the certificate (seconds since the epoch, or NaN)."""
        config, loop = self._config, asyncio.get_running_loop()
        if self._session is None:
            self._session = self._open()
        begun = loop.time()
        async with self._session.request(
            config.method, config.url, headers=config.headers, allow_redirects=config.follow_redirects
        ) as response:
            good = response.status in config.expect_status if config.expect_status else response.ok
            if not good or (not config.expect_status and response.status >= 300):
                raise _NotWell(f"it answers {response.status} {response.reason or ''}".rstrip())
            text = await _beginning(response)
        if config.expect_text and config.expect_text not in text:
            raise _NotWell(f"its answer does not hold {config.expect_text!r}")
        took_s = loop.time() - begun
        return took_s, await self._certificate_ends()

    async def _certificate_ends(self) -> float:
        """Ask on a connection of its own: aiohttp lets go of its one with the last byte of a short answer."""
        url = URL(self._config.url)
        if url.scheme != "https" or self._tls is None:
            return math.nan
        async with asyncio.timeout(self._config.timeout.total_seconds()):
            _, writer = await asyncio.open_connection(url.host, url.port, ssl=self._tls)
        certificate = writer.get_extra_info("peercert")
        writer.transport.abort()
        return ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate else math.nan

    def _open(self) -> aiohttp.ClientSession:
        if self._config.verify_tls:
            self._tls = ssl.create_default_context(cafile=self._config.ca_file)
        connector = aiohttp.TCPConnector(ssl=self._tls or False, force_close=True)
        timeout = aiohttp.ClientTimeout(total=self._config.timeout.total_seconds())
        return aiohttp.ClientSession(connector=connector, timeout=timeout)


async def _beginning(response: aiohttp.ClientResponse) -> str:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) >= _MOST:
            break
    return body.decode(response.charset or "utf-8", errors="replace")
