"""What a known error may say of itself."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from collectors.labels import Matcher
from knowledge.known_error import KnownError, groups_from_yaml
from tests.knowledge.shelf import entry

NAME = Matcher("alertname", "=", "HostDown")
SITE = Matcher("site", "=~", "b.*")


@pytest.mark.parametrize(
    ("written", "groups"),
    [
        pytest.param(None, (), id="none: found by words only"),
        pytest.param({"alertname": "HostDown"}, ((NAME,),), id="one mapping is one group"),
        pytest.param(["alertname=HostDown", 'site=~"b.*"'], ((NAME, SITE),), id="a list of texts is one group"),
        pytest.param(
            [{"alertname": "HostDown"}, ["site=~b.*"]], ((NAME,), (SITE,)), id="mappings and lists are one group each"
        ),
        pytest.param({"alertname": "HostDown", "site_re": "b.*"}, ((NAME, SITE),), id="within a group all must hold"),
    ],
)
def test_a_match_is_read_as_groups(written: Any, groups: Any) -> None:
    assert groups_from_yaml(written) == groups


@pytest.mark.parametrize(
    ("written", "says"),
    [
        pytest.param("HostDown", "write a mapping of labels", id="a bare text"),
        pytest.param([{"alertname": "A"}, "site=b"], "are mixed", id="a group beside a matcher"),
        pytest.param([3], "write a mapping of labels", id="a number"),
        pytest.param({}, "nearly every alert", id="an empty group holds for all"),
        pytest.param({"site": {"not": "b"}}, "nearly every alert", id="only what it is not"),
        pytest.param({"alertname_re": ".*"}, "nearly every alert", id="a regex for anything"),
        pytest.param([{"alertname": "A"}, {"site_re": "b?"}], "nearly every alert", id="the second of two groups"),
        pytest.param({"alertname_re": "(?<!x)Down"}, "RE2", id="RE2 has no look-behind"),
        pytest.param({"alertname_re": r"(a)\1"}, "RE2", id="RE2 has no back-reference"),
    ],
)
def test_a_match_that_would_hold_for_anything_or_nothing_is_refused(written: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        groups_from_yaml(written)


def test_without_a_workaround_in_either_language_it_is_no_known_error() -> None:
    with pytest.raises(ValidationError, match="no workaround"):
        KnownError(id="a", title="A", root_cause="rust")


def test_a_workaround_in_chinese_alone_is_enough() -> None:
    assert entry("a", workaround="", workaround_zh="重启").text("workaround", "en") == "重启"


@pytest.mark.parametrize(
    ("language", "title", "solution"),
    [
        pytest.param("en", "Disk", "buy one", id="en"),
        pytest.param("zh", "磁盘", "buy one", id="zh falls back to what there is"),
        pytest.param("zh-CN", "磁盘", "buy one", id="a region of zh"),
    ],
)
def test_a_text_comes_in_the_readers_language_if_it_is_written_in_it(language: str, title: str, solution: str) -> None:
    disk = entry("a", title="Disk", title_zh="磁盘", solution="buy one")
    assert (disk.text("title", language), disk.text("solution", language)) == (title, solution)


@pytest.mark.parametrize(
    ("status", "in_force"), [("draft", False), ("reviewed", True), ("published", True), ("retired", False)]
)
def test_drafts_and_retired_ones_are_not_in_force(status: str, in_force: bool) -> None:
    assert entry("a", status=status).in_force is in_force


def test_what_is_not_written_has_a_default() -> None:
    plain = entry("a")
    assert (plain.status, plain.match, plain.review_at, plain.owner) == ("published", (), None, "")


def test_a_date_may_come_as_text_or_as_date() -> None:
    assert entry("a", review_at="2027-03-01").review_at == entry("a", review_at=date(2027, 3, 1)).review_at


def test_it_can_be_written_as_json_and_read_again() -> None:
    disk = entry("a", match=[{"alertname": ["A", "B"], "site_re": "b.*"}, {"alertname_re": "x.*"}])
    assert KnownError.model_validate_json(disk.model_dump_json()) == disk
