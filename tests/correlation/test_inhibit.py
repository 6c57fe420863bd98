"""While a cause fires, its consequences with the same labels are held back; never the cause itself."""

import pytest

from collectors.labels import matchers_from_yaml
from correlation.incident import key_of
from correlation.inhibit import Inhibitors
from correlation.rules import InhibitionRule

RULE = InhibitionRule(
    id="host",
    source=matchers_from_yaml({"alertname": "HostDown"}),
    target=matchers_from_yaml({"alertname": ["Slow", "HostDown"]}),
    equal=["instance", "rack"],
)
CAUSE, OTHER = key_of("am", "1"), key_of("am", "2")
DOWN = {"alertname": "HostDown", "instance": "a"}
SLOW = {"alertname": "Slow", "instance": "a"}


def inhibitors() -> Inhibitors:
    made = Inhibitors([RULE])
    made.add(CAUSE, DOWN)
    return made


def test_a_consequence_of_a_cause_that_fires_is_held_back_by_it() -> None:
    assert inhibitors().inhibited_by(OTHER, SLOW) == (("host", ("a", "")), CAUSE)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param({**SLOW, "instance": "b"}, id="another instance"),
        pytest.param({**SLOW, "rack": "r"}, id="one of the equal labels is there and empty at the cause"),
        pytest.param({**SLOW, "alertname": "Fast"}, id="no target"),
        pytest.param({**DOWN}, id="what is a cause itself"),
    ],
)
def test_nothing_else_is_held_back(labels: dict[str, str]) -> None:
    assert inhibitors().inhibited_by(OTHER, labels) is None


def test_an_alert_does_not_hold_itself_back() -> None:
    assert inhibitors().inhibited_by(CAUSE, SLOW) is None


def test_what_was_held_is_freed_with_the_last_cause_and_not_before() -> None:
    made = inhibitors()
    made.add(OTHER, DOWN)
    assert made.remove(CAUSE, DOWN) == []
    assert made.inhibited_by(key_of("am", "3"), SLOW) is not None
    assert made.remove(OTHER, DOWN) == [("host", ("a", ""))]
    assert made.inhibited_by(key_of("am", "3"), SLOW) is None


def test_an_alert_that_is_no_cause_frees_nothing() -> None:
    assert inhibitors().remove(OTHER, SLOW) == []
