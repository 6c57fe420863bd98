"""A web server on a free port whose answer the test sets."""

import ssl
from typing import Self

from aiohttp import web


class Web:
    """`status`, `body`, `content_type` are the next answer. `seen` are the requests so far."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.status, self.body, self.content_type = 200, "well", "text/plain"
        self.location = ""
        self.seen: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path, dict(request.query), dict(request.headers)))
        headers = {"Location": self.location} if self.location else {}
        return web.Response(status=self.status, text=self.body, content_type=self.content_type, headers=headers)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
