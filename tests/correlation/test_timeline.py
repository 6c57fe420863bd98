"""A chain of evidence finds what was done to it, and says to which row."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from correlation.timeline import TIMELINE, Chain, Kept, content_digest, verify

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def chained(count: int) -> tuple[list[Kept], Chain]:
    """Rows of a timeline, and the head behind them."""
    chain, rows = Chain(TIMELINE), []
    for number in range(1, count + 1):
        content = (
            number,
            number % 7,
            AT + timedelta(seconds=number),
            "note",
            f"p{number % 3}",
            f'{{"text":"{number}"}}',
        )
        rows.append(Kept(*content, *chain.add(f"{number:032x}", *content)))
    return rows, chain


def accused(rows: list[Kept], head: Chain) -> set[int]:
    return {fault.row for fault in verify(head, rows, {})}


def test_what_was_written_is_whole() -> None:
    rows, head = chained(50)
    assert verify(head, rows, {}) == []
    assert verify(Chain(TIMELINE), [], {}) == []


def test_the_same_rows_and_salts_give_the_same_links() -> None:
    assert chained(20)[0] == chained(20)[0]


def test_two_hundred_rows_tampered_with_are_two_hundred_rows_found() -> None:
    rows, head = chained(300)
    draw = random.Random(7)
    for _ in range(200):
        place = draw.randrange(1, 299)
        row, after = rows[place], rows[place + 1]
        done = {
            "text": [*rows[:place], row._replace(facts='{"text":"x"}'), *rows[place + 1 :]],
            "actor": [*rows[:place], row._replace(actor="nobody"), *rows[place + 1 :]],
            "moment": [*rows[:place], row._replace(at=row.at + timedelta(microseconds=1)), *rows[place + 1 :]],
            "moved to another incident": [*rows[:place], row._replace(incident=99), *rows[place + 1 :]],
            "deleted": [*rows[:place], *rows[place + 1 :]],
            "changed places": [*rows[:place], after._replace(id=row.id), row._replace(id=after.id), *rows[place + 2 :]],
            "erased unseen": [*rows[:place], row._replace(facts="{}", erased_by=4), *rows[place + 1 :]],
        }
        for how, tampered in done.items():
            assert row.id in accused(tampered, head), (how, row.id)
            assert accused(tampered, head) <= {row.id, after.id, after.id + 1}, how


def test_a_row_put_in_and_a_row_put_behind_are_found() -> None:
    rows, head = chained(10)
    forged = rows[4]._replace(facts='{"text":"forged"}')
    forged = forged._replace(digest=content_digest(forged.salt, forged.actor, forged.facts))
    assert 5 in accused([*rows[:5], forged, *rows[5:]], head)
    longer, _ = chained(11)
    assert accused(longer, head) == {11}


def test_a_row_sealed_anew_does_not_fit_the_row_behind_it() -> None:
    rows, head = chained(10)
    chain = Chain(TIMELINE, 4, rows[3].link)
    content = (5, rows[4].incident, rows[4].at, "note", "ana", '{"text":"forged"}')
    rows[4] = Kept(*content, *chain.add(rows[4].salt, *content))
    assert accused(rows, head) == {6}


@given(st.integers(0, 9))
def test_a_tail_that_was_cut_off_is_found(left: int) -> None:
    rows, head = chained(10)
    (fault,) = verify(head, rows[:left], {})
    assert (fault.row, "cut off" in fault.text) == (left + 1, True)


def test_a_chain_written_anew_from_some_row_on_does_not_fit_its_head() -> None:
    rows, head = chained(10)
    chain = Chain(TIMELINE, 4, rows[3].link)
    again = [Kept(*r[:6], *chain.add("0" * 32, *r[:6])) for r in rows[4:]]
    assert accused([*rows[:4], *again], head) == {10}


def test_a_head_that_was_let_go_of_stays_verifiable() -> None:
    rows, head = chained(10)
    pruned = Chain(TIMELINE, head.last_id, head.last_link, 4, rows[3].link)
    assert verify(pruned, rows[4:], {}) == []
    assert accused(rows[5:], pruned) == {5}


def test_an_erasure_that_is_on_the_record_leaves_the_chain_whole() -> None:
    rows, head = chained(10)
    erased = rows[4]._replace(actor="erased-1", facts="{}", salt="new", erased_by=7)
    rows[4] = erased
    vouched = {7: {"5": content_digest("new", "erased-1", "{}")}}
    assert verify(head, rows, vouched) == []
    rows[4] = erased._replace(facts='{"text":"forged"}')
    assert {f.row for f in verify(head, rows, vouched)} == {5}
