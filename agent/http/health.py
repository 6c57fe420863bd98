"""Health, readiness, metrics and reload: what a supervisor asks."""

import hashlib
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPEN_METRICS
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics

from agent.http.problems import Problem, problem_of
from agent.loops.cycle import Cycle
from agent.metrics import Metrics
from agent.pipeline import Pipeline

Reload = Callable[[str], Awaitable[list[str]]]
"""Reloads the configuration for whoever asks; returns the faults, none where it was taken."""
MayReload = Callable[[web.Request], Awaitable[str]]
"""Who asks for a reload. Raises what refuses them."""


class Health:
    """`/-/healthy` says that the process answers, `/-/ready` that it takes alerts, `/healthz/engine` that it pages."""

    def __init__(
        self,
        pipeline: Pipeline,
        metrics: Metrics,
        cycle: Cycle,
        reload: Reload,
        may_reload: MayReload,
        behind: Callable[[], str] = lambda: "",
    ) -> None:
        """`behind` says what is not there yet although alerts are taken; empty where all is."""
        self._behind = behind
        self._pipeline = pipeline
        self._metrics = metrics
        self._cycle = cycle
        self._reload = reload
        self._may_reload = may_reload

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.ready),
            web.get("/healthz/engine", self.engine),
            web.get("/metrics", self.metrics),
            web.post("/-/reload", self.reload),
        ]

    async def healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="Tocsin is healthy.\n")

    async def ready(self, _: web.Request) -> web.Response:
        if why := self._pipeline.health.refuses:
            return web.Response(status=503, text=f"not ready: {why}\n")
        behind = self._behind()
        return web.Response(text=f"Tocsin is ready{f'; {behind}' if behind else ''}.\n")

    async def engine(self, _: web.Request) -> web.Response:
        """Healthy only after a completed cycle of the escalation loop."""
        late = self._cycle.late_s()
        if late is None:
            return web.Response(status=503, text="no cycle of the escalation loop has been completed yet\n")
        if late > self._cycle.patience_s:
            return web.Response(status=503, text=f"the last cycle of the escalation loop was {late:.0f} s ago\n")
        return web.Response(text=f"the last cycle of the escalation loop was {late:.1f} s ago\n")

    async def metrics(self, request: web.Request) -> web.Response:
        self._metrics.look_at(self._pipeline.desk, self._pipeline.clock.now())
        self._metrics.known_errors_ready.set(not self._behind())
        wants_open = "application/openmetrics-text" in request.headers.get("Accept", "")
        written = open_metrics if wants_open else generate_latest
        body = written(self._metrics.registry)
        response = web.Response(body=body)
        response.headers["Content-Type"] = OPEN_METRICS if wants_open else CONTENT_TYPE_LATEST
        return response

    async def reload(self, request: web.Request) -> web.Response:
        try:
            who = await self._may_reload(request)
        except Exception as error:  # no middleware answers here: whatever refuses is told as a problem
            return problem_of(error).response()
        faults = await self._reload(who)
        if faults:
            said = "the configuration stays as it was:\n" + "\n".join(faults)
            return Problem(
                422, said, faults=[{"field": "configuration", "message": fault} for fault in faults]
            ).response()
        return web.Response(text="reloaded\n")


def digest(text: str) -> str:
    """SHA-256 of a token, as it is stored."""
    return hashlib.sha256(text.encode()).hexdigest()
