"""Reading what strangers send: what can be mended is mended, the rest is refused with a sentence."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.alert import NotThisFormat
from collectors.labels import fingerprint
from collectors.payload import (
    MAX_DEPTH,
    MAX_LABELS,
    MAX_NAME,
    MAX_VALUE,
    clean,
    clean_annotations,
    clean_labels,
    identity,
    is_fingerprint,
    is_plain,
    read_json,
)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"\xef\xbb\xbf[1]", [1]),
        ("[1]".encode("utf-16"), [1]),
        (b'"\\ud800"', "\ud800"),
        (b'"a\xffb"', "a�b"),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"1e999", math.inf),
        (b"Infinity", math.inf),
        (b"9" * 30, int("9" * 30)),
        (b"9" * 5_000, math.inf),
        (b"-" + b"9" * 5_000, -math.inf),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        ('"😀"'.encode(), "😀"),
        (b'"\\ud83d\\ude00"', "😀"),
    ],
)
def test_json_is_read_and_mended(body: bytes, value: Any) -> None:
    found = read_json(body)
    assert found == value or value is None


def test_not_a_number_is_a_float() -> None:
    assert math.isnan(read_json(b"NaN"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\x00", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper"),
        (b"[" * 1_000_000, "deeper"),
        (b'{"a":' * 1_000_000, "deeper"),
        (b'[{"a":' * 100_000, "deeper"),
    ],
    ids=lambda v: repr(v[:12]),
)
def test_what_is_no_json_is_refused_with_a_sentence(body: bytes, message: str) -> None:
    with pytest.raises(NotThisFormat, match=message):
        read_json(body)


def test_brackets_within_strings_are_no_depth() -> None:
    assert read_json(json.dumps(["[" * 1_000, '"[[[\\']).encode()) == ["[" * 1_000, '"[[[\\']


@given(st.binary(max_size=60))
def test_no_bytes_are_an_error(body: bytes) -> None:
    try:
        read_json(body)
    except NotThisFormat as refused:
        assert str(refused)


@pytest.mark.parametrize(
    ("body", "plain"),
    [(b'"a"', True), (b'"\\u0000"', False), (b'"\\ud800"', False), (b'"\\uD800"', False), (b"\xff", False)],
)
def test_a_body_that_needs_no_mending_is_known(body: bytes, plain: bool) -> None:
    assert is_plain(body) == plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\x00b", "a�b"),
        ("\ud800", "�"),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.5, "1.5"),
        (math.nan, "nan"),
        (["a", 1], '["a", 1]'),
        ({"a": "\ud800"}, '{"a": "�"}'),
    ],
)
def test_any_value_becomes_a_text_that_both_stores_keep(value: Any, text: str) -> None:
    assert clean(value) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_labels_of_any_kind_become_texts_within_the_limits(labels: dict[str, Any]) -> None:
    cleaned = clean_labels(labels, [])
    for name, value in cleaned.items():
        (name + value).encode()
        assert "\x00" not in name + value
        assert value


def test_what_is_cut_or_mended_is_noted() -> None:
    repairs: list[str] = []
    many = {f"l{n:05}": "v" for n in range(100)}
    assert len(clean_labels(many, repairs)) == MAX_LABELS
    assert repairs == ["labels_dropped"]
    repairs.clear()
    cut = clean_labels({"n" * 2_000: "v" * 9_000}, repairs)
    assert [(len(n), len(v)) for n, v in cut.items()] == [(MAX_NAME, MAX_VALUE)]
    assert "label_cut" in repairs
    repairs.clear()
    assert clean_labels({"a": 1, "b": ""}, repairs) == {"a": "1"}
    assert repairs == ["label_mended"]


def test_of_too_many_labels_those_that_name_and_rank_an_alert_are_kept() -> None:
    many = {f"A{n:03}": "v" for n in range(200)}
    kept = clean_labels({**many, "alertname": "Many", "severity": "critical", "instance": "web-1"}, [])
    assert len(kept) == MAX_LABELS
    assert (kept["alertname"], kept["severity"], kept["instance"]) == ("Many", "critical", "web-1")
    assert list(kept) == sorted(kept)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": "v" * 5_000 + "1"}, {"a": "v" * 5_000 + "2"}, id="a long value"),
        pytest.param({"a": "v" * 500_000 + "1"}, {"a": "v" * 500_000 + "2"}, id="a huge value"),
        pytest.param(
            {**{f"A{n:03}": "v" for n in range(200)}, "z": "1"},
            {**{f"A{n:03}": "v" for n in range(200)}, "z": "2"},
            id="many",
        ),
    ],
)
def test_what_is_cut_off_still_tells_two_alerts_apart(one: dict[str, str], other: dict[str, str]) -> None:
    found = []
    for sent in (one, other):
        repairs: list[str] = []
        found.append(identity(sent, clean_labels(sent, repairs), repairs))
    assert found[0] != found[1]
    assert all(is_fingerprint(mark) for mark in found)


def test_what_is_cut_keeps_the_fingerprint_that_alertmanager_gives_it() -> None:
    sent = {"alertname": "Long", "text": "v" * 5_000, "empty": ""}
    repairs: list[str] = []
    labels = clean_labels(sent, repairs)
    assert identity(sent, labels, repairs) == fingerprint({"alertname": "Long", "text": "v" * 5_000})


@pytest.mark.parametrize("annotations", [None, [], "x", 7])
def test_annotations_that_are_none_are_empty(annotations: Any) -> None:
    assert clean_annotations(annotations) == {}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("0123456789abcdef", True),
        ("0123456789ABCDEF", False),
        ("", False),
        ("0" * 15, False),
        (5, False),
        (None, False),
    ],
)
def test_a_fingerprint_is_sixteen_hex_digits(text: Any, is_one: bool) -> None:
    assert is_fingerprint(text) == is_one
