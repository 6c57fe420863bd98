"""iCalendar in and out."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from escalation.ics import MOST_EVENTS, BadCalendar, Duty, read, write
from escalation.roles import Contact, Person

BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = {
    "ana": Person(name="Ana", contacts=[Contact(notifier="mail", to="Ana@Example.org")]),
    "wei": Person(name="伟"),
}
YEAR = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


def calendar(*events: str) -> str:
    text = "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *events, "END:VCALENDAR"))
    return text.replace("\n", "\r\n")


def event(*lines: str) -> str:
    return "\n".join(("BEGIN:VEVENT", *lines, "END:VEVENT"))


def one(*lines: str, start: str = "20270101T000000Z", length: str = "PT8H") -> str:
    """A calendar with one duty of ana."""
    return calendar(event("UID:1", f"DTSTART:{start}", f"DURATION:{length}", "SUMMARY:ana", *lines))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_what_is_written_shows_nobody_as_busy_and_is_read_back_as_it_was() -> None:
    duties = [("sys-l1", Duty("ana", *YEAR)), ("sys-l1", Duty("wei", YEAR[1], YEAR[1] + timedelta(hours=9)))]
    written = write("sys-l1", duties, PEOPLE, utc("2027-01-01T00:00:00"))
    events = Calendar.from_ical(written).walk("VEVENT")
    assert {str(e["transp"]) for e in events} == {"TRANSPARENT"}
    assert [str(e["summary"]) for e in events] == ["Ana (sys-l1)", "伟 (sys-l1)"]
    assert b"BEGIN:VTIMEZONE" not in written, "moments are UTC"
    assert write("sys-l1", duties, PEOPLE, utc("2027-01-01T00:00:00")) == written, "ids are steady: no doubles"
    assert read(written.decode(), PEOPLE, BERLIN, YEAR[0], YEAR[1] + timedelta(days=9)) == [d for _, d in duties]


def test_a_repetition_keeps_its_hour_over_a_clock_change_and_its_exceptions() -> None:
    text = calendar(
        event(
            "UID:1",
            "DTSTART;TZID=Europe/Berlin:20270315T090000",
            "DTEND;TZID=Europe/Berlin:20270316T090000",
            "RRULE:FREQ=WEEKLY;UNTIL=20270412T070000Z",
            "EXDATE;TZID=Europe/Berlin:20270405T090000",
            "SUMMARY:Ana",
        ),
        event(
            "UID:1",
            "RECURRENCE-ID;TZID=Europe/Berlin:20270322T090000",
            "DTSTART;TZID=Europe/Berlin:20270323T090000",
            "DURATION:PT12H",
            "SUMMARY:wei (stands in)",
        ),
    )
    assert read(text, PEOPLE, BERLIN, *YEAR) == [
        Duty("ana", utc("2027-03-15T08:00:00"), utc("2027-03-16T08:00:00")),
        Duty("wei", utc("2027-03-23T08:00:00"), utc("2027-03-23T20:00:00")),
        Duty("ana", utc("2027-03-29T07:00:00"), utc("2027-03-30T07:00:00")),
        Duty("ana", utc("2027-04-12T07:00:00"), utc("2027-04-13T07:00:00")),
    ]


def test_a_whole_day_is_one_of_the_schedule_and_a_person_is_found_by_address() -> None:
    text = calendar(event("UID:1", "DTSTART;VALUE=DATE:20270328", "SUMMARY:x", "ATTENDEE;CN=A:mailto:ana@example.org"))
    (duty,) = read(text, PEOPLE, BERLIN, *YEAR)
    assert duty == ("ana", utc("2027-03-27T23:00:00"), utc("2027-03-28T23:00:00"))


def test_what_was_called_off_and_what_lies_outside_is_left_out() -> None:
    text = calendar(
        event("UID:1", "DTSTART:20270301T090000Z", "DTEND:20270301T100000Z", "SUMMARY:ana", "STATUS:CANCELLED"),
        event("UID:2", "DTSTART:20260301T090000Z", "DTEND:20260301T100000Z", "SUMMARY:ana"),
    )
    assert read(text, PEOPLE, BERLIN, *YEAR) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("nonsense", "this is no calendar", id="no calendar"),
        pytest.param("", "this is no calendar", id="nothing"),
        pytest.param(calendar(event("UID:1", "DTSTART:20270301T090000Z", "SUMMARY:zoe")), "'zoe'", id="a stranger"),
        pytest.param(calendar(event("UID:1", "SUMMARY:ana")), "no DTSTART", id="no start"),
        pytest.param(
            calendar(
                event(
                    "UID:1",
                    "DTSTART:20270101T000000Z",
                    "DURATION:PT1M",
                    "RRULE:FREQ=MINUTELY",
                    "SUMMARY:ana",
                )
            ),
            "steps too often",
            id="each minute",
        ),
        pytest.param(one("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), "goes with no BYMONTHDAY", id="no such day"),
        pytest.param(one("RRULE:FREQ=SEC\n ONDLY"), "steps too often", id="each second, over two lines"),
        pytest.param(one("RRULE:FREQ=DAILY;INTERVAL=0"), f"more than {MOST_EVENTS}", id="a bomb"),
        pytest.param(
            one("RRULE:FREQ=DAILY;INTERVAL=0", "EXDATE:20270101T000000Z"),
            "too long ago",
            id="a bomb unseen",
        ),
        pytest.param(one("RRULE:FREQ=DAILY;INTERVAL=-1"), "cannot be read", id="backwards"),
        pytest.param(one("RRULE:FREQ=DAILY", "EXDATE:tomorrow"), "cannot be read", id="an exception that is none"),
        pytest.param(one("RECURRENCE-ID;VALUE=TIME:090000"), "cannot be read", id="a time for a moment"),
        pytest.param(one(length="P999999999D"), "cannot be read", id="a shift without end"),
        pytest.param(one("DTSTART:20270102T000000Z"), "cannot be read", id="two starts"),
        pytest.param(one(start="20270101T000000Z\x00"), "cannot be read", id="a NUL"),
    ],
)
def test_a_calendar_that_cannot_be_taken_says_why(text: str, said: str) -> None:
    with pytest.raises(BadCalendar, match=said):
        read(text, PEOPLE, BERLIN, *YEAR)
