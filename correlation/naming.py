"""Which configuration items the labels of an alert name: written ones by their names, others by the policy's labels."""

from collections.abc import Mapping, Sequence

from collectors.labels import Labels, all_match, compile_pattern, one_text
from collectors.remembering import Held
from correlation.rules import ConfigurationItem, ItemPolicy

_MOST_SHAPES = 1_000
"""Sets of label names of which it is remembered which of them may name an item."""
_LONGEST = 253
"""No name of a host is longer."""
_ASKED = "instance"
_SPREAD = frozenset({"deployment", "statefulset", "daemonset", "horizontalpodautoscaler", "persistentvolumeclaim"})
"""What has these labels is on no one host: the address beside them is of who tells."""
_JOB = "job"
_NO_NAMES = frozenset({"alertname", "severity", _JOB, "mode", "state", "fstype", "mountpoint", "cpu", "ifDescr"})
_KINDS = frozenset({"node", "host", "vm", "server", "service", "svc", "deployment", "statefulset", "storage", "switch"})
"""Words for kinds that some write before a name: `node/web-1`."""
_EXPORTERS = frozenset(
    {"node", "node-exporter", "node_exporter", "snmp", "blackbox", "blackbox-exporter", "blackbox_exporter", "windows"}
    | {"cadvisor", "kubelet", "ipmi", "pushgateway", "kube-state-metrics", "prometheus", "alertmanager"}
)
"""Jobs that tell of other things, whatever else has their name."""


class Naming:
    """Reads labels; what is written is `items`."""

    def __init__(self, items: Mapping[str, ConfigurationItem], policy: ItemPolicy) -> None:
        self._names = {name.lower(): name for name in items}
        self._kinds = {name: item.kind for name, item in items.items()}
        self._label_kinds = {label: kind for kind, labels in policy.labels.items() for label in labels}
        self._telling_first = {label: at for labels in policy.labels.values() for at, label in enumerate(labels)}
        self._tell: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self._matched = [(name, item.match) for name, item in items.items() if item.match]
        self._patterns = [(e.label, compile_pattern(e.pattern)) for e in policy.extract]

    def named(self, labels: Labels) -> dict[str, str]:
        """The items that labels name, each with its kind, in the order of the labels."""
        found: dict[str, str] = {}
        for label, kind in self._telling(tuple(labels)):
            value = labels[label]
            if not value or len(value) > _LONGEST:
                continue
            written = (self._written_name(value) or (kind == "pod" and self._workload(value))) if self._names else None
            if written:
                found[written] = self._kinds[written]
            elif kind and "/" not in value.partition("://")[2] + value[:1]:
                found.setdefault(one_text(bare(value)), kind)
        for label, pattern in self._patterns:
            match = pattern.match(labels.get(label, ""))
            if match is not None:
                for kind, name in match.groupdict().items():
                    if name:
                        found.setdefault(self._names.get(name.lower(), name), kind)
        self._by_job(labels.get(_JOB, "").lower(), found)
        if self._matched and not any(name in self._kinds for name in found):
            matched = self.matched(labels)
            if matched:
                found[matched] = self._kinds[matched]
        return found

    def _by_job(self, job: str, found: dict[str, str]) -> None:
        """A job that has the name of a written item is of it, where labels name no other written one of its kind."""
        name = self._names.get(job) if job not in _EXPORTERS else None
        if name is not None:
            kind = self._kinds[name]
            if not any(kind == other and item in self._kinds for item, other in found.items()):
                found[name] = kind

    def matched(self, labels: Labels) -> str:
        """The written item whose `match` holds for labels that name no written one; "" where none does."""
        return next((name for name, match in self._matched if all_match(match, labels)), "")

    def held(self) -> dict[str, Held]:
        """How full its memory is."""
        return {"label_sets": Held(len(self._tell), _MOST_SHAPES)}

    def _telling(self, labels: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        """Those of these labels that may name an item, each with the kind of what it names; "": of what is written.

        Of several for one kind it is the first of the policy: `instance` beside `node` is who was asked.
        """
        found = self._tell.get(labels)
        if found is None:
            if len(self._tell) >= _MOST_SHAPES:
                self._tell.clear()
            kinds = self._label_kinds
            may = [name for name in labels if name not in _NO_NAMES and (self._names or name in kinds)]
            asked = "" if _SPREAD.isdisjoint(labels) else _ASKED
            naming = sorted((n for n in may if n in kinds and n != asked), key=self._telling_first.__getitem__)
            first = {kinds[name]: name for name in reversed(naming)}
            found = self._tell[labels] = [
                (name, kind if first.get(kind := kinds.get(name, "")) == name else "")
                for name in may
                if self._names or first.get(kinds[name]) == name
            ]
        return found

    def _written_name(self, value: str) -> str | None:
        names = self._names
        low = value.lower()
        name = names.get(low)
        if name is None and "://" in low:
            name = self._by_path(low)
        elif name is None and "/" in low:
            kind, _, rest = low.partition("/")
            name = names.get(rest) if kind in _KINDS else None
        if name is None and (":" in low or "." in low):
            low = bare(low)
            name = names.get(low)
            if name is None and "." in low and not low.replace(".", "").isdigit():
                name = names.get(low.partition(".")[0])
        return name if name is not None or " " not in low else self._other_end(low)

    def _by_path(self, url: str) -> str | None:
        """The written service that a segment of the path of a URL names, where it is one: `/checkout/health`."""
        path = url.partition("://")[2].partition("?")[0].split("/")[1:]
        found = {name for part in path if (name := self._names.get(part)) and self._kinds[name] == "service"}
        return found.pop() if len(found) == 1 else None

    def _other_end(self, words: str) -> str | None:
        """The host that what is written at a port names among other words: `to web-1`."""
        found = {name for word in words.split(" ") if (name := self._names.get(bare(word)))}
        hosts = [name for name in found if self._kinds[name] == "host"]
        return hosts[0] if len(hosts) == 1 else None

    def _workload(self, pod: str) -> str | None:
        """The written item of a pod or of a claim of its volume: `kafka-0`, `web-5d8f7c9b4-x2x4z`, `data-kafka-0`."""
        for name in (pod, pod.partition("-")[2]):
            owner = name.rpartition("-")[0]
            found = self._names.get(owner) or self._names.get(owner.rpartition("-")[0])
            if found is not None:
                return found
        return None


def bare(value: str) -> str:
    """The name in a target: without scheme, path and port."""
    if "://" in value:
        value = value.partition("://")[2].partition("/")[0]
    if value.startswith("["):
        return value[1:].partition("]")[0]
    name, colon, port = value.rpartition(":")
    return name if colon and port.isdigit() and ":" not in name else value
