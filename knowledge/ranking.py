"""Ranks entries by the words they share with a text (BM25 over weighted fields), and says how much that tells."""

import bisect
import heapq
import math
from array import array
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from knowledge.index import literals
from knowledge.known_error import KnownError
from knowledge.words import words

_ALERTNAME = "alertname"
_SATURATION, _LENGTH = 1.2, 0.5
_VISITS = 6_000  # entries looked at for one question, the rarest words first: bounds its time in a large library
_BEST = 40
_HEADS = 16  # titles and aliases of an entry that a question is compared with one by one
_MOST_NAMED = 1024  # entries whose names are kept taken apart

Aliases = Mapping[str, Sequence[str]]


class Shared(NamedTuple):
    """An entry that has words in common with a text: its score, and its place in the index."""

    entry: KnownError
    score: float
    place: int


class Found(NamedTuple):
    """The entries that share words with a text, best first; `asked` is the most that any entry could have scored."""

    shared: Sequence[Shared]
    asked: float
    told: float
    """How much of `asked` lies in words that the library knows."""
    rarity: Mapping[str, float]
    """How much each word of the text tells."""
    known: Sequence[str]
    """Those that the library knows, the most telling first."""


class WordIndex:
    """Finds entries by their words: what is rare in the library counts more, and a title more than a solution.

    `aliases` are further texts by the name of an alert, or by the id of an entry: what its rule says, what engineers
    have confirmed. An entry has those of its id and of every alert that one of its predicates names exactly.
    """

    def __init__(self, entries: Sequence[KnownError], aliases: Aliases | None = None) -> None:
        self._entries = tuple(entries)
        self._aliases = aliases or {}
        self._names: dict[str, Sequence[tuple[Mapping[str, float], float]]] = {}
        counted = [_counted(_texts(entry, aliases or {})) for entry in self._entries]
        lengths = [sum(counts.values()) for counts in counted]
        mean = sum(lengths) / len(lengths) if lengths else 1.0
        self._places: dict[str, array[int]] = {}
        self._weights: dict[str, array[float]] = {}
        for place, counts in enumerate(counted):
            norm = _SATURATION * (1 - _LENGTH + _LENGTH * lengths[place] / mean) if mean else 1.0
            for word, count in counts.items():
                self._places.setdefault(word, array("I")).append(place)
                self._weights.setdefault(word, array("f")).append(count * (_SATURATION + 1) / (count + norm))

    def rarity(self, word: str) -> float:
        """Return how much a word tells: the fewer entries have it the more, most where none has it."""
        count, total = len(self._places.get(word, ())), len(self._entries)
        return math.log(1 + (total - count + 0.5) / (count + 0.5))

    def find(self, text: str) -> Found:
        """Return the forty entries that share most with a text; ties go by id.

        In a large library the commonest words find no entry by themselves; they still count for those that are found.
        """
        rarity = {word: self.rarity(word) for word in dict.fromkeys(words(text))}
        known = sorted((word for word in rarity if word in self._places), key=lambda w: (-rarity[w], w))
        scores, common = self._gather(known, rarity)
        least = min(heapq.nlargest(_BEST, scores.values()), default=0.0)
        best = sorted(
            (place for place, score in scores.items() if score >= least),
            key=lambda place: (-scores[place], self._entries[place].id),
        )[:_BEST]
        shared = [
            Shared(self._entries[at], scores[at] + sum(rarity[word] * self._weight(word, at) for word in common), at)
            for at in best
        ]
        shared.sort(key=lambda one: (-one.score, one.entry.id))
        asked = sum(rarity.values()) * (_SATURATION + 1)
        return Found(shared, asked, sum(rarity[word] for word in known) * (_SATURATION + 1), rarity, known)

    def words_of(self, one: Shared, found: Found) -> tuple[str, ...]:
        """Return the words that an entry shares with the text it was found for, the most telling first."""
        parts = {word: found.rarity[word] * self._weight(word, one.place) for word in found.known}
        return tuple(sorted((word for word in parts if parts[word]), key=lambda word: (-parts[word], word)))

    def cover(self, entry: KnownError, asked: Container[str]) -> float:
        """Return how much of one of an entry's names these words say, 0..1: of its title or an alias, the fullest."""
        fullest = 0.0
        for telling, whole in self._names_of(entry):
            fullest = max(fullest, sum(telling[word] for word in telling if word in asked) / whole)
        return fullest

    def _names_of(self, entry: KnownError) -> Sequence[tuple[Mapping[str, float], float]]:
        """How much each word of an entry's names tells, and how much all of a name; those asked of last are kept."""
        kept = self._names.get(entry.id)
        if kept is None:
            told = ({w: self.rarity(w) for w in words(name)} for name in islice(_heads(entry, self._aliases), _HEADS))
            kept = [(telling, whole) for telling in told if (whole := sum(telling.values()))]
            if len(self._names) >= _MOST_NAMED:
                self._names.clear()
            self._names[entry.id] = kept
        return kept

    def _gather(self, known: Sequence[str], rarity: Mapping[str, float]) -> tuple[dict[int, float], list[str]]:
        scores: dict[int, float] = {}
        visited = 0
        for number, word in enumerate(known):
            places = self._places[word]
            if visited and visited + len(places) > _VISITS:
                return scores, list(known[number:])
            visited += len(places)
            telling, before = rarity[word], scores.get
            for place, weight in zip(places[:_VISITS], self._weights[word], strict=False):
                scores[place] = before(place, 0.0) + telling * weight
        return scores, []

    def _weight(self, word: str, place: int) -> float:
        places = self._places[word]
        at = bisect.bisect_left(places, place)
        return self._weights[word][at] if at < len(places) and places[at] == place else 0.0


def _counted(texts: Iterable[tuple[str, float]]) -> Mapping[str, float]:
    counts: dict[str, float] = {}
    for text, weight in texts:
        for word, count in Counter(words(text)).items():
            counts[word] = counts.get(word, 0.0) + weight * count
    return counts


def alert_names(entry: KnownError) -> list[str]:
    """Return the names of alerts that the entry's predicates ask for exactly."""
    exact = (value for group in entry.match for m in group if m.name == _ALERTNAME for value in literals(m))
    return list(dict.fromkeys(exact))


def _heads(entry: KnownError, aliases: Aliases) -> Iterator[str]:
    yield from (entry.title, entry.title_zh)
    yield from (alias for name in (entry.id, *alert_names(entry)) for alias in aliases.get(name, ()))


def _texts(entry: KnownError, aliases: Aliases) -> Iterator[tuple[str, float]]:
    yield from ((text, 3.0) for text in _heads(entry, aliases))
    yield from ((name, 1.0) for name in alert_names(entry))
    yield from ((text, 2.0) for text in (entry.symptoms, entry.symptoms_zh))
    yield from ((text, 0.5) for text in (entry.root_cause, entry.root_cause_zh))
    yield from ((text, 0.5) for text in (entry.workaround, entry.workaround_zh, entry.solution, entry.solution_zh))
