"""What is reached from some items by steps along what stands on what."""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat

MOST_HOPS = 7
"""What is further away is not looked at."""

Hop = tuple[str, int]
"""An item, and how many steps away it is."""


def hops_of(rings: Sequence[Sequence[str]]) -> Iterator[Hop]:
    """The items of rings, nearest first, each with the steps to it."""
    for hops, ring in enumerate(rings, 1):
        yield from zip(ring, repeat(hops), strict=False)


def walk(first: Sequence[str], edges: Callable[[str], Sequence[str]], most: int, but: str = "") -> list[list[str]]:
    """The first, and what is reached from there, by the number of steps, so many at most; not `but`."""
    seen, ring, left = {but, *first}, first, most
    rings: list[list[str]] = []
    while ring and left > 0 and len(rings) < MOST_HOPS:
        rings.append(list(ring[:left]))
        left -= len(ring)
        following = []
        for name in ring:
            for other in edges(name):
                if other not in seen:
                    seen.add(other)
                    following.append(other)
        ring = following
    return rings
