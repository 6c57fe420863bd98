"""What is remembered to be quick: each memory has a name and a bound, and `/metrics` shows how full it is."""

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


def shared() -> dict[str, Held]:
    """The memories of the whole process, by name."""
    return {name: held() for name, held in _shared.items()}
