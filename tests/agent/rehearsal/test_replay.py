"""Replays of recorded webhooks: every firing has its incident, and what another configuration would change is told."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agent.__main__ import main
from agent.configuration.config import Config
from agent.configuration.load import load
from agent.rehearsal import replay as player
from agent.rehearsal.house import House
from agent.rehearsal.replay import NOBODY_ACTS, Answer, BadRun, Message, read_run, replay, report
from agent.storage.sqlite import SqliteWriter
from collectors.labels import fingerprint
from correlation.rules import JoinRule
from tests.house import DISK_FULL, DISK_WARN, SITE, START, alert, at, message

PAYLOADS = Path(__file__).parents[2] / "payloads" / "alertmanager"


SAME_HOST = JoinRule(id="same-host", join_by=["instance"])


@cache
def small() -> Config:
    return load(SITE)


def line(after: timedelta, body: bytes | str, **more: Any) -> str:
    """One line of a recorded run: a webhook that arrived so long after the start."""
    return json.dumps({"t": (START + after).timestamp(), "body": json.loads(body), **more})


def run_of(folder: Path, *lines: str) -> Path:
    path = folder / "run.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def played(*paths: Path, stretch: float = 1.0) -> Answer:
    config = replace(small(), join_rules=(SAME_HOST,))
    return asyncio.run(replay([m for p in paths for m in read_run(str(p))], config, stretch))


def firings(messages: Iterable[Message]) -> set[str]:
    """The keys of all that is told as firing, read off the payloads themselves."""
    bodies = [m.body for m in messages if isinstance(m.body, dict)]
    alerts = [a for body in bodies for a in body["alerts"]]
    return {f"{a['fingerprint']}@{a['startsAt']}" for a in alerts if a["status"] == "firing"}


# recorded by a real Alertmanager


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Each payload that was recorded, a minute apart."""
    bodies = [path.read_text("utf-8") for path in sorted(PAYLOADS.glob("*.json"))]
    return run_of(tmp_path, *(line(timedelta(minutes=i), body) for i, body in enumerate(bodies)))


def test_every_firing_of_the_recorded_payloads_is_in_the_answer(recorded: Path) -> None:
    answer = played(recorded)
    seen = firings(read_run(str(recorded)))
    assert len(seen) > 5
    assert seen <= answer.incidents.keys()
    assert answer.refused == 0


def test_a_replay_gives_the_same_answer_each_time(recorded: Path) -> None:
    assert played(recorded) == played(recorded)


def test_a_stretched_replay_names_firings_as_they_were_received(recorded: Path) -> None:
    plain, stretched = played(recorded), played(recorded, stretch=10)
    assert firings(read_run(str(recorded))) <= stretched.incidents.keys() <= plain.incidents.keys()
    assert set(stretched.roots.values()) <= stretched.incidents.keys()


def test_a_stretched_firing_without_a_fingerprint_is_named_by_its_labels_as_it_was_received(tmp_path: Path) -> None:
    later = message(alert(DISK_WARN, starts=at(START + timedelta(minutes=1)), fingerprint=""))
    run = run_of(tmp_path, line(timedelta(), message(alert(DISK_FULL))), line(timedelta(minutes=1), later))
    answer = played(run, stretch=10)
    assert f"{fingerprint(DISK_WARN)}@{at(START + timedelta(minutes=1))}" in answer.incidents


def test_stretching_lets_windows_run_out(tmp_path: Path) -> None:
    other = {"alertname": "CpuHigh", "instance": "db-1:9100", "severity": "warning"}
    path = run_of(
        tmp_path,
        line(timedelta(), message(alert(DISK_FULL))),
        line(timedelta(minutes=5), message(alert(other, starts=at(START + timedelta(minutes=5))))),
    )
    assert len(played(path).opened) == 1
    assert len(played(path, stretch=10).opened) == 2


# a run


def test_incidents_roots_and_pages_of_a_run(tmp_path: Path) -> None:
    path = run_of(
        tmp_path,
        json.dumps({"note": "a fault was injected", "t": 1.0}),
        "",
        line(timedelta(), message(alert(DISK_WARN))),
        line(timedelta(minutes=1), message(alert(DISK_FULL, starts="2026-03-02T09:00:30Z"))),
    )
    answer = played(path)
    (warn, crit) = (alert(labels)["fingerprint"] for labels in (DISK_WARN, DISK_FULL))
    number = "INC-20260302-0001"
    assert answer.incidents == {f"{warn}@2026-03-02T08:59:00.5Z": number, f"{crit}@2026-03-02T09:00:30Z": number}
    assert answer.roots == {number: f"{warn}@2026-03-02T08:59:00.5Z"}
    assert [(i["number"], i["severity"], i["alerts"]) for i in answer.opened] == [(number, 2, 2)]
    assert {"3/c0", "2/c0", "2/r50"} <= {p["step"] for p in answer.pages}
    assert answer.messages == 2


def test_messages_that_are_no_alertmanager_message_are_counted_as_refused(tmp_path: Path) -> None:
    answer = played(run_of(tmp_path, line(timedelta(), b'{"version": "3"}'), line(timedelta(), message())))
    assert (answer.messages, answer.refused) == (2, 1)


def test_two_runs_are_played_in_the_order_of_arrival(tmp_path: Path) -> None:
    ends = message(alert(DISK_FULL, ends=at(START + timedelta(minutes=1))))
    (tmp_path / "a").mkdir()
    late = run_of(tmp_path / "a", line(timedelta(minutes=1), ends))
    early = run_of(tmp_path, line(timedelta(), message(alert(DISK_FULL))))
    assert [i["state"] for i in played(late, early).opened] == ["resolved"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param('{"t": 1.0, "body": {', r":1: no JSON: ", id="cut off"),
        pytest.param('\n{"body": {"version": "4"}}', r":2: `t` must be the arrival in unix seconds", id="no arrival"),
        pytest.param('{"t": "noon", "body": {}}', r":1: `t` must be the arrival in unix seconds", id="no number"),
        pytest.param('{"t": 1e30, "body": {}}', r":1: `t` must be the arrival in unix seconds", id="no year"),
        pytest.param("[" * 100_000, r":1: no JSON: ", id="too deep"),
    ],
)
def test_a_run_that_cannot_be_read_is_refused_with_its_line(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(BadRun, match=fault):
        list(read_run(str(run_of(tmp_path, text))))


# our own journal


async def test_the_store_of_a_daemon_is_a_run_too_and_gives_the_incidents_that_it_had(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.db"
    house = House(small(), START)
    house.writer = house.pipeline.writer = SqliteWriter(str(path), inline=True)
    await house.open()
    await house.receive(message(alert(DISK_WARN)))
    await house.advance(minutes=3)
    await house.receive(message(alert(DISK_FULL), alert({**DISK_FULL, "instance": "磁盘-2"})))
    numbers = [i.number for i in house.incidents()]
    await house.close()
    messages = list(read_run(str(path)))
    assert [m.t for m in messages] == [START, START + timedelta(minutes=3)]
    answer = await replay(messages, small())
    assert sorted(set(answer.incidents.values())) == numbers
    assert firings(messages) == answer.incidents.keys()


async def test_a_journal_with_a_message_that_was_mended_is_replayed_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.db"
    house = House(small(), START)
    house.writer = house.pipeline.writer = SqliteWriter(str(path), inline=True)
    await house.open()
    poison = {**DISK_FULL, "instance": "a@b"}
    await house.receive(message(alert(poison)).replace(b"a@b", b"a\\ud800b"))
    await house.close()
    answer = await replay(list(read_run(str(path))), small())
    assert list(answer.incidents) == [f"{alert(poison)['fingerprint']}@2026-03-02T08:59:00.5Z"]


# two configurations


def test_the_difference_to_another_configuration_names_what_merged_and_what_is_paged_less(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in SITE.glob("*.yaml"):
        (other / path.name).write_text(path.read_text("utf-8"), "utf-8")
    (other / "rules.yaml").write_text("join: [{id: all, join_by: [severity], window: 1h}]\n", "utf-8")
    run = run_of(tmp_path, line(timedelta(), message(alert(DISK_FULL), alert({**DISK_FULL, "instance": "web-1:9100"}))))
    words = ["replay", str(run), "--config.dir", str(SITE), "--against", str(other), "--out", str(tmp_path / "answer")]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert "merged: INC-20260302-0001, INC-20260302-0002 -> INC-20260302-0001 (2 alerts)" in lines
    assert "incidents: 2 -> 1" in lines
    assert any(line.startswith("pages to ana: ") for line in lines)
    written = json.loads((tmp_path / "answer").read_text("utf-8"))
    assert sorted(set(written["incidents"].values())) == ["INC-20260302-0001", "INC-20260302-0002"]
    assert written["roots"].keys() == set(written["incidents"].values())


def test_the_same_configuration_makes_no_difference(recorded: Path) -> None:
    answer = played(recorded)
    counts = [
        f"incidents: {len(answer.opened)} -> {len(answer.opened)}",
        f"pages: {len(answer.pages)} -> {len(answer.pages)}",
    ]
    assert player.difference(answer, played(recorded)) == counts


def test_another_topology_is_taken_for_this_replay_alone(tmp_path: Path) -> None:
    topology = tmp_path / "topology.yaml"
    topology.write_text("configuration_items: {db-1: {criticality: critical}}\n", "utf-8")
    run = run_of(tmp_path, line(timedelta(), message(alert(DISK_FULL))))
    config = player.load_for(str(SITE), str(topology))
    answer = asyncio.run(replay(read_run(str(run)), config))
    assert [i["severity"] for i in answer.opened] == [1]
    assert [i["severity"] for i in played(run).opened] == [2]
    assert not (SITE / "topology.yaml").exists()


# the shared corpus


def test_every_firing_of_the_corpus_is_in_the_answer(shared: Path) -> None:
    runs = sorted((shared / "corpus").glob("*/*.jsonl"))
    assert runs
    for path in runs:
        messages = list(read_run(str(path)))
        answer = asyncio.run(replay(messages, small()))
        assert firings(messages) <= answer.incidents.keys(), path.name


def test_the_scorer_of_the_corpus_takes_our_answers(shared: Path, tmp_path: Path) -> None:
    dev = shared / "corpus" / "dev"
    runs = sorted(dev.glob("*.jsonl"))
    for path in runs:
        answer = played(path, stretch=10).as_json()
        (tmp_path / f"{path.stem}.answer.json").write_text(json.dumps(answer), "utf-8")
    scorer = [sys.executable, str(shared / "corpus" / "score.py"), "--dir", str(dev), "--answers", str(tmp_path)]
    said = subprocess.run(scorer, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "ANSWER" in said.stdout


@pytest.mark.parametrize("stretch", [1.0, 10.0, 0.1])
def test_a_firing_whose_start_is_told_otherwise_is_in_the_answer_by_each_of_its_names(
    stretch: float, tmp_path: Path
) -> None:
    early = "2026-03-02T08:55:00"
    written = ["2026-03-02T08:57:00Z", f"{early}Z", f"{early}.0Z", f"{early}.000Z"]
    lines = [line(timedelta(seconds=n), message(alert(DISK_FULL, told))) for n, told in enumerate(written)]
    over = line(timedelta(minutes=1), message(alert(DISK_FULL, f"{early}Z", at(START))))
    answer = played(run_of(tmp_path, *lines, over), stretch=stretch)
    names = (f"{fingerprint(DISK_FULL)}@{told}" for told in written)
    assert answer.incidents == dict.fromkeys(names, answer.opened[0]["number"])


def test_what_is_printed_says_that_nobody_acknowledges_where_anybody_is_paged() -> None:
    quiet = Answer()
    assert report(quiet) == ["0 message(s), 0 refused, 0 firing(s) in 0 incident(s), 0 page(s)"]
    paged = {"at": "2026-03-02T09:00:00Z", "incident": "INC-1", "step": "2/c0", "person": "ana", "notifier": "hook"}
    quiet.pages.append(paged)
    assert report(quiet)[-1] == NOBODY_ACTS
