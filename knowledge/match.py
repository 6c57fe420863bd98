"""Which known errors fit an incident, and why: predicates decide first, then words (procedure R61, 4.14)."""

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

from collectors.labels import Labels, Matcher
from knowledge.confidence import Signs, confidence
from knowledge.index import Predicate, literals
from knowledge.known_error import KnownError
from knowledge.library import Library
from knowledge.ranking import Found
from knowledge.telling import told
from knowledge.words import as_written, shared_apart

PREDICATE, WORDS = "predicate", "words"

_EXACT_NAME, _NAME_BY_REGEX, _NO_NAME = 0.95, 0.90, 0.85
_WORDS_AT_MOST = 0.80
_SAID_FROM = 0.50  # below this nothing is said: a wrong workaround at night is worse than none
_WORDS_TOLD = 8
_A_FEW = 2  # shared words from which on a match stands on more than a single one
_CROWDED = 0.12  # a mean likeness beyond this says nothing more: the library is small, or of one topic
_MEANING_WEIGHT = 50.0  # what a likeness in meaning of 1 is worth beside a score by words

Likeness = Mapping[str, float]
"""How near each entry is to a text in meaning, -1..1, by id: what an encoder says."""


@dataclass(frozen=True)
class Match:
    """A known error that fits.

    `confidence` is 0..1; words never reach what a predicate has. `why` is `{code, facts}`: code `predicate` with
    `predicates` (the conditions, as matchers) and `labels` (what they found), or code `words` with the shared `words`
    and their `share` of the text, and `meaning` (0..1) where an encoder was asked.
    """

    id: str
    confidence: float
    why: Mapping[str, Any]


def match_predicates(labels_of_alerts: Sequence[Labels], library: Library, but: Container[str] = ()) -> list[Match]:
    """Return every known error whose predicate holds for one of the alerts, the most specific first.

    `but` names those that are known already.
    """
    best: dict[str, Match] = {}
    for labels in labels_of_alerts:
        for predicate, seen in _holding(labels, library):
            if predicate.entry.id in but:
                continue
            found = _certain(predicate, seen)
            if found.id not in best or best[found.id].confidence < found.confidence:
                best[found.id] = found
    return sorted(best.values(), key=lambda found: (-found.confidence, found.id))


def match_text(text: str, library: Library, limit: int = 5, likeness: Likeness | None = None) -> list[Match]:
    """Return the known errors that a text is sure enough to mean, at most `limit`; often none.

    Words never reach the confidence of a predicate. `likeness` is what an encoder says of each entry.
    """
    said = [found for found in rank(text, library, limit, likeness) if found.confidence >= _SAID_FROM]
    return [replace(found, confidence=min(_WORDS_AT_MOST, found.confidence)) for found in said]


def rank(text: str, library: Library, limit: int = 5, likeness: Likeness | None = None) -> list[Match]:
    """Return the entries nearest to a text, best first, each with the confidence that it is the right one.

    Where nothing fits the first confidence is low; `match_text` is the one that then says nothing.
    """
    found = library.words.find(text)
    ranked = _ranked(found, library, likeness, limit) if found.asked else []
    if not ranked:
        return []
    first = confidence(_signs(text, library, found, ranked, likeness), with_meaning=likeness is not None)
    best = ranked[0].score
    return [_likely(text, one, first * max(0.0, one.score) / best if best > 0 else 0.0, found) for one in ranked]


class _Ranked(NamedTuple):
    """An entry in its place: its score by words, and by meaning where that was asked (`meaning` is then -1..1)."""

    entry: KnownError
    score: float
    words: tuple[str, ...]
    meaning: float | None


def _ranked(found: Found, library: Library, likeness: Likeness | None, limit: int) -> list[_Ranked]:
    words_of = partial(library.words.words_of, found=found)
    if likeness is None:
        return [_Ranked(one.entry, one.score, words_of(one), None) for one in found.shared[:limit]]
    by_words = {one.entry.id: one for one in found.shared}
    scored = [
        (
            (by_words[entry.id].score if entry.id in by_words else 0.0) + _MEANING_WEIGHT * likeness[entry.id],
            entry,
        )
        for entry in library.in_force
        if entry.id in likeness
    ]
    scored.sort(key=lambda one: (-one[0], one[1].id))
    return [
        _Ranked(entry, score, words_of(by_words[entry.id]) if entry.id in by_words else (), likeness[entry.id])
        for score, entry in scored[:limit]
    ]


def _signs(text: str, library: Library, found: Found, ranked: Sequence[_Ranked], likeness: Likeness | None) -> Signs:
    first, second_score = ranked[0], ranked[1].score if len(ranked) > 1 else 0.0
    if likeness is None and library.is_about_another_alert(found.rarity, first.score):
        second_score = first.score
    first_by_words, best_by_words = (found.shared[0].entry.id, found.shared[0].score) if found.shared else ("", 0.0)
    by_words = next((one.score for one in found.shared if one.entry.id == first.entry.id), 0.0)
    first_by_meaning = max(sorted(likeness), key=lambda name: likeness[name]) if likeness else ""
    apart = shared_apart(text, frozenset(first.words))
    crowd = fmean(likeness.values()) if likeness else 0.0
    return Signs(
        share=by_words / found.asked,
        lead=(first.score - second_score) / first.score if first.score > 0 else 0.0,
        words=math.log1p(apart),
        asked=math.log1p(found.asked),
        cover=library.words.cover(first.entry, found.rarity),
        single=float(apart < _A_FEW),
        meaning=first.meaning or 0.0,
        agreement=float(first_by_words == first_by_meaning != ""),
        score=math.log1p(best_by_words / library.words.rarest),
        crowd=min(max(crowd, 0.0), _CROWDED),
    )


def _holding(labels: Labels, library: Library) -> Iterable[tuple[Predicate, Labels]]:
    """The predicates that hold for an alert, each with the labels as they were read for it."""
    try:
        return [(predicate, labels) for predicate in library.predicates.holding(labels)]
    except UnicodeEncodeError:  # RE2 reads UTF-8, and half of a surrogate pair is none
        clean = {name: value.encode(errors="replace").decode() for name, value in labels.items()}
        return [(predicate, clean) for predicate in library.predicates.holding(clean)]


def _certain(predicate: Predicate, labels: Labels) -> Match:
    """A match by predicate: surer where it names the alert, and a little surer for each further condition."""
    named = [m for m in predicate.matchers if m.name == "alertname" and m.op in ("=", "=~")]
    base = _NO_NAME if not named else _EXACT_NAME if any(map(literals, named)) else _NAME_BY_REGEX
    confidence = min(0.99, base + 0.01 * (len(predicate.matchers) - 1))
    facts = {
        "predicates": [str(_narrowed(m, labels)) for m in predicate.matchers],
        "labels": {m.name: labels[m.name] for m in predicate.matchers if m.name in labels},
    }
    return Match(predicate.entry.id, round(confidence, 2), {"code": PREDICATE, "facts": facts})


def _narrowed(matcher: Matcher, labels: Labels) -> Matcher:
    """Of a list of names only the one that was found: that is why it matched."""
    found = labels.get(matcher.name, "")
    return Matcher(matcher.name, "=", found) if found in literals(matcher) else matcher


def _likely(text: str, one: _Ranked, sure: float, found: Found) -> Match:
    shared = as_written(text, one.words)[:_WORDS_TOLD]
    facts: dict[str, Any] = {"words": shared, "share": round(one.score / found.asked, 2)}
    if one.meaning is not None:
        facts |= {"share": round(found.told / found.asked, 2), "meaning": round(one.meaning, 2)}
    return Match(one.entry.id, round(sure, 4), {"code": WORDS, "facts": facts})


def sentence(why: Mapping[str, Any], language: str = "en") -> str:
    """Return a stored reason as a sentence for a reader, in English or (`zh…`) Chinese."""
    facts, chinese = why.get("facts", {}), language.lower().startswith("zh")
    if why.get("code") == PREDICATE:
        said = ("；" if chinese else "; ").join(told(facts, chinese=chinese))
        if facts.get("demoted"):
            said += "；多次无效，排在最后" if chinese else "; it has failed repeatedly and comes last"
        return said
    if why.get("code") == WORDS:
        shared = (", " if not chinese else "、").join(facts["words"])
        if not shared:
            return "意思相近" if chinese else "The text is near to it in meaning"
        return f"文字相近，共有的词：{shared}" if chinese else f"The text shares these words with it: {shared}"
    return str(why.get("code", ""))
