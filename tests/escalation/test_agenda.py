"""The steps that are still to be taken, and what comes up when."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.agenda import Agenda
from escalation.store import Step
from escalation.timetable import PlannedStep, TimetableStep
from tests.house import START

MINUTE = timedelta(minutes=1)
DEFINITION = TimetableStep.model_validate({"id": "s", "clock": "response", "at": "50%", "tell": ["l1"]})


def step(agenda: Agenda, incident: int, minutes: int | None) -> Step:
    due_at = None if minutes is None else START + minutes * MINUTE
    made = Step(id=agenda.next_id(), incident=incident, planned=PlannedStep(2, DEFINITION, due_at), due_at=due_at)
    agenda.add(made)
    return made


def test_what_has_come_due_comes_up_once_in_the_order_of_its_instants() -> None:
    agenda = Agenda()
    for incident, minutes in ((1, 30), (2, 10), (1, 20), (3, 40)):
        step(agenda, incident, minutes)
    assert agenda.next_due() == START + 10 * MINUTE
    assert agenda.due(START + 9 * MINUTE) == []
    assert agenda.due(START + 30 * MINUTE) == [2, 1]
    assert agenda.due(START + 30 * MINUTE) == []
    assert agenda.next_due() == START + 40 * MINUTE


def test_a_step_whose_clock_stands_never_comes_up_until_it_is_moved() -> None:
    agenda = Agenda()
    made = step(agenda, 1, None)
    assert (agenda.next_due(), agenda.due_of(1)) == (None, None)
    agenda.move(made, START)
    assert agenda.due(START) == [1]
    agenda.move(made, None)
    assert agenda.due_of(1) is None


def test_a_record_is_made_once_and_leaves_the_rest_pending() -> None:
    agenda = Agenda()
    first, second = step(agenda, 1, 1), step(agenda, 1, 2)
    assert agenda.close([first], "paged", START, {"code": "paged"}) == [first]
    assert (first.outcome, first.at, agenda.of(1)) == ("paged", START, [second])
    with pytest.raises(ValueError, match="not in list"):
        agenda.close([first], "cancelled", START, {})
    agenda.close_where(1, lambda s: True, "cancelled", START, {})
    assert (agenda.of(1), agenda.pending) == ([], {})


@given(st.lists(st.tuples(st.integers(1, 4), st.none() | st.integers(0, 50)), max_size=20), st.integers(0, 50))
def test_everything_due_by_a_moment_comes_up_by_then_and_nothing_else(
    made: list[tuple[int, int | None]], minutes: int
) -> None:
    agenda = Agenda()
    for incident, at in made:
        step(agenda, incident, at)
    now: datetime = START + minutes * MINUTE
    assert set(agenda.due(now)) == {i for i, at in made if at is not None and at <= minutes}
    later = [at for _, at in made if at is not None and at > minutes]
    assert agenda.next_due() == (START + min(later) * MINUTE if later else None)
