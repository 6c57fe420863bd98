"""What tests ask of the answer of an inspection."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.source import Finding, Reading

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def values(told: Iterable[Reading | Finding]) -> dict[str, float]:
    """Each reading by its key."""
    return {one.key: one.value for one in told if isinstance(one, Reading)}


def findings(told: Iterable[Reading | Finding]) -> dict[str, tuple[Any, int | None]]:
    """Each finding that is not well: its level and the severity it asks for."""
    return {one.alertname: (one.level, one.severity) for one in told if isinstance(one, Finding) and one.level}


def well(told: Iterable[Reading | Finding]) -> set[str]:
    """The findings that are told to be well."""
    return {one.alertname for one in told if isinstance(one, Finding) and one.level is None}
