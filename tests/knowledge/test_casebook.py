"""Problems and changes in memory."""

from datetime import UTC, datetime, timedelta

import pytest

from knowledge.casebook import Casebook, NoSuchCase
from knowledge.problem import MOST_LISTED, Origin, Problem, ProblemAction, ProblemState, Seen, act

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def a_problem(about: str) -> Problem:
    return Problem(
        id=1,
        number="PRB-0001",
        title="x",
        state=ProblemState.PROPOSED,
        origin=Origin.TREND,
        about=about,
        opened_by="agent",
        opened_at=NOW,
        updated_at=NOW,
    )


def test_a_problem_that_is_over_stands_in_the_way_of_no_other() -> None:
    book, problem = Casebook(), a_problem("category:storage")
    book.problems[problem.number] = problem
    assert book.open_about("category:storage") is problem
    act(problem, ProblemAction.DECLINE, {"reason": "known"}, NOW)
    book.settle(problem)
    assert book.open_about("category:storage") is None
    assert book.settled == {"category:storage": NOW}


def test_incidents_and_ends_from_before_the_span_are_forgotten() -> None:
    book = Casebook()
    book.settled["alert:a"] = NOW - timedelta(days=8)
    for days in (9, 8, 1):
        book.count(Seen(days, f"INC-{days}", NOW - timedelta(days=days), "a", "b"), NOW - timedelta(days=7))
    assert [s.number for s in book.alike("alert:a")] == ["INC-1"]
    assert [s.number for s in book.alike("category:b")] == ["INC-1"]
    assert book.settled == {}


def test_of_many_alike_the_newest_are_counted_and_what_is_forgotten_takes_none_of_them_along() -> None:
    book = Casebook()
    for n in range(MOST_LISTED + 5):
        book.remember(Seen(n, f"INC-{n}", NOW + timedelta(hours=n), f"am/{n}", "storage"))
    assert [s.id for s in book.alike("category:storage")] == list(range(5, MOST_LISTED + 5))
    book.count(Seen(999, "INC-999", NOW + timedelta(days=9), "am/999", "storage"), NOW + timedelta(hours=8))
    assert [s.id for s in book.alike("category:storage")] == [*range(8, MOST_LISTED + 5), 999]
    assert list(book.alike("alert:am/7")) == []
    assert [s.id for s in book.alike("alert:am/8")] == [8]


def test_a_number_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(NoSuchCase, match="no problem PRB-0009"):
        Casebook().problem("PRB-0009")
    with pytest.raises(NoSuchCase, match="no change CHG-0009"):
        Casebook().change("CHG-0009")
