"""A rota that leaves somebody out is said with its line before it goes live."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.configuration.config import Config
from agent.configuration.faults import ConfigFaults
from agent.configuration.layers import shared
from agent.configuration.load import load
from agent.configuration.yaml import read
from escalation.coverage import HORIZON, holes
from escalation.oncall import Schedule
from tests.house import SITE

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ROTAS = sorted((shared("configs") / "rotas").glob("*.yaml"))


def site(folder: Path, schedules: str, **files: str) -> Path:
    shutil.copytree(SITE, folder, dirs_exist_ok=True)
    (folder / "oncall.yaml").write_text(f"schedules:\n{schedules}")
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def warned(config: Config) -> list[str]:
    return [str(w) for w in config.warnings if w.file == "oncall.yaml"]


OFFICE = """\
  office: {group: sys-ops, time_zone: Asia/Shanghai, layers: [{people: [ana], every: 1d, hours: "09:00-18:00"}]}
"""


def test_a_gap_says_line_moment_and_what_to_write_and_is_a_warning_where_fallback_reaches(tmp_path: Path) -> None:
    (said,) = warned(load(site(tmp_path, OFFICE), now=NOW))
    assert said == (
        "oncall.yaml:2:3: schedules.office: nobody is on call from Mon 2027-03-01 20:00 to Tue 2027-03-02 09:00 "
        "(Asia/Shanghai) (and 60 times more in the next 60 days): "
        "write a layer that holds then, with its hours and days"
    )
    assert warned(load(tmp_path)) == [], "without a moment no rota is looked at"


def test_a_gap_without_a_fallback_is_an_error(tmp_path: Path) -> None:
    tocsin = (SITE / "tocsin.yaml").read_text().replace("fallback:", "# fallback:")
    with pytest.raises(ConfigFaults, match=r"oncall\.yaml:2:3: schedules\.office: nobody is on call"):
        load(site(tmp_path, OFFICE, tocsin=tocsin), now=NOW)


def test_a_shift_with_too_few_people_says_how_many_it_has(tmp_path: Path) -> None:
    text = """\
  desk:
    group: sys-ops
    time_zone: Asia/Shanghai
    shifts: {night: {hours: "20:00-08:00", min_staff: 2}}
    layers: [{people: [ana], every: 7d}, {people: [ana], every: 7d, shift: night}]
"""
    (said,) = warned(load(site(tmp_path, text), now=NOW))
    assert said.startswith("oncall.yaml:5:14: schedules.desk.shifts.night: 1 on duty where min_staff is 2, from Mon")
    assert said.endswith("write people and on_duty in a layer with shift: night, or a smaller min_staff")


def test_the_small_site_leaves_nobody_out() -> None:
    assert warned(load(SITE, now=NOW)) == []


@pytest.mark.parametrize("path", ROTAS, ids=lambda p: p.stem)
def test_the_rotas_that_are_shipped_leave_no_minute_out(path: Path) -> None:
    document = read(path.name, path.read_text("utf-8"))
    schedules = {name: Schedule.model_validate(written) for name, written in document.value["schedules"].items()}
    for month in range(1, 13, 2):
        begins = NOW.replace(month=month)
        assert holes(schedules, begins, begins + HORIZON) == []


def test_there_are_rotas_to_copy() -> None:
    assert [p.stem for p in ROTAS] == ["follow-the-sun", "three-shifts"]
