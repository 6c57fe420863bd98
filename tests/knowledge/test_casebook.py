"""Problems and changes in memory."""

from datetime import UTC, datetime, timedelta

import pytest

from knowledge.casebook import Casebook, NoSuchCase
from knowledge.problem import Origin, Problem, ProblemAction, ProblemState, Seen, act

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
    assert [s.number for s in book.seen] == ["INC-1"]
    assert book.settled == {}


def test_a_number_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(NoSuchCase, match="no problem PRB-0009"):
        Casebook().problem("PRB-0009")
    with pytest.raises(NoSuchCase, match="no change CHG-0009"):
        Casebook().change("CHG-0009")
