"""Things that stand on each other in a ring: each would be the cause of the others."""

from collections.abc import Iterator, Mapping, Sequence


def rings(edges: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Each ring once, as the way from where it was entered to the item that closes it; no deeper than the stack."""
    done: set[str] = set()
    for start in edges:
        way, ahead = [], [(start, iter(edges[start]))] if start not in done else []
        if ahead:
            way.append(start)
        while ahead:
            name, below = ahead[-1]
            following = next(below, None)
            if following is None:
                ahead.pop()
                way.pop()
                done.add(name)
            elif following in way:
                yield way[way.index(following) :]
            elif following in edges and following not in done:
                way.append(following)
                ahead.append((following, iter(edges[following])))


def told_of(ring: Sequence[str]) -> str:
    """The sentence that refuses a ring."""
    around = " stands on ".join([*ring, ring[0]])
    return f"{around}: nothing stands on itself; take out the one of these that is not so"
