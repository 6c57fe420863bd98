"""The words of a text, in English, Chinese or both: no segmenter, no dictionary, no model."""

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

from collectors.remembering import remembers

READ_AT_MOST = 20_000
"""Characters of a text that are read; what stands behind them is not."""

_RUNS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[\u3400-\u4dbf\u4e00-\u9fff]+")
_COMMON_TEXT = """
a an the of to in on at is are was be been for from by with and or not no it its this that than then as if into over per
has have had more most less which when will can may could should would do does did"""
_STOP = frozenset(_COMMON_TEXT.split())
_ENDINGS = (
    *(("ational", "ate"), ("isation", ""), ("ization", ""), ("iness", "i"), ("ations", ""), ("ation", "")),
    *(("ments", ""), ("ment", ""), ("ingly", ""), ("edly", ""), ("nesses", ""), ("ness", ""), ("ings", "")),
    *(("ing", ""), ("ions", ""), ("ion", ""), ("ies", "y"), ("ied", "y"), ("ers", ""), ("er", ""), ("ed", "")),
    *(("es", ""), ("ly", ""), ("al", ""), ("s", ""), ("e", "")),
)
_STEM_AT_LEAST = 3


def words(text: str) -> list[str]:
    """Return the words of a text, in order: stems of latin words, and each pair of neighbouring Chinese characters.

    CamelCase is taken apart, and two latin words that touch or stand side by side are also given as one (`API server`
    as `apiserver`). Numbers and the commonest English words are left out. Only the first 20,000 characters are read.
    """
    plain, told = unicodedata.normalize("NFKC", text[:READ_AT_MOST]), list[str]()
    before, ended = "", -9
    for found in _RUNS.finditer(plain):
        run = found[0]
        if not run.isascii():
            before = ""
            told += map("".join, itertools.pairwise(run)) if len(run) > 1 else (run,)
            continue
        word, stemmed = _latin(run)
        if not word:
            before = ""
            continue
        told.append(stemmed)
        begins, end = found.span()
        if before and begins - ended <= 1:
            told.append(before + word)
        before, ended = word, end
    return told


@remembers("latin_words", 16_384)
def _latin(run: str) -> tuple[str, str]:
    """A latin word in small letters, and its stem; both empty where it is too common or too short to tell anything."""
    word = run.lower()
    return ("", "") if len(word) == 1 or word in _STOP else (word, stem(word))


def shared_apart(text: str, shared: Collection[str]) -> float:
    """Return how many of the shared words stand apart in a text: what overlaps or repeats is told once.

    Chinese pairs that overlap are half a word for each of their characters, and at least one; two latin words that
    are also given as one are two.
    """
    plain, seen, before = unicodedata.normalize("NFKC", text[:READ_AT_MOST]), set[str](), ""
    total = 0.0
    for found in _RUNS.finditer(plain):
        run = found[0]
        if run.isascii():
            word = run.lower()
            token = next((one for one in (stem(word), before + word) if one in shared and one not in seen), None)
            total += token is not None
            seen |= {stem(word), before + word}
            before = word
            continue
        for stretch in _stretches(run, shared):
            total += max(1.0, len(stretch) / 2) if stretch not in seen else 0.0
            seen.add(stretch)
    return total


def as_written(text: str, shared: Sequence[str]) -> list[str]:
    """Return shared words as they stand in a text, each once, in the order of `shared`: neither stems nor pairs."""
    ranks, found = {word: rank for rank, word in enumerate(shared)}, dict[str, int]()
    before = ""
    for match in _RUNS.finditer(unicodedata.normalize("NFKC", text[:READ_AT_MOST])):
        run = match[0]
        if run.isascii():
            word = run.lower()
            together = ranks.get(before.lower() + word)
            told = [(before, together), (run, together), (run, ranks.get(stem(word)))]
            before = run
        else:
            pieces = _stretches(run, ranks)
            told = [(piece, min(ranks[pair] for pair in words(piece))) for piece in pieces]
            before = ""
        for said, rank in told:
            if said and rank is not None:
                found[said] = min(rank, found.get(said, rank))
    once: dict[str, str] = {}
    for said in sorted(found, key=found.__getitem__):
        once.setdefault(said.casefold(), said)
    return list(once.values())


def _stretches(run: str, shared: Collection[str]) -> Iterator[str]:
    """The longest pieces of a Chinese text that are made of shared pairs."""
    begins = 0
    for at in range(len(run)):
        if run[at : at + 2] not in shared or at + 1 == len(run):
            if at > begins or (len(run) == 1 and run in shared):
                yield run[begins : at + 1]
            begins = at + 1


@remembers("stems", 16_384)
def stem(word: str) -> str:
    """Return a small latin word without its ending; of one word's forms most end alike."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_AT_LEAST:
            if ending == "s" and word[-2] in "sui":
                continue
            word = word[: len(word) - len(ending)] + instead
            break
    doubled = len(word) > _STEM_AT_LEAST and word[-1] == word[-2] and word[-1] not in "ls"
    return word[:-1] if doubled else word
