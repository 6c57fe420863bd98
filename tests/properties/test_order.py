"""The same messages in any order, with any of them twice, end in the same open alerts."""

from datetime import datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.desk import rules_of
from collectors.alert import Alert, Status, encode_labels
from collectors.labels import fingerprint
from collectors.moment import moment_text
from correlation.board import Board
from correlation.correlate import correlate
from tests.house import START
from tests.properties.site import configured

ALERTS, FIRINGS = 3, 3
MINUTE = timedelta(minutes=1)
RULES = rules_of(configured())
Told = tuple[int, int, bool]
"""Which alert, which of its firings, and whether it is told to fire or to have ended."""


def start(firing: int) -> datetime:
    return START - timedelta(hours=1) + 10 * firing * MINUTE


def alert(told: Told) -> Alert:
    which, firing, fires = told
    labels = {"alertname": f"A{which}", "instance": "one"}
    begins, ends = start(firing), start(firing) + 5 * MINUTE
    return Alert(
        origin="am",
        fingerprint=fingerprint(labels),
        status=Status.FIRING if fires else Status.RESOLVED,
        starts_at=begins,
        starts_text=moment_text(begins) or "",
        ends_at=None if fires else ends,
        ends_text="" if fires else moment_text(ends) or "",
        labels_json=encode_labels(labels),
    )


def open_after(messages: list[Told], apart: timedelta = timedelta(seconds=1)) -> set[str]:
    board, now = Board(), START
    for told in messages:
        correlate([alert(told)], board, RULES, now, "monitoring")
        now += apart
    return {board.labels(e)["alertname"] for e in board.episodes.values() if e.open}


def truth(messages: list[Told]) -> set[str]:
    """An alert is open where its last firing was told and no end of it."""
    found = set()
    for which in {w for w, _, _ in messages}:
        last = max(f for w, f, _ in messages if w == which)
        if (which, last, False) not in messages:
            found.add(f"A{which}")
    return found


MESSAGES = st.lists(
    st.tuples(st.integers(0, ALERTS - 1), st.integers(0, FIRINGS - 1), st.booleans()), min_size=1, max_size=14
)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(MESSAGES)
@example([(0, 1, True), (0, 0, True), (0, 0, False)])
@example([(0, 0, True), (0, 1, False), (0, 1, True)])
@example([(0, 0, False), (0, 1, False), (0, 0, True), (0, 1, True)])
@example([(0, 1, True), (0, 0, True), (0, 1, True), (0, 0, True)])
def test_any_order_with_any_message_twice_ends_in_the_same_open_alerts(messages: list[Told]) -> None:
    assert open_after(messages) == truth(messages)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(MESSAGES)
def test_every_open_alert_is_in_one_incident_and_every_incident_counts_its_own(messages: list[Told]) -> None:
    board, now = Board(), START
    for told in messages:
        correlate([alert(told)], board, RULES, now, "monitoring")
    open_keys = {key for key, e in board.episodes.items() if e.open}
    assert {key for keys in board.members.values() for key in keys} == open_keys
    for incident in board.incidents.values():
        assert incident.open_alerts == len(board.members[incident.id])


def test_twins_whose_starts_differ_tell_of_one_firing() -> None:
    """Two Prometheus that see the same thing three seconds apart: no new episode each time the other speaks."""
    board = Board()
    for _ in range(10):
        correlate([alert((0, 1, True))], board, RULES, START)
        correlate([alert((0, 0, True))], board, RULES, START)
    assert board.last_ids["alert"] == 1
