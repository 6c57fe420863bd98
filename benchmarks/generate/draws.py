"""Where a fault may be: each draws its arguments at a site."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.generate.topology import Topology, host_of

Arguments = dict[str, Any]
Draw = Callable[[Topology, random.Random], Arguments]


def rack(topology: Topology, draw: random.Random) -> Arguments:
    """A rack."""
    return {"rack": draw.choice(topology.site.racks).name}


def some_of_a_rack(topology: Topology, draw: random.Random) -> Arguments:
    """A rack, and two or three of its hosts."""
    rack = draw.choice(topology.site.racks).name
    hosts = topology.hosts_in(rack)
    return {"rack": rack, "hosts": sorted(draw.sample(hosts, min(len(hosts), draw.choice([2, 3]))))}


def host(topology: Topology, draw: random.Random) -> Arguments:
    """A host."""
    return {"host": draw.choice(topology.hosts).name}


def worker(topology: Topology, draw: random.Random) -> Arguments:
    """A host without a database."""
    return {"host": draw.choice(topology.hosts[1:-1]).name}


def several_hosts(topology: Topology, draw: random.Random) -> Arguments:
    """Two to four hosts."""
    return {"hosts": sorted(draw.sample([host.name for host in topology.hosts], draw.choice([2, 3, 4])))}


def filling_host(topology: Topology, draw: random.Random) -> Arguments:
    """A host without a database, and how full its disk gets."""
    return {**worker(topology, draw), "to": draw.choice([0.88, 0.93, 0.99])}


def flapping_host(topology: Topology, draw: random.Random) -> Arguments:
    """A host without a database, and how often its link goes."""
    return {**worker(topology, draw), "period": draw.choice([14, 17])}


def database(topology: Topology, draw: random.Random) -> Arguments:
    """A database."""
    return {"db": draw.choice(topology.databases).name}


def service(topology: Topology, draw: random.Random) -> Arguments:
    """A service."""
    return {"service": draw.choice(topology.services).name}


def probed_service(topology: Topology, draw: random.Random) -> Arguments:
    """A service that is probed."""
    return {"service": draw.choice([service for service in topology.services if service.url]).name}


def instance(topology: Topology, draw: random.Random) -> Arguments:
    """An instance of a service."""
    service = draw.choice(topology.services)
    return {"service": service.name, "host": host_of(draw.choice(service.instances))}


def the_one(_: Topology, __: random.Random) -> Arguments:
    """What a site has one of."""
    return {}


def several_services(topology: Topology, draw: random.Random) -> Arguments:
    """Two to four services."""
    return {"services": sorted(draw.sample([one.name for one in topology.services], draw.choice([2, 3, 4])))}


def the_cache(topology: Topology, _: random.Random) -> Arguments:
    """The cache."""
    return {"cache": topology.site.cache}


def the_broker(topology: Topology, _: random.Random) -> Arguments:
    """The message broker."""
    return {"mq": topology.site.broker}


ALL: Mapping[str, Draw] = {
    draw.__name__: draw
    for draw in (
        *(rack, host, worker, several_hosts, database, service, probed_service, instance),
        *(several_services, the_one, the_cache, the_broker),
    )
}
"""Those that a script may name."""
