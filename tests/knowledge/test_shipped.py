"""What the pack ships helps somebody at night: whole, in English and in Chinese, found by the alerts it is for."""

import re
from datetime import date

import pytest

from agent.configuration.load import load
from collectors.condition import KNOWN
from correlation.classify import Classifier
from knowledge.library import Library
from knowledge.match import match_predicates
from tests.house import SITE
from tests.knowledge.shelf import PACK, shipped

ENTRIES = shipped()
SHELF = Library(ENTRIES.values())
CONFIG = load(SITE)
CLASSIFIER = Classifier(CONFIG.classification, CONFIG.severity)
TEXTS = ("symptoms", "root_cause", "workaround", "solution", "safety_note")


def test_there_are_enough_and_no_id_is_used_twice() -> None:
    assert len(ENTRIES) >= 28
    assert len({one.id for one in ENTRIES.values()}) == len(ENTRIES)


@pytest.mark.parametrize("text", ["title", *TEXTS])
@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_can_be_read_in_chinese(name: str, text: str) -> None:
    assert re.search("[\u4e00-\u9fff]", getattr(ENTRIES[name], f"{text}_zh"))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_is_whole(name: str) -> None:
    one = ENTRIES[name]
    assert all(getattr(one, text) for text in TEXTS)
    assert (one.id, one.status) == (name.removesuffix(".md"), "published")
    assert one.match
    assert one.review_at is not None
    assert one.review_at >= date(2027, 1, 1)
    assert re.search(r"`[^`]+`", one.workaround) or one.category.startswith("facility/")


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_code_marks_come_in_pairs(name: str) -> None:
    for paragraph in (PACK / name).read_text("utf-8").split("\n\n"):
        assert paragraph.count("`") % 2 == 0, paragraph


def of(name: str, /, **labels: str) -> dict[str, str]:
    return {"alertname": name, **labels}


HITS = [
    ("disk-space-low", of("WindowsServerDiskSpaceUsage")),
    ("disk-smart-failing", of("SmartCriticalWarning")),
    ("load-high", of("系统负载过高")),
    ("host-down", of("KubernetesNodeNotReady")),
    ("host-down", of("PrometheusTargetMissing", job="node-exporter", instance="web-1:9100")),
    ("database-down", of("数据库实例不可达")),
    ("ups-on-battery", of("ApcUpsAcInputOutage")),
    ("ups-battery-low", of("ApcUpsBatteryNearlyEmpty")),
    ("ups-replace-battery", of("ApcUpsLowBatteryVoltage")),
    ("room-temperature", of("HostPhysicalComponentTooHot")),
    ("disk-space-low", of("DiskSpaceLow", mountpoint="/")),
    ("disk-space-low", of("NodeFilesystemAlmostOutOfSpace", fstype="ext4")),
    ("disk-space-low", of("FilesystemSpace95")),
    ("disk-space-low", of("磁盘使用率过高")),
    ("disk-filling-up", of("DiskFillingUp")),
    ("disk-filling-up", of("NodeFilesystemSpaceFillingUp")),
    ("disk-filling-up", of("FilesystemPredictedFull")),
    ("inodes-exhausted", of("DiskInodesLow")),
    ("inodes-exhausted", of("NodeFilesystemAlmostOutOfFiles")),
    ("inodes-exhausted", of("NodeFilesystemFilesFillingUp")),
    ("filesystem-read-only", of("DiskReadOnly", mountpoint="/data")),
    ("filesystem-read-only", of("文件系统只读")),
    ("nfs-mount-hung", of("NfsMountHung")),
    ("nfs-mount-hung", of("InspectionUnreachable", inspection="nfs-home")),
    ("mount-missing", of("DiskNotMounted", mountpoint="/backup")),
    ("raid-degraded", of("NodeRAIDDegraded", device="md0")),
    ("raid-degraded", of("RAID阵列降级")),
    ("disk-smart-failing", of("SmartDeviceFailing")),
    ("disk-smart-failing", of("硬盘坏道")),
    ("backup-failed", of("BackupTooOld")),
    ("backup-failed", of("备份未完成")),
    ("ups-on-battery", of("UpsPower", ups="rack1")),
    ("ups-on-battery", of("UPS电池供电")),
    ("ups-battery-low", of("UpsBatteryLow")),
    ("ups-battery-low", of("UPS电池电量低")),
    ("ups-replace-battery", of("UpsReplaceBattery")),
    ("ups-replace-battery", of("UPSBatteryReplace")),
    ("ups-overload", of("UpsOverload")),
    ("ups-comm-lost", of("UpsCommLost")),
    ("ups-comm-lost", of("UPS通讯中断")),
    ("ups-bypass-or-off", of("UpsBypass")),
    ("ups-bypass-or-off", of("UpsOff")),
    ("room-temperature", of("RoomTemperature")),
    ("room-temperature", of("机房温度过高")),
    ("room-humidity", of("RoomHumidity")),
    ("host-down", of("HostDown")),
    ("host-down", of("InstanceDown", job="node_exporter")),
    ("host-down", of("主机离线")),
    ("cpu-high", of("CpuHigh")),
    ("cpu-high", of("NodeCPUHighUsage")),
    ("cpu-high", of("CPU使用率过高")),
    ("memory-low", of("NodeMemoryHighUtilization")),
    ("memory-low", of("HostOomKillDetected")),
    ("memory-low", of("内存不足")),
    ("swap-heavy", of("HostSwapIsFillingUp")),
    ("clock-skew", of("NodeClockSkewDetected")),
    ("clock-skew", of("ClockJumped")),
    ("load-high", of("NodeSystemSaturation")),
    ("systemd-unit-failed", of("NodeSystemdServiceFailed", name="logrotate.service")),
    ("interface-down", of("SwitchPortDown", device="sw-r1-tor")),
    ("interface-down", of("NodeBondingDegraded")),
    ("switch-down", of("SwitchDown")),
    ("switch-down", of("交换机离线")),
    ("packet-loss", of("NodeNetworkReceiveErrs")),
    ("packet-loss", of("NodeHighNumberConntrackEntriesUsed")),
    ("dns-failing", of("CoreDNSDown")),
    ("dns-failing", of("域名解析失败")),
    ("certificate-expiring", of("TlsExpiring")),
    ("certificate-expiring", of("KubeClientCertificateExpiration")),
    ("http-endpoint-down", of("HttpDown")),
    ("http-endpoint-down", of("BlackboxProbeFailed", job="blackbox")),
    ("http-endpoint-down", of("业务系统中断")),
    ("http-slow", of("HttpSlow")),
    ("http-slow", of("App5xxRatioHigh")),
    ("database-down", of("PostgresDown")),
    ("database-down", of("数据库宕机")),
    ("replication-lag", of("PostgresReplicationLag")),
    ("replication-lag", of("数据库同步延迟")),
    ("database-connections", of("PostgresTooManyConnections")),
    ("database-connections", of("连接池耗尽")),
    ("tablespace-full", of("OracleTablespaceFull")),
    ("tablespace-full", of("表空间不足")),
    ("database-locks", of("MysqlLockWait")),
    ("database-locks", of("锁等待")),
    ("database-deadlocks", of("PostgresqlDeadLocks")),
    ("queue-backlog", of("RabbitmqTooManyMessagesInQueue")),
    ("queue-backlog", of("消息积压")),
    ("pod-crash-loop", of("KubePodCrashLooping")),
    ("target-down", of("TargetDown")),
    ("target-down", of("InstanceDown", job="redis_exporter")),
    ("host-down", of("InstanceDown", job="node", instance="web-1:9100")),
    ("host-down", of("InstanceDown", job="prod", instance="web-1:9100")),
    ("host-down", of("InstanceDown", instance="win-1:9182")),
    ("host-down", of("TargetDown", job="node", instance="web-1:9100")),
    ("host-down", of("up", job="linux", instance="web-1")),
    ("ups-comm-lost", of("TargetDown", job="snmp-ups", instance="ups-1:161")),
    ("switch-down", of("InstanceDown", job="switches", instance="sw-1:161")),
    ("watchdog-missing", of("SourceSilent", source="am")),
    ("watchdog-missing", of("HeartbeatMissing", heartbeat="watchdog-prod")),
    ("heartbeat-missing", of("HeartbeatMissing", heartbeat="nightly-batch")),
    ("dead-letter", of("DeadLetter", source="am")),
    ("step-reached-nobody", of("StepReachedNobody", group="sys-ops")),
    ("inspection-unreachable", of("InspectionUnreachable", inspection="root-disk")),
]


@pytest.mark.parametrize(("name", "labels"), HITS, ids=lambda given: str(given if isinstance(given, str) else ""))
def test_an_alert_finds_its_known_error_first(name: str, labels: dict[str, str]) -> None:
    assert [found.id for found in match_predicates([labels], SHELF)][:1] == [name]


WHO = {"server/down": "host-down", "facility/ups": "ups-comm-lost", "network/device": "switch-down"}
GONE = ("InstanceDown", "instance_down", "PrometheusTargetDown", "TargetDown", "ScrapeTargetUnreachable", "up")
PORTS = ("x-1", "x-1:8080", "x-1:9100", "x-1:9182")
WHERE = [
    *((job, port) for job in ("node", "prod-hosts", "windows_exporter", "servers", "billing", "") for port in PORTS),
    *((job, port) for job in ("apcupsd", "router-snmp") for port in PORTS[:2]),
]


@pytest.mark.parametrize("alertname", GONE)
@pytest.mark.parametrize(("job", "instance"), WHERE)
def test_what_job_or_port_says_it_is_has_the_known_error_of_that(alertname: str, job: str, instance: str) -> None:
    labels = of(alertname, instance=instance, **({"job": job} if job else {}))
    category = CLASSIFIER.classify(labels).category
    first = [found.id for found in match_predicates([labels], SHELF)][:1]
    if category in WHO:
        assert first == [WHO[category]]
    else:
        assert not set(first) & set(WHO.values())


def test_every_entry_stands_in_the_table_above() -> None:
    assert {name for name, _ in HITS} == {one.id for one in ENTRIES.values()}


TOLD = """DiskReadOnly DiskNotMounted UpsPower UpsCommLost UpsReplaceBattery UpsOverload UpsAlarm UpsBypass UpsOff
UpsBatteryLow HttpDown HeartbeatMissing InspectionUnreachable SourceSilent DeadLetter StepReachedNobody"""
INSPECTED = sorted({known.alertname for known in KNOWN.values()} | set(TOLD.split()))


@pytest.mark.parametrize("alertname", INSPECTED)
def test_every_alert_of_our_inspections_has_a_known_error(alertname: str) -> None:
    assert match_predicates([of(alertname)], SHELF)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(of("Watchdog"), id="the heartbeat itself"),
        pytest.param(of("Test"), id="a test"),
        pytest.param(of("DoorOpen", site="dc1"), id="a door"),
        pytest.param({"job": "node"}, id="no name"),
        pytest.param({}, id="no label"),
    ],
)
def test_what_is_none_of_these_finds_nothing(labels: dict[str, str]) -> None:
    assert match_predicates([labels], SHELF) == []
