"""What incidents have taught, in memory."""

import random
from datetime import UTC, datetime

import pytest

from correlation.lessons import CONFIRMED, TOGETHER, Lesson, Lessons

AT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(20))
def test_the_partners_of_a_kind_are_those_that_hold_whatever_was_said_and_let_go(seed: int) -> None:
    draw, lessons = random.Random(seed), Lessons()
    held: dict[tuple[str, str, str], Lesson] = {}
    for number in range(300):
        one, other = sorted(draw.sample("abcd", 2))
        place = draw.choice(["kin", "apart"])
        lesson = held.setdefault((one, other, place), Lesson(what=TOGETHER, one=one, other=other, place=place, at=AT))
        lesson.say(f"INC-{number}", draw.random() < 0.95, "", AT)
        lessons.hold(lesson)
        if draw.random() < 0.05:
            lessons.forget(held.pop((one, other, place)))
        for kind in "abcd":
            sure = [pair[:2] for pair, lesson in held.items() if lesson.times >= CONFIRMED and kind in pair[:2]]
            assert set(lessons.partners(kind)) == {name for pair in sure for name in pair if name != kind}


def test_of_what_was_said_of_late_it_is_counted_how_often_it_held() -> None:
    lesson = Lesson(what=TOGETHER, one="a", other="b", at=AT, said=[("INC-1", True), ("INC-2", False)])
    assert lesson.times == 1
    lesson.say("INC-2", True, "", AT)
    assert lesson.times == 2
    for number in range(3, 9):
        lesson.say(f"INC-{number}", False, "", AT)
    assert lesson.times == 0
