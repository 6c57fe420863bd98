"""The truth of a run: which fault caused which firing, and which firings are its root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.generate.alertmanager import Notification
from benchmarks.generate.fault import Fault
from benchmarks.generate.firing import Firing
from benchmarks.generate.roots import root_signals
from benchmarks.generate.topology import Topology
from benchmarks.generate.values import Shares, written

Json = dict[str, Any]

_LEAST_SHARE, _CLEAR_SHARE = 0.02, 0.75
_UPSTREAM_FIRST = (
    *("host_down", "temp_host", "psu_lost", "io_wait", "tcp_retrans", "cpu_throttle", "disk_warn", "disk_predict"),
    *("io_busy", "nic_err", "cpu_ready", "mem_used", "fs_80", "log_errors"),
    *("load_high", "db_conn", "db_slowq", "db_err", "inst_down", "svc_down"),
)


@dataclass
class _Received:
    """What the receiver saw of a firing."""

    first: float
    last: float
    times: int


@dataclass(frozen=True)
class Truth:
    """What a run says of itself beside its name: its firings, its faults, and how many firings none of them caused."""

    alerts: Sequence[Json]
    faults: Sequence[Json]
    unattributed: int


def truth_of(
    firings: Sequence[Firing],
    notifications: Sequence[Notification],
    faults: Sequence[Fault],
    topology: Topology,
    began: float,
) -> Truth:
    """The truth about those firings that were notified of."""
    received = _received(notifications)
    roots = {f.id: list(root_signals(f.type, f.args, topology, topology.site.alerts)) for f in faults}
    alerts = []
    for firing in sorted((one for one in firings if one in received), key=lambda one: one.starts):
        causes = _causes(firing.causes)
        fault = next(iter(causes), None) or _latest_before(firing, faults, began)
        alerts.append(_alert(firing, received[firing], fault, causes, firing.signal in roots[fault]))
    told = [_fault(fault, roots[fault.id], alerts, began) for fault in faults]
    for fault_told in told:
        if not fault_told["root_alerts"]:
            _take_a_symptom(fault_told, alerts, topology)
    return Truth(alerts, told, sum("attribution" in alert for alert in alerts))


def _received(notifications: Sequence[Notification]) -> Mapping[Firing, _Received]:
    received: dict[Firing, _Received] = {}
    for notification in notifications:
        for firing in (*notification.firing, *notification.resolved):
            seen = received.setdefault(firing, _Received(notification.at, notification.at, 0))
            seen.last, seen.times = notification.at, seen.times + 1
    return received


def _causes(shares: Shares) -> Shares:
    """The shares of one, the largest first, without the tiny ones."""
    total = sum(shares.values())
    if not total:
        return {}
    largest_first = sorted(shares.items(), key=lambda item: -item[1])
    return {fault: round(share / total, 3) for fault, share in largest_first if share / total >= _LEAST_SHARE}


def _latest_before(firing: Firing, faults: Sequence[Fault], began: float) -> str:
    earlier = (fault for fault in faults if fault.begins + began <= firing.starts)
    return max(earlier, key=lambda fault: fault.begins).id


def _alert(firing: Firing, received: _Received, fault: str, causes: Shares, is_root: bool) -> Json:
    return {
        "key": firing.key,
        "fingerprint": firing.fingerprint,
        "startsAt": written(firing.starts),
        "endsAt": written(firing.ends),
        "labels": firing.labels,
        "annotations": firing.annotations,
        "first_received": round(received.first, 4),
        "notifications": received.times,
        "last_received": round(received.last, 4),
        "kind": firing.kind,
        "signal": firing.signal,
        "fault": fault,
        "causes": causes,
        "ambiguous": bool(causes) and max(causes.values()) < _CLEAR_SHARE,
        "is_root": is_root,
        **({} if causes else {"attribution": "by-time"}),
    }


def _fault(fault: Fault, roots: Sequence[str], alerts: Sequence[Json], began: float) -> Json:
    own = [alert for alert in alerts if alert["fault"] == fault.id]
    root_alerts = [alert["key"] for alert in own if alert["is_root"]]
    return {
        "id": fault.id,
        "type": fault.type,
        "args": fault.args,
        "t_inject": round(began + fault.begins, 3),
        "t_clear": round(began + fault.ends, 3),
        "root_signals": roots,
        "root_alerts": root_alerts,
        "n_alerts": len(own),
        "first_root_alert": root_alerts[0] if root_alerts else None,
    }


def _take_a_symptom(fault: Json, alerts: Sequence[Json], topology: Topology) -> None:
    """A fault of which no rule fired has its most upstream alert as its root."""
    own = [alert for alert in alerts if alert["fault"] == fault["id"] and not alert["ambiguous"]]
    if not own:
        return
    places = {service.name: number for number, service in enumerate(topology.services)}

    def upstream(alert: Json) -> tuple[int, int]:
        kind, thing = alert["kind"], alert["signal"].split(":")[1].split("@")[0]
        first = _UPSTREAM_FIRST.index(kind) if kind in _UPSTREAM_FIRST else 50
        return first, -places.get(thing, 0)

    signal = min(own, key=upstream)["signal"]
    for alert in own:
        if alert["signal"] == signal:
            alert["is_root"] = True
            fault["root_alerts"].append(alert["key"])
    fault["first_root_alert"] = fault["root_alerts"][0]
    fault["root_signals"] = [*fault["root_signals"], signal]
    fault["root_by"] = "most upstream symptom"
