"""What is wrong in topology.yaml beyond its form: a ring of things that stand on each other, and one name twice."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.configuration.faults import Fault, fault_at
from agent.configuration.layers import Layered
from correlation.rings import rings, told_of

_ITEMS = "configuration_items"


def topology_faults(layered: Layered) -> Iterator[Fault]:
    """Yield a fault for each ring, where it closes, and for each item whose name is another's but for its case."""
    items = layered.section(_ITEMS)
    edges = {str(name): _depends_on(item) for name, item in items.items()}
    for ring in rings(edges):
        place = edges[ring[-1]].index(ring[0])
        yield fault_at(layered.marks, (_ITEMS, ring[-1], "depends_on", place), told_of(ring))
    first: dict[str, str] = {}
    for name in edges:
        known = first.setdefault(name.lower(), name)
        if known != name:
            message = f"{known!r} is the same name, for case does not tell items apart: rename one, or make them one"
            yield fault_at(layered.marks, (_ITEMS, name), message, key=True)


def _depends_on(item: Any) -> Sequence[str]:
    named = item.get("depends_on") if isinstance(item, Mapping) else None
    return [str(name) for name in named] if isinstance(named, list) else []
