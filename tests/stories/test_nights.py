"""Random nights at random sites: what the plan shows is what happens, and a restart changes nothing of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from agent.configuration.config import Config
from agent.configuration.site import Service
from agent.intents import ConfigChanged
from agent.rehearsal.house import House
from correlation.calendar import BusinessCalendar
from correlation.refusal import Refusal
from escalation.timetable import EscalationRules
from tests.house import DISK_FULL, DISK_WARN, alert, at, message, site

SITES = [
    ("Australia/Lord_Howe", datetime(2026, 4, 3, 20, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 27, 12, tzinfo=UTC)),
    ("America/St_Johns", datetime(2026, 10, 30, 12, tzinfo=UTC)),
    ("Asia/Shanghai", datetime(2026, 2, 12, 3, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2026, 9, 25, 3, tzinfo=UTC)),
    ("Asia/Shanghai", datetime(2025, 12, 31, 3, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2028, 2, 28, 12, tzinfo=UTC)),
]
"""Zones with clock changes of half an hour and more, a new year with make-up workdays, a leap day."""
HOURS = ["09:00-18:00", "00:00-24:00", "01:30-02:30,09:00-17:30", "22:00-24:00"]
ALERTS = [DISK_FULL, DISK_WARN, {"alertname": "UpsBatteryLow", "ups": "rack-1", "severity": "critical"}]
PEOPLE = ["ana", "luis", "wei", "pat", "desk", "dora"]
NIGHTS = 7


def a_site(chance: Random, zone: str) -> Config:
    config, every = site(), {"calendar": "business"}
    service = Service.model_validate({"sla": {n: every for n in (1, 2, 3, 4) if chance.random() < 0.6}})
    business = BusinessCalendar(
        time_zone=zone, hours=chance.choice(HOURS), country="CN" if zone == "Asia/Shanghai" else None
    )
    stop_in = [*config.escalation.rules.stop_in, "pending_vendor"][: 5 + chance.randrange(2)]
    rules = EscalationRules.model_validate({**config.escalation.rules.model_dump(), "stop_in": stop_in})
    policy = config.escalation.model_copy(update={"rules": rules})
    calendars = {**config.calendars, "business": business}
    return replace(config, calendars=calendars, services={"portal": service}, escalation=policy)


async def something_happens(house: House, chance: Random) -> None:
    """An alert comes or ends, a person acts, or a reload takes people away and changes the calendar."""
    active = [incident.number for incident in house.incidents() if incident.active]
    kind = chance.randrange(8)
    if kind == 0:
        await reloaded(house, chance)
    elif kind <= 2 or not active:
        ends = chance.choice(["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", at(house.now)])
        labels = {**chance.choice(ALERTS), "service": "portal"}
        starts = at(house.now - timedelta(seconds=30))
        await house.receive(message(alert(labels, starts=starts, ends=ends), groupKey=""))
    else:
        action, body = an_act(house, chance, active)
        known = [i.number for i in house.incidents()] if action == "reject" else active
        await house.act(chance.choice(known), action, body, chance.choice(PEOPLE))


def an_act(house: House, chance: Random, active: list[str]) -> tuple[str, Mapping[str, Any]]:
    soon, why = at(house.now + timedelta(minutes=chance.randrange(1, 600))), {"reason": "r"}
    fixed = {"type": "fixed", "resolution": "done", "note": "n", "service_restored_at": at(house.now)}
    acts: list[tuple[str, Mapping[str, Any]]] = [
        ("acknowledge", {}),
        ("acknowledge", {}),
        ("suspend", {**why, "for": "customer", "resume_at": soon}),
        ("suspend", {**why, "for": "vendor"}),
        ("resume", {}),
        ("set-severity", {**why, "severity": chance.randrange(1, 5)}),
        ("handover", {**why, "to": "l2"}),
        ("snooze", {**why, "until": soon}),
        ("assign", {"person": "ana"}),
        ("return", why),
        ("resolve", fixed),
        ("reject", why),
        ("replan", {}),
        ("escalate", why),
        ("merge", {"into": chance.choice(active)}),
    ]
    return chance.choice(acts)


async def reloaded(house: House, chance: Random) -> None:
    gone, before = set(chance.sample(["ana", "luis", "wei", "dora"], 2)), house.config
    people = {who: person for who, person in site().people.items() if who not in gone}
    business = before.calendars["business"].model_copy(update={"hours": chance.choice(HOURS)})
    house.config = replace(before, people=people, calendars={**before.calendars, "business": business})
    await house.do(ConfigChanged(house.config, "root"))


def ahead(house: House) -> tuple[object, ...]:
    """All that is to come, and what the records show of it."""
    steps = {
        number: sorted((s.key, str(s.due_at), str(s.planned.due_at), json.dumps(s.why)) for s in held)
        for number, held in house.desk.agenda.pending.items()
    }
    shown = [
        (i.number, i.state, i.assignee, i.next_due_at, i.response_due_at, i.resolve_due_at, i.held_until, i.resume_at)
        for i in house.incidents()
        if i.active
    ]
    return (steps, shown, sorted((n.key, n.due_at) for n in house.desk.notices.pending.values()), len(house.sent))


@pytest.mark.parametrize("night", range(NIGHTS))
async def test_what_is_planned_is_what_happens_and_a_restart_changes_nothing(night: int) -> None:
    chance = Random(night)
    zone, start = SITES[night % len(SITES)]
    house = await House(a_site(chance, zone), start).open()
    for _ in range(30):
        try:
            await something_happens(house, chance)
        except Refusal:
            continue
        before = ahead(house)
        await house.restart()
        assert ahead(house) == before
        plan = {s.id: (s.due_at, s.incident) for held in house.desk.agenda.pending.values() for s in held}
        following, begins = house.next_due(), house.now
        until = begins + timedelta(minutes=chance.choice([1, 5, 30, 61, 240, 700]))
        await house.advance_to(max(following, begins) if following and chance.random() < 0.4 else until)
        await check_taken(house, plan, begins)
        check_nothing_lost(house)
    await house.close()


async def check_taken(house: House, plan: Mapping[int, tuple[datetime | None, int]], begins: datetime) -> None:
    """Each step that was due since has its one record, at its instant or when what held it ended; no other has."""
    rows = {row[0]: row[1:] for row in await house.writer.fetch("SELECT id, outcome, at, due_at FROM step")}
    for step, (due_at, number) in plan.items():
        outcome, taken_at, fell_due_at = rows[step]
        incident = house.desk.board.incidents.get(number)
        held = incident.held_until if incident is not None and incident.held_until else begins
        if outcome in ("paged", "fallback", "nobody", "done"):
            assert taken_at in (fell_due_at, held)
            assert due_at is None or fell_due_at <= due_at, "an expected breach comes before its time"
        elif not outcome:
            assert due_at is None or due_at > house.now or held > house.now
    assert not await house.writer.fetch("SELECT key FROM step GROUP BY incident_id, key HAVING count(*) > 1")


def check_nothing_lost(house: House) -> None:
    """Every step of the timetable that was not taken is pending, and the last one is due when the record says so."""
    for incident in house.incidents():
        if not incident.active or "halted" in incident.targets:
            continue
        pending = {f"{s.planned.severity}/{s.planned.step.id}": s for s in house.desk.agenda.of(incident.id)}
        for step in house.desk.ladder.terms.timetable(incident):
            base, taken = f"{incident.severity}/{step.id}", incident.targets["taken"]
            if step.clock == "resolution":
                assert base in pending or base in taken
            elif step.clock == "response" and incident.acknowledged_at is None and not incident.bounces:
                assert base in pending or f"{base}@{incident.relapse}" in taken
        last = pending.get(f"{incident.severity}/p100")
        if last is not None and not last.planned.repetition and last.due_at and last.due_at > house.now:
            assert last.due_at == incident.resolve_due_at
