"""Which written item an alert names without a label that says so: by its job, by a URL, by what it matches."""

import pytest

from collectors.labels import Matcher
from correlation.rules import ConfigurationItem as Item
from correlation.topology import Topology
from tests.correlation.test_evidence import RULES

POLICY = RULES.correlation.items
WRITTEN = {
    "web-1": Item(),
    "node": Item(kind="service"),
    "cart": Item(kind="service", depends_on=["web-1"]),
    "shop": Item(kind="service", match=(Matcher("instance", "=", "https://www.shop.example/s1/ping"),)),
    "pay": Item(kind="service"),
}


@pytest.mark.parametrize(
    ("labels", "item"),
    [
        ({"job": "cart"}, "cart"),
        ({"job": "Cart", "instance": "web-1:8080"}, "cart@web-1"),
        ({"job": "cart", "service": "pay"}, "pay"),
        ({"job": "cart", "service": "cart-metrics"}, "cart"),
        ({"job": "node", "instance": "web-1:9100"}, "web-1"),
        ({"job": "checkout"}, ""),
    ],
)
def test_a_job_that_is_called_as_a_written_item_names_it_where_nothing_else_does(
    labels: dict[str, str], item: str
) -> None:
    assert Topology(WRITTEN, POLICY).subject({"alertname": "X", **labels}) == item


@pytest.mark.parametrize(
    ("url", "item"),
    [
        ("https://portal.example/pay/health", "pay"),
        ("https://portal.example/pay?of=cart", "pay"),
        ("https://cart.portal.example/health", "cart"),
        ("https://portal.example/pay/cart", ""),
        ("https://portal.example/web-1", ""),
    ],
)
def test_a_url_names_the_written_service_of_its_path_else_that_of_its_host(url: str, item: str) -> None:
    assert Topology(WRITTEN, POLICY).subject({"alertname": "ProbeFailed", "target": url}) == item


def test_what_an_item_matches_is_its_own_beside_names_that_nobody_wrote() -> None:
    labels = {"alertname": "ProbeFailed", "instance": "https://www.shop.example/s1/ping"}
    for beside, item in (({}, "shop"), ({"service": "prober"}, "shop"), ({"service": "pay"}, "pay")):
        assert Topology(WRITTEN, POLICY).subject({**labels, **beside}) == item


@pytest.mark.parametrize(
    ("value", "item"), [("node/web-1", "web-1"), ("node/web-7", ""), ("/web-1", ""), ("library/cart", "")]
)
def test_a_name_behind_its_kind_names_the_written_item(value: str, item: str) -> None:
    assert Topology(WRITTEN, POLICY).subject({"alertname": "PveNodeDown", "id": value}) == item
