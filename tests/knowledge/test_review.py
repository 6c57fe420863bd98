"""An entry whose day of review has passed is named; a draft, a retired one and one without a day are not."""

from datetime import UTC, date, datetime

from knowledge.library import Library
from knowledge.review import overdue
from tests.knowledge.shelf import entry

NOW = datetime(2027, 5, 2, 0, 0, tzinfo=UTC)


def test_whoever_is_overdue_is_named_the_longest_first() -> None:
    late = [entry("b", review_at=date(2027, 5, 1)), entry("a", review_at=date(2026, 1, 1))]
    assert [one.id for one in overdue(late, NOW)] == ["a", "b"]


def test_the_day_itself_is_not_overdue() -> None:
    assert overdue([entry("a", review_at=date(2027, 5, 2))], NOW) == []


def test_what_is_not_in_force_or_has_no_day_is_not_overdue() -> None:
    day = date(2020, 1, 1)
    assert overdue([entry("a", review_at=day, status="draft"), entry("b")], NOW) == []


def test_a_library_knows_what_is_to_be_read_again_also_after_an_entry_was_written() -> None:
    day = date(2026, 1, 1)
    shelf = Library([entry("a", review_at=day), entry("b", review_at=day), entry("c")])
    changed = shelf.with_entries([entry("a", status="retired", review_at=day), entry("c", review_at=day)])
    assert [one.id for one in shelf.to_review] == ["a", "b"]
    assert [one.id for one in changed.with_aliases({"c": ("x",)}).to_review] == ["b", "c"]
