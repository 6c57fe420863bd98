"""Memories that are bounded tell how full they are, and never of what was not seen."""

from collectors.remembering import Hashes, shared


def test_of_hashes_of_one_place_the_last_is_known() -> None:
    seen = Hashes("test_hashes", 8)
    assert not seen.has(3)
    seen.add(3)
    assert seen.has(3)
    assert not seen.has(11)
    seen.add(11)
    assert seen.has(11)
    assert not seen.has(3)
    assert shared()["test_hashes"] == (1, 8)


def test_a_negative_hash_has_a_place_too() -> None:
    seen = Hashes("test_negative_hashes", 8)
    seen.add(-5)
    assert seen.has(-5)
    assert not seen.has(3)
