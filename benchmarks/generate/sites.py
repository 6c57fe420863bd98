"""Sites: how each names its things, its labels and its alerts (sites/<name>.yaml)."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml


class Rack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rack, what feeds, connects and measures it, and how its hosts are named."""

    name: str
    ups: str
    switch: str
    pdu: str
    sensor: str
    host: str


class Severity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The label of severity and its values."""

    label: str
    critical: str
    warning: str


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site as its file says it.

    `seed` begins the seed of its topologies, `alerts` are the rules that it has, `rules` what of single ones is
    otherwise, `labels_as` the label sets of single rules, `unlisted` what its CMDB leaves out (a key, or a service by
    its name), `spared` the faults that it never has, `names` those of its hosts where a format does not make them.
    """

    seed: str
    cluster: str | None
    chinese: bool
    annotations: Literal[
        "summary",
        "advice",
        "runbook",
        "message",
        "values",
        "wiki",
        "none",
        "mixin",
        "collection",
        "handover",
        "notice",
        "terse",
    ]
    alertmanager: str
    severity: Severity
    group_by: Sequence[Sequence[str]]
    service_label: str
    racks: Sequence[Rack]
    hosts: int
    services: Sequence[str]
    first_port: int
    url: str
    databases: tuple[str, str]
    cache: str
    broker: str
    storage: str
    resolver: str
    labels: Mapping[str, Mapping[str, str]]
    labels_of_kind: Mapping[str, Mapping[str, str]]
    alerts: Mapping[str, str]
    roles: Mapping[str, str] = {}
    names: Sequence[str] = ()
    faults: Literal["common", "further", "mishaps", "nearby", "scripted"] = "common"
    labels_as: Mapping[str, Mapping[str, str]] = {}
    rules: Mapping[str, Mapping[str, Any]] = {}
    edge: str = ""
    cooler: str = ""
    control: str = ""
    unlisted: Sequence[str] = ()
    spared: Sequence[str] = ()


@cache
def site(name: str) -> Site:
    """The site of a name."""
    written = yaml.safe_load((Path(__file__).parent / "sites" / f"{name}.yaml").read_text("utf-8"))
    return msgspec.convert(written, Site)
