"""Whoever was paged hears, once and by what paged them, that the incident has recovered by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.configuration.config import Config
from agent.intents import AlertsFound, PagesClaimed, PageTried, SilencePut, TimePassed
from agent.rehearsal.house import House
from collectors.labels import Matcher
from correlation.own import BRIEFLY, own_alert
from correlation.silence import Silence
from escalation.delivery import Attempt
from tests.house import DISK_FULL, START, alert, at, message, site

CPU = {"alertname": "CpuHigh", "instance": "web-7:9100", "severity": "critical"}
BEGAN = "2026-03-02T08:59:00.5Z"
ANA = [{"notifier": "hook", "to": "ana"}, {"notifier": "mail", "to": "ana@example.org", "after": "5m"}]


def telling_ends() -> Config:
    """The small site, where both ways to reach people tell them that an incident has recovered."""
    config = site()
    telling = {name: found.model_copy(update={"send_resolved": True}) for name, found in config.notifiers.items()}
    return replace(config, notifiers=telling)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(telling_ends(), START).open()
    yield made
    await made.close()


@asynccontextmanager
async def site_where(**contacts: list[dict[str, Any]]) -> AsyncIterator[House]:
    """The small site, where ana has the first line and these people these contacts."""
    config = telling_ends()
    schedule = config.schedules["sys-l1"]
    layer = schedule.layers[0].model_copy(update={"people": ["ana"]})
    schedules = {"sys-l1": schedule.model_copy(update={"layers": [layer]})}
    people = dict(config.people)
    for who, written in contacts.items():
        told = {**people[who].model_dump(exclude={"contacts"}), "contacts": written}
        people[who] = type(people[who]).model_validate(told)
    house = await House(replace(config, people=people, schedules=schedules), START).open()
    yield house
    await house.close()


async def ended(house: House, labels: dict[str, str] = DISK_FULL, began: str = BEGAN) -> None:
    await house.receive(message(alert(labels, starts=began, ends=at(house.now))))


async def fires_again(house: House) -> str:
    began = at(house.now)
    await house.receive(message(alert(DISK_FULL, starts=began)))
    return began


def ends(house: House) -> list[tuple[str, str, str]]:
    """Who was told of an end, by what, and by which step."""
    return [(s.person, s.notifier, s.step) for s in house.sent if "/recovered" in s.step]


def told(house: House) -> set[str]:
    return {person for person, _, _ in ends(house)}


async def silence(house: House, labels: dict[str, str], hours: int) -> str:
    made = Silence(
        id="quiet",
        matchers=(Matcher("alertname", "=", labels["alertname"]),),
        starts_at=house.now,
        ends_at=house.now + timedelta(hours=hours),
        created_by="ana",
        comment="known",
        created_at=house.now,
    )
    await house.do(SilencePut(made, "ana"))
    return made.id


async def test_those_who_were_paged_hear_it_once_when_it_has_stayed_over(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    paged = set(house.pages)
    await house.advance(minutes=5)
    await ended(house)
    await house.advance(minutes=14)
    assert ends(house) == []
    await house.advance(minutes=2)
    assert told(house) == paged
    assert len(ends(house)) == len(paged)
    await house.restart()
    await house.advance(days=2)
    assert len(ends(house)) == len(paged)


async def test_where_nothing_asks_for_it_nobody_is_told_and_no_step_is_taken() -> None:
    house = await House(site(), START).open()
    await house.receive(message(alert(DISK_FULL)))
    number, paged = house.incidents()[0].number, len(house.sent)
    await ended(house)
    await house.advance(minutes=30)
    assert len(house.sent) == paged
    assert not any("/recovered" in facts.get("step", "") for _, _, _, facts in await house.timeline(number))
    assert str(house.incidents()[0].state) == "resolved"
    await house.close()


async def test_what_fires_again_before_it_is_resolved_is_not_told_as_over(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await ended(house)
    await house.advance(minutes=10)
    await fires_again(house)
    await house.advance(hours=1)
    assert ends(house) == []


async def test_after_a_relapse_those_whom_it_paged_again_hear_of_its_end_again(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    await house.act(number, "acknowledge", who="luis")
    await ended(house)
    await house.advance(minutes=16)
    first = ends(house)
    began = await fires_again(house)
    assert house.sent[-1].step == "2/relapse@1"
    await ended(house, began=began)
    await house.advance(minutes=16)
    assert [(who, step) for who, _, step in ends(house)[len(first) :]] == [("luis", "2/recovered#1@1")]


async def test_what_a_person_resolved_is_told_to_nobody(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    await house.act(number, "acknowledge", who="luis")
    await ended(house)
    await house.act(number, "resolve", {"type": "permanent", "resolution": "cleaned", "note": "done"}, "luis")
    await house.advance(hours=2)
    assert ends(house) == []


async def test_a_contact_that_wakes_is_not_told_unless_it_asks_to_be() -> None:
    for asks, by in ((None, {"hook"}), (True, {"hook", "mail"})):
        written: list[dict[str, Any]] = [ANA[0], {**ANA[1], "send_resolved": asks}]
        async with site_where(ana=written) as house:
            await house.receive(message(alert(DISK_FULL)))
            await house.advance(minutes=6)
            assert {s.notifier for s in house.sent if s.person == "ana"} == {"hook", "mail"}
            await ended(house)
            await house.advance(minutes=16)
            assert {notifier for who, notifier, _ in ends(house) if who == "ana"} == by


async def test_a_contact_and_a_notifier_may_say_no() -> None:
    quiet = [{"notifier": "hook", "to": "ana", "send_resolved": False}]
    async with site_where(ana=quiet) as house:
        await house.receive(message(alert(DISK_FULL)))
        await ended(house)
        await house.advance(minutes=16)
        assert told(house) == set(house.pages) - {"ana"}
        hook = house.config.notifiers["hook"].model_copy(update={"send_resolved": False})
        config = replace(house.config, notifiers={**house.config.notifiers, "hook": hook})
    house = await House(config, START).open()
    await house.receive(message(alert(DISK_FULL)))
    await ended(house)
    await house.advance(minutes=16)
    assert ends(house) == []
    await house.close()


async def test_a_channel_that_reached_nobody_tells_nobody_and_the_one_that_stood_in_does() -> None:
    async with site_where(ana=[ANA[0], {"notifier": "mail", "to": "ana@example.org"}]) as house:
        house.broken.add("hook")
        await house.receive(message(alert(DISK_FULL)))
        await house.advance(minutes=1)
        house.broken.clear()
        await house.act(house.incidents()[0].number, "acknowledge", who="ana")
        await ended(house)
        reached = {(s.person, s.notifier) for s in house.sent}
        assert ("ana", "mail") in reached
        await house.advance(minutes=16)
        assert {(who, by) for who, by, _ in ends(house)} == {(s.person, s.notifier) for s in house.sent}
        assert ("ana", "hook") not in {(who, by) for who, by, _ in ends(house)}


async def test_the_word_of_an_end_that_fails_calls_no_other_contact_and_nobody_in_place() -> None:
    async with site_where(ana=ANA) as house:
        await house.receive(message(alert(DISK_FULL)))
        await ended(house)
        await house.advance(minutes=14)
        house.broken.add("hook")
        before = len(house.sent)
        await house.advance(days=2)
        assert house.sent[before:] == []


async def test_a_silence_keeps_it_quiet_and_the_timeline_says_so(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    await silence(house, DISK_FULL, hours=3)
    await ended(house)
    await house.advance(hours=5)
    assert ends(house) == []
    said = [facts for _, kind, _, facts in await house.timeline(number) if kind == "recovery_not_told"]
    assert said[0]["why"]["code"] == "silenced"
    assert said[0]["why"]["facts"]["silence"] == "quiet"


async def test_while_it_is_snoozed_the_word_waits(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    await house.act(number, "acknowledge", who="luis")
    until = house.now + timedelta(hours=2)
    await house.act(number, "snooze", {"until": at(until), "reason": "known"}, "luis")
    await ended(house)
    await house.advance(minutes=119)
    assert ends(house) == []
    await house.restart()
    await house.advance(minutes=2)
    assert {s.at for s in house.sent if "/recovered" in s.step} == {until}


async def test_a_word_that_waits_is_not_sent_once_it_fires_again(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await ended(house)
    await house.advance(minutes=14)
    house.broken.update({"hook", "mail"})
    await house.advance(minutes=2)
    began = await fires_again(house)
    house.broken.clear()
    await house.advance(minutes=5)
    assert ends(house) == []
    await ended(house, began=began)
    await house.advance(minutes=16)
    assert told(house) == set(house.pages)
    assert len(ends(house)) == len(set(ends(house))) == len(told(house))


async def test_a_refused_resolution_takes_the_word_back(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    await ended(house)
    await house.advance(minutes=14)
    house.broken.update({"hook", "mail"})
    await house.advance(minutes=2)
    await house.act(number, "reject", {"reason": "still slow"}, "pat")
    house.broken.clear()
    await house.advance(minutes=5)
    assert ends(house) == []


async def test_whom_a_restart_between_page_and_end_has_made_forget_nothing(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    paged = set(house.pages)
    await house.restart()
    await ended(house)
    await house.restart()
    await house.advance(minutes=16)
    assert told(house) == paged


async def test_whoever_was_paged_for_what_became_part_of_it_hears_of_the_end(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(CPU), groupKey="other"))
    disk, cpu = house.incidents()
    await house.act(disk.number, "assign", {"person": "desk"}, "pat")
    assert {s.incident for s in house.sent if s.person == "desk"} == {disk.number}
    await house.act(disk.number, "merge", {"into": cpu.number}, "pat")
    await house.restart()
    await ended(house)
    await ended(house, CPU)
    await house.advance(minutes=16)
    assert {s.incident for s in house.sent if "/recovered" in s.step} == {cpu.number}
    assert told(house) == {s.person for s in house.sent} >= {"desk"}
    rows = await house.writer.fetch("SELECT person, reason FROM page WHERE step LIKE '%recovered%'")
    assert {who for who, reason in rows if f'"merged":"{disk.number}"' in reason} == {"desk"}
    assert len(ends(house)) == len(set(ends(house))) == len(told(house))


async def test_a_page_that_lands_after_the_end_is_followed_by_its_word(house: House) -> None:
    house.broken.update({"hook", "mail"})
    await house.receive(message(alert(DISK_FULL)))
    await ended(house)
    await house.advance(minutes=14, seconds=30)
    house.clock.set(START + timedelta(minutes=16))
    flying = await house.through(PagesClaimed(tuple(house.desk.outbox.due(house.now))))
    await house.through(TimePassed())
    assert str(house.incidents()[0].state) == "resolved"
    house.broken.clear()
    await house.settle()
    assert ends(house) == []
    for page in flying:
        await house.through(PageTried(Attempt(page.page, sent=True, attempt=page.attempt)))
    await house.settle()
    assert told(house) == {page.target for page in flying}
    assert len(ends(house)) == len(set(ends(house)))


async def test_a_page_that_lands_in_the_very_moment_of_the_end_counts(house: House) -> None:
    house.broken.update({"hook", "mail"})
    await house.receive(message(alert(DISK_FULL)))
    await ended(house)
    await house.advance(minutes=14, seconds=30)
    house.clock.set(START + timedelta(minutes=16))
    flying = await house.through(PagesClaimed(tuple(house.desk.outbox.due(house.now))))
    house.broken.clear()
    results = [house.pipeline.put(PageTried(Attempt(p.page, sent=True, attempt=p.attempt))) for p in flying]
    tick = house.pipeline.put(TimePassed())
    await house.pipeline.drain_once()
    assert all(one.done() for one in (*results, tick))
    await house.settle()
    assert told(house) == {page.target for page in flying}


async def test_troubles_of_our_own_that_only_lapse_are_told_as_over_to_nobody(house: House) -> None:
    letter = own_alert("DeadLetter", {"source": "am"}, "a dead letter", house.now, lasts=BRIEFLY)
    await house.do(AlertsFound([letter], "self"))
    assert house.pages
    await house.advance(hours=2)
    assert ends(house) == []


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_word_is_short_and_in_the_language_of_whom_it_is_for(house: House, language: str) -> None:
    from agent.loops.paging import Claimed

    seen: list[Claimed] = []
    deliver = house._deliver

    async def keep(claimed: Claimed) -> None:
        seen.append(claimed)
        await deliver(claimed)

    house._deliver = keep  # type: ignore[method-assign]
    await house.receive(message(alert(DISK_FULL)))
    await ended(house)
    await house.advance(minutes=16)
    links = {"acknowledge": "http://t/ack", "console": "http://t/c", "open": "http://t/o"}
    pages = [one.composed(lambda *_: links) for one in seen if "/recovered" in one.step and one.language == language]
    assert pages
    text = pages[0].message.text
    assert ("it recovered by itself" if language == "en" else "已自行恢复") in text
    assert "http://t/c" in text
    assert "http://t/ack" not in f"{text}{pages[0].message.payload}"
    assert len(text.splitlines()) <= 9
