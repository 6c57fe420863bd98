"""Ranks entries by the words they share with a text (BM25 over weighted fields), and says how much that tells."""

import bisect
import heapq
import math
from array import array
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from copy import copy
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
_MOST_GONE = 1_000  # entries that were replaced, and whose places are kept
_MOST_NAMED = 1024  # entries whose names are kept taken apart

Aliases = Mapping[str, Sequence[str]]


class Shared(NamedTuple):
    """An entry that has words in common with a text: its score, and its place in the index."""

    entry: KnownError
    score: float
    place: int


class Found(NamedTuple):
    """What a library has in common with a text, by words."""

    shared: Sequence[Shared]
    """The entries that share words with it, best first."""
    asked: float
    """The score of an entry that had every word of the text."""
    told: float
    """The score of an entry that had every word of the text that any entry of the library has."""
    rarity: Mapping[str, float]
    """How much each word of the text tells: more, the fewer entries have it."""
    known: Sequence[str]
    """The words of the text that some entry has, the most telling first."""


class WordIndex:
    """Finds entries by their words: what is rare in the library counts more, and a title more than a solution.

    `aliases` are further texts by the name of an alert, or by the id of an entry: what its rule says, what engineers
    have confirmed. An entry has those of its id and of every alert that one of its predicates names exactly.
    """

    def __init__(self, entries: Iterable[KnownError], aliases: Aliases | None = None) -> None:
        self._entries: list[KnownError] = []
        """By place. An entry that was replaced keeps its place, and is found by no word any more."""
        self._aliases = aliases or {}
        self._names: dict[str, Sequence[tuple[Mapping[str, float], float]]] = {}
        self._places: dict[str, array[int]] = {}
        """By word, the places of the entries that have it, in order."""
        self._weights: dict[str, array[float]] = {}
        """By word, how much it counts for each of those entries (BM25 without the rarity of the word)."""
        self._at: dict[str, int] = {}
        """By the id of an entry in force, its place."""
        self._length = 0.0
        """Words of all entries together, weighted by field."""
        self._add(entries)

    def with_entries(self, changed: Iterable[KnownError], aliases: Aliases) -> "WordIndex":
        """Return an index with these entries in place of those of their ids; only their words are counted.

        Those that are not in force are left out. `aliases` are those of the whole; other entries keep what they had
        of them. The words of entries that stay are weighed by the mean length as it was when they were counted. What
        is not changed is shared with this index, so it may go on being asked in another thread.
        """
        entries = list(changed)
        there = [entry.id for entry in entries if entry.id in self._at]
        if len(self._entries) - len(self._at) + len(there) > max(_MOST_GONE, len(self._at)):
            others = {self._entries[at].id: self._entries[at] for at in self._at.values()}
            whole = others | {entry.id: entry for entry in entries}
            return WordIndex([whole[name] for name in sorted(whole) if whole[name].in_force], aliases)
        made = copy(self)
        made._entries, made._aliases, made._names = list(self._entries), aliases, {}
        made._places, made._weights, made._at = dict(self._places), dict(self._weights), dict(self._at)
        copied: set[str] = set()
        for name in there:
            made._take_out(name, self._aliases, copied)
        made._add((entry for entry in entries if entry.in_force), copied)
        return made

    def _add(self, entries: Iterable[KnownError], copied: set[str] | None = None) -> None:
        """Count the words of entries, then turn the counts into weights, for which the mean length must be known.

        The counts stand in `_weights` meanwhile: held by entry, those of a large library would fill gigabytes.
        `copied` are the words whose lists are this index's own; None: all of them are.
        """
        first, lengths = len(self._entries), array("d")
        places, weights = self._places, self._weights
        for place, entry in enumerate(entries, first):
            self._at[entry.id] = place
            self._entries.append(entry)
            counts = _counted(_texts(entry, self._aliases))
            lengths.append(sum(counts.values()))
            for word, count in counts.items():
                if copied is not None:
                    self._own(word, copied)
                if (found := places.get(word)) is None:
                    places[word], weights[word] = array("I", (place,)), array("f", (count,))
                else:
                    found.append(place)
                    weights[word].append(count)
        self._length += sum(lengths)
        mean = self._length / len(self._at) if lengths else 0.0
        norms = [_SATURATION * (1 - _LENGTH + _LENGTH * length / mean) if mean else 1.0 for length in lengths]
        for word in weights if copied is None else copied & weights.keys():
            found, told = places[word], weights[word]
            for n in range(bisect.bisect_left(found, first), len(found)):
                count = told[n]
                told[n] = count * (_SATURATION + 1) / (count + norms[found[n] - first])

    def _take_out(self, name: str, aliases: Aliases, copied: set[str]) -> None:
        """Forget the words of an entry; `aliases` are those that it was counted with."""
        place = self._at.pop(name)
        counts = _counted(_texts(self._entries[place], aliases))
        self._length -= sum(counts.values())
        for word in counts:
            self._own(word, copied)
            at = bisect.bisect_left(self._places[word], place)
            del self._places[word][at], self._weights[word][at]
            if not self._places[word]:
                del self._places[word], self._weights[word]

    def _own(self, word: str, copied: set[str]) -> None:
        """Copy the lists of a word before they are changed: another index may share them."""
        if word not in copied:
            copied.add(word)
            if word in self._places:
                self._places[word], self._weights[word] = self._places[word][:], self._weights[word][:]

    def rarity(self, word: str) -> float:
        """Return how much a word tells: the fewer entries have it the more, most where none has it."""
        count, total = len(self._places.get(word, ())), len(self._at)
        return math.log(1 + (total - count + 0.5) / (count + 0.5))

    @property
    def rarest(self) -> float:
        """How much a word tells that no entry has: the most that any can, and more in a larger library."""
        return self.rarity("")

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

    def beyond(self, score: float, rarity: Mapping[str, float]) -> Iterator[KnownError]:
        """Yield the entries that score higher with the words of a text; `rarity` is how much each of them tells."""
        known = sorted((word for word in rarity if word in self._places), key=lambda w: (-rarity[w], w))
        scores, _ = self._gather(known, rarity)
        yield from (self._entries[place] for place, reached in scores.items() if reached > score)

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
        """The score of each place that has one of the known words, rarest first, up to _VISITS visits.

        Returns also the words that were left: so common that they find no entry by themselves.
        """
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
        for word in words(text):
            counts[word] = counts.get(word, 0.0) + weight
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
