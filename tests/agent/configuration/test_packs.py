"""The packs: each loads with the example site without a word, says what it is, and keeps what it is for."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.__main__ import main
from agent.configuration.config import Config
from agent.configuration.faults import ConfigFaults
from agent.configuration.layers import about, lineage, pack_folder, packs
from agent.configuration.load import load
from agent.configuration.yaml import read
from agent.intents import ConfigChanged
from agent.loading.fetch import fetch_incident
from agent.rehearsal.house import House
from correlation.incident import Incident, State
from tests.house import DISK_FULL, SITE, START, alert, at, message

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "configs" / "site"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
PACKS = packs()


def test_the_three_packs_are_there() -> None:
    assert PACKS == ["datacenter-strict", "iso20000-default", "on-call-only"]


@pytest.mark.parametrize("pack", PACKS)
def test_the_example_site_is_good_with_every_pack_even_strictly(pack: str) -> None:
    config = load(EXAMPLE, pack, strict=True, now=NOW)
    assert (config.pack, config.warnings) == (pack, ())


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_says_in_both_languages_what_it_is_and_what_its_severities_are_called(pack: str) -> None:
    told = about(pack)
    assert set(told.name) == set(told.about) == {"en", "zh"}
    labels = load(EXAMPLE, pack).severity.labels
    assert all(isinstance(label, dict) and set(label) == {"en", "zh"} for label in labels.values())
    assert set(labels) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs" / "packs").glob("*/*.yaml")), ids=lambda p: "/".join(p.parts[-2:])
)
def test_every_file_of_a_pack_begins_by_saying_what_it_is_and_can_be_read(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("# ")
    assert read(path.name, text).faults == []


def test_a_pack_is_laid_over_the_one_that_it_extends() -> None:
    assert lineage("on-call-only") == ["on-call-only", "iso20000-default"]
    config = load(EXAMPLE, "on-call-only")
    assert config.provenance["sla.yaml"]["sla.default.1.response"].startswith("on-call-only/sla.yaml:")
    assert config.provenance["severity.yaml"]["severity.matrix.1.1"].startswith("iso20000-default/severity.yaml:")
    assert config.notices == {}, "null takes a notice of the pack below away"
    assert len(config.known_errors) == len(load(EXAMPLE).known_errors)


def test_a_sites_own_file_overrides_a_pack_key_by_key(tmp_path: Path) -> None:
    site = shutil.copytree(EXAMPLE, tmp_path / "site")
    (site / "states.yaml").write_text("states: {auto_recovered: {archive_after: 2d}}\n", "utf-8")
    states = load(site, "on-call-only").states.auto_recovered
    assert (states.archive_after, states.stable_for) == (timedelta(days=2), timedelta(minutes=15))
    with pytest.raises(ConfigFaults, match=r"states\.yaml:1:\d+: .*write never_archive_automatically: false"):
        load(site, "iso20000-default")


def test_check_config_names_file_and_line_of_every_value() -> None:
    said = CliRunner().invoke(main, ["check", "config", "--config.dir", str(EXAMPLE), "--pack", "on-call-only"])
    assert said.exit_code == 0
    *lines, last = said.stdout.splitlines()
    assert "good; pack on-call-only" in last
    written = (pack_folder("on-call-only") / "states.yaml").read_text("utf-8").splitlines()
    line = next(n for n, text in enumerate(written, 1) if "archive_after: 7d" in text)
    assert f'on-call-only/states.yaml:{line}: states.auto_recovered.archive_after = "7d"' in lines
    assert any(line.startswith("people.yaml:") and line.endswith('people.ana.name = "Ana"') for line in lines)
    assert any(line.startswith("iso20000-default/thresholds.yaml:") for line in lines)


# ---- on-call-only: one rota, no review ----


PEOPLE_WITH_A_DBA = """people:
  ana: {{name: Ana, roles: [l1], contacts: {contacts}}}
  bo: {{name: Bo, roles: [l1], contacts: {contacts}}}
  dee: {{name: Dee, roles: [l1], groups: [dba], contacts: {contacts}}}
"""


def one_rota(folder: Path, **files: str) -> Config:
    """A team as a paging tool knows it: people with one role, one rota, nobody above them."""
    written = {
        "tocsin": "pack: on-call-only\nsources: {am: {type: alertmanager, token: a-token-of-am}}\n"
        "notifiers: {hook: {type: recording}, mail: {type: recording}}\n",
        "people": "people:\n"
        "  ana: {name: Ana, roles: [l1], contacts: [{notifier: hook, to: ana}, {notifier: mail, to: ana}]}\n"
        "  bo: {name: Bo, roles: [l1], contacts: [{notifier: hook, to: bo}, {notifier: mail, to: bo}]}\n",
        "oncall": "schedules: {rota: {group: sys-ops, role: l1, time_zone: UTC, layers: "
        '[{people: [ana, bo], every: 7d, handover: "Mon 00:00", start: 2026-03-02}]}}\n',
        **files,
    }
    for name, text in written.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return load(folder, strict=True, now=NOW)


async def test_a_workaround_pages_nobody_for_a_problem(tmp_path: Path) -> None:
    house = await opened(one_rota(tmp_path))
    (incident,) = house.incidents()
    await house.act(incident.number, "acknowledge", who="ana")
    before = len(house.sent)
    done = {"type": "workaround", "resolution": "logs cut", "note": "20 GB", "service_restored_at": at(house.now)}
    await house.act(incident.number, "resolve", done, who="ana")
    assert [(sent.person, sent.step) for sent in house.sent[before:]] == []
    assert await house.writer.fetch("SELECT COUNT(*) FROM problem") == [(0,)]
    await house.close()


async def opened(config: Config, labels: dict[str, str] = DISK_FULL) -> House:
    house = await House(config, START).open()
    await house.receive(message(alert(labels)))
    return house


async def resolved(house: House) -> str:
    """The number of its incident, after the alert has ended and the agent has resolved it, half an hour after START."""
    await house.advance(minutes=10)
    await house.receive(message(alert(DISK_FULL, ends=at(house.now))))
    await house.advance(minutes=20)
    (incident,) = house.incidents()
    assert incident.state is State.RESOLVED
    return incident.number


async def shown(house: House, number: str) -> Incident:
    await fetch_incident(house.desk, house.writer, number)
    return house.incident(number)


@pytest.mark.parametrize("name", ["DiskFull", "SwitchDown", "PostgresqlDown", "NobodyKnowsThis"])
async def test_one_rota_holds_every_role_of_every_group(name: str, tmp_path: Path) -> None:
    house = await opened(one_rota(tmp_path), {"alertname": name, "instance": "x-1", "severity": "critical"})
    assert house.pages == ["ana"]
    await house.advance(minutes=10)
    assert house.pages == ["ana", "bo"], "the next of the rota, without a fallback and without a second schedule"
    await house.advance(hours=4)
    told = {s.step.partition("/")[2]: s.person for s in house.sent}
    assert told["p50"] == "ana", "nobody holds pm, so whoever is on call is told"


async def test_whoever_is_next_on_the_one_rota_may_take_what_the_first_was_paged_for(tmp_path: Path) -> None:
    """`facility` is a group of the pack: nobody is in it, and the rota is called for it."""
    house = await opened(one_rota(tmp_path), {"alertname": "UpsOnBattery", "ups": "a", "severity": "critical"})
    (incident,) = house.incidents()
    assert (house.pages, incident.group) == (["ana"], "facility")
    await house.act(incident.number, "acknowledge", who="bo")
    assert house.incident(incident.number).assignee == "bo"


async def test_of_two_rotas_each_has_its_group_and_those_that_are_nobodys(tmp_path: Path) -> None:
    layers = 'time_zone: UTC, layers: [{people: [%s], every: 7d, handover: "Mon 00:00", start: 2026-03-02}]'
    oncall = "schedules:\n" + "".join(
        f"  {group}: {{group: {group}, {layers % person}}}\n"
        for group, person in (("sys-ops", "ana"), ("net-ops", "bo"))
    )
    config = one_rota(tmp_path, oncall=oncall)
    assert "sys-ops" not in config.teams_of("bo")
    assert {"net-ops", "facility", "dba"} <= config.teams_of("bo")
    staffed = PEOPLE_WITH_A_DBA.format(contacts="[{notifier: hook, to: x}, {notifier: mail, to: x}]")
    of_a_dba = one_rota(tmp_path, oncall=oncall, people=staffed)
    assert of_a_dba.teams_of("dee") == frozenset({"dba"})
    assert "dba" not in of_a_dba.teams_of("bo")
    assert of_a_dba.teams_of("nobody") == frozenset()


def test_without_the_one_rota_a_persons_groups_are_those_of_people_yaml() -> None:
    config = load(SITE)
    assert not config.escalation.one_rota
    assert all(config.teams_of(name) == set(person.groups) for name, person in config.people.items())


async def test_two_rotas_keep_to_their_groups(tmp_path: Path) -> None:
    layers = 'time_zone: UTC, layers: [{people: [%s], every: 7d, handover: "Mon 00:00", start: 2026-03-02}]'
    oncall = "schedules:\n" + "".join(
        f"  {group}: {{group: {group}, {layers % person}}}\n"
        for group, person in (("sys-ops", "ana"), ("net-ops", "bo"))
    )
    house = await opened(one_rota(tmp_path, oncall=oncall), {"alertname": "SwitchDown", "severity": "critical"})
    assert house.pages == ["bo"]


async def test_a_lead_who_is_there_is_told_and_not_the_rota(tmp_path: Path) -> None:
    people = (
        "people:\n  ana: {name: Ana, roles: [l1], contacts: [{notifier: hook, to: ana}, {notifier: mail, to: ana}]}\n"
        "  bo: {name: Bo, roles: [l1], contacts: [{notifier: hook, to: bo}, {notifier: mail, to: bo}]}\n"
        "  pat: {name: Pat, roles: [pm], contacts: [{notifier: hook, to: pat}, {notifier: mail, to: pat}]}\n"
    )
    house = await opened(one_rota(tmp_path, people=people))
    await house.advance(hours=4)
    assert [s.person for s in house.sent if s.step.endswith("/p50")] == ["pat"]


async def test_what_was_resolved_is_archived_after_a_week_over_restarts_and_is_final(tmp_path: Path) -> None:
    house = await opened(one_rota(tmp_path))
    number = await resolved(house)
    ended = house.incident(number).resolved_at
    assert ended is not None
    await house.advance_to(ended + timedelta(days=7, seconds=-1))
    await house.restart()
    assert (await shown(house, number)).state is State.RESOLVED
    await house.advance(seconds=1)
    incident = await shown(house, number)
    assert (incident.state, incident.final_category, incident.final_severity) == (
        State.ARCHIVED,
        "storage/disk_space",
        incident.severity,
    )
    assert (await house.timeline(number))[-1][1:3] == ("archived", "agent")
    await house.restart()
    await house.advance(days=30)
    assert [line[1] for line in await house.timeline(number)].count("archived") == 1


async def test_what_a_person_resolved_is_archived_too_and_overdue_ones_at_the_start(tmp_path: Path) -> None:
    house = await opened(one_rota(tmp_path))
    (incident,) = house.incidents()
    await house.act(incident.number, "acknowledge")
    body = {"type": "permanent", "resolution": "done", "note": "done", "service_restored_at": at(house.now)}
    await house.act(incident.number, "resolve", body)
    await house.advance(hours=1)
    house.clock.set(house.now + timedelta(days=9))  # the daemon was down when it came due
    await house.restart()
    assert (await shown(house, incident.number)).state is State.ARCHIVED


async def test_one_that_is_back_at_work_is_not_archived(tmp_path: Path) -> None:
    config = one_rota(tmp_path, states="states: {auto_recovered: {archive_after: 1h}}\n")
    house = await opened(config)
    await resolved(house)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    await house.advance(days=1)
    assert [i.state for i in house.incidents()] == [State.ASSIGNED]


async def test_a_major_one_waits_for_its_review(tmp_path: Path) -> None:
    house = await opened(one_rota(tmp_path))
    (incident,) = house.incidents()
    await house.act(incident.number, "declare-major", {"reason": "everybody is affected"})
    number = await resolved(house)
    await house.advance(days=20)
    assert (await shown(house, number)).state is State.RESOLVED
    await house.act(number, "review", {"cause": "a full disk", "actions": ["watch it"]}, who="nobody-of-ours")
    await house.advance(seconds=1)
    assert (await shown(house, number)).state is State.ARCHIVED


async def test_a_pack_with_a_review_never_archives_and_a_reload_takes_up_what_is_left(tmp_path: Path) -> None:
    house = await opened(load(SITE))
    number = await resolved(house)
    await house.advance(days=40)
    assert (await shown(house, number)).state is State.RESOLVED
    await house.advance(hours=1)  # it has left the board again
    states = one_rota(tmp_path).states
    await house.do(ConfigChanged(replace(house.desk.config, states=states), "root"))
    assert (await shown(house, number)).state is State.ARCHIVED
