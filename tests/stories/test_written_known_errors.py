"""A person writes a known error: it is found at once, kept, and gives way to a file of the site."""

from dataclasses import replace
from typing import Any

import pytest

from agent.deciders import known_errors
from agent.intents import ConfigChanged, KnownErrorWritten, PersonReported
from agent.rehearsal.house import House
from correlation.incident import Incident
from correlation.permission import Actor, Forbidden
from knowledge.index import Predicate, PredicateIndex
from knowledge.library import Library
from knowledge.written import BadEntry
from tests.house import DISK_FULL, alert, message
from tests.knowledge.shelf import entry

ANA = Actor("ana", frozenset({"l1"}), frozenset({"sys-ops"}))
TILL: dict[str, Any] = {
    "title": "The till does not print receipts",
    "match": {"alertname": "TillMute"},
    "symptoms": "cashiers cannot print receipts, the kiosk spooler hangs",
    "workaround": "restart the spooler",
}
TILL_MUTE = {"alertname": "TillMute", "instance": "till-1"}


async def write(house: House, id: str = "till-mute", **values: Any) -> str:
    made: str = await house.do(KnownErrorWritten(id, values or TILL, "seen twice", ANA))
    return made


async def find(house: House, labels: dict[str, str]) -> Incident:
    await house.receive(message(alert(labels)))
    return house.incidents()[-1]


def found(incident: Incident) -> list[str]:
    return [known["id"] for known in incident.known_errors]


async def test_what_was_written_is_found_by_its_predicate_at_once_and_after_a_restart(house: House) -> None:
    await write(house)
    assert found(await find(house, TILL_MUTE)) == ["till-mute"]
    await house.restart()
    assert found(await find(house, {**TILL_MUTE, "instance": "till-2", "site": "far"}))[:1] == ["till-mute"]


async def test_what_was_written_is_found_by_its_words_at_once_and_after_a_restart(house: House) -> None:
    async def report() -> Incident:
        intent = PersonReported({"title": "cashiers cannot print receipts, the kiosk spooler hangs"}, ANA)
        made: Incident = await house.do(intent)
        return made

    assert found(await report()) == []
    await write(house)
    assert found(await report()) == ["till-mute"]
    await house.restart()
    assert found(await report()) == ["till-mute"]


async def test_an_incident_that_is_open_already_gets_it_and_says_so(house: House) -> None:
    incident = await find(house, TILL_MUTE)
    assert found(incident) == []
    await write(house)
    assert found(incident) == ["till-mute"]
    assert "known_errors_written" in [kind for _, kind, _, _ in await house.timeline(incident.number)]


async def test_a_draft_is_kept_and_shown_for_no_incident(house: House) -> None:
    incident = await find(house, TILL_MUTE)
    await write(house, **TILL, status="draft")
    assert found(incident) == []
    assert house.desk.config.known_errors.get("till-mute") is not None


async def test_it_stays_over_a_reload_and_gives_way_to_a_file_of_the_site(house: House) -> None:
    await write(house)
    await house.do(ConfigChanged(house.config, "ana"))
    assert house.desk.config.known_errors.get("till-mute") is not None
    filed = entry("till-mute", workaround="from the file", source="knowledge/till.md", line=2)
    library = Library([*house.config.known_errors, filed])
    await house.do(ConfigChanged(replace(house.config, known_errors=library), "ana"))
    held = house.desk.config.known_errors.get("till-mute")
    assert held is not None
    assert held.workaround == "from the file"
    with pytest.raises(BadEntry, match=r"taken by knowledge/till\.md:2: give this one another"):
        await write(house)


async def test_it_replaces_an_entry_of_the_pack_as_a_whole(house: House) -> None:
    await write(house, "disk-space-low", **TILL)
    incident = await find(house, DISK_FULL)
    assert "disk-space-low" not in found(incident)
    held = house.desk.config.known_errors.get("disk-space-low")
    assert held is not None
    assert held.title == TILL["title"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"workaround": None}, "workaround: it has no workaround"),
        ({"workaround": "  "}, "workaround: it has no workaround"),
        ({"title": None}, "title: it is missing"),
        ({"match": {"alertname_re": "(a{1,1000}){1,1000}"}}, r"match\.0: .*invalid repetition size"),
        ({"match": [{"alertname": "A"}, {"alertname_re": ".*"}]}, r"match\.1: it holds for an alert without any label"),
        ({"status": "old"}, "status: "),
        ({"review_at": "2026-02-31"}, "review_at: "),
    ],
)
async def test_what_no_file_may_say_is_refused_and_changes_nothing(
    house: House, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadEntry, match=said):
        await write(house, **{**TILL, **change})
    assert house.desk.config.known_errors.get("till-mute") is None
    assert await house.writer.fetch("SELECT count(*) FROM known_error") == [(0,)]


async def test_who_only_reads_writes_none(house: House) -> None:
    with pytest.raises(Forbidden, match="desk, l1, l2, ops, pm"):
        await house.do(KnownErrorWritten("x", TILL, "", Actor("vic", frozenset({"viewer"}))))


async def test_writing_one_is_the_work_of_this_one_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    filed: list[str] = []
    file = PredicateIndex._file

    def noted(self: PredicateIndex, one: Predicate, into: Any) -> None:
        filed.append(one.entry.id)
        file(self, one, into)

    monkeypatch.setattr(PredicateIndex, "_file", noted)

    await write(house)

    assert set(filed) == {"till-mute"}


async def test_an_open_incident_is_held_against_the_known_errors_of_another_configuration(house: House) -> None:
    incident = await find(house, TILL_MUTE)
    assert found(incident) == []
    shelf = Library([*house.config.known_errors, entry("till", title="Till", match={"alertname": "TillMute"})])
    await house.do(ConfigChanged(replace(house.config, known_errors=shelf), "ops"))
    assert found(house.incidents()[-1]) == ["till"]
    assert "known_errors_written" in [kind for _, kind, *_ in await house.timeline(incident.number)]


async def test_of_many_open_incidents_the_newest_are_held_against_them_at_once_and_the_others_one_by_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_errors, "_ALERTS_AT_ONCE", 1)
    for place in range(4):
        await find(house, {**TILL_MUTE, "instance": f"till-{place}", "cluster": f"shop-{place}"})
    shelf = Library([*house.config.known_errors, entry("till", title="Till", match={"alertname": "TillMute"})])
    await house.do(ConfigChanged(replace(house.config, known_errors=shelf), "ops"))
    assert [found(incident) for incident in house.incidents()] == [[], [], [], ["till"]]
    await house.advance(milliseconds=20)
    assert [found(incident) for incident in house.incidents()] == [[], [], ["till"], ["till"]]
    await house.advance(seconds=1)
    assert [found(incident) for incident in house.incidents()] == [["till"]] * 4
    assert not house.desk.to_recognise


async def test_what_was_judged_when_it_was_written_is_not_judged_again_by_a_reload(house: House) -> None:
    await write(house)
    judged = house.desk.config.known_errors.get("till-mute")
    await house.do(ConfigChanged(house.config, "ops"))
    assert house.desk.config.known_errors.get("till-mute") is judged
