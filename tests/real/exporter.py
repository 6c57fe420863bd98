"""A small exporter in the test's own process: Prometheus scrapes what the test has set."""

from typing import Self

from aiohttp import web

Series = tuple[str, tuple[tuple[str, str], ...]]


class Exporter:
    """Serves gauges at `/metrics` of a free port; a test sets them, and the next scrape sees them."""

    def __init__(self) -> None:
        self._gauges: dict[Series, float] = {}
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.broken = False
        """While true every scrape is answered with 500, so `up` is 0."""
        self.scrapes = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set one series."""
        self._gauges[_series(name, labels)] = value

    def drop(self, name: str, **labels: str) -> None:
        """Let one series vanish."""
        del self._gauges[_series(name, labels)]

    def text(self) -> str:
        """Return the page as Prometheus reads it."""
        return "".join(f"{name}{_written(labels)} {value!r}\n" for (name, labels), value in self._gauges.items())

    async def _metrics(self, _: web.Request) -> web.Response:
        self.scrapes += 1
        if self.broken:
            return web.Response(status=500)
        return web.Response(text=self.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


def _series(name: str, labels: dict[str, str]) -> Series:
    return name, tuple(sorted(labels.items()))


def _written(labels: tuple[tuple[str, str], ...]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
