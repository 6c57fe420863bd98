"""Deterministic alerts: a number and a seed give always the same twelve labels and four annotations, 1 KB of JSON."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EVENTS = tuple(
    f"{subject}{trouble}"
    for subject in (
        *("Host", "Kube", "Node", "Postgres", "Redis", "Kafka", "Disk", "Http", "Queue", "Etcd"),
        *("Ingress", "Dns", "Tls", "Backup", "Cron", "Mem", "Cpu", "Net", "Api", "Job"),
    )
    for trouble in (*("High", "Low", "Down", "Slow", "Failing", "Full", "Lagging", "Flapping", "Missing", "Saturated"),)
)
_SEVERITIES = ("critical", "major", "warning", "minor", "informational")
_TEAMS = ("payments", "platform", "storage", "network", "identity", "search", "mobile", "data")
_WORDS = [
    "latency",
    "error",
    "rate",
    "above",
    "threshold",
    "for",
    "pod",
    "replica",
    "database",
    "connection",
    "pool",
    "exhausted",
    "timeout",
    "waiting",
    "upstream",
    "gateway",
    "returned",
    "disk",
    "volume",
    "inode",
    "usage",
    "node",
    "pressure",
    "evicted",
    "restart",
    "crash",
    "loop",
    "back",
    "off",
    "certificate",
    "expires",
    "replication",
    "lag",
    "behind",
    "leader",
    "partition",
    "offset",
    "consumer",
    "queue",
    "depth",
    "growing",
    "memory",
    "limit",
    "oom",
    "killed",
    "throttled",
    "quota",
    "exceeded",
    "dns",
    "resolution",
    "failure",
    "handshake",
    "refused",
    "unreachable",
]
_DAY = datetime(2026, 11, 1, tzinfo=UTC)


class Identity(NamedTuple):
    """One distinct label set, and what is said with it."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str


def identity(number: int, seed: int, events: int = len(EVENTS)) -> Identity:
    """Return the alert of a number; `events` bounds the alert names, so that fewer alerts are of one kind apart.

    (alertname, instance) is unique, and so is the label set.
    """
    draw = random.Random(seed << 32 ^ number)
    event, host = EVENTS[number % events], number // events
    team = draw.choice(_TEAMS)
    cluster, namespace = f"eu-{draw.randrange(8)}", f"{team}-{draw.randrange(20)}"
    service = f"{team}-svc-{draw.randrange(40)}"
    pod = f"{service}-{draw.getrandbits(40):010x}-{draw.getrandbits(20):05x}"
    labels = {
        "alertname": event,
        "cluster": cluster,
        "container": service,
        "environment": "Production",
        "instance": f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}:9100",
        "job": f"kubernetes-{draw.choice(('pods', 'nodes', 'services'))}",
        "namespace": namespace,
        "pod": pod,
        "region": draw.choice(("eu-west-1", "eu-central-1", "us-east-1")),
        "service": service,
        "severity": draw.choice(_SEVERITIES),
        "team": team,
    }
    annotations = {
        "summary": f"{event} on {pod} in {namespace}",
        "description": f"{' '.join(draw.choices(_WORDS, k=30))} (current value: {draw.random() * 100:.2f}%)",
        "runbook_url": f"https://runbooks.example.com/{team}/{event.lower()}",
        "dashboard_url": f"https://grafana.example.com/d/{draw.getrandbits(48):012x}/{service}?var-cluster={cluster}",
    }
    starts_at = _DAY + timedelta(seconds=draw.randrange(86_400))
    return Identity(labels, annotations, starts_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"))


def rounds(total: int, distinct: int, seed: int) -> Iterator[int]:
    """Yield `total` numbers below `distinct`: each once a round, each round shuffled."""
    draw = random.Random(seed)
    left = total
    while left > 0:
        numbers = list(range(distinct))
        draw.shuffle(numbers)
        yield from numbers[:left]
        left -= distinct
