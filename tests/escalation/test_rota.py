"""What people lay over the rota."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from escalation.oncall import Schedule, on_call, shifts
from escalation.rota import Handover, RotaChange, check_change, check_relieved, laid, next_handover

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROTA = Schedule.model_validate(
    {
        "group": "g",
        "time_zone": "Europe/Berlin",
        "layers": [{"people": ["ana", "luis"], "every": "7d", "handover": "Mon 09:00"}],
    }
)


def change(person: str = "wei", replaces: str | None = None, **more: object) -> RotaChange:
    values = {
        "id": "1",
        "schedule": "sys",
        "from_at": NOW,
        "until": NOW + HOUR,
        "author": "ana",
        "reason": "ill",
        "created_at": NOW,
        **more,
    }
    return RotaChange(person=person, replaces=replaces, **values)  # type: ignore[arg-type]


def test_the_newest_change_lies_on_top_and_what_was_taken_back_before_it_began_is_gone() -> None:
    first = change("wei", "ana", id="b", created_at=NOW - HOUR)
    second = change("zoe", "wei", id="a")
    never = change("eva", "zoe", id="c", until=NOW)
    over = laid([second, never, first])
    assert [o.person for o in over["sys"]] == ["wei", "zoe"]
    assert on_call(ROTA, NOW, over["sys"])[0] == ("zoe" if on_call(ROTA, NOW)[0] == "ana" else "luis")


@pytest.mark.parametrize(
    ("who", "roles", "may"),
    [
        ("wei", "l1", True),
        ("ana", "l1", True),
        ("pat", "pm", True),
        ("luis", "l1", False),
        ("root", "ops", False),
        ("dora", "dept_manager", False),
    ],
)
def test_the_two_people_and_pm_change_the_rota(who: str, roles: str, may: bool) -> None:
    actor = Actor(who, frozenset({roles}))
    if may:
        check_change(actor, change("wei", "ana"), ROTA)
    else:
        with pytest.raises(Forbidden, match=r"two people \(ana and wei\) or by pm"):
            check_change(actor, change("wei", "ana"), ROTA)


def test_whoever_is_first_is_one_of_the_two_where_nobody_is_named() -> None:
    first, second = on_call(ROTA, NOW)
    check_change(Actor(first, frozenset({"l1"})), change("wei"), ROTA)
    with pytest.raises(Forbidden):
        check_change(Actor(second, frozenset({"l1"})), change("wei"), ROTA)


@pytest.mark.parametrize(
    ("sunday", "lasts"),
    [pytest.param("2027-03-28", 23, id="the clock goes forward"), pytest.param("2027-10-31", 25, id="and back")],
)
def test_an_override_over_a_change_of_the_clock_leaves_no_gap_and_no_moment_twice(sunday: str, lasts: int) -> None:
    """The handover at half past two does not exist on one night, and comes twice on the other."""
    layers = [{"people": ["ana", "luis"], "every": "1d", "handover": "Mon 02:30"}]
    rota = Schedule.model_validate({"group": "g", "time_zone": "Europe/Berlin", "layers": layers})
    zone = ZoneInfo("Europe/Berlin")
    begins = datetime.fromisoformat(f"{sunday}T00:00:00").replace(tzinfo=zone).astimezone(UTC)
    ends = begins + lasts * HOUR
    over = laid([change("wei", first_at(rota, begins), from_at=begins, until=ends)])["sys"]
    found = shifts(rota, begins - HOUR, ends + HOUR, over)
    assert [(a.until, a.person) for a in found[:-1]] == [(b.from_at, a.person) for a, b in pairwise(found)]
    assert (found[0].from_at, found[-1].until) == (begins - HOUR, ends + HOUR)
    assert all(shift.person is not None for shift in found)
    stood_in = sum((s.until - s.from_at for s in found if s.person == "wei"), timedelta())
    before_handover = timedelta(hours=2, minutes=30) - (timedelta(hours=0.5) if lasts == 23 else timedelta())
    assert stood_in == before_handover


def first_at(rota: Schedule, at: datetime) -> str:
    return on_call(rota, at)[0]


def test_who_is_relieved_is_on_call_then() -> None:
    gone = laid([change("wei", "ana", until=NOW + 24 * HOUR)])["sys"]
    with pytest.raises(Missing, match="ana is not on call then: at 2027-03-01 12:00 UTC that is luis"):
        check_relieved(change("zoe", "ana"), ROTA, gone)
    check_relieved(change("zoe", "wei"), ROTA, gone)
    check_relieved(change("zoe", "ana", until=NOW + 25 * HOUR), ROTA, gone)
    check_relieved(change("zoe", "ana", until=None), ROTA, gone)


def test_the_next_handover_is_told_with_both_people_and_keeps_its_hour_over_a_clock_change() -> None:
    before = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)
    found = next_handover("sys", ROTA, before)
    leaves, comes = on_call(ROTA, before)
    assert found == Handover(schedule="sys", at=datetime(2027, 3, 29, 7, 0, tzinfo=UTC), leaves=leaves, comes=comes)


def test_an_override_is_handed_over_too_and_a_rota_of_one_never_is() -> None:
    over = laid([change("wei", until=NOW + 2 * HOUR)])["sys"]
    found = next_handover("sys", ROTA, NOW, over)
    assert found is not None
    assert (found.at, found.leaves) == (NOW + 2 * HOUR, "wei")
    alone = Schedule.model_validate({"group": "g", "time_zone": "UTC", "layers": [{"people": ["ana"], "every": "1d"}]})
    assert next_handover("sys", alone, NOW) is None
