"""What a person has split from each other is not joined again by itself, for a while."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice, product

from collectors.moment import moment_text
from correlation.incident import Why, origin_of
from correlation.lessons import Lesson, LessonKey, kind_of
from correlation.outcome import Round
from correlation.scene import Mark

_LOOKED_AT = 300
"""Alerts of an incident that are compared, the first that came."""
_MOST_LEARNED = 400
"""Pairs of alerts that one split is learned from."""


def kept_apart(this: Round, mark: Mark, incident: int) -> Why | None:
    """Why an alert does not belong into an incident, whatever else speaks for it: a person has split such alerts."""
    lessons = this.board.lessons
    if not lessons.apart or mark.incident == incident:
        return None
    place = place_of(this, mark)
    split_from: dict[str, Lesson] = {}
    for name in names_of(mark):
        split_from |= lessons.apart.get((place, name), {})
    if not split_from:
        return None
    for other in islice(this.board.scene.of.get(incident, {}).values(), _LOOKED_AT):
        lesson = next((split_from[name] for name in names_of(other) if name in split_from), None)
        if lesson is not None and this.now < _until(this, lesson) and place_of(this, other) == place:
            return _why(this, lesson, incident)
    return None


def learned_apart(
    this: Round, split_off: Sequence[Mark], left: Sequence[Mark], incident: str, by: str
) -> Iterator[Lesson]:
    """What a split teaches: its kinds of alert do not belong together in this place.

    Where the person left such kinds together, and of two alerts of one kind, only those on these very items do not.
    """
    off, rest = ({kind_of(mark.name) for mark in side} for side in (split_off, left))
    pairs: dict[tuple[str, str], str] = {}
    for one, other in islice(product(_each(split_off), _each(left)), _MOST_LEARNED):
        place = place_of(this, one)
        if place != place_of(this, other):
            continue
        (kind, *of_one), (second, *of_other) = names_of(one), names_of(other)
        if kind != second and second not in off and kind not in rest:
            pairs[kind, second] = place
        elif of_one and of_other and of_one != of_other:
            pairs[of_one[0], of_other[0]] = place
        elif kind == second and not of_one and not of_other:
            pairs[kind, second] = place
    for (name, other_name), place in pairs.items():
        yield this.board.lessons.split(name, other_name, place, incident, by, this.now)


def _each(marks: Sequence[Mark]) -> list[Mark]:
    """One alert of each kind on each item."""
    return list({names_of(mark): mark for mark in reversed(marks)}.values())


def reunited(this: Round, marks: Iterable[Mark], others: Iterable[Mark]) -> list[Lesson]:
    """What was taught by a split and a merge by hand takes back."""
    apart, found = this.board.lessons.apart, dict[LessonKey, Lesson]()
    theirs = {name for mark in others for name in names_of(mark)} if apart else set()
    for mark in marks if apart else ():
        place = place_of(this, mark)
        for name in names_of(mark):
            found |= {lesson.key: lesson for other, lesson in apart.get((place, name), {}).items() if other in theirs}
    return list(found.values())


def names_of(mark: Mark) -> tuple[str, ...]:
    """The kind of an alert, and that kind on its item."""
    kind = kind_of(mark.name)
    return (kind, f"{kind}@{mark.item}") if mark.item else (kind,)


def place_of(this: Round, mark: Mark) -> str:
    """Where an alert comes from: what its scope label says, else its origin."""
    episode = this.board.episodes.get(mark.key)
    labels = this.board.labels(episode) if episode is not None else {}
    return this.rules.register.scope(labels, origin_of(mark.key))


def _until(this: Round, lesson: Lesson) -> datetime:
    return lesson.at + this.rules.correlation.evidence.apart_for


def _why(this: Round, lesson: Lesson, incident: int) -> Why:
    held = this.board.incidents.get(incident)
    facts = {
        "incident": held.number if held is not None else "",
        "by": lesson.by,
        "split": lesson.said[-1][0],
        "place": lesson.place,
        "until": moment_text(_until(this, lesson)),
    }
    return Why("kept_apart", facts)
