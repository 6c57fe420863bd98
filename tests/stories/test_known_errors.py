"""Engineers confirm or reject known errors: what helped is found the next time, what fails is put forward no more."""

from dataclasses import replace

import pytest

from agent.intents import PersonReported, Suggested
from agent.rehearsal.house import House
from correlation.incident import Incident
from correlation.need import Missing
from correlation.permission import Actor
from knowledge.match import Match, sentence
from tests.house import DISK_FULL, START, alert, message, site
from tests.knowledge.shelf import entry, library

PAT = Actor("pat", frozenset({"pm"}))
SPOOLER = "cashiers cannot print receipts, the kiosk spooler hangs"
NO_SPACE = "the disk is full, no space left on device"


@pytest.fixture
async def house() -> House:
    return await House(site(), START).open()


async def report(house: House, title: str) -> Incident:
    made: Incident = await house.do(PersonReported({"title": title}, PAT))
    return made


async def say(house: House, incident: Incident, known_error: str, outcome: str) -> None:
    await house.act(incident.number, "feedback", {"known_error": known_error, "outcome": outcome}, who="pat")


async def fail(house: House, known_error: str, times: int = 3) -> Incident:
    for _ in range(times):
        incident = await report(house, "something")
        await say(house, incident, known_error, "did_not_work")
    return incident


def found(incident: Incident) -> list[str]:
    return [known["id"] for known in incident.known_errors]


async def kinds(house: House, incident: Incident) -> list[str]:
    return [kind for _, kind, _, _ in await house.timeline(incident.number)]


async def test_what_helped_once_is_found_by_the_words_of_that_incident_also_after_a_restart(house: House) -> None:
    incident = await report(house, SPOOLER)
    assert found(incident) == []
    await say(house, incident, "systemd-unit-failed", "helped_partly")
    assert found(await report(house, SPOOLER)) == ["systemd-unit-failed"]
    await house.restart()
    assert found(await report(house, SPOOLER)) == ["systemd-unit-failed"]


async def test_what_a_crash_left_unranked_is_ranked_after_it_and_suggested_once(house: House) -> None:
    await house.through(PersonReported({"title": NO_SPACE}, PAT))
    (incident,) = house.incidents()
    assert (found(incident), incident.to_rank) == ([], True)
    await house.restart()
    paged = len(house.pages)
    for _ in range(2):
        (incident,) = house.incidents()
        assert (found(incident)[:1], incident.to_rank) == (["disk-space-low"], False)
        assert (await kinds(house, incident)).count("known_errors_suggested") == 1
        await house.restart()
    assert len(house.pages) == paged > 0


async def test_an_entry_that_failed_three_times_is_suggested_no_more_until_it_is_used(house: House) -> None:
    await fail(house, "disk-space-low", times=2)
    assert "disk-space-low" in found(await report(house, NO_SPACE))
    last = await fail(house, "disk-space-low", times=1)
    assert (await kinds(house, last))[-1] == "known_error_demoted"
    await house.restart()
    incident = await report(house, NO_SPACE)
    assert "disk-space-low" not in found(incident)
    await say(house, incident, "disk-space-low", "used")
    assert "known_error_reinstated" in await kinds(house, incident)
    assert found(await report(house, NO_SPACE))[0] == "disk-space-low"


async def test_what_was_turned_down_twice_for_the_same_words_is_not_suggested_for_them_until_it_has_helped(
    house: House,
) -> None:
    def ids(incident: Incident) -> list[str]:
        return [known["id"] for known in incident.known_errors]

    first = await report(house, f"{NO_SPACE} on node 1")
    (wrong, *_) = ids(first)
    await say(house, first, wrong, "not_applicable")
    second = await report(house, f"{NO_SPACE} on node 2")
    assert wrong in ids(second)  # one word against it is none for all
    await say(house, second, wrong, "not_applicable")

    assert wrong not in ids(await report(house, f"{NO_SPACE} on node 3"))
    await house.restart()
    third = await report(house, f"{NO_SPACE} on node 4")
    assert wrong not in ids(third)
    assert wrong in ids(await report(house, "the file system is full, no space left on device"))
    await say(house, third, wrong, "used")
    assert wrong in ids(await report(house, f"{NO_SPACE} on node 5"))


async def test_one_incident_demotes_nothing_however_often_it_says_so(house: House) -> None:
    incident = await report(house, NO_SPACE)
    for _ in range(2):
        await say(house, incident, "disk-space-low", "did_not_work")
        await say(house, incident, "disk-space-low", "not_applicable")
    await say(house, incident, "disk-space-low", "did_not_work")
    await house.restart()
    await say(house, incident, "disk-space-low", "did_not_work")
    assert house.desk.feedback.of("disk-space-low").did_not_work == 1


async def test_a_predicate_of_a_demoted_entry_comes_last_and_says_so() -> None:
    match = {"alertname": "DiskFull"}
    sure = {"alertname": "DiskFull", "severity": "critical"}
    shelf = library(entry("grow", match=sure), entry("clean", match=match), entry("other", title=NO_SPACE))
    house = await House(replace(site(), known_errors=shelf), START).open()
    await house.receive(message(alert(DISK_FULL)))
    assert found(house.incidents()[0]) == ["grow", "clean"]
    await fail(house, "grow")
    await house.receive(message(alert({**DISK_FULL, "instance": "till-9", "cluster": "far"})))
    incident = house.incidents()[-1]
    assert found(incident)[-1] == "grow"
    why = incident.known_errors[-1]["why"]
    assert why["facts"]["demoted"] is True
    assert sentence(why).endswith("it has failed repeatedly and comes last")
    assert "demoted" not in incident.known_errors[0]["why"]["facts"]


async def test_what_labels_found_is_not_suggested_a_second_time_by_words(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    incident = house.incidents()[0]
    by_labels = found(incident)
    by_words = {"code": "words", "facts": {"words": ["disk"], "share": 0.5}}
    ranked = (Match(by_labels[0], 0.8, by_words), Match("inodes-exhausted", 0.7, by_words))
    await house.do(Suggested(incident.id, ranked))
    assert found(incident) == [*by_labels, "inodes-exhausted"]


async def test_what_labels_found_teaches_no_words(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    incident = house.incidents()[0]
    assert found(incident)[0] == "disk-space-low"
    await say(house, incident, "disk-space-low", "used")
    tally = house.desk.feedback.of("disk-space-low")
    assert (tally.used, tally.aliases) == (1, [])


async def test_a_word_on_an_entry_that_is_not_there_is_refused(house: House) -> None:
    incident = await report(house, SPOOLER)
    with pytest.raises(Missing, match="there is no known error 'disk-of-gold'") as refused:
        await say(house, incident, "disk-of-gold", "used")
    assert refused.value.fields == ["known_error"]
    assert "known_error_feedback" not in await kinds(house, incident)
