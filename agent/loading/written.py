"""What people wrote of known errors is laid over those of the files."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

from agent.configuration.known_errors import MANY
from agent.desk import Desk
from agent.storage.writer import Writer
from knowledge.library import Library
from knowledge.store import WRITTEN_ERRORS, written_from
from knowledge.written import Laid, laid_over

Row = tuple[Any, ...]
"""A row of the store, as the writer fetches it."""


async def load_written(writer: Writer, desk: Desk, before: Laid) -> None:
    """Have on the desk the known errors under what people wrote. Raises StoreDown.

    Many are judged beside the loop: the line waits for it, pages on their way and readers do not.
    """
    rows = await writer.fetch(WRITTEN_ERRORS)
    lay = partial(lay_written, desk.config.known_errors, rows, before)
    desk.hold_written(lay() if len(rows) <= MANY else await asyncio.to_thread(lay))


def lay_written(filed: Library, rows: Iterable[Row], before: Laid) -> Laid:
    """Lay what people wrote, as the rows of the store have it and in later versions of `before`, over the files."""
    written = {one.id: one for one in map(written_from, rows)}
    return Laid(laid_over(filed, written, before), written)
