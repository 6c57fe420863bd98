"""The conditions of a run, quarter second by quarter second, and what faults press on at one of these moments."""

from collections import defaultdict
from collections.abc import Sequence

from benchmarks.generate.rules import Target
from benchmarks.generate.topology import Topology
from benchmarks.generate.values import Shares

STEP_S = 0.25

_Told = defaultdict[str, defaultdict[str, float]]


class Conditions:
    """How much of what each signal (`<kind of rule>:<thing>`) has, and by which fault."""

    def __init__(self) -> None:
        self._steps: defaultdict[str, dict[int, Shares]] = defaultdict(dict)

    def raise_to(self, signal: str, step: int, fault: str, amount: float) -> None:
        """A fault has at least this much of a signal."""
        shares = self._steps[signal].setdefault(step, {})
        shares[fault] = max(amount, shares.get(fault, 0))

    def forget(self, signal: str, step: int) -> None:
        """Nobody can see it."""
        if signal in self._steps:
            self._steps[signal].pop(step, None)

    def at(self, signal: str, step: int) -> Shares:
        """The shares of a signal at a step."""
        return self._steps[signal].get(step, {}) if signal in self._steps else {}

    def signals(self) -> Sequence[str]:
        """All signals that ever were, in order."""
        return sorted(self._steps)


class Moment:
    """What faults do at one step, before it spreads; `spread` takes it from here."""

    def __init__(self, topology: Topology, conditions: Conditions, step: int) -> None:
        self.topology, self.conditions, self.step = topology, conditions, step
        self.down = _told()
        self.slow = _told()
        self.database_down = _told()
        self.database_errors = _told()
        self.database_slow = _told()
        self.service_errors = _told()
        self.service_slow = _told()
        self.instance_down: defaultdict[tuple[str, str], Shares] = defaultdict(dict)
        self.dark_switches: set[str] = set()
        self.silent_ups: set[str] = set()
        self.silent_exporters: set[str] = set()
        self._told: list[tuple[str, str, float]] = []

    def say(self, signal: str, fault: str, amount: float = 1) -> None:
        """A condition that is seen from elsewhere."""
        self.conditions.raise_to(signal, self.step, fault, amount)

    def tell(self, signal: str, fault: str, amount: float = 1) -> None:
        """A condition that its own host tells of, where that host still answers."""
        self._told.append((signal, fault, amount))

    def settle(self) -> None:
        """Hosts that are down are seen to be; what they tell is not heard."""
        for host, shares in self.down.items():
            for fault, amount in shares.items():
                self.say(f"host_down:{host}", fault, amount)
        for signal, fault, amount in self._told:
            if self._is_heard(signal):
                self.say(signal, fault, amount)
        for ups in self.silent_ups:
            for kind in ("ups_battery", "ups_low", "ups_replace", "ups_selftest"):
                self.conditions.forget(f"{kind}:{ups}", self.step)
        for host, rack in self.topology.rack_of.items():
            if rack.switch in self.dark_switches:
                for kind in ("port_down", "if_crc"):
                    self.conditions.forget(f"{kind}:{host}", self.step)

    def _is_heard(self, signal: str) -> bool:
        kind, thing = signal.split(":", 1)
        host = self.topology.runs_on.get(thing) or thing.split("@")[-1]
        through_exporter = self.topology.rules[kind].target is Target.HOST and kind != "exporter_down"
        return host not in self.down and not (through_exporter and host in self.silent_exporters)


def _told() -> _Told:
    return defaultdict(lambda: defaultdict(float))
