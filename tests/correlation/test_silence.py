"""A silence holds from its start until its end, for what matches all of it."""

from datetime import timedelta

import pytest

from collectors.labels import Matcher
from correlation.silence import Silence, silenced_by
from tests.house import START

HOUR = timedelta(hours=1)


def silence(name: str, *matchers: str, hours: int = 1) -> Silence:
    return Silence(
        id=name,
        matchers=tuple(map(Matcher.parse, matchers)),
        starts_at=START,
        ends_at=START + hours * HOUR,
        created_by="pat",
        comment="",
        created_at=START,
    )


@pytest.mark.parametrize(
    ("after", "state"),
    [(-timedelta(microseconds=1), "pending"), (0 * HOUR, "active"), (HOUR - HOUR / 60, "active"), (HOUR, "expired")],
)
def test_it_holds_from_its_start_until_its_end(after: timedelta, state: str) -> None:
    made = silence("a", "a=b")
    assert made.state(START + after) == state
    assert made.active(START + after) == (state == "active")


def test_every_matcher_must_hold() -> None:
    made = silence("a", "a=b", "c!=d")
    assert silenced_by({"a": "b"}, [made], START) is made
    assert silenced_by({"a": "b", "c": "d"}, [made], START) is None
    assert silenced_by({"a": "b"}, [made], START - HOUR) is None


def test_of_two_the_one_that_holds_longer_counts() -> None:
    short, long = silence("a", "a=b"), silence("b", "a=b", hours=2)
    assert silenced_by({"a": "b"}, [short, long], START) is long
    assert silenced_by({"a": "b"}, [], START) is None
