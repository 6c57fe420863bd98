"""The alert rules that sites draw from: rules.yaml, further.yaml and mishaps.yaml, or a book of their own."""

from collections.abc import Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from benchmarks.generate.sites import Site
from benchmarks.generate.values import Facts, filled

_BOOKS = {"nearby", "scripted"}


class Target(Enum):
    """What a rule watches. The letter is part of the seed of its scrapes."""

    HOST = "h"
    INSTANCE = "i"
    SERVICE = "s"
    EXTERNAL = "x"
    PROBE = "p"
    DATABASE = "d"
    MIDDLEWARE = "c"
    PORT = "o"
    UPS = "u"
    SWITCH = "w"
    PDU = "P"
    SENSOR = "r"
    STORAGE = "n"
    RESOLVER = "N"
    HYPERVISOR = "v"
    EDGE = "e"
    COOLER = "a"
    CONTROL = "k"
    ROOM = "m"

    @property
    def over_snmp(self) -> bool:
        """Whether it is scraped as devices are, more slowly."""
        return self in _DEVICES or self is Target.PORT

    @property
    def labelled_as(self) -> str:
        """Which of a site's label sets it has."""
        if self in _DEVICES:
            return "device"
        return "service" if self is Target.EXTERNAL else self.name.lower()


_DEVICES = {Target.UPS, Target.SWITCH, Target.PDU, Target.SENSOR, Target.STORAGE, Target.RESOLVER, Target.COOLER}


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule, as rules.yaml explains it."""

    of: str
    wait: tuple[int, int]
    expression: str
    summary: str
    summary_zh: str
    severity: str = "warning"
    title: str = ""
    window: int = 0
    threshold: float = 0.5
    value: str = "%.1f"
    scale: float = 40
    offset: float = 0

    @property
    def target(self) -> Target:
        """What it watches."""
        return Target[self.of.upper()]

    def said(self, facts: Facts, amount: float, chinese: bool) -> str:
        """The summary of a firing."""
        value = self.value % (amount * self.scale + self.offset) if "%" in self.value else self.value
        return filled(self.summary_zh if chinese else self.summary, {**facts, "value": value})


@cache
def rules() -> Mapping[str, Rule]:
    """All rules, by kind, in the order of the files."""
    return {**common(), **_read("further.yaml"), **_read("mishaps.yaml")}


def rules_of(site: Site) -> Mapping[str, Rule]:
    """The rules of a site: some have a book of their own, and say single fields otherwise."""
    if site.faults not in _BOOKS:
        return rules()
    return {kind: _changed(rule, site.rules.get(kind, {})) for kind, rule in _read(f"{site.faults}.yaml").items()}


def _changed(rule: Rule, fields: Mapping[str, Any]) -> Rule:
    return msgspec.convert({**msgspec.structs.asdict(rule), **fields}, Rule) if fields else rule


@cache
def common() -> Mapping[str, Rule]:
    """The rules of which every site draws the waits, whether it has them or not."""
    return _read("rules.yaml")


@cache
def _read(name: str) -> dict[str, Rule]:
    written = yaml.safe_load(Path(__file__).with_name(name).read_text("utf-8"))
    return msgspec.convert(written, dict[str, Rule])
