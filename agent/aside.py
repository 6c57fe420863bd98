"""A thread for work that takes long: the loop goes on beside it, and the process ends without waiting for it."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class Aside:
    """One thread that does what it is given, one after the other. It is a daemon thread: no exit waits for it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._line: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._begun = False

    def do(self, work: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """Return what the work returns, or raises, once it is done."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def tell(put: Callable[[], None]) -> None:
            if not done.done():  # else whoever waited was cancelled
                put()

        def once() -> None:
            try:
                put = partial(done.set_result, work(*args))
            except BaseException as raised:  # the rim of a thread: told to whoever waits
                put = partial(done.set_exception, raised)
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, put)

        self._line.put(once)
        if not self._begun:
            self._begun = True
            Thread(target=self._run, name=self._name, daemon=True).start()
        return done

    def end(self) -> None:
        """Take nothing more once what was given is done."""
        self._line.put(None)

    def _run(self) -> None:
        while (once := self._line.get()) is not None:
            once()
