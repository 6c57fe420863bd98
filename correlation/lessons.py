"""What incidents have taught, by kinds of alert and not by names: roots, what comes together, and what does not."""

import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter

import msgspec

from collectors.remembering import remembers

ROOT = "root"
"""`one` was taken for the root, and a person named `other`."""
APART = "apart"
"""`one` and `other` were split from each other in `place`."""
TOGETHER = "together"
"""`one` and `other` came together in confirmed incidents; `place` is whether what is written keeps them apart."""
MOST = 10_000
"""Lessons that are kept at most: the one that was confirmed longest ago makes way."""
CONFIRMED = 5
"""In so many incidents a pair has to be confirmed to be evidence: with fewer, faults that read alike became one."""
_MOST_PARTNERS = 64
_AGREE, _LOOKED_AT = 3, 5
_PATTERN = 16
_held = itemgetter(1)
_MASKED = re.compile(r"[\d_\-. ]+")

LessonKey = tuple[str, str, str, str]


def kind_of(alertname: str) -> str:
    """The kind of an alert: its name without case, numbers and joints."""
    return _masked(alertname)


@remembers("kinds", 10_000)
def _masked(alertname: str) -> str:
    return _MASKED.sub("", alertname).lower() or alertname


class Lesson(msgspec.Struct, kw_only=True, gc=False):
    """One thing that was taught, of two kinds of alert in one `place` ("": anywhere)."""

    what: str
    one: str
    other: str
    place: str = ""
    said: list[tuple[str, bool]] = []
    """The incidents of late in which it was said, oldest first, and whether it held."""
    by: str = ""
    """Who said so last."""
    at: datetime
    times: int = 0
    """In how many of the incidents of late it held: counted when it is told, for every new alert may go by it."""

    @property
    def key(self) -> LessonKey:
        return (self.what, self.one, self.other, self.place)

    def __post_init__(self) -> None:
        self._count()

    def say(self, incident: str, held: bool, by: str, at: datetime) -> None:
        """An incident says whether it holds; of one incident the last word counts."""
        others = [told for told in self.said if told[0] != incident]
        self.said = [*others, (incident, held)][-_LOOKED_AT:]
        self._count()
        self.at = at
        if held:
            self.by = by

    def _count(self) -> None:
        self.times = sum(map(_held, self.said))


class Lessons:
    """What was taught, in memory; the store is the truth."""

    def __init__(self) -> None:
        self._held: OrderedDict[LessonKey, Lesson] = OrderedDict()
        self.apart: dict[tuple[str, str], dict[str, Lesson]] = {}
        """By place and kind: what it was split from there."""
        self.together: dict[str, dict[tuple[str, str], Lesson]] = {}
        """By kind: what it came together with, by that kind and place."""
        self._partners: dict[str, Sequence[str]] = {}
        self._roots: dict[str, dict[str, Lesson]] = {}
        self.of_roots: set[str] = set()
        """The kinds of which anything was taught as to roots."""

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, lesson: Lesson) -> list[Lesson]:
        """Keep a lesson as it is now; returns those that make way for it."""
        key = lesson.key
        self._said_anew(lesson)
        known = self._held.get(key) is lesson
        self._held[key] = lesson
        self._held.move_to_end(key)
        if known:
            return []
        if lesson.what == ROOT:
            self._roots.setdefault(lesson.one, {})[lesson.other] = lesson
            self.of_roots.update((*lesson.one.split("+"), lesson.other))
        if lesson.what == APART:
            for one, other in ((lesson.one, lesson.other), (lesson.other, lesson.one)):
                self.apart.setdefault((lesson.place, one), {})[other] = lesson
        if lesson.what == TOGETHER:
            self.together.setdefault(lesson.one, {})[lesson.other, lesson.place] = lesson
            self.together.setdefault(lesson.other, {})[lesson.one, lesson.place] = lesson
        return [self.forget(next(iter(self._held.values()))) for _ in range(len(self._held) - MOST)]

    def forget(self, lesson: Lesson) -> Lesson:
        """Let go of a lesson."""
        self._said_anew(lesson)
        del self._held[lesson.key]
        if lesson.what == ROOT:
            self._roots[lesson.one].pop(lesson.other)
            if not self._roots[lesson.one]:
                del self._roots[lesson.one]
        if lesson.what == APART:
            for one, other in {(lesson.one, lesson.other), (lesson.other, lesson.one)}:
                self.apart[(lesson.place, one)].pop(other)
                if not self.apart[(lesson.place, one)]:
                    del self.apart[(lesson.place, one)]
        if lesson.what == TOGETHER:
            for one, other in ((lesson.one, lesson.other), (lesson.other, lesson.one)):
                self.together[one].pop((other, lesson.place))
                if not self.together[one]:
                    del self.together[one]
        return lesson

    def _said_anew(self, lesson: Lesson) -> None:
        self._partners.pop(lesson.one, None)
        self._partners.pop(lesson.other, None)

    def partners(self, kind: str) -> Sequence[str]:
        """The kinds that have come with one often enough to be evidence, in one place or another, each once."""
        found = self._partners.get(kind)
        if found is None:
            looked_at = islice(self.together.get(kind, {}).items(), _MOST_PARTNERS)
            names = dict.fromkeys(other for (other, _), lesson in looked_at if lesson.times >= CONFIRMED)
            found = self._partners[kind] = tuple(names)
        return found

    def counts(self) -> Counter[str]:
        """How many lessons of each sort are held."""
        return Counter(what for what, *_ in self._held)

    def split(self, one: str, other: str, place: str, incident: str, by: str, at: datetime) -> Lesson:
        """A person splits two kinds of alert from each other in a place; returns what was learned."""
        one, other = sorted((one, other))
        lesson = self._held.get((APART, one, other, place))
        lesson = lesson or Lesson(what=APART, one=one, other=other, place=place, at=at)
        lesson.say(incident, True, by, at)
        return lesson

    # roots

    def root_corrected(
        self, taken: str, named: str, kinds: Iterable[str], incident: str, by: str, at: datetime
    ) -> list[Lesson]:
        """A person names a root of kind `named` where one of kind `taken` was the likely one; returns what changes.

        It is taught of that pair, and of all the `kinds` of the incident together. What was taught before of others
        of them did not hold in this one.
        """
        kinds = set(kinds)
        changed = []
        for one in (taken, pattern_of(kinds)):
            known = self._roots.get(one, {})
            if one != named:
                lesson = known.get(named) or Lesson(what=ROOT, one=one, other=named, at=at)
                lesson.say(incident, True, by, at)
                changed.append(lesson)
            for kind in sorted(kinds & known.keys() - {named}):
                known[kind].say(incident, False, by, at)
                changed.append(known[kind])
        return changed

    def meant_instead(self, taken: str, kinds: Iterable[str]) -> Lesson | None:
        """What people meant by the root, where of these kinds `taken` is the likely one; None: nothing, or just that.

        It was named in three of the last five such incidents; the surest of several.
        """
        kinds = set(kinds)
        found = [
            lesson
            for one in (taken, pattern_of(kinds))
            for lesson in self._roots.get(one, {}).values()
            if lesson.times >= _AGREE and lesson.other in kinds
        ]
        best = min(found, key=lambda lesson: (-lesson.times, lesson.other), default=None)
        return best if best is not None and best.other != taken else None


def pattern_of(kinds: Iterable[str]) -> str:
    """The kinds of an incident as one name."""
    return "+".join(sorted(kinds)[:_PATTERN])
