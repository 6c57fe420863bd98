"""What the faults do that only some sites have: hypervisors, clusters of containers, wide networks, single parts."""

from collections.abc import Callable, Mapping

from benchmarks.generate.hit import Hit


def _ups_bypass(hit: Hit) -> None:
    hit.say(f"ups_bypass:{hit.rack.ups}")


def _water_leak(hit: Hit) -> None:
    hit.say(f"leak:{hit.rack.sensor}")


def _cooler_stops(hit: Hit) -> None:
    hit.say(f"cooler_down:{hit.topology.site.cooler}")
    for number, rack in enumerate(hit.topology.site.racks):
        if hit.age > 2 + number:
            hit.say(f"temp_rack:{rack.sensor}")
    for host, reach in hit.traits.hosts.items():
        if reach < 0.4 and hit.age > 5 + reach * 8:
            hit.tell(f"temp_host:{host}")


def _fan_fail(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"fan_fail:{host}")
    if hit.age > 4:
        hit.tell(f"temp_host:{host}")
    if hit.age > 8:
        hit.tell(f"cpu_throttle:{host}")
        hit.slow(host, 0.6 * hit.strength)


def _memory_errors(hit: Hit) -> None:
    """Half of the hosts go down of them, and come back."""
    host = hit.of("host")
    hit.tell(f"ecc_errors:{host}")
    back = 10 + hit.traits.boot[host]
    if hit.traits.chance < 0.5 and hit.age > 6:
        if hit.age < back:
            hit.put_down(host)
        elif hit.age < back + 10:
            hit.tell(f"rebooted:{host}")


def _bond_degraded(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"bond_degraded:{host}")
    hit.tell(f"tcp_retrans:{host}", 0.55 * hit.strength * hit.rising(2, 1))
    hit.slow(host, 0.45 * hit.strength * hit.rising(2, 1))


def _inodes(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"inodes:{host}")
    if hit.age > 4:
        hit.tell(f"unit_failed:{host}")


def _patching(hit: Hit) -> None:
    for host in hit.of("hosts"):
        if hit.age > hit.traits.hosts[host] * 6:
            hit.tell(f"reboot_pending:{host}")


def _hypervisor_down(hit: Hit) -> None:
    """Its guests are started elsewhere after a while."""
    hit.say(f"esx_down:{hit.rack.name}")
    for host in hit.hosts_in_rack():
        if 0.5 < hit.age < 9 + 2 * hit.traits.boot[host]:
            hit.put_down(host)


def _zone_lost(hit: Hit) -> None:
    for host in hit.hosts_in_rack():
        if hit.age > hit.traits.hosts[host] * 2:
            hit.put_down(host)


def _datastore_full(hit: Hit) -> None:
    level = 0.8 + 0.19 * hit.rising(8)
    hit.say(f"store_space:{hit.topology.site.storage}", level)
    if level > 0.97:
        for host in hit.topology.hosts_on_storage():
            reach = hit.traits.hosts[host]
            hit.tell(f"io_wait:{host}", (0.4 + 0.5 * reach) * hit.strength * hit.rising(2, 8 + reach * 3))
            hit.slow(host, 0.55 * hit.strength * hit.rising(3, 8 + reach * 3))


def _directory_fail(hit: Hit) -> None:
    hit.say(f"auth_err:{hit.of('dns')}", hit.strength * hit.rising(1))
    for service, reach in hit.traits.services.items():
        if reach < 0.4:
            hit.fail(service, 0.3 * hit.strength * hit.rising(2, reach * 8))


def _service_stopped(hit: Hit) -> None:
    host, service = hit.of("host"), hit.of("service")
    hit.tell(f"proc_stopped:{service}@{host}")
    hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _licence_over(hit: Hit) -> None:
    hit.say(f"licence:{hit.of('service')}")
    hit.fail(hit.of("service"), 0.5 * hit.strength * hit.rising(2, 3))


def _volume_full(hit: Hit) -> None:
    database, level = hit.of("db"), 0.7 + 0.29 * hit.rising(9)
    hit.tell(f"vol_space:{database}", level)
    if level > 0.97:
        hit.fail_database(database, 0.5 * hit.strength)


def _database_locks(hit: Hit) -> None:
    database = hit.of("db")
    hit.tell(f"db_locks:{database}", hit.rising(2, 1))
    hit.delay_database(database, 0.9 * hit.strength * hit.rising(3))
    hit.tell(f"db_conn:{database}", hit.rising(4, 4) * hit.strength)


def _archive_fails(hit: Hit) -> None:
    hit.tell(f"db_archive:{hit.of('db')}")


def _image_pull(hit: Hit) -> None:
    service = hit.of("service")
    for host in hit.instances(service):
        if hit.age > hit.traits.hosts[host] * 4:
            hit.tell(f"pod_waiting:{service}@{host}")
    if hit.age > 1:
        hit.say(f"replicas:{service}")
    if hit.age > 4:
        hit.say(f"deploy_stuck:{service}")


def _traffic_peak(hit: Hit) -> None:
    service = hit.of("service")
    hit.say(f"scaled_out:{service}", hit.rising(2, 2))
    for host in hit.instances(service):
        hit.tell(f"throttled:{service}@{host}", (0.4 + 0.6 * hit.traits.hosts[host]) * hit.strength * hit.rising(2))
    hit.delay(service, 0.8 * hit.strength * hit.rising(3))
    hit.fail(service, 0.12 * hit.strength * hit.rising(3, 3))


def _node_pressure(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"node_pressure:{host}")
    for service in hit.services_on(host):
        if hit.age > 2 + hit.traits.services[service] * 6:
            hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _control_plane(hit: Hit) -> None:
    control = hit.topology.site.control
    hit.say(f"etcd_slow:{control}")
    if hit.age > 2:
        hit.say(f"api_slow:{control}")
    if hit.age > 5:
        hit.say(f"api_errors:{control}")


def _edge_full(hit: Hit) -> None:
    """New sessions fail; those that are open go on."""
    hit.say(f"edge_sessions:{hit.topology.site.edge}", hit.rising(2))
    for service in hit.probed(0.7):
        if hit.age > 2 + hit.traits.services[service] * 5:
            hit.say(f"probe_down:{service}")


def _wan_loss(hit: Hit) -> None:
    hit.say(f"wan_loss:{hit.topology.site.edge}", hit.strength * hit.rising(1))
    for service in hit.probed(0.8):
        reach = hit.traits.services[service]
        hit.say(f"probe_slow:{service}", hit.strength * hit.rising(2, reach * 4))
        if reach < 0.4:
            hit.say(f"ext_api:{service}", hit.rising(1, 1 + reach * 5))
            hit.fail(service, 0.2 * hit.strength * hit.rising(2, reach * 5))


def _bgp_down(hit: Hit) -> None:
    hit.say(f"bgp_down:{hit.rack.switch}")
    for host in hit.hosts_in_rack():
        if hit.traits.hosts[host] < 0.6:
            hit.tell(f"tcp_retrans:{host}", 0.5 * hit.strength * hit.rising(2, 1))
            hit.slow(host, 0.45 * hit.strength * hit.rising(2, 1))


def _optic_low(hit: Hit) -> None:
    hit.say(f"optic_low:{hit.rack.switch}")
    hit.say(f"port_err:{hit.rack.switch}", 0.5 * hit.strength * hit.rising(3, 2))
    for host in hit.hosts_in_rack():
        hit.tell(f"tcp_retrans:{host}", (0.15 + 0.5 * hit.traits.hosts[host]) * hit.strength * hit.rising(3, 3))
        hit.slow(host, 0.4 * hit.strength * hit.rising(3, 3))


def _loop(hit: Hit) -> None:
    hit.say(f"mac_flap:{hit.rack.switch}")
    hit.say(f"sw_cpu:{hit.rack.switch}", hit.rising(2))
    for host in hit.hosts_in_rack():
        hit.tell(f"tcp_retrans:{host}", (0.3 + 0.5 * hit.traits.hosts[host]) * hit.strength * hit.rising(2))
        hit.slow(host, 0.6 * hit.strength * hit.rising(2))


def _broker_alarm(hit: Hit) -> None:
    """Who publishes is held back."""
    hit.tell(f"mq_alarm:{hit.of('mq')}")
    for service in hit.callers(hit.of("mq"), 0.8):
        hit.fail(service, 0.35 * hit.strength * hit.rising(2, 1))
        hit.delay(service, 0.6 * hit.strength * hit.rising(3, 1))


def _broker_split(hit: Hit) -> None:
    """Who consumes falls behind."""
    hit.tell(f"mq_split:{hit.of('mq')}")
    for service in hit.callers(hit.of("mq"), 0.9):
        for host in hit.instances(service):
            hit.tell(f"consumer_lag:{service}@{host}", hit.rising(5, 2 + hit.traits.hosts[host] * 4))


def _cache_full(hit: Hit) -> None:
    hit.tell(f"cache_mem:{hit.of('cache')}")
    for service in hit.callers(hit.of("cache"), 1):
        hit.delay(service, 0.65 * hit.strength * hit.rising(3, 2))
        for database in hit.topology.service[service].databases:
            hit.delay_database(database, 0.35 * hit.strength * hit.rising(5, 3))


def _heap_full(hit: Hit) -> None:
    host, service = hit.of("host"), hit.of("service")
    hit.tell(f"heap:{service}@{host}", hit.rising(3))
    hit.delay(service, 0.9 * hit.strength * hit.rising(4) / len(hit.instances(service)))
    if 12 < hit.age < 12 + hit.traits.restart:
        hit.tell(f"inst_restarts:{service}@{host}")
        hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _threads_busy(hit: Hit) -> None:
    service = hit.of("service")
    for host in hit.instances(service):
        hit.tell(f"threads:{service}@{host}", hit.rising(2, hit.traits.hosts[host] * 3))
    hit.delay(service, 0.8 * hit.strength * hit.rising(3))
    hit.fail(service, 0.15 * hit.strength * hit.rising(3, 4))


def _mail_queue(hit: Hit) -> None:
    hit.say(f"mail_queue:{hit.of('service')}")


FURTHER: Mapping[str, Callable[[Hit], None]] = {
    "ups_bypass": _ups_bypass,
    "water_leak": _water_leak,
    "cooler_stops": _cooler_stops,
    "fan_fail": _fan_fail,
    "memory_errors": _memory_errors,
    "bond_degraded": _bond_degraded,
    "inodes": _inodes,
    "patching": _patching,
    "hypervisor_down": _hypervisor_down,
    "zone_lost": _zone_lost,
    "datastore_full": _datastore_full,
    "directory_fail": _directory_fail,
    "service_stopped": _service_stopped,
    "licence_over": _licence_over,
    "volume_full": _volume_full,
    "db_locks": _database_locks,
    "db_archive": _archive_fails,
    "image_pull": _image_pull,
    "traffic_peak": _traffic_peak,
    "node_pressure": _node_pressure,
    "control_plane": _control_plane,
    "edge_full": _edge_full,
    "wan_loss": _wan_loss,
    "bgp_down": _bgp_down,
    "optic_low": _optic_low,
    "loop": _loop,
    "broker_alarm": _broker_alarm,
    "broker_split": _broker_split,
    "cache_full": _cache_full,
    "heap_full": _heap_full,
    "threads_busy": _threads_busy,
    "mail_queue": _mail_queue,
}
