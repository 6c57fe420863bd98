"""iCalendar: shifts as a calendar that shows nobody as busy, and a calendar of a team as changes of the rota."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import count
from typing import Any, NamedTuple

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event

from correlation.calendar import first_instant
from escalation.roles import Person

MOST_EVENTS = 2000
"""How many events of a calendar are read, repetitions included."""

_MOST_STEPS = 100_000
"""How often repetitions are followed, those before the span included."""
_FOLDED = re.compile(r"\r?\n[ \t]")
_RULE = re.compile(r"^(?:RRULE|EXRULE)[^\n]*?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_OFTEN = re.compile(r"FREQ=(SECONDLY|MINUTELY|HOURLY)")
_NEVER_DAILY = re.compile(r"(BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYEASTER|BYSETPOS)=")


class BadCalendar(ValueError):
    """What was sent is no calendar, or names people who are not known; the text says what to change."""


class Duty(NamedTuple):
    """Somebody is on call from one instant until another."""

    person: str
    from_at: datetime
    until: datetime


def write(name: str, duties: Iterable[tuple[str, Duty]], people: Mapping[str, Person], now: datetime) -> bytes:
    """Return a calendar of duties, each with its schedule.

    Moments are UTC, so that no zone rules need be sent along; TRANSP:TRANSPARENT keeps the week from showing as busy.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Tocsin//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    for schedule, duty in duties:
        event = Event()
        begins = duty.from_at.astimezone(UTC)
        event.add("uid", f"{schedule}-{begins:%Y%m%dT%H%M%SZ}-{duty.person}@tocsin")
        event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", begins)
        event.add("dtend", duty.until.astimezone(UTC))
        known = people.get(duty.person)
        event.add("summary", f"{known.name if known else duty.person} ({schedule})")
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def read(text: str, people: Mapping[str, Person], zone: tzinfo, from_at: datetime, until: datetime) -> list[Duty]:
    """Return who is on call by a calendar between two instants, in order of time.

    A person is found by the address of an attendee or organizer among their contacts, or by id or name in the
    summary. A day without hours begins at midnight in `zone`. Repetitions are followed with their exceptions
    (RRULE, EXDATE, RECURRENCE-ID). Raises BadCalendar. A large calendar takes seconds: not for the loop.
    """
    _refuse_too_often(text)
    try:
        return _read(text, people, zone, from_at, until)
    except BadCalendar:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise BadCalendar(f"this calendar cannot be read: {str(error)[:200]}") from None


def _refuse_too_often(text: str) -> None:
    """A duty repeats by the day at most: whatever steps through hours or looks for no day there is takes for ever."""
    for rule in _RULE.findall(_FOLDED.sub("", text).upper()):
        often = _OFTEN.search(rule)
        if often is not None:
            raise BadCalendar(f"the repetition {rule[:100]!r} steps too often: write FREQ=DAILY, or a longer step")
        if "FREQ=DAILY" in rule and (apart := _NEVER_DAILY.search(rule)) is not None:
            raise BadCalendar(f"FREQ=DAILY goes with no {apart[1]}: write FREQ=MONTHLY or FREQ=YEARLY for that")


def _read(text: str, people: Mapping[str, Person], zone: tzinfo, from_at: datetime, until: datetime) -> list[Duty]:
    try:
        all_events: list[Any] = Calendar.from_ical(text).walk("VEVENT")
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BadCalendar(f"this is no calendar: {str(error)[:200]}") from None
    steps = count()
    events = [e for e in all_events if str(e.get("status", "")) != "CANCELLED"]
    moved = {(str(e.get("uid")), _instant(e["recurrence-id"].dt, zone)) for e in events if "recurrence-id" in e}
    found: list[Duty] = []
    for event in events:
        person = _person(event, people)
        for begins, ends in _times(event, zone, until, moved, steps):
            if ends > from_at and begins < until and begins < ends:
                found.append(Duty(person, begins, ends))
            if len(found) > MOST_EVENTS:
                raise BadCalendar(f"the calendar has more than {MOST_EVENTS} events: send a shorter span")
    return sorted(found, key=lambda duty: (duty.from_at, duty.until, duty.person))


def _times(
    event: Any, zone: tzinfo, until: datetime, moved: set[tuple[str, datetime]], steps: Iterator[int]
) -> Iterator[tuple[datetime, datetime]]:
    if "dtstart" not in event:
        raise BadCalendar(f"the event {_summary(event)!r} has no DTSTART")
    start = event["dtstart"].dt
    length = _length(event, start, zone)
    if "rrule" not in event:
        begins = _instant(start, zone)
        yield begins, begins + length
        return
    # A repetition steps by the wall of its own zone; only then does it become an instant.
    its_zone = (start.tzinfo if isinstance(start, datetime) else None) or zone
    wall = start.replace(tzinfo=None) if isinstance(start, datetime) else datetime.combine(start, time())
    left_out = {_instant(at, zone) for at in _exceptions(event)}
    rules = event["rrule"]
    for rule in rules if isinstance(rules, list) else [rules]:
        for at in _repeated(rule, wall, its_zone):
            if next(steps) > _MOST_STEPS:
                raise BadCalendar("the repetitions begin too long ago: give them a later DTSTART")
            begins = first_instant(at, its_zone)
            if begins >= until:
                break
            if begins not in left_out and (str(event.get("uid")), begins) not in moved:
                yield begins, begins + length


def _repeated(rule: Any, wall: datetime, zone: tzinfo) -> Iterator[datetime]:
    """The wall clocks of a rule; its UNTIL is told by the same clock."""
    told = {key: value for key, value in rule.items() if key != "UNTIL"}
    last = next(iter(rule.get("UNTIL", [])), None)
    text = ";".join(f"{key}={','.join(map(_word, value))}" for key, value in told.items())
    _refuse_too_often(f"RRULE:{text}")  # as it was understood: however it was written
    try:
        repeated = rrulestr(text, dtstart=wall)
    except (ValueError, TypeError) as error:
        raise BadCalendar(f"the repetition {text!r} cannot be followed: {error}") from None
    end = None if last is None else _wall(last, zone)
    for at in repeated:
        if end is not None and at > end:
            return
        yield at


def _word(value: Any) -> str:
    return str(value.to_ical().decode() if hasattr(value, "to_ical") else value)


def _wall(moment: date, zone: tzinfo) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.max)
    return moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)


def _exceptions(event: Any) -> Iterator[Any]:
    lists = event.get("exdate", [])
    for one in lists if isinstance(lists, list) else [lists]:
        yield from (moment.dt for moment in one.dts)


def _length(event: Any, start: date, zone: tzinfo) -> timedelta:
    if "dtend" in event:
        return _instant(event["dtend"].dt, zone) - _instant(start, zone)
    if "duration" in event:
        length: timedelta = event["duration"].dt
        return length
    return timedelta() if isinstance(start, datetime) else timedelta(days=1)


def _instant(moment: date, zone: tzinfo) -> datetime:
    if not isinstance(moment, datetime):
        return first_instant(datetime.combine(moment, time()), zone)
    return first_instant(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)


def _summary(event: Any) -> str:
    return str(event.get("summary", ""))[:100]


def _person(event: Any, people: Mapping[str, Person]) -> str:
    addresses = set()
    for key in ("attendee", "organizer"):
        written = event.get(key, [])
        for one in written if isinstance(written, list) else [written]:
            addresses.add(str(one).lower().removeprefix("mailto:"))
    summary = _summary(event).strip().lower()
    for name, person in people.items():
        if addresses & {contact.to.lower() for contact in person.contacts}:
            return name
    words = {summary, summary.partition("(")[0].strip()}
    for name, person in people.items():
        if {name, person.name.lower()} & words:
            return name
    raise BadCalendar(
        f"nobody is known behind the event {_summary(event)!r}: write a person's id or name as its summary"
    )
