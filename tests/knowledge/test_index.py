"""The indexes find what trying everything would find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.labels import Matcher, all_match, compile_pattern
from knowledge.index import Predicate, PredicateIndex, WordIndex, _Patterns, literals, words
from knowledge.known_error import KnownError, groups_from_yaml
from tests.knowledge.shelf import entry


@pytest.mark.parametrize(
    ("matcher", "values"),
    [
        pytest.param(Matcher("a", "=", "x|y"), ("x|y",), id="equal is one value"),
        pytest.param(Matcher("a", "=~", "x|y"), ("x", "y"), id="a list"),
        pytest.param(Matcher("a", "=~", r"x\.y|磁盘\ 满"), ("x.y", "磁盘 满"), id="escaped, as a YAML list becomes"),
        pytest.param(Matcher("a", "=~", "x.*|y"), (), id="a true regex"),
        pytest.param(Matcher("a", "=~", "(?i)x"), (), id="with a flag"),
        pytest.param(Matcher("a", "=~", r"x\d"), (), id="with a class"),
        pytest.param(Matcher("a", "=~", "x|"), (), id="with an empty branch"),
        pytest.param(Matcher("a", "!=", "x"), (), id="not equal"),
        pytest.param(Matcher("a", "!~", "x"), (), id="not like"),
    ],
)
def test_plain_values_are_told_from_regexes(matcher: Matcher, values: tuple[str, ...]) -> None:
    assert literals(matcher) == values


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4), st.text(max_size=6))
def test_a_list_in_yaml_means_its_values_or_is_left_to_the_regex(values: list[str], other: str) -> None:
    ((matcher,),) = groups_from_yaml({"a": [*values, "must"]})
    found = literals(matcher)
    assert not found or set(found) == {*values, "must"}
    if found:
        assert all(compile_pattern(matcher.value).match(value) for value in found)
        assert (other in found) == (compile_pattern(matcher.value).match(other) is not None)


LABEL = st.sampled_from(["alertname", "site", "job"])
VALUE = st.sampled_from(["", "A", "AB", "B", "磁盘满", "A\nB"])
OP = st.sampled_from(["=", "!=", "=~", "!~"])
PATTERN = st.sampled_from(["A", "A|B", "A.*", ".*B", "(?i)ab", "磁.*", "", "A?", "(?s)A.B"])


@st.composite
def matchers(draw: st.DrawFn) -> Matcher:
    op = draw(OP)
    return Matcher(draw(LABEL), op, draw(PATTERN if "~" in op else VALUE))


@given(st.lists(st.lists(matchers(), min_size=1, max_size=3), max_size=8), st.dictionaries(LABEL, VALUE, max_size=3))
def test_the_index_finds_exactly_the_predicates_that_hold(groups: list[list[Matcher]], labels: dict[str, str]) -> None:
    entries = [
        KnownError.model_construct(id=f"e{n}", match=(tuple(group),), title="", workaround="x")
        for n, group in enumerate(groups)
    ]
    found = sorted(predicate.entry.id for predicate in PredicateIndex(entries).holding(labels))
    assert found == [one.id for one in entries if all_match(one.match[0], labels)]


def test_a_set_without_memory_makes_every_predicate_a_candidate() -> None:
    filed = [entry("a"), entry("b")]
    patterns = _Patterns([("A.*", Predicate(one, ())) for one in filed])
    patterns._set = SetOutOfMemory()
    assert [predicate.entry.id for predicate in patterns.find("B")] == ["a", "b"]


class SetOutOfMemory:
    def Match(self, _: str) -> list[int]:
        return []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("NodeFilesystemAlmostOutOfSpace", ["node", "filesystem", "almost", "space"], id="CamelCase"),
        pytest.param("UPSNoComm TLSCert vm_down", ["ups", "comm", "tls", "cert", "vm"], id="acronyms"),
        pytest.param("disks address redis status DNS", ["disk", "address", "redis", "dns"], id="plurals"),
        pytest.param("磁盘空间不足", ["磁盘", "盘空", "空间", "间不", "不足"], id="Chinese pairs"),
        pytest.param("请问我们的磁盘", ["磁盘"], id="Chinese particles part words"),
        pytest.param("db-01:9100 磁盘 97%", ["db", "磁盘"], id="numbers say nothing"),
        pytest.param("ＤＩＳＫ", ["disk"], id="full width"),
        pytest.param("what is the problem with it", [], id="only words without meaning"),
        pytest.param("🙂 \x00 \ud800", [], id="no words at all"),
    ],
)
def test_words_are_what_tells_troubles_apart(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_a_rare_word_counts_more_than_a_common_one_and_a_title_more_than_a_solution() -> None:
    index = WordIndex(
        [
            entry("rare", title="replication node"),
            entry("common", title="certificate node"),
            entry("other", title="node", solution="replication"),
        ]
    )
    found = index.sharing("replication of a node")
    assert [shared.entry.id for shared in found] == ["rare", "other", "common"]
    assert found[0].words == ("replication", "node")


def test_of_two_that_share_as_much_the_first_by_id_comes_first() -> None:
    index = WordIndex([entry("b", title="ups battery"), entry("a", title="ups battery"), entry("c", title="fan ups")])
    assert [shared.entry.id for shared in index.sharing("battery ups")] == ["a", "b", "c"]


def test_a_question_about_something_else_is_covered_little() -> None:
    index = WordIndex([entry("ups", title="ups battery"), entry("net", title="switch port")])
    (asked,) = index.sharing("ups battery")
    (strange,) = index.sharing("ups battery delivery invoice purchase supplier")
    assert strange.share < asked.share / 1.5


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    assert "battery" not in words("ups " * 10_000 + "battery")
