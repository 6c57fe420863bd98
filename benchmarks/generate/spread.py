"""How trouble spreads: from hosts to databases and services, and from what is called to who calls it."""

import random
from collections.abc import Mapping, Sequence

from benchmarks.generate.fault import Fault, traits_of
from benchmarks.generate.faults import strike
from benchmarks.generate.hit import Hit
from benchmarks.generate.moment import STEP_S, Conditions, Moment
from benchmarks.generate.topology import Service, Topology, host_of
from benchmarks.generate.values import Shares


def live(topology: Topology, faults: Sequence[Fault], seed: int, until: float) -> Conditions:
    """Step a site through a run with these faults."""
    conditions, probes = Conditions(), random.Random(f"w{seed}")
    traits = {fault.id: traits_of(fault, topology, seed) for fault in faults}
    for step in range(int(until / STEP_S) + 1):
        now, moment = step * STEP_S, Moment(topology, conditions, step)
        for fault in faults:
            if now - fault.begins >= 0:
                strike(Hit(fault, traits[fault.id], moment, now - fault.begins, now - fault.ends))
        moment.settle()
        _racks(moment)
        _databases(moment)
        _services(moment, probes)
    return conditions


def _racks(moment: Moment) -> None:
    """The share of the hosts of a rack that are down, for rules that count them."""
    for rack in moment.topology.site.racks:
        hosts = moment.topology.hosts_in(rack.name)
        for host in hosts:
            for fault in moment.down.get(host, ()):
                down = sum(fault in moment.down.get(other, ()) for other in hosts)
                moment.say(f"rack_dark:{rack.name}", fault, down / len(hosts))


def _databases(moment: Moment) -> None:
    topology = moment.topology
    first, last = topology.databases
    for database in topology.databases:
        for fault in moment.down.get(database.host, ()):
            moment.database_down[database.name][fault] = 1
    for database, other in ((first, last), (last, first)):
        name, down = database.name, moment.database_down[database.name]
        for fault, amount in down.items():
            moment.say(f"db_down:{name}", fault, amount)
            moment.database_errors[name][fault] = 1
        if database.host in moment.down and other.host not in moment.down:
            for fault in down:
                moment.say(f"db_repl:{other.name}", fault)
        for fault, amount in moment.slow.get(database.host, {}).items():
            moment.database_slow[name][fault] += 0.7 * amount
        if not down:
            for fault, amount in moment.database_errors[name].items():
                moment.say(f"db_err:{name}", fault, amount)
            for fault, amount in moment.database_slow[name].items():
                moment.say(f"db_slowq:{name}", fault, amount)


def _services(moment: Moment, probes: random.Random) -> None:
    topology = moment.topology
    middleware: Mapping[str, Mapping[str, float]] = {
        m.name: moment.down.get(host_of(m.instances[0]), {}) for m in topology.middleware
    }
    for fault in middleware[topology.site.cache]:
        moment.say(f"cache_down:{topology.site.cache}", fault)
    for fault in middleware[topology.site.broker]:
        moment.say(f"mq_down:{topology.site.broker}", fault)
    for service in reversed(topology.services):  # nobody calls what stands before it
        _instances(moment, service)
        _called(moment, service, middleware)
        errors, slow = moment.service_errors[service.name], moment.service_slow[service.name]
        _cap(errors, 1)
        _cap(slow, 3)
        for fault, amount in errors.items():
            moment.say(f"svc_err:{service.name}", fault, amount)
        for fault, amount in slow.items():
            moment.say(f"svc_lat:{service.name}", fault, amount)
        if service.url:
            _probe(moment, service.name, errors, slow, probes)


def _instances(moment: Moment, service: Service) -> None:
    """What the hosts of a service do to it; with all of its instances it is down itself."""
    name, instances = service.name, len(service.instances)
    errors, slow = moment.service_errors[name], moment.service_slow[name]
    hosts, down_hosts = [host_of(instance) for instance in service.instances], 0
    for host in hosts:
        down = {**moment.down.get(host, {}), **moment.instance_down.get((name, host), {})}
        total = sum(down.values())
        if total:
            down_hosts += 1
            for fault, amount in down.items():
                moment.say(f"inst_down:{name}@{host}", fault)
                moment.say(f"svc_part:{name}", fault)
                errors[fault] += amount / total * (0.45 if instances > 1 else 0.9)
                slow[fault] += 0.25 * amount / total
        else:
            for fault, amount in moment.slow.get(host, {}).items():
                slow[fault] += amount / instances * 1.35
                errors[fault] += max(0, amount - 0.8) * 0.1
    if down_hosts == instances:
        for host in hosts:
            for fault in moment.conditions.at(f"inst_down:{name}@{host}", moment.step):
                moment.say(f"svc_down:{name}", fault)


def _called(moment: Moment, service: Service, middleware: Mapping[str, Mapping[str, float]]) -> None:
    """What a service suffers from its databases and from whom it calls."""
    errors, slow = moment.service_errors[service.name], moment.service_slow[service.name]
    for database in service.databases:
        weight = moment.topology.weights[service.name, database]
        for fault, amount in moment.database_errors[database].items():
            errors[fault] += amount * weight * 0.7
        for fault, amount in moment.database_slow[database].items():
            slow[fault] += amount * weight
    for called in service.depends_on:
        weight = moment.topology.weights[service.name, called]
        for fault in middleware.get(called, ()):
            slow[fault] += 0.6
            errors[fault] += 0.1 * weight
        if called not in middleware:
            for fault, amount in moment.service_errors[called].items():
                errors[fault] += amount * weight * 0.55
            for fault, amount in moment.service_slow[called].items():
                slow[fault] += amount * weight * 0.6


def _cap(shares: Shares, most: float) -> None:
    total = sum(shares.values())
    if total > most:
        for fault in shares:
            shares[fault] *= most / total


def _probe(moment: Moment, name: str, errors: Shares, slow: Shares, probes: random.Random) -> None:
    failing = sum(errors.values())
    if failing > 0.42 * (0.8 + 0.4 * probes.random()):
        for fault, amount in errors.items():
            moment.say(f"probe_down:{name}", fault, amount / failing)
    for fault, amount in slow.items():
        moment.say(f"probe_slow:{name}", fault, amount * 0.9)
