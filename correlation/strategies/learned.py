"""Kinds of alert that came together in confirmed incidents belong together again, within one place."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from correlation.incident import Why
from correlation.lessons import CONFIRMED, Lesson, kind_of
from correlation.rules import EvidencePolicy
from correlation.scene import Mark
from correlation.strategy import Evidence, Firing
from correlation.together import relation

_WEIGHT, _FADES = 0.7, 0.3
"""Of two incidents the nearer one in time is likelier: at the end of `quiet` three tenths are lost."""


class Join:
    """Evidence by what people confirmed, and rules and topology joined; it counts nothing in a storm."""

    id, kind = "learned", "learned"

    def __init__(self, policy: EvidencePolicy) -> None:
        self._quiet = max(policy.quiet, timedelta(seconds=1))

    def find(self, firing: Firing, board: Any, rules: Any) -> Iterator[Evidence]:
        kind = kind_of(firing.mark.name)
        partners = board.lessons.partners(kind)
        if not partners or board.storms:
            return
        known = board.lessons.together[kind]
        found: dict[int, tuple[float, Mark, Lesson]] = {}
        for other in partners:
            for key in board.seen.get((firing.scope, other), ()):
                mark = board.scene.marks.get(key)
                lesson = self._lesson(known, firing.mark, mark, rules)
                if lesson is None or mark is None:
                    continue
                weight = _WEIGHT * (1 - _FADES * (abs(firing.mark.starts_at - mark.starts_at) / self._quiet))
                if weight > found.get(mark.incident, (0.0,))[0]:
                    found[mark.incident] = (weight, mark, lesson)
        for number, (weight, mark, lesson) in found.items():
            incident = board.incidents.get(number)
            if incident is not None and incident.active:
                told = [n for n, held in lesson.said if held]
                facts = {"alertname": mark.name, "times": lesson.times, "incidents": told}
                yield Evidence("learned", round(weight, 4), number, partial(Why, "learned", facts), of=mark.key)

    def _lesson(self, known: Any, mark: Mark, other: Mark | None, rules: Any) -> Lesson | None:
        if other is None or other is mark or abs(mark.starts_at - other.starts_at) > self._quiet:
            return None
        found: Lesson | None = known.get((kind_of(other.name), relation(rules.register, mark.item, other.item)))
        return found if found is not None and found.times >= CONFIRMED else None
