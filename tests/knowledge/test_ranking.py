"""Entries are ranked by what they share with a text, and the rest of a large library costs no time."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import ranking
from knowledge.known_error import KnownError
from knowledge.library import Library
from knowledge.ranking import WordIndex, alert_names
from knowledge.words import words
from tests.knowledge.shelf import entry


def test_a_rare_word_counts_more_than_a_common_one_and_a_title_more_than_a_solution() -> None:
    index = WordIndex(
        [
            entry("rare", title="replication node"),
            entry("common", title="certificate node"),
            entry("other", title="node", solution="replication"),
        ]
    )
    found = index.find("replication of a node")
    assert [shared.entry.id for shared in found.shared] == ["rare", "other", "common"]
    assert index.words_of(found.shared[0], found)[0] == "replic"


def test_of_two_that_share_as_much_the_first_by_id_comes_first() -> None:
    index = WordIndex([entry("b", title="ups battery"), entry("a", title="ups battery"), entry("c", title="fan ups")])
    assert [shared.entry.id for shared in index.find("battery ups").shared] == ["a", "b", "c"]


def test_a_question_about_something_else_is_covered_little() -> None:
    index = WordIndex([entry("ups", title="ups battery"), entry("net", title="switch port")])
    asked, strange = index.find("ups battery"), index.find("ups battery delivery invoice purchase supplier")
    assert strange.told / strange.asked < asked.told / asked.asked / 1.5


def test_an_entry_is_found_by_the_aliases_of_its_id_and_of_the_alerts_it_names() -> None:
    entries = [entry("a", match={"alertname": ["One", "Two"]}), entry("b", match={"alertname_re": "Tw.*"}), entry("c")]
    index = WordIndex(entries, {"Two": ["磁盘快满"], "c": ["paper jam"]})
    assert [shared.entry.id for shared in index.find("磁盘快满了").shared] == ["a"]
    assert [shared.entry.id for shared in index.find("jam of paper").shared] == ["c"]
    assert alert_names(entries[0]) == ["One", "Two"]


def test_a_common_word_counts_for_what_a_rare_one_found_in_a_large_library() -> None:
    many = [entry(f"n{n:05}", title="disk trouble") for n in range(8_000)]
    index = WordIndex([*many, entry("z", title="disk enclosure"), entry("a", title="enclosure")])
    found = index.find("disk enclosure")
    assert [shared.entry.id for shared in found.shared] == ["z", "a"]
    words_of = index.words_of(found.shared[0], found)
    assert set(words_of) == {"disk", "enclosure"} or len(words_of) >= 2


def test_a_question_says_the_whole_of_a_title_or_of_an_alias_or_a_part() -> None:
    shelf = Library(
        [entry("fan", title="Chassis fan failed"), entry("psu", title="Power")], {"fan": ["fan stands still"]}
    )
    fan = next(one for one in shelf if one.id == "fan")
    assert shelf.words.cover(fan, words("node 7: chassis fan failed again")) == 1
    assert shelf.words.cover(fan, words("again a fan stands still")) == 1, "of its names the fullest"
    assert 0 < shelf.words.cover(fan, words("a fan is loud")) < 1
    assert shelf.words.cover(fan, words("电源")) == 0


def test_an_empty_library_finds_nothing() -> None:
    assert list(WordIndex([]).find("disk").shared) == []


PIECES = ("disk full", "ups battery", "磁盘快满", "certificate expires soon", "node", "replica lag")
PIECE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map(" ".join)


@given(
    st.lists(PIECE, min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 9), PIECE, st.booleans()), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 9), PIECE), max_size=3),
    PIECE,
)
def test_a_library_that_was_changed_finds_what_one_made_anew_finds(
    titles: list[str], changes: list[tuple[int, str, bool]], confirmed: list[tuple[int, str]], asked: str
) -> None:
    entries = {f"e{n}": entry(f"e{n}", title=title, match={"alertname": "A"}) for n, title in enumerate(titles)}
    changed = Library(entries.values(), {"A": ["power"]})
    _ = changed.words
    for number, title, in_force in changes:
        one = entry(f"e{number}", title=title, status="published" if in_force else "retired")
        entries[one.id] = one
        changed = changed.with_entries([one])
        if in_force:
            _ = changed.words
    aliases = {f"e{number}": (text,) for number, text in confirmed}
    changed = changed.with_aliases(aliases)

    anew = Library(entries.values(), {"A": ("power",), **aliases}).words.find(asked)

    found = changed.words.find(asked)
    assert {one.entry.id for one in found.shared} == {one.entry.id for one in anew.shared}
    assert found.known == anew.known
    assert found.rarity == anew.rarity


def test_after_an_entry_was_written_or_confirmed_the_words_of_it_alone_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shelf = Library(entry(f"e{n}", title=f"trouble {n}") for n in range(50))
    _ = shelf.words
    counted: list[str] = []
    texts = ranking._texts

    def noted(one: KnownError, aliases: ranking.Aliases) -> Iterator[tuple[str, float]]:
        counted.append(one.id)
        return texts(one, aliases)

    monkeypatch.setattr(ranking, "_texts", noted)

    written = shelf.with_entries([entry("new", title="the spool is full"), entry("e3", title="no paper")])
    confirmed = written.with_aliases({"e5": ("jam of paper",)})

    assert [one.entry.id for one in confirmed.words.find("paper").shared] == ["e3", "e5"]
    assert [one.entry.id for one in confirmed.words.find("spool").shared] == ["new"]
    assert sorted(counted) == ["e3", "e3", "e5", "e5", "new"]  # what was taken out, and what was put in
    assert not shelf.words.find("spool").shared


def test_an_entry_that_is_edited_again_and_again_leaves_no_index_that_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "_MOST_GONE", 5)
    shelf = Library(entry(f"e{n}", title=f"trouble {n}") for n in range(3))
    for number in range(100):
        _ = shelf.words
        shelf = shelf.with_entries([entry("e1", title=f"disk {number}")])

    assert len(shelf.words._entries) <= 10
    assert [one.entry.id for one in shelf.words.find("disk").shared] == ["e1"]
