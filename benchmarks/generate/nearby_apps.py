"""What the faults of the sites near the recorded lab do: databases, middleware and applications."""

from collections.abc import Callable, Mapping

from benchmarks.generate.hit import Hit
from benchmarks.generate.nearby import filled


def _database_crash(hit: Hit) -> None:
    """Most start again with cold caches; some end anew whenever they are started."""
    database, back = hit.of("db"), 9 + 2 * hit.traits.restart
    if hit.traits.chance < 0.3 or hit.age < back:
        hit.moment.database_down[database][hit.fault.id] = 1
    else:
        if hit.age < back + 8:
            hit.tell(f"db_restarted:{database}")
        hit.delay_database(database, 0.75 * hit.strength * (1 - 0.5 * hit.rising(12, back)))


def _log_volume_fills(hit: Hit) -> None:
    """A database that cannot write its log takes no changes."""
    database = hit.of("db")
    if filled(hit, hit.topology.runs_on[database], 0.99, 11) > 0.97:
        hit.fail_database(database, 0.55 * hit.strength)
        hit.delay_database(database, 0.4 * hit.strength)


def _long_transaction(hit: Hit) -> None:
    database = hit.of("db")
    hit.tell(f"db_longtx:{database}")
    hit.tell(f"db_locks:{database}", hit.strength * hit.rising(4, 1))
    hit.delay_database(database, 0.9 * hit.strength * hit.rising(5, 2))
    hit.tell(f"db_conn:{database}", hit.strength * hit.rising(6, 5))
    hit.fail_database(database, 0.3 * hit.strength * hit.rising(4, 12))


def _bad_plan(hit: Hit) -> None:
    """One statement reads whole tables, and its server computes at its limit."""
    database = hit.of("db")
    host = hit.topology.runs_on[database]
    hit.delay_database(database, 0.95 * hit.strength * hit.rising(2))
    hit.tell(f"cpu_high:{host}", hit.rising(2, 1))
    hit.tell(f"load_high:{host}", 0.8 * hit.strength * hit.rising(4, 2))


def _connection_storm(hit: Hit) -> None:
    """A service takes all connections, and who comes later gets none."""
    database = hit.of("db")
    hit.tell(f"db_conn:{database}", hit.rising(2) * 1.1)
    for service in hit.topology.services:
        if database in service.databases:
            late = hit.traits.services[service.name] * 4
            hit.fail(service.name, 0.32 * hit.strength * hit.rising(2, 2 + late))
            hit.delay(service.name, 0.5 * hit.strength * hit.rising(3, 1 + late))


def _replica_broken(hit: Hit) -> None:
    hit.tell(f"db_repl:{hit.of('db')}")


def _tables_bloated(hit: Hit) -> None:
    hit.tell(f"db_bloat:{hit.of('db')}")


def _broker_down(hit: Hit) -> None:
    """Those that must publish fail, the others only wait."""
    broker = hit.of("mq")
    hit.tell(f"mq_down:{broker}")
    for service in hit.callers(broker, 1):
        if hit.traits.services[service] < 0.6:
            hit.fail(service, 0.35 * hit.strength * hit.rising(2, hit.traits.services[service] * 3))
        hit.delay(service, 0.6 * hit.strength * hit.rising(3))


def _broker_blocks(hit: Hit) -> None:
    broker = hit.of("mq")
    hit.tell(f"mq_alarm:{broker}")
    for service in hit.callers(broker, 0.85):
        hit.delay(service, 0.7 * hit.strength * hit.rising(3, 1))
        for host in hit.instances(service):
            hit.tell(f"queue_backlog:{service}@{host}", hit.rising(5, 3 + hit.traits.hosts[host] * 5))


def _cache_evicts(hit: Hit) -> None:
    """What is not found there is asked of the databases."""
    cache = hit.of("cache")
    hit.tell(f"cache_evict:{cache}")
    for service in hit.callers(cache, 1):
        hit.delay(service, 0.6 * hit.strength * hit.rising(4, 2))
        for database in hit.topology.service[service].databases:
            hit.delay_database(database, 0.5 * hit.strength * hit.rising(5, 4))
            hit.tell(f"db_conn:{database}", 0.85 * hit.strength * hit.rising(5, 5))


def _cache_dead(hit: Hit) -> None:
    cache = hit.of("cache")
    hit.tell(f"cache_down:{cache}")
    for service in hit.callers(cache, 1):
        hit.delay(service, 0.8 * hit.strength * hit.rising(2))
        hit.fail(service, 0.12 * hit.strength * hit.rising(2, 1))


def _descriptors_leak(hit: Hit) -> None:
    host, service = hit.of("host"), hit.of("service")
    hit.tell(f"fd_high:{service}@{host}", hit.rising(6))
    if hit.age > 8:
        hit.tell(f"log_errors:{service}@{host}")
        hit.fail(service, 0.5 * hit.strength / len(hit.instances(service)))


def _collector_pauses(hit: Hit) -> None:
    """A third ends with a restart."""
    host, service = hit.of("host"), hit.of("service")
    hit.tell(f"gc_time:{service}@{host}", hit.rising(3))
    hit.delay(service, 1.2 * hit.strength * hit.rising(4, 2) / len(hit.instances(service)))
    if hit.traits.chance < 0.33 and 14 < hit.age < 15 + hit.traits.restart:
        hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _bad_release(hit: Hit) -> None:
    """It is rolled out host by host."""
    service = hit.of("service")
    hit.say(f"release_check:{service}", hit.rising(1))
    hit.fail(service, hit.traits.failing * hit.rising(4, 1))
    if hit.traits.slows:
        hit.delay(service, 0.7 * hit.strength * hit.rising(4, 1))
    for host in hit.instances(service):
        hit.tell(f"log_errors:{service}@{host}", hit.rising(1, 1 + hit.traits.hosts[host] * 5))


def _setting_wrong(hit: Hit) -> None:
    """Each instance ends soon after it was started."""
    service = hit.of("service")
    for host in hit.instances(service):
        since = hit.age - hit.traits.hosts[host] * 3
        if since > 2:
            hit.tell(f"inst_restarts:{service}@{host}")
        if since > 0 and since % 10 < 6:
            hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _application_hangs(hit: Hit) -> None:
    hit.moment.instance_down[hit.of("service"), hit.of("host")][hit.fault.id] = 0.9


def _partner_slow(hit: Hit) -> None:
    """Calls wait, and run into their timeouts later."""
    service = hit.of("service")
    hit.say(f"ext_slow:{service}", hit.rising(2))
    hit.delay(service, 0.9 * hit.strength * hit.rising(3))
    hit.fail(service, 0.2 * hit.strength * hit.rising(4, 9))
    if hit.traits.slows:
        for host in hit.instances(service):
            hit.tell(f"queue_backlog:{service}@{host}", hit.rising(6, 5 + hit.traits.hosts[host] * 3))


def _poison(hit: Hit) -> None:
    """A message that nobody can digest is put aside in the end; those behind it wait."""
    service = hit.of("service")
    for host in hit.instances(service):
        hit.tell(f"queue_backlog:{service}@{host}", hit.rising(4, hit.traits.hosts[host] * 6))
    hit.say(f"dead_letters:{service}", hit.rising(3, 4))


def _certificate_lapsed(hit: Hit) -> None:
    """Half are asked for by other services too."""
    service = hit.of("service")
    hit.say(f"cert_expired:{service}")
    hit.say(f"probe_down:{service}")
    if hit.traits.chance < 0.5:
        for caller in hit.callers(service, 1):
            hit.fail(caller, 0.25 * hit.strength)


def _certificate_near(hit: Hit) -> None:
    hit.say(f"cert_soon:{hit.of('service')}")


def _pool_drained(hit: Hit) -> None:
    service = hit.of("service")
    hit.say(f"lb_backend:{service}")
    hit.fail(service, 0.5 * hit.strength * hit.rising(1))
    if hit.topology.service[service].url:
        hit.say(f"probe_down:{service}")


def _traffic_burst(hit: Hit) -> None:
    """The burst goes on to whom the service calls, and to its databases."""
    service = hit.topology.service[hit.of("service")]
    hit.say(f"req_surge:{service.name}", hit.rising(2))
    hit.delay(service.name, 0.7 * hit.strength * hit.rising(3, 1))
    for host in hit.instances(service.name):
        hit.tell(f"cpu_high:{host}", (0.5 + 0.6 * hit.traits.hosts[host]) * hit.rising(3, 1))
    for called in service.depends_on:
        if called in hit.traits.services and hit.traits.services[called] < 0.6:
            hit.delay(called, 0.6 * hit.strength * hit.rising(3, 3))
    for database in service.databases:
        hit.delay_database(database, 0.6 * hit.strength * hit.rising(4, 3))
        hit.tell(f"db_conn:{database}", 0.8 * hit.strength * hit.rising(4, 4))


def _token_expired(hit: Hit) -> None:
    service = hit.of("service")
    hit.say(f"auth_fail:{service}")
    hit.fail(service, 0.5 * hit.strength * hit.rising(1))


APPLICATIONS: Mapping[str, Callable[[Hit], None]] = {
    "db_crash": _database_crash,
    "wal_fills": _log_volume_fills,
    "long_tx": _long_transaction,
    "bad_plan": _bad_plan,
    "conn_storm": _connection_storm,
    "replica_broken": _replica_broken,
    "db_bloat": _tables_bloated,
    "broker_down": _broker_down,
    "broker_blocks": _broker_blocks,
    "cache_evicts": _cache_evicts,
    "cache_dead": _cache_dead,
    "fd_leak": _descriptors_leak,
    "gc_pauses": _collector_pauses,
    "bad_release": _bad_release,
    "setting_wrong": _setting_wrong,
    "app_hangs": _application_hangs,
    "partner_slow": _partner_slow,
    "poison": _poison,
    "cert_lapsed": _certificate_lapsed,
    "cert_near": _certificate_near,
    "lb_drained": _pool_drained,
    "traffic_burst": _traffic_burst,
    "token_expired": _token_expired,
}
