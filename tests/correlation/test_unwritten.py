"""What belongs together where nobody has written what stands on what: by kind, place and time, and never time alone."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from agent.desk import rules_of
from agent.wording.sentences import text
from correlation.rules import ConfigurationItem as Item
from correlation.rules import ItemPolicy
from correlation.topology import Topology
from tests.correlation import test_evidence
from tests.correlation.test_evidence import Stream
from tests.properties.site import configured

Labels = dict[str, str]
PLACE = {"cluster": "dc1", "severity": "critical"}
SWITCH = {"alertname": "SwitchDown", "instance": "sw-9:161", **PLACE}
HOST = {"alertname": "HostDown", "instance": "app-1:9100", **PLACE}
OTHER_HOST = {"alertname": "HostDown", "instance": "app-2:9100", **PLACE}
ERRORS = {"alertname": "ServiceHighErrorRate", "service": "pay", **PLACE}
LATENCY = {"alertname": "ServiceHighLatency", "service": "pay", **PLACE}
DATABASE = {"alertname": "PostgresDown", "database": "ledger", **PLACE}
CRASH = {"alertname": "ContainerRestarting", "service": "pay", **PLACE}
RELEASE = {"alertname": "ReleaseFailed", "service": "cart", **PLACE}


@pytest.fixture(autouse=True)
def site(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, {})


def write(monkeypatch: pytest.MonkeyPatch, items: Mapping[str, Item]) -> None:
    rules = rules_of(replace(configured(inhibit=False), topology=items, join_rules=()))
    monkeypatch.setattr(test_evidence, "RULES", rules)


def told(*alerts: tuple[float, Labels]) -> Stream:
    stream = Stream()
    for second, labels in alerts:
        stream.tell(second, labels)
    return stream


def incidents(*alerts: tuple[float, Labels]) -> int:
    return len(told(*alerts).groups())


def test_a_device_of_which_nobody_wrote_what_stands_on_it_explains_what_fails_in_its_place() -> None:
    assert incidents((0, SWITCH), (20, HOST), (40, ERRORS)) == 1


def test_the_reason_says_that_nobody_has_written_it_in_both_languages() -> None:
    stream = told((0, DATABASE), (20, ERRORS))
    why = stream.why[test_evidence.name(ERRORS)]
    assert (why.code, why.facts["item"]) == ("unwritten", "ledger")
    assert "nobody has written what it stands on" in text(why.code, why.facts, "en")
    assert "没有人写明它依赖于什么" in text(why.code, why.facts, "zh")


def test_a_cause_that_is_told_after_its_effect_takes_it_in_and_says_so() -> None:
    stream = told((0, ERRORS), (4, DATABASE))
    assert len(stream.groups()) == 1
    assert stream.why[test_evidence.name(DATABASE)].code == "unwritten_effect"


def test_what_is_joined_by_what_nobody_wrote_teaches_nothing() -> None:
    stream = told((0, ERRORS), (4, DATABASE))
    assert all(not incident.together for incident in stream.board.incidents.values())


@pytest.mark.parametrize(
    ("cause", "effect", "after"),
    [
        pytest.param(DATABASE, ERRORS, 600, id="minutes later"),
        pytest.param(DATABASE, {**ERRORS, "cluster": "dc2"}, 20, id="in another place"),
        pytest.param(HOST, {**SWITCH, "severity": "warning"}, 200, id="against the direction of cause"),
        pytest.param(ERRORS, {**LATENCY, "service": "cart"}, 20, id="what is itself mostly an effect"),
        pytest.param(HOST, OTHER_HOST, 20, id="of one kind"),
        pytest.param(RELEASE, CRASH, 20, id="a release of another service"),
    ],
)
def test_time_alone_joins_nothing(cause: Labels, effect: Labels, after: float) -> None:
    assert incidents((0, cause), (after, effect)) == 2


def test_what_is_written_wins_over_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, {"app-1": Item(), "app-2": Item(), "pay": Item(kind="service", depends_on=["app-1"])})
    assert incidents((0, HOST), (20, ERRORS)) == 1
    assert incidents((0, OTHER_HOST), (20, ERRORS)) == 2
    assert incidents((0, DATABASE), (20, ERRORS)) == 2
    write(monkeypatch, {"sw-9": Item(kind="switch"), "app-2": Item(depends_on=["sw-9"]), "app-1": Item()})
    assert incidents((0, SWITCH), (20, OTHER_HOST)) == 1
    assert incidents((0, SWITCH), (20, HOST)) == 2


def test_a_written_host_of_which_no_switch_is_written_may_stand_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pay = Item(kind="service", depends_on=["app-1"])
    write(monkeypatch, {"sw-9": Item(kind="switch"), "app-1": Item(), "pay": pay})
    assert incidents((0, SWITCH), (20, HOST), (40, ERRORS)) == 1


def test_hosts_stand_on_the_switch_in_their_rack_and_on_no_other() -> None:
    register = Topology({}, ItemPolicy(labels={"host": ["instance"], "rack": ["rack"], "ups": ["ups"]}))
    register.subject({"instance": "app-1:9100", "rack": "r1"}, ["host"])
    register.subject({"instance": "sw-1:161", "rack": "r1"}, ["switch"])
    register.subject({"instance": "app-2:9100", "rack": "r1"}, ["host"])
    register.subject({"instance": "app-3:9100", "rack": "r2"}, ["host"])
    register.subject({"instance": "ups-1:161", "rack": "r1"}, ["ups"])
    for host in ("app-1", "app-2"):
        assert dict(register.above(host)) == {"r1": 1, "sw-1": 1, "ups-1": 2}
    assert dict(register.above("app-3")) == {"r2": 1}
    assert dict(register.above("sw-1")) == {"r1": 1, "ups-1": 2}
    kinds = {"app-1": "host", "sw-1": "switch", "r1": "rack", "ups-1": "ups", "app-3": "host"}
    assert {name: register.kind(name) for name in kinds} == kinds


def test_a_switch_in_another_rack_carries_nothing_here() -> None:
    assert incidents((0, {**SWITCH, "rack": "r1"}), (20, {**HOST, "rack": "r1"})) == 1
    assert incidents((0, {**SWITCH, "rack": "r1"}), (20, {**OTHER_HOST, "rack": "r2"})) == 2


def test_an_item_that_one_label_names_has_the_kind_of_that_label() -> None:
    register = Topology({}, ItemPolicy(labels={"host": ["instance"], "service": ["service"]}))
    assert register.subject_and_kind({"service": "pay"}) == ("pay", "service")
    assert register.subject_and_kind({"instance": "app-1:9100"}) == ("app-1", "host")
    assert register.size() == (0, 0)


def test_of_two_causes_the_nearer_in_time_has_it_whoever_was_told_first() -> None:
    far, near = (0, DATABASE), (60, {**DATABASE, "database": "stock"})
    first = told(far, near, (70, ERRORS))
    assert grouped_with(first, ERRORS) == {"PostgresDown stock", "ServiceHighErrorRate pay"}
    other = Stream()
    for second, labels in (near, far):
        other.tell(61, labels, starts=second)
    other.tell(70, ERRORS)
    assert other.groups() == first.groups()


def grouped_with(stream: Stream, labels: Labels) -> frozenset[str]:
    return next(group for group in stream.groups() if test_evidence.name(labels) in group)


def test_where_any_of_several_may_be_meant_none_is() -> None:
    hosts = [(n, {**HOST, "instance": f"app-{n}:9100"}) for n in range(3)]
    assert incidents(*hosts, (20, ERRORS)) == 4


def test_faults_minutes_apart_stay_two() -> None:
    first = [(0, HOST), (20, ERRORS), (40, {**ERRORS, "service": "cart"})]
    second = [(900, OTHER_HOST), (920, {**ERRORS, "service": "mail"})]
    assert incidents(*first, *second) == 2


@pytest.mark.parametrize("seed", range(3))
def test_a_busy_place_of_hundreds_of_hosts_does_not_become_one_incident(seed: int) -> None:
    draw, stream = random.Random(seed), Stream()
    for at in sorted(draw.sample(range(4 * 3600), 500)):
        kind = draw.random()
        if kind < 0.4:
            labels = {**HOST, "instance": f"app-{draw.randrange(400)}:9100"}
        else:
            labels = {**(ERRORS if kind < 0.7 else LATENCY), "service": f"svc-{draw.randrange(100)}"}
        stream.tell(at, labels)
    sizes = Counter(episode.incident for episode in stream.board.episodes.values())
    assert max(sizes.values()) <= 16
    assert len(sizes) > len(stream.board.episodes) / 2


def test_what_came_together_on_one_item_says_nothing_of_two() -> None:
    stream = Stream()
    for n in range(6):
        stream.tell(n * 3600, {**ERRORS, "service": f"svc-{n}"})
        stream.tell(n * 3600 + 10, {**LATENCY, "service": f"svc-{n}"})
    assert len(stream.groups()) == 6
    stream.tell(30_000, {**ERRORS, "service": "cart"})
    stream.tell(30_010, {**LATENCY, "service": "mail"})
    assert len(stream.groups()) == 8


def test_what_is_known_of_a_place_is_bounded_and_let_go_with_its_incidents() -> None:
    stream = told(*((n * 0.01, {**ERRORS, "service": f"svc-{n}"}) for n in range(100)))
    scene = stream.board.scene
    assert len(list(scene.nearby.of("dc1", "errors").newest())) == 32
    for number in list(scene.of):
        scene.forget(number)
    assert scene.nearby.size() == 0


def test_of_so_many_places_the_first_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("correlation.scene.MOST_NEARBY", 2)
    stream = told(*((n, {**ERRORS, "cluster": f"dc{n}"}) for n in range(4)))
    nearby = stream.board.scene.nearby
    assert (
        nearby.size(),
        len(list(nearby.of("dc3", "errors").newest())),
        len(list(nearby.of("dc0", "errors").newest())),
    ) == (
        2,
        1,
        0,
    )


def test_nobody_asks_what_is_unwritten_where_the_site_says_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_evidence, "RULES", never())
    assert incidents((0, DATABASE), (20, ERRORS)) == 2


def never() -> object:
    config = configured(inhibit=False)
    evidence = config.correlation.evidence.model_copy(update={"unwritten": 0 * test_evidence.S})
    correlation = config.correlation.model_copy(update={"evidence": evidence})
    return rules_of(replace(config, topology={}, join_rules=(), correlation=correlation))
