"""What a person splits stays split: also when it fires again, over a restart, and until they merge it by hand."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.configuration.config import Config
from agent.rehearsal.house import House
from agent.wording.sentences import text
from correlation.need import Missing
from correlation.rules import JoinRule
from tests.correlation.test_evidence import FRONT, SHOP, SWITCH, WEB_1, WEB_2
from tests.house import START, alert, at, message
from tests.knowledge.shelf import entry, library, shipped
from tests.stories.test_growth import everywhere, told


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House(everywhere(), START).open()
    yield made
    await made.close()


def key_of(house: House, labels: dict[str, str]) -> str:
    found = next(e for e in house.desk.board.episodes.values() if house.desk.board.labels(e) == labels)
    return f"{found.fingerprint}@{found.starts_text}"


def incident_of(house: House, labels: dict[str, str]) -> str:
    found = next(e for e in house.desk.board.episodes.values() if house.desk.board.labels(e) == labels)
    return house.desk.board.incidents[found.incident].number


async def split(house: House, number: str, *alerts: dict[str, str], who: str = "desk") -> str:
    """Split alerts off; return the number of the incident that they opened."""
    await house.act(number, "split", {"alerts": [key_of(house, labels) for labels in alerts]}, who=who)
    return incident_of(house, alerts[0])


async def end(house: House, *alerts: dict[str, str]) -> None:
    board = house.desk.board
    starts = {tuple(board.labels(e).items()): e.starts_text for e in board.episodes.values()}
    ended = [alert(labels, starts=starts[tuple(labels.items())], ends=at(house.now)) for labels in alerts]
    await house.receive(message(*ended, groupKey=""))


async def outage(house: House) -> str:
    await told(house, SWITCH, WEB_1, SHOP)
    (incident,) = house.incidents()
    assert incident.open_alerts == 3
    return incident.number


async def test_what_is_split_off_is_an_incident_of_its_own_that_is_paged_and_linked(house: House) -> None:
    number = await outage(house)
    house.sent.clear()
    other = await split(house, number, SHOP, who="pat")
    assert other != number
    assert {s.incident for s in house.sent} == {other}
    new, old = house.incident(other), house.incident(number)
    assert (new.open_alerts, old.open_alerts) == (1, 2)
    assert (new.linked("incident"), old.linked("incident")) == ([number], [other])
    assert [kind for _, kind, who, _ in await house.timeline(number) if who == "pat"] == ["split", "linked"]
    why = dict(await house.writer.fetch("SELECT alert_id, why FROM episode WHERE incident_id = ?", new.id))
    assert all('"code":"split"' in reason for reason in why.values())
    version = old.version
    await split(house, number, SHOP, who="pat")
    assert (house.incident(number).version, len(house.incidents())) == (version, 2), "the same again changes nothing"


async def test_an_incident_counts_the_alerts_that_it_has_and_none_that_has_left_it(house: House) -> None:
    number = await outage(house)
    assert house.incident(number).alert_count == 3
    other = await split(house, number, SHOP)
    await house.restart()
    assert [house.incident(one).alert_count for one in (number, other)] == [2, 1]
    await house.act(other, "merge", {"into": number}, who="desk")
    counted = dict(await house.writer.fetch("SELECT number, alert_count FROM incident"))
    assert counted == {number: 3, other: 1}, "what is over says what it was about"


async def test_what_was_split_is_not_joined_again_by_itself_and_why_says_so(house: House) -> None:
    number = await outage(house)
    await split(house, number, SHOP)
    await end(house, SHOP)
    await house.advance(minutes=10)
    await house.restart()
    await told(house, FRONT)
    assert incident_of(house, FRONT) != number, "a service on it, and of the same kind"
    ((rejected,),) = await house.writer.fetch("SELECT rejected FROM episode ORDER BY alert_id DESC LIMIT 1")
    assert '"code":"kept_apart"' in rejected
    facts = {"incident": number, "by": "desk", "split": number, "place": "am", "until": "2026-04-01T09:00:00.000Z"}
    assert text("kept_apart", facts).startswith(
        f"not {number}, which it would have joined: desk split such alerts of am"
    )
    await told(house, WEB_2)
    assert incident_of(house, WEB_2) == number, "another kind comes in as before"


async def test_a_cause_told_late_does_not_bring_together_what_a_person_split(house: House) -> None:
    number = await outage(house)
    await split(house, number, SHOP)
    await end(house, SWITCH, WEB_1, SHOP)
    await house.advance(hours=2)
    await told(house, FRONT)
    fresh = incident_of(house, FRONT)
    await house.advance(seconds=5)
    await told(house, SWITCH)
    assert incident_of(house, SWITCH) != fresh
    assert incident_of(house, FRONT) == fresh


async def test_a_join_rule_does_not_bring_together_what_a_person_split() -> None:
    rule = JoinRule(id="by-team", join_by=["team"])
    house = await House(replace(everywhere(), join_rules=(rule,)), START).open()
    queue, backup = {"alertname": "QueueLong", "team": "a"}, {"alertname": "BackupTooOld", "team": "a"}
    await told(house, queue, backup)
    number = incident_of(house, queue)
    assert incident_of(house, backup) == number
    await split(house, number, backup)
    await house.advance(seconds=10)
    await told(house, {**backup, "instance": "x-1"})
    assert incident_of(house, {**backup, "instance": "x-1"}) != number
    await house.close()


async def test_a_merge_by_hand_takes_the_split_back(house: House) -> None:
    number = await outage(house)
    other = await split(house, number, SHOP)
    await house.act(other, "merge", {"into": number}, who="desk")
    assert await house.writer.fetch("SELECT * FROM lesson WHERE what = 'apart'") == []
    await told(house, FRONT)
    assert incident_of(house, FRONT) == number


async def test_kinds_that_the_person_left_together_are_told_apart_by_their_items(house: House) -> None:
    await told(house, SWITCH, WEB_1, WEB_2)
    (incident,) = house.incidents()
    await split(house, incident.number, WEB_2)
    await end(house, WEB_1, WEB_2)
    await house.advance(minutes=20)
    await told(house, WEB_1)
    assert incident_of(house, WEB_1) == incident.number, "a host on that switch is still explained by it"
    rows = await house.writer.fetch("SELECT one, other FROM lesson WHERE what = 'apart' ORDER BY one, other")
    assert ("hostdown@web-2", "switchdown@sw-1") in rows
    assert ("hostdown", "switchdown") not in rows


async def test_an_incident_of_which_all_that_fires_is_split_off_comes_to_rest(house: House) -> None:
    number = await outage(house)
    await end(house, SWITCH, WEB_1)
    await split(house, number, SHOP)
    assert house.incident(number).resolves_at is not None
    await house.advance(minutes=20)
    assert house.incident(number).state == "resolved"


@pytest.mark.parametrize("keys", [["ffffffffffffffff@2026-03-02T09:00:00Z"], "all"], ids=["none of its own", "all"])
async def test_what_cannot_be_split_off_is_refused_and_changes_nothing(house: House, keys: list[str] | str) -> None:
    number = await outage(house)
    named = [key_of(house, labels) for labels in (SWITCH, WEB_1, SHOP)] if keys == "all" else keys
    with pytest.raises(Missing) as refused:
        await house.act(number, "split", {"alerts": named}, who="desk")
    assert refused.value.fields == ["alerts"]
    assert (house.incident(number).open_alerts, len(house.incidents())) == (3, 1)


async def test_a_split_is_remembered_for_as_long_as_the_site_says_and_then_forgotten() -> None:
    config = everywhere()
    evidence = config.correlation.evidence.model_copy(update={"apart_for": timedelta(minutes=1)})
    policy = config.correlation.model_copy(update={"evidence": evidence})
    house = await House(replace(config, correlation=policy), START).open()
    number = await outage(house)
    await split(house, number, SHOP)
    await house.advance(minutes=2)
    await told(house, FRONT)
    assert incident_of(house, FRONT) == number
    await house.close()


async def summed_up(house: House, *alerts: tuple[dict[str, str], str]) -> str:
    """One incident of alerts that their sender calls something."""
    for labels, summary in alerts:
        one = alert(labels, starts=at(house.now), annotations={"summary": summary})
        await house.receive(message(one, groupKey=""))
    (incident,) = house.incidents()
    return incident.number


async def test_each_of_the_two_is_called_by_the_summary_of_its_own_first_alert(house: House) -> None:
    number = await summed_up(house, (SHOP, "the shop answers with errors"), (SWITCH, "sw-1 is gone"))
    assert house.incident(number).title == "the shop answers with errors"
    other = await split(house, number, SHOP)
    assert house.incident(other).title == "the shop answers with errors"
    assert house.incident(number).title == "sw-1 is gone"
    ((_, _, _, facts),) = [line for line in await house.timeline(number) if line[1] == "renamed"]
    assert facts == {"was": "the shop answers with errors", "title": "sw-1 is gone"}


async def test_an_incident_keeps_the_title_of_an_alert_that_it_keeps_over_a_restart(house: House) -> None:
    number = await summed_up(house, (SWITCH, "sw-1 is gone"), (SHOP, "the shop answers with errors"))
    await house.restart()
    other = await split(house, number, SHOP)
    assert house.incident(other).title == "the shop answers with errors"
    assert house.incident(number).title == "sw-1 is gone"


def matching(*names: str) -> list[dict[str, list[str]]]:
    return [{"alertname": list(names)}]


def with_known_errors() -> Config:
    known = library(
        entry("shop-errors", match=matching("ServiceHighErrorRate")),
        entry("switch-down", match=matching("SwitchDown")),
        entry("both", match=matching("SwitchDown", "ServiceHighErrorRate")),
    )
    return replace(everywhere(), known_errors=known)


async def test_known_errors_that_fit_only_what_is_split_off_go_with_it() -> None:
    house = await House(with_known_errors(), START).open()
    number = await outage(house)
    assert known(house, number) == {"shop-errors", "switch-down", "both"}
    other = await split(house, number, SHOP)
    assert known(house, number) == {"switch-down", "both"}
    assert known(house, other) == {"shop-errors", "both"}
    assert [f["ids"] for _, kind, _, f in await house.timeline(number) if kind == "known_errors_gone"] == [
        ["shop-errors"]
    ]
    await house.restart()
    assert known(house, number) == {"switch-down", "both"}
    await house.close()


async def test_a_known_error_of_which_an_engineer_has_said_how_it_did_stays() -> None:
    house = await House(with_known_errors(), START).open()
    number = await outage(house)
    await house.act(number, "feedback", {"known_error": "shop-errors", "outcome": "used"}, who="desk")
    await split(house, number, SHOP)
    assert "shop-errors" in known(house, number)
    await house.close()


async def test_what_was_found_by_the_words_of_a_title_goes_with_the_title() -> None:
    known_by_words = (one.model_copy(update={"match": []}) for one in shipped().values())
    house = await House(replace(everywhere(), known_errors=library(*known_by_words)), START).open()
    full = "the disk is full, no space left on device"
    number = await summed_up(house, (SHOP, full), (SWITCH, "sw-1 is gone"))
    assert "disk-space-low" in known(house, number)
    other = await split(house, number, SHOP)
    assert "disk-space-low" in known(house, other)
    assert "disk-space-low" not in known(house, number)
    await house.close()


def known(house: House, number: str) -> set[str]:
    return {found["id"] for found in house.incident(number).known_errors}
