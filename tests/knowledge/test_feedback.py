"""What engineers say of a known error is counted, learned from and held against it."""

import pytest

from correlation.rows import columns
from knowledge import feedback as feedback_of
from knowledge.feedback import MOST_ALIASES, Feedback, FeedbackPolicy, Outcome, Tally
from knowledge.match import match_text
from knowledge.store import TallyRow, tally_from, tally_values
from tests.knowledge.shelf import entry, library

USED, PARTLY, FAILED, NOT = Outcome.USED, Outcome.HELPED_PARTLY, Outcome.DID_NOT_WORK, Outcome.NOT_APPLICABLE


def told(*outcomes: Outcome) -> Tally:
    tally = Tally(known_error="one")
    for place, outcome in enumerate(outcomes):
        tally.say(place + 1, outcome, None, f"text {place}")
    return tally


@pytest.mark.parametrize(
    ("outcomes", "demoted"),
    [
        ([FAILED, FAILED], False),
        ([FAILED, FAILED, FAILED], True),
        ([FAILED, FAILED, USED, FAILED], False),
        ([FAILED, USED, FAILED, FAILED, FAILED], True),
        ([FAILED, FAILED, PARTLY, NOT, FAILED], True),
        ([FAILED, FAILED, FAILED, USED], False),
    ],
)
def test_three_failures_demote_and_only_a_use_takes_them_back(outcomes: list[Outcome], demoted: bool) -> None:
    assert told(*outcomes).demoted(FeedbackPolicy()) is demoted


def test_a_site_that_counts_to_nought_demotes_nothing() -> None:
    assert not told(FAILED, FAILED, FAILED).demoted(FeedbackPolicy(demote_after_failures=0))


def test_precision_is_what_helped_of_all_that_was_said_and_nothing_before() -> None:
    assert told().precision is None
    assert told(USED, PARTLY, FAILED, NOT).precision == 0.5


def test_the_last_word_of_an_incident_stands_for_its_earlier_ones() -> None:
    tally = told(USED)
    tally.say(1, FAILED, USED, "text 0")
    assert (tally.used, tally.did_not_work, tally.failures, tally.aliases) == (0, 1, 1, [])
    tally.say(1, NOT, FAILED, "text 0")
    assert (tally.did_not_work, tally.not_applicable, tally.failures) == (0, 1, 0)


@pytest.mark.parametrize(
    ("outcomes", "changed", "into", "failures"),
    [
        ([FAILED, USED, FAILED], 1, NOT, 1),
        ([FAILED, USED, FAILED], 3, NOT, 0),
        ([FAILED, USED, FAILED], 2, PARTLY, 2),
        ([FAILED, USED, FAILED], 2, FAILED, 3),
        ([FAILED, USED, FAILED], 1, USED, 0),
        ([FAILED, FAILED, USED], 1, PARTLY, 0),
    ],
)
def test_a_word_that_is_changed_counts_where_it_was_said(
    outcomes: list[Outcome], changed: int, into: Outcome, failures: int
) -> None:
    tally = told(*outcomes)
    tally.say(changed, into, outcomes[changed - 1], "")
    assert tally.failures == failures


def test_failures_that_an_earlier_release_counted_are_taken_back_one_by_one() -> None:
    as_it_was = dict(zip(columns(TallyRow), tally_values(told(FAILED, FAILED)), strict=True)) | {"said": "[]"}
    tally = tally_from(tuple(as_it_was.values()))
    tally.say(1, NOT, FAILED, "")
    assert tally.failures == 1
    tally.say(3, USED, None, "")
    tally.say(2, PARTLY, FAILED, "")
    assert tally.failures == 0
    assert tally_from(tally_values(tally)) == tally


def test_an_entry_keeps_its_newest_texts_each_once_and_short() -> None:
    tally = told(*[USED] * 25)
    assert tally.aliases == [f"text {place}" for place in range(5, 5 + MOST_ALIASES)]
    tally.say(26, USED, None, " text 7 ")
    assert (len(tally.aliases), tally.aliases[-1]) == (MOST_ALIASES, "text 7")
    tally.say(27, USED, None, "x" * 9000)
    assert len(tally.aliases[-1]) < 1000
    assert told(FAILED, NOT).aliases == []


def test_confirmed_texts_are_replaced_and_never_changed_under_a_ranking() -> None:
    feedback = Feedback()
    feedback.keep(told(USED))
    before = feedback.aliases
    feedback.keep(told(USED, USED))
    assert (before, feedback.aliases) == ({"one": ("text 0",)}, {"one": ("text 0", "text 1")})
    held = feedback.aliases
    feedback.keep(told(USED, USED, FAILED))
    assert feedback.aliases is held


def test_a_library_with_confirmed_texts_finds_by_them_and_the_first_one_stays_as_it_was() -> None:
    shelf = library(entry("spool", title="print queue"), entry("fan", title="fan broken"), entry("ups", title="ups"))
    text = "cashiers wait for receipts"
    assert match_text(text, shelf) == []
    assert [m.id for m in match_text(text, shelf.with_aliases({"spool": (text,)}))] == ["spool"]
    assert match_text(text, shelf) == []


def test_a_word_that_an_incident_takes_back_counts_no_more() -> None:
    feedback = Feedback()
    for _ in range(2):
        feedback.judge("spool", "disk 1 full", Outcome.NOT_APPLICABLE)
    assert feedback.turned_down("spool", "disk 2 full")
    assert not feedback.turned_down("spool", "printer")
    feedback.judge("spool", "disk 3 full", Outcome.DID_NOT_WORK, before=Outcome.NOT_APPLICABLE)
    assert not feedback.turned_down("spool", "disk 2 full")


def test_what_was_turned_down_is_remembered_for_so_much_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback_of, "_MOST_TURNED_DOWN", 3)
    feedback = Feedback()
    for text in ("ups", "fan", "disk", "node"):
        for _ in range(2):
            feedback.judge("spool", text, Outcome.NOT_APPLICABLE)
    assert [feedback.turned_down("spool", text) for text in ("ups", "fan", "disk", "node")] == [False, True, True, True]
