"""What writes to a store: batches in one transaction each, and what it raises."""

from collections.abc import Sequence
from typing import Any, Protocol

from isal import isal_zlib

Batch = Sequence[tuple[str, list[tuple[Any, ...]]]]
"""Statements with the tuples for each, written in order in one transaction."""


class StoreDown(Exception):
    """The store cannot take a write now; nothing of the batch was kept. The text says what to look at."""


class StoreFull(StoreDown):
    """There is no room left where the store lies."""


class Unwritable(Exception):
    """The store refuses these rows, now and always: a fault of ours. Nothing of the batch was kept."""


class StoreTaken(Exception):
    """Another daemon owns this store."""


class Writer(Protocol):
    """The one connection that writes."""

    async def open(self) -> None: ...

    async def claim(self) -> None:
        """Mark the store as ours: what is read from now on is what holds. Raises StoreDown."""
        ...

    async def commit(self, batch: Batch) -> None:
        """Write all of it in one transaction, on disk when this returns. Raises StoreDown or Unwritable."""
        ...

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read on the writer's connection: what has been committed, moments aware and in UTC."""
        ...

    async def close(self) -> None: ...


class Compressed:
    """A body that the writer compresses as zlib does, off the event loop where it has a thread."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def packed(self) -> bytes:
        return isal_zlib.compress(self.raw, 1)
