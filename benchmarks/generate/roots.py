"""Which signals are the root of a fault: of its tiers the first that a site has rules for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from benchmarks.generate.nearby_plans import TIERS
from benchmarks.generate.topology import Topology, host_of

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
    **TIERS,
}

_Arguments = Mapping[str, Any]

_PLACES: Mapping[str, Callable[[Topology, _Arguments], Sequence[str]]] = {
    "ups": lambda topology, args: [topology.rack[args["rack"]].ups],
    "pdu": lambda topology, args: [topology.rack[args["rack"]].pdu],
    "sensor": lambda topology, args: [topology.rack[args["rack"]].sensor],
    "switch": lambda topology, args: [topology.rack[args["rack"]].switch],
    "rack": lambda _, args: [args["rack"]],
    "sensors": lambda topology, _: [rack.sensor for rack in topology.site.racks],
    "storage": lambda topology, _: [topology.site.storage],
    "cooler": lambda topology, _: [topology.site.cooler],
    "control": lambda topology, _: [topology.site.control],
    "edge": lambda topology, _: [topology.site.edge],
    "resolver": lambda topology, _: [topology.site.resolver],
    "probed": lambda topology, _: [service.name for service in topology.services if service.url],
    "all hosts": lambda topology, _: [host.name for host in topology.hosts],
    "hosts of rack": lambda topology, args: topology.hosts_in(args["rack"]),
    "hosts on storage": lambda topology, _: topology.hosts_on_storage(),
    "host": lambda topology, args: [args["host"] if "host" in args else topology.runs_on[args["db"]]],
    "instance": lambda _, args: [f"{args['service']}@{args['host']}"],
    "instances": lambda topology, args: [
        f"{args['service']}@{host_of(instance)}" for instance in topology.service[args["service"]].instances
    ],
}
"""What stands behind the colon of a tier; any other word is the argument of that name."""


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
    if place in _PLACES:
        things = _PLACES[place](topology, args)
    else:
        things = args[place] if isinstance(args[place], list) else [args[place]]
    return [f"{rule}:{thing}" for thing in things]
