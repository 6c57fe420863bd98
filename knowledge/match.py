"""Which known errors fit an incident, and why: predicates decide first, then words (procedure R61, 4.14)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collectors.labels import Labels, Matcher
from knowledge.index import Predicate, Shared, literals
from knowledge.library import Library

PREDICATE, WORDS = "predicate", "words"

_EXACT_NAME, _NAME_BY_REGEX, _NO_NAME = 0.95, 0.90, 0.85
_WORDS_AT_MOST, _WORDS_PER_SHARE = 0.80, 0.90
_WORDS_AT_LEAST = 0.50  # below this nothing is said: a wrong workaround at night is worse than none
_WORDS_NEEDED = 2
_WORDS_TOLD = 8


@dataclass(frozen=True)
class Match:
    """A known error that fits.

    `confidence` is 0..1; words never reach what a predicate has. `why` is `{code, facts}`: code `predicate` with
    `predicates` (the conditions, as matchers) and `labels` (what they found), or code `words` with the shared `words`
    and their `share` of the text.
    """

    id: str
    confidence: float
    why: Mapping[str, Any]


def match(labels_of_alerts: Sequence[Labels], text: str, library: Library, limit: int = 5) -> list[Match]:
    """Return the best known errors for an incident: those whose predicates hold, then those found by words."""
    certain = match_predicates(labels_of_alerts, library)
    named = {found.id for found in certain}
    likely = [found for found in match_text(text, library, limit + len(named)) if found.id not in named]
    return [*certain, *likely][:limit]


def match_predicates(labels_of_alerts: Sequence[Labels], library: Library) -> list[Match]:
    """Return every known error whose predicate holds for one of the alerts, the most specific first."""
    best: dict[str, Match] = {}
    for labels in labels_of_alerts:
        for predicate, seen in _holding(labels, library):
            found = _certain(predicate, seen)
            if found.id not in best or best[found.id].confidence < found.confidence:
                best[found.id] = found
    return sorted(best.values(), key=lambda found: (-found.confidence, found.id))


def match_text(text: str, library: Library, limit: int = 5) -> list[Match]:
    """Return the known errors that share enough telling words with a text, at most `limit`; often none."""
    return [_likely(shared) for shared in library.words.sharing(text) if _says_enough(shared)][:limit]


def _holding(labels: Labels, library: Library) -> Iterable[tuple[Predicate, Labels]]:
    try:
        return [(predicate, labels) for predicate in library.predicates.holding(labels)]
    except UnicodeEncodeError:  # RE2 reads UTF-8, and half of a surrogate pair is none
        clean = {name: value.encode(errors="replace").decode() for name, value in labels.items()}
        return [(predicate, clean) for predicate in library.predicates.holding(clean)]


def _certain(predicate: Predicate, labels: Labels) -> Match:
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


def _says_enough(shared: Shared) -> bool:
    return len(shared.words) >= _WORDS_NEEDED and _confidence(shared) >= _WORDS_AT_LEAST


def _likely(shared: Shared) -> Match:
    facts = {"words": list(shared.words[:_WORDS_TOLD]), "share": round(shared.share, 2)}
    return Match(shared.entry.id, round(_confidence(shared), 2), {"code": WORDS, "facts": facts})


def _confidence(shared: Shared) -> float:
    return min(_WORDS_AT_MOST, _WORDS_PER_SHARE * shared.share)


def sentence(why: Mapping[str, Any], language: str = "en") -> str:
    """Return a stored reason as a sentence for a reader, in English or (`zh…`) Chinese."""
    facts, chinese = why.get("facts", {}), language.lower().startswith("zh")
    if why.get("code") == PREDICATE:
        held = (", " if not chinese else "、").join(facts["predicates"])
        return f"告警满足条件：{held}" if chinese else f"The alert meets its conditions: {held}"
    if why.get("code") == WORDS:
        shared = (", " if not chinese else "、").join(facts["words"])
        return f"文字相近，共有的词：{shared}" if chinese else f"The text shares these words with it: {shared}"
    return str(why.get("code", ""))
