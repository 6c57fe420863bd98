"""The register of configuration items: topology.yaml, with what people changed since laid over it (R98, R103)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from collectors.labels import Labels, all_match
from correlation.rings import rings
from correlation.rules import ConfigurationItem

Items = Mapping[str, ConfigurationItem]
NAMING = ("host", "instance", "device", "ups", "service")
"""Labels whose value, up to a colon, may be the name of an item."""
GRADING = frozenset({"criticality", "restricted", "rule"})
"""What severity and the customer's rules hang on."""
AREAS = frozenset({"rack", "room", "site", "zone"})
"""Kinds of items that others are in."""
MAY_EDIT = frozenset({"desk", "l1", "l2", "pm", "ops"})
MAY_GRADE = frozenset({"pm", "ops"})
"""Who may say how critical an item is and what its customer's rule is."""


class ItemEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote over an item, with reason and optional end; a null value takes back what was written."""

    id: int
    item: str
    values: dict[str, Any]
    author: str
    reason: str
    at: datetime
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


def written(edits: Iterable[ItemEdit], now: datetime) -> dict[str, dict[str, Any]]:
    """What holds of the edits, by item and key: of two the later one."""
    found: dict[str, dict[str, Any]] = {}
    for edit in sorted(edits, key=lambda e: e.id):
        if not edit.holds(now):
            continue
        values = found.setdefault(edit.item, {})
        for name, value in edit.values.items():
            if value is None:
                values.pop(name, None)
            else:
                values[name] = value
    return found


def laid_over(items: Items, edits: Iterable[ItemEdit], now: datetime) -> dict[str, ConfigurationItem]:
    """The items that hold: those of the file, key by key under what people wrote.

    What was refused when it was written may come about later, by another file or the end of an edit. What an item
    depends on and does not exist is left out then, and so is what closes a ring; an item that the file has in another
    case is the file's.
    """
    found = as_written(items, edits, now)
    edges = {name: item.depends_on for name, item in found.items()}
    closing = {(ring[-1], ring[0]) for ring in rings(edges)}
    for name, below in edges.items():
        left = [d for d in below if d in found and (name, d) not in closing]
        if len(left) < len(below):
            found[name] = found[name].model_copy(update={"depends_on": left})
    return found


def as_written(items: Items, edits: Iterable[ItemEdit], now: datetime) -> dict[str, ConfigurationItem]:
    """The items with what people wrote over them, whether or not it goes together."""
    found = dict(items)
    filed = {name.lower(): name for name in items}
    for named, values in written(edits, now).items():
        name = filed.get(named.lower(), named)
        below = found.get(name) or ConfigurationItem()
        found[name] = below.model_copy(update=values)
    return found


def ring_through(item: str, items: Items, edits: Sequence[ItemEdit], now: datetime) -> list[str]:
    """A ring that an item would be part of, now or when one of the edits ends by itself; empty where there is none."""
    moments = [
        now,
        *sorted({e.until for e in edits if e.until is not None and e.until > now and "depends_on" in e.values}),
    ]
    for moment in moments:
        edges = {name: one.depends_on for name, one in as_written(items, edits, moment).items()}
        found = next((ring for ring in rings(edges) if item in ring), None)
        if found is not None:
            return found
    return []


def next_end(edits: Iterable[ItemEdit], now: datetime) -> datetime | None:
    """When the next of the edits ends by itself."""
    return min((e.until for e in edits if e.until is not None and e.until > now), default=None)


class Register:
    """The items as alerts find them."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self._matching = [(name, item.match) for name, item in items.items() if item.match]
        self._under_rule = dict(_under_rule(items))

    def item_of(self, labels: Labels) -> str | None:
        """The item that an alert is about: the one a label names, else the first whose `match` holds."""
        for label in NAMING:
            name = labels.get(label, "").partition(":")[0]
            if name in self.items:
                return name
        return next((name for name, match in self._matching if all_match(match, labels)), None)

    def criticality(self, labels: Labels) -> str:
        """The criticality of the item that an alert is about; empty where there is none."""
        name = self.item_of(labels)
        return "" if name is None else self.items[name].criticality

    def restricted(self, names: Iterable[str]) -> dict[str, str]:
        """Those of these items whose customers have rules for work on them, with the rule (procedure R68)."""
        return {n: self.items[n].rule for n in names if n in self.items and self.items[n].restricted}

    def under_rule(self, names: Iterable[str]) -> dict[str, str]:
        """Those of these items on which nothing is run by itself, each with the restricted item for whose sake (R68).

        It is that item, or stands in it (a room, a rack), or carries it: work there is work on what is restricted.
        What merely uses a restricted item is not under its rule.
        """
        return {n: self._under_rule[n] for n in names if n in self._under_rule}


def _under_rule(items: Items) -> Iterator[tuple[str, str]]:
    restricted = [name for name, item in items.items() if item.restricted]
    below = {name: item.depends_on for name, item in items.items()}
    above: dict[str, list[str]] = {}
    for name in items if restricted else ():
        for other in below[name]:
            above.setdefault(other, []).append(name)
    for name in restricted:
        yield from ((other, name) for other in _reached(name, below) if not items[other].restricted)
        if items[name].kind in AREAS:
            yield from ((other, name) for other in _reached(name, above) if not items[other].restricted)
    yield from ((name, name) for name in restricted)


def _reached(start: str, edges: Mapping[str, Sequence[str]]) -> list[str]:
    found, seen = [start], {start}
    for name in found:
        fresh = [other for other in edges.get(name, ()) if other not in seen]
        seen.update(fresh)
        found.extend(fresh)
    return found[1:]
