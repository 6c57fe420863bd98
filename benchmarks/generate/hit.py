"""A fault at a moment, and the words in which it says what it does there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.generate.fault import Fault, Traits
from benchmarks.generate.moment import Moment
from benchmarks.generate.sites import Rack
from benchmarks.generate.topology import Topology, host_of


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault at a moment. `age` is counted from its begin, `over` from its end, and is negative before it."""

    fault: Fault
    traits: Traits
    moment: Moment
    age: float
    over: float

    @property
    def holds(self) -> bool:
        """Whether it is not cleared yet."""
        return 0 <= self.age < self.fault.duration

    @property
    def topology(self) -> Topology:
        """Where it is."""
        return self.moment.topology

    @property
    def strength(self) -> float:
        """How hard it presses."""
        return self.traits.strength

    @property
    def rack(self) -> Rack:
        """The rack that it is in."""
        return self.topology.rack[self.fault.args["rack"]]

    def of(self, argument: str) -> Any:
        """One of its arguments."""
        return self.fault.args[argument]

    def rising(self, seconds: float, delay: float = 0) -> float:
        """From 0 to 1 within so many seconds, after a delay."""
        return max(0, min(1, (self.age - delay) / seconds))

    def fill(self, host: str, seconds: float) -> float:
        """A volume of a host fills up; returns how full it is."""
        full: float = self.fault.args.get("to", 0.985)
        level = 0.55 + (full - 0.55) * self.rising(seconds)
        if level > 0.8:
            self.tell(f"disk_warn:{host}", level)
        if level > 0.95:
            self.tell(f"disk_crit:{host}", level)
        if 2.5 < self.age < seconds + 4:
            self.tell(f"disk_predict:{host}")
        return level

    def hosts_in_rack(self) -> Sequence[str]:
        """The hosts of its rack."""
        return self.topology.hosts_in(self.rack.name)

    def services_on(self, host: str) -> Sequence[str]:
        """The services that have an instance on a host."""
        return [service.name for service in self.topology.services if host in self.instances(service.name)]

    def callers(self, middleware: str, share: float) -> Sequence[str]:
        """Those of a share of the services that call a cache or a broker."""
        services = self.topology.services
        return [s.name for s in services if middleware in s.depends_on and self.traits.services[s.name] < share]

    def probed(self, share: float) -> Sequence[str]:
        """Those of a share of the services that are probed."""
        return [s.name for s in self.topology.services if s.url and self.traits.services[s.name] < share]

    def instances(self, service: str) -> Sequence[str]:
        """The hosts of a service."""
        return [host_of(instance) for instance in self.topology.service[service].instances]

    def say(self, signal: str, amount: float = 1) -> None:
        """See Moment.say."""
        self.moment.say(signal, self.fault.id, amount)

    def tell(self, signal: str, amount: float = 1) -> None:
        """See Moment.tell."""
        self.moment.tell(signal, self.fault.id, amount)

    def put_down(self, host: str) -> None:
        """A host is off, or not reachable."""
        self.moment.down[host][self.fault.id] = 1

    def slow(self, host: str, amount: float) -> None:
        """What runs on a host gets slower."""
        self.moment.slow[host][self.fault.id] += amount

    def fail(self, service: str, amount: float) -> None:
        """Requests of a service fail."""
        self.moment.service_errors[service][self.fault.id] += amount

    def delay(self, service: str, amount: float) -> None:
        """Requests of a service take longer."""
        self.moment.service_slow[service][self.fault.id] += amount

    def fail_database(self, database: str, amount: float) -> None:
        """Transactions of a database fail."""
        self.moment.database_errors[database][self.fault.id] += amount

    def delay_database(self, database: str, amount: float) -> None:
        """Queries of a database take longer."""
        self.moment.database_slow[database][self.fault.id] += amount
