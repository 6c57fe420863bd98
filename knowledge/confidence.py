"""How sure a ranking is that its first entry is the right one: a small logistic model with frozen coefficients.

The coefficients were fitted on questions whose answer was known, with wrong answers weighing more than silence: a wrong
workaround at night costs more than none (`docs/knowledge.md` says on what, and how it was checked). 0.5 is where saying
something becomes better than saying nothing.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple


class Signs(NamedTuple):
    """What a ranking looks like from outside."""

    share: float
    """The best score, as a part of the most that any entry could have had."""
    lead: float
    """How far the best is ahead of the second, as a part of its score."""
    words: float
    """How many words are shared, what overlaps once: log(1 + n)."""
    asked: float
    """How much was asked: log(1 + the most that any entry could have scored)."""
    cover: float
    """How much of the best's title, or of one of its aliases, the question says."""
    single: float
    """1 where a single word is all that is shared."""
    meaning: float = 0.0
    """How near the best is in meaning, 0..1; 0 without an encoder."""
    agreement: float = 0.0
    """1 where words and meaning put the same entry first."""
    score: float = 0.0
    """The best score by words of all, in words that no entry has: log(1 + n)."""
    crowd: float = 0.0
    """How near all entries are to it in meaning, in the mean: a text without a topic is near to many."""

    @property
    def lone_lead(self) -> float:
        """The lead where it stands on a single word: every other entry merely lacks that word."""
        return self.lead * self.single

    @property
    def agreed(self) -> float:
        """The shared words where meaning points to the same entry: else they are its object, not its trouble."""
        return self.words * self.agreement


_BY_WORDS = {
    "share": 3.749,
    "lead": 2.989,
    "words": 0.903,
    "asked": 0.328,
    "cover": 4.222,
    "single": 0.617,
    "lone_lead": -2.906,
}
_BY_WORDS_AND_MEANING = {
    "share": 1.55,
    "lead": 3.171,
    "agreed": 0.857,
    "asked": -0.029,
    "cover": 2.643,
    "single": 0.142,
    "meaning": 5.199,
    "agreement": -0.836,
    "score": 0.787,
    "crowd": -13.893,
}
_UNDECIDED = 0.49
_WORDS_BIAS, _MEANING_BIAS = -6.134, -5.058


def confidence(signs: Signs, *, with_meaning: bool = False) -> float:
    """Return the confidence, 0..1, that the first entry is right; below 0.5 where the second is as good."""
    if with_meaning:
        sure = _logistic(_MEANING_BIAS, _BY_WORDS_AND_MEANING, signs)
    else:
        sure = _logistic(_WORDS_BIAS, _BY_WORDS, signs)
    return sure if signs.lead > 0 else min(sure, _UNDECIDED)


def _logistic(bias: float, weights: Mapping[str, float], signs: Signs) -> float:
    total = bias + sum(weight * getattr(signs, name) for name, weight in weights.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
