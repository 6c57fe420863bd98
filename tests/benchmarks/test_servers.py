"""Each benchmark of the daemon runs at a tiny size and shows its table; what it measures is not judged here."""

from pathlib import Path

import pytest

from benchmarks import growth, idle, intake, machine, storm
from benchmarks.load import Load, send
from benchmarks.parts import SITE, Tocsin, running

pytestmark = pytest.mark.real("prometheus-alertmanager")


def test_intake_is_shown_side_by_side_and_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    sizes = {1: 10, 64: 128}
    plan = intake.Plan(rounds=1, connections=4, new=sizes, duplicates=sizes, known=64, apart=64)
    figures = intake.run(tmp_path, plan)
    assert (figures.stored, figures.taken) == (202, 202)
    shown = intake.show(figures)
    for cell in ("| new | 1 |", "| new | 64 |", "| duplicates | 64 |", "| new, none joined | 64 |"):
        assert cell in shown
    assert "0 alert(s) refused, 0 unsent" in shown


def test_what_an_alert_costs_is_shown_by_what_is_open_until_the_time_is_over(tmp_path: Path) -> None:
    sizes = (64, 100_000)
    plan = growth.Plan(sizes=sizes, apart=(), new=16, duplicates=64, times=1, starts=1, rest_s=0.5, most_s=0.0)
    shown = growth.show(growth.run(tmp_path, plan))
    assert "| Tocsin | 64 |" in shown
    assert "| Alertmanager | 64 |" in shown
    assert "s until ready" in shown
    assert "100,000" not in shown


def test_an_idle_daemon_is_shown_by_the_hour(tmp_path: Path) -> None:
    figures = idle.run(tmp_path, idle.Plan(seconds=0.5, disks=1, pages=1, rest_s=0.5))
    assert figures.an_hour == pytest.approx(figures.cpu_s * 7200)
    assert "1 disks every minute, 1 HTTP checks every 30 s" in idle.show(figures)


def test_the_machine_has_no_name(tmp_path: Path) -> None:
    shown = machine.facts(tmp_path, 0.05)
    assert "fdatasync" in shown
    assert str(tmp_path) not in shown


def test_what_a_server_refuses_is_counted_as_refused(tmp_path: Path) -> None:
    written = SITE["tocsin.yaml"] + "sources: {other: {type: alertmanager, token: t}}\n"
    server = Tocsin(tmp_path, {**SITE, "tocsin.yaml": written})
    with running(server):
        result = send(server, Load(total=4, distinct=4, batch=2, connections=1))
    assert (result.alerts, result.refused) == (0, 4)
    assert result.first_refusal.startswith("HTTP/1.1 404")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = Tocsin(tmp_path, {"tocsin.yaml": "sauces: {}\n"})
    with pytest.raises(RuntimeError, match="sauces"):
        server.start()


def test_a_storm_ends_as_a_handful_of_incidents_and_the_other_alert_is_paged(tmp_path: Path) -> None:
    said = storm.run(tmp_path, 1500, 0.5).splitlines()[-1]
    _, total, _, incidents, pages, paged, _ = (cell.strip() for cell in said.split("|"))
    assert total == "1,500"
    assert 2 <= int(incidents) <= 40
    assert int(pages) >= 1
    assert paged != "never"
