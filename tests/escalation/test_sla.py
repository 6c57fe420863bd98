"""Targets, pauses and clocks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from correlation.calendar import ALWAYS, BusinessCalendar, Calendar
from correlation.incident import State
from escalation.sla import (
    STOPPED,
    Pause,
    SlaPolicy,
    Target,
    comes_at,
    due,
    elapsed,
    explain,
    falls_due,
    fold,
    stopped_at,
)
from tests.moments import HOUR, MINUTE, PROPERTY

START = datetime(2026, 3, 2, 2, tzinfo=UTC)
"""Monday, 10:00 in Shanghai."""
BUSINESS = BusinessCalendar(time_zone="Asia/Shanghai")
NOTHING = timedelta()


def at(hours: float) -> datetime:
    return START + hours * HOUR


def pauses(*edges: float | None) -> tuple[Pause, ...]:
    return tuple(Pause(at(a or 0), None if b is None else at(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))


def history(*entries: tuple[float, str]) -> list[tuple[datetime, str]]:
    return [(at(hours), state) for hours, state in entries]


PACK = {
    "default": {
        1: {"response": "30m", "resolve": "4h", "customer_update": "30m", "calendar": "24x7"},
        2: {"response": "1h", "resolve": "8h", "customer_update": "1h", "calendar": "24x7"},
        3: {"response": "4h", "resolve": "48h", "customer_update": "daily", "calendar": "24x7"},
        4: {"response": "8h", "resolve": "72h", "customer_update": "daily", "calendar": "24x7"},
    },
    "pause_in": ["pending_customer"],
    "snapshot_on_incident": True,
    "duty_confirm": "10m",
    "post_report_after_resolve": "24h",
    "complaint": {"react": "1h", "answer": "3h", "solve": "72h"},
}


def test_the_table_of_the_procedure_is_read_as_it_stands() -> None:
    policy = SlaPolicy.model_validate(PACK)
    assert policy.target(1) == Target(response=30 * MINUTE, resolve=4 * HOUR, customer_update=30 * MINUTE)
    assert policy.target(3).customer_update == "daily"
    assert policy.complaint.solve == 72 * HOUR
    assert SlaPolicy.model_validate(policy.model_dump(mode="json")) == policy


def test_a_target_may_be_as_short_as_a_second() -> None:
    assert Target.model_validate({"response": "1s", "resolve": "2s"}).response == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"default": {1: PACK["default"][1]}}, "severity 2, 3, 4 has no target", id="a hole"),  # type: ignore[index]
        pytest.param(
            {"default": {**PACK["default"], 5: PACK["default"][1]}},  # type: ignore[dict-item,index]
            "severity 5 does not exist",
            id="a fifth",
        ),
        pytest.param({"pause_in": ["waiting"]}, "pending_customer", id="no such state"),
        pytest.param({"duty_confirm": "0"}, "greater than", id="no time at all"),
        pytest.param({"duty_confirm": "ten minutes"}, "write 30s", id="no span"),
        pytest.param({"pauses_in": []}, "Extra inputs", id="a misspelt key"),
        pytest.param({"snapshot_on_incident": False}, "should be True", id="what an incident was opened with"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SlaPolicy.model_validate({**PACK, **change})


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([(0, "new"), (1, "in_progress")], (), id="no pause"),
        pytest.param([(0, "new"), (1, "pending_customer")], pauses(1, None), id="open"),
        pytest.param([(0, "new"), (1, "pending_customer"), (3, "in_progress")], pauses(1, 3), id="over"),
        pytest.param([(0, "new"), (1, "pending_vendor"), (3, "in_progress")], (), id="a vendor does not pause"),
        pytest.param([(0, "new"), (1, "pending_change"), (3, "in_progress")], (), id="a change does not pause"),
        pytest.param([(0, "new"), (1, "sales_decision"), (3, "new")], pauses(1, 3), id="sales decide"),
        pytest.param([(0, "new"), (1, "sales_decision")], pauses(1, None), id="sales are deciding"),
        pytest.param([(0, "in_progress"), (1, "resolved")], (), id="stopped, not paused"),
        pytest.param([(0, "in_progress"), (1, "resolved"), (2, "pending_review")], (), id="still stopped"),
        pytest.param(
            [(0, "in_progress"), (1, "resolved"), (2, "pending_review"), (5, "in_progress")],
            pauses(1, 5),
            id="back to work: the clock goes on where it stood",
        ),
        pytest.param(
            [(0, "pending_customer"), (1, "resolved"), (5, "in_progress"), (6, "pending_customer")],
            pauses(0, 5, 6, None),
            id="neighbours are one",
        ),
        pytest.param([(0, "pending_customer"), (1, "cancelled")], pauses(0, 1), id="the end closes a pause"),
        pytest.param([(0, "new"), (1, "pending_customer"), (1, "in_progress")], (), id="of no length"),
        pytest.param([], (), id="nothing happened"),
    ],
)
def test_pauses_are_folded_from_the_history(entries: list[tuple[float, str]], expected: tuple[Pause, ...]) -> None:
    assert fold(history(*entries), ["pending_customer"]) == expected


def test_what_pauses_is_the_policys_to_say() -> None:
    entries = history((0, "in_progress"), (1, "pending_vendor"), (2, "in_progress"), (3, "pending_customer"))
    assert fold(entries, ["pending_vendor"]) == pauses(1, 2)
    assert fold(entries, []) == ()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([(0, "new"), (1, "in_progress")], None, id="at work"),
        pytest.param([(0, "in_progress"), (1, "resolved"), (2, "pending_review")], 1, id="since the first stop"),
        pytest.param([(0, "resolved"), (1, "in_progress")], None, id="back to work"),
        pytest.param([(0, "in_progress"), (1, "pending_customer")], None, id="paused, not stopped"),
    ],
)
def test_the_stop_of_a_clock_is_the_first_stopped_state(
    entries: list[tuple[float, str]], expected: float | None
) -> None:
    assert stopped_at(history(*entries)) == (None if expected is None else at(expected))


@pytest.mark.parametrize(
    ("calendar", "span", "held", "expected"),
    [
        pytest.param(ALWAYS, 4, (), 4, id="plain"),
        pytest.param(ALWAYS, 4, (1, 3), 6, id="a pause is added"),
        pytest.param(ALWAYS, 4, (1, 2, 3, 5), 7, id="two pauses"),
        pytest.param(ALWAYS, 4, (5, 9), 4, id="a pause afterwards changes nothing"),
        pytest.param(ALWAYS, 4, (4, 9), 4, id="due as the pause begins"),
        pytest.param(ALWAYS, 4, (-2, 1), 5, id="a pause that began before"),
        pytest.param(ALWAYS, 4, (-2, -1), 4, id="a pause before it all"),
        pytest.param(ALWAYS, 4, (1, None), None, id="paused"),
        pytest.param(BUSINESS, 4, (), 4, id="business: the same day"),
        pytest.param(BUSINESS, 10, (), 25, id="business: the next morning"),
        pytest.param(BUSINESS, 10, (1, 24), 48, id="business: a pause over the night costs eight hours"),
        pytest.param(BUSINESS, 10, (9, 20), 25, id="business: a pause in the night costs nothing"),
    ],
)
def test_a_target_falls_due(
    calendar: Calendar, span: float, held: tuple[float | None, ...], expected: float | None
) -> None:
    assert due(START, span * HOUR, calendar, pauses(*held)) == (None if expected is None else at(expected))


def test_what_fell_due_before_an_open_pause_keeps_its_instant_for_the_ladder_only() -> None:
    open_pause = pauses(3, None)
    assert falls_due(START, 2 * HOUR, ALWAYS, open_pause) == at(2)
    assert falls_due(START, 4 * HOUR, ALWAYS, open_pause) is None
    assert due(START, 2 * HOUR, ALWAYS, open_pause) is None


@pytest.mark.parametrize(
    ("now", "held", "stop", "expected"),
    [
        pytest.param(3, (), None, 3, id="plain"),
        pytest.param(-1, (), None, 0, id="never negative"),
        pytest.param(3, (1, 2), None, 2, id="a pause"),
        pytest.param(3, (1, None), None, 1, id="paused"),
        pytest.param(3, (1, 5), None, 1, id="asked about the middle of a pause"),
        pytest.param(9, (), 4, 4, id="stopped"),
        pytest.param(2, (), 4, 2, id="asked about the time before the stop"),
        pytest.param(9, (1, 2), 4, 3, id="a pause and a stop"),
        pytest.param(9, (-3, 2), None, 7, id="a pause that began before"),
    ],
)
def test_time_elapses(now: float, held: tuple[float | None, ...], stop: float | None, expected: float) -> None:
    stop_at = None if stop is None else at(stop)
    assert elapsed(START, at(now), ALWAYS, pauses(*held), stop_at) == expected * HOUR


def test_a_due_instant_is_explained_day_by_day() -> None:
    found = explain(START, at(48), BUSINESS, pauses(1, 24))
    assert [(s.day.isoformat(), s.counted) for s in found] == [
        ("2026-03-02", HOUR),
        ("2026-03-03", 8 * HOUR),
        ("2026-03-04", HOUR),
    ]
    assert found[0].windows == ((START, at(1)),)


ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Africa/Cairo",
    "America/Santiago",
    "Pacific/Chatham",
    "Asia/Shanghai",
]


def clock_changes(zone: str) -> list[datetime]:
    """The hours of 2026 and 2027 within which the clock of a zone changes."""
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + n * HOUR for n in range(2 * 365 * 24)]
    there = ZoneInfo(zone)
    return [a for a, b in pairwise(hours) if a.astimezone(there).utcoffset() != b.astimezone(there).utcoffset()]


@pytest.mark.parametrize("zone", ZONES)
def test_over_every_change_of_the_clock_a_target_elapses_once_and_its_days_add_up(zone: str) -> None:
    calendar = BusinessCalendar(
        time_zone=zone, days=["Sun", "Mon", "Thu", "Fri", "Sat"], hours="00:00-03:30,09:00-24:00"
    )
    changes = clock_changes(zone)
    assert len(changes) == (0 if zone == "Asia/Shanghai" else 4)
    for change in changes or [START]:
        for early in (1, 7, 31):
            start = change - early * HOUR
            held = (Pause(change - 20 * MINUTE, change + 50 * MINUTE),)
            for span in (20 * MINUTE, 3 * HOUR, 30 * HOUR):
                end = falls_due(start, span, calendar, held)
                assert end is not None
                assert elapsed(start, end, calendar, held) == span
                assert elapsed(start, end - timedelta(microseconds=1), calendar, held) < span
                assert sum((s.counted for s in explain(start, end, calendar, held)), NOTHING) == span


def test_make_up_workdays_count_for_a_target() -> None:
    china = BusinessCalendar(time_zone="Asia/Shanghai", country="CN")
    friday = datetime(2026, 2, 13, 9, tzinfo=UTC)
    found = due(friday, 10 * HOUR, china)
    assert found is not None
    assert found.date() == date(2026, 2, 14)


calendars = st.sampled_from(
    [
        ALWAYS,
        BUSINESS,
        BusinessCalendar(time_zone="America/New_York", days=["Sat", "Sun", "Mon"], hours="00:30-02:30,09:00-17:00"),
    ]
)
states = st.sampled_from([*State])
histories = st.lists(st.tuples(st.integers(0, 5000), states), max_size=9).map(
    lambda entries: [(START + minutes * MINUTE, state) for minutes, state in sorted(entries, key=lambda e: e[0])]
)
instants = st.integers(0, 8000).map(lambda minutes: START + minutes * MINUTE)
spans = st.integers(1, 3000).map(lambda minutes: minutes * MINUTE)


def minutes_run(start: datetime, now: datetime, calendar: Calendar, held: Sequence[Pause]) -> timedelta:
    """The same clock, looked at once a minute."""
    run = NOTHING
    while start < now:
        standing = any(p.from_at <= start and (p.to_at is None or start < p.to_at) for p in held)
        if not standing:
            run += calendar.between(start, start + MINUTE)
        start += MINUTE
    return run


@settings(PROPERTY, max_examples=40)
@given(calendars, histories, instants)
def test_the_clock_is_the_one_that_is_looked_at_each_minute(
    calendar: Calendar, entries: list[tuple[datetime, State]], now: datetime
) -> None:
    held = fold(entries, ["pending_customer"])
    assert elapsed(START, now, calendar, held) == minutes_run(START, now, calendar, held)


@PROPERTY
@given(calendars, histories, instants, instants)
def test_a_clock_never_goes_back(
    calendar: Calendar, entries: list[tuple[datetime, State]], a: datetime, b: datetime
) -> None:
    held, stop = fold(entries, ["pending_customer"]), stopped_at(entries)
    earlier, later = sorted((a, b))
    assert NOTHING <= elapsed(START, earlier, calendar, held, stop) <= elapsed(START, later, calendar, held, stop)


@PROPERTY
@given(calendars, histories, st.integers(0, 600), states, st.integers(0, 600))
def test_what_happens_next_takes_nothing_back(
    calendar: Calendar, entries: list[tuple[datetime, State]], wait: int, state: State, more: int
) -> None:
    last = entries[-1][0] if entries else START
    changed_at = last + wait * MINUTE
    before = elapsed(START, changed_at, calendar, fold(entries, ["pending_customer"]), stopped_at(entries))
    longer = [*entries, (changed_at, state)]
    then = changed_at + more * MINUTE
    assert before <= elapsed(START, then, calendar, fold(longer, ["pending_customer"]), stopped_at(longer))


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[tuple[datetime, State]], list[Pause]]:
    """A history, and the rests before its resolutions; the last rest may be open."""
    entries = draw(histories)
    rests = [
        Pause(max(START, at_ - draw(st.integers(1, 300)) * MINUTE), at_)
        for at_, state in entries
        if state is State.RESOLVED and at_ > START and draw(st.booleans())
    ]
    if draw(st.booleans()) and (not entries or entries[-1][1] not in STOPPED):
        rests.append(Pause((entries[-1][0] if entries else START) + draw(st.integers(0, 300)) * MINUTE, None))
    return entries, rests


@PROPERTY
@given(calendars, lives(), instants, instants)
def test_no_clock_runs_while_nothing_fires_and_none_goes_back(
    calendar: Calendar, life: tuple[list[tuple[datetime, State]], list[Pause]], a: datetime, b: datetime
) -> None:
    entries, rests = life
    held, stop = fold(entries, ["pending_customer"], rests), stopped_at(entries, rests)
    earlier, later = sorted((a, b))
    assert NOTHING <= elapsed(START, earlier, calendar, held, stop) <= elapsed(START, later, calendar, held, stop)
    for since, until in rests:
        end = until or max(since, later)
        assert elapsed(START, since, calendar, held, stop) == elapsed(START, end, calendar, held, stop)
    assert all(first.to_at is not None and first.to_at < second.from_at for first, second in pairwise(held))


def test_a_rest_belongs_to_the_stop_that_follows_and_is_a_pause_once_work_goes_on() -> None:
    entries, rests = history((0, "in_progress"), (3, "resolved")), list(pauses(1, 3))
    assert (fold(entries, [], rests), stopped_at(entries, rests)) == ((), at(1))
    entries += history((5, "in_progress"))
    assert (fold(entries, [], rests), stopped_at(entries, rests)) == (pauses(1, 5), None)


def test_what_was_to_come_in_a_pause_comes_at_its_end() -> None:
    assert [comes_at(at(hours), pauses(1, 3, 5, None)) for hours in (0, 1, 2, 3, 4, 5, 6)] == [
        at(0),
        at(1),
        at(3),
        at(3),
        at(4),
        at(5),
        None,
    ]


@PROPERTY
@given(calendars, histories, spans)
def test_a_target_is_due_when_it_has_elapsed_and_not_a_moment_earlier(
    calendar: Calendar, entries: list[tuple[datetime, State]], span: timedelta
) -> None:
    held = fold(entries, ["pending_customer"])
    found = falls_due(START, span, calendar, held)
    if found is None:
        assert held[-1].to_at is None
        assert elapsed(START, held[-1].from_at, calendar, held) < span
    else:
        assert elapsed(START, found, calendar, held) == span
        assert elapsed(START, found - timedelta(microseconds=1), calendar, held) < span
