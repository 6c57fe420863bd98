"""Puts the house together and runs its loops side by side; a loop that dies takes the process down, loudly."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from agent import tokens
from agent.clock import Clock, SystemClock
from agent.configuration.config import Config
from agent.desk import Desk
from agent.group import Group
from agent.http.ack import ack_link
from agent.http.api import Api, add_api
from agent.http.health import Health
from agent.http.listening import is_loopback
from agent.http.patience import Patience
from agent.http.proxies import Proxies
from agent.http.reads.alerts import AlertReads
from agent.http.turned_away import TurnedAway
from agent.http.webhooks import LIMIT, Intake
from agent.in_force import InForce
from agent.loading.load import load_desk
from agent.loops import rota_watch
from agent.loops.courier import Courier
from agent.loops.cycle import Cycle
from agent.loops.inspect import Inspections
from agent.loops.letting_go import LettingGo
from agent.loops.paging import Descriptions
from agent.loops.ranker import Ranker
from agent.loops.reconcile import Reconciler
from agent.loops.rota_watch import RotaWatch
from agent.loops.runner import Runner
from agent.loops.supervisor import NotifySocket, Supervisor
from agent.loops.ticker import Ticker
from agent.loops.wall import WallWatch, follow_wall
from agent.metrics import Metrics
from agent.pipeline import Pipeline
from agent.storage import migrate
from agent.storage.database import is_postgres, readers, sqlite_path, writer_for
from agent.storage.opening import open_store
from agent.storage.sqlite import Reserve
from agent.storage.writer import StoreDown, Writer
from agent.store_health import StoreHealth
from agent.version import VERSION
from collectors.alert import Parsed
from knowledge.written import NOTHING_LAID

log = structlog.get_logger("daemon")
_LAST_MINUTE_S = 10.0
_DESCRIPTIONS_S = 1.0


@dataclass(frozen=True)
class Options:
    """The flags of `serve`."""

    config_dir: str = "./configs/site"
    pack: str | None = None
    listen: str = "127.0.0.1:9099"
    external_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    storage_url: str = "sqlite:///./var/tocsin.db"


class Daemon:
    """The running house: configuration, pipeline, notifiers and loops."""

    def __init__(
        self, options: Options, config: Config, clock: Clock | None = None, told: NotifySocket | None = None
    ) -> None:
        """`told` is who supervises the process."""
        self.options = options
        self.clock: Clock = clock or SystemClock()
        self.metrics = Metrics(VERSION)
        self._desk: Desk | None = None
        """The one that was read last."""
        self.cycle = Cycle(self.clock)
        self.writer: Writer = writer_for(options.storage_url)
        reserve = None if is_postgres(options.storage_url) else Reserve(sqlite_path(options.storage_url))
        self.pipeline = Pipeline(self.writer, self.clock, self._load, self.metrics, StoreHealth(reserve))
        self.inspections = Inspections(self.pipeline, lambda: self.config, self.clock, self.metrics)
        self.reconciler = Reconciler(self.pipeline, lambda: self.config, self.clock)
        self.ranker = Ranker(self.pipeline, self.clock)
        self.runner = Runner(self.pipeline, self.clock, lambda: self.config.automation)
        self.patience = Patience(lambda: self.pipeline.health.committed_at)
        self.ticker = Ticker(self.pipeline, self.clock, self.cycle)
        self.supervisor = Supervisor(told or NotifySocket(), self.pipeline, self.cycle, self.clock)
        self.courier = Courier(self.pipeline, self.clock, self)
        self.in_force = InForce(
            config,
            (options.config_dir, options.pack),
            self.pipeline,
            self.clock,
            self.metrics,
            self.courier.sending.close_after_last,
        )
        self.in_force.while_reloading = self.supervisor.reloading
        self.first_token: str | None = None
        self.port = 0
        """The port that it listens on, once it does."""
        self._tasks: asyncio.TaskGroup

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.in_force.config

    @property
    def notifiers(self) -> Mapping[str, Any]:
        """The notifiers in force, by name."""
        return self.in_force.notifiers

    async def _load(self, writer: Writer) -> Desk:
        held = self._desk.laid if self._desk is not None else NOTHING_LAID
        self._desk = await load_desk(writer, self.in_force.counted_by(), self.clock.now(), held)
        return self._desk

    def links(self, number: str, person: str) -> dict[str, str]:
        """Where a page points to: the record for programs, the console for people, a signed page that acknowledges."""
        return {
            "open": f"{self.external_url}/api/v1/incidents/{number}",
            "console": f"{self.external_url}/incidents/{number}",
            "acknowledge": ack_link(self.secret, self.external_url, number, person, self.clock.now()),
        }

    async def annotations(self, alerts: Sequence[int]) -> Descriptions:
        """What senders wrote beside the labels of alerts; a page goes without where the store does not answer."""
        if not alerts:
            return {}
        try:
            async with asyncio.timeout(_DESCRIPTIONS_S):
                return await AlertReads(self.engine).annotations(alerts)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("a page goes without the descriptions of its alerts", why=type(error).__name__)
            return {}

    # start

    async def open(self) -> None:
        """Lock and migrate the store, read the desk. Raises StoreDown, StoreTaken, NewerSchema."""
        self.in_force.leave_out_what_never_opens()
        await open_store(self.writer, self.options.storage_url)
        before, after = await migrate.upgrade(self.options.storage_url)
        if before != after:
            log.info("schema upgraded", was=before or "empty", now=after)
        self.engine: AsyncEngine = readers(self.options.storage_url)
        await self.in_force.number()
        self.first_token = await tokens.first_token(self.writer, self.clock.now())
        self.secret = await tokens.link_secret(self.writer, self.clock.now())
        await follow_wall(self.writer, self.clock.now())
        await self.pipeline.start()
        self.in_force.make_notifiers()
        self.in_force.taken.append(self._reconfigure)
        self.metrics.reloaded(True, self.clock.now())

    async def note_told(self) -> None:
        """Whoever started us was shown the first token; where that cannot be stored the next start makes another."""
        if self.first_token is not None:
            with contextlib.suppress(StoreDown):
                await tokens.note_told(self.writer)

    def _reconfigure(self) -> None:
        """A reload has put another configuration in force."""
        self.ranker.prepare()
        self.inspections.reconfigure(self._tasks)
        self.reconciler.reconfigure(self._tasks)

    def behind(self) -> str:
        """What of the known errors is not there yet; empty where all of them are asked."""
        unread = self.in_force.unread()
        if unread:
            return unread
        if self.ranker.is_counting:
            return "the words of known errors are being counted"
        return "known errors that are wrong were left out: the log says which" if self.config.left_out else ""

    # web

    def app(self) -> web.Application:
        """The web application: intake without middleware, health, and the API."""
        app = web.Application(client_max_size=LIMIT)
        proxies, turned_away = Proxies(self.options.trusted_proxies), TurnedAway()
        intake = Intake(
            self.pipeline,
            lambda: self.config,
            self.clock,
            self.metrics,
            self._source_of,
            on_loopback=is_loopback(self.options.listen),
            proxies=proxies,
            turned_away=turned_away,
        )
        intake.heard = self._heard
        app.add_routes(intake.routes())
        api = Api(
            self.pipeline,
            self.engine,
            lambda: self.pipeline.desk.config,
            self.clock,
            secret=self.secret,
            get_external_url=lambda: self.written_url,
            reload=self.in_force.reload,
            proxies=proxies,
            turned_away=turned_away,
            patience=self.patience,
        )
        health = Health(self.pipeline, self.metrics, self.cycle, self.in_force.reload, api.may_reload, self.behind)
        app.add_routes(health.routes())
        add_api(app, api)
        return app

    @property
    def external_url(self) -> str:
        """Where people reach this daemon: the flag, else tocsin.yaml, else the listen address."""
        return self.written_url or f"http://{self.listen}"

    @property
    def written_url(self) -> str:
        """The address that the flag or tocsin.yaml name; "" where neither does."""
        return (self.options.external_url or self.config.external_url or "").rstrip("/")

    @property
    def listen(self) -> str:
        """Where it listens, with the port that it got where 0 was asked for."""
        host, _, port = self.options.listen.rpartition(":")
        return f"{host or '127.0.0.1'}:{self.port or port}"

    async def _source_of(self, token: str) -> str | None:
        return await tokens.source_of(token, self.engine)

    def _heard(self, source: str, parsed: Parsed) -> None:
        """An intake message was taken: heartbeats and the pull want to know."""
        if parsed.receiver:
            self.reconciler.note_receiver(self.config.origin(source), parsed.receiver)
        if parsed.truncated:
            self.reconciler.ask(self.config.origin(source))
        if self.inspections.listens:
            self.inspections.heard(source, parsed.alerts, self.clock.now())

    # loops

    async def run(self, stop: asyncio.Event) -> None:
        """Run the loops until `stop` is set, then finish what is in hand.

        The line ends last: pages and programs that are still on their way bring their results back through it.
        """
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self.pipeline.committed.append(self._after_commit)
            letting_go = LettingGo(self.pipeline, self.writer, self.clock, lambda: self.config)
            line = tasks.create_task(self.pipeline.run(), name="line")
            loops = [
                tasks.create_task(self.in_force.count_anew(), name="calendars"),
                tasks.create_task(self.ticker.run(), name="escalate"),
                tasks.create_task(self.courier.run(), name="deliver"),
                tasks.create_task(self._watch_clock(), name="clock"),
                tasks.create_task(letting_go.run(), name="let go"),
                tasks.create_task(self.in_force.reload_when_asked(), name="reload"),
                tasks.create_task(self._watch_rota(), name="rota"),
                tasks.create_task(self.runner.run(), name="runner"),
                tasks.create_task(self.supervisor.run(), name="supervisor"),
            ]
            self.inspections.reconfigure(tasks)
            self.reconciler.reconfigure(tasks)
            self.ranker.prepare()
            self.ranker.rank(self.ranker.left_unranked(), tasks)
            if not self.config.is_library_read:
                loops.append(tasks.create_task(self.in_force.read_library(), name="known errors"))
            await stop.wait()
            log.info("stopping")
            self.supervisor.stopping()
            self.pipeline.stopping = True
            for loop in loops:
                loop.cancel()
            await asyncio.gather(
                self.courier.land(), self.runner.land(_LAST_MINUTE_S), self.ranker.land(_LAST_MINUTE_S)
            )
            self.pipeline.finish()
            await asyncio.wait([line], timeout=_LAST_MINUTE_S)
            line.cancel()
            await asyncio.wait([line])
            self.pipeline.stop()
            self.inspections.stop()
            self.reconciler.stop()

    async def _watch_clock(self) -> None:
        """A wall that runs away from the clock is told, and adopted once it is known to be right."""
        if isinstance(self.clock, SystemClock):
            await WallWatch(self.clock, self.pipeline, self.metrics, self._moved).run()

    def _moved(self, shift: timedelta) -> None:
        self.inspections.moved(shift)
        self.courier.moved(shift)

    async def _watch_rota(self) -> None:
        """Every ten minutes the rotas are looked at two weeks ahead."""
        watch = RotaWatch(self.pipeline, self.clock, self.metrics)
        while True:
            with contextlib.suppress(StoreDown):
                await watch.look()
            await self.clock.sleep_until(self.clock.now() + rota_watch.EVERY)

    def _after_commit(self, group: Group) -> None:
        """Begin what a group asks for beside its rows: ranking, runs of actions, questions to an Alertmanager."""
        self.ranker.rank(group.opened_unknown, self._tasks)
        if group.runs:
            self.runner.wake.set()
        for origin in group.suspected:
            self.reconciler.ask(origin)

    async def close(self) -> None:
        """Close notifiers, readers and store; the loops have to be over."""
        await self.in_force.close(_LAST_MINUTE_S)
        self.ranker.end()
        await self.engine.dispose()
        await self.writer.close()
