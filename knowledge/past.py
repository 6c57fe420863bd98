"""Incidents that people solved: where no known error fits, the nearest of them are offered (procedure R63)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from knowledge.words import as_written, words

MOST = 5_000
"""Solved incidents that are remembered, the newest."""
LOOKED_AT = 200
"""Of one alert, and of one category, the newest that are held against an incident."""
OFFERED = 3
_NEAR, _AT_LEAST = 0.25, 2
"""The share of words, and how many, that two titles of one category must have in common; or they are the same."""
_WORDS_TOLD = 8
_SAID = 500
"""Characters of a resolution that are remembered."""


class Solved(msgspec.Struct, frozen=True):
    """An incident that a person solved, and how."""

    id: int
    number: str
    title: str
    alert: str
    """The alert that it came of, by origin and fingerprint; empty where a person reported it."""
    category: str
    resolved_at: datetime
    type: str
    """permanent, workaround, …"""
    resolution: str
    words: frozenset[str] = frozenset()

    @property
    def is_reported(self) -> bool:
        """Whether its title is in the words of a person."""
        return not self.alert


class Near(NamedTuple):
    """A solved incident, and what it has in common: code `same_alert`, or `same_words` with the `words`."""

    solved: Solved
    why: dict[str, Any]


class Past:
    """The solved incidents of late, by what they were about."""

    def __init__(self, solved: Iterable[Solved] = ()) -> None:
        self._all: dict[int, Solved] = {}
        self._about: dict[tuple[str, str], dict[int, None]] = {}
        for one in solved:
            self.keep(one)

    def __len__(self) -> int:
        return len(self._all)

    def keep(self, solved: Solved) -> None:
        """An incident was solved, later than all before it."""
        self.forget(solved.id)
        if len(self._all) >= MOST:
            self.forget(next(iter(self._all)))
        held = msgspec.structs.replace(solved, resolution=solved.resolution[:_SAID], words=_words(solved.title))
        self._all[solved.id] = held
        for about in _abouts(held.alert, held.category):
            self._about.setdefault(about, {})[held.id] = None

    def forget(self, incident: int) -> None:
        """It is not solved after all, or it is one of the oldest."""
        solved = self._all.pop(incident, None)
        for about in _abouts(solved.alert, solved.category) if solved is not None else ():
            found = self._about[about]
            del found[incident]
            if not found:
                del self._about[about]

    def nearest(self, incident: int, alert: str, category: str, title: str) -> list[Near]:
        """Return the nearest to an incident, at most OFFERED: those of its alert, the newest first, then by words."""
        same = [Near(one, {"code": "same_alert", "facts": {}}) for one in self._newest("alert", alert)]
        found = [near for near in same if near.solved.id != incident][:OFFERED]
        known = {incident, *(near.solved.id for near in found)}
        newest = list(self._newest("category", category)) if len(found) < OFFERED else []
        asked, alike = _words(title) if newest else frozenset(), []
        for one in newest if asked else ():
            shared = asked & one.words
            share = len(shared) / len(asked | one.words) if shared else 0.0
            is_near = share == 1 or (share >= _NEAR and len(shared) >= _AT_LEAST)
            if is_near and one.id not in known:
                alike.append((share, one, shared))
        alike.sort(key=lambda one: -one[0])  # of two alike the newer one stays first
        in_order = list(dict.fromkeys(words(title)))
        told = (
            (one, as_written(title, [word for word in in_order if word in shared])[:_WORDS_TOLD])
            for _, one, shared in alike[: OFFERED - len(found)]
        )
        return [*found, *(Near(one, {"code": "same_words", "facts": {"words": shared}}) for one, shared in told)]

    def _newest(self, kind: str, name: str) -> Iterator[Solved]:
        about = self._about.get((kind, name))
        return (self._all[held] for held in islice(reversed(about), LOOKED_AT)) if about else iter(())


def in_common(why: Mapping[str, Any], language: str = "en") -> str:
    """Return what two incidents have in common as a sentence, in English or (`zh…`) Chinese."""
    chinese = language.lower().startswith("zh")
    if why.get("code") == "same_alert":
        return "同一告警" if chinese else "The same alert"
    shared = ("、" if chinese else ", ").join(why.get("facts", {}).get("words", ()))
    return f"同类事件，共有的词：{shared}" if chinese else f"The same category, and these words: {shared}"


def alert_of(root: Any) -> str:
    """The alert that an incident came of, by origin and fingerprint; empty where there is none."""
    return f"{root.get('origin', '')}/{root['fingerprint']}" if root else ""


def _abouts(alert: str, category: str) -> list[tuple[str, str]]:
    return [about for about in (("alert", alert), ("category", category)) if about[1]]


def _words(title: str) -> frozenset[str]:
    return frozenset(words(title))
