"""Windows that are odd are warned of, with the line they stand in."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.configuration.faults import ConfigFaults
from agent.configuration.load import load

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def warned(folder: Path, windows: str) -> list[str]:
    (folder / "rules.yaml").write_text(f"routes:\n{ROUTES}windows:\n  - {windows}\n", "utf-8")
    return [str(fault) for fault in load(folder, environ={}, now=MONDAY).warnings if fault.file == "rules.yaml"]


ROUTES = """\
  - {id: audit, match: [], group: desk, continue: true}
  - {id: critical, match: {severity: critical}, group: desk}
  - {id: rest, match: [], group: desk}
"""


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (
            "{id: a, match: {b: c}, time_zone: UTC, times: [{hours: '00:00-24:00', days_of_month: ['1:20']}]}",
            "rules.yaml:6:5: windows.0: a: what matches is held for 20 days on end from 2026-03-01 on: is that meant?",
        ),
        (
            "{id: a, match: {b: c}, time_zone: UTC, times: [{hours: '09:00-10:00'}], effective_until: 2026-03-01}",
            "rules.yaml:6:5: windows.0: it holds never more: write days to come, or take it out",
        ),
        (
            "{id: a, match: {b: c}, calendar: 24x7, outside: true}",
            "rules.yaml:6:5: windows.0: it holds never more: write days to come, or take it out",
        ),
    ],
)
def test_hours_that_are_hardly_meant_are_warned_of(windows: str, said: str, tmp_path: Path) -> None:
    assert warned(tmp_path, windows) == [said]


@pytest.mark.parametrize(
    "windows",
    [
        "{id: a, match: {b: c}, calendar: business, outside: true}",
        "{id: a, routes: [rest], time_zone: UTC, times: [{hours: '22:00-06:00'}]}",
        "{id: a, match: {b: c}, time_zone: UTC, times: [{hours: '22:00-06:00', months: [12]}]}",
    ],
)
def test_what_is_usual_is_not(windows: str, tmp_path: Path) -> None:
    assert warned(tmp_path, windows) == []


def test_a_route_that_goes_on_takes_nothing_that_could_be_held(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match="route 'audit' goes on and takes nothing"):
        warned(tmp_path, "{id: a, routes: [audit], time_zone: UTC, times: [{hours: '22:00-06:00'}]}")


def test_a_route_that_takes_everything_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "routes: [{id: all, match: [], group: desk}]\n"
        "windows: [{id: a, routes: [all], time_zone: UTC, times: [{hours: '22:00-06:00'}]}]\n"
    )
    with pytest.raises(ConfigFaults, match=r"rules.yaml:2:.*route 'all' takes everything"):
        load(tmp_path, environ={})


def test_a_daemon_starts_with_a_window_that_never_ends(tmp_path: Path) -> None:
    """Without a moment nothing is said of hours: it holds nothing, and pages."""
    window = "{id: a, match: {b: c}, time_zone: UTC, times: [{hours: '00:00-24:00'}]}"
    (tmp_path / "rules.yaml").write_text(f"windows: [{window}]\n", "utf-8")
    assert len(load(tmp_path, environ={}).windows) == 1
    with pytest.raises(ConfigFaults, match="holds without an end"):
        load(tmp_path, environ={}, now=MONDAY)
