"""How sure a ranking is that its first entry is the right one: a small logistic model with frozen coefficients.

The coefficients were fitted on questions whose answer was known, with wrong answers weighing more than silence: a wrong
workaround at night costs more than none (`docs/knowledge.md` says on what, and how it was checked). 0.5 is where saying
something becomes better than saying nothing.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Signs(NamedTuple):
    """What a ranking looks like from outside."""

    share: float
    """The best score, as a part of the most that any entry could have had."""
    told: float
    """How much of the question lies in words that the library knows."""
    lead: float
    """How far the best is ahead of the second, as a part of its score."""
    words: float
    """How many words are shared: log(1 + n)."""
    asked: float
    """How much was asked: log(1 + the most that any entry could have scored)."""
    meaning: float = 0.0
    """How near the best is in meaning, 0..1; 0 without an encoder."""
    agreement: float = 0.0
    """1 where words and meaning put the same entry first."""


_BY_WORDS = (5.812, -0.086, 3.157, 0.631, 0.781)
_BY_WORDS_AND_MEANING = (3.475, -0.196, 5.252, 0.227, 0.467, 4.425, 0.36)
_WORDS_BIAS, _MEANING_BIAS = -7.44, -7.535


def confidence(signs: Signs, *, with_meaning: bool = False) -> float:
    """Return the confidence, 0..1, that the first entry is right."""
    if with_meaning:
        return _logistic(_MEANING_BIAS, _BY_WORDS_AND_MEANING, signs)
    return _logistic(_WORDS_BIAS, _BY_WORDS, signs)


def _logistic(bias: float, weights: Sequence[float], signs: Signs) -> float:
    total = bias + sum(weight * sign for weight, sign in zip(weights, signs, strict=False))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
