"""A page is claimed, tried, tried again, and falls over to the next channel and to other people."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from correlation.incident import Incident, State
from escalation.delivery import Attempt, Message, PageToSend, RetryPolicy, Undeliverable
from escalation.escalate import Call, page_key
from escalation.outbox import Outbox, deliver
from escalation.roles import Contact, Person
from escalation.store import Page, Step
from escalation.timetable import PlannedStep, TimetableStep

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = RetryPolicy()
S = timedelta(seconds=1)


def person(*notifiers: str) -> Person:
    return Person(name="x", contacts=[Contact(notifier=n, to=n) for n in notifiers])


PEOPLE = {"ana": person("hook", "mail", "sms"), "luis": person("hook"), "root": person("pager"), "mute": person()}


def incident(**more: Any) -> Incident:
    values = {"id": 1, "number": "INC-1", "title": "t", "occurred_at": NOW, "opened_at": NOW, "updated_at": NOW}
    return Incident(**{**values, **more})


def call(who: str = "ana", step: str = "c0", *, seeks: bool = True) -> Call:
    definition = TimetableStep.model_validate({"id": step, "clock": "created", "at": 0, "tell": ["l1"]})
    contact = PEOPLE[who].contacts[0]
    made = Step(id=1, incident=1, planned=PlannedStep(2, definition, NOW), due_at=NOW)
    return Call(who, "l1", contact.notifier, contact.to, 0, seeks, made, {"code": "opened"}, [])


class Box:
    """An outbox with one incident, and the time."""

    def __init__(self) -> None:
        self.outbox, self.incident, self.now = Outbox(), incident(), NOW

    def promise(self, who: str = "ana", *, seeks: bool = True) -> Page:
        return self.outbox.page(self.incident, call(who, seeks=seeks), self.now)

    def claim(self, page: Page) -> int:
        (claimed,) = self.outbox.claim([page.id], self.now, POLICY)
        return claimed.attempts

    def fail(self, page: Page, people: Mapping[str, Person] = PEOPLE, **more: Any) -> None:
        attempt = Attempt(page.id, sent=False, reason="no", **{"attempt": self.claim(page), **more})
        self.outbox.attempted(attempt, self.incident, self.now, POLICY, people)

    def fail_until(self, page: Page, span: timedelta) -> None:
        end = self.now + span
        while page.open and page.next_attempt_at <= end:
            self.now = max(self.now, page.next_attempt_at)
            self.fail(page)

    def open(self) -> list[tuple[str, str]]:
        return [(p.person, p.notifier) for p in self.outbox.pages.values()]


def test_a_page_is_claimed_once_while_its_lease_lasts() -> None:
    box = Box()
    page = box.promise()
    assert box.outbox.due(NOW) == [page.id]
    assert [p.id for p in box.outbox.claim([page.id], NOW, POLICY)] == [page.id]
    assert box.outbox.claim([page.id], NOW + 29 * S, POLICY) == []
    assert box.outbox.due(NOW + 29 * S) == []
    assert not page.unconfirmed
    assert box.outbox.due(NOW + 30 * S) == [page.id]
    assert box.outbox.claim([page.id], NOW + 30 * S, POLICY) == [page]
    assert page.unconfirmed


def test_the_failure_of_an_attempt_that_was_overtaken_frees_nothing() -> None:
    box = Box()
    page = box.promise()
    first = box.claim(page)
    box.now += 31 * S
    second = box.claim(page)
    late = Attempt(page.id, sent=False, attempt=first, reason="no answer within the lease", unknown=True)
    box.outbox.attempted(late, box.incident, box.now, POLICY, PEOPLE)
    assert (page.state, page.attempts) == ("claimed", second)
    assert box.outbox.claim([page.id], box.now + 5 * S, POLICY) == []
    assert page.unconfirmed


def test_the_success_of_an_attempt_that_was_overtaken_counts() -> None:
    box = Box()
    page = box.promise()
    first = box.claim(page)
    box.now += 31 * S
    box.claim(page)
    box.outbox.attempted(Attempt(page.id, sent=True, attempt=first), box.incident, box.now, POLICY, PEOPLE)
    assert (page.state, page.open) == ("sent", False)


def test_the_next_channel_is_called_within_thirty_seconds_of_the_first_failure_and_each_channel_once() -> None:
    box = Box()
    page = box.promise()
    box.fail_until(page, 2 * S)
    assert [n for _, n in box.open()] == ["hook"]
    box.fail_until(page, NOW + 30 * S - box.now)
    assert sorted(n for _, n in box.open()) == ["hook", "mail"]
    box.fail_until(page, timedelta(minutes=10))
    assert sorted(n for _, n in box.open()) == ["hook", "mail", "sms"]


def hang_until(box: Box, page: Page, span: timedelta) -> None:
    """The receiver takes each attempt and does not answer it for ten seconds."""
    end = box.now + span
    while page.open and page.next_attempt_at + 10 * S <= end:
        box.now = max(box.now, page.next_attempt_at)
        number = box.claim(page)
        box.now += 10 * S
        late = Attempt(page.id, sent=False, attempt=number, reason="no answer", unknown=True)
        box.outbox.attempted(late, box.incident, box.now, POLICY, PEOPLE)


def test_a_receiver_that_hangs_delays_the_next_channel_no_longer_than_one_that_refuses() -> None:
    box = Box()
    page = box.promise()
    hang_until(box, page, 30 * S)
    assert [n for _, n in box.open()] == ["hook"]
    hang_until(box, page, NOW + 40 * S - box.now)
    assert sorted(n for _, n in box.open()) == ["hook", "mail"]


def test_a_page_that_hangs_is_in_vain_before_another_attempt_would_hang_too_long() -> None:
    box = Box()
    page = box.promise("luis")
    hang_until(box, page, 40 * S)
    assert not box.outbox.in_vain(page, POLICY)
    assert box.outbox.in_vain(page, POLICY, 10 * S)


def test_a_permanent_failure_calls_the_next_channel_at_once() -> None:
    box = Box()
    box.fail(box.promise(), permanent=True)
    assert box.open() == [("ana", "mail")]


@pytest.mark.parametrize("seeks", [True, False])
def test_who_has_other_contacts_now_is_called_by_those_where_the_notifier_of_a_page_was_taken_out(seeks: bool) -> None:
    box, now = Box(), {**PEOPLE, "ana": person("chat", "text")}
    first = box.promise(seeks=seeks)
    box.fail_until(first, 40 * S)  # before the reload: all contacts are called in turn
    assert box.open() == [("ana", "hook"), ("ana", "mail"), ("ana", "sms")]
    box.now += 120 * S
    for page in list(box.outbox.pages.values()):
        box.fail(page, now, permanent=True)
    assert box.open() == [("ana", "chat")], "once, whatever failed"
    (chat,) = box.outbox.pages.values()
    box.fail(chat, now, permanent=True)
    assert box.open() == [("ana", "text")], "the next one, and not in a circle"
    (text,) = box.outbox.pages.values()
    box.fail(text, now, permanent=True)
    assert box.open() == []


def test_where_nothing_was_taken_out_a_permanent_failure_begins_no_round_anew() -> None:
    box = Box()
    page = box.promise("luis")
    box.fail(page, permanent=True)
    assert box.open() == []
    assert box.outbox.unheard(page)


def test_one_channel_that_delivers_ends_the_others_of_the_same_call() -> None:
    box = Box()
    page = box.promise()
    box.fail_until(page, timedelta(minutes=2))
    mail = next(p for p in box.outbox.pages.values() if p.notifier == "mail")
    box.claim(mail)
    box.outbox.attempted(Attempt(mail.id, sent=True), box.incident, box.now, POLICY, PEOPLE)
    assert box.open() == []
    assert page.state == "cancelled"


def test_a_page_promised_after_an_acknowledgement_is_tried_again() -> None:
    box = Box()
    box.incident.state, box.incident.acknowledged_at = State.IN_PROGRESS, NOW
    box.now += S
    page = box.promise()
    box.fail(page)
    assert page.state == "pending"


@pytest.mark.parametrize(
    ("seeks", "state"), [(True, "cancelled"), (False, "pending")], ids=["looks for a responder", "informs"]
)
def test_what_was_in_flight_at_an_acknowledgement_is_not_tried_again_unless_it_informs(seeks: bool, state: str) -> None:
    box = Box()
    page = box.promise(seeks=seeks)
    number = box.claim(page)
    box.now += S
    box.incident.state, box.incident.acknowledged_at = State.IN_PROGRESS, box.now
    box.outbox.cancel_seekers(1, box.now, "acknowledged")
    failed = Attempt(page.id, sent=False, attempt=number, reason="no")
    box.outbox.attempted(failed, box.incident, box.now, POLICY, PEOPLE)
    assert page.state == state


def test_a_page_of_whom_nothing_is_heard_is_in_vain_only_when_no_other_page_of_its_step_has_hope() -> None:
    box = Box()
    page, other = box.promise("luis"), box.promise("ana")
    box.fail_until(page, 20 * S)
    assert not box.outbox.in_vain(page, POLICY)
    box.fail_until(page, timedelta(minutes=2))
    assert not box.outbox.in_vain(page, POLICY)
    box.claim(other)
    box.outbox.attempted(Attempt(other.id, sent=False, reason="no"), box.incident, box.now, POLICY, PEOPLE)
    assert box.outbox.in_vain(page, POLICY)


def test_no_page_is_in_vain_once_somebody_has_heard_of_the_step() -> None:
    box = Box()
    page, other = box.promise("luis"), box.promise("ana")
    box.claim(other)
    box.outbox.attempted(Attempt(other.id, sent=True), box.incident, box.now, POLICY, PEOPLE)
    box.fail_until(page, timedelta(minutes=5))
    assert not box.outbox.in_vain(page, POLICY)


def test_the_fallback_people_are_told_once_for_a_step_also_if_they_were_paged_for_another() -> None:
    box = Box()
    page = box.promise("luis")
    box.outbox.remember(1, "2/other", "root", 0)
    assert box.outbox.fall_back(box.incident, page, ["mute", "root", "gone"], PEOPLE, NOW) == ["root"]
    assert box.outbox.fall_back(box.incident, page, ["mute", "root", "gone"], PEOPLE, NOW) == []


def test_after_a_start_what_was_in_flight_is_sent_again_and_says_so() -> None:
    box = Box()
    page = box.promise()
    box.claim(page)
    fresh = Outbox()
    fresh.hold(page)
    assert fresh.due(NOW) == []
    fresh.take_over(NOW)
    assert fresh.due(NOW) == [page.id]
    fresh.claim([page.id], NOW, POLICY)
    assert page.unconfirmed


def test_the_key_is_one_per_step_target_and_channel() -> None:
    box = Box()
    keys = [box.promise().key for _ in range(2)]
    assert keys[0] == keys[1]
    assert box.promise("luis").key != keys[0]


PUSH_THEN_CALL = Person(
    name="x",
    contacts=[
        Contact(notifier="push", to="x"),
        Contact(notifier="call", to="x", after=300 * S),
        Contact(notifier="mail", to="x"),
    ],
)


class Sleeper(Box):
    """Somebody who is told by a push, and called after five minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.people = {"ana": PUSH_THEN_CALL}

    def begin(self, *, seeks: bool = True) -> Page:
        self.promise(seeks=seeks)
        (page,) = self.outbox.pages.values()
        page.notifier, page.address, page.key = "push", "x", page_key("INC-1", page.step, "ana", "push")
        return page

    def tried(self, page: Page, *, sent: bool, **more: Any) -> None:
        attempt = Attempt(page.id, sent=sent, attempt=self.claim(page), reason="" if sent else "no", **more)
        self.outbox.attempted(attempt, self.incident, self.now, POLICY, self.people)


def test_a_contact_with_after_is_called_too_in_a_while() -> None:
    box = Sleeper()
    box.tried(box.begin(), sent=True)
    assert box.open() == [("ana", "call")]
    assert box.outbox.due(NOW + 299 * S) == []
    (call,) = box.outbox.pages.values()
    box.now = NOW + 300 * S
    assert box.outbox.due(box.now) == [call.id]
    box.tried(call, sent=True)
    assert box.open() == []


def test_it_is_not_called_once_somebody_has_the_incident() -> None:
    box = Sleeper()
    box.tried(box.begin(), sent=True)
    box.outbox.cancel_seekers(1, box.now, "acknowledged")
    assert box.open() == []


def test_it_is_not_called_where_the_incident_was_taken_while_the_push_was_on_its_way() -> None:
    box = Sleeper()
    page = box.begin()
    box.incident.acknowledged_at = NOW + S
    box.tried(page, sent=True)
    assert box.open() == []


def test_what_informs_is_told_by_one_contact() -> None:
    box = Sleeper()
    box.tried(box.begin(seeks=False), sent=True)
    assert box.open() == []


def test_where_the_push_fails_the_call_does_not_wait() -> None:
    box = Sleeper()
    box.tried(box.begin(), sent=False, permanent=True)
    (call,) = box.outbox.pages.values()
    assert (call.notifier, call.next_attempt_at) == ("call", NOW)


def test_a_second_number_behind_one_gateway_has_a_key_of_its_own() -> None:
    box = Sleeper()
    numbers = [Contact(notifier="push", to="1"), Contact(notifier="push", to="2", after=S)]
    box.people = {"ana": PUSH_THEN_CALL.model_copy(update={"contacts": numbers})}
    first = box.begin()
    box.tried(first, sent=True)
    (second,) = box.outbox.pages.values()
    assert (second.notifier, second.address) == ("push", "2")
    assert second.key != first.key


def test_known_errors_that_come_late_hurry_no_call() -> None:
    box = Sleeper()
    box.tried(box.begin(), sent=True)
    box.outbox.hurry(1, NOW + S)
    assert box.outbox.due(NOW + 299 * S) == []


@pytest.mark.parametrize("restarted", [False, True])
def test_a_call_that_fails_leaves_nobody_unheard_who_had_the_push(restarted: bool) -> None:
    box = Sleeper()
    box.people = {"ana": PUSH_THEN_CALL.model_copy(update={"contacts": PUSH_THEN_CALL.contacts[:2]})}
    box.tried(box.begin(), sent=True)
    (call,) = box.outbox.pages.values()
    if restarted:
        box.outbox = Outbox()
        box.outbox.remember(1, call.step, "ana", 0, seeks=True, heard=True)
        box.outbox.hold(call)
    box.now = NOW + 300 * S
    box.tried(call, sent=False, permanent=True)
    assert call.state == "failed"
    assert not box.outbox.unheard(call)


class Channel:
    def __init__(self, answer: Any) -> None:
        self.answer, self.sent = answer, 0

    async def send(self, page: PageToSend) -> str | None:
        self.sent += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return str(self.answer)

    async def close(self) -> None: ...


PAGE = PageToSend(7, "k", "INC-1", "2/c0", "ana", "ana", 3, "hook", Message("s", "t", "x"))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("id-1", Attempt(7, sent=True, attempt=3, provider_id="id-1"), id="taken"),
        pytest.param(
            Undeliverable("gone", permanent=True),
            Attempt(7, sent=False, attempt=3, reason="gone", permanent=True),
            id="an address that is gone",
        ),
        pytest.param(
            ValueError("odd"),
            Attempt(7, sent=False, attempt=3, reason="ValueError: odd", unknown=True),
            id="a fault in the notifier",
        ),
    ],
)
async def test_an_attempt_says_what_became_of_it_and_which_it_was(answer: Any, expected: Attempt) -> None:
    assert await deliver(PAGE, Channel(answer), 10.0, lambda: 0.0) == expected


async def test_nothing_is_sent_once_the_lease_has_run_out() -> None:
    channel = Channel("id")
    attempt = await deliver(PAGE, channel, 10.0, lambda: 10.0)
    assert (attempt.sent, attempt.unknown, channel.sent) == (False, False, 0)
