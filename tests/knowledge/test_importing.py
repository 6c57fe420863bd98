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


@pytest.mark.parametrize(
    "wrong",
    [None, [], "x", {"groups": 5}, {"groups": [{"rules": 5}]}, {"groups": [None, {"rules": [None, {"alert": 5}]}]}],
)
def test_what_is_no_rule_is_passed_over(wrong: object) -> None:
    assert list(aliases_of(wrong)) == []


def test_a_runbook_becomes_a_known_error_that_can_be_read() -> None:
    made = read(known_error_of("DiskFull", RUNBOOK))
    assert (made.id, made.title, made.workaround) == ("DiskFull", "Disk Full", "Remove old logs.")
    assert made.symptoms == "The disk of a node is full.\nNothing can be written."
    assert "## df is a comment here" in made.root_cause
    assert "### Details\nMore." in made.root_cause
    assert str(made.match[0][0]) == 'alertname="DiskFull"'


def test_rules_of_the_operator_are_found_one_by_one_and_in_a_list_of_them() -> None:
    one = {"kind": "PrometheusRule", "spec": {"groups": [{"name": "g", "rules": [RULE]}]}}
    assert list(aliases_of({"kind": "List", "items": [None, one]})) == list(aliases_of(one)) != []


@pytest.mark.parametrize("name", ["123", "1e5", "2024-01-01", "null", "On", "true"])
def test_a_name_that_yaml_would_take_for_something_else_stays_a_name(name: str) -> None:
    made = read(known_error_of(name, RUNBOOK))
    assert (made.id, str(made.match[0][0])) == (name, f'alertname="{name}"')


@pytest.mark.parametrize(
    "heading", ["## Mitigation:", "## Mitigation {#mitigation}", "##Mitigation", "## MITIGATION ##"]
)
def test_a_heading_is_known_however_it_is_written(heading: str) -> None:
    text = f"## Meaning\nx\n~~~\n```\n## Mitigation\n~~~\n##Notes\ny\n{heading}\nRemove old logs.\n"
    made = read(known_error_of("A", text))
    assert made.workaround == "Remove old logs."
    assert "## Mitigation\n~~~\n### Notes" in made.symptoms


def test_a_runbook_without_a_workaround_says_what_to_write() -> None:
    with pytest.raises(BadRunbook, match="## Mitigation"):
        known_error_of("A", "# A\n## Meaning\nBad.\n")


def test_the_command_prints_aliases_and_names_the_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [RULE]}]}), "utf-8")
    (tmp_path / "bad.yaml").write_text("a: [", "utf-8")
    ran = CliRunner().invoke(main, ["import", "rules", str(tmp_path / "bad.yaml"), str(tmp_path / "good.yaml")])
    assert ran.exit_code == 1
    assert yaml.safe_load(ran.stdout) == {"aliases": {"DiskFull": ["Disk of is full", "disk_free_bytes < 1"]}}
    assert "bad.yaml:" in ran.stderr
    assert "is no YAML" in ran.stderr


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


BROKEN = {
    "date.yaml": (b"groups: [{rules: [{alert: A, expr: 2020-99-99}]}]", "is no YAML"),
    "deep.yaml": (b"a: " + b"[" * 5_000, "is no YAML"),
    "latin.yaml": (b"a: caf\xe9", "this is no UTF-8 text: save it as UTF-8"),
    "chart.yaml": (b"groups:\n{{- range .Values.groups }}\n- name: {{ . }}\n{{- end }}\n", "helm template"),
    "tag.yaml": (b"a: !!python/object/apply:os.getcwd []", "is no YAML"),
}


def test_no_file_of_rules_keeps_another_from_being_taken_and_each_is_told_what_to_do(tmp_path: Path) -> None:
    for name, (written, _) in BROKEN.items():
        (tmp_path / name).write_bytes(written)
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "mark.yaml").write_text("groups: [{rules: [{alert: A, expr: up}]}]\n---\n", "utf-8-sig")

    ran = CliRunner().invoke(main, ["import", "rules", *map(str, sorted(tmp_path.iterdir()))])

    assert ran.exit_code == 1
    assert yaml.safe_load(ran.stdout) == {"aliases": {"A": ["up"]}}
    for name, (_, said) in BROKEN.items():
        assert any(f"{name}:" in line and said in line for line in ran.stderr.splitlines()), name
    assert "empty.yaml: no alerting rule is in it" in ran.stderr


def test_no_runbook_keeps_another_from_being_taken(tmp_path: Path) -> None:
    folder = tmp_path / "from"
    (folder / "Folder.md").mkdir(parents=True)
    (folder / "Gone.md").symlink_to("nowhere")
    (folder / "Latin.md").write_bytes(RUNBOOK.encode() + b"\xe9")
    last = RUNBOOK.count("\n") + 1
    (folder / "ZLast.md").write_text(RUNBOOK, "utf-8-sig")

    ran = CliRunner().invoke(main, ["import", "runbooks", str(folder), "--to", str(tmp_path / "to")])

    assert ran.exit_code == 1
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["ZLast.md"]
    for said in ("Folder.md:1: this is no file", "Gone.md:1: it cannot be read", f"Latin.md:{last}: this is no UTF-8"):
        assert said in ran.stderr


def test_how_long_a_rule_waits_is_read_and_what_is_no_span_is_passed_over() -> None:
    rules = [{"alert": "A", "for": "15m"}, {"alert": "B"}, {"alert": "C", "for": "soon"}, {"record": "d", "for": "1m"}]
    assert list(waits_of({"groups": [{"name": "g", "rules": rules}]})) == [("A", timedelta(minutes=15))]


def test_the_command_prints_how_long_rules_wait_as_a_file_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: up, for: 1h30m}]}]")
    printed = CliRunner().invoke(main, ["import", "rules", "--waits", str(tmp_path / "rules.yml")])
    assert yaml.safe_load(printed.output) == {"waits": {"A": "1h30m"}}
