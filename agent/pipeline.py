"""The one line that every change goes through: decide in order, write in one transaction, answer after the commit.

What stands in line (`agent/line.py`) is an intent (`agent/intents.py`). As many as wait, up to a bound, are decided
together: their rows are one group (`agent/group.py`) and one transaction. While a group is being written the next one
is decided, on a desk that counts on that write. Should the write fail (`agent/store_health.py`), the desk is read from
the store again, and what was decided on the old one is decided anew.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from agent.clock import Clock
from agent.deciders import decide
from agent.desk import Desk
from agent.group import Group
from agent.intents import AlertsArrived, Intent, LetterDied
from agent.line import Line, Waiting, is_message, refuse
from agent.loading.absence import listen_again
from agent.loading.ahead import needs_reading, read_ahead
from agent.metrics import Metrics
from agent.storage.store import UPSERT_META
from agent.storage.writer import Batch, StoreDown, StoreFull, Unwritable, Writer
from agent.store_health import StoreHealth
from collectors.payload import clean
from correlation.refusal import Refusal

log = structlog.get_logger("pipeline")
_PROBE: Batch = [(UPSERT_META, [("probe", "")])]
"""What is written to a store that has failed, to see whether it takes rows again."""
_LONGEST_S = 0.25
"""A group is closed when it has been decided upon for so long: pages, acts and questions of health wait besides."""
_FULL = "the disk is full"
_Work = Callable[[Writer], Awaitable[None]]


class _Answer(NamedTuple):
    """What a caller is told once the group is on disk: the result, or the refusal in its place."""

    future: "asyncio.Future[Any]"
    result: Any
    refusal: Exception | None = None


class Overloaded(Exception):
    """The line is full: the sender is to try again (503)."""


class Undecided(Exception):
    """A fault of ours; it is in the log."""


class Pipeline:
    """Owns the desk (what is open, in memory) and the writer (of the store); nobody else changes either.

    `load(writer)` returns a fresh desk, read from the store. `wake` is set after each commit, `deliver` after one with
    pages.
    """

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        load: Callable[[Writer], Awaitable[Desk]],
        metrics: Metrics,
        health: StoreHealth | None = None,
    ) -> None:
        self.writer = writer
        self.clock = clock
        self.metrics = metrics
        self.health = health or StoreHealth()
        self.wake = asyncio.Event()
        self.deliver = asyncio.Event()
        self.committed: list[Callable[[Group], None]] = []
        """Told of each group after its commit: event streams, suggestions, pulls."""
        self.stopping = False
        """Messages are refused, what is in hand is finished."""
        self.stopped = False
        self._finishing = False
        """The line ends when nothing is in it."""
        self._load = load
        self._line = Line()
        self._work: deque[tuple[_Work, asyncio.Future[None]]] = deque()
        """What is done between two groups, with nothing in hand."""
        self._arrived = asyncio.Event()
        self._last_at: datetime | None = None
        self._back = 0
        """How many intents of the group that has just failed stand in line again, at its front."""

    async def start(self) -> None:
        """Read the desk from the store, which counts the time in which nothing could be heard as none."""
        await self.writer.claim()
        await listen_again(self.writer, self.clock.now())
        self.desk = await self._load(self.writer)
        self.desk.outbox.take_over(self.clock.now())
        self.health.take_reserve()

    async def submit(self, intent: Intent) -> Any:
        """Wait in line; return what was decided, once it is on disk.

        Raises Overloaded, StoreDown, or what refuses a person's act.
        """
        return await self.put(intent)

    async def between(self, work: _Work) -> None:
        """Have the store changed past the deciders, with nothing in hand; then the desk is read anew.

        The next decision may be earlier than the one before: the work may have set the clock. Raises StoreDown.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._work.append((work, future))
        self._arrived.set()
        await future

    async def take_messages_again(self) -> None:
        """After a full disk, as soon as there is room: messages are taken, and what nobody could hear is no silence.

        Raises StoreDown where the store takes nothing yet.
        """
        health = self.health
        if health.has_room():
            await self.between(lambda writer: listen_again(writer, self.clock.now(), health.full_since))
            health.opens()

    def put(self, intent: Intent) -> "asyncio.Future[Any]":
        """Stand in line; the future is done after the commit. Raises Overloaded or StoreDown at once."""
        message, health = is_message(intent), self.health
        if self.stopped or (message and (health.down or health.full or self.stopping)):
            self.metrics.refused.labels("store").inc()
            raise StoreDown(health.down or (_FULL if health.full else "the daemon is stopping"))
        if message and self._line.is_full:
            self.metrics.refused.labels("overload").inc()
            raise Overloaded("too many messages are waiting")
        future = self._line.put(intent)
        self._arrived.set()
        return future

    async def run(self) -> None:
        """Drain the line until it is to finish: while one group is being written, the next one is decided."""
        writing: asyncio.Task[None] | None = None
        try:
            while True:
                if self._line or self._work:
                    writing = await self._next(writing)
                elif writing is not None:
                    await writing
                    writing = None
                elif self._finishing:
                    return
                else:
                    await self._arrived.wait()
                    self._arrived.clear()
        finally:
            if writing is not None:
                await writing

    def finish(self) -> None:
        """Have `run` end with nothing in hand: whoever waits has an answer by then."""
        self.stopping = self._finishing = True
        self._arrived.set()

    def stop(self) -> None:
        """Nothing goes through any more; whoever still waits is told."""
        self.stopped = True
        refuse(self._line.leave(), StoreDown("the daemon is stopping"))
        for _, future in self._work:
            future.cancel()

    async def drain_once(self) -> None:
        """Decide and commit one group: all that is pending, up to a bound."""
        writing = await self._next(None)
        if writing is not None:
            await writing

    async def _next(self, writing: "asyncio.Task[None] | None") -> "asyncio.Task[None] | None":
        """Decide the next group while the one before is being `writing`; return the task that writes the next one.

        None: nothing is being written, because there was work beside the line, the store is down, or an intent could
        not be decided. Should the group before fail, this one was decided on a desk that is void: its intents stand in
        line again, behind those of the failed one.
        """
        self._back = 0
        if self._work:
            if writing is not None:
                await writing
            await self._do_work()
            return None
        waiting = self._line.take(StoreFull(_FULL) if self.health.full else None)
        self.metrics.queue.set(len(self._line))
        reads = self._needs_reading(waiting)
        if writing is not None and (self.health.down or reads):
            await writing
            writing = None
        if self.health.down and not await self._recover():
            refuse(waiting, StoreDown(self.health.down))
            return None
        if reads:
            await self._read_ahead(waiting)
        desk, group = self.desk, Group()
        answers, poison = self._decide(waiting, group)
        if poison is None:
            self._line.give_back(waiting[len(answers) :])
            waiting = waiting[: len(answers)]
        batch = group.batch(desk.chains)
        if writing is not None:
            await writing
        if self.desk is not desk or self.health.down:
            self._line.give_back(waiting, behind=self._back)
            return None
        if poison is not None:
            await self._poisoned(len(answers), waiting, poison)
            return None
        return asyncio.create_task(self._commit(group, batch, waiting, answers), name="commit")

    async def _do_work(self) -> None:
        work, future = self._work.popleft()
        try:
            await work(self.writer)
        except (StoreDown, Unwritable) as error:
            if not future.done():
                future.set_exception(error if isinstance(error, StoreDown) else Undecided(str(error)))
            return
        self._last_at = None
        await self._recover()
        if not future.done():
            future.set_result(None)

    def _decide(self, waiting: list[Waiting], group: Group) -> tuple[list[_Answer], Exception | None]:
        """Decide intents in order, as many as there is time for.

        Where a fault of ours keeps one from being decided, stop there and return it.
        """
        now, enough = self._stamp(), self.clock.monotonic() + _LONGEST_S
        self.desk.board.deaf = self.health.full
        answers: list[_Answer] = []
        for intent, future in waiting:
            if answers and self.clock.monotonic() >= enough:
                break
            try:
                answers.append(_Answer(future, decide(self.desk, intent, now, group)))
            except Refusal as refusal:
                answers.append(_Answer(future, None, refusal))
            except Exception as error:  # the rim of the line: one poisoned intent must not stop the others
                return answers, error
        return answers, None

    async def _poisoned(self, place: int, waiting: list[Waiting], error: Exception) -> None:
        """A fault of ours at `waiting[place]`: nothing of the group counts, and the others stand in line again.

        A message of several alerts is halved until the one at fault is alone; that one becomes a dead letter. Who
        waits for anything else has Undecided.
        """
        intent, future = waiting[place]
        log.error("an intent cannot be decided", intent=type(intent).__name__, exc_info=error)
        self.metrics.undecided.inc()
        self._line.give_back(waiting[:place] + waiting[place + 1 :])
        reason = clean(f"{type(error).__name__}: {error}")
        if isinstance(intent, AlertsArrived) and len(intent.parsed.alerts) > 1:
            self._line.halve(intent, future)
        elif isinstance(intent, AlertsArrived):
            body = intent.parsed.alerts[0].labels_json if intent.part else intent.body
            self._line.put_last(LetterDied(intent.source, reason, body, intent.received_at), future)
        elif isinstance(intent, LetterDied) and intent.told:
            self._line.put_last(replace(intent, told=False), future)
        elif not future.done():
            future.set_exception(Undecided(reason))
        await self._recover()

    def _stamp(self) -> datetime:
        """The `now` of every decision of a group: never earlier than the one before."""
        now = self.clock.now()
        self._last_at = now if self._last_at is None else max(now, self._last_at)
        return self._last_at

    async def _commit(self, group: Group, batch: Batch, waiting: list[Waiting], answers: list[_Answer]) -> None:
        if batch:
            begun = self.clock.monotonic()
            try:
                await self.writer.commit(batch)
            except StoreDown as error:
                await self._failed(error, waiting)
                return
            except Unwritable as error:
                await self._unwritable(error, waiting)
                return
            self.metrics.commit_seconds.observe(self.clock.monotonic() - begun)
            self.health.committed_at = asyncio.get_running_loop().time()
        self.metrics.after_group(self.desk, group)
        if group.reload:
            await self._recover()
        for future, result, refusal in answers:
            if future.done():
                continue
            if refusal is None:
                future.set_result(result)
            else:
                future.set_exception(refusal)
        for tell in self.committed:
            tell(group)
        self.wake.set()
        if group.pages:
            self.deliver.set()

    async def _unwritable(self, error: Unwritable, waiting: list[Waiting]) -> None:
        """The store refuses a row for good: each intent goes in again by itself, and the one at fault is poisoned."""
        if len(waiting) == 1:
            await self._poisoned(0, waiting, error)
            return
        log.error("the store refuses a group", error=str(error), intents=len(waiting))
        self._put_back(waiting)
        self._line.take_one_by_one(len(waiting))
        await self._recover()

    def _put_back(self, waiting: list[Waiting]) -> None:
        self._line.give_back(waiting)
        self._back = len(waiting)

    async def _failed(self, error: StoreDown, waiting: list[Waiting]) -> None:
        """Nothing of the group was kept: forget what it had put on the board, then let its callers know.

        On a disk that has just become full the reserve is given up, and acts, ticks and deliveries go in again.
        """
        self.metrics.store_failures.inc()
        just_full = self.health.failed(error, len(waiting), self.clock.now())
        again = [w for w in waiting if not is_message(w.intent)] if just_full else []
        if not await self._recover():
            await self._forget()
            again = []
        self._put_back(again)
        refuse([w for w in waiting if w not in again], error)

    async def _forget(self) -> None:
        """Have nothing on the board that is not in the store, where that can still be read."""
        with contextlib.suppress(StoreDown):
            self.desk = await self._load(self.writer)

    async def _recover(self) -> bool:
        """Read the desk from the store anew; True when the store takes rows (again).

        One that has failed is asked to write a row first: reading alone often goes on where writing does not.
        """
        try:
            if self.health.down:
                await self.writer.claim()
                await self.writer.commit(_PROBE)
                await listen_again(self.writer, self.clock.now(), self.health.down_since)
            self.desk = await self._load(self.writer)
        except StoreDown as error:
            self.health.unreachable(error, self.clock.now())
            return False
        self.health.answers()
        return True

    # reading what a decision needs

    def _needs_reading(self, waiting: list[Waiting]) -> bool:
        now = self.clock.now()
        return any(needs_reading(self.desk, intent, now) for intent, _ in waiting)

    async def _read_ahead(self, waiting: list[Waiting]) -> None:
        """Bring what has left the desk back to it: deciders read no database."""
        for intent, _ in waiting:
            try:
                await read_ahead(self.desk, self.writer, intent, self.clock.now())
            except StoreDown as error:
                log.warning("cannot read what an act is about", intent=type(intent).__name__, error=str(error))
