"""What the words of tiers and scripts mean: for a fault with its arguments, the things of its site."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.generate.topology import Service, Topology, host_of

_Arguments = Mapping[str, Any]


def things(word: str, args: _Arguments, topology: Topology) -> Sequence[str]:
    """The things that a word means; a word that is none is the argument of that name."""
    if word in _WORDS:
        return _WORDS[word](topology, args)
    return args[word] if isinstance(args[word], list) else [args[word]]


def _host(topology: Topology, args: _Arguments) -> str:
    """Its host, or that of the database, the cache or the broker which it is about."""
    named = args.get("host") or topology.runs_on[args.get("db") or args.get("cache") or args["mq"]]
    return str(named)


def _hosts_of(service: Service) -> Sequence[str]:
    return [host_of(instance) for instance in service.instances]


def _instances_of(service: Service) -> Sequence[str]:
    return [f"{service.name}@{host}" for host in _hosts_of(service)]


def _callers(called: str, topology: Topology) -> Sequence[Service]:
    return [service for service in topology.services if called in service.depends_on]


def _callees(topology: Topology, args: _Arguments) -> Sequence[str]:
    """The services that its service calls, without cache and broker."""
    names = {service.name for service in topology.services}
    return [called for called in topology.service[args["service"]].depends_on if called in names]


def _instances_on(topology: Topology, args: _Arguments) -> Sequence[str]:
    host = _host(topology, args)
    return [f"{service.name}@{host}" for service in topology.services if host in _hosts_of(service)]


def _users(topology: Topology, args: _Arguments) -> Sequence[str]:
    return [service.name for service in topology.services if args["db"] in service.databases]


def _neighbours(topology: Topology, args: _Arguments) -> Sequence[str]:
    host = _host(topology, args)
    return [other for other in topology.hosts_in(topology.rack_of[host].name) if other != host]


_WORDS: Mapping[str, Callable[[Topology, _Arguments], Sequence[str]]] = {
    "ups": lambda topology, args: [topology.rack[args["rack"]].ups],
    "pdu": lambda topology, args: [topology.rack[args["rack"]].pdu],
    "sensor": lambda topology, args: [topology.rack[args["rack"]].sensor],
    "switch": lambda topology, args: [topology.rack[args["rack"]].switch],
    "rack": lambda _, args: [args["rack"]],
    "all ups": lambda topology, _: [rack.ups for rack in topology.site.racks],
    "sensors": lambda topology, _: [rack.sensor for rack in topology.site.racks],
    "switches": lambda topology, _: [rack.switch for rack in topology.site.racks],
    "storage": lambda topology, _: [topology.site.storage],
    "cooler": lambda topology, _: [topology.site.cooler],
    "control": lambda topology, _: [topology.site.control],
    "edge": lambda topology, _: [topology.site.edge],
    "resolver": lambda topology, _: [topology.site.resolver],
    "probed": lambda topology, _: [service.name for service in topology.services if service.url],
    "all hosts": lambda topology, _: [host.name for host in topology.hosts],
    "all services": lambda topology, _: [service.name for service in topology.services],
    "hosts of rack": lambda topology, args: topology.hosts_in(args["rack"]),
    "hosts on storage": lambda topology, _: topology.hosts_on_storage(),
    "stored of rack": lambda topology, args: [
        host for host in topology.hosts_in(args["rack"]) if host in topology.hosts_on_storage()
    ],
    "stored databases": lambda topology, _: [
        database.name for database in topology.databases if database.host in topology.hosts_on_storage()
    ],
    "neighbours": _neighbours,
    "host": lambda topology, args: [_host(topology, args)],
    "services on host": lambda topology, args: [one.split("@")[0] for one in _instances_on(topology, args)],
    "instances on host": _instances_on,
    "instance": lambda _, args: [f"{args['service']}@{args['host']}"],
    "instances": lambda topology, args: _instances_of(topology.service[args["service"]]),
    "instances of services": lambda topology, args: [
        instance for name in args["services"] for instance in _instances_of(topology.service[name])
    ],
    "hosts of service": lambda topology, args: _hosts_of(topology.service[args["service"]]),
    "databases of service": lambda topology, args: topology.service[args["service"]].databases,
    "users of db": _users,
    "callees": _callees,
    "callers": lambda topology, args: [one.name for one in _callers(args["service"], topology)],
    "callers of cache": lambda topology, _: [one.name for one in _callers(topology.site.cache, topology)],
    "databases of callers of cache": lambda topology, _: sorted(
        {database for one in _callers(topology.site.cache, topology) for database in one.databases}
    ),
    "callers of mq": lambda topology, _: [one.name for one in _callers(topology.site.broker, topology)],
    "instances of callers of mq": lambda topology, _: [
        instance for one in _callers(topology.site.broker, topology) for instance in _instances_of(one)
    ],
}
