"""Work that takes long is done in order, its faults reach whoever waits, and nobody waits for it at the end."""

import asyncio
import threading

import pytest

from agent.aside import Aside


async def test_what_it_is_given_is_done_in_order() -> None:
    aside, done = Aside("t"), list[int]()
    await asyncio.gather(*(aside.do(done.append, number) for number in range(9)))
    assert done == list(range(9))
    aside.end()


async def test_a_fault_reaches_whoever_waits_and_the_next_work_is_done() -> None:
    aside = Aside("t")
    with pytest.raises(ZeroDivisionError):
        await aside.do(lambda: 1 // 0)
    assert await aside.do(lambda: 1) == 1
    aside.end()


async def test_whoever_was_cancelled_is_not_told() -> None:
    aside, goes_on = Aside("t"), threading.Event()
    waiting = aside.do(goes_on.wait)
    waiting.cancel()
    goes_on.set()
    assert await aside.do(lambda: 1) == 1
    aside.end()


async def test_its_thread_keeps_no_process_from_ending() -> None:
    assert await Aside("t").do(lambda: threading.current_thread().daemon)
