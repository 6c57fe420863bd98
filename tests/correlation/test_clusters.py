"""Items of a cluster of containers: who tells of a pod is not its host, and a pod is of the item that is written."""

import pytest

from correlation.rules import ConfigurationItem as Item
from correlation.topology import Topology
from tests.correlation.test_evidence import RULES, Stream

POLICY = RULES.correlation.items
ASKED = {"job": "kube-state-metrics", "instance": "10.42.0.17:8080", "namespace": "store"}


def test_of_labels_that_name_a_host_the_address_that_was_asked_comes_last() -> None:
    register = Topology({}, POLICY)
    for pod, node in (("cart-1", "node-1"), ("cart-2", "node-2")):
        register.subject({"alertname": "KubePodNotReady", "pod": pod, "node": node, **ASKED})
        assert [item for item, _ in register.above(pod)] == [node]
    assert not register._knows("10.42.0.17")
    assert register.subject({"alertname": "NodeDown", "node": "node-1", **ASKED}, ["host"]) == "node-1"
    assert register.subject({"alertname": "NodeDown", **ASKED}, ["host"]) == "10.42.0.17"


def test_an_address_that_is_written_counts_beside_another_label_of_its_kind() -> None:
    register = Topology({"web-1": Item()}, POLICY)
    assert register.subject({"alertname": "NodeDown", "instance": "web-1:9100", "node": "w1"}, ["host"]) == "web-1"


def test_who_is_told_of_beside_a_workload_is_who_tells() -> None:
    register = Topology({}, POLICY)
    labels = {"alertname": "KubeDeploymentReplicasMismatch", "deployment": "cart", "service": "kube-state-metrics"}
    assert register.subject({**labels, **ASKED}) == "cart"


@pytest.mark.parametrize(
    ("label", "value", "item"),
    [
        ("pod", "kafka-0", "kafka"),
        ("pod", "web-shop-5d8f7c9b4-x2x4z", "web-shop"),
        ("persistentvolumeclaim", "data-kafka-0", "kafka"),
        ("pod", "other-0", "other-0"),
    ],
)
def test_a_pod_is_of_the_workload_that_somebody_wrote(label: str, value: str, item: str) -> None:
    register = Topology({"kafka": Item(kind="service"), "web-shop": Item(kind="service")}, POLICY)
    assert register.subject({"alertname": "X", label: value}) == item


def test_nodes_that_one_exporter_tells_of_are_two_troubles_and_a_pod_hangs_on_its_own() -> None:
    stream = Stream()
    for second, node in enumerate(("n-1", "n-2")):
        stream.tell(second, {"alertname": "KubeNodeNotReady", "node": node, "severity": "critical", **ASKED})
    stream.tell(2, {"alertname": "KubePodNotReady", "pod": "cart-1", "node": "n-2", **ASKED})
    assert stream.why["KubePodNotReady 10.42.0.17"].facts["item"] == "n-2"
    assert len(stream.groups()) == 2


def test_a_database_in_a_pod_hangs_on_its_node_whatever_its_alert_tells_of() -> None:
    register = Topology({"orders": Item(kind="database")}, POLICY)
    labels = {"alertname": "PostgresDown", "datname": "orders", "pod": "orders-1", "node": "n-7"}
    assert register.subject(labels, ["database"]) == "orders"
    assert [item for item, _ in register.above("orders")] == ["n-7"]


def test_an_address_that_stands_alone_is_that_of_the_thing_itself() -> None:
    register = Topology({}, POLICY)
    assert register.subject({"alertname": "UPSOnBattery", "instance": "10.1.1.9:161", "rack": "r1"}, ["ups"])
    register.subject({"alertname": "HostDown", "instance": "h-1:9100", "rack": "r1"}, ["host"])
    assert "10.1.1.9" in dict(register.above("h-1"))


def test_a_workload_of_many_pods_is_on_no_host_that_its_exporter_has() -> None:
    register = Topology({"cart": Item(kind="service")}, POLICY)
    assert register.subject({"alertname": "KubeDeploymentReplicasMismatch", "deployment": "cart", **ASKED}) == "cart"
    assert list(register.above("cart")) == []
