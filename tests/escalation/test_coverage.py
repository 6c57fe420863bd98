"""What a rota lacks, ahead of time."""

from datetime import UTC, datetime, timedelta

from escalation.coverage import HORIZON, holes
from escalation.oncall import Override, Schedule
from escalation.rota import next_handover

NOW = datetime(2027, 3, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def office(**more: object) -> Schedule:
    layer = {"people": ["ana", "luis"], "every": "1d", "handover": "09:00", "hours": "09:00-18:00"}
    return Schedule.model_validate({"group": "g", "time_zone": "UTC", "layers": [layer], **more})


def test_a_schedule_of_office_hours_has_a_hole_each_night() -> None:
    found = holes({"office": office()}, NOW, NOW + WEEK)
    assert [(h.schedule, h.shift, h.has, h.needs) for h in found] == [("office", None, 0, 1)] * 8
    assert (found[1].from_at, found[1].until) == (NOW.replace(hour=18), NOW.replace(day=2, hour=9))


def test_who_stands_in_by_a_row_fills_the_hole() -> None:
    nights = [Override(person="wei", from_at=NOW, until=NOW + WEEK, replaces=None)]
    assert holes({"office": office()}, NOW, NOW + WEEK, {"office": nights}) == []


def test_a_shift_with_too_few_is_a_hole_though_somebody_is_on_call() -> None:
    rota = office(
        shifts={"day": {"hours": "08:00-20:00", "days": ["Mon"], "min_staff": 2}},
        layers=[{"people": ["ana"], "every": "7d"}, {"people": ["luis", "wei"], "every": "7d", "shift": "day"}],
    )
    (hole,) = holes({"desk": rota}, NOW, NOW + WEEK)
    assert hole == ("desk", "day", NOW.replace(hour=8), NOW.replace(hour=20), 1, 2)


def test_turns_of_a_second_are_not_looked_at_one_by_one_where_there_are_no_shifts() -> None:
    layer = {"people": ["ana", "ben"], "every": "1s"}
    rota = Schedule.model_validate({"group": "g", "time_zone": "UTC", "layers": [layer]})
    assert holes({"quick": rota}, NOW, NOW + 100 * HORIZON) == []  # half a billion turns: else it would not end
    handover = next_handover("quick", rota, NOW)
    assert (handover.at - NOW if handover else None) == timedelta(seconds=1)
