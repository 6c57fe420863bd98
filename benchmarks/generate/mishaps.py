"""What goes wrong where people, clocks, secrets, logs and neighbours are the trouble, rather than one broken part."""

from collections.abc import Callable, Iterator, Mapping

from benchmarks.generate.hit import Hit
from benchmarks.generate.mishaps_of_machines import MACHINES
from benchmarks.generate.topology import Service


def _resolver_of_room(hit: Hit) -> None:
    """Only what runs in one room asks that resolver; who has names cached is late to suffer, or never does."""
    hit.say(f"dns_room:{hit.rack.name}", hit.rising(1))
    here = set(hit.hosts_in_rack())
    for service, reach in hit.traits.services.items():
        hosts = hit.instances(service)
        share = len(here.intersection(hosts)) / len(hosts)
        if reach < 0.75:
            hit.delay(service, 0.9 * share * hit.strength * hit.rising(2, reach * 6))
            hit.fail(service, (0.5 * share * hit.strength if reach < 0.4 else 0) * hit.rising(2, reach * 6))


def _ingress_certificate(hit: Hit) -> None:
    """Clients turn away at the door; behind it nothing fails, and there is less to do."""
    hit.say(f"edge_cert:{hit.topology.site.edge}")
    for service in hit.probed(1):
        hit.say(f"cert_expired:{service}")
        if hit.age > 0.5 + hit.traits.services[service] * 2:
            hit.say(f"probe_down:{service}")
        if hit.age > 3:
            hit.say(f"traffic_low:{service}")
        for called in hit.topology.service[service].depends_on:
            if called in hit.traits.services and hit.traits.services[called] < 0.25 and hit.age > 5:
                hit.say(f"traffic_low:{called}")


def _time_server_wrong(hit: Hit) -> None:
    """Every host follows at its next poll; a few that have a source of their own do not."""
    hit.say(f"time_source:{hit.topology.site.resolver}")
    for host, reach in hit.traits.hosts.items():
        if reach < 0.85 and hit.age > 2 + reach * 9:
            hit.tell(f"ntp_drift:{host}")
    for service, reach in hit.traits.services.items():
        if reach < 0.2:
            hit.say(f"login_fail:{service}", hit.rising(2, 9))
            hit.fail(service, 0.25 * hit.strength * hit.rising(3, 10))


def _failover_and_lag(hit: Hit) -> None:
    """Down for a moment, then promoted; the new replica copies, and pools hold on to connections that are dead."""
    database = hit.of("db")
    if hit.age < 4:
        hit.moment.database_down[database][hit.fault.id] = 1
    if hit.age > 3:
        hit.say(f"db_switched:{database}")
    if 5 < hit.age < 24:
        hit.tell(f"db_repl:{database}", hit.rising(2, 5))
    hit.tell(f"db_conn:{database}", 0.9 * hit.strength * hit.rising(3, 8))
    for service in _users(hit, database):
        reach = hit.traits.services[service.name]
        if reach < 0.8:
            hit.say(f"pool_exhaust:{service.name}", hit.rising(2, 5 + reach * 5))
            hit.delay(service.name, 0.6 * hit.strength * hit.rising(3, 5 + reach * 5))


def _long_transaction(hit: Hit) -> None:
    database = hit.of("db")
    hit.tell(f"db_long_tx:{database}", hit.rising(1))
    hit.delay_database(database, 0.8 * hit.strength * hit.rising(6, 3))
    hit.tell(f"db_conn:{database}", hit.strength * hit.rising(4, 8))


def _secret_rotated(hit: Hit) -> None:
    """Who reconnects is refused, and each does so at its own time."""
    database = hit.of("db")
    hit.tell(f"db_denied:{database}", hit.rising(2, 1))
    for service in _users(hit, database):
        reach = hit.traits.services[service.name]
        hit.fail(service.name, 0.55 * hit.strength * hit.rising(2, reach * 10))
        for host in hit.instances(service.name):
            if hit.traits.hosts[host] < 0.4 and hit.age > 2 + reach * 10:
                hit.tell(f"inst_restarts:{service.name}@{host}")


def _library_deployed(hit: Hit) -> None:
    for number, service in enumerate(hit.of("services")):
        begins = number * 2.5
        hit.fail(service, hit.traits.failing * hit.rising(1, begins))
        hit.delay(service, (0.6 if hit.traits.slows else 0.1) * hit.strength * hit.rising(2, begins))
        hit.say(f"deploy_stuck:{service}", hit.rising(2, begins + 2))
        for host in hit.instances(service):
            if hit.traits.hosts[host] < 0.4 and hit.age > begins + 1:
                hit.tell(f"inst_restarts:{service}@{host}")


def _mtu_mistake(hit: Hit) -> None:
    """Large packets in and out of one rack are dropped: small ones, and so pings and many calls, go on."""
    hit.say(f"port_discards:{hit.rack.switch}", hit.rising(1))
    for host in hit.hosts_in_rack():
        if hit.traits.hosts[host] < 0.5:
            hit.tell(f"tcp_retrans:{host}", 0.55 * hit.strength * hit.rising(2, hit.traits.hosts[host] * 3))
    for service, crossing in _calls_between_racks(hit, hit.rack.name):
        if hit.traits.services[service] < 0.5:
            hit.delay(service, min(2, crossing) * 0.6 * hit.strength * hit.rising(2, 1))
            hit.fail(service, min(2, crossing) * 0.13 * hit.strength * hit.rising(2, 2))


def _firewall_full(hit: Hit) -> None:
    """It stands between the racks too: new connections are refused, those that are open go on."""
    hit.say(f"edge_sessions:{hit.topology.site.edge}", hit.rising(2))
    for service, crossing in _calls_between_racks(hit, None):
        reach = hit.traits.services[service]
        if reach < 0.45:
            hit.delay(service, min(2, crossing) * 0.45 * hit.strength * hit.rising(3, 2 + reach * 6))
            hit.fail(service, min(2, crossing) * 0.1 * hit.strength * hit.rising(3, 3 + reach * 6))
    for service in hit.probed(0.5):
        if hit.age > 3 + hit.traits.services[service] * 6:
            hit.say(f"probe_down:{service}")


def _logins_fail(hit: Hit) -> None:
    """The directory is away; what is cached is good for a while."""
    hit.say(f"auth_err:{hit.of('dns')}", hit.strength * hit.rising(1))
    for host, reach in hit.traits.hosts.items():
        if reach < 0.25 and hit.age > 3 + reach * 20:
            hit.tell(f"unit_failed:{host}")
    for service, reach in hit.traits.services.items():
        if reach < 0.35:
            hit.say(f"login_fail:{service}", hit.rising(2, 2 + reach * 12))
            hit.fail(service, 0.16 * hit.strength * hit.rising(2, 3 + reach * 12))


def _logs_fill_disk(hit: Hit) -> None:
    host, service = hit.of("host"), hit.of("service")
    hit.tell(f"log_rate:{service}@{host}", hit.rising(1))
    if hit.fill(host, 9) > 0.97:
        hit.tell(f"unit_failed:{host}")
        hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _leak_in_all(hit: Hit) -> None:
    """Each instance reaches its limit at its own time, is killed, restarts, and leaks again."""
    service = hit.of("service")
    for host in hit.instances(service):
        begins = hit.traits.hosts[host] * 6
        hit.tell(f"ctr_mem:{service}@{host}", hit.rising(7, begins))
        since = hit.age - begins - 8
        if since > 0:
            hit.tell(f"inst_restarts:{service}@{host}")
            if hit.traits.hosts[host] < 0.6:
                hit.tell(f"oom_kill:{host}")
            if since % 14 < hit.traits.restart:
                hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _partition_without_leader(hit: Hit) -> None:
    """Who publishes fails until there is a leader; who consumes is behind, and still so for a while when it is over."""
    broker = hit.of("mq")
    if hit.holds:
        hit.tell(f"mq_leader:{broker}")
    for service in hit.callers(broker, 1):
        hit.fail(service, 0.35 * hit.strength if hit.age < 6 else 0)
        for host in hit.instances(service):
            if hit.over < 3 + hit.traits.hosts[host] * 6:
                hit.tell(f"consumer_lag:{service}@{host}", hit.rising(5, 2 + hit.traits.hosts[host] * 4))


def _eviction_storm(hit: Hit) -> None:
    hit.tell(f"cache_evict:{hit.of('cache')}")
    for service in hit.callers(hit.of("cache"), 1):
        hit.delay(service, 0.5 * hit.strength * hit.rising(3, 2))
        for database in hit.topology.service[service].databases:
            hit.tell(f"db_qps:{database}", hit.rising(2, 2))
            hit.delay_database(database, 0.4 * hit.strength * hit.rising(5, 3))
            hit.tell(f"db_conn:{database}", 0.8 * hit.strength * hit.rising(5, 6))


def _external_slow(hit: Hit) -> None:
    for service in hit.of("services"):
        hit.say(f"ext_slow:{service}", hit.strength * hit.rising(2))
        hit.delay(service, 0.9 * hit.strength * hit.rising(4))
        hit.fail(service, 0.12 * hit.strength * hit.rising(3, 8))
        for host in hit.instances(service):
            hit.tell(f"threads:{service}@{host}", hit.rising(2, 5 + hit.traits.hosts[host] * 4))


def _files_leak(hit: Hit) -> None:
    host, service = hit.of("host"), hit.of("service")
    hit.tell(f"fds:{service}@{host}", hit.rising(3))
    hit.fail(service, 0.5 * hit.strength * hit.rising(3, 4) / len(hit.instances(service)))


def _poison_message(hit: Hit) -> None:
    service = hit.of("service")
    hit.say(f"dlq:{service}", hit.rising(2, 2))
    for host in hit.instances(service):
        if hit.age > 1:
            hit.tell(f"inst_restarts:{service}@{host}")
        hit.tell(f"queue_backlog:{service}@{host}", hit.rising(5, 2 + hit.traits.hosts[host] * 6))


def _retry_storm(hit: Hit) -> None:
    service = hit.of("service")
    hit.say(f"traffic_high:{service}", hit.rising(1))
    for host in hit.instances(service):
        hit.tell(f"cpu_high:{host}", hit.rising(2, 1))
        hit.tell(f"load_high:{host}", hit.rising(2, 2))
        hit.slow(host, 0.4 * hit.strength * hit.rising(2, 1))
    hit.delay(service, 0.6 * hit.strength * hit.rising(3))
    hit.fail(service, 0.14 * hit.strength * hit.rising(3, 2))


def _users(hit: Hit, database: str) -> list[Service]:
    return [service for service in hit.topology.services if database in service.databases]


def _calls_between_racks(hit: Hit, rack: str | None) -> Iterator[tuple[str, int]]:
    """Services, and how many things they call out of their rack; of one rack only calls that leave or enter it."""
    for service in hit.topology.services:
        own, crossing = _racks_of(hit, service.name), 0
        for called in (*service.depends_on, *service.databases):
            both = own | _racks_of(hit, called)
            crossing += len(both) > 1 and (rack is None or rack in both)
        if crossing:
            yield service.name, crossing


def _racks_of(hit: Hit, thing: str) -> set[str]:
    topology = hit.topology
    hosts = [topology.runs_on[thing]] if thing in topology.runs_on else hit.instances(thing)
    return {topology.rack_of[host].name for host in hosts}


LINGERING = {"bad_battery", "partition_leaderless"}
"""Those that are felt a while after they are cleared."""

MISHAPS: Mapping[str, Callable[[Hit], None]] = {
    "room_dns": _resolver_of_room,
    "ingress_cert": _ingress_certificate,
    "ntp_wrong": _time_server_wrong,
    "failover_lag": _failover_and_lag,
    "long_transaction": _long_transaction,
    "secret_rotated": _secret_rotated,
    "library_deploy": _library_deployed,
    "mtu_mistake": _mtu_mistake,
    "firewall_full": _firewall_full,
    "ldap_outage": _logins_fail,
    "log_flood": _logs_fill_disk,
    "leak_in_all": _leak_in_all,
    "partition_leaderless": _partition_without_leader,
    "eviction_storm": _eviction_storm,
    "external_slow": _external_slow,
    "files_leak": _files_leak,
    "poison_message": _poison_message,
    "retry_storm": _retry_storm,
    **MACHINES,
}
