"""Spans as Prometheus writes them, and frozen rules that take nothing unknown."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collectors.rule import Rule, Span, format_span, parse_span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("1h30m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("1w", timedelta(days=7)),
        ("1y", timedelta(days=365)),
        ("500ms", timedelta(milliseconds=500)),
        ("0", timedelta()),
        (0, timedelta()),
        ("0s", timedelta()),
        (timedelta(hours=1), timedelta(hours=1)),
    ],
)
def test_a_span_is_read(text: Any, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "15", 15, "m", "1.5h", "-5m", "5m1h", "5 m", "1h 30m", None, True, [], "٣m"])
def test_what_is_no_span_says_what_to_write(text: Any) -> None:
    with pytest.raises(ValueError, match="write 30s, 15m, 1h30m or 2d"):
        parse_span(text)


@given(st.integers(0, 10**10))
def test_a_span_is_written_as_it_is_read(milliseconds: int) -> None:
    span = timedelta(milliseconds=milliseconds)
    assert parse_span(format_span(span)) == span


class Sample(Rule):
    every: Span


def test_a_rule_takes_nothing_unknown_and_never_changes() -> None:
    sample = Sample.model_validate({"every": "15m"})
    assert sample.model_dump(mode="json") == {"every": "15m"}
    with pytest.raises(ValidationError):
        Sample.model_validate({"every": "15m", "odd": 1})
    with pytest.raises(ValidationError):
        sample.every = timedelta()
