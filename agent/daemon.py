"""Puts the house together and runs its loops side by side; a loop that dies takes the process down, loudly."""

import asyncio
import contextlib
import dataclasses
import gc
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, wait_exponential

from agent import tokens
from agent.aside import Aside
from agent.clock import Clock, SystemClock
from agent.configuration import plugins
from agent.configuration.config import Config
from agent.configuration.faults import ConfigFaults
from agent.configuration.known_errors import MANY
from agent.configuration.load import load
from agent.configuration.versions import calendars_in_force, numbered
from agent.desk import Desk
from agent.group import Group
from agent.http.ack import ack_link
from agent.http.api import Api, add_api
from agent.http.health import Health
from agent.http.listening import holding, is_loopback, serving
from agent.http.patience import Patience
from agent.http.proxies import Proxies
from agent.http.reads.alerts import AlertReads
from agent.http.turned_away import TurnedAway
from agent.http.webhooks import LIMIT, Intake
from agent.intents import ConfigChanged
from agent.loading.load import load_desk
from agent.loading.written import Row, lay_written
from agent.loops import rota_watch
from agent.loops.courier import Courier
from agent.loops.cycle import Cycle
from agent.loops.inspect import Inspections
from agent.loops.letting_go import LettingGo
from agent.loops.ranker import Ranker
from agent.loops.reconcile import Reconciler
from agent.loops.rota_watch import RotaWatch
from agent.loops.runner import Runner
from agent.loops.ticker import Ticker
from agent.loops.wall import WallWatch, follow_wall
from agent.metrics import Metrics
from agent.pipeline import Pipeline, Undecided
from agent.storage import migrate
from agent.storage.database import is_postgres, readers, sqlite_path, writer_for
from agent.storage.filesystem import network_filesystem
from agent.storage.sqlite import Reserve
from agent.storage.writer import StoreDown, Writer
from agent.turn import AGENT
from agent.version import VERSION
from collectors.alert import Parsed
from correlation.calendar import BusinessCalendar, that_open
from knowledge.store import COUNT_WRITTEN_ERRORS, WRITTEN_ERRORS
from knowledge.written import NOTHING_LAID, Laid, laid_over

log = structlog.get_logger("daemon")
_A_MOMENT = timedelta(seconds=1)
_GC = (50_000, 20, 50)
"""What is on the board lives long: looking through it every 700 objects would cost more than the decisions."""
_LAST_MINUTE_S = 10.0
_WAIT_FOR_STORE_S = 15.0
"""A database that is started with us, in any order, answers within this; one that does not is told as absent."""
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

    def __init__(self, options: Options, config: Config, clock: Clock | None = None) -> None:
        self.options = options
        self.config = config
        self.clock: Clock = clock or SystemClock()
        self.metrics = Metrics(VERSION)
        self._reading = Aside("read")
        """A thread of its own: while a large configuration is read, those that intake uses are free."""
        self._calendars_before: Mapping[str, BusinessCalendar] | None = None
        """Of the configuration before this start, where they are others."""
        self._desk: Desk | None = None
        """The one that was read last."""
        self.cycle = Cycle(self.clock)
        self.writer: Writer = writer_for(options.storage_url)
        reserve = None if is_postgres(options.storage_url) else Reserve(sqlite_path(options.storage_url))
        self.pipeline = Pipeline(self.writer, self.clock, self._load, self.metrics, reserve)
        self.inspections = Inspections(self.pipeline, lambda: self.config, self.clock, self.metrics)
        self.reconciler = Reconciler(self.pipeline, lambda: self.config, self.clock)
        self.ranker = Ranker(self.pipeline, self.clock)
        self.runner = Runner(self.pipeline, self.clock, lambda: self.config.automation)
        self.patience = Patience(lambda: self.pipeline.committed_at)
        self.notifiers: dict[str, Any] = {}
        self.ticker = Ticker(self.pipeline, self.clock, self.cycle)
        self.courier = Courier(self.pipeline, self.clock, self)
        self._closing: set[asyncio.Task[None]] = set()
        self._asked_to_reload = asyncio.Event()
        self.first_token: str | None = None
        self.port = 0
        """The port that it listens on, once it does."""
        self._reloading = asyncio.Lock()
        self._tasks: asyncio.TaskGroup

    async def _load(self, writer: Writer) -> Desk:
        """The desk by this configuration; by the calendars of before, until what they counted is counted anew."""
        before = self._calendars_before
        config = self.config if before is None else dataclasses.replace(self.config, calendars=before)
        held = self._desk.laid if self._desk is not None else NOTHING_LAID
        self._desk = await load_desk(writer, config, self.clock.now(), held)
        return self._desk

    def links(self, number: str, person: str) -> dict[str, str]:
        """Where a page points to: the record for programs, the console for people, a signed page that acknowledges."""
        return {
            "open": f"{self.external_url}/api/v1/incidents/{number}",
            "console": f"{self.external_url}/incidents/{number}",
            "acknowledge": ack_link(self.secret, self.external_url, number, person, self.clock.now()),
        }

    async def annotations(self, alerts: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
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
        """Lock and migrate the store, number the configuration, read the desk."""
        self._leave_out_what_never_opens()
        await self._reach_store()
        before, after = await migrate.upgrade(self.options.storage_url)
        if before != after:
            log.info("schema upgraded", was=before or "empty", now=after)
        ((written,),) = await self.writer.fetch(COUNT_WRITTEN_ERRORS)
        if written > MANY:
            self.config = dataclasses.replace(self.config, is_library_read=False)
        self.engine: AsyncEngine = readers(self.options.storage_url)
        counted = await calendars_in_force(self.writer)
        if counted is not None and (counted := that_open(counted, self.clock.now())) != self.config.calendars:
            self._calendars_before = counted
        self.config = await numbered(self.config, self.writer, self.clock.now())
        self.first_token = await tokens.first_token(self.writer, self.clock.now())
        self.secret = await tokens.link_secret(self.writer, self.clock.now())
        await follow_wall(self.writer, self.clock.now())
        await self.pipeline.start()
        self._make_notifiers()
        self.metrics.reloaded(True, self.clock.now())

    async def note_told(self) -> None:
        """Whoever started us was shown the first token; where that cannot be stored the next start makes another."""
        if self.first_token is not None:
            with contextlib.suppress(StoreDown):
                await tokens.note_told(self.writer)

    def _leave_out_what_never_opens(self) -> None:
        """Count around the clock where a calendar's workdays have run out: a start at night must page all the same."""
        calendars = that_open(self.config.calendars, self.clock.now())
        for name in self.config.calendars.keys() - calendars.keys():
            log.error("a calendar never opens again: targets in it count around the clock", calendar=name)
        self.config = dataclasses.replace(self.config, calendars=calendars)

    async def _reach_store(self) -> None:
        """Open the store; a PostgreSQL that starts beside us is waited for. Raises StoreDown, StoreTaken."""
        if not is_postgres(self.options.storage_url):
            kind = network_filesystem(sqlite_path(self.options.storage_url))
            if kind is not None:
                log.warning("the store lies on a network filesystem, which may lose what was answered", kind=kind)
            await self.writer.open()
            return
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(StoreDown),
            stop=stop_after_delay(_WAIT_FOR_STORE_S),
            wait=wait_exponential(0.2, max=2.0),
            before_sleep=_note_waiting,
            reraise=True,
        ):
            with attempt:
                await self.writer.open()

    def _make_notifiers(self) -> None:
        self.notifiers = {n: plugins.notifier(c.type).Notify(c) for n, c in self.config.notifiers.items()}

    async def reload(self, who: str) -> list[str]:
        """Read the configuration anew; take all of it or none of it. Returns the faults."""
        async with self._reloading:
            return await self._reload(who)

    async def _reload(self, who: str) -> list[str]:
        try:
            rows = None if self.config.is_library_read else await self.writer.fetch(WRITTEN_ERRORS)
            held = self.pipeline.desk.laid
            held = held._replace(written=dict(held.written))  # it is read in a thread, while people go on writing
            fresh, laid = await self._reading.do(self._read_anew, self.clock.now(), held, rows)
        except StoreDown as error:
            return self._not_taken([str(error)])
        except ConfigFaults as faults:
            return self._not_taken([str(fault) for fault in faults.faults])
        old, before = self.notifiers, self.config
        try:
            self.config = await numbered(fresh, self.writer, self.clock.now())
            self._make_notifiers()
            await self.pipeline.submit(ConfigChanged(self.config, who, laid))
        except (StoreDown, Undecided) as error:
            self._retire(self.notifiers, old)
            self.notifiers, self.config = old, before
            return self._not_taken([str(error)])
        self.ranker.prepare()
        self.inspections.reconfigure(self._tasks)
        self.reconciler.reconfigure(self._tasks)
        self.metrics.reloaded(True, self.clock.now())
        log.info("configuration reloaded", version=self.config.version, by=who)
        self._retire(old, self.notifiers)
        return []

    def _read_anew(self, now: datetime, held: Laid, rows: Sequence[Row] | None) -> tuple[Config, Laid]:
        """Return the configuration as its files are now, and its known errors under what people wrote, words counted.

        `held` are the known errors of now: until then the daemon goes on with them. With `rows`, what people wrote as
        the store has it, it reads the library that the start did not wait for. Then the words are left uncounted: so
        many known errors are better found by their predicates soon than by all later; and a file of them that is wrong
        is left out alone, where it would have kept a smaller library's daemon from starting.
        """
        first = rows is not None
        fresh = load(self.options.config_dir, self.options.pack, now=now, but_faulty=first)
        if rows is not None:
            return fresh, lay_written(fresh.known_errors, rows, held)
        laid = Laid(laid_over(fresh.known_errors, held.written, held), held.written)
        _ = laid.library.words
        return fresh, laid

    async def _read_library(self) -> None:
        """Read the known errors that the start did not wait for; of a file that is wrong the rest goes without."""
        while (faults := await self.reload(AGENT)) and self.pipeline.down:
            await self.clock.sleep_until(self.clock.now() + _A_MOMENT)
        if not faults:
            gc.freeze()
            self._not_taken([str(fault) for fault in self.config.left_out])
            log.info("known errors read", entries=len(self.pipeline.desk.config.known_errors))

    def behind(self) -> str:
        """What of the known errors is not there yet; empty where all of them are asked."""
        if not self.pipeline.desk.config.is_library_read:
            reading = self._reloading.locked()
            return "known errors are being read" if reading else "known errors were not read: the log says why"
        if self.ranker.is_counting:
            return "the words of known errors are being counted"
        return "known errors that are wrong were left out: the log says which" if self.config.left_out else ""

    def _retire(self, old: dict[str, Any], kept: dict[str, Any]) -> None:
        """Close notifiers that another took the place of, each after its last page."""
        for name, notifier in old.items():
            if kept.get(name) is not notifier:
                task = asyncio.create_task(self.courier.sending.close_after_last(notifier), name=f"close {name}")
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    def ask_to_reload(self) -> None:
        """Reload as soon as the house runs (SIGHUP)."""
        self._asked_to_reload.set()

    async def _reload_when_asked(self) -> None:
        while True:
            await self._asked_to_reload.wait()
            self._asked_to_reload.clear()
            await self.reload("SIGHUP")

    def _not_taken(self, faults: list[str]) -> list[str]:
        if faults:
            self.metrics.reloaded(False, self.clock.now())
        for fault in faults:
            log.error("configuration not taken", fault=fault)
        return faults

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
            reload=self.reload,
            proxies=proxies,
            turned_away=turned_away,
            patience=self.patience,
        )
        health = Health(self.pipeline, self.metrics, self.cycle, self.reload, api.may_reload, self.behind)
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
                tasks.create_task(self._count_anew(), name="calendars"),
                tasks.create_task(self.ticker.run(), name="escalate"),
                tasks.create_task(self.courier.run(), name="deliver"),
                tasks.create_task(self._watch_clock(), name="clock"),
                tasks.create_task(letting_go.run(), name="let go"),
                tasks.create_task(self._reload_when_asked(), name="reload"),
                tasks.create_task(self._watch_rota(), name="rota"),
                tasks.create_task(self.runner.run(), name="runner"),
            ]
            self.inspections.reconfigure(tasks)
            self.reconciler.reconfigure(tasks)
            self.ranker.prepare()
            self.ranker.rank(self.ranker.left_unranked(), tasks)
            if not self.config.is_library_read:
                loops.append(tasks.create_task(self._read_library(), name="known errors"))
            await stop.wait()
            log.info("stopping")
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

    async def _count_anew(self) -> None:
        """Calendars that were changed while nothing ran are taken as by a reload, however long the store takes."""
        while self._calendars_before is not None:
            try:
                await self.pipeline.submit(ConfigChanged(self.config, AGENT))
                self._calendars_before = None
            except (StoreDown, Undecided):
                await self.clock.sleep_until(self.clock.now() + _A_MOMENT)

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
        if self._closing:
            await asyncio.wait(self._closing, timeout=_LAST_MINUTE_S)
        self.ranker.end()
        self._reading.end()
        for notifier in self.notifiers.values():
            await notifier.close()
        await self.engine.dispose()
        await self.writer.close()


def _note_waiting(state: RetryCallState) -> None:
    """Say once that the store is waited for."""
    if state.attempt_number == 1 and state.outcome is not None:
        log.warning("waiting for the store", why=str(state.outcome.exception()), seconds=_WAIT_FOR_STORE_S)


async def serve(
    options: Options, config: Config, ready: Callable[[Daemon, int], None], hung_up: Callable[[], bool] = lambda: False
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads. `hung_up`: whether one came before this was called."""
    daemon = Daemon(options, config)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, daemon.ask_to_reload)
    if hung_up():
        daemon.ask_to_reload()
    with holding(options.listen):
        await daemon.open()
    gc.freeze()
    gc.set_threshold(*_GC)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with serving(daemon.app(), options.listen) as port:
            daemon.port = port
            ready(daemon, port)
            await daemon.note_told()
            await daemon.run(stop)
    finally:
        await daemon.close()
