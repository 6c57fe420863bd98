"""What engineers say of known errors: how often each helped, the words that confirm it, and when it is demoted."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from pydantic import Field

from collectors.rule import Rule
from knowledge.words import words

MOST_ALIASES = 20
"""Confirmed texts that an entry keeps at most, the newest."""
_TURNED_DOWN_AT = 2  # incidents of the same words at which an entry was not applicable
_MOST_TURNED_DOWN = 10_000
_ALIAS_READS = 300  # characters: what comes later in a long report is no name of the fault


class Outcome(StrEnum):
    """What an engineer says of a known error at an incident."""

    USED = "used"
    HELPED_PARTLY = "helped_partly"
    DID_NOT_WORK = "did_not_work"
    NOT_APPLICABLE = "not_applicable"


UNKNOWN = 0
"""The incident of a word that was counted before it was written down whose it is."""
_WEIGHED = frozenset({Outcome.USED, Outcome.DID_NOT_WORK})
_MOST_SAID = 1_000
HELPED = frozenset({Outcome.USED, Outcome.HELPED_PARTLY})


class FeedbackPolicy(Rule):
    """problems.yaml: when a known error that fails is no more put forward."""

    demote_after_failures: int = Field(default=3, ge=0)
    """So many `did_not_work` without a `used` after them; 0 demotes none."""


class Tally(msgspec.Struct, kw_only=True):
    """What was said of one known error: incidents by outcome, each counted once, by its last word."""

    known_error: str
    used: int = 0
    helped_partly: int = 0
    did_not_work: int = 0
    not_applicable: int = 0
    failures: int = 0
    """`did_not_work` since the last `used`."""
    aliases: list[str] = []
    """The texts of incidents at which it helped, oldest first."""
    said: list[tuple[int, Outcome]] = []
    """The incidents whose last word is `used` or `did_not_work`, in the order of those words."""

    @property
    def precision(self) -> float | None:
        """The part of the incidents at which it helped, 0..1; None while nothing was said."""
        said = self.used + self.helped_partly + self.did_not_work + self.not_applicable
        return round((self.used + self.helped_partly) / said, 4) if said else None

    def demoted(self, policy: FeedbackPolicy) -> bool:
        """Whether it has failed too often to be put forward."""
        return 0 < policy.demote_after_failures <= self.failures

    def say(self, incident: int, outcome: Outcome, before: Outcome | None, text: str) -> None:
        """Count an incident's word, in place of what it said `before`.

        `text` is what the incident says of itself, an alias where the entry helped; empty where that is none.
        """
        if before is not None:
            self._count(before, -1)
        self._count(outcome, 1)
        if before in _WEIGHED:
            self._take_back(incident, before)
        if outcome in _WEIGHED:
            self.said = [*self.said, (incident, outcome)][-_MOST_SAID:]
        self.failures = failures_in(self.said)
        self._learn(text.strip()[:_ALIAS_READS], outcome in HELPED)

    def _count(self, outcome: Outcome, by: int) -> None:
        setattr(self, outcome.value, getattr(self, outcome.value) + by)

    def _take_back(self, incident: int, before: Outcome) -> None:
        """The word of an incident does not stand any more; one that nobody wrote down goes for the oldest like it."""
        for word in ((incident, before), (UNKNOWN, before)):
            if word in self.said:
                place = self.said.index(word)
                self.said = self.said[:place] + self.said[place + 1 :]
                return

    def _learn(self, text: str, helped: bool) -> None:
        others = [alias for alias in self.aliases if alias != text]
        self.aliases = [*others, text][-MOST_ALIASES:] if helped and text else others


def failures_in(said: Sequence[tuple[int, Outcome]]) -> int:
    """How many `did_not_work` stand behind the last `used`."""
    words = [outcome for _, outcome in reversed(said)]
    return words.index(Outcome.USED) if Outcome.USED in words else len(words)


class Feedback:
    """The tallies in memory, by the id of the entry; the store is the truth."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.aliases: dict[str, tuple[str, ...]] = {}
        """The confirmed texts by entry: replaced, never changed, for a ranking reads them off the loop."""
        self._turned_down: dict[tuple[str, int], int] = {}

    def of(self, known_error: str) -> Tally:
        """What was said of an entry; a fresh tally where that is nothing."""
        return self.tallies.get(known_error) or Tally(known_error=known_error)

    def total(self) -> Tally:
        """What was said of all entries together, of each incident and entry once."""
        counts = {one.value: sum(getattr(tally, one.value) for tally in self.tallies.values()) for one in Outcome}
        return Tally(known_error="", **counts)

    def keep(self, tally: Tally) -> None:
        """Hold a tally as it is now."""
        self.tallies[tally.known_error] = tally
        if tuple(tally.aliases) != self.aliases.get(tally.known_error, ()):
            self.aliases = {**self.aliases, tally.known_error: tuple(tally.aliases)}

    def judge(self, known_error: str, text: str, outcome: str, before: str | None = None) -> None:
        """Keep that an incident of this text said so of an entry, in place of what it said `before`."""
        key = (known_error, _same_words(text))
        count = self._turned_down.pop(key, 0) - (before == Outcome.NOT_APPLICABLE)
        count = 0 if outcome in HELPED else count + (outcome == Outcome.NOT_APPLICABLE)
        if count > 0:
            self._turned_down[key] = count
        while len(self._turned_down) > _MOST_TURNED_DOWN:
            del self._turned_down[next(iter(self._turned_down))]

    def turned_down(self, known_error: str, text: str) -> bool:
        """Whether an entry was not applicable to two incidents of the same words, and helped none since."""
        return self._turned_down.get((known_error, _same_words(text)), 0) >= _TURNED_DOWN_AT

    def demoted(self, known_error: str, policy: FeedbackPolicy) -> bool:
        """Whether an entry has failed too often to be put forward."""
        return self.of(known_error).demoted(policy)


def _same_words(text: str) -> int:
    return hash(frozenset(words(text)))


def facts_of(tally: Tally, policy: FeedbackPolicy) -> dict[str, Any]:
    """What is shown of a tally: its counts, `precision` and `demoted`."""
    return {
        **{outcome.value: getattr(tally, outcome.value) for outcome in Outcome},
        "precision": tally.precision,
        "demoted": tally.demoted(policy),
    }
