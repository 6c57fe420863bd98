"""Faults that are written as scripts: what a step says is what happens, and each is seen at the sites that have it."""

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.generate import scripted
from benchmarks.generate.__main__ import HALVES, generate
from benchmarks.generate.acting import PRESSES, SIGNALS
from benchmarks.generate.fault import Fault, traits_of
from benchmarks.generate.moment import Conditions
from benchmarks.generate.plans import BESIDE, CLASSES, picked, planned
from benchmarks.generate.roots import root_signals
from benchmarks.generate.rules import rules_of
from benchmarks.generate.sites import site
from benchmarks.generate.spread import live
from benchmarks.generate.things import things
from benchmarks.generate.topology import Topology

SIXTH = HALVES["sixth"]


def topology_of(name: str) -> Topology:
    """The first variant of a site."""
    return Topology(site(name), name, 1)


def shown(topology: Topology, kind: str, seed: int = 1, **args: str) -> Conditions:
    """What a fault does from second 10 to 50."""
    return live(topology, [Fault("F1", kind, args, 10, 50, 40)], seed, 80)


def seconds(conditions: Conditions, signal: str) -> list[float]:
    """When a signal is there, in seconds of the run."""
    return [step / 4 for step in range(320) if conditions.at(signal, step)]


@pytest.mark.parametrize("kind", scripted.SCRIPTS)
def test_a_script_shows_its_root_where_it_is_alone_and_names_what_there_is(kind: str) -> None:
    script, book = scripted.SCRIPTS[kind], rules_of(site(SIXTH.sites[0]))
    for step in script.does:
        verb, what = step.do.split(" ", 1)
        assert what.split(":")[0] in book if verb in SIGNALS else verb in PRESSES
    topology, args = next(
        (topology, args)
        for topology in map(topology_of, SIXTH.sites)
        for seed in range(9)
        if root_signals(kind, args := scripted.PLACES[kind](topology, Random(seed)), topology, topology.site.alerts)
    )
    signals = live(topology, [Fault("F1", kind, args, 10, 50, 40)], 1, 80).signals()
    assert set(root_signals(kind, args, topology, topology.site.alerts)) & set(signals)


def test_each_run_has_the_faults_of_its_class_and_each_is_seen(tmp_path: Path) -> None:
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        generate(folder, SIXTH, seed)
        truths = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.truth.json"))]
        assert sorted(truth["cls"] for truth in truths) == sorted(SIXTH.classes)
        for truth in truths:
            slots = {**CLASSES, **BESIDE}[truth["cls"]]
            assert len(truth["faults"]) == len(slots) or (not slots and 5 <= len(truth["faults"]) <= 7)
            assert all(fault["n_alerts"] and fault["root_alerts"] for fault in truth["faults"])


def test_a_fault_beside_another_begins_while_that_holds_and_is_at_its_place() -> None:
    topology, at_one_place = topology_of("bakery"), 0
    for seed in range(20):
        first, second, _ = planned("beside", topology, Random(seed))
        assert first.begins < second.begins < first.ends
        at_one_place += bool(place(first, topology) & place(second, topology))
    assert at_one_place > 10


def place(fault: Fault, topology: Topology) -> set[str]:
    """The hosts, services and databases that a fault names, and the hosts of its rack."""
    named = {name for value in fault.args.values() for name in (value if isinstance(value, list) else [value])}
    return (
        named
        | {topology.runs_on.get(name, "") for name in named} - {""}
        | set(topology.hosts_in(fault.args.get("rack")))
    )


@pytest.mark.parametrize("name", SIXTH.sites)
def test_a_site_without_hypervisors_never_has_a_fault_of_one(name: str) -> None:
    topology = topology_of(name)
    drawn = {picked(size, topology, Random(seed), set())[0] for size in scripted.SIZES for seed in range(150)}
    assert bool(drawn & set(scripted.NEEDS)) == (name == "studio")


def test_a_host_that_boots_is_down_a_while_longer_and_then_young() -> None:
    topology = topology_of("papermill")
    host = topology.hosts[1].name
    boot = traits_of(Fault("F1", "host_dies", {"host": host}, 10, 50, 40), topology, 1).boot[host]
    conditions = shown(topology, "host_dies", host=host)
    down, young = seconds(conditions, f"host_down:{host}"), seconds(conditions, f"rebooted:{host}")
    assert [min(down), max(down)] == pytest.approx([10, 50 + boot], abs=0.26)
    assert [min(young), max(young)] == pytest.approx([50 + boot, 58 + boot], abs=0.26)


def test_a_step_that_pulses_comes_and_goes() -> None:
    topology = topology_of("foundry")
    host = topology.hosts[1].name
    assert seconds(shown(topology, "cable_loose", host=host), f"port_down:{host}") == [
        10 + 19 * pulse + quarter / 4 for pulse in range(3) for quarter in range(24) if 19 * pulse + quarter / 4 < 40
    ]


def test_a_step_rises_to_its_height_and_lasts_no_longer_than_it_says() -> None:
    topology = topology_of("foundry")
    service, database = topology.services[0].name, topology.databases[0].name
    conditions = shown(topology, "migration_locks", db=database)
    press = [conditions.at(f"db_conn:{database}", second * 4).get("F1", 0) for second in (14, 17, 30)]
    assert press == pytest.approx([0, 0.5, 1], abs=0.01)
    assert max(seconds(shown(topology, "release_slow", service=service), f"deploy_event:{service}")) == 19.75


def test_words_of_scripts_mean_the_things_of_a_fault() -> None:
    topology = topology_of("studio")
    service = next(one for one in topology.services if len(one.instances) == 2 and one.depends_on)
    host = service.instances[0].split(":")[0]
    args = {"service": service.name, "host": host}
    assert f"{service.name}@{host}" in things("instances on host", args, topology)
    assert host not in things("neighbours", args, topology)
    assert set(things("callees", args, topology)) <= set(service.depends_on) & {one.name for one in topology.services}
    for called in things("callees", args, topology):
        assert service.name in things("callers", {"service": called}, topology)
    assert things("host", {"cache": topology.site.cache}, topology) == [topology.runs_on[topology.site.cache]]
    assert things("services", {"services": ["a", "b"]}, topology) == ["a", "b"]
