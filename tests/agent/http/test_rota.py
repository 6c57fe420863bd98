"""Overrides, swaps and calendars over the API."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from icalendar import Calendar

from agent.http.rota import listed_until
from agent.intents import ConfigChanged
from escalation.oncall import Schedule
from tests.agent.http.serving import Served
from tests.house import START

BASE = "/api/v1/oncall"
# The rota of the site: luis from Monday 2026-03-02, ana from Monday 2026-03-09, and so on.


async def first(api: Served, at: str = "") -> str:
    found = (await api.get(f"{BASE}{'?at=' + at if at else ''}")).body["items"][0]["people"]
    return str(found[0])


def stand_in(**more: Any) -> Mapping[str, Any]:
    return {"schedule": "sys-l1", "person": "ana", "reason": "luis is ill", **more}


async def test_an_override_holds_at_once_is_shown_audited_and_outlives_a_restart(api: Served) -> None:
    assert await first(api) == "luis"
    made = await api.post(f"{BASE}/overrides", stand_in(replaces="luis", until="2026-03-03T00:00:00Z"), as_="ana")
    assert (made.status, made.body["author"], made.body["from"]) == (201, "ana", "2026-03-02T09:00:00.000Z")
    assert await first(api) == "ana"
    (shown,) = (await api.get(f"{BASE}/overrides")).items
    assert shown == made.body
    rows = await api.daemon.writer.fetch("SELECT who, what, facts FROM audit WHERE what = 'rota_changed'")
    assert (rows[0][0], "luis is ill" in rows[0][2]) == ("ana", True)
    desk = await api.daemon.pipeline._load(api.daemon.writer)
    assert desk.directory.reach(["l1"], "sys-ops", api.clock.now()).people == (("ana", "l1"),)


async def test_a_page_goes_to_whoever_stands_in(api: Served) -> None:
    await api.post(f"{BASE}/overrides", stand_in(person="noa", replaces="luis"), as_="luis")
    number = await api.open_incident()
    assert {p["target"] for p in (await api.get(f"/api/v1/pages?incident={number}")).items} >= {"noa"}


async def test_it_ends_when_it_is_taken_back_and_who_was_on_call_then_is_still_known(api: Served) -> None:
    made = (await api.post(f"{BASE}/overrides", stand_in(), as_="pat")).body
    api.clock.set(api.clock.now() + timedelta(hours=1))
    ended = await api.call("DELETE", f"{BASE}/overrides/{made['id']}", as_="luis")
    assert (ended.status, ended.body["ended_by"], ended.body["until"]) == (200, "luis", "2026-03-02T10:00:00.000Z")
    assert await first(api) == "luis"
    assert await first(api, "2026-03-02T09:30:00Z") == "ana"
    assert (await api.get(f"{BASE}/overrides")).items == []
    assert (await api.call("DELETE", f"{BASE}/overrides/none", as_="pat")).status == 404


async def test_only_the_two_people_and_pm_may(api: Served) -> None:
    refused = await api.post(f"{BASE}/overrides", stand_in(replaces="luis"), as_="noa")
    assert (refused.status, "ana and luis" in refused.text) == (403, True)
    assert (await api.post(f"{BASE}/overrides", stand_in(replaces="luis"), as_="root")).status == 403
    assert (await api.post(f"{BASE}/overrides", stand_in(replaces="luis"), as_="cus")).status == 403
    assert (await api.post(f"{BASE}/overrides", stand_in(replaces="luis"), as_="pat")).status == 201


async def test_what_cannot_be_is_refused_with_the_field_that_is_wrong(api: Served) -> None:
    for sent, field in (
        (stand_in(schedule="none"), "schedule"),
        (stand_in(person="zoe"), "person"),
        (stand_in(replaces="ana"), "replaces"),
        (stand_in(until="2026-03-02T08:00:00Z"), "until"),
    ):
        answered = await api.post(f"{BASE}/overrides", sent)
        assert (answered.status, answered.body["missing"]) == (422, [field])


async def test_a_swap_is_two_halves_that_end_together(api: Served) -> None:
    sent = {
        "schedule": "sys-l1",
        "person": "luis",
        "from": "2026-03-04T00:00:00Z",
        "until": "2026-03-05T00:00:00Z",
        "with": "ana",
        "with_from": "2026-03-11T00:00:00Z",
        "with_until": "2026-03-12T00:00:00Z",
        "reason": "a wedding",
    }
    assert (await api.post(f"{BASE}/swaps", sent, as_="noa")).status == 403
    made = (await api.post(f"{BASE}/swaps", sent, as_="luis")).items
    assert len({half["swap"] for half in made}) == 1
    assert [await first(api, f"2026-03-{day}T12:00:00Z") for day in ("03", "04", "10", "11")] == [
        "luis",
        "ana",
        "ana",
        "luis",
    ]
    await api.call("DELETE", f"{BASE}/overrides/{made[0]['id']}", as_="ana")
    assert [await first(api, f"2026-03-{day}T12:00:00Z") for day in ("04", "11")] == ["luis", "ana"]


async def test_what_was_given_away_goes_on_from_whoever_has_it(api: Served) -> None:
    """Luis gives a day to Ana by a swap, Ana gives it on to Noa; Luis has nothing left to give."""
    day = {"from": "2026-03-04T00:00:00Z", "until": "2026-03-05T00:00:00Z"}
    swap = {**day, "schedule": "sys-l1", "person": "luis", "with": "ana", "reason": "a wedding"}
    swap |= {"with_from": "2026-03-11T00:00:00Z", "with_until": "2026-03-12T00:00:00Z"}
    made = (await api.post(f"{BASE}/swaps", swap, as_="luis")).items
    assert (await api.post(f"{BASE}/overrides", stand_in(person="noa", **day), as_="luis")).status == 403
    assert (await api.post(f"{BASE}/overrides", stand_in(person="noa", **day), as_="ana")).status == 201
    assert await first(api, "2026-03-04T12:00:00Z") == "noa"
    again = await api.post(f"{BASE}/swaps", swap, as_="luis")
    assert (again.status, again.body["missing"], "luis is not on call" in again.text) == (422, ["replaces"], True)
    assert len((await api.get(f"{BASE}/overrides")).items) == 3
    await api.call("DELETE", f"{BASE}/overrides/{made[0]['id']}", as_="luis")
    assert [await first(api, f"2026-03-{d}T12:00:00Z") for d in ("04", "11")] == ["noa", "ana"]


async def test_a_hostile_calendar_is_refused_in_a_sentence(api: Served) -> None:
    event = "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:ana\r\nDTSTART:20260304T000000Z\r\n{}\r\nEND:VEVENT"
    for line in ("RRULE:FREQ=SECONDLY", "DURATION:P999999999D", "EXDATE:x", "RRULE:FREQ=DAILY;INTERVAL=-1"):
        text = f"BEGIN:VCALENDAR\r\n{event.format(line)}\r\nEND:VCALENDAR\r\n"
        answered = await api.post(f"{BASE}/import", {"schedule": "sys-l1", "calendar": text, "reason": "x"})
        assert answered.status in (201, 422), answered.text
        assert answered.status == 201 or answered.body["faults"][0]["field"] == "calendar"


async def test_the_shifts_of_a_span_say_who_from_when_until_when(api: Served) -> None:
    found = (await api.get(f"{BASE}/shifts?since=2026-03-08T00:00:00Z&until=2026-03-10T00:00:00Z")).items
    assert [(s["from"], s["until"], s["person"]) for s in found] == [
        ("2026-03-08T00:00:00.000Z", "2026-03-09T00:00:00.000Z", "luis"),
        ("2026-03-09T00:00:00.000Z", "2026-03-10T00:00:00.000Z", "ana"),
    ]
    assert (await api.get(f"{BASE}/shifts?until=2028-01-01T00:00:00Z")).status == 422


async def test_the_calendar_needs_its_address_alone_and_not_a_changed_one(api: Served) -> None:
    told = (await api.get(f"{BASE}/calendar?schedule=sys-l1", as_="ana")).body["url"]
    path = urlsplit(told).path
    answered = await api.get(path, as_="")
    assert (answered.status, answered.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    events = Calendar.from_ical(answered.text).walk("VEVENT")
    assert {str(e["summary"]) for e in events} == {"Ana (sys-l1)", "Luis (sys-l1)"}
    assert {str(e["transp"]) for e in events} == {"TRANSPARENT"}
    assert (await api.get(path.replace(".ics", "x.ics"), as_="")).status == 404
    assert (await api.get(f"{BASE}/calendar?schedule=none", as_="ana")).status == 404


async def test_a_calendar_file_is_laid_over_a_schedule(api: Served) -> None:
    text = "\r\n".join(
        (
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:x",
            "BEGIN:VEVENT",
            "UID:1",
            "DTSTART:20260304T000000Z",
            "DURATION:P1D",
            "SUMMARY:ana",
            "END:VEVENT",
            "END:VCALENDAR",
        )
    )
    sent = {"schedule": "sys-l1", "calendar": text, "reason": "the team's calendar"}
    assert (await api.post(f"{BASE}/import", sent, as_="noa")).status == 403
    taken = await api.post(f"{BASE}/import", sent, as_="pat")
    assert (taken.status, [o["person"] for o in taken.items]) == (201, ["ana"])
    assert await first(api, "2026-03-04T12:00:00Z") == "ana"
    assert await first(api, "2026-03-05T12:00:00Z") == "luis"
    refused = await api.post(f"{BASE}/import", {**sent, "calendar": text.replace("SUMMARY:ana", "SUMMARY:x")})
    assert (refused.status, "nobody is known" in refused.text) == (422, True)


def test_turns_of_a_second_are_listed_for_some_hours_and_those_of_a_day_for_years() -> None:
    def rota(every: str) -> Mapping[str, Schedule]:
        layer = {"people": ["ana", "luis"], "every": every}
        return {"s": Schedule.model_validate({"group": "g", "time_zone": "UTC", "layers": [layer]})}

    year = START + timedelta(days=366)
    assert listed_until(rota("1s"), START, year, None) == START + timedelta(seconds=20_000)
    assert listed_until(rota("1s"), START, year, "another") == year
    assert listed_until(rota("1h"), START, year, None) == listed_until(rota("12h"), START, year, "s") == year


async def test_more_turns_than_can_be_listed_are_refused_and_without_until_left_out(api: Served) -> None:
    config = api.daemon.pipeline.desk.config
    rota = config.schedules["sys-l1"]
    quick = rota.model_copy(update={"layers": [rota.layers[0].model_copy(update={"every": timedelta(seconds=1)})]})
    await api.daemon.pipeline.submit(ConfigChanged(replace(config, schedules={"sys-l1": quick}), "root"))
    refused = await api.get(f"{BASE}/shifts?until=2026-03-03T09:00:00Z")
    assert (refused.status, "2026-03-02T14:33:20.000Z" in refused.body["detail"]) == (422, True)
    shown = await api.get(f"{BASE}/shifts")
    assert (shown.status, shown.items[-1]["until"]) == (200, "2026-03-02T14:33:20.000Z")
