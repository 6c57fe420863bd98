"""When a page that failed is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collectors.rule import parse_span
from escalation.delivery import RetryPolicy, Undeliverable, asked_to_wait, backoff

POLICY = RetryPolicy()
KEY = "4be0643f1d98573b97caca98a65347dd"


def ceiling(attempt: int) -> timedelta:
    return min(timedelta(seconds=60), timedelta(seconds=2 ** (attempt - 1)))


@pytest.mark.parametrize("attempt", range(1, 12))
def test_the_wait_doubles_up_to_a_minute_and_is_never_nothing(attempt: int) -> None:
    waits = [backoff(attempt, f"{KEY}{n}", POLICY) for n in range(200)]
    assert min(waits) >= timedelta(seconds=0.5)
    assert max(waits) <= ceiling(attempt)
    assert max(waits) > ceiling(attempt) * 0.9, "the whole span is used"


def test_pages_that_failed_together_do_not_come_back_together() -> None:
    waits = sorted(backoff(7, f"{KEY}{n}", POLICY) for n in range(1000))
    by_second = [sum(second <= wait.total_seconds() < second + 1 for wait in waits) for second in range(60)]
    assert max(by_second) < 50


def test_the_wait_is_the_same_in_a_replay() -> None:
    """Fixed: a replay of last month's journal must decide what was decided then."""
    assert [round(backoff(attempt, KEY, POLICY).total_seconds(), 3) for attempt in (1, 2, 3, 8)] == WAITS


WAITS = [0.718, 0.781, 3.475, 56.154]


@given(
    attempt=st.integers(-1, 10_000),
    key=st.text(st.characters(codec="utf-8")),
    first=st.integers(1, 10**9),
    most=st.integers(1, 10**9),
)
def test_no_policy_makes_a_wait_of_nothing_or_beyond_its_most(attempt: int, key: str, first: int, most: int) -> None:
    policy = RetryPolicy(first=timedelta(milliseconds=first), most=timedelta(milliseconds=most))
    wait = backoff(attempt, key, policy)
    assert timedelta() < wait <= policy.most


@pytest.mark.parametrize("name", list(RetryPolicy.model_fields))
def test_every_span_may_be_a_second_and_none_may_be_nothing(name: str) -> None:
    assert getattr(RetryPolicy.model_validate({name: "1s"}), name) == timedelta(seconds=1)
    with pytest.raises(ValidationError):
        RetryPolicy.model_validate({name: "0s"})


def test_the_defaults_are_those_of_the_manual() -> None:
    spans = {"first": "1s", "most": "60s", "give_up_after": "24h", "next_channel_after": "30s", "lease": "30s"}
    assert POLICY.model_dump() == {name: parse_span(span) for name, span in spans.items()}


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        pytest.param(7, 7, id="as asked"),
        pytest.param(300, 300, id="five minutes"),
        pytest.param(86_400, 300, id="a day"),
        pytest.param(float("inf"), 300, id="for ever"),
        pytest.param(0, 0, id="at once"),
        pytest.param(-5, 0, id="in the past"),
    ],
)
def test_a_receiver_may_ask_for_five_minutes_at_most(asked: float, kept: float) -> None:
    assert asked_to_wait(asked) == timedelta(seconds=kept)


@pytest.mark.parametrize(("asked", "kept"), [(timedelta(days=3), 300), (timedelta(seconds=-1), 0)])
def test_no_channel_can_keep_a_page_away_longer(asked: timedelta, kept: float) -> None:
    assert Undeliverable("later", retry_after=asked).retry_after == timedelta(seconds=kept)


def test_a_failure_says_nothing_that_was_not_said() -> None:
    error = Undeliverable("no answer")
    assert (str(error), error.permanent, error.unknown, error.retry_after) == ("no answer", False, False, None)
