"""The line: one order, one transaction, an answer only after the commit, and nothing half done after a failure."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from structlog.testing import capture_logs

from agent.deciders import DECIDERS
from agent.intents import AlertsArrived, LetterDied, PersonActed, TimePassed
from agent.line import MOST_ALERTS, MOST_WAITING
from agent.pipeline import Overloaded, Undecided
from agent.rehearsal.house import House
from agent.storage.sqlite import Reserve
from agent.storage.store import INSERT_DEAD_LETTER
from agent.storage.writer import StoreDown, StoreFull, Unwritable
from agent.turn import Turn
from collectors.webhooks.alertmanager import parse
from correlation.incident import Action
from correlation.permission import Actor
from tests.house import DISK_FULL, alert, message

DESK = Actor("desk", frozenset({"desk"}))


def arrived(house: House, body: bytes) -> AlertsArrived:
    return AlertsArrived("am", "am", "alertmanager", body, parse(body, "am", house.now), house.now)


def failing(house: House, error: Exception, times: int) -> Callable[..., Any]:
    """A commit that fails so often, and then works."""
    real, left = house.writer.commit, [times]

    async def commit(batch: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise error
        await real(batch)

    return commit


async def test_messages_that_wait_together_are_one_transaction(house: House) -> None:
    batches: list[Any] = []
    real = house.writer.commit

    async def commit(batch: Any) -> None:
        batches.append(batch)
        await real(batch)

    house.writer.commit = commit  # type: ignore[method-assign]  # counts the commits
    bodies = [message(alert({**DISK_FULL, "instance": f"db-{n}"})) for n in range(5)]
    futures = [house.pipeline.put(arrived(house, body)) for body in bodies]
    assert not any(f.done() for f in futures)
    await house.pipeline.drain_once()
    assert all(f.done() for f in futures)
    assert len(batches) == 1


async def test_the_moment_of_a_decision_never_goes_back(house: House) -> None:
    stamps = []
    for _ in range(3):
        house.pipeline.put(TimePassed())
        await house.pipeline.drain_once()
        stamps.append(house.pipeline._last_at)
        house.clock._now -= timedelta(hours=1)
    assert stamps == sorted(stamps)  # type: ignore[type-var]


async def test_a_failed_commit_is_forgotten_before_its_callers_know(house: House) -> None:
    house.writer.commit = failing(house, StoreDown("gone"), 1)  # type: ignore[method-assign]
    future = house.pipeline.put(arrived(house, message(alert(DISK_FULL))))
    await house.pipeline.drain_once()
    assert isinstance(future.exception(), StoreDown)
    assert house.desk.board.episodes == {}
    assert house.pipeline.health.down == ""


async def test_while_the_store_is_down_intake_is_refused_at_once(house: House) -> None:
    house.pipeline.health.down = "PostgreSQL does not answer"
    with pytest.raises(StoreDown, match="does not answer"):
        house.pipeline.put(arrived(house, message(alert(DISK_FULL))))


async def test_a_full_line_refuses_messages_and_still_takes_acts(house: House) -> None:
    body = message(alert(DISK_FULL))
    for _ in range(MOST_WAITING):
        house.pipeline.put(arrived(house, body))
    with pytest.raises(Overloaded):
        house.pipeline.put(arrived(house, body))
    house.pipeline.put(TimePassed())
    while house.pipeline._line:
        await house.pipeline.drain_once()
    assert len(house.incidents()) == 1


async def test_a_tick_and_an_act_do_not_wait_behind_the_messages_of_a_storm(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    storm = [message(*(alert({"alertname": f"S{n}", "instance": f"h-{k}"}) for k in range(64))) for n in range(40)]
    waiting = [house.pipeline.put(arrived(house, body)) for body in storm]
    tick = house.pipeline.put(TimePassed())
    act = house.pipeline.put(PersonActed(number, Action.ACKNOWLEDGE, {}, DESK))
    await house.pipeline.drain_once()
    assert tick.done()
    assert act.result().assignee == "desk"
    assert [future.done() for future in waiting].count(False) > 20
    while house.pipeline._line:
        await house.pipeline.drain_once()
    assert all(future.exception() is None for future in waiting)


async def room_again(house: House) -> None:
    """The ticker looks whether there is room on the disk."""
    opening = asyncio.ensure_future(house.pipeline.take_messages_again())
    await asyncio.sleep(0)
    while not opening.done():
        await house.pipeline.drain_once()
        await asyncio.sleep(0)
    await opening


async def test_on_a_full_disk_the_reserve_is_given_up_and_acts_go_on_while_intake_is_refused(
    house: House, tmp_path: Any
) -> None:
    reserve = Reserve(str(tmp_path / "t.db"), size=64 * 1024)
    reserve.fill()
    house.pipeline.health.reserve = reserve
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    house.writer.commit = failing(house, StoreFull("no room"), 1)  # type: ignore[method-assign]
    act = house.pipeline.put(PersonActed(number, Action.NOTE, {"text": "on it"}, DESK))
    letter = house.pipeline.put(arrived(house, message(alert({"alertname": "Other", "severity": "critical"}))))
    await house.pipeline.drain_once()
    assert isinstance(letter.exception(), StoreFull)
    assert not (tmp_path / "t.db.reserve").exists()
    await house.pipeline.drain_once()
    assert act.result().number == number
    with pytest.raises(StoreDown):
        house.pipeline.put(arrived(house, message(alert(DISK_FULL))))
    await house.advance(minutes=31)
    assert "2/r50" in {s.step for s in house.sent}
    await room_again(house)
    await house.receive(message(alert(DISK_FULL)))


async def test_an_intent_that_cannot_be_decided_becomes_a_dead_letter_and_costs_the_others_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = arrived(house, message(alert({"alertname": "Poison"})))
    decide = DECIDERS[AlertsArrived]

    def decide_or_break(turn: Turn, intent: Any) -> Any:
        if intent is poison:
            raise ZeroDivisionError("a fault of ours")
        return decide(turn, intent)

    monkeypatch.setitem(DECIDERS, AlertsArrived, decide_or_break)
    futures = [house.pipeline.put(i) for i in (arrived(house, message(alert(DISK_FULL))), poison)]
    while house.pipeline._line:
        await house.pipeline.drain_once()
    await asyncio.gather(*futures)
    assert house.incidents()[0].alert_count == 1
    rows = await house.writer.fetch("SELECT reason FROM dead_letter")
    assert rows == [("ZeroDivisionError: a fault of ours",)]


async def test_an_act_that_cannot_be_decided_says_so_and_the_line_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("correlation.act.act", broken)
    with pytest.raises(Undecided):
        await house.act(number, "note", {"text": "x"}, who="desk")
    monkeypatch.undo()
    await house.act(number, "note", {"text": "x"}, who="desk")


async def test_a_dead_letter_is_kept_and_opens_one_self_incident_that_ends_by_itself(house: House) -> None:
    for _ in range(3):
        await house.do(LetterDied("am", "no JSON", b"{", house.now))
    own = [i for i in house.incidents() if i.source == "self"]
    assert len(own) == 1
    assert (await house.writer.fetch("SELECT count(*) FROM dead_letter"))[0][0] == 3
    await house.advance(minutes=30)
    assert house.incident(own[0].number).state == "resolved"


async def test_a_row_that_the_store_refuses_costs_its_own_message_and_no_other(house: House) -> None:
    """One group of four: the poisoned message becomes a dead letter, the others go in, in their order."""
    twice = [(INSERT_DEAD_LETTER, [(7, house.now, "x", "x", 0, b""), (7, house.now, "x", "x", 0, b"")])]
    real = house.writer.commit
    poison = message(alert({"alertname": "Poison"}))

    async def commit(batch: Any) -> None:
        poisoned = any("Poison" in str(row) for sql, rows in batch for row in rows if "INTO alert" in sql)
        await real([*batch, *(twice if poisoned else [])])

    house.writer.commit = commit  # type: ignore[method-assign]  # a row of one message is refused
    others = [message(alert({**DISK_FULL, "instance": f"db-{n}"})) for n in range(3)]
    futures = [house.pipeline.put(arrived(house, body)) for body in (others[0], others[1], poison, others[2])]
    while house.pipeline._line:
        await house.pipeline.drain_once()
    await asyncio.gather(*futures)
    names = [house.desk.board.labels(e)["instance"] for e in house.desk.board.episodes.values() if e.origin == "am"]
    assert names == ["db-0", "db-1", "db-2"]
    rows = await house.writer.fetch("SELECT reason FROM dead_letter")
    assert [reason.partition(":")[0] for (reason,) in rows] == ["Unwritable"]
    assert house.pipeline.health.down == ""


async def test_an_act_whose_row_the_store_refuses_says_so(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    house.writer.commit = failing(house, Unwritable("a key twice"), 1)  # type: ignore[method-assign]
    with pytest.raises(Undecided):
        await house.act(number, "note", {"text": "x"}, who="desk")
    await house.act(number, "note", {"text": "x"}, who="desk")


async def test_what_was_decided_on_a_board_that_is_void_is_decided_again_after_what_came_before_it(
    house: House,
) -> None:
    """The store refuses the first group while the second is decided already: both go in again, in their order."""
    first = [house.pipeline.put(arrived(house, message(alert({**DISK_FULL, "instance": f"db-{n}"})))) for n in (0, 1)]
    house.writer.commit = failing(house, Unwritable("odd"), 1)  # type: ignore[method-assign]
    writing = await house.pipeline._next(None)
    second = house.pipeline.put(arrived(house, message(alert({**DISK_FULL, "instance": "db-2"}))))
    assert await house.pipeline._next(writing) is None
    while house.pipeline._line:
        await house.pipeline.drain_once()
    await asyncio.gather(*first, second)
    order = sorted(house.desk.board.episodes.values(), key=lambda e: e.id)
    assert [house.desk.board.labels(e)["instance"] for e in order] == ["db-0", "db-1", "db-2"]


class Store:
    """The house's store, which takes rows or not as the test says; counts the desks that are read from it."""

    def __init__(self, house: House) -> None:
        self.fault: Exception | None = None
        self.loads = 0
        self._commit, self._load = house.writer.commit, house.pipeline._load
        house.writer.commit = self.commit  # type: ignore[method-assign]  # a store with a fault in it
        house.pipeline._load = self.load

    async def commit(self, batch: Any) -> None:
        if self.fault is not None:
            raise self.fault
        await self._commit(batch)

    async def load(self, writer: Any) -> Any:
        self.loads += 1
        return await self._load(writer)


async def test_a_store_that_another_daemon_had_is_read_before_anything_is_written(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    store, foreign = Store(house), StoreDown("another daemon had it")
    store.fault = foreign

    async def claim() -> None:
        if store.fault is foreign:
            store.fault = None

    house.writer.claim = claim  # type: ignore[method-assign]
    number = house.incidents()[0].number
    await house.writer.fetch("UPDATE incident SET title = 'as the other wrote it'")
    with pytest.raises(StoreDown):
        await house.act(number, "acknowledge", who="ana")
    assert store.loads == 1
    assert house.incident(number).title == "as the other wrote it"
    await house.act(number, "acknowledge", who="ana")


async def act_in_vain(house: House, number: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(StoreDown):
            await house.act(number, "note", {"text": "on it"}, who="desk")


async def test_an_outage_of_the_store_is_told_once_when_it_begins_and_once_when_it_ends(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number, store = house.incidents()[0].number, Store(house)
    with capture_logs() as told:
        store.fault = StoreDown("the disk is gone")
        await act_in_vain(house, number, 5)
        assert store.loads == 1, "what takes no rows is read once, to forget what was not kept, and not at each try"
        assert "the disk is gone" in house.pipeline.health.down
        store.fault = None
        await house.act(number, "note", {"text": "on it"}, who="desk")
    assert [line["event"] for line in told] == ["commit failed", "store answers again"]
    assert house.pipeline.health.came_back == "the disk is gone"
    assert (house.pipeline.health.down, store.loads) == ("", 2)


async def test_a_full_disk_without_a_reserve_is_told_once_and_ends_when_there_is_room(
    house: House, tmp_path: Any
) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number, store = house.incidents()[0].number, Store(house)
    house.pipeline.health.reserve = Reserve(str(tmp_path / "t.db"), size=2**62)
    with capture_logs() as told:
        await house.pipeline.start()
        store.fault = StoreFull("no room left")
        await act_in_vain(house, number, 5)
        await room_again(house)
        assert house.pipeline.health.full
        store.fault = None
        house.pipeline.health.reserve.size = 4096
        await house.act(number, "note", {"text": "on it"}, who="desk")
        await room_again(house)
    assert [line["event"] for line in told] == [
        "no room for the reserve: on a full disk neither acts nor pages can be stored",
        "disk full: intake answers 503",
        "there is room again: intake is open",
    ]
    await house.receive(message(alert(DISK_FULL)))


async def test_a_reserve_that_is_used_up_is_one_more_outage_and_no_more_lines(house: House, tmp_path: Any) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number, store = house.incidents()[0].number, Store(house)
    house.pipeline.health.reserve = Reserve(str(tmp_path / "t.db"), size=4096)
    house.pipeline.health.reserve.fill()
    with capture_logs() as told:
        house.writer.commit = failing(house, StoreFull("no room left"), 1)  # type: ignore[method-assign]
        future = house.pipeline.put(PersonActed(number, Action.NOTE, {"text": "on it"}, DESK))
        while not future.done():
            await house.pipeline.drain_once()
        assert house.pipeline.health.came_back == "no room left"
        store.fault = StoreFull("no room left")
        await act_in_vain(house, number, 3)
        store.fault = None
        await house.act(number, "note", {"text": "on it"}, who="desk")
        await room_again(house)
    assert [line["event"] for line in told] == ["disk full: intake answers 503", "there is room again: intake is open"]


async def test_a_group_decided_while_the_one_before_fails_for_longer_is_not_written_to_a_store_that_comes_back(
    house: House,
) -> None:
    store = Store(house)
    first = house.pipeline.put(arrived(house, message(alert({**DISK_FULL, "instance": "db-0"}))))
    writing = await house.pipeline._next(None)
    store.fault = StoreDown("gone")
    second = house.pipeline.put(arrived(house, message(alert({**DISK_FULL, "instance": "db-1"}))))
    assert await house.pipeline._next(writing) is None
    store.fault = None
    while house.pipeline._line:
        await house.pipeline.drain_once()
    await second
    assert isinstance(first.exception(), StoreDown)
    assert [e.incident > 0 for e in house.desk.board.episodes.values()] == [True]
    rows = await house.writer.fetch("SELECT count(*) FROM alert WHERE id IN (SELECT alert_id FROM episode)")
    assert rows == [(1,)]


async def drained(house: House, *futures: "asyncio.Future[Any]") -> None:
    while not all(future.done() for future in futures):
        await house.pipeline.drain_once()
        await asyncio.sleep(0)


def many(house: House, count: int = 9) -> AlertsArrived:
    """A message of many alerts; the one that is poison stands in the middle."""
    names = [f"db-{n}" for n in range(count)]
    labels = [{**DISK_FULL, "alertname": f"A{name}", "instance": name} for name in names]
    return arrived(
        house, message(*(alert(of) for of in labels[:4]), alert({"alertname": "Poison"}), *map(alert, labels[4:]))
    )


async def test_one_alert_that_cannot_be_decided_costs_the_others_of_its_message_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = DECIDERS[AlertsArrived]

    def decide_or_break(turn: Turn, intent: Any) -> Any:
        decide(turn, intent)
        if any(b"Poison" in a.labels_json for a in intent.parsed.alerts):
            raise ZeroDivisionError("a fault of ours: \ud800\0")

    monkeypatch.setitem(DECIDERS, AlertsArrived, decide_or_break)
    other = house.pipeline.put(arrived(house, message(alert({**DISK_FULL, "instance": "other"}))))
    future = house.pipeline.put(many(house))
    await drained(house, future, other)
    assert (future.exception(), other.exception()) == (None, None)
    assert len([e for e in house.desk.board.episodes.values() if e.origin == "am"]) == 10
    assert await house.writer.fetch("SELECT reason, body FROM dead_letter") == [
        ("ZeroDivisionError: a fault of ours: \ufffd\ufffd", b'{"alertname": "Poison"}')
    ]
    kinds = await house.writer.fetch("SELECT kind, count(*) FROM journal WHERE kind LIKE 'webhook%' GROUP BY kind")
    assert kinds == [("webhook/alertmanager", 2)]


async def test_one_alert_whose_row_the_store_refuses_costs_the_others_of_its_message_nothing(house: House) -> None:
    real = house.writer.commit

    async def commit(batch: Any) -> None:
        if any(b"Poison" in str(row).encode() for sql, rows in batch for row in rows if "INTO alert" in sql):
            raise Unwritable("no such row")
        await real(batch)

    house.writer.commit = commit  # type: ignore[method-assign]  # one row is refused
    future = house.pipeline.put(many(house))
    await drained(house, future)
    assert future.exception() is None
    assert len([e for e in house.desk.board.episodes.values() if e.origin == "am"]) == 9
    assert len(await house.writer.fetch("SELECT id FROM dead_letter")) == 1


async def test_of_a_message_a_half_of_which_the_store_does_not_take_the_sender_is_told_to_come_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = DECIDERS[AlertsArrived]

    def decide_or_break(turn: Turn, intent: Any) -> Any:
        if len(intent.parsed.alerts) > 5:
            raise ZeroDivisionError
        decide(turn, intent)

    monkeypatch.setitem(DECIDERS, AlertsArrived, decide_or_break)
    future = house.pipeline.put(many(house))
    await house.pipeline.drain_once()
    house.writer.commit = failing(house, StoreDown("gone"), 1)  # type: ignore[method-assign]
    await drained(house, future)
    assert isinstance(future.exception(), StoreDown)


def flood(house: House, count: int) -> AlertsArrived:
    """A message of many alerts of one kind, and one that is none."""
    return arrived(house, message(*(alert({**DISK_FULL, "instance": f"db-{n}"}) for n in range(count)), {"labels": 7}))


async def test_what_comes_due_while_a_message_of_very_many_alerts_is_decided_does_not_wait_for_its_end(
    house: House,
) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    flooding = house.pipeline.put(flood(house, 2 * MOST_ALERTS + 1))
    await house.pipeline.drain_once()
    act = house.pipeline.put(PersonActed(number, Action.NOTE, {"text": "on it"}, DESK))
    await house.pipeline.drain_once()
    assert (act.done(), flooding.done()) == (True, False)
    await drained(house, flooding)
    assert flooding.exception() is None
    assert len([e for e in house.desk.board.episodes.values() if e.origin == "am"]) == 2 * MOST_ALERTS + 2
    kinds = await house.writer.fetch("SELECT kind, count(*) FROM journal WHERE kind LIKE 'webhook%' GROUP BY kind")
    assert kinds == [("webhook/alertmanager", 2)]
    assert len(await house.writer.fetch("SELECT id FROM dead_letter")) == 1


async def test_a_group_that_takes_long_to_decide_is_closed_and_the_rest_comes_next_in_its_order(house: House) -> None:
    ticks = count()
    house.clock.monotonic = lambda: next(ticks) / 10  # type: ignore[method-assign]
    put = [
        house.pipeline.put(arrived(house, message(alert({**DISK_FULL, "instance": f"db-{n}", "disk": "a"}))))
        for n in range(7)
    ]
    await house.pipeline.drain_once()
    first = [future.done() for future in put]
    assert first == sorted(first, reverse=True)
    assert 1 < sum(first) < len(put)
    while not all(future.done() for future in put):
        await house.pipeline.drain_once()
    assert [future.exception() for future in put] == [None] * len(put)
    rows = await house.writer.fetch("SELECT json_extract(labels, '$.instance') FROM alert ORDER BY id")
    assert rows == [(f"db-{n}",) for n in range(7)]


async def test_of_a_message_of_very_many_alerts_one_part_of_which_is_not_stored_all_is_there_once_when_it_comes_again(
    house: House,
) -> None:
    flooding = house.pipeline.put(flood(house, 2 * MOST_ALERTS))
    await house.pipeline.drain_once()
    house.writer.commit = failing(house, StoreDown("gone"), 1)  # type: ignore[method-assign]
    await drained(house, flooding)
    assert isinstance(flooding.exception(), StoreDown)
    again = house.pipeline.put(flood(house, 2 * MOST_ALERTS))
    await drained(house, again)
    assert again.exception() is None
    rows = await house.writer.fetch("SELECT count(*), count(DISTINCT fingerprint) FROM alert WHERE origin = 'am'")
    assert rows == [(2 * MOST_ALERTS, 2 * MOST_ALERTS)]


async def test_a_letter_that_cannot_be_told_is_kept_all_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("agent.deciders.letters.tell_of_letter", broken)
    future = house.pipeline.put(LetterDied("am", "no JSON", b"{", house.now))
    await drained(house, future)
    assert future.exception() is None
    assert await house.writer.fetch("SELECT reason FROM dead_letter") == [("no JSON",)]


async def test_the_line_ends_with_nothing_in_hand(house: House) -> None:
    """One group is being written, the next one is decided, a third waits: each has its answer before the end."""
    real, begun, goes_on = house.writer.commit, asyncio.Event(), asyncio.Event()

    async def commit(batch: Any) -> None:
        begun.set()
        await goes_on.wait()
        await real(batch)

    house.writer.commit = commit  # type: ignore[method-assign]  # a disk that takes its time
    line = asyncio.create_task(house.pipeline.run())
    futures = []
    for n in range(3):
        futures.append(house.pipeline.put(arrived(house, message(alert({**DISK_FULL, "instance": f"db-{n}"})))))
        await begun.wait()
        await asyncio.sleep(0)
    house.pipeline.finish()
    goes_on.set()
    await line
    assert [f.done() and f.exception() for f in futures] == [None, None, None]
    with pytest.raises(StoreDown, match="stopping"):
        house.pipeline.put(arrived(house, message(alert(DISK_FULL))))
