"""What stands in line: which intents are decided next, and where those stand that have to be decided anew."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from agent.intents import AlertsArrived, Intent, LetterDied, RowsErased

MOST_WAITING = 4096
"""Messages that wait at the most."""
MOST_ALERTS = 1024
"""A group is closed when it holds this many alerts."""
_PART = 256
"""A message of more alerts is decided in parts of so many."""


class Waiting(NamedTuple):
    """An intent in line, and the future that its caller waits for."""

    intent: Intent
    future: "asyncio.Future[Any]"


class Line:
    """Messages of senders in their order; before them, in theirs, acts of people, ticks and results of deliveries."""

    def __init__(self) -> None:
        self._messages: deque[Waiting] = deque()
        self._first: deque[Waiting] = deque()
        """What is no message: however many of those wait, a step that is due and an act of a person come next."""
        self._alone = 0
        """How many of the next intents are each a group of their own: one of them cannot be stored or decided."""

    def __len__(self) -> int:
        return len(self._first) + len(self._messages)

    @property
    def is_full(self) -> bool:
        """Whether no more messages are taken."""
        return len(self._messages) >= MOST_WAITING

    def put(self, intent: Intent) -> "asyncio.Future[Any]":
        """Stand last among its like; a message of many alerts stands in parts, and is answered when all of them are."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if isinstance(intent, AlertsArrived) and len(intent.parsed.alerts) > _PART:
            self._messages.extend(_parts(intent, future, _PART))
        else:
            (self._messages if is_message(intent) else self._first).append(Waiting(intent, future))
        return future

    def take(self, refused: Exception | None = None) -> list[Waiting]:
        """The intents of the next group, out of the line: up to MOST_ALERTS alerts.

        `refused` is what messages are refused with instead; None: they are taken. Alone in its group stands what is
        looked through for the one at fault, and an erasure: it changes rows that the desk holds, and the desk is then
        read anew.
        """
        waiting: list[Waiting] = []
        alerts, most = 0, MOST_ALERTS
        if self._alone:
            self._alone, most = self._alone - 1, 1
        while (self._first or self._messages) and alerts < most:
            item = (self._first or self._messages).popleft()
            intent = item.intent
            if refused is not None and is_message(intent):
                refuse([item], refused)
                continue
            if isinstance(intent, RowsErased):
                if waiting:
                    self._messages.appendleft(item)
                    break
                most = 1
            waiting.append(item)
            alerts += max(1, len(intent.parsed.alerts)) if isinstance(intent, AlertsArrived) else 1
        return waiting

    def give_back(self, waiting: Sequence[Waiting], *, behind: int = 0) -> None:
        """Have these stand at the front of the messages again, behind the first so many of them."""
        before = [self._messages.popleft() for _ in range(behind)]
        self._messages.extendleft(reversed([*before, *waiting]))

    def put_last(self, intent: Intent, future: "asyncio.Future[Any]") -> None:
        """Have what became of a message stand behind all others, for the caller who waits for it."""
        self._messages.append(Waiting(intent, future))

    def halve(self, intent: AlertsArrived, whole: "asyncio.Future[Any]") -> None:
        """Have the halves of a message stand at the front, each alone, and answer `whole` when both are decided."""
        halves = _parts(intent, whole, (len(intent.parsed.alerts) + 1) // 2)
        self.give_back(halves)
        self._alone += len(halves)

    def take_one_by_one(self, count: int) -> None:
        """Have each of the next so many be a group of its own."""
        self._alone = count

    def leave(self) -> list[Waiting]:
        """All that wait, out of the line."""
        gone = [*self._first, *self._messages]
        self._first.clear()
        self._messages.clear()
        return gone


def is_message(intent: Intent) -> bool:
    """Whether it comes of a sender, who sends it again where it is refused."""
    return isinstance(intent, AlertsArrived | LetterDied)


def refuse(waiting: Sequence[Waiting], error: Exception) -> None:
    """Tell those who still wait for these that nothing came of them."""
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)


def _parts(intent: AlertsArrived, whole: "asyncio.Future[Any]", most: int) -> list[Waiting]:
    """A message in parts of at most so many alerts, in order; `whole` is answered when all of them are.

    The first part keeps what the parser rejected. Each other is a `part`: its message is not journaled again.
    """
    alerts, parts = intent.parsed.alerts, list[Waiting]()
    for begin in range(0, len(alerts), most):
        rejected = [] if begin else intent.parsed.rejected
        parsed = msgspec.structs.replace(intent.parsed, alerts=alerts[begin : begin + most], rejected=rejected)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: _answer_of(whole, [part.future for part in parts]))
        parts.append(Waiting(replace(intent, parsed=parsed, part=intent.part or begin > 0), future))
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
