"""Which intents are decided next, and where those stand that have to be decided anew."""

import pytest

from agent.erasing.identity import Identity
from agent.intents import AlertsArrived, Intent, LetterDied, NoticesDue, RowsErased, TimePassed
from agent.line import MOST_ALERTS, MOST_WAITING, Line
from agent.storage.writer import StoreFull
from collectors.webhooks.alertmanager import parse
from tests.house import DISK_FULL, START, alert, message

TICK, NOTICES = TimePassed(), NoticesDue(START)
LETTER, LATER = LetterDied("am", "no JSON", b"{", START), LetterDied("am", "no UTF-8", b"\xff", START)
ERASURE = RowsErased(Identity(frozenset({"ana"}), "erased-1"), "incident", ((1,),), "ana")


def arrived(alerts: int) -> AlertsArrived:
    body = message(*(alert({**DISK_FULL, "instance": f"db-{n}"}) for n in range(alerts)))
    return AlertsArrived("am", "am", "alertmanager", body, parse(body, "am", START), START)


def names(line: Line) -> list[Intent]:
    return [waiting.intent for waiting in line.take()]


async def test_what_is_no_message_goes_before_messages_each_in_its_order() -> None:
    line = Line()
    for intent in (LETTER, TICK, LATER, NOTICES):
        line.put(intent)
    assert len(line) == 4
    assert names(line) == [TICK, NOTICES, LETTER, LATER]
    assert not line


async def test_messages_alone_fill_the_line() -> None:
    line = Line()
    for _ in range(MOST_WAITING - 1):
        line.put(LETTER)
        line.put(TICK)
    assert not line.is_full
    line.put(LETTER)
    assert line.is_full


async def test_a_group_is_closed_by_the_alert_that_fills_it() -> None:
    line = Line()
    line.put(arrived(MOST_ALERTS))
    line.put(TICK)
    line.put(LETTER)
    group = line.take()
    assert sum(len(w.intent.parsed.alerts) for w in group if isinstance(w.intent, AlertsArrived)) == MOST_ALERTS
    assert group[0].intent is TICK
    assert names(line) == [LETTER]


async def test_a_message_of_many_alerts_is_answered_when_its_last_part_is() -> None:
    line = Line()
    whole = line.put(arrived(600))
    first, *others = line.take()
    assert [w.intent.part for w in (first, *others) if isinstance(w.intent, AlertsArrived)] == [False, True, True]
    for waiting in others:
        waiting.future.set_result(None)
    assert not whole.done()
    first.future.set_exception(StoreFull("the disk is full"))
    with pytest.raises(StoreFull):
        await whole


async def test_what_is_given_back_stands_first_or_behind_those_that_failed_before_it() -> None:
    line = Line()
    line.put(LETTER)
    failed = line.take()
    line.put(LATER)
    decided_on_what_is_void = line.take()
    line.put(LETTER)
    line.give_back(failed)
    line.give_back(decided_on_what_is_void, behind=1)
    assert names(line) == [LETTER, LATER, LETTER]


async def test_an_erasure_is_a_group_of_its_own() -> None:
    line = Line()
    for intent in (TICK, ERASURE, NOTICES):
        line.put(intent)
    groups = [names(line) for _ in range(3)]
    assert sorted(map(len, groups)) == [1, 1, 1]
    assert [ERASURE] in groups


async def test_the_halves_of_a_message_stand_first_and_each_alone() -> None:
    line = Line()
    whole = line.put(arrived(3))
    (waiting,) = line.take()
    assert isinstance(waiting.intent, AlertsArrived)
    line.put(LETTER)
    line.halve(waiting.intent, waiting.future)
    halves = [line.take() for _ in range(2)]
    assert [len(w.intent.parsed.alerts) for (w,) in halves if isinstance(w.intent, AlertsArrived)] == [2, 1]
    assert names(line) == [LETTER]
    for (half,) in halves:
        half.future.set_result(None)
    assert await whole is None


async def test_while_messages_are_refused_their_senders_know_and_the_others_are_taken() -> None:
    line = Line()
    told = line.put(LETTER)
    line.put(TICK)
    assert [w.intent for w in line.take(StoreFull("the disk is full"))] == [TICK]
    with pytest.raises(StoreFull):
        await told
