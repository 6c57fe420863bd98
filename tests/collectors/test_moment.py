"""Moments as senders write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.moment import moment_text, parse_moment, same_to_the_millisecond

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T09:00:00Z", NINE),
        ("2026-03-02T17:00:00+08:00", NINE),
        ("2026-03-02T09:00:00", NINE),
        ("2026-03-02 09:00:00Z", NINE),
        ("2026-03-02T09:00:00.123456789Z", NINE.replace(microsecond=123456)),
        ("2026-03-02T08:59:60Z", NINE),
        ("2026-03-02T08:59:60.5Z", NINE + timedelta(seconds=0.5)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment
    assert parse_moment(text).tzinfo is UTC  # type: ignore[union-attr]  # it is one


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00-08:00",
        "0002-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:60Z",
        "2026-03-02T24:30:00Z",
        "2026-02-30T09:00:00Z",
        "yesterday",
        "1772442000",
        "Mon, 02 Mar 2026 09:00:00 GMT",
        "2026-03-02T09:00:00 Europe/Berlin",
        "\ud800",
        "2026-03-02T09:00:00Z" + " " * 1_000_000,
        "9" * 1_000_000,
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse_moment(text) is None


@given(st.text(max_size=40))
def test_no_text_is_an_error(text: str) -> None:
    moment = parse_moment(text)
    assert moment is None or moment.tzinfo is UTC


@given(st.datetimes(datetime(1970, 1, 2), datetime(8999, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001 - given a zone below
def test_a_moment_of_ours_is_read_again_to_the_millisecond(naive: datetime, hours: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    text = moment_text(moment)
    assert text is not None
    assert text.endswith("Z")
    again = parse_moment(text)
    assert again is not None
    assert same_to_the_millisecond(again, moment)
    assert again <= moment


def test_nothing_is_written_as_nothing() -> None:
    assert moment_text(None) is None
