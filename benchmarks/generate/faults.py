"""What each type of fault does at a moment: whom it puts down or slows, and what it shows of itself."""

from collections.abc import Callable, Mapping

from benchmarks.generate.acting import act
from benchmarks.generate.further import FURTHER
from benchmarks.generate.hit import Hit
from benchmarks.generate.mishaps import LINGERING, MISHAPS
from benchmarks.generate.nearby import LINGER, MACHINES
from benchmarks.generate.nearby_apps import APPLICATIONS
from benchmarks.generate.scripted import SCRIPTS


def strike(hit: Hit) -> None:
    """What a fault that has begun does at its moment; a few types are felt a while after they are cleared."""
    if hit.holds or hit.fault.type in _LINGER:
        _EFFECTS[hit.fault.type](hit)


def _ups_fail(hit: Hit) -> None:
    ups, empty = hit.rack.ups, hit.age >= hit.traits.battery_empty
    if hit.holds and not empty:
        hit.say(f"ups_battery:{ups}")
        if hit.age > hit.traits.battery_low:
            hit.say(f"ups_low:{ups}")
    if hit.holds and empty:
        hit.moment.silent_ups.add(ups)
        hit.say(f"ups_unreach:{ups}")
    if empty and hit.over < 1.5:
        hit.moment.dark_switches.add(hit.rack.switch)
        hit.say(f"sw_down:{hit.rack.switch}")
    for host in hit.hosts_in_rack():
        off = hit.age >= hit.traits.battery_empty + hit.traits.hosts[host]
        if off and hit.over < hit.traits.boot[host]:
            hit.put_down(host)


def _switch_down(hit: Hit) -> None:
    hit.moment.dark_switches.add(hit.rack.switch)
    hit.moment.silent_ups.add(hit.rack.ups)
    hit.say(f"sw_down:{hit.rack.switch}")
    hit.say(f"ups_unreach:{hit.rack.ups}")
    for host in hit.hosts_in_rack():
        hit.put_down(host)


def _host_down(hit: Hit) -> None:
    host = hit.of("host")
    if hit.holds:
        hit.put_down(host)
        hit.say(f"port_down:{host}")
    elif hit.over < hit.traits.boot[host] * 0.6:
        hit.put_down(host)


def _port_flap(hit: Hit) -> None:
    period = hit.of("period")
    if hit.age % period < period * 0.5:
        hit.say(f"host_down:{hit.of('host')}")
        hit.say(f"port_down:{hit.of('host')}")


def _ups_onbattery(hit: Hit) -> None:
    hit.say(f"ups_battery:{hit.rack.ups}")


def _ups_replace(hit: Hit) -> None:
    hit.say(f"ups_replace:{hit.rack.ups}")


def _pdu_phase(hit: Hit) -> None:
    hit.say(f"pdu_phase:{hit.rack.pdu}")
    for host in hit.hosts_in_rack():
        reach = hit.traits.hosts[host]
        if reach < 0.6 and hit.age > reach * 3:
            hit.tell(f"psu_lost:{host}")


def _cooling(hit: Hit) -> None:
    if hit.age > 1.5:
        hit.say(f"temp_rack:{hit.rack.sensor}")
    for host in hit.hosts_in_rack():
        reach = hit.traits.hosts[host]
        if reach < 0.8 and hit.age > 3 + reach * 6:
            hit.tell(f"temp_host:{host}")
        if reach < 0.4 and hit.age > 6 + reach * 6:
            hit.tell(f"cpu_throttle:{host}")
            hit.slow(host, 0.55 * hit.strength)


def _net_loss(hit: Hit) -> None:
    hit.say(f"port_err:{hit.rack.switch}", 0.6 * hit.strength * hit.rising(2))
    for host in hit.hosts_in_rack():
        hit.tell(f"tcp_retrans:{host}", (0.2 + 0.5 * hit.traits.hosts[host]) * hit.strength * hit.rising(2))
        hit.slow(host, 0.45 * hit.strength * hit.rising(2))


def _noisy(hit: Hit) -> None:
    host = hit.of("host")
    hit.slow(host, 0.75 * hit.strength * hit.rising(2))
    for kind, amount in (("cpu_steal", 0.9), ("load_high", 1), ("cpu_high", 1)):
        hit.tell(f"{kind}:{host}", amount * hit.rising(2))


def _nas_slow(hit: Hit) -> None:
    hit.say(f"nas_lat:{hit.of('nas')}", hit.strength * hit.rising(3))
    for host in hit.topology.hosts_on_storage():
        reach = hit.traits.hosts[host]
        hit.tell(f"io_wait:{host}", (0.35 + 0.5 * reach) * hit.strength * hit.rising(3, reach * 3))
        hit.slow(host, 0.5 * hit.strength * hit.rising(3, reach * 3))


def _dns_fail(hit: Hit) -> None:
    hit.say(f"dns_err:{hit.of('dns')}", hit.strength * hit.rising(1))
    for service, reach in hit.traits.services.items():
        if reach < 0.45:
            hit.delay(service, 0.55 * hit.strength * hit.rising(2, reach * 8))
            hit.fail(service, (0.25 * hit.strength if reach < 0.25 else 0) * hit.rising(2, reach * 8))


def _raid_fail(hit: Hit) -> None:
    host = hit.of("host")
    hit.tell(f"raid_degraded:{host}")
    if hit.age > 5:
        hit.tell(f"disk_failed:{host}")
        hit.tell(f"io_wait:{host}", 0.7 * hit.strength)
        hit.slow(host, 0.6 * hit.strength)


def _disk_fill(hit: Hit) -> None:
    hit.fill(hit.of("host"), 14)


def _database_disk_full(hit: Hit) -> None:
    database = hit.of("db")
    if hit.fill(hit.topology.runs_on[database], 10) > 0.96:
        hit.fail_database(database, 0.5 * hit.strength)


def _batch_overrun(hit: Hit) -> None:
    host = hit.of("host")
    hit.fill(host, 10)
    hit.tell(f"job_overrun:{host}")
    hit.tell(f"load_high:{host}", 0.9 * hit.strength if hit.traits.chance < 0.5 else 0)
    hit.slow(host, 0.25 * hit.strength)


def _mem_leak(hit: Hit) -> None:
    host, service = hit.of("host"), hit.of("service")
    hit.tell(f"mem_low:{host}", hit.rising(7))
    if hit.age > 9:
        hit.tell(f"oom_kill:{host}")
        hit.tell(f"inst_restarts:{service}@{host}")
        if (hit.age - 9) % 15 < hit.traits.restart:
            hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _ntp_group(hit: Hit) -> None:
    for host in hit.of("hosts"):
        if hit.age > hit.traits.hosts[host] * 6:
            hit.tell(f"ntp_drift:{host}")
    service = hit.fault.args.get("service")
    if service and hit.age > 8:
        hit.fail(service, 0.3 * hit.strength)


def _database_slow(hit: Hit) -> None:
    database = hit.of("db")
    hit.delay_database(database, 0.9 * hit.strength * hit.rising(3))
    hit.tell(f"db_conn:{database}", hit.rising(4, 2) * hit.strength)
    hit.fail_database(database, 0.35 * hit.strength * hit.rising(4, 9))


def _replica_late(hit: Hit) -> None:
    hit.tell(f"db_repl:{hit.of('db')}", hit.rising(2, 1))


def _failover(hit: Hit) -> None:
    database = hit.of("db")
    if hit.age < 12:
        hit.tell(f"db_repl:{database}", hit.rising(2))
    if 6 < hit.age < 15:
        hit.moment.database_down[database][hit.fault.id] = 1


def _pool_exhaust(hit: Hit) -> None:
    service = hit.of("service")
    hit.say(f"pool_exhaust:{service}", hit.rising(2, 1))
    hit.fail(service, 0.25 * hit.strength * hit.rising(3, 3))
    hit.delay(service, 0.8 * hit.strength * hit.rising(3))


def _bad_deploy(hit: Hit) -> None:
    service = hit.of("service")
    hit.fail(service, hit.traits.failing * hit.rising(1))
    hit.delay(service, (0.6 if hit.traits.slows else 0.1) * hit.strength * hit.rising(2))
    hit.say(f"deploy_stuck:{service}", hit.rising(2, 2))


def _config_push(hit: Hit) -> None:
    service = hit.of("service")
    hit.fail(service, 0.6 * hit.strength * hit.rising(1))
    for host in hit.instances(service):
        if hit.age > 2:
            hit.tell(f"inst_restarts:{service}@{host}")


def _queue_stall(hit: Hit) -> None:
    service = hit.of("service")
    for host in hit.instances(service):
        grown = hit.rising(5, hit.traits.hosts[host] * 8) if hit.age > 1 else 0
        hit.tell(f"queue_backlog:{service}@{host}", grown)


def _broker_backlog(hit: Hit) -> None:
    broker = hit.of("mq")
    hit.tell(f"mq_backlog:{broker}", hit.rising(4))
    for service in hit.topology.services:
        if broker in service.depends_on and hit.traits.services[service.name] < 0.7:
            hit.delay(service.name, 0.6 * hit.strength * hit.rising(4, 3))
            for host in hit.instances(service.name):
                hit.tell(f"queue_backlog:{service.name}@{host}", hit.rising(5, 3 + hit.traits.hosts[host] * 5))


def _cache_outage(hit: Hit) -> None:
    cache = hit.of("cache")
    hit.tell(f"cache_down:{cache}")
    for service in hit.topology.services:
        if cache in service.depends_on:
            hit.delay(service.name, 0.7 * hit.strength * hit.rising(3))
            for database in service.databases:
                hit.delay_database(database, 0.3 * hit.strength * hit.rising(5, 3))
                hit.tell(f"db_conn:{database}", 0.8 * hit.strength * hit.rising(5, 4))


def _misroute(hit: Hit) -> None:
    service = hit.of("service")
    hit.say(f"lb_backend:{service}")
    hit.fail(service, 0.4 * hit.strength * hit.rising(1))
    hit.say(f"probe_down:{service}")


def _third_party(hit: Hit) -> None:
    service = hit.of("service")
    hit.say(f"ext_api:{service}", hit.rising(1))
    hit.fail(service, 0.3 * hit.strength * hit.rising(2))
    hit.delay(service, 0.6 * hit.strength * hit.rising(2))


def _certificate_expired(hit: Hit) -> None:
    hit.say(f"cert_expired:{hit.of('service')}")
    hit.say(f"probe_down:{hit.of('service')}")


def _certificate_expires_soon(hit: Hit) -> None:
    hit.say(f"cert_soon:{hit.of('service')}")


def _exporter_dead(hit: Hit) -> None:
    hit.tell(f"exporter_down:{hit.of('host')}")
    hit.moment.silent_exporters.add(hit.of("host"))


def _drip(hit: Hit) -> None:
    hit.tell(f"{hit.of('kind')}:{hit.of('host')}")


_LINGER = {"ups_fail", "host_down", *LINGERING, *LINGER, *(kind for kind, script in SCRIPTS.items() if script.lingers)}

_EFFECTS: Mapping[str, Callable[[Hit], None]] = {
    "ups_fail": _ups_fail,
    "switch_down": _switch_down,
    "host_down": _host_down,
    "port_flap": _port_flap,
    "ups_onbattery": _ups_onbattery,
    "ups_replace": _ups_replace,
    "pdu_phase": _pdu_phase,
    "cooling": _cooling,
    "net_loss": _net_loss,
    "noisy": _noisy,
    "nas_slow": _nas_slow,
    "dns_fail": _dns_fail,
    "raid_fail": _raid_fail,
    "disk_fill": _disk_fill,
    "db_disk_full": _database_disk_full,
    "batch_overrun": _batch_overrun,
    "mem_leak": _mem_leak,
    "ntp_group": _ntp_group,
    "db_slow": _database_slow,
    "db_repl": _replica_late,
    "repl_failover": _failover,
    "pool_exhaust": _pool_exhaust,
    "bad_deploy": _bad_deploy,
    "config_push": _config_push,
    "queue_stall": _queue_stall,
    "mq_backlog": _broker_backlog,
    "cache_outage": _cache_outage,
    "lb_misroute": _misroute,
    "third_party": _third_party,
    "cert_expired": _certificate_expired,
    "cert_soon": _certificate_expires_soon,
    "exporter_dead": _exporter_dead,
    "drip": _drip,
    **FURTHER,
    **MISHAPS,
    **MACHINES,
    **APPLICATIONS,
    **dict.fromkeys(SCRIPTS, act),
}
