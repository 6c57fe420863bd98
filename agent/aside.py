"""Work that takes long and that nobody may wait for when the process ends."""

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class Aside:
    """One thread that does what it is given, in order. It is left where it is when the process ends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._line: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._begun = False

    def do(self, work: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """Return what the work returns, or raises, once it is done."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def tell(result: T | None, error: BaseException | None) -> None:
            if done.done():  # whoever waited was cancelled
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]

        def once() -> None:
            result, error = None, None
            try:
                result = work(*args)
            except BaseException as raised:  # the rim of a thread: told to whoever waits
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, result, error)

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
