"""A fault that is put into a run: what, where, when, and how hard."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.generate.topology import Topology


@dataclass(frozen=True)
class Fault:
    """A fault of a type at a place (`args`), for some seconds of the run."""

    id: str
    type: str
    args: Mapping[str, Any]
    begins: float
    ends: float
    duration: float


@dataclass(frozen=True)
class Traits:
    """What is drawn once for a fault: how hard it presses, and which of those near it suffer how soon."""

    hosts: Mapping[str, float]
    services: Mapping[str, float]
    boot: Mapping[str, float]
    battery_low: float
    battery_empty: float
    strength: float
    failing: float
    chance: float
    slows: bool
    restart: float


def traits_of(fault: Fault, topology: Topology, seed: int) -> Traits:
    """The traits of a fault in the run of a seed."""
    draw = random.Random(f"{seed}{fault.id}{fault.type}")
    names = [host.name for host in topology.hosts]
    hosts = {name: draw.uniform(0, 1) for name in names}
    battery_low, battery_empty = draw.uniform(5.5, 8), draw.uniform(13, 16)
    strength, failing = draw.uniform(0.75, 1.15), draw.uniform(0.22, 0.6)
    boot = {name: draw.uniform(1, 6) for name in names}
    draw.uniform(2, 7)  # nothing is made of this draw and the next: without them those that follow would be others
    draw.sample(topology.hosts_in(fault.args.get("rack")) or names[:1], 1)
    chance = draw.random()
    services = {service.name: draw.uniform(0, 1) for service in topology.services}
    slows = draw.random() < 0.6
    restart = draw.uniform(2, 5)
    return Traits(hosts, services, boot, battery_low, battery_empty, strength, failing, chance, slows, restart)
