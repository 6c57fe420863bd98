"""Two indexes over known errors: which predicates may hold for an alert, and which entries share its words."""

import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import re2

from collectors.labels import Labels, Matcher, all_match
from knowledge.known_error import Group, KnownError

_ALERTNAME = "alertname"
_SET_MEMORY = 64 * 1024 * 1024
_LITERAL = re.compile(r"(?:[\w \-/:@%,;<>=!&~#'\"]|\\[^\w\s]|\\ )+")
_PIECE = re.compile(r"(?:\\.|[^|\\])+", re.DOTALL)


@lru_cache(maxsize=16_384)
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

    def find(self, value: str) -> list[Predicate]:
        found = self._set.Match(value)
        if len(self._predicates) not in found:
            return self._predicates
        return [self._predicates[place] for place in sorted(found)[:-1]] if len(found) > 1 else []


_READ_AT_MOST = 20_000
_UNKNOWN_WORD, _UNKNOWN_PAIR = 0.3, 0.2

# Words that say nothing about which trouble it is.
_ENGLISH_TEXT = """
a about above across after again alert alerting all also always am an and any are around as at back bad be
because been before being below broken but by can cannot check could critical current currently day detected did
do does down due during each error exceed exceeded fail failed failing few fine firing for found from further
get go going good got had has have having he hello help her here hi high him his hour how if in into is issue it
its itself just keep kindly know last less let level like long look looks low made make many may me might minute
month more most much must my need new no nor normal not now number of off ok on once one only or other our out
over own per please problem put reached report same second see seem send sent she should show since so some
somebody someone something start state status still such system take tell than thank that the their them then
there these they thing this those threshold through time to today tomorrow too trouble try two under until up us
use using value very via want warn warning was way we week well were what when where which while who whom whose
why will with within without work working would wrong year yes yesterday yet you your"""
_ENGLISH = frozenset(_ENGLISH_TEXT.split())
_CHINESE_TEXT = """
一个 一下 一些 一直 一样 不到 不会 不是 不能 个人 为什 什么 事情 今天 以及 但是 使用 出现
刚才 别人 发现 发生 可以 可能 告警 哪个 因为 大家 如何 如果 已经 帮忙 当前 怎么 怎样 情况
所以 所有 报警 时候 时间 明天 昨天 有人 检查 检测 正在 没有 现在 目前 看看 知道 系统 自己
谢谢 进行 还是 还有 这个 这些 这里 通知 那个 那些 都是 问题 请问 需要 超过 麻烦"""
_CHINESE = frozenset(_CHINESE_TEXT.split())
_PARTICLES = "的了吗呢吧啊呀我你您他她它们就也都和与或是有被把让给"
_WORDS = re.compile(rf"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|(?:(?![{_PARTICLES}])[\u3400-\u4dbf\u4e00-\u9fff])+")


def words(text: str) -> list[str]:
    """Return the words that tell one trouble from another, in order: latin words and Chinese character pairs.

    CamelCase is taken apart, a plural is its singular, numbers and words without meaning of their own are left out.
    Only the first 20,000 characters are read.
    """
    plain = unicodedata.normalize("NFKC", text[:_READ_AT_MOST])
    return [word for found in _WORDS.findall(plain) for word in _pieces(found)]


def _pieces(found: str) -> Iterator[str]:
    if not found.isascii():
        yield from (pair for pair in map("".join, itertools.pairwise(found)) if pair not in _CHINESE)
        return
    word = found.lower()
    if len(word) > 3 and word[-1] == "s" and word[-2] not in "sui":
        word = word[:-1]
    if len(word) > 1 and word not in _ENGLISH:
        yield word


class Shared(NamedTuple):
    """How much of a question an entry covers (0..1), and by which words, the most telling first."""

    entry: KnownError
    share: float
    words: tuple[str, ...]


class WordIndex:
    """Finds entries by their words: what is rare in the library counts more, a title more than a solution."""

    def __init__(self, entries: Sequence[KnownError]) -> None:
        self._entries = tuple(entries)
        self._weights: dict[str, dict[int, float]] = {}
        for place, entry in enumerate(self._entries):
            for text, weight in _texts(entry):
                for word in words(text):
                    filed = self._weights.setdefault(word, {})
                    filed[place] = max(filed.get(place, 0.0), weight)
        self._rarity = {word: self._rarity_of(len(filed)) for word, filed in self._weights.items()}

    def _rarity_of(self, count: int) -> float:
        return math.log(1 + (len(self._entries) - count + 0.5) / (count + 0.5))

    def sharing(self, text: str) -> list[Shared]:
        """Return the entries that share words with the text, the best first; ties go by id.

        A word that the library does not know counts too, as a part of its rarest: a question about something else is
        covered little. A Chinese pair counts less, for many pairs are only the seam of two words.
        """
        asked = dict.fromkeys(words(text))
        total = sum(self._rarity.get(word) or self._unknown(word) for word in asked)
        scores: dict[int, dict[str, float]] = {}
        for word in asked:
            for place, weight in self._weights.get(word, {}).items():
                scores.setdefault(place, {})[word] = self._rarity[word] * weight
        found = [self._shared(place, by_word, total) for place, by_word in scores.items()]
        return sorted(found, key=lambda shared: (-shared.share, shared.entry.id))

    def _unknown(self, word: str) -> float:
        return self._rarity_of(1) * (_UNKNOWN_WORD if word.isascii() else _UNKNOWN_PAIR)

    def _shared(self, place: int, by_word: Mapping[str, float], total: float) -> Shared:
        telling = sorted(by_word, key=lambda word: (-by_word[word], word))
        return Shared(self._entries[place], sum(by_word.values()) / total, tuple(telling))


def _texts(entry: KnownError) -> Iterator[tuple[str, float]]:
    yield from ((text, 1.0) for text in (entry.title, entry.title_zh))
    names = (value for group in entry.match for m in group if m.name == _ALERTNAME for value in literals(m))
    yield from ((name, 0.9) for name in names)
    yield from ((text, 0.9) for text in (entry.symptoms, entry.symptoms_zh))
    yield from ((text, 0.6) for text in (entry.root_cause, entry.root_cause_zh))
    yield from ((text, 0.3) for text in (entry.workaround, entry.workaround_zh, entry.solution, entry.solution_zh))
