"""The daemon as a process: its signals, its memory, the address that it listens on."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable

from agent.configuration.config import Config
from agent.daemon import Daemon, Options
from agent.http.listening import holding, serving
from agent.loops.supervisor import NotifySocket

_ENDING = (signal.SIGTERM, signal.SIGINT)
_GC = (50_000, 20, 50)
"""What is on the board lives long: looking through it every 700 objects would cost more than the decisions."""


def end_at_once_when_asked() -> None:
    """Until the daemon listens there is nothing to finish: SIGTERM and SIGINT end the process as asked, with 0."""
    for number in _ENDING:
        signal.signal(number, lambda *_: os._exit(0))


async def serve(
    options: Options, config: Config, ready: Callable[[Daemon, int], None], hung_up: Callable[[], bool] = lambda: False
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads. `hung_up`: whether one came before this was called.

    Once it ends, either signal again changes nothing: what asked for the end gets it.
    """
    daemon = Daemon(options, config, told=NotifySocket.of(os.environ))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, daemon.in_force.ask_to_reload)
    if hung_up():
        daemon.in_force.ask_to_reload()
    with holding(options.listen):
        await daemon.open()
    gc.freeze()
    gc.set_threshold(*_GC)
    stop = asyncio.Event()
    # Not by the loop, which takes its handlers away before we can: a signal in between would end us by itself.
    for number in _ENDING:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        async with serving(daemon.app(), options.listen) as port:
            daemon.port = port
            ready(daemon, port)
            await daemon.note_told()
            await daemon.run(stop)
    finally:
        await daemon.close()
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
