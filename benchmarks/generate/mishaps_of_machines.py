"""What goes wrong with hosts, racks and their network where the first faults have it otherwise."""

from collections.abc import Callable, Mapping

from benchmarks.generate.hit import Hit


def _batch_on_array(hit: Hit) -> None:
    host, storage = hit.of("host"), hit.topology.site.storage
    hit.tell(f"disk_busy:{host}", hit.rising(2))
    hit.tell(f"job_overrun:{host}")
    hit.say(f"array_busy:{storage}", hit.rising(3, 1))
    hit.say(f"nas_lat:{storage}", hit.strength * hit.rising(4, 1))
    for other in hit.topology.hosts_on_storage():
        reach = hit.traits.hosts[other]
        hit.tell(f"io_wait:{other}", (0.3 + 0.5 * reach) * hit.strength * hit.rising(3, 2 + reach * 4))
        hit.slow(other, 0.5 * hit.strength * hit.rising(3, 2 + reach * 4))


def _backups_overrun(hit: Hit) -> None:
    for host in hit.of("hosts"):
        begins = hit.traits.hosts[host] * 4
        if hit.age > begins:
            hit.tell(f"backup_long:{host}")
        hit.tell(f"disk_busy:{host}", hit.rising(2, begins + 1))
        hit.tell(f"io_wait:{host}", 0.6 * hit.strength * hit.rising(3, begins + 1))
        hit.slow(host, 0.45 * hit.strength * hit.rising(3, begins + 1))
    hit.say(f"nas_lat:{hit.topology.site.storage}", 0.45 * hit.strength * hit.rising(4, 4))


def _path_lost(hit: Hit) -> None:
    hit.say(f"fc_port:{hit.topology.site.storage}")
    for host in hit.topology.hosts_on_storage():
        reach = hit.traits.hosts[host]
        if hit.age > 0.5 + reach * 3:
            hit.tell(f"mpath:{host}")
        hit.tell(f"io_wait:{host}", (0.55 * hit.strength if reach < 0.4 else 0) * hit.rising(3, 2))


def _rebuild_slow(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"raid_degraded:{host}")
    if hit.age > 2:
        hit.tell(f"raid_rebuild:{host}")
    hit.tell(f"io_wait:{host}", 0.55 * hit.strength * hit.rising(3, 2))
    hit.slow(host, 0.55 * hit.strength * hit.rising(3, 2))


def _kernel_panic(hit: Hit) -> None:
    host = hit.of("host")
    back = 6 + hit.traits.boot[host]
    if hit.age < back:
        hit.put_down(host)
    elif hit.age < back + 12:
        hit.tell(f"rebooted:{host}")


def _heat_shuts_down(hit: Hit) -> None:
    """A rack warms up, throttles, and what gets too hot switches itself off."""
    if hit.age > 0.5:
        hit.say(f"aircon:{hit.rack.name}")
    if hit.age > 2.5:
        hit.say(f"temp_rack:{hit.rack.sensor}")
    for host in hit.hosts_in_rack():
        reach = hit.traits.hosts[host]
        if reach < 0.3 and hit.age > 14 + reach * 15:
            hit.put_down(host)
        if hit.age > 4 + reach * 5:
            hit.tell(f"temp_host:{host}")
        if reach < 0.7 and hit.age > 7 + reach * 5:
            hit.tell(f"cpu_throttle:{host}")
            hit.slow(host, 0.5 * hit.strength)


def _bad_battery(hit: Hit) -> None:
    """A battery fails its test; then the mains fail, and it carries the rack for hardly a second."""
    ups, off = hit.rack.ups, hit.age > 10.5
    if hit.holds:
        hit.say(f"ups_selftest:{ups}")
    if hit.holds and hit.age > 9:
        hit.say(f"ups_battery:{ups}")
    if off and hit.holds:
        hit.moment.silent_ups.add(ups)
        hit.say(f"ups_unreach:{ups}")
    if off and hit.over < 1.5:
        hit.moment.dark_switches.add(hit.rack.switch)
        hit.say(f"sw_down:{hit.rack.switch}")
    for host in hit.hosts_in_rack():
        if off and hit.over < hit.traits.boot[host]:
            hit.put_down(host)
        elif off and hit.over < 10:
            hit.tell(f"rebooted:{host}")


def _phase_overload(hit: Hit) -> None:
    """A breaker trips; who hangs on that phase with one supply alone is off."""
    pdu, trips = hit.rack.pdu, 7 + hit.traits.restart
    if hit.age < trips:
        hit.say(f"pdu_load:{pdu}")
        return
    hit.say(f"pdu_phase:{pdu}")
    for host in hit.hosts_in_rack():
        reach = hit.traits.hosts[host]
        if reach < 0.2:
            hit.put_down(host)
        elif reach < 0.7:
            hit.tell(f"psu_lost:{host}")


def _crc_errors(hit: Hit) -> None:
    host = hit.of("host")
    hit.say(f"if_crc:{host}", hit.strength * hit.rising(1))
    hit.tell(f"tcp_retrans:{host}", 0.6 * hit.strength * hit.rising(2, 1))
    hit.slow(host, 0.65 * hit.strength * hit.rising(2, 1))


def _switch_reboots(hit: Hit) -> None:
    back = 5 + hit.traits.restart
    if hit.age < back:
        hit.moment.dark_switches.add(hit.rack.switch)
        hit.say(f"sw_down:{hit.rack.switch}")
        for host in hit.hosts_in_rack():
            hit.put_down(host)
    elif hit.age < back + 12:
        hit.say(f"sw_rebooted:{hit.rack.switch}")


def _scrape_lost(hit: Hit) -> None:
    """Nothing is wrong but the watching."""
    hit.say(f"scrape_job:{hit.rack.name}")
    for host in hit.hosts_in_rack():
        hit.tell(f"exporter_down:{host}")
        hit.moment.silent_exporters.add(host)


def _connections_full(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"conntrack:{host}", hit.rising(2))
    for service in hit.services_on(host):
        hit.fail(service, 0.35 * hit.strength * hit.rising(2, 1) / len(hit.instances(service)))
        hit.delay(service, 0.6 * hit.strength * hit.rising(3, 1) / len(hit.instances(service)))


def _address_twice(hit: Hit) -> None:
    """Two hosts answer to one address, in turns."""
    host, period = hit.of("host"), hit.of("period")
    hit.say(f"ip_conflict:{host}")
    if hit.age % period < period * 0.5:
        hit.put_down(host)
    else:
        hit.tell(f"tcp_retrans:{host}", 0.5 * hit.strength)


MACHINES: Mapping[str, Callable[[Hit], None]] = {
    "batch_array": _batch_on_array,
    "backup_overrun": _backups_overrun,
    "path_lost": _path_lost,
    "rebuild_slow": _rebuild_slow,
    "kernel_panic": _kernel_panic,
    "heat_shutdown": _heat_shuts_down,
    "bad_battery": _bad_battery,
    "phase_overload": _phase_overload,
    "crc_errors": _crc_errors,
    "switch_reboot": _switch_reboots,
    "scrape_lost": _scrape_lost,
    "conntrack_full": _connections_full,
    "address_twice": _address_twice,
}
