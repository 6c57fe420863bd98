"""How sure a ranking is, by what it looks like."""

from knowledge.confidence import Signs, confidence

SURE = Signs(0.5, 0.7, 1.6, 3.9, 0.6, 0.0, meaning=0.6, agreement=1.0, score=1.5, crowd=0.06)


def test_a_lead_that_stands_on_a_single_word_makes_nothing_surer() -> None:
    alone = SURE._replace(single=1.0)
    assert confidence(SURE) - confidence(SURE._replace(lead=0.1)) > 0.1
    assert abs(confidence(alone) - confidence(alone._replace(lead=0.1))) < 0.02


def test_many_shared_words_make_surer_only_where_meaning_points_to_the_same_entry() -> None:
    few = SURE._replace(words=0.7)
    assert confidence(SURE, with_meaning=True) > confidence(few, with_meaning=True) + 0.01
    apart, few_apart = SURE._replace(agreement=0.0), few._replace(agreement=0.0)
    assert confidence(apart, with_meaning=True) == confidence(few_apart, with_meaning=True)


def test_where_a_second_entry_fits_as_well_nothing_is_said() -> None:
    for with_meaning in (False, True):
        assert confidence(SURE._replace(lead=0.0), with_meaning=with_meaning) < 0.5
