"""Who hears that an incident has recovered by itself: those whom it paged, by the channels that reached them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from correlation.incident import Incident
from escalation.roles import OUTSIDE, Contact, Person
from escalation.store import Page

RECOVERED, RECOVERED_WITH = "recovered", "recovered_with"
"""Why they are told: it is over by itself; the one they were paged for is, for it became part of this one."""
_ENDS = frozenset({RECOVERED, RECOVERED_WITH})
_PARTS, _RECOVERED = "took_in", "recovered"
"""In an incident's targets: what was merged into it; the step by which its end was told, and pages in flight then."""


class Heard(NamedTuple):
    """Somebody whom a page of an incident has reached, by this address of a notifier, and as whom.

    `merged` is the number of the incident that they were paged for, where that has become part of this one.
    """

    person: str
    role: str
    notifier: str
    address: str
    merged: str = ""

    @property
    def channel(self) -> tuple[str, str, str]:
        return (self.person, self.notifier, self.address)


def is_end(code: str) -> bool:
    """Whether a page of this reason tells that its incident has recovered."""
    return code in _ENDS


def tells_end(page: Page) -> bool:
    """Whether a page tells that its incident has recovered."""
    return is_end(page.reason.get("code", ""))


def may_have_arrived(page: Page) -> bool:
    """Whether somebody of ours may have read a page that asks something of them or informs them of the trouble."""
    return (page.state == "sent" or page.unconfirmed) and page.role not in OUTSIDE and not tells_end(page)


def heard_by(rows: Iterable[tuple[Any, ...]], merged: Mapping[int, str]) -> list[Heard]:
    """Whom the rows of `reached` tell of, each channel once; not those who have been told the end since.

    `merged` has the numbers of the incidents, by row, that have become part of the one that this is about.
    """
    reached: dict[tuple[str, str, str], tuple[int, Heard]] = {}
    told: dict[tuple[str, str, str], int] = {}
    for incident, person, notifier, address, role, last, told_last in rows:
        one = Heard(person, role, notifier, address, merged.get(incident, ""))
        told[one.channel] = max(told_last, told.get(one.channel, 0))
        was = reached.get(one.channel)
        own_first = was is None or (bool(was[1].merged) and not one.merged)
        newest = max(last, was[0] if was is not None else 0)
        reached[one.channel] = (newest, one if own_first or was is None else was[1])
    return [one for channel, (last, one) in reached.items() if last > told[channel]]


def contact_of(one: Heard, people: Mapping[str, Person], notifiers: Mapping[str, Any]) -> int | None:
    """Which of a person's contacts it was that reached them; None: it is theirs no more, or takes no word of an end."""
    person = people.get(one.person)
    for rank, contact in enumerate(person.contacts if person is not None else ()):
        if (contact.notifier, contact.to) == (one.notifier, one.address):
            return rank if takes_ends(contact, notifiers) else None
    return None


def takes_ends(contact: Contact, notifiers: Mapping[str, Any]) -> bool:
    """Whether an incident's end is told by a contact: as it says itself, else as its notifier does.

    One with `after` is there to wake somebody who slept through a message, and an end is no reason to.
    """
    if contact.send_resolved is not None:
        return contact.send_resolved
    channel = notifiers.get(contact.notifier)
    return contact.after is None and channel is not None and bool(channel.send_resolved)


def anybody_takes_ends(people: Iterable[Person], notifiers: Mapping[str, Any]) -> bool:
    """Whether the end of an incident is told to anybody by anything."""
    return any(takes_ends(contact, notifiers) for person in people for contact in person.contacts)


def parts_of(incident: Incident) -> dict[int, str]:
    """By row, the numbers of the incidents that have become part of one."""
    return {int(row): number for row, number in incident.targets.get(_PARTS, {}).items()}


def take_in_part(into: Incident, part: Incident) -> None:
    """An incident has become part of another, with all that had become part of it."""
    held = {**into.targets.get(_PARTS, {}), **part.targets.get(_PARTS, {}), str(part.id): part.number}
    into.targets = {**into.targets, _PARTS: held}


def note_end(incident: Incident, step: str, in_flight: Sequence[int]) -> None:
    """Its end is told by this step; whom these pages reach after all is told when they have landed."""
    incident.targets = {**incident.targets, _RECOVERED: {"step": step, "in_flight": list(in_flight)}}


def forget_end(incident: Incident) -> None:
    """It is not over, or nobody is told that it is."""
    incident.targets = {name: value for name, value in incident.targets.items() if name != _RECOVERED}


def landed(incident: Incident, page: int) -> str | None:
    """Strike a page from those that were in flight; return the step of the end. None: it was none of them."""
    noted = incident.targets.get(_RECOVERED, {"in_flight": ()})
    if page not in noted["in_flight"]:
        return None
    note_end(incident, noted["step"], [other for other in noted["in_flight"] if other != page])
    return str(noted["step"])
