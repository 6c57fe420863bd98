"""Which alerts are one trouble, on a small site whose items are written: what joins, what never does, and why."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.desk import rules_of
from collectors.alert import Alert
from collectors.labels import Matcher, fingerprint
from correlation.board import Board
from correlation.correlate import Outcome, correlate
from correlation.incident import Why, key_of
from correlation.naming import bare
from correlation.outcome import Rules
from correlation.root import likely_root
from correlation.rules import ConfigurationItem as Item
from correlation.rules import Extraction, ItemPolicy
from correlation.silence import Silence
from correlation.topology import Topology
from tests.correlation.test_correlate import told
from tests.house import START
from tests.properties.site import configured

ITEMS = {
    "ups-1": Item(kind="ups"),
    "rack-1": Item(kind="rack", depends_on=["ups-1"]),
    "sw-1": Item(kind="switch", depends_on=["rack-1"]),
    "web-1": Item(depends_on=["rack-1", "sw-1"]),
    "web-2": Item(depends_on=["rack-1", "sw-1"]),
    "db-1": Item(),
    "orders": Item(kind="database", depends_on=["db-1"]),
    "shop": Item(kind="service", depends_on=["web-1", "orders"]),
    "front": Item(kind="service", depends_on=["web-2", "shop"]),
    "pair": Item(kind="service", depends_on=["web-1", "web-2"]),
}


def site(items: Mapping[str, Item]) -> Rules:
    """The rules of the pack over a site with these items."""
    return rules_of(replace(configured(inhibit=False), topology=dict(items), join_rules=()))


RULES = site(ITEMS)
S = timedelta(seconds=1)

SWITCH = {"alertname": "SwitchDown", "device": "sw-1", "severity": "critical"}
WEB_1 = {"alertname": "HostDown", "instance": "web-1:9100", "severity": "critical"}
WEB_2 = {"alertname": "HostDown", "instance": "web-2:9100", "severity": "critical"}
SHOP = {"alertname": "ServiceHighErrorRate", "service": "shop", "severity": "critical"}
FRONT = {"alertname": "ServiceHighErrorRate", "service": "front", "severity": "critical"}
FRONT_DOWN = {"alertname": "ServiceInstanceDown", "service": "front", "instance": "web-2:80", "severity": "critical"}
DATABASE = {"alertname": "PostgresDown", "database": "orders", "host": "db-1", "severity": "critical"}
LOAD_1 = {"alertname": "HighLoad", "instance": "web-1:9100", "severity": "warning"}
LOAD_2 = {"alertname": "HighLoad", "instance": "web-2:9100", "severity": "warning"}
BACKUP = {"alertname": "BackupTooOld", "instance": "web-1:9100", "severity": "warning"}


class Stream:
    """Alerts told one after the other, each at its second."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or RULES
        self.board, self.why, self.rejected = Board(), dict[str, Why](), dict[str, Why | None]()

    def tell(self, second: float, labels: dict[str, str], *, starts: float | None = None, group: str = "") -> Outcome:
        began = START + (second if starts is None else starts) * S
        alert: Alert = told(labels, starts_at=began, starts_text=began.isoformat(), group=group)
        out = correlate([alert], self.board, self.rules, START + second * S, "monitoring")
        for _, episode in out.new:
            self.why[name(labels)], self.rejected[name(labels)] = out.whys[episode.id]
        return out

    def groups(self) -> set[frozenset[str]]:
        found: dict[int, set[str]] = {}
        for episode in self.board.episodes.values():
            found.setdefault(episode.incident, set()).add(name(dict(self.board.labels(episode))))
        return {frozenset(names) for names in found.values()}


def name(labels: dict[str, str]) -> str:
    about = labels.get("service") or labels.get("database") or labels.get("device") or labels.get("instance", "")
    return f"{labels['alertname']} {bare(about)}"


def grouped(*alerts: dict[str, str]) -> set[frozenset[str]]:
    stream = Stream()
    for second, labels in enumerate(alerts):
        stream.tell(second, labels)
    return stream.groups()


def test_what_stands_on_a_failed_thing_joins_its_incident_with_the_reason_and_its_certainty() -> None:
    stream = Stream()
    stream.tell(0, SWITCH)
    stream.tell(1, WEB_1)
    stream.tell(2, SHOP)
    assert len(stream.groups()) == 1
    why = stream.why[name(WEB_1)]
    assert (why.code, why.facts["alertname"], why.facts["item"]) == ("stands_on", "SwitchDown", "sw-1")
    assert why.facts["evidence"]["topology"] == why.facts["weight"] == 0.85


def test_hosts_on_one_switch_are_not_one_trouble_unless_the_switch_fails() -> None:
    assert len(grouped(LOAD_1, LOAD_2)) == 2
    assert len(grouped(WEB_1, WEB_2, SWITCH)) == 1


def test_a_firing_that_was_over_before_it_was_told_is_filed_where_it_would_have_come_and_moves_nothing() -> None:
    stream = Stream()
    stream.tell(0, SWITCH)
    before = stream.board.incidents[1].open_alerts
    ended = told(WEB_1, starts=0, ends=1)
    out = correlate([ended, told(LOAD_1, starts=0, ends=1)], stream.board, RULES, START + 90 * S)
    (filed, why), (alone, _) = [(e, out.whys[e.id][0]) for _, e in out.new]
    assert (filed.incident, filed.open, alone.incident) == (1, False, 0)
    assert (why.code, why.facts["then"], why.facts["item"]) == ("end_without_start", "stands_on", "sw-1")
    assert (stream.board.incidents[1].open_alerts, len(stream.board.incidents)) == (before, 1)
    assert list(stream.board.scene.of[1]) == [key_of("am", fingerprint(SWITCH))]


def test_a_silenced_firing_that_was_over_before_it_was_told_is_filed_nowhere() -> None:
    stream = Stream()
    stream.tell(0, SWITCH)
    stream.board.silences["s"] = Silence(
        id="s",
        matchers=(Matcher("instance", "=", "web-1:9100"),),
        starts_at=START,
        ends_at=START + 3600 * S,
        created_by="ana",
        comment="work",
        created_at=START,
    )
    out = correlate([told(WEB_1, starts=0, ends=1)], stream.board, RULES, START + 90 * S)
    assert [e.incident for _, e in out.new] == [0]


def test_the_later_a_cause_is_told_the_less_it_explains() -> None:
    def takes_over(seconds: int) -> bool:
        stream = Stream()
        stream.tell(0, SHOP)
        stream.tell(seconds, WEB_1)
        return len(stream.groups()) == 1

    assert [takes_over(s) for s in (30, 280, 301)] == [True, False, False]


def test_what_is_of_no_known_kind_does_not_take_in_what_comes_of_nothing() -> None:
    odd = {"alertname": "Oddity", "instance": "web-1:9100", "severity": "warning"}
    assert len(grouped(odd, {"alertname": "BackupTooOld", "instance": "web-1:9100", "severity": "warning"})) == 2
    assert len(grouped(odd, LOAD_1)) == 1


def test_a_feed_of_no_known_rack_explains_the_lost_supplies_of_hosts_and_no_host_that_is_down() -> None:
    feed = {"alertname": "PDUPhaseLost", "device": "pdu-9", "severity": "critical"}
    supply = {"alertname": "PsuFailed", "instance": "web-1:9100", "severity": "warning"}
    assert len(grouped(feed, supply)) == 1
    assert len(grouped(feed, WEB_2)) == 2
    assert len(grouped({**feed, "rack": "rack-1"}, WEB_2)) == 1


def test_cause_has_a_direction_errors_of_a_service_explain_no_host() -> None:
    assert len(grouped(FRONT, LOAD_1)) == 2


def test_a_cause_told_late_comes_into_the_incident_of_its_effects_and_makes_one_of_them() -> None:
    stream = Stream()
    for second, labels in enumerate((WEB_1, WEB_2, SWITCH)):
        stream.tell(second, labels)
    first, second_, *more = stream.board.incidents.values()
    assert (second_.state, second_.merged_into, more) == ("cancelled", first.number, [])
    assert stream.why[name(SWITCH)].code == "brought_about"
    root = first.root
    assert root is not None
    assert stream.board.scene.marks[key_of(root["origin"], root["fingerprint"])].name == "SwitchDown"
    assert (root["why"]["code"], root["why"]["facts"]["reach"]) == ("likely_root", 2)


def test_nothing_is_taken_out_of_an_incident_that_somebody_has_acknowledged() -> None:
    stream = Stream()
    stream.tell(0, WEB_2)
    stream.board.incidents[1].acknowledged_at = START
    stream.tell(1, WEB_1)
    stream.tell(2, SWITCH)
    assert stream.board.incidents[1].merged_into is None
    assert stream.board.incidents[1].open_alerts >= 1


@pytest.mark.parametrize("alone", [BACKUP, LOAD_1], ids=["a backup", "load"])
def test_what_comes_of_nothing_else_is_its_own_incident_whatever_burns_beside_it(alone: dict[str, str]) -> None:
    assert frozenset({name(alone)}) in grouped(SWITCH, WEB_1, alone)


def test_time_alone_never_joins() -> None:
    stream = Stream()
    stream.tell(0, DATABASE)
    stream.tell(0, WEB_2)
    assert len(stream.groups()) == 2


def test_text_alone_never_joins_and_neither_does_a_group_of_the_sender() -> None:
    down_a, down_b = {"alertname": "SiteDown", "site_id": "a"}, {"alertname": "SiteDown", "site_id": "b"}
    alike = Stream()
    alike.tell(0, down_a)
    alike.tell(1, down_b)
    assert len(alike.groups()) == len({down_a["site_id"], down_b["site_id"]}) or len(alike.board.incidents) == 2
    rejected = alike.rejected[name(down_b)]
    assert rejected is not None
    assert (rejected.code, rejected.facts["evidence"]) == ("evidence_short", {"text": 0.3})
    told_together = Stream()
    told_together.tell(0, down_a, group="g")
    told_together.tell(1, {"alertname": "Unlike", "site_id": "b"}, group="g")
    assert len(told_together.board.incidents) == 2


def test_a_group_of_the_sender_and_text_together_join() -> None:
    stream = Stream()
    stream.tell(0, {"alertname": "SiteDown", "site_id": "a"}, group="g")
    stream.tell(1, {"alertname": "SiteDown", "site_id": "b"}, group="g")
    assert len(stream.board.incidents) == 1


def test_what_is_weak_does_not_join_what_the_written_items_keep_apart() -> None:
    stream = Stream()
    stream.tell(0, WEB_1, group="g")
    stream.tell(1, {**WEB_1, "instance": "db-1:9100"}, group="g")
    assert len(stream.groups()) == 2


def test_a_symptom_that_fires_again_goes_to_the_trouble_that_explains_it_now() -> None:
    stream = Stream()
    stream.tell(0, WEB_1)
    stream.tell(1, SHOP)
    for labels in (WEB_1, SHOP):
        began, over = START + (0 if labels is WEB_1 else 1) * S, START + 60 * S
        ended = told(labels, ends=1, starts_at=began, starts_text=began.isoformat(), ends_at=over)
        correlate([ended], stream.board, RULES, over)
    stream.tell(120, DATABASE)
    stream.tell(121, SHOP)
    assert frozenset({name(DATABASE), name(SHOP)}) in stream.groups()


def test_two_troubles_at_once_stay_two() -> None:
    assert grouped(WEB_2, DATABASE, SHOP, FRONT_DOWN) == {
        frozenset({name(WEB_2), name(FRONT_DOWN)}),
        frozenset({name(DATABASE), name(SHOP)}),
    }


@pytest.mark.parametrize("seed", range(20))
def test_arrivals_shuffled_within_five_seconds_end_in_the_same_incidents(seed: int) -> None:
    starts = {0.0: SWITCH, 1.0: WEB_1, 2.0: WEB_2, 3.0: FRONT, 4.0: BACKUP, 4.5: DATABASE}
    order = list(starts.items())
    random.Random(seed).shuffle(order)
    stream = Stream()
    for place, (start, labels) in enumerate(order):
        stream.tell(5 + place / 10, labels, starts=start)
    assert stream.groups() == grouped(*_sorted(starts))


def _sorted(starts: dict[float, dict[str, str]]) -> Sequence[dict[str, str]]:
    return [starts[start] for start in sorted(starts)]


# the register of items


def test_a_written_name_is_found_in_any_label_with_port_scheme_domain_or_case_around_it() -> None:
    register = Topology(ITEMS)
    for value in ("web-1", "WEB-1:9100", "web-1.example.org", "http://web-1:8080/health"):
        assert register.subject({"alertname": "X", "whatever": value}) == "web-1"


def test_of_what_is_written_at_a_port_the_one_host_that_it_names_is_its_other_end() -> None:
    register = Topology(ITEMS)
    for text, item in (("to WEB-1", "web-1"), ("web-1 eth0", "web-1"), ("web-1 web-2", "sw-1"), ("shop front", "sw-1")):
        assert register.subject({"alertname": "LinkDown", "device": "sw-1", "ifAlias": text}, ["host"]) == item


def test_failing_memory_explains_its_host_though_nobody_can_tell_of_it_any_more() -> None:
    stream = Stream()
    memory = {"alertname": "HostEdacCorrectableErrorsDetected", "instance": "web-1:9100", "severity": "warning"}
    stream.tell(0, memory)
    ended = told(memory, ends=1, starts_at=START, starts_text=START.isoformat(), ends_at=START + 60 * S)
    correlate([ended], stream.board, RULES, START + 60 * S)
    stream.tell(70, WEB_1)
    assert len(stream.groups()) == 1


def test_an_alert_is_about_the_item_that_stands_on_the_others_of_its_labels() -> None:
    register = Topology(ITEMS)
    assert register.subject({"database": "orders", "host": "db-1"}) == "orders"
    assert register.subject({"instance": "web-1:80", "rack": "rack-1"}) == "web-1"
    assert register.subject({"instance": "web-1:80", "service": "shop"}) == "shop@web-1"
    assert register.subject({"instance": "web-1:80", "service": "shop"}, ["service"]) == "shop"


def test_labels_teach_what_stands_on_what() -> None:
    register = Topology({}, configured().correlation.items)
    register.subject({"service": "pay", "instance": "h-7:8080", "rack": "r9"})
    assert [item for item, _ in register.above("pay")] == ["pay@h-7", "h-7", "r9"]
    assert {item for item, _ in register.below("r9")} == {"h-7", "pay@h-7", "pay"}


def test_names_teach_by_a_pattern() -> None:
    pattern = Extraction(label="instance", pattern=r"(?P<host>(?P<rack>r\d+)-[a-z]+-\d+)(:\d+)?")
    register = Topology({}, ItemPolicy(extract=[pattern]))
    assert register.subject({"alertname": "X", "instance": "r1-web-03:9100"}) == "r1-web-03"
    assert list(register.above("r1-web-03")) == [("r1", 1)]


def walked(edges: Mapping[str, Sequence[str]], item: str) -> dict[str, int]:
    """What is reached from an item along edges, and in how many steps; a breadth-first search of the test's own."""
    hops, line = {item: 0}, [item]
    for name in line:
        for other in edges.get(name, ()):
            if other not in hops:
                hops[other] = hops[name] + 1
                line.append(other)
    return {name: n for name, n in hops.items() if 0 < n <= 7}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_learned_later_is_in_the_lists_that_are_known_already(seed: int) -> None:
    draw, register = random.Random(seed), Topology({}, ItemPolicy(labels={"host": ["a"], "rack": ["b"], "ups": ["c"]}))
    names = [f"n{n}" for n in range(12)]
    on: dict[str, list[str]] = {}
    for _ in range(30):
        two = draw.sample(["a", "b", "c"], 2)
        low, high = (draw.choice(names[4 * k : 4 * k + 4]) for k in sorted("abc".index(x) for x in two))
        register.subject(dict(zip(sorted(two), (low, high), strict=True)))
        if high not in on.setdefault(low, []):
            on[low].append(high)
        under = {name: [item for item, below in on.items() if name in below] for name in names}
        for name in draw.sample(names, 6):
            assert dict(register.above(name)) == walked(on, name)
            assert dict(register.below(name)) == walked(under, name)
            assert sorted(register.below(name), key=lambda hop: hop[1]) == list(register.below(name))


@pytest.mark.parametrize("seed", range(20))
def test_the_longest_unused_learned_item_makes_way_and_nothing_of_it_is_left(seed: int) -> None:
    labels = {"host": ["a"], "rack": ["b"], "ups": ["c"], "room": ["d"]}
    draw, register = random.Random(seed), Topology({}, ItemPolicy(labels=labels), most_learned=5)
    used: list[str] = []
    for _ in range(60):
        named = {label: f"{label}{draw.randrange(5)}" for label in draw.sample("abcd", draw.randint(2, 3))}
        subject = register.subject(named)
        used = [name for name in used if name not in named.values()] + sorted(named.values())
        assert register.size()[1] <= 5
        assert list(register._learned)[-1] in named.values()
        forgotten = {f"{label}{n}" for label in "abc" for n in range(5)} - register._learned.keys()
        assert not any(register._knows(name) for name in forgotten)
        stands_on = {name: standing.on for name, standing in register._learned.items()}
        for name in used:
            assert dict(register.above(name)) == walked(stands_on, name)
            assert dict(register.below(name)) == walked(register._under, name)
        assert subject in named.values()


def test_an_item_that_is_used_again_is_not_the_next_that_makes_way() -> None:
    register = Topology({}, ItemPolicy(labels={"host": ["host"], "rack": ["rack"]}), most_learned=5)
    for number in (0, 1, 2, 3, 4, 1, 5):
        register.subject({"host": f"h{number}", "rack": "r"})
    assert [n for n in range(6) if register.above(f"h{n}")] == [1, 3, 4, 5]


def test_an_item_on_which_very_much_stands_is_not_the_one_that_makes_way() -> None:
    policy = ItemPolicy(labels={"host": ["host"], "rack": ["rack"], "ups": ["ups"]})
    register = Topology({}, policy, most_learned=1_202)
    register.subject({"rack": "hub", "ups": "u"})
    for n in range(1_201):
        register.subject({"host": f"h{n}", "rack": "hub"})
    for n in range(5):
        register.subject({"host": f"new-{n}", "rack": "other"})
    assert list(register.above("hub")) == [("u", 1)]
    assert list(register.above("h0")) == []
    assert register.size() == (0, 1_202)


def test_another_register_goes_on_with_what_was_learned_where_no_file_says_otherwise() -> None:
    policy = ItemPolicy(labels={"host": ["host"], "rack": ["rack"], "service": ["service"]})
    before = Topology({}, policy)
    before.subject({"host": "h1", "rack": "r1"})
    before.subject({"service": "s", "host": "h1"})
    after = Topology({"h1": Item(depends_on=["r9"]), "r9": Item(kind="rack")}, policy)
    after.carry_over(before)
    assert dict(after.above("s")) == {"s@h1": 1, "h1": 2, "r9": 3}
    assert list(after.above("h1")) == [("r9", 1)]


def test_a_service_that_runs_everywhere_stands_on_nothing_in_particular() -> None:
    register = Topology({}, configured().correlation.items)
    for n in range(40):
        register.subject({"service": "dns", "host": f"h{n}"})
    hosts = [item for item, _ in register.above("dns") if "@" not in item]
    assert 0 < len(hosts) < 40
    assert ("dns@h39", 1) in register.below("h39")


def test_a_cycle_of_items_ends() -> None:
    register = Topology({"a": Item(depends_on=["b"]), "b": Item(depends_on=["a"])})
    assert list(register.above("a")) == [("b", 1)]


def test_what_stands_on_a_hub_is_bounded() -> None:
    items = {"hub": Item(kind="dns"), **{f"h{n}": Item(depends_on=["hub"]) for n in range(5000)}}
    assert len(list(Topology(items).below("hub"))) == 1000


def test_one_alert_of_something_else_does_not_part_what_its_sender_grouped() -> None:
    stream = Stream()
    storm = [{"alertname": f"Odd{n}", "id": str(n)} for n in range(12)]
    for n, labels in enumerate(storm[:6]):
        stream.tell(n, labels, group="one")
    stream.tell(6, {"alertname": "PayDown", "id": "pay"}, group="one")
    for n, labels in enumerate(storm[6:], 7):
        stream.tell(n, labels, group="one")
    found: dict[int, int] = {}
    for episode in stream.board.episodes.values():
        found[episode.incident] = found.get(episode.incident, 0) + 1
    assert sorted(found.values()) == [1, 12]


@pytest.mark.parametrize("seed", range(20))
def test_a_root_that_is_counted_on_is_the_one_that_would_be_chosen_anew(seed: int) -> None:
    """An alert that came of the root is only counted (`counts_for_root`): the whole comparison must say the same."""
    draw, stream = random.Random(seed), Stream()
    kinds = [SWITCH, WEB_1, WEB_2, SHOP, FRONT, FRONT_DOWN, DATABASE, LOAD_1, LOAD_2]
    for n in range(120):
        labels = {**draw.choice(kinds), "path": str(draw.randrange(40))}
        stream.tell(n, labels, starts=n - draw.choice([0, 0, 5, 60, 200]))
        for incident in stream.board.incidents.values():
            root, facts = likely_root(stream.board.scene, incident.id)
            if root is not None and incident.active:
                assert incident.root is not None
                assert key_of(incident.root["origin"], incident.root["fingerprint"]) == root.key
                assert incident.root["why"]["facts"] == facts


@pytest.mark.parametrize("seed", range(12))
def test_a_service_on_two_hosts_under_load_goes_to_the_same_one_whoever_is_told_first(seed: int) -> None:
    """Both explain what stands on both; the later start does so a little better, in whatever order they come."""
    told_in_order = [
        (0, {"alertname": "HighLoad", "instance": "web-1:9100", "severity": "warning"}),
        (29, {"alertname": "HighLoad", "instance": "web-2:9100", "severity": "warning"}),
        (30, {"alertname": "ServiceHighLatency", "service": "pair", "severity": "warning"}),
    ]
    first, later = Stream(), Stream()
    for n, (starts, labels) in enumerate(told_in_order):
        first.tell(31 + n / 10, labels, starts=starts)
    random.Random(seed).shuffle(told_in_order)
    for n, (starts, labels) in enumerate(told_in_order):
        later.tell(31 + n / 10, labels, starts=starts)
    assert first.groups() == later.groups()


def test_what_does_not_answer_is_the_kind_of_trouble_of_its_item() -> None:
    gone = {"alertname": "TorUnreachable", "target": "sw-1:161", "severity": "critical"}
    assert len(grouped(gone, WEB_1, WEB_2)) == 1
    assert len(grouped({**gone, "target": "orders"}, WEB_1, WEB_2)) == 3, (
        "a database that is gone takes no host with it"
    )


def test_a_trouble_of_a_database_told_of_its_host_is_of_the_one_database_on_it() -> None:
    told_of_host = {"alertname": "PostgresqlDown", "instance": "db-1:9187", "severity": "critical"}
    assert len(grouped(told_of_host, SHOP)) == 1
    assert len(grouped({**told_of_host, "instance": "web-2:9187"}, SHOP)) == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)], ids=["the cause first", "the cause last"])
def test_name_service_explains_errors_in_its_place_though_nobody_wrote_who_asks_it(order: tuple[int, ...]) -> None:
    dns = {"alertname": "DnsServerDown", "instance": "ns-1:53", "site": "a", "severity": "critical"}
    alerts = [dns, {**SHOP, "site": "a"}, {"alertname": "ServiceHighErrorRate", "service": "pair", "site": "a"}]
    assert len(grouped(*[alerts[n] for n in order])) == 1
    assert len(grouped(dns, {**SHOP, "site": "b"})) == 2, "not what another place tells"
    assert len(grouped(dns, {**LOAD_1, "site": "a"})) == 2, "nor what does not come of it"


def test_a_backup_that_fails_while_its_host_is_down_is_of_that_trouble() -> None:
    failed = {"alertname": "BackupJobFailed", "client": "web-1", "severity": "warning"}
    assert len(grouped(WEB_1, failed)) == 1
    assert len(grouped(WEB_2, failed)) == 2


def test_labels_say_in_which_room_a_written_rack_stands() -> None:
    register = Topology(ITEMS, configured().correlation.items)
    assert register.subject({"alertname": "TempHigh", "rack": "rack-1", "room": "hall-1"}) == "rack-1"
    assert ("hall-1", 1) in register.above("rack-1")
    register.subject({"alertname": "TempHigh", "rack": "rack-9", "host": "web-1"})
    assert "rack-9" not in {name for name, _ in register.above("web-1")}, "what is written of a place stands"


def test_labels_say_where_a_written_service_runs_unless_that_is_written() -> None:
    register = Topology({**ITEMS, "mail": Item(kind="service")}, configured().correlation.items)
    for host in ("web-1", "web-2"):
        register.subject({"alertname": "AppDown", "service": "mail", "instance": f"{host}:80"})
        register.subject({"alertname": "AppDown", "service": "shop", "instance": f"{host}:80"})
    assert {"web-1", "web-2"} <= {name for name, _ in register.above("mail")}
    assert "web-2" not in {name for name, _ in register.above("shop")}, "what is written of it stands"


OLD_BACKUPS = [
    {"alertname": "BackupTooOld", "instance": f"{host}:9100", "severity": "warning"}
    for host in ("web-1", "web-2", "db-1", "app-9")
]
BACKUP_NAMES = frozenset(map(name, OLD_BACKUPS))


def test_two_of_a_kind_are_two_troubles_and_three_within_moments_are_one() -> None:
    assert len(grouped(*OLD_BACKUPS[:2])) == 2
    stream = Stream()
    outs = [stream.tell(second, labels) for second, labels in enumerate(OLD_BACKUPS)]
    assert stream.groups() == {BACKUP_NAMES}
    moved, _ = outs[2].whys[2]
    assert (moved.code, moved.facts["from"][-4:]) == ("wave", "0002")
    assert [stream.why[name(labels)].code for labels in OLD_BACKUPS[2:]] == ["wave", "wave"]
    assert stream.why[name(OLD_BACKUPS[2])].facts["count"] == 3


def test_a_wave_is_the_same_in_whichever_order_it_is_told() -> None:
    for order in ((2, 0, 1), (1, 2, 0), (2, 1, 0)):
        stream = Stream()
        for second, at in enumerate(order):
            stream.tell(10 + second, OLD_BACKUPS[at], starts=at * 40)
        assert len(stream.groups()) == 1
        root = next(i for i in stream.board.incidents.values() if i.active).root
        assert root is not None
        assert stream.board.scene.marks[key_of(root["origin"], root["fingerprint"])].item == "web-1"


def test_what_begins_minutes_apart_on_one_item_or_elsewhere_is_no_wave() -> None:
    apart = Stream()
    for minute, labels in enumerate(OLD_BACKUPS[:3]):
        apart.tell(70 * minute, labels)
    assert len(apart.groups()) == 3
    on_one = ({**OLD_BACKUPS[0], "cpu": cpu} for cpu in "abc")
    assert len({alert for labels in on_one for alert in grouped(labels, *OLD_BACKUPS[1:2])}) == 2
    assert len(grouped(*({**labels, "cluster": place} for labels, place in zip(OLD_BACKUPS, "abc", strict=False)))) == 3


def test_what_may_come_of_something_else_is_of_no_wave() -> None:
    down = [{**WEB_1, "instance": f"{host}:9100"} for host in ("web-1", "web-2", "db-1")]
    assert len(grouped(*down)) == 3


def test_nothing_is_taken_into_a_wave_from_an_incident_that_somebody_has_acknowledged() -> None:
    stream = Stream()
    stream.tell(0, OLD_BACKUPS[0])
    stream.tell(1, OLD_BACKUPS[1])
    stream.board.incidents[2].acknowledged_at = START
    stream.tell(2, OLD_BACKUPS[2])
    assert stream.groups() == {
        frozenset({name(OLD_BACKUPS[1])}),
        frozenset(map(name, (OLD_BACKUPS[0], OLD_BACKUPS[2]))),
    }


def test_who_tells_of_a_service_is_not_where_it_runs() -> None:
    labels = {
        "alertname": "KubeDeploymentReplicasMismatch",
        "container": "kube-state-metrics",
        "deployment": "shop",
        "instance": "10.42.0.17:8080",
        "service": "kube-state-metrics",
    }
    register = Topology({"web-1": Item(), "shop": Item(kind="service", depends_on=["web-1"])}, RULES.correlation.items)
    assert register.subject(labels) == "shop"
    node = {"alertname": "KubeNodeNotReady", "instance": "10.42.0.17:8080", "node": "web-1", "service": "kube-state"}
    assert register.subject(node, ["host"]) == "web-1"


def test_a_trouble_of_an_instance_may_be_one_of_its_whole_service_and_of_no_other() -> None:
    release = {"alertname": "ReleaseFailed", "service": "pair", "severity": "critical"}
    crash = {"alertname": "ContainerRestarting", "service": "pair", "instance": "web-2:80", "severity": "warning"}
    other = {"alertname": "ReleaseFailed", "service": "front", "severity": "critical"}
    assert len(grouped(release, crash)) == len(grouped(crash, release)) == 1
    assert len(grouped(other, crash)) == 2
    assert len(grouped({"alertname": "ReleaseFailed", "service": "shop"}, FRONT_DOWN)) == 2


def test_instances_of_one_service_have_one_trouble_until_the_host_of_one_explains_it_better() -> None:
    full = [{"alertname": "MqDepthHigh", "service": "pair", "instance": f"{host}:80"} for host in ("web-1", "web-2")]
    other = {**full[1], "service": "front"}
    assert len(grouped(*full)) == 1
    assert len(grouped(full[0], other)) == 2
    down = [{**labels, "alertname": "ServiceInstanceDown"} for labels in full]
    assert len(grouped(*down)) == 1
    assert frozenset(map(name, (WEB_2, down[1]))) in grouped(*down, WEB_2)


def test_an_expired_certificate_is_why_its_site_does_not_answer_and_one_that_will_expire_is_not() -> None:
    site = {"alertname": "BlackboxProbeFailed", "service": "shop", "severity": "critical"}
    assert len(grouped({"alertname": "TLSCertExpired", "service": "shop"}, site)) == 1
    assert len(grouped({"alertname": "TLSCertExpiring", "service": "shop"}, site)) == 2


def test_common_names_of_labels_name_items_that_nobody_wrote() -> None:
    register = Topology({}, RULES.correlation.items)
    for labels, item in (
        ({"nodename": "app-7", "cabinet": "k4"}, "app-7"),
        ({"service_name": "billing"}, "billing"),
        ({"主机名": "应用-7", "机架": "K4"}, "应用-7"),
        ({"业务": "支付"}, "支付"),
    ):
        assert register.subject({"alertname": "X", **labels}) == item
    assert register.scope({"alertname": "X", "数据中心": "西安"}, "am") == "西安"


def test_a_power_supply_of_a_host_is_not_the_power_of_its_rack() -> None:
    supply = {"alertname": "PsuFailed", "instance": "web-1:9100"}
    assert len(grouped(supply, SHOP)) == 2
    assert len(grouped(supply, WEB_1)) == 1


def test_all_of_a_wave_hang_on_its_first_however_many_they_are() -> None:
    stream = Stream()
    for second in range(60):
        stream.tell(second, {**OLD_BACKUPS[0], "instance": f"app-{second}:9100"})
    assert len(stream.groups()) == 1
    assert len({mark.parent for mark in stream.board.scene.marks.values()} - {None}) == 1
