from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.configuration.build import keys_at
from agent.configuration.faults import Fault
from agent.configuration.yaml import MAX_CHARACTERS, MAX_NODES, build, read
from collectors.rule import Rule, Span


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("18:30", "18:30", id="no sexagesimal"),
        pytest.param("on", "on", id="on is a word"),
        pytest.param("yes", "yes", id="yes is a word"),
        pytest.param("No", "No", id="no is a word, and Norway"),
        pytest.param("0777", "0777", id="a leading zero is no octal"),
        pytest.param("0o17", 15, id="octal as YAML 1.2 writes it"),
        pytest.param("0x1f", 31, id="hexadecimal"),
        pytest.param("2026-10-01", "2026-10-01", id="a date is a text"),
        pytest.param("1_000", "1_000", id="no underscores in numbers"),
        pytest.param("1.5e3", 1500.0, id="float"),
        pytest.param("-7", -7, id="negative"),
        pytest.param("+.inf", float("inf"), id="infinity"),
        pytest.param("1" * 40, float("1" * 40), id="no integer of any length"),
        pytest.param("~", None, id="tilde is null"),
        pytest.param("", None, id="nothing is null"),
        pytest.param("TRUE", True, id="true"),
        pytest.param('"1"', "1", id="quotes make a text"),
        pytest.param("15m", "15m", id="a span stays a text"),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(written: str, meant: Any) -> None:
    document = read("a.yaml", f"key: {written}\n")
    assert document.faults == []
    assert document.value == {"key": meant}
    assert type(document.value["key"]) is type(meant)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("a: 1\na: 2\n", "f:2:1: a: the key 'a' is written twice (first in line 1): keep one", id="twice"),
        pytest.param("x:\n\ty: 1\n", "f:2:1: a tab stands here: YAML indents by spaces", id="tab"),
        pytest.param(
            "a: !!python/name:os.system x\n", "f:1:4: the tag !!python/name:os.system is refused", id="python"
        ),
        pytest.param("a: !foo x\n", "f:1:4: the tag !foo is refused: write a plain value", id="tag"),
        pytest.param("a: &a [*a]\n", "f:1:8: the alias *a names nothing above", id="cycle"),
        pytest.param("a: *b\n", "f:1:4: the alias *b names nothing above", id="alias of nothing"),
        pytest.param("a: 1\n---\nb: 1\n", "f:2:1: a second document begins here", id="two documents"),
        pytest.param("? [a]\n: 1\n", "f:1:3: this is no key", id="a list as key"),
        pytest.param("true: 1\n", "f:1:1: this is no key", id="a boolean as key"),
        pytest.param("<<: 1\n", "f:1:5: << takes a mapping", id="merge of a number"),
        pytest.param("a: b: c\n", "f:1:5: mapping values are not allowed", id="colon"),
        pytest.param("a: [1\n", "f:2:1: did not find expected ',' or ']': close the bracket", id="bracket"),
        pytest.param("a: 1\nb：[x]\n", "f:2:2: the character U+FF1A stands here: write a colon and a space", id="wide"),
        pytest.param(
            "a: 1\nb:\u00a0[x]\n", "f:2:3: the character U+00A0 stands here: write a plain space", id="no break"
        ),
        pytest.param(
            "x:\n  a: {b: 1}\n\u3000\u3000c: {d: 1}\n  e: {f: 1}\n",
            "f:3:1: the character U+3000 stands",
            id="wide indent",
        ),
        pytest.param(
            "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n",
            "f:2:1: the mark of a merge that was not",
            id="merge",
        ),
        pytest.param("a: 磁盘：满\nb: c: d\n", "f:2:5: mapping values are not allowed", id="a wide colon in a text"),
        pytest.param("[" * 60 + "]" * 60, "f:1:52: nested deeper than 50 levels", id="deep"),
        pytest.param("[" * 100_000, "exceeded maximum nesting depth: write it flatter", id="so deep that C would tire"),
        pytest.param("a: \x01\n", "f:1:4: a control character stands here", id="control character"),
        pytest.param("#" * (MAX_CHARACTERS + 1), "f:1:1: the file is over 4 MiB", id="huge"),
    ],
)
def test_what_cannot_be_read_is_a_fault_with_its_place_and_what_to_do(text: str, fault: str) -> None:
    document = read("f", text)
    assert len(document.faults) == 1
    assert fault in str(document.faults[0])


def laughs(levels: int, width: int) -> str:
    lines = ["l0: &l0 [" + ", ".join(["x"] * width) + "]"]
    lines += [f"l{n}: &l{n} [" + ", ".join([f"*l{n - 1}"] * width) + "]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_billion_laughs_are_stopped_before_they_unfold() -> None:
    document = read("f", laughs(12, 9))
    assert document.value is None
    assert [f.message for f in document.faults] == ["the aliases unfold to too much: write less, or without them"]


def test_merges_that_unfold_without_end_are_stopped() -> None:
    lines = ["l0: &l0 {a: 1}"] + [f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    assert "unfold to too much" in str(read("f", "\n".join(lines)).faults[0])


def test_long_texts_behind_aliases_are_stopped() -> None:
    text = f"a: &a '{'x' * 1_000_000}'\nb: [{', '.join(['*a'] * 20)}]\n"
    assert "unfold to too much" in str(read("f", text).faults[0])


def test_aliases_and_merges_within_bounds_are_taken_and_what_is_written_wins() -> None:
    document = read("f", "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: *b\n")
    assert document.faults == []
    assert document.value == {"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 3}, "two": {"x": 1, "y": 2}}


def test_every_node_has_its_line_and_column() -> None:
    document = read("f", "a:\n  - b: 1\n    c:\n      d: x\n")
    at = {path: (mark.line, mark.col, mark.key_line, mark.key_col) for path, mark in document.marks.items()}
    assert at == {
        (): (1, 1, 1, 1),
        ("a",): (2, 3, 1, 1),
        ("a", 0): (2, 5, 2, 5),
        ("a", 0, "b"): (2, 8, 2, 5),
        ("a", 0, "c"): (3, 5, 3, 5),
        ("a", 0, "c", "d"): (4, 10, 4, 7),
    }


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text("abc :#-{}[]'\"\n%@&*!|>", max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc1", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
def test_json_is_yaml(value: Any) -> None:
    import json

    document = read("f", json.dumps(value))
    assert document.faults == []
    assert document.value == value


@given(st.text("ab:-[]{}&*<#!'\"\n \t%?,|>~01", max_size=60))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    document = read("f", text)
    assert all(fault.line >= 1 and fault.col >= 1 for fault in document.faults)


def test_as_many_nodes_as_are_allowed_are_read() -> None:
    document = read("f", "[" + "1," * (MAX_NODES // 2) + "]")
    assert len(document.value) == MAX_NODES // 2


# ---- building ----


class Leaf(Rule):
    warn: int
    hold: Span | None = None
    mode: Literal["fast", "slow"] = "fast"


class Tree(Rule):
    token: str | list[str] = ""
    leaf: Leaf | None = None
    leaves: dict[int, Leaf] = {}
    many: list[Leaf] = []


def faults(text: str) -> list[str]:
    document = read("f.yaml", text)
    return [str(fault) for fault in build(Tree, document.value, document.marks)[1]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "leaf: {wran: 1, warn: 1}", "1:8: leaf.wran: unknown key 'wran' (did you mean 'warn'?)", id="typo"
        ),
        pytest.param(
            "leaf: {xyz: 1, warn: 1}", "1:8: leaf.xyz: unknown key 'xyz' (known: hold, mode, warn)", id="nothing near"
        ),
        pytest.param("\nleaf: {hold: 1s}", "2:1: leaf: the key 'warn' is missing: write it here", id="missing"),
        pytest.param("leaf: {warn: soon}", "1:14: leaf.warn: 'soon': write a whole number", id="number"),
        pytest.param("leaf:\n  warn: 1\n  hold: 15x", "3:9: leaf.hold: '15x' is no span of time", id="span"),
        pytest.param(
            "leaf: {warn: 1, mode: fats}", "'fats': write one of 'fast' or 'slow' (did you mean 'fast'?)", id="word"
        ),
        pytest.param("leaves: {1: {warn: x}}", "1:20: leaves.1.warn: 'x': write a whole number", id="number as key"),
        pytest.param(
            "many: [{warn: 1}, {warn: x}]", "1:26: many.1.warn: 'x': write a whole number", id="place in a list"
        ),
        pytest.param(
            "token: 12", '1:8: token: 12: write a text: "12" or a list: [one, two]', id="a union says all it takes"
        ),
        pytest.param("leaf: 5", "1:7: leaf: 5: write a mapping: {key: value}", id="mapping"),
        pytest.param("[]", "1:1: an empty list: write a mapping: {key: value}", id="a list as the whole file"),
    ],
)
def test_what_does_not_fit_the_model_says_where_and_what_to_write(text: str, fault: str) -> None:
    (found,) = faults(text)
    assert fault in found


def test_all_faults_come_in_one_go() -> None:
    assert len(faults("leaf: {warn: x, hold: y, mode: z, other: 1}\nmany: [1, 2]\nnope: 1")) == 7


def test_what_is_right_is_built_and_frozen() -> None:
    document = read("f.yaml", "leaves: {3: {warn: 85, hold: 5m}}")
    built, found = build(Tree, document.value, document.marks)
    assert found == []
    assert built is not None
    assert built.leaves[3].warn == 85


def test_a_secret_is_never_in_a_message() -> None:
    secret = "S3CRET-" * 20
    document = read("f.yaml", "leaf: {warn: X}")
    document.value["leaf"]["warn"] = secret
    (found,) = build(Tree, document.value, document.marks, hidden={secret: "${WARN}"})[1]
    assert "S3CRET" not in str(found)
    assert "${WARN}" in str(found)


def test_keys_of_a_model_are_found_through_unions_lists_and_mappings() -> None:
    assert keys_at(Tree, ()) == {"token", "leaf", "leaves", "many"}
    assert (
        keys_at(Tree, ("leaf",))
        == keys_at(Tree, ("leaves", 1))
        == keys_at(Tree, ("many", 0))
        == {"warn", "hold", "mode"}
    )


def test_a_fault_reads_as_file_line_column_path_message() -> None:
    assert str(Fault("a.yaml", 3, 7, "b.c", "write it")) == "a.yaml:3:7: b.c: write it"
    assert str(Fault("a.yaml", 1, 1, "", "write it")) == "a.yaml:1:1: write it"
