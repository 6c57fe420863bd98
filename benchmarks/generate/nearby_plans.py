"""The faults of the sites near the recorded lab: how likely each is, where it may be, and what its root is."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.generate.topology import Topology, host_of

_Arguments = dict[str, Any]

SIZES: Mapping[str, Sequence[str]] = {
    "lone": [
        *["drip:backup_late", "drip:unit_failed", "drip:smart_warn", "drip:updates_due", "drip:swap_used"],
        *["drip:conntrack", "drip:ntp_drift", "drip:raid_degraded", "cert_near", "cert_near", "ups_selftest"],
        *["ups_old", "air_dry", "supply_dead", "replica_broken", "db_bloat", "agent_hangs", "agent_hangs"],
    ],
    "middle": [
        *["disk_fills", "fd_leak", "gc_pauses", "bad_release", "bad_release", "setting_wrong", "app_hangs"],
        *["app_hangs", "partner_slow", "partner_slow", "poison", "time_jump", "cert_lapsed", "raid_rebuild"],
        *["nic_errors", "backup_drags", "fan_dead", "lb_drained", "token_expired", "mem_eater"],
    ],
    "large": [
        *["breaker_trip", "uplink_cut", "vlan_mistake", "room_hot", "server_crash", "server_crash", "db_host_crash"],
        *["db_crash", "db_crash", "wal_fills", "long_tx", "bad_plan", "conn_storm", "broker_down", "broker_blocks"],
        *[
            "cache_evicts",
            "cache_dead",
            "dns_timeouts",
            "storage_failover",
            "hv_overcommit",
            "traffic_burst",
            "cpu_hog",
        ],
    ],
    "huge": ["feed_lost", "feed_lost", "access_switch_dead", "access_switch_dead", "hv_crash", "hv_crash"],
    "calm": ["cpu_hog", "server_crash", "uplink_cut", "room_hot"],
    "stateful": ["wal_fills", "long_tx", "db_crash", "storage_failover", "broker_blocks"],
    "small": ["disk_fills", "supply_dead", "time_jump", "fan_dead", "app_hangs"],
    "flap": ["port_flaps", "ip_conflict"],
}
"""As plans.py has those of other sites."""

_DISK = ("fs_80:host", "fs_95:host", "fs_trend:host")

TIERS: Mapping[str, Sequence[Sequence[str]]] = {
    "feed_lost": [["ups_battery:ups", "ups_low:ups"]],
    "breaker_trip": [["pdu_bank:pdu"]],
    "access_switch_dead": [["sw_down:switch", "sw_psu:switch"]],
    "uplink_cut": [["link_member:switch"], ["uplink_busy:switch"], ["tcp_retrans:hosts of rack"]],
    "vlan_mistake": [["sw_changed:switch"], ["host_down:hosts"]],
    "room_hot": [["cooler_fault:cooler"], ["temp_rack:sensors"]],
    "server_crash": [["host_down:host", "bmc_event:host"]],
    "db_host_crash": [["host_down:host", "bmc_event:host"]],
    "hv_crash": [["hv_down:rack"]],
    "hv_overcommit": [["hv_mem:rack"]],
    "ups_selftest": [["ups_battery:ups"]],
    "ups_old": [["ups_replace:ups"]],
    "air_dry": [["air_dry:sensor"]],
    "supply_dead": [["psu_lost:host"]],
    "fan_dead": [["fan_slow:host"], ["temp_host:host"]],
    "port_flaps": [["port_down:host", "host_down:host"]],
    "ip_conflict": [["ip_dup:host"], ["host_down:host"]],
    "nic_errors": [["nic_err:host"], ["tcp_retrans:host"]],
    "dns_timeouts": [["dns_err:dns"]],
    "time_jump": [["ntp_drift:hosts"]],
    "storage_failover": [["nas_ctrl:nas"], ["nas_lat:nas"]],
    "raid_rebuild": [["raid_degraded:host", "smart_warn:host"]],
    "backup_drags": [["backup_running:hosts"], ["io_busy:hosts"]],
    "disk_fills": [_DISK],
    "cpu_hog": [["cpu_high:host", "load_high:host", "cpu_ready:host"]],
    "mem_eater": [["mem_used:host", "swap_used:host", "oom_kill:host"]],
    "agent_hangs": [["exporter_down:host"]],
    "db_crash": [["db_down:db"]],
    "wal_fills": [_DISK],
    "long_tx": [["db_longtx:db", "db_locks:db"]],
    "bad_plan": [["db_slowq:db", "cpu_high:host"]],
    "conn_storm": [["db_conn:db"]],
    "replica_broken": [["db_repl:db"]],
    "db_bloat": [["db_bloat:db"]],
    "broker_down": [["mq_down:mq"]],
    "broker_blocks": [["mq_alarm:mq"]],
    "cache_evicts": [["cache_evict:cache"]],
    "cache_dead": [["cache_down:cache"]],
    "fd_leak": [["fd_high:instance"]],
    "gc_pauses": [["gc_time:instance"]],
    "bad_release": [["release_check:service", "svc_err:service"], ["log_errors:instances"]],
    "setting_wrong": [["inst_restarts:instances", "inst_down:instances"]],
    "app_hangs": [["inst_down:instance"]],
    "partner_slow": [["ext_slow:service"], ["svc_lat:service"]],
    "poison": [["queue_backlog:instances", "dead_letters:service"]],
    "cert_lapsed": [["cert_expired:service"]],
    "cert_near": [["cert_soon:service"]],
    "lb_drained": [["lb_backend:service"]],
    "traffic_burst": [["req_surge:service"]],
    "token_expired": [["auth_fail:service"]],
}
"""As roots.py has those of other sites."""


def _rack(topology: Topology, draw: random.Random) -> _Arguments:
    return {"rack": draw.choice(topology.site.racks).name}


def _some_of_a_rack(topology: Topology, draw: random.Random) -> _Arguments:
    rack = draw.choice(topology.site.racks).name
    hosts = topology.hosts_in(rack)
    return {"rack": rack, "hosts": sorted(draw.sample(hosts, min(len(hosts), draw.choice([2, 3]))))}


def _host(topology: Topology, draw: random.Random) -> _Arguments:
    return {"host": draw.choice(topology.hosts).name}


def _worker(topology: Topology, draw: random.Random) -> _Arguments:
    """A host without a database."""
    return {"host": draw.choice(topology.hosts[1:-1]).name}


def _several_hosts(topology: Topology, draw: random.Random) -> _Arguments:
    return {"hosts": sorted(draw.sample([host.name for host in topology.hosts], draw.choice([2, 3, 4])))}


def _filling_host(topology: Topology, draw: random.Random) -> _Arguments:
    return {**_worker(topology, draw), "to": draw.choice([0.88, 0.93, 0.99])}


def _flapping_host(topology: Topology, draw: random.Random) -> _Arguments:
    return {**_worker(topology, draw), "period": draw.choice([14, 17])}


def _database(topology: Topology, draw: random.Random) -> _Arguments:
    return {"db": draw.choice(topology.databases).name}


def _service(topology: Topology, draw: random.Random) -> _Arguments:
    return {"service": draw.choice(topology.services).name}


def _probed_service(topology: Topology, draw: random.Random) -> _Arguments:
    return {"service": draw.choice([service for service in topology.services if service.url]).name}


def _instance(topology: Topology, draw: random.Random) -> _Arguments:
    service = draw.choice(topology.services)
    return {"service": service.name, "host": host_of(draw.choice(service.instances))}


def _the_one(_: Topology, __: random.Random) -> _Arguments:
    """What a site has one of."""
    return {}


PLACES: Mapping[str, Callable[[Topology, random.Random], _Arguments]] = {
    **dict.fromkeys(("feed_lost", "breaker_trip", "access_switch_dead", "uplink_cut", "ups_selftest"), _rack),
    **dict.fromkeys(("hv_crash", "hv_overcommit", "ups_old", "air_dry"), _rack),
    **dict.fromkeys(("server_crash", "fan_dead", "nic_errors", "raid_rebuild"), _worker),
    **dict.fromkeys(("supply_dead", "cpu_hog", "agent_hangs"), _host),
    **dict.fromkeys(("time_jump", "backup_drags"), _several_hosts),
    **dict.fromkeys(("port_flaps", "ip_conflict"), _flapping_host),
    **dict.fromkeys(("db_host_crash", "db_crash", "wal_fills", "long_tx", "bad_plan"), _database),
    **dict.fromkeys(("conn_storm", "replica_broken", "db_bloat"), _database),
    **dict.fromkeys(("bad_release", "setting_wrong", "partner_slow", "poison", "lb_drained"), _service),
    **dict.fromkeys(("cert_lapsed", "cert_near", "traffic_burst"), _probed_service),
    **dict.fromkeys(("fd_leak", "gc_pauses", "app_hangs", "mem_eater"), _instance),
    "token_expired": _service,
    "vlan_mistake": _some_of_a_rack,
    "room_hot": _the_one,
    "disk_fills": _filling_host,
    "storage_failover": lambda topology, _: {"nas": topology.site.storage},
    "dns_timeouts": lambda topology, _: {"dns": topology.site.resolver},
    **dict.fromkeys(("broker_down", "broker_blocks"), lambda topology, _: {"mq": topology.site.broker}),
    **dict.fromkeys(("cache_evicts", "cache_dead"), lambda topology, _: {"cache": topology.site.cache}),
}
"""As plans.py has those of other sites."""
