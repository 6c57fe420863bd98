"""What begins together, comes again, or comes soon after: time beside the evidence, on the site of test_evidence.py."""

from copy import deepcopy
from dataclasses import replace

import pytest

from collectors.labels import fingerprint
from correlation.correlate import correlate
from correlation.incident import key_of
from correlation.lessons import TOGETHER, Lesson, kind_of
from correlation.rules import ConfigurationItem as Item
from correlation.signals import Signals
from tests.correlation.test_correlate import told
from tests.correlation.test_evidence import (
    BACKUP,
    DATABASE,
    FRONT,
    ITEMS,
    LOAD_1,
    RULES,
    SHOP,
    SWITCH,
    WEB_1,
    WEB_2,
    S,
    Stream,
    name,
)
from tests.correlation.test_evidence import site as rules_with
from tests.house import START

MAINS = [{"alertname": "UPSOnBattery", "ups": f"ups-{n}", "severity": "critical"} for n in (1, 2)]
CACHE = {"alertname": "RedisDown", "service": "cache", "severity": "critical"}
LOSSY = {"alertname": "TcpRetransmitsHigh", "instance": "web-1:9100", "severity": "warning"}
BUSY = {"alertname": "PostgresTooManyConnections", "database": "orders", "severity": "warning"}
MUTE = {"alertname": "NodeExporterNoData", "instance": "web-1:9100", "severity": "warning"}
OTHER_BUSY = {**BUSY, "database": "archive"}


def over(stream: Stream, labels: dict[str, str], began: int, second: int) -> None:
    starts, ends = START + began * S, START + second * S
    ended = told(labels, ends=1, starts_at=starts, starts_text=starts.isoformat(), ends_at=ends)
    correlate([ended], stream.board, stream.rules, ends)


def incidents(stream: Stream, labels: dict[str, str]) -> set[int]:
    return {e.incident for e in stream.board.episodes.values() if dict(stream.board.labels(e)) == labels}


@pytest.mark.parametrize(
    ("second", "fires_on", "same"),
    [(150, False, True), (200, False, False), (200, True, True), (300, True, False)],
)
def test_a_symptom_that_fires_again_long_after_its_cause_is_over_has_come_of_something_else(
    second: int, fires_on: bool, same: bool
) -> None:
    stream = Stream()
    stream.tell(0, WEB_1)
    stream.tell(1, SHOP)
    if fires_on:
        stream.tell(1, {**SHOP, "service": "pair"})
    stream.tell(2, BACKUP)  # keeps another incident open, not this one
    over(stream, SHOP, 1, 60)
    over(stream, WEB_1, 0, 60)
    stream.tell(second, SHOP)
    assert (incidents(stream, SHOP) == {1}) is same


def test_a_symptom_that_was_a_trouble_of_its_own_comes_back_to_it_however_late() -> None:
    stream = Stream()
    stream.tell(0, SHOP)
    over(stream, SHOP, 0, 60)
    stream.tell(900, SHOP)
    assert incidents(stream, SHOP) == {1}


def test_a_symptom_that_fires_again_long_after_its_own_end_is_no_more_of_what_still_fires_by_that_alone() -> None:
    stream = Stream()
    stream.tell(0, SHOP)
    stream.tell(1, FRONT)
    stream.board.scene.marks[key_of("am", fingerprint(FRONT))].parent = key_of("am", fingerprint(SHOP))
    over(stream, FRONT, 1, 60)
    for second, again in ((150, {1}), (1200, {2})):
        fresh = deepcopy(stream)
        fresh.tell(second, FRONT)
        assert incidents(fresh, FRONT) == again


@pytest.mark.parametrize(("root", "together"), [(0, True), (-100, False)])
def test_what_is_weak_joins_nothing_to_what_began_long_before(root: int, together: bool) -> None:
    """The switch explains one host and not the other: long after it went down the other has a trouble of its own."""
    stream = Stream()
    stream.tell(0, SWITCH, starts=root)
    stream.tell(40, WEB_1, group="g")
    stream.tell(50, {**WEB_1, "instance": "far:9100"}, group="g")
    assert (len(stream.groups()) == 1) is together


@pytest.mark.parametrize(("later", "together"), [(50, True), (70, False)])
def test_what_is_weak_joins_only_what_began_at_about_the_same_time(later: int, together: bool) -> None:
    stream = Stream()
    stream.tell(0, WEB_1, group="g")
    stream.tell(later, WEB_2, group="g")
    assert (len(stream.groups()) == 1) is together


def test_of_two_causes_the_one_told_sooner_before_has_the_effect_and_an_old_one_alone_still_explains_it() -> None:
    for second, incident in ((500, 1), (900, 2)):
        alone = Stream()
        alone.tell(0, WEB_1)
        alone.tell(second, SHOP)
        assert incidents(alone, SHOP) == {incident}
    both = Stream()
    both.tell(0, DATABASE)
    both.tell(490, LOSSY)
    both.tell(500, SHOP)
    assert incidents(both, SHOP) == {2}, "less surely explained by its kind, and ten seconds old"


def test_a_cause_told_late_takes_over_what_an_old_one_had() -> None:
    stream = Stream()
    stream.tell(0, DATABASE)
    stream.tell(500, SHOP)
    stream.tell(503, LOSSY)
    assert frozenset({name(LOSSY), name(SHOP)}) in stream.groups()


def test_of_two_causes_that_began_before_the_same_one_has_the_effect_whichever_was_told_first() -> None:
    told_so = {0: DATABASE, 115: WEB_1, 120: SHOP}
    first, later = Stream(), Stream()
    for second, labels in told_so.items():
        first.tell(second, labels)
    for second, labels in (*list(told_so.items())[1:], (0, DATABASE)):
        later.tell(121, labels, starts=second)
    assert first.groups() == later.groups() == {frozenset({name(DATABASE)}), frozenset({name(WEB_1), name(SHOP)})}


@pytest.mark.parametrize(("beside", "cause"), [(2, WEB_1), (-70, DATABASE), (None, DATABASE)])
def test_of_two_causes_about_as_sure_the_one_has_it_that_has_what_is_called_alike_and_began_with_it(
    beside: int | None, cause: dict[str, str]
) -> None:
    stream = Stream()
    stream.tell(0, WEB_1)
    stream.tell(1, DATABASE)
    if beside is not None:
        stream.tell(2, {**SHOP, "service": "pair"}, starts=beside)
    stream.tell(3, SHOP)
    (incident,) = incidents(stream, SHOP)
    assert incidents(stream, cause) == {incident}


@pytest.mark.parametrize(
    ("instance", "second", "together"), [("web-1:80", 5, True), ("web-1:80", 200, False), ("", 5, False)]
)
def test_a_silent_exporter_explains_what_runs_on_its_host_at_once_and_no_service_that_stands_on_it(
    instance: str, second: int, together: bool
) -> None:
    stream = Stream()
    stream.tell(0, MUTE)
    about = {"service": "shop", "instance": instance} if instance else {"service": "shop"}
    stream.tell(second, {"alertname": "ServiceDown", **about, "severity": "critical"})
    assert (len(stream.groups()) == 1) is together


@pytest.mark.parametrize(("labels", "together"), [(MUTE, False), (SHOP, True)])
def test_what_falls_silent_does_so_at_once_and_what_callers_see_may_come_later(
    labels: dict[str, str], together: bool
) -> None:
    stream = Stream()
    stream.tell(0, SWITCH)
    stream.tell(280, labels)
    assert (len(stream.groups()) == 1) is together


def test_what_was_learned_makes_no_cause_surer_than_another() -> None:
    """Both troubles explain it; that such alerts came together in five incidents says nothing of which it is."""
    stream = Stream()
    one, other = sorted(map(kind_of, ("ServiceHighErrorRate", "HighLoad")))
    lesson = Lesson(what=TOGETHER, one=one, other=other, place="kin", at=START)
    for n in range(5):
        lesson.say(f"INC-{n}", True, "", START)
    stream.board.lessons.hold(lesson)
    stream.tell(0, LOAD_1)
    stream.tell(1, DATABASE)
    stream.tell(2, SHOP)
    assert frozenset({name(DATABASE), name(SHOP)}) in stream.groups()


@pytest.mark.parametrize(("later", "together"), [(100, True), (200, False)])
def test_what_was_learned_joins_by_itself_what_is_near_in_time(later: int, together: bool) -> None:
    stream = Stream()
    one, other = sorted(map(kind_of, (BACKUP["alertname"], LOAD_1["alertname"])))
    lesson = Lesson(what=TOGETHER, one=one, other=other, place="same", at=START)
    for n in range(5):
        lesson.say(f"INC-{n}", True, "", START)
    stream.board.lessons.hold(lesson)
    stream.tell(0, BACKUP)
    stream.tell(later, LOAD_1)
    assert (len(stream.groups()) == 1) is together


def test_after_a_reload_the_same_trouble_on_an_item_is_still_the_same() -> None:
    stream = Stream()
    stream.tell(0, LOAD_1)
    anew = Signals([signal.model_copy() for signal in RULES.signals.by_id.values()])
    stream.rules = replace(RULES, signals=anew)
    stream.tell(1, {**LOAD_1, "cpu": "1"})
    assert len(stream.board.incidents) == 1


# waves


@pytest.mark.parametrize(("later", "found"), [(50, 1), (70, 2)])
def test_two_ups_on_battery_at_once_are_the_mains_and_a_minute_apart_they_are_two(later: int, found: int) -> None:
    stream = Stream()
    stream.tell(0, MAINS[0])
    stream.tell(later, MAINS[1])
    assert len(stream.board.incidents) == found


HOT = [{"alertname": "HostTemperatureHigh", "instance": f"hot-{n}:9100", "severity": "warning"} for n in range(8)]


def _room(hosts: int) -> Stream:
    return Stream(
        rules_with(
            {**ITEMS, "rack-2": Item(kind="rack"), **{f"hot-{n}": Item(depends_on=["rack-2"]) for n in range(hosts)}}
        )
    )


def test_three_hosts_of_one_rack_with_one_trouble_have_it_of_the_rack() -> None:
    stream = _room(8)
    for second in range(3):
        stream.tell(second, HOT[second])
    assert len(stream.groups()) == 1
    why = stream.why[name(HOT[2])]
    assert (why.code, why.facts["count"], why.facts["on"]) == ("wave", 3, "rack-2")


def test_three_hosts_of_many_on_one_rack_or_minutes_apart_have_a_trouble_each() -> None:
    many, apart = _room(10), _room(8)
    for n in range(3):
        many.tell(n, HOT[n])
        apart.tell(70 * n, HOT[n])
    assert (len(many.groups()), len(apart.groups())) == (3, 3)


def test_hubs_do_not_glue_the_services_that_run_on_them() -> None:
    run = {f"app-{n}": Item(kind="service", depends_on=["web-1"]) for n in range(3)}
    stream = Stream(rules_with({**ITEMS, **run}))
    for n, service in enumerate(run):
        stream.tell(n, {"alertname": "ServiceHighErrorRate", "service": service})
    assert len(stream.groups()) == 3


# what a cache keeps off a database


def _cached() -> Stream:
    return Stream(
        rules_with(
            {
                **ITEMS,
                "cache": Item(kind="service", depends_on=["web-2"]),
                "archive": Item(kind="database"),
                "shop": Item(kind="service", depends_on=["web-1", "orders", "cache"]),
            }
        )
    )


@pytest.mark.parametrize("order", [(CACHE, BUSY), (BUSY, CACHE)], ids=["before", "late"])
def test_what_a_cache_no_longer_keeps_off_falls_on_the_database_of_the_same_service(
    order: tuple[dict[str, str], ...],
) -> None:
    stream = _cached()
    for second, labels in enumerate(order):
        stream.tell(second, labels)
    stream.tell(5, OTHER_BUSY)
    assert stream.groups() == {frozenset(map(name, order)), frozenset({name(OTHER_BUSY)})}


def test_a_database_that_is_down_brings_no_work_to_another_of_the_same_service() -> None:
    stream = Stream(
        rules_with(
            {**ITEMS, "archive": Item(kind="database"), "shop": Item(kind="service", depends_on=["orders", "archive"])}
        )
    )
    stream.tell(0, DATABASE)
    stream.tell(1, OTHER_BUSY)
    assert len(stream.groups()) == 2
