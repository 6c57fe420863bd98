"""The expression of a Prometheus rule is read out of the link of its alerts."""

import pytest

from collectors.expression import expression_of


@pytest.mark.parametrize(
    ("url", "expression"),
    [
        ("http://prom:9090/graph?g0.expr=up%7Bjob%3D%22node%22%7D+%3D%3D+0&g0.tab=1", 'up{job="node"} == 0'),
        ("https://prom.example/prefix/graph?g0.tab=1&g0.expr=a%0A++%2B+b", "a + b"),
        ("http://prom:9090/graph?g0.expr=&g0.tab=1", ""),
        ("http://grafana/alerting/grafana/abc/view", ""),
        ("http://[bad/graph?g0.expr=up", ""),
        ("http://prom/graph?" + "a=1&" * 60 + "g0.expr=up", ""),
        ("", ""),
    ],
)
def test_the_expression_stands_in_the_link(url: str, expression: str) -> None:
    assert expression_of(url) == expression


def test_no_expression_is_longer_than_two_thousand_characters() -> None:
    assert expression_of("http://prom/graph?g0.expr=" + "a" * 5000) == "a" * 2000
