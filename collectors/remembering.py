"""What is remembered to be quick: each memory has a name and a bound, and `/metrics` shows how full it is."""

from array import array
from collections.abc import Callable
from functools import _lru_cache_wrapper, lru_cache
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Held(NamedTuple):
    """How many entries a memory has, and how many it may have."""

    entries: int
    most: int


_shared: dict[str, Callable[[], Held]] = {}


def remembers(name: str, most: int) -> Callable[[Callable[..., T]], "_lru_cache_wrapper[T]"]:
    """As `functools.lru_cache`, for a function of the whole process; `shared` then tells of it by this name."""

    def made(function: Callable[..., T]) -> "_lru_cache_wrapper[T]":
        cached = lru_cache(maxsize=most)(function)
        _shared[name] = lambda: Held(cached.cache_info().currsize, most)
        return cached

    return made


def tells(name: str, held: Callable[[], Held]) -> None:
    """Have `shared` tell of a memory of the whole process by this name."""
    _shared[name] = held


class Hashes:
    """Hashes of what was seen, in a table that never grows: each has its place, the last that came to it keeps it."""

    def __init__(self, name: str, most: int) -> None:
        self._table, self._most, self._entries = array("q", bytes(8 * most)), most, 0
        tells(name, lambda: Held(self._entries, most))

    def has(self, seen: int) -> bool:
        return self._table[seen % self._most] == seen

    def add(self, seen: int) -> None:
        place = seen % self._most
        self._entries += not self._table[place]
        self._table[place] = seen


def shared() -> dict[str, Held]:
    """The memories of the whole process, by name."""
    return {name: held() for name, held in _shared.items()}
