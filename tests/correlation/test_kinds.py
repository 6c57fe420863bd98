"""Which kinds of trouble come of which, on the small site of test_evidence.py: those that are easily taken wrong."""

from datetime import timedelta

import pytest

from correlation.correlate import correlate
from correlation.rules import ConfigurationItem as Item
from tests.correlation.test_correlate import told
from tests.correlation.test_evidence import ITEMS, RULES, SHOP, WEB_1, WEB_2, Stream, grouped
from tests.correlation.test_evidence import site as rules_with
from tests.house import START

REBOOTED = {"alertname": "HostRebooted", "instance": "web-1:9100", "severity": "warning"}
RACK = {"alertname": "RackHostsUnreachable", "rack": "rack-1", "severity": "critical"}
SWITCH = {"alertname": "SwitchDown", "device": "sw-1", "severity": "critical"}
TEST = {"alertname": "UPSSelfTestFailed", "ups": "ups-1", "severity": "warning"}
FAILOVER = {"alertname": "PostgresqlFailover", "database": "orders", "severity": "warning"}
POOL = {"alertname": "ConnectionPoolExhausted", "service": "shop", "severity": "warning"}
SLOW_BACKUP = {"alertname": "BackupSlow", "instance": "web-1:9100", "severity": "warning"}
LOAD = {"alertname": "HighLoad", "instance": "web-1:9100", "severity": "warning"}
LINK = {"alertname": "NicDown", "instance": "web-1:9100", "severity": "warning"}
EDGE = {"alertname": "IngressCertificateExpired", "severity": "critical"}
PROBE = {"alertname": "ProbeFailed", "service": "front", "severity": "critical"}
TRAFFIC = {"alertname": "TrafficDropped", "service": "shop", "severity": "warning"}
CLOCK_SOURCE = {"alertname": "NtpUpstreamBad", "severity": "warning"}
CLOCK = {"alertname": "ClockSkew", "instance": "web-2:9100", "severity": "warning"}
LOGS = {"alertname": "LogRateHigh", "service": "shop", "instance": "web-1:80", "severity": "warning"}
DEAD_LETTERS = {"alertname": "KafkaDeadLetters", "service": "shop", "severity": "warning"}
CRASHES = {"alertname": "PodCrashLooping", "service": "shop", "severity": "warning"}
SILENT = {"alertname": "NodeExporterSilent", "instance": "web-1:9100", "severity": "warning"}
FULL = {"alertname": "HostOutOfMemory", "instance": "web-1:9100", "severity": "warning"}
LOW = {"alertname": "UPSBatteryLow", "ups": "ups-1", "severity": "critical"}
LOSSY = {"alertname": "TcpRetransmitsHigh", "instance": "web-1:9100", "severity": "warning"}
LIMIT = {"alertname": "ContainerMemoryNearLimit", "service": "shop", "instance": "web-1:80", "severity": "warning"}
KILLED = {"alertname": "HostOomKillDetected", "instance": "web-1:9100", "severity": "warning"}
SHOP_PORT = {"alertname": "ServiceInstanceDown", "service": "shop", "instance": "web-1:80", "severity": "critical"}
PAIR_PORT = {**SHOP_PORT, "service": "pair"}
EXPIRED = {"alertname": "BlackboxCertificateExpired", "service": "shop", "severity": "critical"}
MISSES = {"alertname": "RedisHitRateLow", "service": "shop", "severity": "warning"}
CACHE_DOWN = {"alertname": "RedisDown", "service": "shop", "severity": "critical"}
LOCKUP = {"alertname": "NodeSoftLockup", "instance": "web-1:9100", "severity": "critical"}
LICENCE = {"alertname": "LicenceEnding", "service": "shop", "severity": "warning"}
DOWN = {"alertname": "ServiceDown", "service": "shop", "severity": "critical"}
ATS = {"alertname": "AtsNotTransferred", "severity": "critical"}
PARTNER = {"alertname": "PartnerDown", "service": "shop", "severity": "warning"}
ROLLED = {"alertname": "PuppetChanges", "instance": "web-1:9100", "severity": "info"}
DISK = {"alertname": "DiskFull", "instance": "web-1:9100", "severity": "warning"}


@pytest.mark.parametrize(
    "chain",
    [
        (SWITCH, RACK, WEB_1),
        (RACK, WEB_1, WEB_2),
        (TEST, {"alertname": "UPSOnBattery", "ups": "ups-1", "severity": "critical"}),
        (TEST, SWITCH),
        ({"alertname": "UpsOverloaded", "ups": "ups-1", "severity": "critical"}, SWITCH),
        (LIMIT, KILLED),
        (CACHE_DOWN, MISSES),
        (DISK, {"alertname": "NodeDiskPressure", "instance": "web-1:9100", "severity": "warning"}),
        ({"alertname": "IngressDefaultCertificateExpired", "service": "edge"}, EXPIRED, {**EXPIRED, "service": "pair"}),
        (PARTNER, {**PARTNER, "service": "front"}),
        (ATS, LINK),
        (LINK, ATS),
        (LINK, {**ATS, "rack": "rack-1"}),
        ({"alertname": "ApiRateLimited", "service": "shop"}, SHOP),
        (ROLLED, {**ROLLED, "instance": "db-1:9100"}),
        (FAILOVER, POOL),
        (SLOW_BACKUP, LOAD),
        (EDGE, PROBE, TRAFFIC),
        (CLOCK_SOURCE, CLOCK),
        (LOGS, DISK),
        (DEAD_LETTERS, CRASHES),
        (CRASHES, DEAD_LETTERS),
        ({**CRASHES, "instance": "web-1:80"}, {"alertname": "QueueDepthHigh", "service": "shop"}),
        (SILENT, REBOOTED),
        (FULL, {"alertname": "HostSwapIsFillingUp", "instance": "web-1:9100"}),
        (
            {"alertname": "RackTemperatureHigh", "rack": "rack-1"},
            {"alertname": "HostFanSpeedHigh", "instance": "web-1:9100"},
        ),
        ({"alertname": "DeploymentRolloutStuck", "service": "shop"}, LOAD),
    ],
    ids=lambda chain: chain[0]["alertname"],
)
def test_what_comes_of_a_trouble_is_in_its_incident(chain: tuple[dict[str, str], ...]) -> None:
    assert len(grouped(*chain)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEST, WEB_1),
        (CLOCK, SHOP),
        (LOW, LOSSY),
        (LIMIT, PAIR_PORT),
        (EXPIRED, SHOP_PORT),
        (LICENCE, DOWN),
        ({"alertname": "TransactionIdWraparound", "database": "orders"}, SHOP),
        (PARTNER, {"alertname": "PartnerSlow", "service": "front"}),
    ],
)
def test_what_does_not_come_of_a_trouble_is_none_of_its(one: dict[str, str], other: dict[str, str]) -> None:
    assert len(grouped(one, other)) == 2


def test_a_restart_of_a_host_is_of_the_outage_before_it_though_that_is_over() -> None:
    def incidents_with(effect: dict[str, str]) -> int:
        stream = Stream()
        stream.tell(0, WEB_1)
        ended = told(WEB_1, ends=1)
        correlate([ended], stream.board, RULES, START + timedelta(minutes=1))
        stream.tell(600, effect)
        return len(stream.groups())

    assert (incidents_with(REBOOTED), incidents_with(LINK)) == (1, 2)


def test_what_was_told_of_a_host_that_falls_silent_is_not_over_for_being_told_no_more() -> None:
    def incidents_with(effect: dict[str, str], second: int) -> int:
        stream = Stream()
        stream.tell(0, LOCKUP)
        correlate([told(LOCKUP, ends=1)], stream.board, RULES, START + timedelta(minutes=1))
        stream.tell(second, effect)
        return len(stream.groups())

    assert (incidents_with(WEB_1, 200), incidents_with(WEB_1, 400), incidents_with(SHOP_PORT, 200)) == (1, 2, 2)


@pytest.mark.parametrize(("database", "found"), [("orders", 1), ("archive", 2)])
def test_a_failover_says_nothing_of_the_replica_of_another_database(database: str, found: int) -> None:
    stream = Stream(rules_with({**ITEMS, "archive": Item(kind="database")}))
    stream.tell(0, FAILOVER)
    stream.tell(1, {"alertname": "PostgresReplicationLag", "database": database})
    assert len(stream.groups()) == found


def test_a_cache_that_misses_is_not_why_it_is_down_minutes_later() -> None:
    stream = Stream()
    stream.tell(0, MISSES)
    stream.tell(180, CACHE_DOWN)
    assert len(stream.groups()) == 2


def test_dead_letters_are_the_root_of_the_crashes_that_they_bring_whoever_is_told_first() -> None:
    for order in ((DEAD_LETTERS, CRASHES), (CRASHES, DEAD_LETTERS)):
        stream = Stream()
        for second, labels in enumerate(order):
            stream.tell(second, labels)
        (root,) = [mark for mark in stream.board.scene.marks.values() if mark.parent is None]
        assert root.name == "KafkaDeadLetters"
