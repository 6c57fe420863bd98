"""The site on which the properties are tried: two join rules, an inhibition, every role, two channels."""

import tempfile
from functools import lru_cache
from pathlib import Path

from agent.configuration.config import Config
from agent.configuration.load import load

_TOCSIN = """
pack: iso20000-default
sources:
  am: {type: alertmanager, token: am-secret-token}
  prom: {type: prometheus, token: prom-secret-token}
notifiers: {hook: {type: recording}, mail: {type: recording}}
fallback: [root, desk]
"""
_PEOPLE = """
people:
  ana: {name: Ana, roles: [l1], groups: [sys-ops], contacts: [{notifier: hook, to: ana}, {notifier: mail, to: a@x.org}]}
  luis: {name: Luis, roles: [l1], groups: [sys-ops], contacts: [{notifier: hook, to: luis}]}
  wei: {name: 伟, roles: [l2], groups: [sys-expert], contacts: [{notifier: hook, to: wei}, {notifier: mail, to: wei}]}
  pat: {name: Pat, roles: [pm], contacts: [{notifier: hook, to: pat}]}
  dora: {name: Dora, roles: [dept_manager], contacts: [{notifier: mail, to: dora}]}
  desk: {name: Desk, roles: [desk], groups: [desk], contacts: [{notifier: mail, to: desk}]}
  sal: {name: Sal, roles: [sales], contacts: [{notifier: mail, to: sal}]}
  root: {name: Root, roles: [ops], contacts: [{notifier: hook, to: root}]}
"""
_ONCALL = """
schedules:
  sys-l1:
    {group: sys-ops, role: l1, time_zone: UTC, layers: [{people: [luis, ana], every: 1d, handover: "09:00"}]}
"""
_SERVICES = """
customers: {acme: {name: Acme, contacts: [{notifier: mail, to: it@acme.example}]}}
services: {shop: {customers: [acme], sla: {2: {resolve: 6h}}}}
vendors: {acme: {response: 1h, resolve: 8h}}
"""
_INHIBIT = """
inhibit:
  - {id: host, source: {alertname: HostDown}, target: {alertname: [ServiceSlow, ProbeFailed]}, equal: [instance]}
"""
_JOIN = """
join:
  - {id: by-cluster, match: {team: web}, join_by: [cluster], window: 5m}
"""


@lru_cache
def configured(*, inhibit: bool = True) -> Config:
    """The site's configuration, with or without its inhibition."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (
            ("tocsin.yaml", _TOCSIN),
            ("people.yaml", _PEOPLE),
            ("oncall.yaml", _ONCALL),
            ("services.yaml", _SERVICES),
            ("rules.yaml", _JOIN + (_INHIBIT if inhibit else "")),
        ):
            (Path(directory) / name).write_text(text)
        return load(directory)
