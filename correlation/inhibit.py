"""Inhibition: while a cause fires, its consequences are suppressed (Alertmanager's `inhibit_rules`)."""

from collections.abc import Sequence

from collectors.labels import Labels, all_match
from correlation.incident import Key
from correlation.rules import InhibitionRule

Held = tuple[str, tuple[str, ...]]
"""A rule's id with the values of its `equal` labels."""


class Inhibitors:
    """Which source alerts fire right now, by rule and by the labels that must be equal."""

    def __init__(self, rules: Sequence[InhibitionRule] = ()) -> None:
        self._rules = rules
        self._firing: dict[Held, set[Key]] = {}

    def add(self, key: Key, labels: Labels) -> None:
        """A source alert fires."""
        for held in self._held(labels):
            self._firing.setdefault(held, set()).add(key)

    def remove(self, key: Key, labels: Labels) -> list[Held]:
        """Forget a source alert; return what it alone held back."""
        freed = []
        for held in self._held(labels):
            firing = self._firing.get(held, set())
            firing.discard(key)
            if not firing:
                self._firing.pop(held, None)
                freed.append(held)
        return freed

    def inhibited_by(self, key: Key, labels: Labels) -> tuple[Held, Key] | None:
        """What holds an alert back, and one source alert that does; an alert never inhibits itself."""
        for rule in self._rules:
            if not all_match(rule.target, labels):
                continue
            held = (rule.id, tuple(labels.get(name, "") for name in rule.equal))
            source = next((k for k in self._firing.get(held, ()) if k != key), None)
            if source is not None and not all_match(rule.source, labels):
                return held, source
        return None

    def _held(self, labels: Labels) -> list[Held]:
        return [
            (rule.id, tuple(labels.get(name, "") for name in rule.equal))
            for rule in self._rules
            if all_match(rule.source, labels)
        ]
