"""`tocsin check alert`: one alert tried on a configuration, without a daemon."""

import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from agent.__main__ import main
from tests.house import SITE

AT = "2026-03-02T09:00:00Z"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = shutil.copytree(SITE, tmp_path / "site")
    written = {
        "routes": [{"id": "to-dba", "match": ['team="db"'], "group": "dba"}],
        "inhibit": [{"id": "down", "source": {"alertname": "HostDown"}, "target": {"sort": "app"}, "equal": ["host"]}],
    }
    known = folder / "rules.yaml"
    before = yaml.safe_load(known.read_text()) if known.exists() else {}
    known.write_text(yaml.safe_dump({**before, **written}))
    return Path(folder)


def check(site: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["check", "alert", *words, "--at", AT, "--config.dir", str(site)])


def test_it_says_what_the_alert_would_be_and_whom_it_would_page_when(site: Path) -> None:
    done = check(site, "alertname=DiskSpaceLow", "instance=db-1:9100", "severity=critical", "team=db")
    assert done.exit_code == 0, done.output
    said = done.output.splitlines()
    assert said[0].startswith("opened: no open incident took it in")
    assert said[1].startswith("opened with severity 2, category storage/disk_space, group dba, by rule disk-space, by")
    assert said[2].startswith("known error disk-space-low: ")
    assert said[4].split() == ["AT", "STEP", "WHO", "BY"]
    pages = [line.split() for line in said[5:]]
    assert pages[0][:3] == ["2026-03-02", "09:00:00Z", "2/c0"]
    assert {page[2] for page in pages} >= {"2/c0", "2/r50", "2/r100"}


def test_repetitions_of_a_step_are_one_line_and_who_has_several_addresses_is_told_by_each(site: Path) -> None:
    people = yaml.safe_load((site / "people.yaml").read_text())
    for person in people["people"].values():
        person["contacts"] = [{**contact, "to": "+49-1"} for contact in person.get("contacts", ())]
    (site / "people.yaml").write_text(yaml.safe_dump(people))
    done = check(site, "alertname=DiskSpaceLow", "instance=db-1:9100", "severity=critical", "--for", "24h")
    repeated = [line for line in done.output.splitlines() if "#" in line]
    assert repeated
    assert len({line.split()[2].partition("#")[0] + line.split()[-3] for line in repeated}) == len(repeated)
    assert any(" … #" in line and ", every " in line for line in repeated)
    assert "+49-1" in done.output


def test_nobody_is_paged_for_what_is_held_back(site: Path) -> None:
    held = check(site, "alertname=Slow", "host=a", "sort=app", "--beside", "alertname=HostDown,host=a")
    assert "suppressed: inhibited by rule down" in held.output
    assert held.output.endswith("nobody is paged\n")
    elsewhere = ("alertname=Slow", "host=b", "cluster=b", "sort=app")
    free = check(site, *elsewhere, "--beside", "alertname=HostDown,host=a")
    assert "2026-03-02 09:00:00Z" in free.output


def test_a_heartbeat_pages_nobody(site: Path) -> None:
    assert check(site, "alertname=Watchdog").output.endswith("nobody is paged\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["alertname"], 2, "write LABEL=VALUE"),
        (["a=b", "--for", "soon"], 2, "is no span of time"),
        (["a=b", "--for", "400d"], 2, "at most 31d"),
        (["a=b", "--at", "2026-99-99T00:00:00Z"], 2, "is no moment"),
        (["a=b", "--beside", "x"], 2, "write LABEL=VALUE"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_tried_is_said(site: Path, words: list[str], code: int, said: str) -> None:
    done = CliRunner().invoke(main, ["check", "alert", *words, "--config.dir", str(site)])
    assert (done.exit_code, said in done.output) == (code, True), done.output


def test_a_configuration_with_faults_is_3(site: Path) -> None:
    (site / "rules.yaml").write_text("routes: [{id: x, match: [], group: nobody-here}]")
    done = check(site, "alertname=A")
    assert (done.exit_code, "there is no group 'nobody-here'" in done.output) == (3, True)
