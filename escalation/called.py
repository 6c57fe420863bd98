"""Who was called for which step of an incident, by which contact of theirs and which is next, and who has heard."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from escalation.roles import Contact, Person
from escalation.store import Page


class Further(NamedTuple):
    """A further contact of somebody, its place among theirs, and the channel that it is.

    An address behind a notifier that an earlier contact has is a channel of its own: a gateway that honours the key
    would keep the second number from ringing.
    """

    contact: Contact
    rank: int
    channel: str


def channel_of(contacts: Sequence[Contact], rank: int) -> str:
    """What the channel of a contact is called in the key of a page."""
    found = contacts[rank]
    second = any(c.notifier == found.notifier for c in contacts[:rank])
    return f"{found.notifier}\x00{found.to}" if second else found.notifier


class Called:
    """What was told so far, by incident, as long as that is on the board."""

    def __init__(self) -> None:
        self.ranks: dict[int, dict[tuple[str, str], int]] = {}
        """By step and person: the highest contact of theirs that was called."""
        self.heard: dict[int, set[str]] = {}
        """The steps of which a page that seeks a responder has arrived."""
        self._people: dict[int, set[str]] = {}
        self._sought: dict[int, set[str]] = {}
        self._told: dict[int, set[tuple[str, str]]] = {}
        """The steps and persons by whom such a page was received."""

    def note(self, incident: int, step: str, person: str, rank: int, *, seeks: bool) -> None:
        """Somebody was called for a step, by this contact of theirs; `seeks`: so that they take the incident."""
        self._people.setdefault(incident, set()).add(person)
        if seeks:
            self._sought.setdefault(incident, set()).add(person)
        ranks = self.ranks.setdefault(incident, {})
        ranks[step, person] = max(rank, ranks.get((step, person), 0))

    def begin_anew(self, incident: int, step: str, person: str) -> None:
        """Somebody has other contacts since: none of them was called for this step."""
        self.ranks.get(incident, {}).pop((step, person), None)

    def note_arrival(self, incident: int, step: str, person: str) -> None:
        """A page that asks somebody to take the incident has arrived."""
        self.heard.setdefault(incident, set()).add(step)
        self._told.setdefault(incident, set()).add((step, person))

    def has_called(self, incident: int, step: str, person: str) -> bool:
        """Whether somebody was called for a step."""
        return (step, person) in self.ranks.get(incident, {})

    def next_contact(self, page: Page, people: Mapping[str, Person]) -> Further | None:
        """The contact after the last that was called for the step of a page; None where there is no further one."""
        contacts = people[page.person].contacts if page.person in people else []
        called = self.ranks.get(page.incident_id, {}).get((page.step, page.person), page.rank)
        rank = called + 1
        if rank >= len(contacts):
            return None
        return Further(contacts[rank], rank, channel_of(contacts, rank))

    def contact_instead(self, page: Page, people: Mapping[str, Person]) -> Further | None:
        """The first contact of somebody who has not the contact of a page any more; None where it is theirs still.

        A receipt answers a mail: nothing else stands in for it.
        """
        contacts = people[page.person].contacts if page.person in people else []
        if (
            not contacts
            or page.step == "receipt"
            or any((c.notifier, c.to) == (page.notifier, page.address) for c in contacts)
        ):
            return None
        return Further(contacts[0], 0, channel_of(contacts, 0))

    def has_heard(self, incident: int, step: str) -> bool:
        """Whether somebody who could take the incident has heard of a step."""
        return step in self.heard.get(incident, ())

    def was_told(self, incident: int, step: str, person: str) -> bool:
        """Whether it was this person who heard of it."""
        return (step, person) in self._told.get(incident, ())

    def people(self, incident: int) -> set[str]:
        """Who was paged for an incident."""
        return self._people.get(incident, set())

    def sought(self, incident: int) -> set[str]:
        """Who was paged so that they take an incident, also as fallback."""
        return self._sought.get(incident, set())

    def forget(self, incident: int) -> None:
        """An incident has left the board."""
        for held in (self._people, self._sought, self.ranks, self.heard, self._told):
            held.pop(incident, None)
