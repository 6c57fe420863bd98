"""What stands where at a site, and who calls whom: drawn once for a variant of the site."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.generate.rules import rules_of
from benchmarks.generate.sites import Rack, Site

CACHE_PORT, BROKER_PORT = "6379", "5672"
_POD_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass
class Host:
    """A server, and the network storage that it uses."""

    name: str
    rack: str
    nas: str | None


@dataclass
class Database:
    """A database and its server."""

    name: str
    host: str


@dataclass
class Service:
    """A service: where it runs (`host:port`), what it calls, and where it is probed."""

    name: str
    instances: list[str]
    depends_on: list[str]
    databases: list[str]
    url: str | None


def host_of(instance: str) -> str:
    """The host of `host:port`."""
    return instance.split(":", maxsplit=1)[0]


class Topology:
    """One variant of a site."""

    def __init__(self, site: Site, name: str, variant: int) -> None:
        draw = random.Random(f"topo{site.seed}{variant}")
        self.site, self.name, self.variant = site, name, variant
        self.rules = rules_of(site)
        self.hosts = _hosts(site, draw)
        first, last = site.databases
        self.databases = [Database(first, self.hosts[0].name), Database(last, self.hosts[-1].name)]
        workers = [host.name for host in self.hosts[1:-1]]
        cache_host, broker_host = draw.sample(workers, 2)
        self.services = _services(site, workers, draw)
        for called in (site.cache, site.broker):
            for service in draw.sample(self.services, draw.choice([3, 4])):
                service.depends_on.append(called)
        self.middleware = [
            Service(site.cache, [f"{cache_host}:{CACHE_PORT}"], [], [], None),
            Service(site.broker, [f"{broker_host}:{BROKER_PORT}"], [], [], None),
        ]
        self.weights = {
            (s.name, called): draw.uniform(0.25, 0.9) for s in self.services for called in s.depends_on + s.databases
        }
        self.pods = _pods(self.services, draw)
        self.service: Mapping[str, Service] = {s.name: s for s in self.services}
        self.rack: Mapping[str, Rack] = {rack.name: rack for rack in site.racks}
        self.rack_of: Mapping[str, Rack] = {host.name: self.rack[host.rack] for host in self.hosts}
        self.runs_on: Mapping[str, str] = {
            **{database.name: database.host for database in self.databases},
            site.cache: cache_host,
            site.broker: broker_host,
        }

    def hosts_in(self, rack: str | None) -> Sequence[str]:
        """The hosts of a rack, in their order."""
        return [host.name for host in self.hosts if host.rack == rack]

    def hosts_on_storage(self) -> Sequence[str]:
        """The hosts that use the network storage."""
        return [host.name for host in self.hosts if host.nas]

    def cmdb(self) -> dict[str, Any]:
        """What an operator could write down; some leave things out."""
        site = self.site
        listed = {
            "style": self.name,
            "seed": self.variant,
            "cluster": site.cluster or self.name,
            "racks": [{"name": rack.name, "ups": rack.ups, "switch": rack.switch} for rack in site.racks],
            "hosts": [asdict(host) for host in self.hosts],
            "databases": [asdict(database) for database in self.databases],
            "services": self._listed_services(),
            "storage": [site.storage],
            "dns": [site.resolver],
        }
        return {name: value for name, value in listed.items() if name not in site.unlisted}

    def _listed_services(self) -> list[dict[str, Any]]:
        """What is probed from outside is reached through the edge, where a site has one."""
        known = (one for one in self.services + self.middleware if one.name not in self.site.unlisted)
        listed = [asdict(service) for service in known]
        if "instances" in self.site.unlisted:
            listed = [{**service, "instances": []} for service in listed]
        if not self.site.edge:
            return listed
        for service in listed:
            service["depends_on"] = [*service["depends_on"], *([self.site.edge] if service["url"] else [])]
        return [*listed, asdict(Service(self.site.edge, [], [], [], None))]


def _hosts(site: Site, draw: random.Random) -> list[Host]:
    """Databases on the first and the last; at least three hosts use the network storage."""
    hosts, names = [], site.names or [""] * site.hosts
    for number in range(1, site.hosts + 1):
        rack = site.racks[(number - 1) * len(site.racks) // site.hosts]
        role = "db" if number in (1, site.hosts) else draw.choice(["app", "web", "app"])
        name = rack.host.format(
            role=site.roles.get(role, role), number=number, slot=number * 2 + 1, name=names[number - 1]
        )
        stored = (role == "db" and draw.random() < 0.7) or draw.random() < 0.3
        hosts.append(Host(name, rack.name, site.storage if stored else None))
    if sum(1 for host in hosts if host.nas) < 3:
        for host in draw.sample(hosts, 3):
            host.nas = site.storage
    return hosts


def _services(site: Site, workers: Sequence[str], draw: random.Random) -> list[Service]:
    """Each calls only those named after it."""
    services = []
    for number, name in enumerate(site.services):
        after = site.services[number + 1 :]
        calls = draw.sample(after, min(len(after), draw.choice([0, 0, 1, 1, 2, 3])))
        databases = [draw.choice(site.databases)] if draw.random() < 0.4 else []
        hosts = draw.sample(workers, draw.choice([1, 2, 2, 2]))
        probed = number < 4 or draw.random() < 0.25
        url = site.url.format(service=name, number=number + 1) if probed else None
        port = site.first_port + number
        services.append(Service(name, [f"{host}:{port}" for host in hosts], calls, databases, url))
    return services


def _pods(services: Sequence[Service], draw: random.Random) -> Mapping[tuple[str, str], str]:
    """The pod of a service's instance, named as a Deployment names it."""
    pods = {}
    for service in services:
        replica_set = "".join(draw.choice(_POD_LETTERS) for _ in range(9))
        for instance in service.instances:
            own = "".join(draw.choice(_POD_LETTERS) for _ in range(5))
            pods[service.name, instance] = f"{service.name}-{replica_set}-{own}"
    return pods
