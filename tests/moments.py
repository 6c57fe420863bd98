"""Spans and instants that tests of calendars, rotations and timetables write, and the days on which clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PROPERTY = settings(deadline=None, derandomize=True, database=None)
"""The same examples each time, however slow the machine is."""

CHANGES = [
    pytest.param("America/New_York", "2027-03-14", id="New York springs forward"),
    pytest.param("America/New_York", "2027-11-07", id="New York falls back"),
    pytest.param("Europe/Berlin", "2027-03-28", id="Berlin springs forward"),
    pytest.param("Europe/Berlin", "2027-10-31", id="Berlin falls back"),
    pytest.param("Australia/Lord_Howe", "2027-04-03", id="Lord Howe falls back by half an hour"),
    pytest.param("Australia/Lord_Howe", "2027-10-02", id="Lord Howe springs forward by half an hour"),
    pytest.param("Africa/Casablanca", "2027-02-07", id="Casablanca leaves summer for Ramadan"),
    pytest.param("Africa/Casablanca", "2027-03-14", id="Casablanca comes back from Ramadan"),
    pytest.param("Africa/Cairo", "2027-04-29", id="Cairo skips its midnight"),
    pytest.param("Africa/Cairo", "2027-10-28", id="Cairo shows 23:00 to 24:00 twice"),
    pytest.param("America/Sao_Paulo", "2018-11-04", id="Sao Paulo begins a day at 01:00"),
    pytest.param("America/Sao_Paulo", "2018-02-17", id="Sao Paulo ends a day twice"),
    pytest.param("Asia/Shanghai", "2027-03-14", id="Shanghai has no summer time"),
    pytest.param("Asia/Kathmandu", "2027-03-14", id="Kathmandu is at a quarter"),
]
"""A zone, and a day on which its wall clock does something odd."""


def utc(text: str) -> datetime:
    """The moment that a text without a zone is in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
