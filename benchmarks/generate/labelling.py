"""How a site labels and annotates what fires."""

from collections.abc import Callable, Mapping

from benchmarks.generate.firing import Firing
from benchmarks.generate.prometheus import Active
from benchmarks.generate.rules import Rule, Target
from benchmarks.generate.sites import Site
from benchmarks.generate.topology import BROKER_PORT, CACHE_PORT, Topology, host_of
from benchmarks.generate.values import Facts, filled

_RUNBOOKS = "https://runbooks.prometheus-operator.dev/runbooks/"
_WIKI, _DASHBOARDS = "https://wiki.intra.example/oncall/", "https://grafana.intra.example/d/overview"
_ADVICE = {"warning": "请值班人员处理:", "critical": "请立即处理:"}


def firing_of(active: Active, topology: Topology, began: float) -> Firing:
    """The firing of an alert in a run that began at a time."""
    site = topology.site
    kind, thing = active.signal.split(":", 1)
    rule = topology.rules[kind]
    facts = _FACTS.get(rule.target, _device)(thing, topology)
    said = rule.said(facts, active.amount, site.chinese)
    labels = _labels(kind, rule, facts, site)
    return Firing(
        active.signal,
        began + active.starts,
        None if active.ends is None else began + active.ends,
        active.causes,
        labels,
        _annotations(site.alerts[kind], rule, said, site, labels),
        rule.expression.replace("SERVICE", site.service_label),
    )


def _labels(kind: str, rule: Rule, facts: Facts, site: Site) -> dict[str, str]:
    severity = site.severity
    templates = site.labels_as.get(kind) or site.labels[rule.target.labelled_as]
    labels = {
        "alertname": site.alerts[kind],
        **{label: value for label, template in templates.items() if (value := filled(template, facts))},
        severity.label: severity.critical if rule.severity == "critical" else severity.warning,
        **({"cluster": site.cluster} if site.cluster else {}),
        **site.labels_of_kind.get(kind, {}),
    }
    return dict(sorted(labels.items()))


def _annotations(name: str, rule: Rule, said: str, site: Site, labels: Mapping[str, str]) -> dict[str, str]:
    shown = " ".join(f"{label}:{value}" for label, value in labels.items())
    habits = {
        "summary": {"summary": said},
        "advice": {"summary": said, "description": _ADVICE[rule.severity] + said},
        "runbook": {"summary": f"{name} fired", "description": said, "runbook_url": _RUNBOOKS + name.lower()},
        "message": {"message": said},
        "values": {"summary": name, "description": f"{said}\n  LABELS = map[{shown}]"},
        "wiki": {"title": said, "wiki": _WIKI + name, "dashboard": _DASHBOARDS},
        "none": {},
        "mixin": {"summary": rule.title or said, "description": said, "runbook_url": _RUNBOOKS + name.lower()},
        "collection": {
            "summary": f"{rule.title or name} (instance {labels.get('instance', '')})",
            "description": f"{said}\n  LABELS = map[{shown}]",
        },
        "handover": {"描述": said, "联系": "运行值班室"},
        "notice": {"summary": f"【{name}】{said}", "处理": f"请{labels.get('班组', '值班室')}处理"},
        "terse": {"description": said},
    }
    return habits[site.annotations]


def _host(thing: str, topology: Topology) -> Facts:
    return {"name": thing, "host": thing, "rack": topology.rack_of[thing].name}


def _service(thing: str, _: Topology) -> Facts:
    return {"name": thing, "service": thing}


def _probe(thing: str, topology: Topology) -> Facts:
    return {"name": thing, "service": thing, "url": topology.service[thing].url or ""}


def _database(thing: str, topology: Topology) -> Facts:
    return {"name": thing, "host": topology.runs_on[thing]}


def _middleware(thing: str, topology: Topology) -> Facts:
    host, port = topology.runs_on[thing], CACHE_PORT if thing == topology.site.cache else BROKER_PORT
    return {"name": thing, "service": thing, "host": host, "port": port, "rack": topology.rack_of[host].name}


def _port(thing: str, topology: Topology) -> Facts:
    rack = topology.rack_of[thing]
    port = f"Gi1/0/{topology.hosts_in(rack.name).index(thing) + 1}"
    return {"name": rack.switch, "host": thing, "port": port, "rack": rack.name}


def _instance(thing: str, topology: Topology) -> Facts:
    service, host = thing.split("@")
    instance = next(i for i in topology.service[service].instances if host_of(i) == host)
    return {
        "name": thing,
        "service": service,
        "host": host,
        "port": instance.split(":")[1],
        "rack": topology.rack_of[host].name,
        "pod": topology.pods[service, instance],
    }


def _device(thing: str, topology: Topology) -> Facts:
    """Storage and resolvers stand in no rack."""
    racks = (r.name for r in topology.site.racks if thing in (r.name, r.ups, r.switch, r.pdu, r.sensor))
    return {"name": thing, "rack": next(racks, "")}


_FACTS: Mapping[Target, Callable[[str, Topology], Facts]] = {
    Target.HOST: _host,
    Target.INSTANCE: _instance,
    Target.SERVICE: _service,
    Target.EXTERNAL: _service,
    Target.PROBE: _probe,
    Target.DATABASE: _database,
    Target.MIDDLEWARE: _middleware,
    Target.PORT: _port,
}
"""What is known of a thing, by what the rule watches; anything else is a device."""
