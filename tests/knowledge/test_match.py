"""Predicates decide first, then words; what is not known is not said."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.library import Library
from knowledge.match import Match, match_predicates, match_text, rank, sentence
from tests.knowledge.shelf import entry, library, shipped

SHELF = Library(shipped().values())


def ids(found: list[Match]) -> list[str]:
    return [one.id for one in found]


def test_the_more_specific_predicate_comes_first() -> None:
    shelf = library(
        entry("label", match={"site": "b"}),
        entry("regex", match={"alertname_re": "Host.*"}),
        entry("name", match={"alertname": "HostDown"}),
        entry("name-and-site", match={"alertname": "HostDown", "site": "b"}),
    )
    found = match_predicates([{"alertname": "HostDown", "site": "b"}], shelf)
    assert [(one.id, one.confidence) for one in found] == [
        ("name-and-site", 0.96),
        ("name", 0.95),
        ("regex", 0.9),
        ("label", 0.85),
    ]


def test_one_alert_of_an_incident_is_enough_and_its_best_group_counts() -> None:
    shelf = library(entry("host", match=[{"alertname_re": "Host.*"}, {"alertname": "HostDown"}]))
    found = match_predicates([{"alertname": "Other"}, {"alertname": "HostX"}, {"alertname": "HostDown"}], shelf)
    assert [(one.id, one.confidence) for one in found] == [("host", 0.95)]


def test_within_a_group_every_matcher_must_hold() -> None:
    shelf = library(entry("host", match={"alertname": "HostDown", "site": "b"}))
    assert match_predicates([{"alertname": "HostDown", "site": "c"}, {"site": "b"}], shelf) == []


def test_the_reason_names_what_was_found_and_not_the_whole_list() -> None:
    shelf = library(entry("host", match={"alertname": ["HostDown", "NodeDown"], "job_re": "n.*", "e": {"not": "d"}}))
    (found,) = match_predicates([{"alertname": "NodeDown", "job": "node"}], shelf)
    assert found.why == {
        "code": "predicate",
        "facts": {
            "predicates": ['alertname="NodeDown"', 'job=~"n.*"', 'e!="d"'],
            "labels": {"alertname": "NodeDown", "job": "node"},
        },
    }
    assert json.loads(json.dumps(found.why)) == found.why


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_drafts_and_retired_ones_do_not_match(status: str) -> None:
    shelf = library(entry("ups", title="ups battery swollen", match={"alertname": "A"}, status=status))
    assert match_predicates([{"alertname": "A"}], shelf) == []
    assert match_text("ups battery swollen", shelf) == []


def test_words_are_never_as_sure_as_the_weakest_predicate() -> None:
    shelf = library(
        entry("raid", title="Power", match={"site": "b"}),
        entry("array", title="md array of the raid controller is degraded after a disk failed"),
        *(entry(f"net{n}", title=f"switch port {n}") for n in range(9)),
    )
    (by_predicate,) = match_predicates([{"site": "b"}], shelf)
    (by_words,) = match_text("the md array of the raid controller is degraded after a disk failed", shelf)
    assert (by_predicate.id, by_words.id) == ("raid", "array")
    assert by_words.confidence == 0.8 < by_predicate.confidence


@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param("The replica lags behind the primary", "replication-lag", id="en"),
        pytest.param("/var: no inodes left on the filesystem", "inodes-exhausted", id="en, from a log"),
        pytest.param("从库同步延迟", "replication-lag", id="zh"),
        pytest.param("机房湿度过高", "room-humidity", id="zh, room"),
        pytest.param("市电中断,UPS 转电池供电", "ups-on-battery", id="zh and latin words together"),
    ],
)
def test_words_find_what_is_told_in_other_words(text: str, first: str) -> None:
    found = rank(text, SHELF)
    assert ids(found)[0] == first
    assert all(0 <= one.confidence <= 1 for one in found)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("what is it and why does it not work any more", id="stop words only"),
        pytest.param("please help, there is a problem with the system", id="a call for help"),
        pytest.param("请问这个系统为什么不能使用了", id="zh stop words only"),
        pytest.param("The coffee machine on the third floor leaks", id="nothing of ours"),
        pytest.param("printer in room 304 shows paper jam", id="one shared word is none"),
        pytest.param("食堂明天的菜单是什么", id="zh, nothing of ours"),
        pytest.param("battery", id="one word says too little"),
    ],
)
def test_nothing_is_said_where_nothing_fits(text: str) -> None:
    assert match_text(text, SHELF) == []


def test_the_limit_holds() -> None:
    shelf = library(*(entry(f"e{n}", title="ups battery") for n in range(9)))
    assert ids(rank("ups battery", shelf, limit=3)) == ["e0", "e1", "e2"]


def test_two_entries_that_fit_as_well_are_told_apart_by_nothing_and_not_said() -> None:
    shelf = library(*(entry(f"e{n}", title="ups battery swollen") for n in range(3)))
    assert match_text("ups battery", shelf) == []


def test_nothing_is_said_where_a_text_is_rather_about_an_alert_that_no_entry_is_for_until_one_is() -> None:
    aliases = {"BrokerNoLeader": ["the partitions of a broker are without a leader"]}
    others = [entry(f"other-{word}", title=f"the {word} is worn out") for word in ("belt", "valve", "filter", "hinge")]
    alone = Library([entry("ring", title="the ring is without a leader", match={"alertname": "RingNoLeader"}), *others])
    known = Library(alone, aliases)
    foreign, own = "seven partitions of broker 3 are without a leader", "the ring of db-3 is without a leader"
    assert [found.id for found in match_text(foreign, alone)] == ["ring"]
    assert match_text(foreign, known) == []
    assert [found.id for found in match_text(own, known)] == ["ring"]

    named = entry("broker", title="a broker lost its leader", match={"alertname": ["Other", "BrokerNoLeader"]})
    for whole in (known.with_entries([named]), Library([*known, named], aliases)):
        assert [found.id for found in match_text(foreign, whole)] == ["broker"]
    retired = named.model_copy(update={"status": "retired"})
    assert match_text(foreign, known.with_entries([named]).with_entries([retired])) == []


def test_whoever_is_near_in_meaning_comes_first_though_no_word_is_shared() -> None:
    shelf = library(entry("disk", title="file system full"), entry("ups", title="battery"))
    found = rank("没有空间了", shelf, likeness={"disk": 0.9, "ups": 0.1})
    assert ids(found) == ["disk", "ups"]
    assert found[0].why["facts"] == {"words": [], "share": 0.0, "meaning": 0.9}
    assert sentence(found[0].why, "en") == "The text is near to it in meaning"
    assert sentence(found[0].why, "zh") == "意思相近"


ANYTHING = st.text(st.characters(exclude_categories=()), max_size=80)


def test_a_text_that_is_near_to_everything_in_meaning_is_less_sure_of_the_nearest() -> None:
    near = "ups-on-battery"
    text = "utility power is gone and the UPS runs on its battery"
    apart = {one.id: 0.6 if one.id == near else 0.0 for one in SHELF}
    crowded = {one.id: 0.6 if one.id == near else 0.1 for one in SHELF}

    sure = [rank(text, SHELF, 1, likeness)[0] for likeness in (apart, crowded)]

    assert [found.id for found in sure] == [near, near]
    assert sure[0].confidence > sure[1].confidence


@example({"alertname": "\ud800"}, "\ud800 ups")
@given(st.dictionaries(st.sampled_from(["alertname", "job", "x"]), ANYTHING), ANYTHING)
def test_matching_never_raises_on_any_text_and_says_the_same_again(labels: dict[str, str], text: str) -> None:
    assert match_predicates([labels], SHELF) == match_predicates([labels], SHELF)
    assert rank(text, SHELF) == rank(text, SHELF)


def test_half_of_a_surrogate_pair_in_one_label_hides_no_match() -> None:
    shelf = library(entry("host", match={"alertname": "HostDown"}), entry("job", match={"job_re": "a.*"}))
    assert ids(match_predicates([{"alertname": "HostDown", "job": "a\ud800"}], shelf)) == ["host", "job"]


def test_the_order_of_files_and_alerts_changes_nothing() -> None:
    other = Library(reversed(list(shipped().values())))
    alerts = [{"alertname": "InstanceDown", "job": "node"}, {"alertname": "UpsPower"}, {"alertname": "DiskSpaceLow"}]
    text = "database replication connections certificate expires"
    assert match_predicates(alerts, SHELF) == match_predicates(alerts[::-1], other)
    assert rank(text, SHELF, 9) == rank(text, other, 9)


WORDS = {"code": "words", "facts": {"words": ["ups", "battery"], "share": 0.7}}
HELD = {
    "code": "predicate",
    "facts": {"predicates": ['alertname="A"', 'job=~"b.*"'], "labels": {"alertname": "A", "job": "b-1"}},
}


@pytest.mark.parametrize(
    ("why", "language", "says"),
    [
        pytest.param(HELD, "en", "alertname is A; job is b-1, which matches b.*", id="predicate, en"),
        pytest.param(HELD, "zh", "alertname 为 A；job 为 b-1，匹配 b.*", id="predicate, zh"),
        pytest.param(WORDS, "en", "The text shares these words with it: ups, battery", id="words, en"),
        pytest.param(WORDS, "zh-CN", "文字相近，共有的词：ups、battery", id="words, zh"),
        pytest.param({"code": "later"}, "en", "later", id="a code of a later release"),
    ],
)
def test_a_reason_is_told_in_the_readers_language(why: dict[str, object], language: str, says: str) -> None:
    assert sentence(why, language) == says


def test_one_piece_of_chinese_is_no_more_than_one_word_however_many_pairs_it_gives() -> None:
    shelf = library(
        entry("api", title="API server is down", title_zh="接口服务器宕机", symptoms_zh="客户端连不上"),
        *(entry(f"net{n}", title=f"switch port {n}", title_zh="交换机端口") for n in range(9)),
    )
    assert ids(rank("VPN 连不上", shelf))[0] == "api"
    assert match_text("VPN 连不上", shelf) == []
