"""The one line that every change goes through: decide in order, write in one transaction, answer after the commit.

What stands in line is an intent (`agent/intents.py`). As many as wait, up to a bound, are decided together: their rows
are one group (`agent/group.py`) and one transaction. While a group is being written the next one is decided, on a desk
that counts on that write. Should the write fail, the desk is read from the store again, and what was decided on the old
one is decided anew.

Messages of senders keep their order among themselves. So do acts of people, ticks of time and results of deliveries,
which all go before messages.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import structlog

from agent.clock import Clock
from agent.deciders import decide
from agent.desk import Desk
from agent.group import Group
from agent.intents import AlertsArrived, Intent, LetterDied, RowsErased
from agent.loading.absence import listen_again
from agent.loading.ahead import needs_reading, read_ahead
from agent.metrics import Metrics
from agent.storage.sqlite import Reserve
from agent.storage.store import UPSERT_META
from agent.storage.writer import Batch, StoreDown, StoreFull, Unwritable, Writer
from collectors.payload import clean
from correlation.refusal import Refusal

log = structlog.get_logger("pipeline")
_PROBE: Batch = [(UPSERT_META, [("probe", "")])]
"""What is written to a store that has failed, to see whether it takes rows again."""
MOST_WAITING = 4096
MOST_ALERTS = 1024
"""A group is closed when it holds this many alerts."""
_PART = 256
"""A message of more alerts is decided in parts of so many."""
_LONGEST_S = 0.25
"""Or when it has been decided upon for so long: the loop has pages, acts and questions of health to serve besides."""
_Work = Callable[[Writer], Awaitable[None]]


class _Waiting(NamedTuple):
    """An intent in line, and the future that its caller waits for."""

    intent: Intent
    future: "asyncio.Future[Any]"


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

    `load(writer)` returns a fresh desk, read from the store. `reserve` is disk space that is given up when the disk is
    full, so that acts and pages can still be stored. `wake` is set after each commit, `deliver` after one with pages.
    """

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        load: Callable[[Writer], Awaitable[Desk]],
        metrics: Metrics,
        reserve: Reserve | None = None,
    ) -> None:
        self.writer = writer
        self.clock = clock
        self.metrics = metrics
        self.wake = asyncio.Event()
        self.deliver = asyncio.Event()
        self.committed: list[Callable[[Group], None]] = []
        """Told of each group after its commit: event streams, suggestions, pulls."""
        self.committed_at = -math.inf
        """When the last commit was over, in seconds of the loop."""
        self.given_up_at = -math.inf
        """When a sender was last told that the store has not taken its message in time, in seconds of the loop."""
        self.down: str = ""
        """Why the store takes nothing now; empty while it does."""
        self.came_back: str = ""
        """Why the store took nothing before it answered again; empty once a self-incident has told of it."""
        self.full = False
        """The disk is full: messages are refused until there is room again."""
        self.stopping = False
        """Messages are refused, what is in hand is finished."""
        self.stopped = False
        self._finishing = False
        """The line ends when nothing is in it."""
        self._load = load
        self._reserve = reserve
        self._outage = ""
        """The failure that the log has told of, until it is over."""
        self._deaf_from: datetime | None = None
        """Since when the store takes nothing."""
        self._line: deque[_Waiting] = deque()
        self._ahead: deque[_Waiting] = deque()
        """What is not intake: however many messages wait, a step that is due and an act of a person come next."""
        self._work: deque[tuple[_Work, asyncio.Future[None]]] = deque()
        """What is done between two groups, with nothing in hand."""
        self._arrived = asyncio.Event()
        self._last_at: datetime | None = None
        self._back = 0
        """How many intents of the group that has just failed stand in line again, at its front."""
        self._alone = 0
        """How many of the next intents are each a group of their own: one of them cannot be stored or decided."""

    async def start(self) -> None:
        """Read the desk from the store, which counts the time in which nothing could be heard as none."""
        await self.writer.claim()
        await listen_again(self.writer, self.clock.now())
        self.desk = await self._load(self.writer)
        self.desk.outbox.take_over(self.clock.now())
        if self._reserve is not None and not self._reserve.fill():
            log.warning(
                "no room for the reserve: on a full disk neither acts nor pages can be stored",
                needed_mib=self._reserve.size // 1024 // 1024,
            )

    @property
    def refuses(self) -> str:
        """Why alerts are not taken now; empty while they are."""
        if self.full:
            return f"the disk is full: {self.down or 'only acts, ticks and pages go on'}"
        if not self.down and self.given_up_at > self.committed_at:
            return "the store stands still: it has not taken what was sent in time"
        return self.down

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

    def put(self, intent: Intent) -> "asyncio.Future[Any]":
        """Stand in line; the future is done after the commit. Raises Overloaded or StoreDown at once."""
        intake = _is_intake(intent)
        if self.stopped or (intake and (self.down or self.full or self.stopping)):
            self.metrics.refused.labels("store").inc()
            raise StoreDown(self.down or ("the disk is full" if self.full else "the daemon is stopping"))
        if intake and len(self._line) >= MOST_WAITING:
            self.metrics.refused.labels("overload").inc()
            raise Overloaded("too many messages are waiting")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if isinstance(intent, AlertsArrived) and len(intent.parsed.alerts) > _PART:
            self._line.extend(_parts(intent, future, _PART))
        else:
            (self._line if intake else self._ahead).append(_Waiting(intent, future))
        self._arrived.set()
        return future

    async def run(self) -> None:
        """Drain the line until it is to finish: while one group is being written, the next one is decided."""
        writing: asyncio.Task[None] | None = None
        try:
            while True:
                if self._line or self._ahead or self._work:
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
        _refuse([*self._ahead, *self._line], StoreDown("the daemon is stopping"))
        for _, future in self._work:
            future.cancel()
        self._ahead.clear()
        self._line.clear()

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
        waiting = self._take()
        self.metrics.queue.set(len(self._ahead) + len(self._line))
        reads = self._needs_reading(waiting)
        if writing is not None and (self.down or reads):
            await writing
            writing = None
        if self.down and not await self._recover():
            _refuse(waiting, StoreDown(self.down))
            return None
        if reads:
            await self._read_ahead(waiting)
        desk, group = self.desk, Group()
        answers, poison = self._decide(waiting, group)
        if poison is None:
            self._line.extendleft(reversed(waiting[len(answers) :]))
            waiting = waiting[: len(answers)]
        batch = group.batch(desk.chains)
        if writing is not None:
            await writing
        if self.desk is not desk or self.down:
            before = [self._line.popleft() for _ in range(self._back)]
            self._line.extendleft(reversed([*before, *waiting]))
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

    def _decide(self, waiting: list[_Waiting], group: Group) -> tuple[list[_Answer], Exception | None]:
        """Decide intents in order, as many as there is time for.

        Where a fault of ours keeps one from being decided, stop there and return it.
        """
        now, enough = self._stamp(), self.clock.monotonic() + _LONGEST_S
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

    async def _poisoned(self, place: int, waiting: list[_Waiting], error: Exception) -> None:
        """A fault of ours at `waiting[place]`: nothing of the group counts, and the others stand in line again.

        A message of several alerts is halved until the one at fault is alone; that one becomes a dead letter. Who
        waits for anything else has Undecided.
        """
        intent, future = waiting[place]
        log.error("an intent cannot be decided", intent=type(intent).__name__, exc_info=error)
        self.metrics.undecided.inc()
        others = waiting[:place] + waiting[place + 1 :]
        self._line.extendleft(reversed(others))
        reason = clean(f"{type(error).__name__}: {error}")
        if isinstance(intent, AlertsArrived) and len(intent.parsed.alerts) > 1:
            self._halve(intent, future)
        elif isinstance(intent, AlertsArrived):
            body = intent.parsed.alerts[0].labels_json if intent.part else intent.body
            self._line.append(_Waiting(LetterDied(intent.source, reason, body, intent.received_at), future))
        elif isinstance(intent, LetterDied) and intent.told:
            self._line.append(_Waiting(replace(intent, told=False), future))
        elif not future.done():
            future.set_exception(Undecided(reason))
        await self._recover()

    def _halve(self, intent: AlertsArrived, whole: "asyncio.Future[Any]") -> None:
        """Put each half of a message in line again, and answer `whole` when both are: one bad alert costs no other."""
        halves = _parts(intent, whole, (len(intent.parsed.alerts) + 1) // 2)
        self._line.extendleft(reversed(halves))
        self._alone += len(halves)

    def _take(self) -> list[_Waiting]:
        """The intents of the next group, out of the line: acts and ticks before messages, up to MOST_ALERTS alerts.

        Alone in its group stands what is looked through for the one at fault (`_alone`), and an erasure: it changes
        rows that the desk holds, which is then read anew.
        """
        waiting: list[_Waiting] = []
        alerts, most = 0, MOST_ALERTS
        if self._alone:
            self._alone, most = self._alone - 1, 1
        while (self._ahead or self._line) and alerts < most:
            item = (self._ahead or self._line).popleft()
            intent = item.intent
            if self.full and _is_intake(intent):
                _refuse([item], StoreFull("the disk is full"))
                continue
            if isinstance(intent, RowsErased):
                if waiting:
                    self._line.appendleft(item)
                    break
                most = 1
            waiting.append(item)
            alerts += max(1, len(intent.parsed.alerts)) if isinstance(intent, AlertsArrived) else 1
        return waiting

    def _stamp(self) -> datetime:
        """The `now` of every decision of a group: never earlier than the one before."""
        now = self.clock.now()
        self._last_at = now if self._last_at is None else max(now, self._last_at)
        return self._last_at

    async def _commit(self, group: Group, batch: Batch, waiting: list[_Waiting], answers: list[_Answer]) -> None:
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
            self.committed_at = asyncio.get_running_loop().time()
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

    async def _unwritable(self, error: Unwritable, waiting: list[_Waiting]) -> None:
        """The store refuses a row for good: each intent goes in again by itself, and the one at fault is poisoned."""
        if len(waiting) == 1:
            await self._poisoned(0, waiting, error)
            return
        log.error("the store refuses a group", error=str(error), intents=len(waiting))
        self._put_back(waiting)
        self._alone = len(waiting)
        await self._recover()

    def _put_back(self, waiting: list[_Waiting]) -> None:
        self._line.extendleft(reversed(waiting))
        self._back = len(waiting)

    async def _failed(self, error: StoreDown, waiting: list[_Waiting]) -> None:
        """Nothing of the group was kept: forget what it had put on the board, then let its callers know.

        On a disk that has just become full the reserve is given up, and acts, ticks and deliveries go in again.
        """
        self.metrics.store_failures.inc()
        self.down, self._deaf_from = str(error), self._deaf_from or self.clock.now()
        again: list[_Waiting] = []
        if isinstance(error, StoreFull) and not self.full:
            self.full = True
            gave = self._reserve is not None and self._reserve.give_up()
            log.error("disk full: intake answers 503", error=str(error), reserve_given_up=gave)
            self._outage = str(error)
            again = [w for w in waiting if not _is_intake(w.intent)]
        elif not self._outage:
            log.error("commit failed", error=str(error), intents=len(waiting))
            self._outage = str(error)
        if not await self._recover():
            await self._forget()
            again = []
        self._put_back(again)
        _refuse([w for w in waiting if w not in again], error)

    async def _forget(self) -> None:
        """Have nothing on the board that is not in the store, where that can still be read."""
        with contextlib.suppress(StoreDown):
            self.desk = await self._load(self.writer)

    async def _recover(self) -> bool:
        """Read the desk from the store anew; True when the store takes rows (again).

        One that has failed is asked to write a row first: reading alone often goes on where writing does not.
        """
        try:
            if self.down:
                await self.writer.claim()
                await self.writer.commit(_PROBE)
                await listen_again(self.writer, self.clock.now(), self._deaf_from)
            self.desk = await self._load(self.writer)
        except StoreDown as error:
            self.down, self._deaf_from = str(error), self._deaf_from or self.clock.now()
            return False
        if self.down:
            self.came_back = self.came_back or self.down
            self.down, self._deaf_from = "", None
            if not self.full:
                log.info("store answers again", was=self._outage)
                self._outage = ""
        return True

    async def try_refill(self) -> None:
        """After a full disk: take the reserve again as soon as there is room, and open the intake.

        Where there never was a reserve, or the store is not on our disk, that the store takes rows is enough.
        """
        if self.full and (self._reserve is None or self._reserve.refill()):
            self.full, self._outage = False, ""
            log.info("there is room again: intake is open")

    # reading what a decision needs

    def _needs_reading(self, waiting: list[_Waiting]) -> bool:
        now = self.clock.now()
        return any(needs_reading(self.desk, intent, now) for intent, _ in waiting)

    async def _read_ahead(self, waiting: list[_Waiting]) -> None:
        """Bring what has left the desk back to it: deciders read no database."""
        for intent, _ in waiting:
            try:
                await read_ahead(self.desk, self.writer, intent, self.clock.now())
            except StoreDown as error:
                log.warning("cannot read what an act is about", intent=type(intent).__name__, error=str(error))


def _parts(intent: AlertsArrived, whole: "asyncio.Future[Any]", most: int) -> list[_Waiting]:
    """A message in parts of at most so many alerts, in order; `whole` is answered when all of them are.

    The first part keeps what the parser rejected. Each other is a `part`: its message is not journaled again.
    """
    alerts, parts = intent.parsed.alerts, list[_Waiting]()
    for begin in range(0, len(alerts), most):
        rejected = [] if begin else intent.parsed.rejected
        parsed = msgspec.structs.replace(intent.parsed, alerts=alerts[begin : begin + most], rejected=rejected)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: _answer_of(whole, [part.future for part in parts]))
        parts.append(_Waiting(replace(intent, parsed=parsed, part=intent.part or begin > 0), future))
    return parts


def _answer_of(whole: "asyncio.Future[Any]", parts: list["asyncio.Future[Any]"]) -> None:
    """Answer for a message when all of its parts have their answer: a refusal of one is one of the whole."""
    if not all(part.done() for part in parts):
        return
    refused = [error for part in parts if (error := part.exception()) is not None]
    if whole.done():
        return
    if refused:
        whole.set_exception(refused[0])
    else:
        whole.set_result(None)


def _is_intake(intent: Intent) -> bool:
    """Whether it is a message of a sender, who sends it again where it is refused."""
    return isinstance(intent, AlertsArrived | LetterDied)


def _refuse(waiting: list[_Waiting], error: Exception) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)
