"""Why a known error fits can be read at night: label and value, and no regex of three lines."""

import pytest

from knowledge.match import match_predicates, sentence
from knowledge.telling import told
from tests.knowledge.shelf import entry, library

LONG = "(?i)(.*[^a-z])?(nodes?|hosts?|linux|windows|servers)([^a-z].*)?|.*(node|windows).?exporter.*"


def test_a_long_regex_is_told_by_the_value_that_it_found_and_its_beginning() -> None:
    shelf = library(entry("host", match={"alertname": ["InstanceDown", "up"], "job_re": LONG}))
    (found,) = match_predicates([{"alertname": "InstanceDown", "job": "node"}], shelf)
    assert found.why["facts"]["predicates"][1] == f'job=~"{LONG}"', "the exact condition stays where programs read it"
    said = f"job is node, which matches {LONG[:59]}…"
    assert sentence(found.why) == f"alertname is InstanceDown; {said}"
    assert sentence(found.why, "zh") == f"alertname 为 InstanceDown；job 为 node，匹配 {LONG[:59]}…"


@pytest.mark.parametrize(
    ("written", "labels", "english", "chinese"),
    [
        ('site="b"', {"site": "b"}, "site is b", "site 为 b"),
        ('site!="b"', {"site": "c"}, "site is not b", "site 不为 b"),
        ('site!=""', {"site": "c"}, "it has a site", "有 site"),
        ('site=""', {}, "it has no site", "没有 site"),
        ('site=~"b?"', {}, "it has no site, which is allowed", "没有 site，允许如此"),
        ('site!~"a.*"', {"site": "b"}, "site does not match a.*", "site 不匹配 a.*"),
        (
            'site=~"a!=b|c=~d"',
            {"site": "a!=b"},
            "site is a!=b, which matches a!=b|c=~d",
            "site 为 a!=b，匹配 a!=b|c=~d",
        ),
        (r'path="C:\\\"x\""', {"path": r'C:\"x"'}, r'path is C:\"x"', r'path 为 C:\"x"'),
        ('site="{name}"', {"site": "{name}"}, "site is {name}", "site 为 {name}"),
        ("nothing of the kind", {}, "nothing of the kind", "nothing of the kind"),
    ],
)
def test_each_kind_of_condition_has_its_words(written: str, labels: dict[str, str], english: str, chinese: str) -> None:
    facts = {"predicates": [written], "labels": labels}
    assert list(told(facts, chinese=False)) == [english]
    assert list(told(facts, chinese=True)) == [chinese]
    assert list(told({"predicates": [written]}, chinese=False)), "facts of an older row"


def test_a_long_value_is_cut() -> None:
    facts = {"predicates": [f'path="{"a" * 300}"'], "labels": {"path": "a" * 300}}
    (said,) = told(facts, chinese=False)
    assert said == f"path is {'a' * 59}…"
