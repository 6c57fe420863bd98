"""An index over the predicates of known errors: which of them may hold for an alert."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import re2

from collectors.labels import Labels, Matcher, all_match
from collectors.remembering import Held, remembers
from knowledge.known_error import Group, KnownError

_ALERTNAME = "alertname"
_MOST_FOUND = 4096
"""Values of a label whose regexes are remembered: the names of alerts, above all."""
_LAYERS_SHRINK = 2
"""Each layer has more than so many times the entries of the one over it: there are few, however much is written."""
_SET_MEMORY = 64 * 1024 * 1024
_LITERAL = re.compile(r"(?:[\w \-/:@%,;<>=!&~#'\"]|\\[^\w\s]|\\ )+")
_PIECE = re.compile(r"(?:\\.|[^|\\])+", re.DOTALL)


@remembers("literals", 16_384)
def literals(matcher: Matcher) -> tuple[str, ...]:
    """Return the values that a matcher asks for, where it asks for plain values only: `=`, or `=~` over `a|b|c`."""
    if matcher.op == "=":
        return (matcher.value,)
    pieces = _PIECE.findall(matcher.value) if matcher.op == "=~" else []
    if "|".join(pieces) != matcher.value or not all(map(_LITERAL.fullmatch, pieces)):
        return ()
    return tuple(re.sub(r"\\(.)", r"\1", piece) for piece in pieces)


class Predicate(NamedTuple):
    """One group of conditions of one known error."""

    entry: KnownError
    matchers: Group


class PredicateIndex:
    """Finds the predicates that hold for an alert without trying them all.

    Each predicate is filed under its most telling condition: the exact name of the alert, else an exact label, else
    a regex on the name, else one on another label. The regexes of a label are one RE2 set, tried in one pass.
    """

    def __init__(self, entries: Iterable[KnownError]) -> None:
        self._below: PredicateIndex | None = None
        """The index that this one is laid over; None: it stands alone."""
        self._own: dict[str, KnownError] = {}
        """The entries that hide those of their ids below."""
        self._file_all(entries)

    def with_entries(self, entries: Iterable[KnownError]) -> "PredicateIndex":
        """Return an index with these in place of those of their ids, laid over this one: only these are filed.

        Those that are not in force only hide what they replace. A layer that is not more than twice as large as what
        is laid over it is filed anew together with it.
        """
        own, below = {entry.id: entry for entry in entries}, self
        while below._below is not None and len(below._own) <= _LAYERS_SHRINK * len(own):
            own, below = {**below._own, **own}, below._below
        over = PredicateIndex(())
        over._below, over._own = below, own
        over._file_all(entry for entry in own.values() if entry.in_force)
        return over

    def _file_all(self, entries: Iterable[KnownError]) -> None:
        self._exact: dict[str, dict[str, list[Predicate]]] = {}
        self._always: list[Predicate] = []
        patterns: dict[str, list[tuple[str, Predicate]]] = {}
        for entry in entries:
            for group in entry.match:
                self._file(Predicate(entry, group), patterns)
        self._patterns = {name: _Patterns(filed) for name, filed in patterns.items()}

    def _file(self, predicate: Predicate, patterns: dict[str, list[tuple[str, Predicate]]]) -> None:
        by_name = sorted(predicate.matchers, key=lambda m: m.name != _ALERTNAME)
        for matcher in by_name:
            if values := literals(matcher):
                filed = self._exact.setdefault(matcher.name, {})
                for value in dict.fromkeys(values):
                    filed.setdefault(value, []).append(predicate)
                return
        for matcher in by_name:
            if matcher.op == "=~":
                patterns.setdefault(matcher.name, []).append((matcher.value, predicate))
                return
        self._always.append(predicate)

    def holding(self, labels: Labels) -> Iterator[Predicate]:
        """Yield every predicate that holds for the labels, each once, in no particular order."""
        for predicate in self._candidates(labels):
            if all_match(predicate.matchers, labels):
                yield predicate
        if self._below is not None:
            yield from (one for one in self._below.holding(labels) if one.entry.id not in self._own)

    def naming(self, alertname: str) -> Iterator[Predicate]:
        """Yield the predicates that ask for alerts of exactly this name, whatever else they ask for."""
        yield from self._exact.get(_ALERTNAME, {}).get(alertname, ())
        if self._below is not None:
            yield from (one for one in self._below.naming(alertname) if one.entry.id not in self._own)

    def held(self) -> dict[str, Held]:
        """How full its memory is."""
        layers: list[PredicateIndex] = [self]
        while (below := layers[-1]._below) is not None:
            layers.append(below)
        sets = [patterns for layer in layers for patterns in layer._patterns.values()]
        return {"predicate_values": Held(sum(len(patterns.found) for patterns in sets), _MOST_FOUND * len(sets))}

    def _candidates(self, labels: Labels) -> Iterator[Predicate]:
        for name, filed in self._exact.items():
            yield from filed.get(labels.get(name, ""), ())
        for name, patterns in self._patterns.items():
            yield from patterns.find(labels.get(name, ""))
        yield from self._always


class _Patterns:
    """The regexes on one label as one RE2 set.

    A set that runs out of memory finds nothing and says nothing: a last pattern that matches everything tells the
    two apart, and then every predicate is a candidate.
    """

    def __init__(self, filed: Sequence[tuple[str, Predicate]]) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _SET_MEMORY
        self._predicates = [predicate for _, predicate in filed]
        self._set: Any = re2.Set.FullMatchSet(options)
        for pattern, _ in filed:
            self._set.Add(pattern)
        self._set.Add(r"(?s).*")
        self._set.Compile()
        self.found: dict[str, list[Predicate]] = {}

    def find(self, value: str) -> list[Predicate]:
        """The predicates whose regex this value meets."""
        known = self.found.get(value)
        if known is None:
            if len(self.found) >= _MOST_FOUND:
                self.found.clear()
            known = self.found[value] = self._find(value)
        return known

    def _find(self, value: str) -> list[Predicate]:
        found = self._set.Match(value)
        if len(self._predicates) not in found:
            return self._predicates
        return [self._predicates[place] for place in sorted(found)[:-1]] if len(found) > 1 else []
