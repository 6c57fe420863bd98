"""Rehearsal files: those of tests/scenarios are acceptance tests, and what is not as expected is told by its line."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.__main__ import main
from agent.configuration.load import load
from agent.rehearsal.house import House
from agent.rehearsal.rehearse import BadScenario, Stage, read, rehearse
from tests.house import START

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
SITE = Path(__file__).parents[2] / "scenarios" / "site"
DISK = "{alertname: DiskFull, instance: db-1, severity: critical}"
NUMBER = "INC-20260302-0001"


def scenario(folder: Path, *steps: str) -> str:
    """A scenario file whose first step, in line 4, is one alert at 0s; `steps` follow from line 5 on."""
    lines = [
        "name: a scenario of a test",
        "start: 2026-03-02T09:00:00Z",
        "steps:",
        f"  - {{at: 0s, alert: {DISK}}}",
        *(f"  - {{{step}}}" for step in steps),
    ]
    path = folder / "scenario.yaml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


def played(path: str) -> list[str]:
    return asyncio.run(rehearse(path, str(SITE)))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_goes_as_it_says(path: Path) -> None:
    assert played(str(path)) == []


def test_there_are_scenarios_enough_and_each_expects_something() -> None:
    assert len(SCENARIOS) >= 8
    for path in SCENARIOS:
        steps = read(str(path))[0].steps
        assert any(step.expect is not None or step.refused is not None for step in steps), path.name


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        pytest.param("at: 1s, expect: {page: luis}", "pages went to ['ana'], not to ['luis']", id="page"),
        pytest.param("at: 1s, expect: {pages: []}", "pages went to ['ana'], not to nobody", id="too many pages"),
        pytest.param(
            "at: 1s, expect: {pages: [ana, ana]}", "pages went to ['ana'], not to ['ana', 'ana']", id="too few"
        ),
        pytest.param("at: 1s, expect: {steps: [2/r50]}", "steps paged were ['2/c0'], not ['2/r50']", id="steps"),
        pytest.param("at: 1s, expect: {incidents: 2}", "there are 1 incident(s), not 2", id="incidents"),
        pytest.param(
            "at: 1s, expect: {incident: {state: new}}", f"{NUMBER}: state is 'assigned', not 'new'", id="state"
        ),
        pytest.param(
            "at: 1s, expect: {incident: {response_due: 2h}}", f"{NUMBER}: response_due is 1h, not 2h", id="a clock"
        ),
        pytest.param(
            "at: 1s, expect: {incident: {assignee: ana}}", f"{NUMBER}: assignee is None, not 'ana'", id="assignee"
        ),
        pytest.param("at: 1s, expect: {incident: {number: 2}}", "there is no incident 2", id="no such incident"),
        pytest.param(
            "at: 1s, act: accept, by: desk", "accept by desk was refused: accept is not possible", id="refused"
        ),
        pytest.param(
            "at: 1s, act: acknowledge, by: ana, refused: no", "acknowledge by ana was not refused", id="not refused"
        ),
        pytest.param(
            "at: 1s, act: archive, by: ana, refused: tomorrow", "refused, but with another reason: ", id="other reason"
        ),
        pytest.param(
            "at: 1s, act: acknowledge, by: ana, incident: 3", "there is no incident 3 to acknowledge", id="act on none"
        ),
    ],
)
def test_what_is_not_as_expected_is_told_with_file_line_and_instant(step: str, wrong: str, tmp_path: Path) -> None:
    path = scenario(tmp_path, "at: 1s, expect: {incidents: 1}", step)
    found = played(path)
    assert len(found) == 1
    assert found[0].startswith(f"{path}:6: at 1s: {wrong}")


def test_every_wrong_expectation_of_a_step_and_of_a_file_is_told(tmp_path: Path) -> None:
    path = scenario(
        tmp_path,
        "at: 1s, expect: {page: luis, incidents: 3, incident: {severity: 4, state: assigned, firing: 2}}",
        "at: 2s, expect: {incidents: 4}",
    )
    assert [line.removeprefix(f"{path}:").split(" ")[0] for line in played(path)] == ["5:", "5:", "5:", "5:", "6:"]


def test_pages_are_those_since_pages_were_last_expected(tmp_path: Path) -> None:
    path = scenario(
        tmp_path,
        "at: 1s, expect: {incidents: 1}",  # names no pages: the first page is still to be expected
        "at: 2s, expect: {page: ana}",
        "at: 3s, expect: {pages: []}",
        "at: 30m, expect: {pages: [luis, ana]}",  # in any order
    )
    assert played(path) == []


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        pytest.param(
            "at: 1s, expekt: {}", ":5:14: steps.1.expekt: unknown key 'expekt' (did you mean 'expect'?)", id="key"
        ),
        pytest.param("at: 1s, act: acknowledge", ":5:5: steps.1: an act needs `by:`, the person who acts", id="nobody"),
        pytest.param("at: 1s, act: acknowlege, by: ana", "did you mean 'acknowledge'?", id="no such act"),
        pytest.param(
            "at: soon", ":5:10: steps.1.at: 'soon' is no span of time: write 30s, 15m, 1h30m or 2d", id="span"
        ),
        pytest.param("expect: {}", ":5:5: steps.1: the key 'at' is missing: write it here", id="no instant"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_file_line_and_column(step: str, fault: str, tmp_path: Path) -> None:
    path = scenario(tmp_path, step)
    with pytest.raises(BadScenario) as caught:
        read(path)
    assert str(caught.value).startswith(path)
    assert fault in str(caught.value)


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    path = scenario(tmp_path, "at: 5m", "at: 1m")
    with pytest.raises(BadScenario, match=r":6:5: .*1m comes after 5m: time does not go back"):
        read(path)


def test_a_start_that_is_no_moment_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("name: x\nstart: tomorrow\nsteps: [{at: 0s}]\n", "utf-8")
    with pytest.raises(BadScenario, match=r":2:8: start: 'tomorrow' is no moment: write 2026-03-02T09:00:00Z"):
        read(str(path))


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("at: 1s, act: archive, by: ana, refused: 409", "refused with 403, not 409: archive may be done by pm"),
        ("at: 1s, act: acknowledge, by: ana, refused: 403", "acknowledge by ana was not refused"),
        ("at: 1s, expect: {problems: [{state: open}]}", "problems are none, not [{'state': 'open'}]"),
        ("at: 1s, expect: {incident: {told: [opened, archived]}}", f"{NUMBER}: its timeline has no archived: ["),
        ("at: 1s, expect: {incident: {not_told: [opened]}}", f"{NUMBER}: its timeline has opened"),
        ("at: 31m, expect: {incident: {late: [2/r50]}}", f"{NUMBER}: late were [], not ['2/r50']"),
        ("at: 1s, expect: {incident: {major: true, bounces: 0}}", f"{NUMBER}: major is False, not True"),
    ],
)
def test_acts_problems_and_the_timeline_can_be_expected(step: str, wrong: str, tmp_path: Path) -> None:
    (said,) = played(scenario(tmp_path, step))
    assert wrong in said


def test_while_the_daemon_is_down_nothing_is_done_and_after_it_what_is_due_is_late(tmp_path: Path) -> None:
    steps = (
        "at: 29m, down: true",
        "at: 40m, expect: {page: ana}",
        "at: 41m, restart: true",
        "at: 41m, expect: {steps: [2/r50], incident: {late: [2/r50]}}",
    )
    assert played(scenario(tmp_path, *steps)) == []


def test_a_report_is_written_down_by_somebody(tmp_path: Path) -> None:
    report = "at: 1s, report: {title: it is slow, urgency: 4, impact: 4}"
    expected = "at: 1s, expect: {incidents: 2, incident: {number: 2, severity: 4, kind: incident}}"
    assert played(scenario(tmp_path, f"{report}, by: desk", expected)) == []
    with pytest.raises(BadScenario, match="a report needs `by:`, the person who writes it down"):
        read(scenario(tmp_path, report))


def test_a_notice_that_there_is_not_is_told_and_one_needs_its_person(tmp_path: Path) -> None:
    (said,) = played(scenario(tmp_path, "at: 1s, notice: hold, by: pat"))
    assert "there is no notice of incident 1 to hold" in said
    with pytest.raises(BadScenario, match="a notice needs `by:`"):
        read(scenario(tmp_path, "at: 1s, notice: hold"))


async def test_a_restart_reads_the_desk_from_the_store_anew(tmp_path: Path) -> None:
    lines, _ = read(scenario(tmp_path, "at: 0s, restart: true"))
    stage = Stage(await House(load(SITE), START).open(), START)
    await stage.play(lines.steps[0])
    before = stage.house.desk
    await stage.play(lines.steps[1])
    assert stage.house.desk is not before
    assert [i.title for i in stage.house.incidents()] == ["DiskFull db-1"]
    await stage.house.close()


def test_the_command_says_which_went_wrong_and_ends_with_1_and_3(tmp_path: Path) -> None:
    good, run = str(SCENARIOS[0]), CliRunner()
    bad = scenario(tmp_path, "at: 1s, expect: {incidents: 9}")
    said = run.invoke(main, ["rehearse", good, bad, "--config.dir", str(SITE)])
    assert said.exit_code == 1
    assert said.output.splitlines() == [
        f"ok  {good}",
        f"FAILED  {bad}",
        f"  {bad}:5: at 1s: there are 1 incident(s), not 9",
        "1 of 2 scenario(s) failed",
    ]
    assert run.invoke(main, ["rehearse", good]).exit_code == 0
    assert run.invoke(main, ["rehearse", scenario(tmp_path, "at: soon"), "--config.dir", str(SITE)]).exit_code == 3
