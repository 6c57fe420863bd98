"""What people taught is held in memory and written with what was decided."""

from collections.abc import Iterable

from agent.turn import Turn
from correlation.lessons import Lesson
from correlation.store import FORGET_LESSON, UPSERT_LESSON, lesson_values


def keep_lessons(turn: Turn, lessons: Iterable[Lesson]) -> None:
    """Hold lessons as they are now, and write them; those that make way are forgotten in the store too."""
    for lesson in lessons:
        turn.group.add(UPSERT_LESSON, *lesson_values(lesson))
        write_forgotten(turn, turn.board.lessons.hold(lesson))


def write_forgotten(turn: Turn, lessons: Iterable[Lesson]) -> None:
    """Let the store forget what made way."""
    for gone in lessons:
        turn.group.add(FORGET_LESSON, *gone.key)


def forget_lessons(turn: Turn, lessons: Iterable[Lesson]) -> None:
    """Let go of lessons that a person took back."""
    for lesson in lessons:
        turn.board.lessons.forget(lesson)
        turn.group.add(FORGET_LESSON, *lesson.key)
