"""Where pages and webhooks end in a test: a web server and a mail server that keep what they got."""

import asyncio
import json
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from multidict import CIMultiDictProxy

from tests.real.running import PATIENCE, until


@dataclass(frozen=True, slots=True)
class Answer:
    """How the web sink answers one request: with `status`, or by closing (`drop`), in both cases `after` seconds."""

    status: int = 200
    after: float = 0.0
    drop: bool = False
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came: `at` is the wall clock, `seconds` the loop's monotonic one."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body: bytes
    at: datetime
    seconds: float
    answer: Answer

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class WebhookSink:
    """A web server in the test's process that keeps every request and answers as the test has scripted.

    Scripted answers are used up one for each request, then `usual` answers. A request is kept when its body has
    been read, before it is answered.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.usual = Answer()
        self._script: deque[Answer] = deque()
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/"

    def script(self, *answers: int | Answer) -> None:
        """Say how the next requests are answered, in order; a number is a status."""
        self._script.extend(Answer(status=answer) if isinstance(answer, int) else answer for answer in answers)

    @property
    def accepted(self) -> list[Received]:
        """Return the requests that were answered with a 2xx."""
        return [got for got in self.received if not got.answer.drop and 200 <= got.answer.status < 300]

    async def wait(
        self, condition: Callable[[list[Received]], Any], what: str, within: float = PATIENCE
    ) -> list[Received]:
        """Return what was received as soon as `condition` holds of it."""

        def enough() -> list[Received]:
            return list(self.received) if condition(self.received) else []

        try:
            return await until(enough, what, within)
        except AssertionError as error:
            error.add_note(f"received until then: {[(got.path, got.body[:2000]) for got in self.received]}")
            raise

    async def wait_for(self, count: int, within: float = PATIENCE) -> list[Received]:
        """Return what was received as soon as there are `count` requests."""
        return await self.wait(lambda got: len(got) >= count, f"{count} requests at the sink", within)

    async def refuse(self) -> None:
        """Stop listening: from now on connections are refused."""
        if self._site is not None and self._runner is not None:
            await self._site.stop()
            self._site = None
            if self._runner.server is not None:
                await self._runner.server.shutdown(0.1)

    async def listen(self) -> None:
        """Listen again, on the same port."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        answer = self._script.popleft() if self._script else self.usual
        body = await request.read()
        seconds = asyncio.get_running_loop().time()
        self.received.append(
            Received(request.method, request.path_qs, request.headers, body, datetime.now(UTC), seconds, answer)
        )
        await asyncio.sleep(answer.after)
        if answer.drop and request.transport is not None:
            request.transport.abort()
        return web.Response(status=answer.status, text=answer.text, headers=answer.headers)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was accepted: the envelope, and the message decoded."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    raw: bytes

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None, "the mail has no plain text"
        return str(body.get_content())


class SmtpSink:
    """A mail server in the test's process that keeps what it accepts.

    `script("451 4.3.0 later")` answers the next mail so instead of accepting it; `user` and `password` make it
    ask for a login (without TLS, it is loopback).
    """

    def __init__(self, *, user: str | None = None, password: str | None = None) -> None:
        self.mails: list[Mail] = []
        self.refused: list[Mail] = []
        self._login = (user, password) if user is not None else None
        self._script: deque[str] = deque()
        self._server: asyncio.Server | None = None
        self._open: set[Any] = set()
        self.host = "127.0.0.1"
        self.port = 0

    def script(self, *answers: str) -> None:
        """Say how the next mails are answered, in order."""
        self._script.extend(answers)

    async def wait_for(self, count: int, within: float = PATIENCE) -> list[Mail]:
        """Return the accepted mails as soon as there are `count`."""
        return await until(lambda: self.mails[:] if len(self.mails) >= count else [], f"{count} mails", within)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take one mail; the name is aiosmtpd's."""
        raw = bytes(envelope.content)
        message = message_from_bytes(raw, policy=default)
        assert isinstance(message, EmailMessage)
        mail = Mail(envelope.mail_from, list(envelope.rcpt_tos), message, raw)
        if self._script:
            self.refused.append(mail)
            return self._script.popleft()
        self.mails.append(mail)
        return "250 2.0.0 kept"

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> Any:
        known = isinstance(given, LoginPassword) and self._login == (given.login.decode(), given.password.decode())
        return AuthResult(success=known, handled=known)

    def _serve(self) -> Any:
        login: dict[str, Any] = {}
        if self._login is not None:
            login = {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": False}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a login without TLS, which loopback may do
            protocol = SMTP(self, hostname="sink", enable_SMTPUTF8=True, loop=asyncio.get_running_loop(), **login)
        self._open.add(protocol)
        return protocol

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for protocol in self._open:
            if protocol.transport is not None:
                protocol.transport.abort()
        await self._server.wait_closed()
