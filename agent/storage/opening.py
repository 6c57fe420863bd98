"""The store is opened at the start of the process that writes it."""

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, wait_exponential

from agent.storage.database import is_postgres, sqlite_path
from agent.storage.filesystem import network_filesystem
from agent.storage.writer import StoreDown, Writer

log = structlog.get_logger("daemon")
_WAIT_FOR_STORE_S = 15.0
"""A database that is started with us, in any order, answers within this; one that does not is told as absent."""


async def open_store(writer: Writer, url: str) -> None:
    """Open the store; a PostgreSQL that starts beside us is waited for. Raises StoreDown, StoreTaken."""
    if not is_postgres(url):
        kind = network_filesystem(sqlite_path(url))
        if kind is not None:
            log.warning("the store lies on a network filesystem, which may lose what was answered", kind=kind)
        await writer.open()
        return
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(StoreDown),
        stop=stop_after_delay(_WAIT_FOR_STORE_S),
        wait=wait_exponential(0.2, max=2.0),
        before_sleep=_note_waiting,
        reraise=True,
    ):
        with attempt:
            await writer.open()


def _note_waiting(state: RetryCallState) -> None:
    """Say once that the store is waited for."""
    if state.attempt_number == 1 and state.outcome is not None:
        log.warning("waiting for the store", why=str(state.outcome.exception()), seconds=_WAIT_FOR_STORE_S)
