"""Every code that the house stores has a sentence in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.sentences import HAPPENED, REASONS, Sentences, happened, language_of, text

ROOT = Path(__file__).resolve().parents[2]
ROOM = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "correlation").rglob("*.py"))
DECIDERS = (
    *ROOM,
    *(f"agent/deciders/{p.name}" for p in sorted((ROOT / "agent/deciders").glob("*.py"))),
    "agent/ladder.py",
)
REASON_CALLS = {
    "Why": 0,
    "end_episode": 4,
    "end_episodes": 2,
    "confirm_suspect": 2,
    "drop_suspect": 2,
    "miss_beat": 2,
    "_stop": 1,
    "stopped": 3,
}
"""Which argument of a call is the code of a reason."""
KIND_CALLS = {"Event": 0, "tell": 1, "_tell": 1}
"""Which argument of a call is the kind of a line of the timeline; a name `kind` is one too, but for these."""
SOURCES = {"monitoring", "generic"}


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def called(path: str, places: dict[str, int]) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in places and len(node.args) > places[name]:
                yield from constants(node.args[places[name]])
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "kind" for t in node.targets):
            yield from constants(node.value) if places is KIND_CALLS else ()


def codes(path: str) -> Iterator[str]:
    yield from called(path, REASON_CALLS)
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "code":
                    yield from constants(value)


@pytest.mark.parametrize("path", DECIDERS)
def test_every_reason_that_is_stored_has_both_sentences(path: str) -> None:
    assert {code for code in codes(path) if code not in REASONS and code not in HAPPENED} == set()


@pytest.mark.parametrize("path", DECIDERS)
def test_every_kind_of_the_timeline_has_both_sentences(path: str) -> None:
    assert {kind for kind in called(path, KIND_CALLS) if kind not in HAPPENED} - SOURCES == set()


def test_the_tree_is_really_looked_through() -> None:
    assert {"first_of_incident", "silenced", "window_over", "earliest", "end_untold", "watchdog_missing"} <= {
        code for path in ROOM for code in codes(path)
    }
    assert {"severity_lowered", "severity_raised", "acknowledged"} <= set(called("correlation/act.py", KIND_CALLS))
    assert {"page_sent", "page_failed", "step", "edited"} <= {
        kind for path in DECIDERS for kind in called(path, KIND_CALLS)
    }


@pytest.mark.parametrize("table", [REASONS, HAPPENED], ids=["reasons", "kinds"])
def test_no_sentence_is_empty_and_both_use_the_same_facts(table: Sentences) -> None:
    import re

    for code, (english, chinese) in table.items():
        assert english and chinese, code
        assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", chinese)), code


def test_an_unknown_code_is_its_own_sentence() -> None:
    assert text("never_heard_of", {"a": 1}) == happened("never_heard_of", {}, "zh") == "never_heard_of"


def test_a_fact_is_data_and_never_a_template() -> None:
    assert happened("note", {"text": "{eta} [{x}] %s"}) == "{eta} [{x}] %s"


def test_a_part_whose_fact_is_absent_or_empty_is_left_out() -> None:
    assert happened("assigned", {"person": "", "group": "sys-ops"}) == "assigned in group sys-ops"
    assert text("same_alert", {}) == "the same alert at another threshold"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN,en;q=0.9", "zh"),
        ("en;q=0.5, zh;q=0.6", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("de, fr", "en"),
        ("*", "en"),
        ("zh;q=x", "zh"),
        ("," * 100, "en"),
    ],
)
def test_the_language_is_the_one_wanted_most_of_those_spoken(header: str, language: str) -> None:
    assert language_of(header) == language
