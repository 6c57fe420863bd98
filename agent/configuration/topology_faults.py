"""What is wrong in topology.yaml beyond its form: a ring of things that stand on each other, and one name twice."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.configuration.faults import Fault, fault_at, suggest
from agent.configuration.layers import Layered
from correlation.rings import rings, told_of
from correlation.rules import CorrelationPolicy

_ITEMS = "configuration_items"
_NO_KINDS = {"*", ""}
"""What signals call any kind, and none."""


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


def unknown_kinds(layered: Layered, policy: CorrelationPolicy) -> Iterator[Fault]:
    """Yield a note for each kind of item that no label and no signal knows."""
    known = {*policy.items.labels}
    for signal in policy.signals:
        known |= {*signal.on, *signal.through, *signal.by_kind}
    told: set[str] = set()
    for name, item in layered.section(_ITEMS).items():
        kind = item.get("kind") if isinstance(item, Mapping) else None
        if isinstance(kind, str) and kind not in known and kind not in told:
            told.add(kind)
            message = (
                f"no label and no signal of correlation.yaml knows the kind {kind!r}{suggest(kind, known - _NO_KINDS)}"
            )
            yield fault_at(layered.marks, (_ITEMS, name, "kind"), message)


def _depends_on(item: Any) -> Sequence[str]:
    named = item.get("depends_on") if isinstance(item, Mapping) else None
    return [str(name) for name in named] if isinstance(named, list) else []
