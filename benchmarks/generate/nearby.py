"""What the faults of the sites near the recorded lab do: power, network, machines and storage."""

from collections.abc import Callable, Mapping

from benchmarks.generate.hit import Hit

_SWITCH_BOOT_S = 2
_YOUNG_S = 8
"""So long after it came up a machine or a database counts as restarted."""


def _off(hit: Hit, host: str, since: float) -> None:
    """A host is off from an age on until it has booted after the end, and then says that it is young."""
    boot = hit.traits.boot[host]
    if hit.age >= since and hit.over < boot:
        hit.put_down(host)
    elif 0 <= hit.over - boot < _YOUNG_S:
        hit.tell(f"rebooted:{host}")


def _feed_lost(hit: Hit) -> None:
    """The mains of a rack: some servers are shut down in order on low battery, the others fall with the UPS.

    A few have a second feed: they are only cut off while the switch is dark.
    """
    ups, switch = hit.rack.ups, hit.rack.switch
    low, empty = hit.traits.battery_low, hit.traits.battery_empty
    dark = hit.age >= empty
    if hit.holds and not dark:
        hit.say(f"ups_battery:{ups}")
        if hit.age > low:
            hit.say(f"ups_low:{ups}")
    if hit.holds and dark:
        hit.moment.silent_ups.add(ups)
        hit.say(f"ups_unreach:{ups}")
    if dark and hit.over < _SWITCH_BOOT_S:
        hit.moment.dark_switches.add(switch)
        hit.say(f"sw_down:{switch}")
    for host in hit.hosts_in_rack():
        reach = hit.traits.hosts[host]
        if reach >= 0.2:
            _off(hit, host, low + 2 + 4 * (1 - reach) if reach > 0.65 else empty)
        elif dark and hit.over < _SWITCH_BOOT_S:
            hit.put_down(host)


def _breaker_trip(hit: Hit) -> None:
    """One bank of a power strip: who hangs on it alone falls, who has another feed loses one supply."""
    if hit.holds:
        hit.say(f"pdu_bank:{hit.rack.pdu}")
    for host in hit.hosts_in_rack():
        reach = hit.traits.hosts[host]
        if reach < 0.45:
            _off(hit, host, 0)
        elif reach < 0.85 and hit.holds and hit.age > reach * 2:
            hit.tell(f"psu_lost:{host}")


def _access_switch_dead(hit: Hit) -> None:
    """Half of them say before they die that a power supply is failing; the UPS is managed through it."""
    warned = 3.5 if hit.traits.chance < 0.5 else 0
    if hit.age < warned:
        hit.say(f"sw_psu:{hit.rack.switch}")
        return
    hit.moment.dark_switches.add(hit.rack.switch)
    hit.moment.silent_ups.add(hit.rack.ups)
    hit.say(f"sw_down:{hit.rack.switch}")
    hit.say(f"ups_unreach:{hit.rack.ups}")
    for host in hit.hosts_in_rack():
        hit.put_down(host)


def _uplink_cut(hit: Hit) -> None:
    """One of two uplinks: the other is too narrow for the rack."""
    hit.say(f"link_member:{hit.rack.switch}")
    hit.say(f"uplink_busy:{hit.rack.switch}", hit.strength * hit.rising(3, 1))
    for host in hit.hosts_in_rack():
        reach = hit.traits.hosts[host]
        hit.tell(f"tcp_retrans:{host}", (0.2 + 0.45 * reach) * hit.strength * hit.rising(3, 2))
        hit.slow(host, 0.45 * hit.strength * hit.rising(4, 2))


def _vlan_mistake(hit: Hit) -> None:
    """A change takes some hosts of a rack off the network; the switch itself is well."""
    if hit.age < _YOUNG_S:
        hit.say(f"sw_changed:{hit.rack.switch}")
    for host in hit.of("hosts"):
        if hit.age > 0.5 + hit.traits.hosts[host]:
            hit.put_down(host)


def _room_hot(hit: Hit) -> None:
    """The air of rack after rack gets warm; now and then the hottest server puts itself off."""
    hit.say(f"cooler_fault:{hit.topology.site.cooler}")
    for number, rack in enumerate(hit.topology.site.racks):
        if hit.age > 3 + 2.5 * number:
            hit.say(f"temp_rack:{rack.sensor}", hit.rising(12))
    for host, reach in hit.traits.hosts.items():
        if reach < 0.35 and hit.age > 7 + reach * 12:
            hit.tell(f"temp_host:{host}")
            hit.slow(host, 0.35 * hit.strength)
    if hit.traits.chance < 0.4 and hit.age > 18:
        hit.put_down(min(hit.traits.hosts, key=lambda host: hit.traits.hosts[host]))


def _crash(hit: Hit, host: str) -> None:
    if hit.holds and hit.traits.chance < 0.5:
        hit.say(f"bmc_event:{host}")
    _off(hit, host, 0.25)


def _server_crash(hit: Hit) -> None:
    _crash(hit, hit.of("host"))


def _database_host_crash(hit: Hit) -> None:
    _crash(hit, hit.topology.runs_on[hit.of("db")])


def _hypervisor_crash(hit: Hit) -> None:
    """The guests are started on another one, one after the other."""
    hit.say(f"hv_down:{hit.rack.name}")
    for number, host in enumerate(hit.hosts_in_rack()):
        back = 8 + 1.5 * number + hit.traits.boot[host]
        if hit.age < back:
            hit.put_down(host)
        elif hit.age < back + _YOUNG_S:
            hit.tell(f"rebooted:{host}")


def _hypervisor_overcommitted(hit: Hit) -> None:
    hit.say(f"hv_mem:{hit.rack.name}", hit.rising(2))
    for host in hit.hosts_in_rack():
        reach = hit.traits.hosts[host]
        hit.tell(f"cpu_ready:{host}", (0.25 + 0.6 * reach) * hit.strength * hit.rising(4, 1))
        hit.slow(host, 0.5 * hit.strength * hit.rising(4, 2))
        if reach < 0.35 and hit.age > 6:
            hit.tell(f"swap_used:{host}")


def _ups_selftest(hit: Hit) -> None:
    hit.say(f"ups_battery:{hit.rack.ups}")


def _ups_old(hit: Hit) -> None:
    hit.say(f"ups_replace:{hit.rack.ups}")


def _air_dry(hit: Hit) -> None:
    hit.say(f"air_dry:{hit.rack.sensor}")


def _supply_dead(hit: Hit) -> None:
    hit.tell(f"psu_lost:{hit.of('host')}")


def _fan_dead(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"fan_slow:{host}")
    if hit.age > 6:
        hit.tell(f"temp_host:{host}")
    if hit.age > 10:
        hit.slow(host, 0.45 * hit.strength)


def _flaps(hit: Hit) -> bool:
    period: float = hit.of("period")
    return hit.age % period < period * 0.45


def _port_flaps(hit: Hit) -> None:
    if _flaps(hit):
        hit.say(f"port_down:{hit.of('host')}")
        hit.put_down(hit.of("host"))


def _ip_conflict(hit: Hit) -> None:
    """The link is well, and now the one and now the other answers."""
    hit.say(f"ip_dup:{hit.of('host')}")
    if _flaps(hit):
        hit.put_down(hit.of("host"))


def _nic_errors(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"nic_err:{host}", 0.7 * hit.strength * hit.rising(1))
    hit.tell(f"tcp_retrans:{host}", 0.6 * hit.strength * hit.rising(2, 1))
    hit.slow(host, 0.55 * hit.strength * hit.rising(2, 1))


def _resolver_times_out(hit: Hit) -> None:
    """Who asks the other resolver first does not notice."""
    hit.say(f"dns_err:{hit.of('dns')}", hit.rising(1))
    for service, reach in hit.traits.services.items():
        if reach < 0.5:
            hit.delay(service, 0.65 * hit.strength * hit.rising(2, reach * 6))
        if reach < 0.2:
            hit.fail(service, 0.2 * hit.strength * hit.rising(3, 2 + reach * 6))


def _time_jump(hit: Hit) -> None:
    """A time source is wrong: tokens of some services on these hosts are not valid yet."""
    hosts = hit.of("hosts")
    for host in hosts:
        if hit.age > hit.traits.hosts[host] * 4:
            hit.tell(f"ntp_drift:{host}")
    for service, reach in hit.traits.services.items():
        if reach < 0.2 and hit.age > 5 and set(hosts) & set(hit.instances(service)):
            hit.say(f"auth_fail:{service}")
            hit.fail(service, 0.2 * hit.strength)


def _storage_failover(hit: Hit) -> None:
    """While the other controller takes over all stands; afterwards it bears twice its load."""
    hit.say(f"nas_ctrl:{hit.of('nas')}")
    press = hit.strength * hit.rising(1) * (1 if hit.age < 9 else 0.7)
    hit.say(f"nas_lat:{hit.of('nas')}", press)
    for host in hit.topology.hosts_on_storage():
        reach = hit.traits.hosts[host]
        hit.tell(f"io_busy:{host}", (0.45 + 0.45 * reach) * press)
        hit.slow(host, 0.6 * press * hit.rising(3, reach * 2))


def _raid_rebuild(hit: Hit) -> None:
    host = hit.of("host")
    if hit.traits.chance < 0.4:
        hit.tell(f"smart_warn:{host}")
    if hit.age > 2:
        hit.tell(f"raid_degraded:{host}")
        hit.tell(f"io_busy:{host}", 0.75 * hit.strength * hit.rising(3, 3))
        hit.slow(host, 0.55 * hit.strength * hit.rising(3, 3))


def _backup_drags(hit: Hit) -> None:
    for host in hit.of("hosts"):
        reach = hit.traits.hosts[host]
        hit.tell(f"backup_running:{host}")
        hit.tell(f"io_busy:{host}", (0.3 + 0.5 * reach) * hit.strength * hit.rising(3, reach * 5))
        hit.slow(host, 0.35 * hit.strength * hit.rising(3, reach * 5))


def filled(hit: Hit, host: str, full: float, seconds: float) -> float:
    """A volume fills up to a level within so many seconds; returns how full it is."""
    level = 0.62 + (full - 0.62) * hit.rising(seconds)
    if level > 0.8:
        hit.tell(f"fs_80:{host}", level)
    if level > 0.95:
        hit.tell(f"fs_95:{host}", level)
    if 2 < hit.age < seconds + 3:
        hit.tell(f"fs_trend:{host}")
    return level


def _disk_fills(hit: Hit) -> None:
    """Once it is full, half of what runs there cannot write any more."""
    host = hit.of("host")
    if filled(hit, host, hit.of("to"), 13) > 0.97:
        for service in hit.services_on(host):
            if hit.traits.services[service] < 0.5:
                hit.tell(f"log_errors:{service}@{host}")
                hit.fail(service, 0.35 * hit.strength / len(hit.instances(service)))


def _processor_hog(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"cpu_high:{host}", hit.rising(1))
    hit.tell(f"load_high:{host}", hit.strength * hit.rising(4))
    if hit.traits.slows:
        hit.tell(f"cpu_ready:{host}", 0.8 * hit.strength * hit.rising(3))
    hit.slow(host, 0.7 * hit.strength * hit.rising(2))


def _memory_eaten(hit: Hit) -> None:
    """The kernel ends a service in the end, more than once."""
    host, service = hit.of("host"), hit.of("service")
    hit.tell(f"mem_used:{host}", hit.rising(7))
    hit.tell(f"swap_used:{host}", hit.rising(4, 6))
    hit.slow(host, 0.4 * hit.strength * hit.rising(4, 6))
    if hit.age > 11:
        hit.tell(f"oom_kill:{host}")
        if (hit.age - 11) % 14 < hit.traits.restart:
            hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _agent_hangs(hit: Hit) -> None:
    hit.tell(f"exporter_down:{hit.of('host')}")
    hit.moment.silent_exporters.add(hit.of("host"))


MACHINES: Mapping[str, Callable[[Hit], None]] = {
    "feed_lost": _feed_lost,
    "breaker_trip": _breaker_trip,
    "access_switch_dead": _access_switch_dead,
    "uplink_cut": _uplink_cut,
    "vlan_mistake": _vlan_mistake,
    "room_hot": _room_hot,
    "server_crash": _server_crash,
    "db_host_crash": _database_host_crash,
    "hv_crash": _hypervisor_crash,
    "hv_overcommit": _hypervisor_overcommitted,
    "ups_selftest": _ups_selftest,
    "ups_old": _ups_old,
    "air_dry": _air_dry,
    "supply_dead": _supply_dead,
    "fan_dead": _fan_dead,
    "port_flaps": _port_flaps,
    "ip_conflict": _ip_conflict,
    "nic_errors": _nic_errors,
    "dns_timeouts": _resolver_times_out,
    "time_jump": _time_jump,
    "storage_failover": _storage_failover,
    "raid_rebuild": _raid_rebuild,
    "backup_drags": _backup_drags,
    "disk_fills": _disk_fills,
    "cpu_hog": _processor_hog,
    "mem_eater": _memory_eaten,
    "agent_hangs": _agent_hangs,
}

LINGER = {"feed_lost", "breaker_trip", "server_crash", "db_host_crash"}
"""Those that are felt a while after they are cleared."""
