"""Which faults a run has: its class says how many of which size and when, the seed says which and where."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.generate.fault import Fault
from benchmarks.generate.roots import root_signals
from benchmarks.generate.topology import Topology, host_of

Slot = tuple[str, float, float]
"""Room for a fault: its size, when it begins (seconds from the first), and how many seconds it holds."""

CLASSES: Mapping[str, Sequence[Slot]] = {
    "power": [("huge", 0, 38)],
    "net": [("huge", 0, 30)],
    "single": [("large", 0, 45)],
    "calm": [("calm", 0, 30)],
    "cert": [("lone", 0, 55), ("middle", 18, 35)],
    "twofaults": [("stateful", 0, 45), ("huge", 2.2, 35)],
    "twoquiet": [("large", 0, 40), ("lone", 1.6, 25), ("lone", 4.6, 40)],
    "drip": [
        *[("lone", 0, 80), ("lone", 8, 70), ("small", 17, 60), ("lone", 26, 55)],
        *[("lone", 34, 50), ("lone", 43, 40), ("lone", 53, 30), ("lone", 62, 25)],
    ],
    "sequence": [("middle", 0, 25), ("large", 37, 25), ("large", 77, 30)],
    "flapmix": [("flap", 0, 50), ("middle", 7, 50), ("lone", 23, 40)],
    "cascade": [("huge", 0, 45), ("middle", 17, 40), ("lone", 28, 30), ("middle", 35, 35)],
    "busyday": [
        *[("lone", 0, 130), ("large", 9, 30), ("lone", 25, 70), ("huge", 44, 34)],
        *[("lone", 59, 60), ("middle", 97, 34), ("middle", 106, 40), ("large", 134, 24)],
    ],
    "mix": [("huge", 0, 34), ("lone", 4, 60), ("middle", 10, 40), ("middle", 58, 28), ("lone", 65, 30)],
    "triple": [("large", 0, 45), ("lone", 2, 40), ("lone", 5, 35), ("middle", 7, 40), ("middle", 14, 40)],
    "random1": [],
    "random2": [],
    "random3": [],
    "random4": [],
}
"""The slots of each class of run, in the order of the runs; a class without any has them drawn."""

_FIXED = {"power": "ups_fail", "net": "switch_down"}
_RANDOM = [*["lone"] * 3, *["middle"] * 3, *["large"] * 2, "lone", "middle", "large", "lone"]

_TYPES: Mapping[str, Sequence[str]] = {
    "lone": [
        *["drip:unit_failed", "drip:raid_degraded", "drip:ntp_drift", "drip:backup_missed", "cert_soon"],
        *["ups_onbattery", "ups_replace", "db_repl", "exporter_dead", "exporter_dead", "cert_soon"],
        "drip:backup_missed",
    ],
    "middle": [
        *["disk_fill", "mem_leak", "queue_stall", "cert_expired", "batch_overrun", "batch_overrun", "raid_fail"],
        *["raid_fail", "pdu_phase", "pdu_phase", "ntp_group", "ntp_group", "bad_deploy", "third_party", "third_party"],
        *["lb_misroute", "lb_misroute", "config_push"],
    ],
    "large": [
        *["db_slow", "db_disk_full", "noisy", "noisy", "host_down", "nas_slow", "nas_slow", "cooling", "cooling"],
        *["net_loss", "net_loss", "repl_failover", "repl_failover", "pool_exhaust", "mq_backlog", "cache_outage"],
        *["cache_outage", "dns_fail", "config_push"],
    ],
    "huge": ["ups_fail", "ups_fail", "switch_down", "switch_down"],
    "calm": ["noisy", "cooling", "net_loss", "host_down"],
    "stateful": ["db_disk_full", "db_slow", "nas_slow", "mq_backlog", "repl_failover"],
    "small": ["disk_fill", "pdu_phase", "ntp_group", "batch_overrun"],
    "flap": ["port_flap"],
}
"""The faults of each size, as often as they are likely; `drip:<rule>` is a lone alert of that rule."""

_Arguments = dict[str, Any]


def planned(name: str, topology: Topology, draw: random.Random) -> list[Fault]:
    """Draw the faults of a class of run."""
    faults: list[Fault] = []
    used: set[object] = set()
    for number, (size, offset, duration) in enumerate(_slots(name, draw), 1):
        kind, args = _pick(size, topology, draw, used)
        if name in _FIXED:  # the pick was drawn all the same: what comes after it is the same in all classes
            kind, args = _FIXED[name], _any_rack(topology, draw)
        begins = 10 + offset + draw.uniform(0, 0.5)
        faults.append(Fault(f"F{number}", kind, args, begins, begins + duration, duration))
    return faults


def _slots(name: str, draw: random.Random) -> list[Slot]:
    if CLASSES[name]:
        return [
            (size, offset + draw.uniform(-0.4, 0.4) * (offset > 0), duration * draw.uniform(0.9, 1.1))
            for size, offset, duration in CLASSES[name]
        ]
    count, at, slots = draw.choice([5, 5, 6, 7]), draw.uniform(0, 8), list[Slot]()
    huge = count // 2 if draw.random() < 0.5 else None
    for number in range(count):
        size = "huge" if number == huge else draw.choice(_RANDOM)
        slots.append((size, at, draw.uniform(28, 45)))
        at += min(25, draw.expovariate(1 / 11.5))
    return slots


def _pick(size: str, topology: Topology, draw: random.Random, used: set[object]) -> tuple[str, _Arguments]:
    """A fault of a size that the site would see: none twice at one place, and of the large no type twice."""
    types = _TYPES[size]
    for _ in range(200):
        kind, _, rule = (types[0] if len(types) == 1 else draw.choice(types)).partition(":")
        args = {"kind": rule, **_any_host(topology, draw)} if rule else _PLACES[kind](topology, draw)
        again = (kind, json.dumps({name: value for name, value in args.items() if name != "to"}))
        spent = again in used or (kind in used and size in ("middle", "large", "huge"))
        if not spent and root_signals(kind, args, topology, topology.site.alerts):
            used.update((again, kind))
            return kind, args
    return _pick("middle" if size in ("large", "huge") else "lone", topology, draw, used)


def _any_rack(topology: Topology, draw: random.Random) -> _Arguments:
    return {"rack": draw.choice(topology.site.racks).name}


def _any_host(topology: Topology, draw: random.Random) -> _Arguments:
    return {"host": draw.choice(topology.hosts).name}


def _worker(topology: Topology, draw: random.Random) -> _Arguments:
    """A host without a database."""
    return {"host": draw.choice(topology.hosts[1:-1]).name}


def _any_database(topology: Topology, draw: random.Random) -> _Arguments:
    return {"db": draw.choice(topology.databases).name}


def _any_service(topology: Topology, draw: random.Random) -> _Arguments:
    return {"service": draw.choice(topology.services).name}


def _probed_service(topology: Topology, draw: random.Random) -> _Arguments:
    return {"service": draw.choice([service for service in topology.services if service.url]).name}


def _filling_host(topology: Topology, draw: random.Random) -> _Arguments:
    return {**_any_host(topology, draw), "to": draw.choice([0.86, 0.9])}


def _flapping_host(topology: Topology, draw: random.Random) -> _Arguments:
    return {**_worker(topology, draw), "period": 9}


def _instance(topology: Topology, draw: random.Random) -> _Arguments:
    service = draw.choice(topology.services)
    return {"service": service.name, "host": host_of(draw.choice(service.instances))}


def _several_hosts(topology: Topology, draw: random.Random) -> _Arguments:
    names = [host.name for host in topology.hosts]
    hosts = sorted(draw.sample(names, draw.choice([3, 4])))
    return {"hosts": hosts, **(_any_service(topology, draw) if draw.random() < 0.4 else {})}


_PLACES: Mapping[str, Callable[[Topology, random.Random], _Arguments]] = {
    **dict.fromkeys(("ups_fail", "ups_onbattery", "ups_replace", "pdu_phase"), _any_rack),
    **dict.fromkeys(("cooling", "switch_down", "net_loss"), _any_rack),
    **dict.fromkeys(("noisy", "exporter_dead"), _any_host),
    **dict.fromkeys(("host_down", "batch_overrun", "raid_fail"), _worker),
    **dict.fromkeys(("db_slow", "db_disk_full", "db_repl", "repl_failover"), _any_database),
    **dict.fromkeys(("cert_soon", "cert_expired", "lb_misroute"), _probed_service),
    **dict.fromkeys(("bad_deploy", "pool_exhaust", "config_push", "queue_stall", "third_party"), _any_service),
    "disk_fill": _filling_host,
    "port_flap": _flapping_host,
    "mem_leak": _instance,
    "ntp_group": _several_hosts,
    "nas_slow": lambda topology, _: {"nas": topology.site.storage},
    "dns_fail": lambda topology, _: {"dns": topology.site.resolver},
    "mq_backlog": lambda topology, _: {"mq": topology.site.broker},
    "cache_outage": lambda topology, _: {"cache": topology.site.cache},
}
