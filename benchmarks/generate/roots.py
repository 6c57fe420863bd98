"""Which signals are the root of a fault: of its tiers the first that a site has rules for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from benchmarks.generate import nearby_plans, scripted
from benchmarks.generate.things import things
from benchmarks.generate.topology import Topology

_DISK = ("disk_warn:host", "disk_crit:host", "disk_predict:host")

_TIERS: Mapping[str, Sequence[Sequence[str]]] = {
    "ups_fail": [["ups_battery:ups", "ups_low:ups"]],
    "ups_onbattery": [["ups_battery:ups"]],
    "ups_replace": [["ups_replace:ups"]],
    "pdu_phase": [["pdu_phase:pdu"]],
    "cooling": [["temp_rack:sensor"], ["temp_host:hosts of rack"]],
    "switch_down": [["sw_down:switch"]],
    "net_loss": [["port_err:switch"], ["tcp_retrans:hosts of rack"]],
    "port_flap": [["port_down:host", "host_down:host"]],
    "host_down": [["host_down:host"]],
    "noisy": [["cpu_steal:host", "load_high:host", "cpu_high:host"]],
    "nas_slow": [["nas_lat:nas"], ["io_wait:hosts on storage"]],
    "dns_fail": [["dns_err:dns"]],
    "raid_fail": [["raid_degraded:host", "disk_failed:host"]],
    "disk_fill": [_DISK],
    "db_disk_full": [_DISK],
    "batch_overrun": [["job_overrun:host"]],
    "mem_leak": [["mem_low:host", "oom_kill:host", "inst_restarts:instance", "inst_down:instance"]],
    "ntp_group": [["ntp_drift:hosts"]],
    "db_slow": [["db_conn:db", "db_err:db", "db_slowq:db"]],
    "db_repl": [["db_repl:db"]],
    "repl_failover": [["db_repl:db", "db_down:db"]],
    "pool_exhaust": [["pool_exhaust:service"]],
    "bad_deploy": [["svc_err:service", "svc_lat:service", "deploy_stuck:service"]],
    "config_push": [["svc_err:service", "inst_restarts:instances"]],
    "queue_stall": [["queue_backlog:instances"]],
    "mq_backlog": [["mq_backlog:mq"]],
    "cache_outage": [["cache_down:cache"]],
    "lb_misroute": [["lb_backend:service"]],
    "third_party": [["ext_api:service"], ["svc_err:service", "svc_lat:service"]],
    "cert_expired": [["cert_expired:service"]],
    "cert_soon": [["cert_soon:service"]],
    "exporter_dead": [["exporter_down:host"]],
    "drip": [["{kind}:host"]],
    "ups_bypass": [["ups_bypass:ups"]],
    "water_leak": [["leak:sensor"]],
    "cooler_stops": [["cooler_down:cooler"], ["temp_rack:sensors"]],
    "fan_fail": [["fan_fail:host"]],
    "memory_errors": [["ecc_errors:host"], ["rebooted:host"]],
    "bond_degraded": [["bond_degraded:host"]],
    "inodes": [["inodes:host"]],
    "patching": [["reboot_pending:hosts"]],
    "hypervisor_down": [["esx_down:rack"]],
    "zone_lost": [["host_down:hosts of rack"]],
    "datastore_full": [["store_space:storage"]],
    "directory_fail": [["auth_err:dns"]],
    "service_stopped": [["proc_stopped:instance"]],
    "licence_over": [["licence:service"]],
    "volume_full": [["vol_space:db"]],
    "db_locks": [["db_locks:db"]],
    "db_archive": [["db_archive:db"]],
    "image_pull": [["pod_waiting:instances", "replicas:service"]],
    "traffic_peak": [["scaled_out:service"], ["svc_lat:service"]],
    "node_pressure": [["node_pressure:host"]],
    "control_plane": [["etcd_slow:control", "api_slow:control"]],
    "edge_full": [["edge_sessions:edge"]],
    "wan_loss": [["wan_loss:edge"]],
    "bgp_down": [["bgp_down:switch"]],
    "optic_low": [["optic_low:switch"]],
    "loop": [["mac_flap:switch", "sw_cpu:switch"]],
    "broker_alarm": [["mq_alarm:mq"]],
    "broker_split": [["mq_split:mq"]],
    "cache_full": [["cache_mem:cache"]],
    "heap_full": [["heap:instance"]],
    "threads_busy": [["threads:instances"]],
    "mail_queue": [["mail_queue:service"]],
    "room_dns": [["dns_room:rack"]],
    "ingress_cert": [["edge_cert:edge"], ["cert_expired:probed"]],
    "ntp_wrong": [["time_source:resolver"], ["ntp_drift:all hosts"]],
    "batch_array": [["disk_busy:host", "job_overrun:host"], ["array_busy:storage"]],
    "backup_overrun": [["backup_long:hosts", "disk_busy:hosts"]],
    "path_lost": [["fc_port:storage"], ["mpath:hosts on storage"]],
    "rebuild_slow": [["raid_degraded:host", "raid_rebuild:host"]],
    "failover_lag": [["db_switched:db", "db_down:db"]],
    "long_transaction": [["db_long_tx:db"]],
    "secret_rotated": [["db_denied:db"]],
    "library_deploy": [["svc_err:services", "svc_lat:services", "deploy_stuck:services"]],
    "mtu_mistake": [["port_discards:switch"], ["tcp_retrans:hosts of rack"]],
    "firewall_full": [["edge_sessions:edge"]],
    "ldap_outage": [["auth_err:dns"]],
    "log_flood": [["log_rate:instance", *_DISK]],
    "leak_in_all": [["ctr_mem:instances", "inst_restarts:instances"]],
    "kernel_panic": [["host_down:host", "rebooted:host"]],
    "heat_shutdown": [["aircon:rack"], ["temp_rack:sensor"], ["temp_host:hosts of rack"]],
    "bad_battery": [["ups_selftest:ups", "ups_battery:ups"], ["ups_unreach:ups"]],
    "phase_overload": [["pdu_load:pdu", "pdu_phase:pdu"]],
    "crc_errors": [["if_crc:host"]],
    "switch_reboot": [["sw_down:switch", "sw_rebooted:switch"]],
    "partition_leaderless": [["mq_leader:mq"]],
    "eviction_storm": [["cache_evict:cache"]],
    "external_slow": [["ext_slow:services"]],
    "scrape_lost": [["scrape_job:rack"], ["exporter_down:hosts of rack"]],
    "conntrack_full": [["conntrack:host"]],
    "files_leak": [["fds:instance"]],
    "address_twice": [["ip_conflict:host"], ["host_down:host"]],
    "poison_message": [["dlq:service"], ["inst_restarts:instances"]],
    "retry_storm": [["traffic_high:service"]],
    **nearby_plans.TIERS,
    **scripted.TIERS,
}

_Arguments = Mapping[str, Any]


def root_signals(kind: str, args: _Arguments, topology: Topology, has: Collection[str]) -> Sequence[str]:
    """The root signals of a fault at a site that has these rules; none where it has no rule for them."""
    for tier in _TIERS[kind]:
        found = [signal for pattern in tier for signal in _signals(pattern, args, topology, has)]
        if found:
            return found
    return []


def _signals(pattern: str, args: _Arguments, topology: Topology, has: Collection[str]) -> Sequence[str]:
    rule, place = pattern.format_map(args).split(":")
    if rule not in has:
        return []
    return [f"{rule}:{thing}" for thing in things(place, args, topology)]
