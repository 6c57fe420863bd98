"""Rule files become aliases, runbooks become known errors; what is wrong in one costs no other."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from agent.__main__ import main
from knowledge.importing import BadRunbook, aliases_of, known_error_of, waits_of
from tests.knowledge.shelf import read

RUNBOOK = """---
title: Disk Full
---
# DiskFull
## Meaning
The disk of a node is full.
## Impact
Nothing can be written.
## Diagnosis
```shell
## df is a comment here
df -h
```
## Details
More.
## Mitigation
Remove old logs.
"""
RULE = {
    "alert": "DiskFull",
    "expr": "disk_free_bytes < 1",
    "annotations": {"summary": "Disk of {{ $labels.host }} is full", "runbook_url": "http://x"},
}


@pytest.mark.parametrize("wrap", [lambda groups: {"groups": groups}, lambda groups: {"spec": {"groups": groups}}])
def test_the_texts_of_a_rule_become_aliases_without_their_templates(wrap: object) -> None:
    assert callable(wrap)
    found = list(aliases_of(wrap([{"name": "g", "rules": [RULE, {"record": "a", "expr": "b"}]}])))
    assert found == [("DiskFull", "Disk of is full"), ("DiskFull", "disk_free_bytes < 1")]


@pytest.mark.parametrize("wrong", [None, [], "x", {"groups": 5}, {"groups": [None, {"rules": [None, {"alert": 5}]}]}])
def test_what_is_no_rule_is_passed_over(wrong: object) -> None:
    assert list(aliases_of(wrong)) == []


def test_a_runbook_becomes_a_known_error_that_can_be_read() -> None:
    made = read(known_error_of("DiskFull", RUNBOOK))
    assert (made.id, made.title, made.workaround) == ("DiskFull", "Disk Full", "Remove old logs.")
    assert made.symptoms == "The disk of a node is full.\nNothing can be written."
    assert "## df is a comment here" in made.root_cause
    assert "### Details\nMore." in made.root_cause
    assert str(made.match[0][0]) == 'alertname="DiskFull"'


def test_a_runbook_without_a_workaround_says_what_to_write() -> None:
    with pytest.raises(BadRunbook, match="## Mitigation"):
        known_error_of("A", "# A\n## Meaning\nBad.\n")


def test_the_command_prints_aliases_and_names_the_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [RULE]}]}), "utf-8")
    (tmp_path / "bad.yaml").write_text("a: [", "utf-8")
    ran = CliRunner().invoke(main, ["import", "rules", str(tmp_path / "bad.yaml"), str(tmp_path / "good.yaml")])
    assert ran.exit_code == 1
    assert yaml.safe_load(ran.stdout) == {"aliases": {"DiskFull": ["Disk of is full", "disk_free_bytes < 1"]}}
    assert "bad.yaml: is no YAML" in ran.stderr


def test_the_command_writes_what_can_be_taken_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "from" / "node").mkdir(parents=True)
    (tmp_path / "from" / "node" / "DiskFull.md").write_text(RUNBOOK, "utf-8")
    (tmp_path / "from" / "Empty.md").write_text("# Empty\n", "utf-8")
    arguments = ["import", "runbooks", str(tmp_path / "from"), "--to", str(tmp_path / "to")]
    ran = CliRunner().invoke(main, arguments)
    assert ran.exit_code == 1
    assert [p.name for p in (tmp_path / "to").iterdir()] == ["DiskFull.md"]
    assert "Empty.md:1: it has no workaround" in ran.stderr
    (tmp_path / "to" / "DiskFull.md").write_text("mine", "utf-8")
    assert "is there already" in CliRunner().invoke(main, arguments).stderr
    assert (tmp_path / "to" / "DiskFull.md").read_text("utf-8") == "mine"


def test_how_long_a_rule_waits_is_read_and_what_is_no_span_is_passed_over() -> None:
    rules = [{"alert": "A", "for": "15m"}, {"alert": "B"}, {"alert": "C", "for": "soon"}, {"record": "d", "for": "1m"}]
    assert list(waits_of({"groups": [{"name": "g", "rules": rules}]})) == [("A", timedelta(minutes=15))]


def test_the_command_prints_how_long_rules_wait_as_a_file_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: up, for: 1h30m}]}]")
    printed = CliRunner().invoke(main, ["import", "rules", "--waits", str(tmp_path / "rules.yml")])
    assert yaml.safe_load(printed.output) == {"waits": {"A": "1h30m"}}
