"""Routes that are odd are told, with the line they stand in."""

from pathlib import Path

import pytest

from agent.configuration.faults import ConfigFaults
from agent.configuration.load import load


def told(folder: Path, routes: str) -> list[str]:
    (folder / "rules.yaml").write_text(f"routes:\n{routes}", "utf-8")
    return [str(fault) for fault in load(folder, environ={}).warnings if fault.file == "rules.yaml"]


def test_nobody_told_of_all_that_is_left_is_warned_of(tmp_path: Path) -> None:
    found = told(tmp_path, "  - {id: a, match: {b: c}, group: desk}\n  - {id: b, match: [], pages: false}\n")
    assert found == [
        "rules.yaml:3:24: routes.1.pages: route 'b' takes all that is left, and nobody is told of it: is that meant?"
    ]


def test_what_some_alerts_page_nobody_is_not_warned_of(tmp_path: Path) -> None:
    assert told(tmp_path, "  - {id: a, match: {severity: none}, pages: false}\n") == []


def test_an_id_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match=r"rules\.yaml:3:10: routes\.1\.id: two routes have the id 'a': rename one"):
        told(tmp_path, "  - {id: a, match: {b: c}, group: desk}\n  - {id: a, match: [], group: desk}\n")


def test_a_file_that_says_nothing_at_all_is_warned_of_and_one_with_a_comment_is_not(tmp_path: Path) -> None:
    """It may have been lost: a full disk, an editor."""
    (tmp_path / "oncall.yaml").write_text(" \n", "utf-8")
    (tmp_path / "topology.yaml").write_text("# nothing yet\n", "utf-8")
    found = [str(fault) for fault in load(tmp_path, environ={}).warnings if "empty" in str(fault)]
    assert [text.partition(", so")[0] for text in found] == ["oncall.yaml:1:1: it is empty"]


def test_a_kind_of_item_that_nothing_knows_is_noted_once(tmp_path: Path) -> None:
    items = "  a: {kind: hots}\n  b: {kind: hots}\n  c: {kind: switch}\n"
    (tmp_path / "topology.yaml").write_text(f"configuration_items:\n{items}", "utf-8")
    (found,) = [str(fault) for fault in load(tmp_path, environ={}).notes if fault.file == "topology.yaml"]
    assert found.endswith("knows the kind 'hots' (did you mean 'host'?)")
    assert found.startswith("topology.yaml:2:13: configuration_items.a.kind: ")
