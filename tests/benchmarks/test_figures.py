"""What is sent, what the stages are, and where figures are put."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import tick
from benchmarks.alerts import identity, rounds
from benchmarks.messages import bodies
from benchmarks.stages import measure, measure_decisions
from benchmarks.tables import put, ratio, table
from collectors.webhooks import alertmanager

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_every_number_is_another_alert() -> None:
    seen = {tuple(identity(n, 1).labels.items()) for n in range(5000)}
    assert len(seen) == 5000


def test_a_number_is_always_the_same_alert() -> None:
    assert identity(7, 3) == identity(7, 3)
    assert identity(7, 3) != identity(7, 4)


def test_fewer_names_are_still_other_alerts() -> None:
    seen = [identity(n, 1, 10).labels for n in range(1000)]
    assert len({tuple(labels.items()) for labels in seen}) == 1000
    assert len({labels["alertname"] for labels in seen}) == 10


def test_each_identity_is_sent_once_a_round() -> None:
    sent = list(rounds(25, 10, 1))
    assert [sorted(sent[:10]), sorted(sent[10:20]), len(sent)] == [list(range(10)), list(range(10)), 25]


@pytest.mark.parametrize("resolved", [False, True], ids=["firing", "resolved"])
def test_our_own_parser_takes_every_alert_that_is_sent(resolved: bool) -> None:
    messages = list(bodies("tocsin", range(100), 64, seed=1, events=200, resolved=resolved))
    assert [count for count, _ in messages] == [64, 36]
    parsed = [alertmanager.parse(body, "bench", NOW) for _, body in messages]
    assert [len(p.alerts) for p in parsed] == [64, 36]
    assert {alert.firing for p in parsed for alert in p.alerts} == {not resolved}
    assert all(not p.rejected for p in parsed)


@pytest.mark.parametrize("rule_alone", [False, True])
def test_the_stages_of_an_alert_are_shown(tmp_path: Path, rule_alone: bool) -> None:
    shown = asyncio.run(measure(tmp_path, 64, rule_alone=rule_alone))
    assert "| new | 64 | 32 |" in shown
    assert "| duplicates | 1 | 1 |" in shown


def test_what_joins_and_what_opens_is_measured_apart(tmp_path: Path) -> None:
    shown = asyncio.run(measure_decisions(tmp_path, held=64, total=40))
    counted = [int(row.split("|")[2]) for row in shown.splitlines()[2:]]
    assert len(counted) == 2
    assert sum(counted) == 40


def test_a_tick_looks_at_what_is_due_however_many_are_open() -> None:
    found = tick.run(tick.Plan(sizes=(10, 60), due=5, rounds=2))
    assert [ticks.looked_at for ticks in found] == [[5, 5], [5, 5]]
    assert "6 times as many open" in tick.show(found)


def test_figures_go_between_the_markers_and_nothing_else_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nbelow\n")
    put(page, table(("a", "b"), [(1, ratio(1, 2))]))
    put(page, table(("a", "b"), [(1, ratio(1, 2))]))
    expected = "| a | b |\n| --- | --- |\n| 1 | 0.50x |"
    assert page.read_text() == (f"above\n<!-- figures: begin -->\n\n{expected}\n\n<!-- figures: end -->\nbelow\n")


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("mine")
    with pytest.raises(ValueError, match="must hold the lines"):
        put(page, "figures")
    assert page.read_text() == "mine"
