"""Labels, matchers and fingerprints, as Alertmanager has them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.labels import (
    BadMatcher,
    Matcher,
    all_match,
    compile_pattern,
    fingerprint,
    matchers_from_yaml,
    packed,
    unpacked,
)

# Made by Alertmanager itself: labels with the fingerprint of the webhook.
LABELS = {"alertname": "A", "instance": "db-1:9100"}


def fnv(labels: dict[str, str]) -> str:
    """FNV-1a of 64 bits, written out."""
    digest = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            digest = ((digest ^ byte) * 0x100000001B3) % 2**64
    return format(digest, "016x")


@pytest.mark.parametrize("labels", [{}, LABELS, {"名": "值", "a": ""}, {"a": "b", "b": "a"}, {"ab": "c"}, {"a": "bc"}])
def test_a_fingerprint_is_the_hash_of_the_sorted_labels(labels: dict[str, str]) -> None:
    assert fingerprint(labels) == fnv(labels)


def test_an_empty_set_of_labels_has_the_offset_as_its_fingerprint() -> None:
    assert fingerprint({}) == "cbf29ce484222325"


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_the_order_of_labels_does_not_matter(labels: dict[str, str]) -> None:
    try:
        expected = fingerprint(labels)
    except UnicodeEncodeError:
        return
    assert fingerprint(dict(reversed(list(labels.items())))) == expected


@pytest.mark.parametrize(
    ("text", "matches", "not_matches"),
    [
        ('a="b"', {"a": "b"}, {"a": "c"}),
        ("a=b", {"a": "b"}, {}),
        ('a!="b"', {"a": "c"}, {"a": "b"}),
        ('a!="b"', {}, {"a": "b"}),
        ('a=~"b|c"', {"a": "c"}, {"a": "bc"}),
        ("a!~b.*", {"a": "cb"}, {"a": "bc"}),
        ('a=""', {}, {"a": "x"}),
        ('a=~""', {}, {"a": "x"}),
        ('a=~".+"', {"a": "x"}, {}),
        ('"a"="b"', {"a": "b"}, {}),
        ('a="x=y"', {"a": "x=y"}, {"a": "x"}),
        (r'a="say \"hi\""', {"a": 'say "hi"'}, {"a": "say"}),
        (' a = "b"', {"a": "b"}, {"a": "c"}),
        ("a=~(?i)b", {"a": "B"}, {"a": "c"}),
    ],
)
def test_a_matcher_holds_for_the_whole_value_and_a_missing_label_is_empty(
    text: str, matches: dict[str, str], not_matches: dict[str, str]
) -> None:
    matcher = Matcher.parse(text)
    assert matcher.matches(matches)
    assert not matcher.matches(not_matches)


@given(
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.text("abc_", min_size=1, max_size=4),
    st.text('ab"\\= ', max_size=6),
)
def test_a_matcher_is_read_as_it_is_written(op: str, name: str, value: str) -> None:
    try:
        matcher = Matcher(name, op, value)
    except BadMatcher:
        return
    again = Matcher.parse(str(matcher))
    assert again == matcher


@pytest.mark.parametrize("text", ["", "a", "=b", "!=b", '"', "a~b", " =~x"])
def test_what_is_no_matcher_says_what_to_write(text: str) -> None:
    with pytest.raises(BadMatcher, match='write name="value"'):
        Matcher.parse(text)


@pytest.mark.parametrize(
    "pattern",
    ["(", "a{1001}", "((a{100}){100}){100}", r"(?=x)", r"\1"],
    ids=["open", "huge", "nested", "ahead", "back"],
)
def test_a_pattern_that_could_run_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(BadMatcher, match="RE2"):
        compile_pattern(pattern)
    with pytest.raises(BadMatcher):
        Matcher("a", "=~", pattern)


def test_a_pattern_that_kills_others_is_quick() -> None:
    assert not Matcher("a", "=~", "(a+)+").matches({"a": "a" * 5_000 + "!"})


@pytest.mark.parametrize(
    ("written", "labels", "holds"),
    [
        ({"a": "b"}, {"a": "b"}, True),
        ({"a": ["b", "c.d"]}, {"a": "c.d"}, True),
        ({"a": ["b", "c.d"]}, {"a": "cxd"}, False),
        ({"a_re": "b.*"}, {"a": "bcd"}, True),
        ({"a": {"re": "b.*"}}, {"a": "bcd"}, True),
        ({"a_re": ["b.*", "c|d"]}, {"a": "d"}, True),
        ({"a_re": ["b.*", "c|d"]}, {"a": "xd"}, False),
        ({"a_has": "disk.?full"}, {"a": "MyDiskFullNow"}, True),
        ({"a_has": ["x|y", "盘满"]}, {"a": "数据盘满了"}, True),
        ({"a_has": ["x|y", "盘满"]}, {"a": "数据盘"}, False),
        ({"a_has": ["x"], "b": "c"}, {"a": "x"}, False),
        ({"a": {"not": "b"}}, {"a": "b"}, False),
        ({"a": {"not_re": "b.*"}}, {"a": "c"}, True),
        ({"a": 5}, {"a": "5"}, True),
        (['a="b"', "c!=d"], {"a": "b"}, True),
        ({}, {}, True),
    ],
)
def test_the_match_of_a_rule(written: Any, labels: dict[str, str], holds: bool) -> None:
    assert all_match(matchers_from_yaml(written), labels) == holds


@pytest.mark.parametrize(
    "written",
    [
        *("a=b", 5, {"a": {"like": "b"}}, {"a": {"re": "b", "not": "c"}}, {"a_re": "("}),
        *({"a_re": []}, {"a_has": ["b", ""]}, {"a_has": ["b", "(a)|("]}, {"a_re": ["a)", "(b"]}),
    ],
)
def test_a_match_that_is_none_is_refused(written: Any) -> None:
    with pytest.raises(BadMatcher):
        matchers_from_yaml(written)


@given(st.dictionaries(st.text(), st.text()))
def test_labels_that_were_packed_are_the_same_when_they_are_unpacked(labels: dict[str, str]) -> None:
    assert unpacked(packed(labels)) == labels
    assert list(unpacked(packed(labels))) == list(labels)


def test_packed_labels_share_their_names_and_the_values_that_they_have_in_common() -> None:
    one, other = (packed({"alertname": "Disk Full", "instance": f"db-{n}:9100"}) for n in (1, 2))
    assert one[0] is other[0]
    assert one[1] is other[1]
