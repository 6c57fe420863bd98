"""The faults of the sites near the recorded lab: how likely each is, where it may be, and what its root is."""

from collections.abc import Mapping, Sequence

from benchmarks.generate import draws

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


PLACES: Mapping[str, draws.Draw] = {
    **dict.fromkeys(("feed_lost", "breaker_trip", "access_switch_dead", "uplink_cut", "ups_selftest"), draws.rack),
    **dict.fromkeys(("hv_crash", "hv_overcommit", "ups_old", "air_dry"), draws.rack),
    **dict.fromkeys(("server_crash", "fan_dead", "nic_errors", "raid_rebuild"), draws.worker),
    **dict.fromkeys(("supply_dead", "cpu_hog", "agent_hangs"), draws.host),
    **dict.fromkeys(("time_jump", "backup_drags"), draws.several_hosts),
    **dict.fromkeys(("port_flaps", "ip_conflict"), draws.flapping_host),
    **dict.fromkeys(("db_host_crash", "db_crash", "wal_fills", "long_tx", "bad_plan"), draws.database),
    **dict.fromkeys(("conn_storm", "replica_broken", "db_bloat"), draws.database),
    **dict.fromkeys(("bad_release", "setting_wrong", "partner_slow", "poison", "lb_drained"), draws.service),
    **dict.fromkeys(("cert_lapsed", "cert_near", "traffic_burst"), draws.probed_service),
    **dict.fromkeys(("fd_leak", "gc_pauses", "app_hangs", "mem_eater"), draws.instance),
    "token_expired": draws.service,
    "vlan_mistake": draws.some_of_a_rack,
    "room_hot": draws.the_one,
    "disk_fills": draws.filling_host,
    "storage_failover": lambda topology, _: {"nas": topology.site.storage},
    "dns_timeouts": lambda topology, _: {"dns": topology.site.resolver},
    **dict.fromkeys(("broker_down", "broker_blocks"), lambda topology, _: {"mq": topology.site.broker}),
    **dict.fromkeys(("cache_evicts", "cache_dead"), lambda topology, _: {"cache": topology.site.cache}),
}
"""As plans.py has those of other sites."""
