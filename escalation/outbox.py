"""Pages wait here until a notifier has taken them; a crash loses none."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from correlation.incident import Incident
from escalation.called import Called, Further, channel_of
from escalation.delivery import Attempt, Notifier, PageToSend, RetryPolicy, Undeliverable, backoff
from escalation.escalate import Call, page_key
from escalation.open_pages import OpenPages, is_claimable, repeats
from escalation.recovery import RECOVERED, RECOVERED_WITH, Heard, tells_end
from escalation.roles import Contact, Person
from escalation.store import Page

_SOON = timedelta(milliseconds=300)
_MOST_NAMED = 20
"""Steps that a page names in whose place it is sent, the newest."""


@dataclass(frozen=True)
class Word:
    """A word to somebody that asks nobody to take anything; `incident` and `number` where it is about one."""

    step: str
    person: str
    role: str
    contact: Contact
    code: str
    facts: dict[str, Any]
    incident: int = 0
    number: str = ""


@dataclass(frozen=True)
class _To:
    """Whom a page goes to, in which role, and by which contact of theirs (`rank`: its place among them)."""

    person: str
    role: str
    notifier: str
    address: str
    rank: int = 0


class Outbox(OpenPages):
    """The open pages and what is decided of them: whom to tell, by which contact, again or no more."""

    def __init__(self) -> None:
        super().__init__()
        self.last_id = 0
        self._called = Called()

    def hold(self, page: Page) -> None:
        """Put an open page in the box (new, or read from the store)."""
        self.put(page)
        self.remember(page.incident_id, page.step, page.person, page.rank, seeks=page.seeks_responder)

    def remember(
        self, incident: int, step: str, person: str, rank: int, *, seeks: bool = False, heard: bool = False
    ) -> None:
        """Somebody was called for a step, by this contact of theirs.

        `seeks`: so that they take the incident; `heard`: such a page arrived.
        """
        self._called.note(incident, step, person, rank, seeks=seeks)
        if heard:
            self._called.note_arrival(incident, step, person)

    def page(self, incident: Incident, call: Call, now: datetime, *, wait: bool = False) -> Page:
        """Promise one page. With `wait` it gives the known errors a moment to be found."""
        to = _To(call.person, call.role, call.notifier, call.address, call.rank)
        return self._promise(
            (incident.id, incident.number),
            to,
            call.step.key,
            call.reason,
            call.step.due_at or now,
            now,
            seeks_responder=call.seeks_responder,
            supersedes=call.supersedes,
            wait=_SOON if wait else timedelta(),
        )

    def receipt(self, incident: Incident, notifier: str, address: str, reason: dict[str, Any], now: datetime) -> Page:
        """Promise the reporter an acknowledgement of receipt: asks nobody for anything, and nobody stands in."""
        to = _To(incident.reporter or address, "reporter", notifier, address)
        return self._promise((incident.id, incident.number), to, "receipt", reason, now, now)

    def notify(self, word: Word, due_at: datetime, now: datetime) -> Page:
        """Promise to pass on a word, by the first contact of whom it is for."""
        to = _To(word.person, word.role, word.contact.notifier, word.contact.to)
        reason = {"code": word.code, "facts": word.facts}
        return self._promise((word.incident, word.number), to, word.step, reason, due_at, now)

    def tell_end(
        self,
        incident: Incident,
        step: str,
        one: Heard,
        contacts: Sequence[Contact],
        rank: int,
        now: datetime,
        not_before: datetime,
    ) -> Page:
        """Promise somebody whom a page has reached the word that the incident has recovered, by that same contact."""
        reason = {"code": RECOVERED_WITH, "facts": {"merged": one.merged}} if one.merged else {"code": RECOVERED}
        return self._promise(
            (incident.id, incident.number),
            _To(one.person, one.role, one.notifier, one.address, rank),
            step,
            {"facts": {}, **reason},
            not_before,
            now,
            wait=max(timedelta(), not_before - now),
            channel=channel_of(contacts, rank),
        )

    def _promise(
        self,
        incident: tuple[int, str],
        to: _To,
        step: str,
        reason: dict[str, Any],
        due_at: datetime,
        now: datetime,
        *,
        seeks_responder: bool = False,
        supersedes: Sequence[str] = (),
        wait: timedelta = timedelta(),
        channel: str = "",
    ) -> Page:
        """One more page, about the incident of this id and number (0 and "": about none), sent after `wait`."""
        self.last_id += 1
        page = Page(
            id=self.last_id,
            incident_id=incident[0],
            key=page_key(incident[1], step, to.person, channel or to.notifier),
            step=step,
            person=to.person,
            role=to.role,
            notifier=to.notifier,
            address=to.address,
            rank=to.rank,
            seeks_responder=seeks_responder,
            reason=reason,
            supersedes=list(supersedes),
            due_at=due_at,
            created_at=now,
            next_attempt_at=now + wait,
        )
        if repeats(page):
            self._take_place_of_earlier(page)
        self.hold(page)
        self.dirty[page.id] = page
        return page

    def _take_place_of_earlier(self, page: Page) -> None:
        """Of the repetitions of a step that wait for one channel of a person only the newest is sent; it names them."""
        for earlier in self.alike(page):
            if earlier.state == "pending":
                self._give_way(earlier, page)

    def _give_way(self, earlier: Page, page: Page) -> None:
        page.supersedes = [*earlier.supersedes, earlier.step, *page.supersedes][-_MOST_NAMED:]
        page.failing_since = earlier.failing_since or page.failing_since
        self.close(earlier, "cancelled", f"superseded by {page.step}")

    # what the line decides

    def claim(self, page_ids: Iterable[int], now: datetime, policy: RetryPolicy) -> list[Page]:
        """Take pages that are still wanted; one that was cancelled meanwhile is not claimed.

        Where a lease has run out it is not known whether the page arrived: it is sent again and says so.
        """
        claimed = []
        for page_id in page_ids:
            page = self.pages.get(page_id)
            if page is None or not is_claimable(page, now):
                continue
            page.unconfirmed = page.unconfirmed or page.state == "claimed"
            page.state, page.attempts = "claimed", page.attempts + 1
            page.lease_until = now + policy.lease
            self.wake(page, page.lease_until)
            self.dirty[page.id] = page
            claimed.append(page)
        return claimed

    def attempted(
        self,
        attempt: Attempt,
        incident: Incident | None,
        now: datetime,
        policy: RetryPolicy,
        people: Mapping[str, Person],
    ) -> Page | None:
        """Mark an attempt; a failed one is tried again, and the next channel of the person is called to help."""
        page = self.pages.get(attempt.page)
        if page is None or not page.open:
            return page
        if not attempt.sent and attempt.attempt and attempt.attempt != page.attempts:
            # Its lease ran out and another attempt is under way: that one will tell.
            page.unconfirmed = page.unconfirmed or attempt.unknown
            self.dirty[page.id] = page
            return page
        took = lasted(page, now, policy)
        page.lease_until = None
        self.dirty[page.id] = page
        if attempt.sent:
            page.sent_at, page.provider_id = now, attempt.provider_id[:200]
            self.close(page, "sent", "")
            if page.seeks_responder:
                self._called.note_arrival(page.incident_id, page.step, page.person)
            for other in self.same_call(page):
                self.close(other, "cancelled", f"{page.notifier} has delivered it")
            self._call_further(page, incident, now, people)
            return page
        page.failing_since = page.failing_since or now
        page.unconfirmed = page.unconfirmed or attempt.unknown
        page.outcome = attempt.reason[:500]
        unwanted = not self.is_wanted(page, incident)
        over = now - page.created_at >= policy.give_up_after
        if attempt.permanent or unwanted or over:
            self.close(page, "cancelled" if unwanted else "failed", page.outcome)
        else:
            wait = attempt.retry_after or backoff(page.attempts, page.key, policy)
            page.state, page.next_attempt_at = "pending", now + wait
            self.wake(page, page.next_attempt_at)
            later = next((p for p in self.alike(page) if p.id > page.id and repeats(p)), None)
            if later is not None:
                self._give_way(page, later)
                self.dirty[later.id] = later
                return page
        known = incident is not None or not page.incident_id
        if not unwanted and known and not tells_end(page) and (not page.open or _is_late(page, policy, took)):
            self._next_channel(page, incident, now, people)
        return page

    def _next_channel(self, page: Page, incident: Incident | None, now: datetime, people: Mapping[str, Person]) -> None:
        """The next contact of the same person is called, each once per step.

        Where a page has failed for good by a contact that its person has no more, those that they have now are called
        from the first on.
        """
        instead = None if page.open else self._called.contact_instead(page, people)
        if instead is not None:
            if self._is_called_by(instead, page):
                return
            self._called.begin_anew(page.incident_id, page.step, page.person)
        further = instead or self._called.next_contact(page, people)
        if further is not None:
            self._call_by(further, page, incident, now)

    def _is_called_by(self, further: Further, page: Page) -> bool:
        """Whether a page to the same person by this contact waits or has arrived, for the step of a page."""
        told = self._called.was_told(page.incident_id, page.step, page.person)
        return told or any(p.notifier == further.contact.notifier for p in self.same_call(page))

    def _call_further(self, page: Page, incident: Incident | None, now: datetime, people: Mapping[str, Person]) -> None:
        """A page has arrived, and may be slept through: the next contact is called too in a while, where it asks so."""
        if incident is None or not page.seeks_responder or not _wanted(page, incident):
            return
        further = self._called.next_contact(page, people)
        if further is not None and further.contact.after is not None:
            self._call_by(further, page, incident, now, wait=further.contact.after)

    def _call_by(
        self,
        further: Further,
        page: Page,
        incident: Incident | None,
        now: datetime,
        *,
        wait: timedelta = timedelta(),
    ) -> None:
        self._promise(
            (page.incident_id, incident.number if incident is not None else ""),
            _To(page.person, page.role, further.contact.notifier, further.contact.to, further.rank),
            page.step,
            page.reason,
            page.due_at,
            now,
            seeks_responder=page.seeks_responder,
            supersedes=page.supersedes,
            wait=wait,
            channel=further.channel,
        )

    def fall_back(
        self, incident: Incident, page: Page, fallback: Iterable[str], people: Mapping[str, Person], now: datetime
    ) -> list[str]:
        """Page the fallback people in place of somebody whom no channel reaches; return who they are."""
        told = []
        for person in fallback:
            contacts = people[person].contacts if person in people else []
            if not contacts or self._called.has_called(incident.id, page.step, person):
                continue
            told.append(person)
            self._promise(
                (incident.id, incident.number),
                _To(person, page.role, contacts[0].notifier, contacts[0].to),
                page.step,
                {"code": "fallback", "facts": {"instead_of": page.person}},
                page.due_at,
                now,
                seeks_responder=page.seeks_responder,
            )
        return told

    def is_wanted(self, page: Page, incident: Incident | None) -> bool:
        """Whether an open page has still to be sent."""
        if tells_end(page):
            return page.open and incident is not None and not incident.active
        return page.open and (incident is None or not page.seeks_responder or _wanted(page, incident))

    def unheard(self, page: Page) -> bool:
        """Whether a failed page was the last hope of its call."""
        told = self._called.was_told(page.incident_id, page.step, page.person)
        return page.state == "failed" and not told and not self.same_call(page)

    def in_vain(self, page: Page, policy: RetryPolicy, took: timedelta = timedelta()) -> bool:
        """Whether a page has failed for so long that nobody who could take the incident hears of this step.

        `took` is how long its last attempt lasted.
        """
        if not page.open or not page.seeks_responder or page.failing_since is None or not _is_late(page, policy, took):
            return False
        return not self.is_heard(page) and all(p.failing_since is not None for p in self.seekers_beside(page))

    def is_heard(self, page: Page) -> bool:
        """Whether somebody who could take the incident has heard of this step."""
        return self._called.has_heard(page.incident_id, page.step)

    def cancel_seekers(self, incident: int, now: datetime, why: str) -> None:
        """Unsent pages that look for a responder are not wanted any more; what informs is still sent."""
        for page_id in list(self.of_incident.get(incident, ())):
            page = self.pages[page_id]
            if page.seeks_responder and page.state == "pending":
                self.close(page, "cancelled", why)

    def cancel_ends(self, incident: int, why: str) -> None:
        """It is not over after all: whoever has not been told that it was is not told."""
        for page_id in list(self.of_incident.get(incident, ())):
            page = self.pages[page_id]
            if tells_end(page) and page.state == "pending":
                self.close(page, "cancelled", why)

    def in_flight(self, incident: int) -> list[Page]:
        """The pages of an incident that are being sent."""
        held = (self.pages[i] for i in sorted(self.of_incident.get(incident, ())))
        return [page for page in held if page.state == "claimed"]

    def hurry(self, incident: int, now: datetime) -> None:
        """What a page waited for has come; a further contact is called when its time has come."""
        for page_id in self.of_incident.get(incident, ()):
            page = self.pages[page_id]
            waits = page.state == "pending" and page.attempts == 0 and page.next_attempt_at > now
            if waits and page.next_attempt_at - page.created_at <= _SOON:
                page.next_attempt_at = now
                self.wake(page, now)
                self.dirty[page.id] = page

    def paged(self, incident: int) -> set[str]:
        """Who was paged for an incident."""
        return self._called.people(incident)

    def sought(self, incident: int) -> set[str]:
        """Who was paged so that they take an incident, also as fallback."""
        return self._called.sought(incident)

    def forget(self, incident: int) -> None:
        """An incident has left the board."""
        self._called.forget(incident)


def lasted(page: Page, now: datetime, policy: RetryPolicy) -> timedelta:
    """How long ago the attempt that is in flight began; no time where none is."""
    return timedelta() if page.lease_until is None else max(timedelta(), now - (page.lease_until - policy.lease))


def _is_late(page: Page, policy: RetryPolicy, takes: timedelta = timedelta()) -> bool:
    """Whether it is time for the next channel: what comes of the next attempt is known too late if it `takes` so long.

    A receiver that hangs is known to have failed only when its time is up.
    """
    since = page.failing_since or page.next_attempt_at
    return page.next_attempt_at + takes - since >= policy.next_channel_after


def _wanted(page: Page, incident: Incident) -> bool:
    """Whether a page that looks for a responder still has to: one that was promised after an acknowledgement has."""
    if not incident.active:
        return False
    return incident.acknowledged_at is None or page.created_at > incident.acknowledged_at


# acting


async def deliver(page: PageToSend, notifier: Notifier, lease_until: float, monotonic: Callable[[], float]) -> Attempt:
    """Send one claimed page and say what became of it. Never raises: any failure is an attempt that failed.

    `lease_until` is in seconds of `monotonic`: it is not sent after that, nor waited for.
    """
    if monotonic() >= lease_until:
        return Attempt(page.page, sent=False, attempt=page.attempt, reason="the lease ran out before it was sent")
    try:
        async with asyncio.timeout(max(0.001, lease_until - monotonic())):
            provider_id = await notifier.send(page)
    except Undeliverable as error:
        return Attempt(
            page.page,
            sent=False,
            attempt=page.attempt,
            reason=str(error),
            permanent=error.permanent,
            unknown=error.unknown,
            retry_after=error.retry_after,
        )
    except TimeoutError:
        return Attempt(page.page, sent=False, attempt=page.attempt, reason="no answer within the lease", unknown=True)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return Attempt(page.page, sent=False, attempt=page.attempt, reason=reason, unknown=True)
    return Attempt(page.page, sent=True, attempt=page.attempt, provider_id=provider_id or "")
