"""What the courier tells of a page that does not arrive."""

from agent.loops.courier import is_told


def test_of_a_day_of_attempts_at_one_page_eleven_are_told_the_first_ones_soon() -> None:
    assert [n for n in range(1, 1441) if is_told(n)] == [2**n for n in range(11)]
