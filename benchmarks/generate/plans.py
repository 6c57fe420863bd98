"""Which faults a run has: its class says how many of which size and when, the seed says which and where."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.generate import nearby_plans, scripted
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

BESIDE: Mapping[str, Sequence[Slot]] = {
    "beside": [("large", 0, 45), ("beside", 6.5, 40), ("lone", 21, 40)],
    "besides": [("middle", 0, 40), ("beside", 9, 40), ("large", 56, 34), ("beside", 61, 34)],
}
"""Classes in which a fault begins where another still is: at the same host, service or database."""

_FIXED = {
    "power": (
        "ups_fail",
        "hypervisor_down",
        "zone_lost",
        "bad_battery",
        "feed_lost",
        "hv_crash",
        "ats_stuck",
        "ups_trips",
        "hv_power_lost",
    ),
    "net": ("switch_down", "zone_lost", "switch_reboot", "access_switch_dead", "tor_dead", "hv_bridge_hangs"),
}
"""The first of these that the site would see."""
_RANDOM = [*["lone"] * 3, *["middle"] * 3, *["large"] * 2, "lone", "middle", "large", "lone"]

_COMMON: Mapping[str, Sequence[str]] = {
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

_FURTHER: Mapping[str, Sequence[str]] = {
    "lone": [
        *["drip:snapshot_old", "drip:ssd_wear", "drip:swap_high", "drip:scanner_stale", "drip:unit_failed"],
        *["drip:backup_missed", "ups_bypass", "water_leak", "db_archive", "mail_queue", "cert_soon", "exporter_dead"],
        *["ups_onbattery", "db_repl"],
    ],
    "middle": [
        *["memory_errors", "bond_degraded", "inodes", "patching", "service_stopped", "service_stopped"],
        *["licence_over", "image_pull", "image_pull", "traffic_peak", "traffic_peak", "control_plane", "heap_full"],
        *["heap_full", "threads_busy", "threads_busy", "fan_fail", "disk_fill", "cert_expired", "bad_deploy"],
        *["queue_stall", "raid_fail"],
    ],
    "large": [
        *["datastore_full", "datastore_full", "directory_fail", "volume_full", "volume_full", "db_locks", "db_locks"],
        *["node_pressure", "node_pressure", "edge_full", "wan_loss", "wan_loss", "bgp_down", "bgp_down", "optic_low"],
        *["optic_low", "loop", "broker_alarm", "broker_alarm", "broker_split", "broker_split", "cache_full"],
        *["cooler_stops", "host_down", "noisy", "db_slow", "cache_outage"],
    ],
    "huge": ["ups_fail", "switch_down", *["hypervisor_down"] * 2, *["zone_lost"] * 2],
    "calm": ["bgp_down", "optic_low", "cooler_stops", "node_pressure", "datastore_full"],
    "stateful": ["volume_full", "db_locks", "broker_alarm", "broker_split", "datastore_full"],
    "small": ["fan_fail", "memory_errors", "inodes", "patching", "service_stopped", "disk_fill"],
    "flap": ["port_flap"],
}
"""Those of sites that say so."""

_MISHAPS: Mapping[str, Sequence[str]] = {
    "lone": [
        *["drip:smart_warn", "drip:sel_full", "drip:config_drift", "drip:unit_failed", "drip:backup_missed"],
        *["drip:ntp_drift", "ups_onbattery", "cert_soon", "exporter_dead", "db_repl", "disk_fill", "files_leak"],
    ],
    "middle": [
        *["kernel_panic", "kernel_panic", "log_flood", "log_flood", "leak_in_all", "rebuild_slow", "crc_errors"],
        *["crc_errors", "phase_overload", "phase_overload", "conntrack_full", "files_leak", "poison_message"],
        *["poison_message", "external_slow", "secret_rotated", "path_lost", "disk_fill", "mem_leak", "cert_expired"],
        *["bad_deploy", "backup_overrun"],
    ],
    "large": [
        *["room_dns", "room_dns", "ingress_cert", "ingress_cert", "ntp_wrong", "batch_array", "batch_array"],
        *["failover_lag", "failover_lag", "library_deploy", "library_deploy", "mtu_mistake", "mtu_mistake"],
        *["firewall_full", "ldap_outage", "heat_shutdown", "heat_shutdown", "partition_leaderless"],
        *["eviction_storm", "eviction_storm", "long_transaction", "retry_storm", "scrape_lost", "secret_rotated"],
        *["host_down", "db_slow", "noisy"],
    ],
    "huge": ["bad_battery", "bad_battery", "switch_reboot", "switch_reboot", "switch_down", "ups_fail"],
    "calm": ["scrape_lost", "path_lost", "crc_errors", "heat_shutdown", "kernel_panic"],
    "stateful": ["batch_array", "long_transaction", "eviction_storm", "failover_lag", "partition_leaderless"],
    "small": ["disk_fill", "rebuild_slow", "phase_overload", "files_leak", "kernel_panic"],
    "flap": ["address_twice"],
}
"""Those of sites whose trouble is people, clocks, secrets and neighbours."""

TYPES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "common": _COMMON,
    "further": _FURTHER,
    "mishaps": _MISHAPS,
    "nearby": nearby_plans.SIZES,
    "scripted": scripted.SIZES,
}

_Arguments = dict[str, Any]


def planned(name: str, topology: Topology, draw: random.Random) -> list[Fault]:
    """Draw the faults of a class of run."""
    faults: list[Fault] = []
    used: set[object] = set()
    for number, (size, offset, duration) in enumerate(_slots(name, draw), 1):
        if size == "beside":
            kind, args = _beside(faults[-1], topology, draw, used)
        else:
            kind, args = picked(size, topology, draw, used)
        if name in _FIXED:  # the pick was drawn all the same: what comes after it is the same in all classes
            args = _any_rack(topology, draw)
            kind = next(
                kind
                for kind in _FIXED[name]
                if kind in TYPES[topology.site.faults]["huge"]
                and not _is_spared(kind, topology)
                and root_signals(kind, args, topology, topology.site.alerts)
            )
        begins = 10 + offset + draw.uniform(0, 0.5)
        faults.append(Fault(f"F{number}", kind, args, begins, begins + duration, duration))
    return faults


def _slots(name: str, draw: random.Random) -> list[Slot]:
    slots_of = {**CLASSES, **BESIDE}[name]
    if slots_of:
        return [
            (size, offset + draw.uniform(-0.4, 0.4) * (offset > 0), duration * draw.uniform(0.9, 1.1))
            for size, offset, duration in slots_of
        ]
    count, at, slots = draw.choice([5, 5, 6, 7]), draw.uniform(0, 8), list[Slot]()
    huge = count // 2 if draw.random() < 0.5 else None
    for number in range(count):
        size = "huge" if number == huge else draw.choice(_RANDOM)
        slots.append((size, at, draw.uniform(28, 45)))
        at += min(25, draw.expovariate(1 / 11.5))
    return slots


def picked(size: str, topology: Topology, draw: random.Random, used: set[object]) -> tuple[str, _Arguments]:
    """A fault of a size that the site would see: none twice at one place, and of the large no type twice."""
    types = TYPES[topology.site.faults][size]
    for _ in range(200):
        kind, _, rule = (types[0] if len(types) == 1 else draw.choice(types)).partition(":")
        args = {"kind": rule, **_any_host(topology, draw)} if rule else _PLACES[kind](topology, draw)
        again = (kind, json.dumps({name: value for name, value in args.items() if name != "to"}))
        spent = again in used or (kind in used and size in ("middle", "large", "huge"))
        spent |= _is_spared(kind, topology)
        if not spent and root_signals(kind, args, topology, topology.site.alerts):
            used.update((again, kind))
            return kind, args
    return picked("middle" if size in ("large", "huge") else "lone", topology, draw, used)


def _is_spared(kind: str, topology: Topology) -> bool:
    """Whether a site never has a fault."""
    site = topology.site
    return kind in site.spared or scripted.NEEDS.get(kind, kind) not in (kind, *site.alerts)


def _beside(fault: Fault, topology: Topology, draw: random.Random, used: set[object]) -> tuple[str, _Arguments]:
    """A fault at the place of another; anywhere, where none is found."""
    place = _place(fault.args, topology)
    for _ in range(100):
        spent = set(used)
        kind, args = picked(draw.choice(["middle", "middle", "large"]), topology, draw, spent)
        if place & _place(args, topology):
            break
    used |= spent
    return kind, args


def _place(args: Mapping[str, Any], topology: Topology) -> set[str]:
    """The hosts, services and databases that a fault is about, and the hosts of a rack."""
    named = {name for value in args.values() for name in (value if isinstance(value, list) else [value])}
    hosts = {topology.runs_on[name] for name in named if name in topology.runs_on}
    return named | hosts | set(topology.hosts_in(args.get("rack")))


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


def _the_one(_: Topology, __: random.Random) -> _Arguments:
    """What a site has one of."""
    return {}


def _several_services(topology: Topology, draw: random.Random) -> _Arguments:
    names = [service.name for service in topology.services]
    return {"services": sorted(draw.sample(names, draw.choice([2, 3, 3, 4])))}


def _two_services(topology: Topology, draw: random.Random) -> _Arguments:
    return {"services": sorted(draw.sample([service.name for service in topology.services], 2))}


def _hosts_backed_up(topology: Topology, draw: random.Random) -> _Arguments:
    return {"hosts": sorted(draw.sample([host.name for host in topology.hosts], 3))}


def _several_hosts(topology: Topology, draw: random.Random) -> _Arguments:
    names = [host.name for host in topology.hosts]
    hosts = sorted(draw.sample(names, draw.choice([3, 4])))
    return {"hosts": hosts, **(_any_service(topology, draw) if draw.random() < 0.4 else {})}


_PLACES: Mapping[str, Callable[[Topology, random.Random], _Arguments]] = {
    **dict.fromkeys(("ups_fail", "ups_onbattery", "ups_replace", "ups_bypass", "pdu_phase"), _any_rack),
    **dict.fromkeys(("cooling", "water_leak", "switch_down", "net_loss", "hypervisor_down", "zone_lost"), _any_rack),
    **dict.fromkeys(("bgp_down", "optic_low", "loop"), _any_rack),
    **dict.fromkeys(("noisy", "exporter_dead", "inodes"), _any_host),
    **dict.fromkeys(("host_down", "batch_overrun", "raid_fail"), _worker),
    **dict.fromkeys(("fan_fail", "memory_errors", "bond_degraded", "node_pressure"), _worker),
    **dict.fromkeys(("db_slow", "db_disk_full", "db_repl", "repl_failover"), _any_database),
    **dict.fromkeys(("volume_full", "db_locks", "db_archive"), _any_database),
    **dict.fromkeys(("cert_soon", "cert_expired", "lb_misroute"), _probed_service),
    **dict.fromkeys(("bad_deploy", "pool_exhaust", "config_push", "queue_stall", "third_party"), _any_service),
    **dict.fromkeys(("licence_over", "image_pull", "traffic_peak", "threads_busy", "mail_queue"), _any_service),
    **dict.fromkeys(("mem_leak", "service_stopped", "heap_full"), _instance),
    **dict.fromkeys(("ntp_group", "patching"), _several_hosts),
    **dict.fromkeys(("cooler_stops", "datastore_full", "control_plane", "edge_full", "wan_loss"), _the_one),
    **dict.fromkeys(("room_dns", "mtu_mistake", "heat_shutdown", "bad_battery", "phase_overload"), _any_rack),
    **dict.fromkeys(("switch_reboot", "scrape_lost"), _any_rack),
    **dict.fromkeys(("batch_array", "rebuild_slow", "kernel_panic", "crc_errors", "conntrack_full"), _worker),
    **dict.fromkeys(("failover_lag", "long_transaction", "secret_rotated"), _any_database),
    **dict.fromkeys(("leak_in_all", "poison_message", "retry_storm"), _any_service),
    "library_deploy": _several_services,
    "external_slow": _two_services,
    **dict.fromkeys(("log_flood", "files_leak"), _instance),
    **dict.fromkeys(("ingress_cert", "ntp_wrong", "path_lost", "firewall_full"), _the_one),
    "backup_overrun": _hosts_backed_up,
    "disk_fill": _filling_host,
    **dict.fromkeys(("port_flap", "address_twice"), _flapping_host),
    "nas_slow": lambda topology, _: {"nas": topology.site.storage},
    **dict.fromkeys(("dns_fail", "directory_fail", "ldap_outage"), lambda topology, _: {"dns": topology.site.resolver}),
    **dict.fromkeys(
        ("mq_backlog", "broker_alarm", "broker_split", "partition_leaderless"),
        lambda topology, _: {"mq": topology.site.broker},
    ),
    **dict.fromkeys(
        ("cache_outage", "cache_full", "eviction_storm"), lambda topology, _: {"cache": topology.site.cache}
    ),
    **nearby_plans.PLACES,
    **scripted.PLACES,
}
