"""A page is claimed, tried, tried again, and falls over to the next channel and to other people."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from correlation.incident import Incident, State
from escalation.delivery import Message, PageToSend, RetryPolicy, Undeliverable
from escalation.escalate import Call
from escalation.outbox import Attempt, Outbox, deliver
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

    def fail(self, page: Page, **more: Any) -> None:
        attempt = Attempt(page.id, sent=False, reason="no", **{"attempt": self.claim(page), **more})
        self.outbox.attempted(attempt, self.incident, self.now, POLICY, PEOPLE)

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


def test_a_permanent_failure_calls_the_next_channel_at_once() -> None:
    box = Box()
    box.fail(box.promise(), permanent=True)
    assert box.open() == [("ana", "mail")]


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
