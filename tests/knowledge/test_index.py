"""The indexes find what trying everything would find."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.labels import Matcher, all_match, compile_pattern
from knowledge.index import Predicate, PredicateIndex, _Patterns, literals
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


@given(
    st.lists(st.lists(matchers(), min_size=1, max_size=3), max_size=8),
    st.lists(st.tuples(st.integers(0, 9), st.lists(matchers(), min_size=1, max_size=3), st.booleans()), max_size=8),
    st.dictionaries(LABEL, VALUE, max_size=3),
)
def test_an_index_with_other_entries_laid_over_it_finds_what_one_made_anew_finds(
    groups: list[list[Matcher]], over: list[tuple[int, list[Matcher], bool]], labels: dict[str, str]
) -> None:
    def made(number: int, group: list[Matcher], status: str = "published") -> KnownError:
        return KnownError.model_construct(
            id=f"e{number}", match=(tuple(group),), title="", workaround="x", status=status
        )

    entries = {one.id: one for one in (made(n, group) for n, group in enumerate(groups))}
    index = PredicateIndex(entries.values())
    for number, group, in_force in over:
        one = made(number, group, "published" if in_force else "retired")
        entries[one.id] = one
        index = index.with_entries([one])

    found = sorted(predicate.entry.id for predicate in index.holding(labels))

    anew = PredicateIndex(one for one in entries.values() if one.in_force)
    assert found == sorted(predicate.entry.id for predicate in anew.holding(labels))


def filing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the entries whose predicates are filed from now on."""
    filed: list[str] = []
    file = PredicateIndex._file

    def noted(self: PredicateIndex, one: Predicate, into: Any) -> None:
        filed.append(one.entry.id)
        file(self, one, into)

    monkeypatch.setattr(PredicateIndex, "_file", noted)
    return filed


def test_an_entry_laid_over_many_is_indexed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    index = PredicateIndex([entry(f"e{n}", match={"alertname": f"A{n}"}) for n in range(50)])
    filed = filing(monkeypatch)

    over = index.with_entries([entry("e7", match={"alertname": "Other"})]).with_entries([entry("e8", status="retired")])

    assert filed == ["e7", "e7"]
    assert [one.entry.id for name in ("Other", "A7", "A8", "A9") for one in over.holding({"alertname": name})] == [
        "e7",
        "e9",
    ]


def test_entries_that_are_laid_over_one_by_one_are_filed_anew_a_few_times_each(monkeypatch: pytest.MonkeyPatch) -> None:
    many = 300
    index = PredicateIndex(()).with_entries(entry(f"w{n}", match={"alertname": f"W{n}"}) for n in range(1_000))
    filed = filing(monkeypatch)
    for number in range(many):
        index = index.with_entries([entry(f"e{number}", match={"alertname": f"A{number}"})])
    assert len(filed) < 10 * many
    assert "w0" not in filed
    found = [one.entry.id for name in ("A0", "A299", "W999") for one in index.holding({"alertname": name})]
    assert found == ["e0", "e299", "w999"]
