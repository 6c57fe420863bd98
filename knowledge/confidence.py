"""How sure a ranking is that its first entry is the right one: a small logistic model with frozen coefficients.

The coefficients were fitted on questions whose answer was known, with wrong answers weighing more than silence: a wrong
workaround at night costs more than none (`docs/knowledge.md` says on what, and how it was checked). 0.5 is where saying
something becomes better than saying nothing.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple


class Signs(NamedTuple):
    """Ten numbers by which a ranking shows whether its first entry is right. `first` and `second` are its best two.

    A score by words is the sum of what the shared words tell; `most possible` is the score of an entry that has every
    word of the text (`ranking.Found.asked`).
    """

    share: float
    """Score of `first` by words / most possible, 0..1."""
    lead: float
    """(score of `first` - score of `second`) / score of `first`, 0..1: 0 where both fit as well."""
    words: float
    """log(1 + number of words that the text and `first` share); words that overlap count once."""
    asked: float
    """log(1 + most possible): a long text of rare words asks more than a short one of common words."""
    cover: float
    """How much of a name of `first` (its title or an alias, the best one) stands in the text, 0..1."""
    single: float
    """1 where `first` shares one word with the text and no more, else 0."""
    meaning: float = 0.0
    """How near `first` is to the text in meaning, -1..1; 0 without an encoder."""
    agreement: float = 0.0
    """1 where words alone and meaning alone put the same entry first, else 0."""
    score: float = 0.0
    """log(1 + best score by words of any entry / what a word tells that no entry has)."""
    crowd: float = 0.0
    """The mean nearness in meaning of all entries: a text without a topic is a little near to many."""

    @property
    def lone_lead(self) -> float:
        """`lead` where `single`, else 0: such a lead only says that the second entry lacks that one word."""
        return self.lead * self.single

    @property
    def agreed(self) -> float:
        """`words` where `agreement`, else 0: words of an entry that meaning does not point to name its object (a disk,
        a pump) and not its trouble.
        """
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
"""The most where the second entry is as good as the first: just too little to be said."""
_WORDS_BIAS, _MEANING_BIAS = -6.134, -5.058


def confidence(signs: Signs, *, with_meaning: bool = False) -> float:
    """Return the confidence, 0..1, that the first entry is right; below 0.5 where the second is as good.

    `with_meaning`: an encoder was asked, and its own coefficients count.
    """
    if with_meaning:
        sure = _logistic(_MEANING_BIAS, _BY_WORDS_AND_MEANING, signs)
    else:
        sure = _logistic(_WORDS_BIAS, _BY_WORDS, signs)
    return sure if signs.lead > 0 else min(sure, _UNDECIDED)


def _logistic(bias: float, weights: Mapping[str, float], signs: Signs) -> float:
    total = bias + sum(weight * getattr(signs, name) for name, weight in weights.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
