"""The first answer to an Idempotency-Key is kept for a day and given again."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import structlog

from agent.http.problems import Problem
from agent.intents import Mark
from agent.storage.store import UPSERT_ANSWER
from agent.storage.writer import StoreDown, Writer

log = structlog.get_logger("api")
KEEP = timedelta(hours=24)
KEY = r"^[!-~]{1,200}$"
_SWEEP_EVERY = timedelta(hours=1)
_FIND = "SELECT digest, status, body FROM answer WHERE key = ? AND at >= ?"
_SWEEP = "DELETE FROM answer WHERE at < ?"


@dataclass(frozen=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes


class UsedKey(Problem):
    """An Idempotency-Key came with another request than the first."""

    def __init__(self) -> None:
        super().__init__(422, "this Idempotency-Key was used for another request: take a fresh one")


class Answers:
    """Answers by person and key; two requests under one key wait for each other.

    That the act is done, and by what its answer is found, is written by the line in the act's own commit (`Mark`);
    the answer follows on a connection of its own. Where a crash came between the two, the answer is made anew from
    what the store says, and nothing is done twice.
    """

    def __init__(self, store: Writer) -> None:
        self._store = store
        self._open = False
        self._swept: datetime | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._one = asyncio.Lock()

    async def once(
        self,
        person: str,
        key: str,
        what: bytes,
        now: datetime,
        answer: Callable[[Mark, str | None], Awaitable[Answer]],
    ) -> Answer:
        """Return the answer kept for this key, or make one and keep it.

        `what` is the request: method, path and body. Raises UsedKey where the key was used for another one, Problem
        422 where it cannot be a key. Only an answer of the house below 500 is kept. `answer` is given the mark for the
        intent that does what is asked, and, where it has been done and its answer was lost, by what that is found.
        """
        if not re.fullmatch(KEY, key):
            raise Problem(422, "an Idempotency-Key is 1 to 200 printable characters without spaces")
        row_key = f"{person}/{key}"
        lock = self._locks.setdefault(row_key, asyncio.Lock())
        async with lock:
            mark = hashlib.sha256(what).hexdigest()
            kept = await self._find(row_key, now)
            if kept is not None:
                if kept[0] != mark:
                    raise UsedKey
                if kept[1].status:
                    return kept[1]
            done = kept[1].body.decode() if kept is not None else None
            made = await answer(Mark(row_key, person, mark), done)
            if made.status < (500 if done is None else 400):
                await self._keep((row_key, person, mark, made.status, made.body, now), now)
            return made

    async def close(self) -> None:
        async with self._one:
            if self._open:
                self._open = False
                await self._store.close()

    async def _find(self, row_key: str, now: datetime) -> tuple[str, Answer] | None:
        async with self._one:
            store = await self._opened()
            rows = await store.fetch(_FIND, row_key, now - KEEP)
        return (rows[0][0], Answer(rows[0][1], bytes(rows[0][2]))) if rows else None

    async def _keep(self, row: tuple[object, ...], now: datetime) -> None:
        """Keep it. The act is done whatever becomes of this: a store that cannot take it costs the replay only."""
        try:
            async with self._one:
                store = await self._opened()
                await store.commit([*self._sweep(now), (UPSERT_ANSWER, [row])])
        except StoreDown as error:
            log.warning("an answer could not be kept for its Idempotency-Key", error=str(error))

    def _sweep(self, now: datetime) -> list[tuple[str, list[tuple[object, ...]]]]:
        if self._swept is not None and now - self._swept < _SWEEP_EVERY:
            return []
        self._swept = now
        return [(_SWEEP, [(now - KEEP,)])]

    async def _opened(self) -> Writer:
        if not self._open:
            await self._store.open()
            self._open = True
        return self._store
