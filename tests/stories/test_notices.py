"""Notices by the calendar: each on its own, once, not on holidays, held or edited between the two."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from agent.configuration.site import Contract, Customer, Service
from agent.deciders.customers import NoSuchNotice, NoticeOver
from agent.intents import ConfigChanged, NoticeActed, RotaChanged, RotaEnded
from agent.rehearsal.house import House, Sent
from correlation.calendar import BusinessCalendar
from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from escalation.roles import Contact
from escalation.rota import RotaChange
from tests.house import DISK_FULL, DISK_WARN, alert, at, message, site

MORNING = datetime.fromisoformat("2026-03-02T01:00:00Z")
"""Monday, 9:00 in Shanghai."""
FRIDAY = MORNING + timedelta(days=4)
PM = Actor("pat", frozenset({"pm"}))
PORTAL = {**DISK_WARN, "service": "portal"}


def wall(hours: str, day: int = 2) -> datetime:
    """An instant of March 2026 by the clock of Shanghai."""
    return datetime.fromisoformat(f"2026-03-{day:02}T{hours}:00+08:00")


def served(**more: Any) -> Any:
    """The small site with a customer of the portal."""
    acme = Customer(name="Acme", contacts=[Contact(notifier="mail", to="it@acme.example")], **more)
    return replace(site(), customers={"acme": acme}, services={"portal": Service(customers=["acme"])})


@pytest.fixture
async def home() -> AsyncIterator[House]:
    house = await House(served(), MORNING).open()
    yield house
    await house.close()


async def opened(house: House, labels: dict[str, str] = PORTAL) -> str:
    await house.receive(message(alert(labels, starts=at(house.now))))
    number = house.incidents()[-1].number
    await house.act(number, "acknowledge", who="ana")
    return number


def told(house: House, name: str) -> list[Sent]:
    return [s for s in house.sent if s.step.startswith(name)]


async def outcomes(house: House, name: str) -> list[tuple[Any, ...]]:
    rows = await house.writer.fetch("SELECT key, outcome FROM notice WHERE outcome <> '' ORDER BY id")
    return [row for row in rows if row[0].startswith(name)]


async def draft(house: House) -> int:
    rows = await house.writer.fetch(
        "SELECT id FROM notice WHERE name = 'customer_eod' AND incident_id <> 0 ORDER BY id"
    )
    return int(rows[-1][0])


async def test_the_project_manager_is_told_an_hour_and_the_customer_half_an_hour_before_the_day_ends(
    home: House,
) -> None:
    number = await opened(home)
    await home.act(number, "note", {"text": "n", "next_action": "replace the disk", "eta": at(wall("20:00"))}, "ana")
    await home.advance_to(wall("18:00"))
    assert [(s.person, s.at) for s in told(home, "pm_eod")] == [("pat", wall("17:00"))]
    assert [(s.person, s.at, s.incident) for s in told(home, "customer_eod")] == [
        ("customer/acme", wall("17:30"), number)
    ]
    assert [f["customer"] for _, kind, _, f in await home.timeline(number) if kind == "customer_told"] == ["acme"]
    texts = [p.reason for p in home.desk.outbox.pages.values()]
    assert texts == []


async def test_whoever_wrote_no_next_action_is_asked_half_an_hour_earlier(home: House) -> None:
    number = await opened(home)
    await home.act(number, "note", {"text": "n", "next_action": "replace the disk"}, "ana")
    await opened(home, {**DISK_FULL, "instance": "db-2:9100"})
    await home.advance_to(wall("17:00"))
    (asked,) = told(home, "ask_next_action")
    assert (asked.person, asked.at) == ("ana", wall("16:30"))
    assert asked.subject.startswith("1 incident")


async def test_each_goes_out_once_a_day_whatever_is_restarted_or_reloaded(home: House) -> None:
    await opened(home)
    await home.advance_to(wall("17:00"))
    await home.restart()
    await home.do(ConfigChanged(replace(home.config, version=home.config.version + 1), "root"))
    await home.advance_to(wall("17:30"))
    await home.restart()
    await home.advance_to(wall("23:00"))
    assert (len(told(home, "pm_eod")), len(told(home, "customer_eod"))) == (1, 1)
    await home.advance_to(wall("23:00", 3))
    assert [s.at for s in told(home, "pm_eod")] == [wall("17:00"), wall("17:00", 3)]


async def test_nothing_goes_out_on_a_holiday_or_over_the_weekend_and_a_made_up_workday_counts() -> None:
    business = BusinessCalendar(time_zone="Asia/Shanghai", holidays=[date(2026, 3, 3)], workdays=[date(2026, 3, 7)])
    config = served()
    house = await House(replace(config, calendars={**config.calendars, "business": business}), MORNING).open()
    try:
        await opened(house)
        await house.advance_to(wall("12:00", 9))
        days = [s.at.astimezone(wall("12:00").tzinfo).day for s in told(house, "pm_eod")]
        assert days == [2, 4, 5, 6, 7]
    finally:
        await house.close()


async def test_a_customer_is_told_on_a_made_up_workday_and_asked_before_it(home: House) -> None:
    """Saturday the seventh makes up for a holiday: its end is the end of a workday like any other."""
    business = BusinessCalendar(time_zone="Asia/Shanghai", holidays=[date(2026, 3, 6)], workdays=[date(2026, 3, 7)])
    config = served()
    house = await House(replace(config, calendars={**config.calendars, "business": business}), MORNING).open()
    try:
        await house.advance_to(wall("10:00", 5))
        await opened(house)
        await house.advance_to(wall("12:00", 9))
        days = {name: [s.at for s in told(house, name)] for name in ("customer_eod", "ask_next_action")}
        assert days["customer_eod"] == [wall("17:30", 5), wall("17:30", 7)]
        assert days["ask_next_action"] == [wall("16:30", 5), wall("16:30", 7)]
    finally:
        await house.close()


async def test_a_customer_in_another_zone_is_told_by_its_own_calendar() -> None:
    config = served(calendar="berlin")
    calendars = {**config.calendars, "berlin": BusinessCalendar(time_zone="Europe/Berlin", hours="08:00-17:00")}
    house = await House(replace(config, calendars=calendars), MORNING).open()
    try:
        await opened(house)
        await house.advance_to(wall("23:59", 3))
        sent = [s.at.isoformat() for s in told(house, "customer_eod")]
        assert sent == ["2026-03-02T15:30:00+00:00", "2026-03-03T15:30:00+00:00"]
    finally:
        await house.close()


async def test_what_is_held_is_not_sent_and_what_is_released_is(home: House) -> None:
    number = await opened(home)
    await home.advance_to(wall("17:10"))
    notice = await draft(home)
    await home.do(NoticeActed(notice, "hold", PM))
    await home.restart()
    await home.advance_to(wall("18:00"))
    assert told(home, "customer_eod") == []
    assert (f"customer_eod/2026-03-02/{number}/acme", "held") in await outcomes(home, "customer_eod")
    await home.advance_to(wall("17:10", 3))
    for action in ("hold", "release"):
        await home.do(NoticeActed(await draft(home), action, PM))
    await home.advance_to(wall("18:00", 3))
    assert len(told(home, "customer_eod")) == 1
    kinds = [kind for _, kind, _, _ in await home.timeline(number) if kind.startswith(("notice_", "customer_"))]
    assert kinds == ["notice_held", "customer_not_told", "notice_held", "notice_released", "customer_told"]


async def test_what_the_project_manager_wrote_is_what_the_customer_reads(home: House) -> None:
    await opened(home)
    await home.advance_to(wall("17:10"))
    await home.do(NoticeActed(await draft(home), "edit", PM, "We replace the disk tonight; nothing is lost."))
    home.broken = {"mail"}
    await home.advance_to(wall("17:31"))
    (page,) = [p for p in home.desk.outbox.pages.values() if p.person == "customer/acme"]
    assert page.reason["facts"]["text"] == "We replace the disk tonight; nothing is lost."
    assert page.role == "customer"


@pytest.mark.parametrize(
    ("actor", "action", "text", "refused"),
    [
        pytest.param(Actor("ana", frozenset({"l1"})), "hold", "", Forbidden, id="not by the first line"),
        pytest.param(PM, "edit", "  ", Missing, id="not without words"),
    ],
)
async def test_who_may_not_hold_and_what_may_not_be_written(
    home: House, actor: Actor, action: Any, text: str, refused: type[Exception]
) -> None:
    await opened(home)
    await home.advance_to(wall("17:10"))
    with pytest.raises(refused):
        await home.do(NoticeActed(await draft(home), action, actor, text))


async def test_what_is_sent_can_be_held_no_more_and_what_never_was_is_not_found(home: House) -> None:
    await opened(home)
    await home.advance_to(wall("17:40"))
    with pytest.raises(NoticeOver):
        await home.do(NoticeActed(await draft(home), "hold", PM))
    with pytest.raises(NoSuchNotice):
        await home.do(NoticeActed(99_999, "hold", PM))


async def test_what_is_resolved_between_the_two_is_told_to_nobody(home: House) -> None:
    number = await opened(home)
    await home.advance_to(wall("17:10"))
    body = {"type": "fixed", "resolution": "r", "note": "n", "service_restored_at": at(home.now)}
    await home.act(number, "resolve", body, "ana")
    await home.advance_to(wall("18:00"))
    assert told(home, "customer_eod") == []
    assert (f"customer_eod/2026-03-02/{number}/acme", "over") in await outcomes(home, "customer_eod")


async def test_what_opens_between_the_two_is_told_as_well(home: House) -> None:
    await home.advance_to(wall("17:10"))
    number = await opened(home)
    await home.advance_to(wall("18:00"))
    assert [s.incident for s in told(home, "customer_eod")] == [number]


async def test_a_notice_that_was_missed_is_sent_late_on_its_day_and_let_be_the_day_after(home: House) -> None:
    await opened(home)
    home.clock.set(wall("19:30"))
    await home.restart()
    assert [s.at for s in told(home, "pm_eod")] == [wall("19:30")]
    rows = await home.writer.fetch("SELECT late_ms FROM notice WHERE key = 'pm_eod/2026-03-02'")
    assert rows == [(150 * 60_000,)]
    home.clock.set(wall("08:00", 5))
    await home.restart()
    assert len(told(home, "pm_eod")) == 1
    assert ("pm_eod/2026-03-03", "missed") in await outcomes(home, "pm_eod")
    await home.advance_to(wall("17:00", 5))
    assert len(told(home, "pm_eod")) == 2


async def test_a_day_with_nothing_open_is_on_the_record_and_tells_nobody(home: House) -> None:
    await home.advance_to(wall("18:00"))
    assert await outcomes(home, "pm_eod") == [("pm_eod/2026-03-02", "nothing")]
    assert home.sent == []


async def test_a_contract_names_the_customers_of_a_service_too() -> None:
    config = replace(
        served(), services={"portal": Service()}, contracts={"c1": Contract(customer="acme", services=["portal"])}
    )
    house = await House(config, MORNING).open()
    try:
        await opened(house)
        await house.advance_to(wall("18:00"))
        assert len(told(house, "customer_eod")) == 1
    finally:
        await house.close()


async def test_a_step_that_tells_the_customer_warns_them_in_plain_words(home: House) -> None:
    number = await opened(home, {**DISK_FULL, "service": "portal"})
    await home.advance(hours=6)
    (warned,) = [s for s in home.sent if s.step == "2/p75" and s.person == "customer/acme"]
    assert warned.subject == f"Your incident {number} may not be resolved in time"
    (record,) = [f for _, kind, _, f in await home.timeline(number) if kind == "step" and f["step"] == "2/p75"]
    assert "customer/acme" in record["told"]
    assert "customer" not in record["holes"]


# updates, reviews, callbacks


async def test_a_customer_is_told_at_the_pace_of_the_severity_until_it_is_over(home: House) -> None:
    number = await opened(home, {**DISK_FULL, "service": "portal"})
    begun = home.now
    await home.advance(hours=2, minutes=10)
    assert [s.at - begun for s in told(home, "customer_update")] == [timedelta(hours=1), timedelta(hours=2)]
    await home.restart()
    await home.act(number, "set-severity", {"severity": 1, "reason": "worse"}, "pat")
    await home.advance(minutes=25)
    assert [s.at - begun for s in told(home, "customer_update")][2:] == [timedelta(hours=2, minutes=30)]
    body = {"type": "fixed", "resolution": "r", "note": "n", "service_restored_at": at(home.now)}
    await home.act(number, "resolve", body, "ana")
    await home.advance(hours=3)
    assert len(told(home, "customer_update")) == 3


async def update(house: House) -> int:
    """The update at the pace of `customer_update` that is to come."""
    rows = await house.writer.fetch("SELECT id FROM notice WHERE name = 'customer_update' AND outcome = ''")
    return int(rows[-1][0])


async def test_an_update_that_is_held_is_left_out_and_the_next_one_comes_at_its_time(home: House) -> None:
    number = await opened(home, {**DISK_FULL, "service": "portal"})
    begun = home.now
    await home.advance(minutes=40)
    await home.do(NoticeActed(await update(home), "hold", PM))
    await home.restart()
    await home.advance(minutes=40)
    assert told(home, "customer_update") == []
    assert (f"customer_update/{number}/acme/1", "held") in await outcomes(home, "customer_update")
    assert [f["by"] for _, kind, _, f in await home.timeline(number) if kind == "customer_not_told"] == ["pat"]
    await home.do(NoticeActed(await update(home), "edit", PM, "A new disk is on its way."))
    home.broken = {"mail"}
    await home.advance_to(begun + timedelta(hours=2, minutes=1))
    (page,) = [p for p in home.desk.outbox.pages.values() if p.person == "customer/acme"]
    assert (page.step, page.reason["facts"]["text"]) == (
        f"customer_update/{number}/acme/2",
        "A new disk is on its way.",
    )
    await home.advance(hours=1)
    texts = [p.reason["facts"]["text"] for p in home.desk.outbox.pages.values() if p.step.startswith("customer_up")]
    assert texts[-1] == ""


@pytest.mark.parametrize(
    ("holdable_by", "actor", "refused"),
    [
        pytest.param(["pm"], Actor("ana", frozenset({"l1"})), True, id="not by the first line"),
        pytest.param(["desk"], PM, True, id="not by pm where the desk is named"),
        pytest.param(["desk"], Actor("desk", frozenset({"desk"})), False, id="by the desk where it is named"),
        pytest.param(None, PM, False, id="by pm where no notice goes to customers"),
    ],
)
async def test_whoever_may_hold_notices_to_customers_may_hold_their_updates(
    holdable_by: list[Any] | None, actor: Actor, *, refused: bool
) -> None:
    config = served()
    notices = dict(config.notices)
    if holdable_by is None:
        del notices["customer_eod"]
    else:
        notices["customer_eod"] = notices["customer_eod"].model_copy(update={"holdable_by": holdable_by})
    house = await House(replace(config, notices=notices), MORNING).open()
    try:
        await opened(house, {**DISK_FULL, "service": "portal"})
        with pytest.raises(Forbidden) if refused else nullcontext():
            await house.do(NoticeActed(await update(house), "hold", actor))
    finally:
        await house.close()


async def archived_by_accepting(house: House, number: str) -> None:
    body = {"type": "fixed", "resolution": "r", "note": "n", "service_restored_at": at(house.now)}
    await house.act(number, "resolve", body, "ana")
    await house.act(number, "accept", {"by": "acme", "via": "phone"}, "desk")


async def test_what_waits_for_review_is_listed_each_workday_and_flagged_once_it_is_old(home: House) -> None:
    number = await opened(home)
    await archived_by_accepting(home, number)
    home.broken = {"hook"}
    await home.advance_to(wall("09:00", 4))
    pages = {p.step: p for p in home.desk.outbox.pages.values() if p.step.startswith("review_daily")}
    flags = {step: [i["overdue"] for i in page.reason["facts"]["incidents"]] for step, page in pages.items()}
    assert flags == {"review_daily/2026-03-03": [False], "review_daily/2026-03-04": [True]}


async def test_all_incidents_of_the_week_are_to_be_called_back_and_what_came_of_it_is_reported(home: House) -> None:
    first, second = await opened(home), await opened(home, {**DISK_FULL, "instance": "db-2:9100"})
    await archived_by_accepting(home, first)
    await home.advance_to(FRIDAY + timedelta(hours=5))
    await home.act(first, "callback", {"reached": True, "score": 4, "persists": False}, "desk")
    home.broken = {"hook"}
    await home.advance_to(FRIDAY + timedelta(hours=6))
    pages = {p.person: p.reason for p in home.desk.outbox.pages.values() if p.step.startswith("callback_weekly")}
    assert pages.keys() == {"desk", "pat"}
    assert [i["number"] for i in pages["desk"]["facts"]["incidents"]] == [second]
    facts = pages["pat"]["facts"]
    assert (facts["due"], facts["done"], facts["score"], facts["persists"]) == (2, 1, 4.0, 0)


async def test_a_callback_list_that_falls_on_a_holiday_goes_out_the_workday_before() -> None:
    business = BusinessCalendar(time_zone="Asia/Shanghai", holidays=[date(2026, 3, 6)])
    config = served()
    house = await House(replace(config, calendars={**config.calendars, "business": business}), MORNING).open()
    try:
        await opened(house)
        await house.advance_to(wall("23:00", 8))
        assert {s.at for s in told(house, "callback_weekly")} == {wall("15:00", 5)}
    finally:
        await house.close()


# the rota


async def test_a_handover_is_told_to_both_once(home: House) -> None:
    await opened(home, DISK_FULL)
    await home.advance_to(wall("08:59", 9))
    assert told(home, "handover") == []
    await home.restart()
    await home.advance_to(wall("10:00", 9))
    assert {(s.person, s.at) for s in told(home, "handover/")} == {
        ("luis", wall("09:00", 9)),
        ("ana", wall("09:00", 9)),
    }


def stands_in(person: str, replaces: str, hours: int = 1) -> RotaChange:
    return RotaChange(
        id=f"{person}-for-{replaces}",
        schedule="sys-l1",
        person=person,
        replaces=replaces,
        from_at=MORNING + timedelta(hours=hours),
        until=MORNING + timedelta(hours=hours + 4),
        author="pat",
        reason="dentist",
        created_at=MORNING,
        swap="s1",
    )


async def test_a_swap_is_told_to_both_and_so_is_that_it_was_taken_back(home: House) -> None:
    home.broken = {"hook"}
    await home.do(RotaChanged((stands_in("ana", "luis"), stands_in("luis", "ana", 30)), PM))
    pages = {p.person: p.reason for p in home.desk.outbox.pages.values()}
    assert pages.keys() == {"ana", "luis"}
    changes = pages["ana"]["facts"]["changes"]
    assert [(c["person"], c["replaces"]) for c in changes] == [
        ("ana", "luis"),
        ("luis", "ana"),
    ]
    home.broken = set()
    await home.advance(minutes=5)
    before = len(home.sent)
    await home.do(RotaEnded("ana-for-luis", PM))
    assert {s.person for s in home.sent[before:]} == {"ana", "luis"}
    assert {s.step for s in home.sent[before:]} == {"rota_ended/ana-for-luis"}


async def test_a_change_that_names_nobody_to_relieve_is_told_to_whoever_would_have_been_on_call(home: House) -> None:
    await home.do(RotaChanged((msgspec.structs.replace(stands_in("luis", "ana"), replaces=None, swap=""),), PM))
    assert {s.person for s in home.sent} == {"ana", "luis"}


async def test_after_a_swap_the_handover_is_told_when_it_is_now(home: House) -> None:
    await home.do(RotaChanged((stands_in("luis", "ana"),), PM))
    await home.advance(hours=6)
    assert [s.at - MORNING for s in told(home, "handover/") if s.person == "ana"] == [
        timedelta(hours=1),
        timedelta(hours=5),
    ]


async def test_a_mark_that_moves_away_and_back_goes_out_once(home: House) -> None:
    """A holiday is written by mistake and taken out again: the day's notices come as if nothing had been."""
    await opened(home)
    right = home.config
    mistaken = BusinessCalendar(time_zone="Asia/Shanghai", holidays=[date(2026, 3, 2)])
    for again in range(2):
        calendars = {**right.calendars, "business": mistaken}
        await home.do(ConfigChanged(replace(right, calendars=calendars, version=right.version + 1), "root"))
        await home.advance(seconds=1)
        await home.do(ConfigChanged(right, "root"))
        await home.advance(seconds=1 + again)
    await home.advance_to(wall("18:00"))
    assert [(s.person, s.at) for s in told(home, "pm_eod")] == [("pat", wall("17:00"))]


async def test_a_handover_that_an_override_moves_is_told_when_the_override_is_taken_back(home: House) -> None:
    for again in range(2):
        over = msgspec.structs.replace(stands_in("luis", "ana"), id=f"o{again}", swap="")
        await home.do(RotaChanged((over,), PM))
        await home.advance(seconds=1)
        await home.do(RotaEnded(over.id, PM))
        await home.advance(seconds=1)
    await home.advance_to(wall("09:30", 9))
    assert {s.at for s in told(home, "handover/")} == {wall("09:00", 9)}
