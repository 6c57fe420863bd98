import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from agent.configuration import layers, plugins
from agent.configuration.config import Config
from agent.configuration.faults import ConfigFaults
from agent.configuration.load import load
from agent.configuration.schemas import schema
from agent.configuration.show import effective, effective_text, plain
from agent.configuration.site import FILES
from agent.configuration.yaml import read
from collectors.condition import KNOWN
from collectors.labels import all_match
from correlation.classify import Classifier

BAD = Path(__file__).parent.parent.parent / "configs" / "bad"
ROOT = Path(__file__).parents[3]
NOBODY = 65534

SMALLEST = {
    "tocsin.yaml": """\
pack: iso20000-default
sources: {am: {type: alertmanager, token: "${AM_TOKEN}", api_urls: ["http://am-1:9093"], origin: prod}}
notifiers: {hook: {type: webhook, url: "http://127.0.0.1:8099/"}}
fallback: [ana]
""",
    "people.yaml": """\
people: {ana: {name: Ana, roles: [l1], groups: [sys-ops], language: en, contacts: [{notifier: hook, to: ana}]}}
""",
    "oncall.yaml": """\
schedules:
  sys-l1: {group: sys-ops, time_zone: Asia/Shanghai, layers: [{people: [ana], every: 7d, handover: "Mon 09:00"}]}
""",
}


def site(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / (name if "." in name else f"{name}.yaml")
        path.write_text(text, "utf-8")
    return folder


def smallest(folder: Path, environ: dict[str, str] | None = None, **files: str) -> Config:
    site(folder, **SMALLEST | {(n if "." in n else f"{n}.yaml"): text for n, text in files.items()})
    return load(folder, environ={"AM_TOKEN": "s3cret-token"} if environ is None else environ)


def faults(folder: Path, **files: str) -> list[str]:
    with pytest.raises(ConfigFaults) as caught:
        load(site(folder, **files), environ={})
    return [str(fault) for fault in caught.value.faults]


# ---- what is wrong ----


@pytest.mark.parametrize("case", sorted(p.name for p in BAD.iterdir() if (p / "expected.txt").exists()))
def test_a_bad_site_says_every_fault_with_its_line(case: str) -> None:
    now = BAD / case / "now.txt"  # of those whose fault is one of a certain night
    moment = datetime.fromisoformat(now.read_text("utf-8").strip()) if now.exists() else None
    with pytest.raises(ConfigFaults) as caught:
        load(BAD / case, environ={}, now=moment)
    assert str(caught.value).splitlines() == (BAD / case / "expected.txt").read_text("utf-8").splitlines()


def test_there_are_bad_sites_enough_and_one_has_ten_faults() -> None:
    cases = [p for p in BAD.iterdir() if (p / "expected.txt").exists()]
    assert len(cases) >= 25
    assert len((BAD / "ten-faults" / "expected.txt").read_text("utf-8").splitlines()) == 10


def test_every_expected_fault_names_file_line_column() -> None:
    for expected in BAD.glob("*/expected.txt"):
        for line in expected.read_text("utf-8").splitlines():
            assert re.match(r"[a-z0-9/-]+\.(ya?ml|md):\d+:\d+: \S", line), (expected.parent.name, line)


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match="there is no such directory"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("mode", [0o000, 0o600, 0o711])
def test_a_directory_that_may_not_be_read_is_said(mode: int) -> None:
    with TemporaryDirectory() as made:
        folder = Path(made) / "site"
        folder.mkdir()
        Path(made).chmod(0o755)
        folder.chmod(mode)
        root = os.geteuid() == 0
        try:
            if root:
                os.seteuid(NOBODY)
            with pytest.raises(ConfigFaults, match=r"it cannot be read .Permission denied.: whoever runs the daemon"):
                load(folder)
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


def test_a_file_that_is_not_utf_8_is_said(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_bytes(b"people: {ana: {name: \xff}}")
    assert faults(tmp_path) == ["people.yaml:1:1: this is no UTF-8 text: save it as UTF-8"]


def test_an_unreadable_file_makes_no_faults_in_those_that_refer_to_it(tmp_path: Path) -> None:
    assert faults(tmp_path, people="people: [", tocsin="fallback: [ana]\n") == [
        "people.yaml:2:1: did not find expected node content: see the line above"
    ]


def test_that_a_file_is_empty_is_told_beside_what_it_makes_wrong(tmp_path: Path) -> None:
    found = faults(tmp_path, people="", tocsin="fallback: [ana]\n")
    assert any(f.startswith("people.yaml:1:1: it is empty") for f in found), found
    assert any("there is no person 'ana'" in f for f in found), found


def test_what_is_wrong_together_is_told_beside_what_is_wrong_by_itself(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        people="people: {ana: {name: Ana, rolls: [l1]}}\n",
        thresholds="disk_used_pct: {warn: 95, crit: 85}\nnothing_reads_this: {warn: 1}\n",
        escalation="escalation:\n  timetable:\n    2:\n      - {id: c0, clock: created, at: 0, tell: [l1]}\n",
    )
    assert [re.split(r": ", text, maxsplit=2)[1] for text in found] == [
        "people.ana.rolls",
        "disk_used_pct",
        "nothing_reads_this",
        "escalation.timetable.2",
    ]
    assert "too late" in found[-1]


def test_a_faulty_inspection_makes_no_stranger_of_the_thresholds_of_its_keys(tmp_path: Path) -> None:
    asks = "{type: prometheus, every: 1m, url: x, key: queue}"
    found = faults(tmp_path, inspections=f"inspections: {{mq: {asks}}}\n", thresholds="mq.queue: {warn: 5}\n")
    assert found
    assert {text.partition(":")[0] for text in found} == {"inspections.yaml"}


NOVEMBER = datetime(2026, 11, 25, tzinfo=UTC)


def test_a_calendar_that_opens_no_more_is_an_error_and_one_known_for_less_than_sixty_days_a_note(
    tmp_path: Path,
) -> None:
    smallest(tmp_path)
    told = load(tmp_path, environ={"AM_TOKEN": "x"}, now=NOVEMBER).notes
    assert [(w.path, "official until 2026-12-31 only" in w.message) for w in told] == [("calendars.business", True)]
    long_before = NOVEMBER - timedelta(days=60)
    assert load(tmp_path, environ={"AM_TOKEN": "x"}, now=long_before).notes == ()
    site(tmp_path, calendar="calendars: {shut: {time_zone: UTC, days: [], workdays: [2026-11-24]}}\n")
    with pytest.raises(ConfigFaults, match=r"calendar.yaml:1:13: calendars.shut: .*no window in two years"):
        load(tmp_path, environ={"AM_TOKEN": "x"}, now=NOVEMBER)


# ---- what holds ----


def test_the_smallest_site_loads_with_warnings_only(tmp_path: Path) -> None:
    config = smallest(tmp_path)
    assert config.sources["am"].tokens == ("s3cret-token",)
    assert config.origin("am") == "prod"
    assert config.fallback == ("ana",)
    assert "nobody holds that" in " ".join(w.message for w in config.warnings)


def test_an_empty_directory_loads_and_warns_that_nobody_is_reached(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert [w.message for w in config.warnings] == [
        "nobody is written: no page will reach anybody. Write people, and fallback"
    ]
    assert config.sla.default[1].response == timedelta(minutes=30)


def test_the_example_site_loads_and_names_people_for_every_role() -> None:
    config = load(ROOT / "configs" / "site", environ={})
    assert config.warnings == ()
    assert "root-disk" in config.inspections
    assert not config.sources


def test_strict_makes_faults_of_warnings(tmp_path: Path) -> None:
    config = smallest(tmp_path)
    with pytest.raises(ConfigFaults) as caught:
        load(tmp_path, environ={"AM_TOKEN": "x"}, strict=True)
    assert caught.value.faults == list(config.warnings)


def test_without_fallback_the_same_warnings_are_faults(tmp_path: Path) -> None:
    tocsin = 'notifiers: {hook: {type: webhook, url: "http://127.0.0.1:8099/"}}\n'
    found = faults(tmp_path, tocsin=tocsin, people=SMALLEST["people.yaml"])
    assert any("nobody holds that" in fault for fault in found)


def test_a_fallback_without_contacts_reaches_nobody(tmp_path: Path) -> None:
    found = faults(tmp_path, tocsin="fallback: [ana]\n", people="people: {ana: {name: Ana, roles: [l1]}}\n")
    assert any("no page can reach ana: write contacts" in fault for fault in found)


def test_whoever_is_told_by_the_timetable_on_one_channel_of_several_is_named(tmp_path: Path) -> None:
    tocsin = SMALLEST["tocsin.yaml"].replace("}}\nfallback", "}, other: {type: webhook, url: 'http://x/'}}\nfallback")
    config = smallest(tmp_path, tocsin=tocsin)
    assert any("ana is told by the timetable and has one channel" in w.message for w in config.warnings)


def test_a_site_changes_one_value_of_the_pack_and_no_other(tmp_path: Path) -> None:
    config = smallest(tmp_path, sla="sla: {default: {1: {response: 1s}}}\n")
    assert config.sla.default[1].response == timedelta(seconds=1)
    assert config.sla.default[1].resolve == timedelta(hours=4)
    assert config.sla.default[2].response == timedelta(hours=1)


def test_a_list_of_the_site_replaces_the_list_of_the_pack(tmp_path: Path) -> None:
    config = smallest(tmp_path, sla="sla: {pause_in: []}\n")
    assert config.sla.pause_in == []


def test_the_rules_of_the_site_come_before_those_of_the_pack(tmp_path: Path) -> None:
    rules = """\
join: [{id: mine, join_by: [rack], window: 1s}]
inhibit: [{id: sw, source: {alertname: SwitchDown}, target: {alertname: HostDown}, equal: [rack]}]
classification: [{id: own, match: {alertname: DiskFull}, set: {category: mine, group: dba, urgency: 1, impact: 1}}]
"""
    config = smallest(tmp_path, rules=rules)
    assert [rule.id for rule in config.join_rules] == ["mine"]
    assert [rule.id for rule in config.inhibitions] == ["sw"]
    assert Classifier(config.classification, config.severity).classify({"alertname": "DiskFull"}).rule == "own"


def test_provenance_names_the_line_that_won(tmp_path: Path) -> None:
    config = smallest(
        tmp_path, sla="sla:\n  default:\n    1: {response: 1s}\n", thresholds="disk_used_pct: {warn: 70}\n"
    )
    won = config.provenance["sla.yaml"]
    assert won["sla.default.1.response"] == "sla.yaml:3"
    assert won["sla.default.1.resolve"].startswith("iso20000-default/sla.yaml:")
    assert config.provenance["thresholds.yaml"]["disk_used_pct.warn"] == "thresholds.yaml:1"
    assert config.provenance["thresholds.yaml"]["disk_used_pct.crit.gte"].startswith("iso20000-default/")


def test_thresholds_are_laid_pack_inspection_site(tmp_path: Path) -> None:
    inspections = (
        "inspections: {root: {type: disk, every: 1m, path: /, thresholds: {disk_used_pct: {warn: 50, crit: 60}}}}\n"
    )
    config = smallest(tmp_path, inspections=inspections, thresholds="root.disk_used_pct: {crit: 70}\n")
    found = config.threshold("root", "disk_used_pct")
    assert found.warn is not None and found.warn.low == 50
    assert found.crit is not None and found.crit.low == 70
    assert config.threshold("other", "disk_used_pct").warn == config.pack_thresholds["disk_used_pct"].warn


def test_a_span_may_be_one_second_everywhere(tmp_path: Path) -> None:
    config = smallest(
        tmp_path,
        sla="sla: {default: {1: {response: 1s, resolve: 1s}}}\n",
        states="states: {auto_recovered: {stable_for: 1s}}\n",
        correlation="{dedup: {refire_window: 1s, tombstones_for: 1s}, flapping: {within: 1s, hold: 1s}}\n",
        escalation="escalation: {rules: {unacked_repeat: 1s}}\n",
    )
    assert config.states.auto_recovered.stable_for == timedelta(seconds=1)


def test_the_pack_of_the_flag_wins_over_the_file(tmp_path: Path) -> None:
    site(tmp_path, tocsin="pack: nothing-of-the-sort\n")
    assert load(tmp_path, "iso20000-default").pack == "iso20000-default"


def test_a_file_nothing_reads_is_a_warning(tmp_path: Path) -> None:
    config = smallest(tmp_path, peeple="people: {}\n")
    assert "peeple.yaml:1:1: nothing reads this file (did you mean 'people.yaml'?)" in map(str, config.warnings)


def test_nothing_is_written_into_the_directory(tmp_path: Path) -> None:
    smallest(tmp_path)
    tmp_path.chmod(0o500)
    try:
        load(tmp_path, environ={"AM_TOKEN": "x"})
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(SMALLEST)
    finally:
        tmp_path.chmod(0o700)


def test_the_known_errors_of_a_site_lie_over_those_of_the_pack(tmp_path: Path) -> None:
    (tmp_path / "knowledge").mkdir()
    text = "---\nid: mine\ntitle: Mine\nmatch: {alertname: Mine}\n---\n## Workaround\nWait.\n"
    (tmp_path / "knowledge" / "mine.md").write_text(text)
    config = smallest(tmp_path)
    mine = config.known_errors.get("mine")
    assert mine is not None
    assert mine.workaround == "Wait."
    assert mine.source == "knowledge/mine.md"


def test_the_aliases_of_a_site_are_added_to_those_of_the_pack(tmp_path: Path) -> None:
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "aliases.yaml").write_text("aliases: {Watchdog: [alarm bell], mine: [one]}", "utf-8")
    aliases = smallest(tmp_path).known_errors.aliases
    assert list(aliases["Watchdog"])[-1] == "alarm bell"
    assert len(aliases["Watchdog"]) > 1
    assert list(aliases["mine"]) == ["one"]


def test_a_fault_in_the_aliases_is_told_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "aliases.yaml").write_text("aliases:\n  A: 5\n", "utf-8")
    (fault,) = [f for f in faults(tmp_path, **SMALLEST) if "aliases" in f]
    assert fault.startswith("knowledge/aliases.yaml:2:")


def test_an_overdue_review_is_a_warning_at_the_line_of_the_entry(tmp_path: Path) -> None:
    (tmp_path / "knowledge").mkdir()
    text = "---\ntitle: Mine\nid: mine\nreview_at: 2026-01-01\n---\n## Workaround\nWait.\n"
    (tmp_path / "knowledge" / "mine.md").write_text(text)
    config = load(site(tmp_path, **SMALLEST), environ={"AM_TOKEN": "x"}, now=datetime(2026, 6, 1, tzinfo=UTC))
    assert [(w.file, w.line) for w in config.warnings if w.path == "review_at"] == [("knowledge/mine.md", 3)]


# ---- secrets ----


def test_a_secret_comes_from_the_environment_or_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "am.secret").write_text("from-file\n")
    tocsin = SMALLEST["tocsin.yaml"].replace('token: "${AM_TOKEN}"', "token_file: am.secret")
    assert smallest(tmp_path, tocsin=tocsin).sources["am"].token == "from-file"


def test_a_dollar_sign_that_names_nothing_stays(tmp_path: Path) -> None:
    tocsin = SMALLEST["tocsin.yaml"].replace("${AM_TOKEN}", "a$b$${AM_TOKEN}")
    assert smallest(tmp_path, tocsin=tocsin).sources["am"].token == "a$b${AM_TOKEN}"


def test_the_environment_is_not_read_into_packs_or_keys(tmp_path: Path) -> None:
    document = read("f", "${A}: ${B}")
    from agent.configuration.secrets import resolve

    assert resolve(document, tmp_path, {"A": "x", "B": "y"}).value == {"${A}": "y"}


SECRETS = ("s3cret-token", "written-token", "written-pass", "q-key")


def test_no_secret_is_shown(tmp_path: Path) -> None:
    tocsin = (
        'sources:\n  am: {type: alertmanager, token: "${AM_TOKEN}"}\n'
        "  b: {type: alertmanager, token: [written-token]}\n"
        "  c: {type: alertmanager, basic: {username: u, password: written-pass}}\n"
        'notifiers: {hook: {type: webhook, url: "http://u:written-pass@127.0.0.1:8099/?access_token=q-key"}}\n'
        "fallback: [ana]\n"
    )
    config = smallest(tmp_path, tocsin=tocsin)
    shown = effective_text(config) + repr(config.warnings) + json.dumps(effective(config), default=str)
    assert not [secret for secret in SECRETS if secret in shown]
    assert "${AM_TOKEN}" in shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("headers: {Authorization: 'Bearer ${TOK}'}", {"headers": {"Authorization": "Bearer ${TOK}"}}),
        ("headers: {Authorization: 'Bearer chat-secret'}", {"headers": {"Authorization": "********"}}),
        ("headers: {X-Site: written-out}", {"headers": {"X-Site": "********"}}),
        ("headers: {Content-Type: text/plain}", {"headers": {"Content-Type": "text/plain"}}),
        ("headers: {X-Token: 'v1-${TOK}'}", {"headers": {"X-Token": "********${TOK}"}}),
        ("headers: {X-Token: '${PIN}'}", {"headers": {"X-Token": "${PIN}"}}),
        ("url: 'http://u:${TOK}@c/?token=${TOK}&x=1'", {"url": "http://********${TOK}@c/?token=${TOK}&x=1"}),
        ("url: 'http://c/?token=written'", {"url": "http://c/?token=********"}),
    ],
)
def test_what_stands_for_a_secret_is_shown_also_within_a_text(
    tmp_path: Path, written: str, shown: dict[str, Any]
) -> None:
    url = "" if written.startswith("url") else "url: 'http://c/', "
    tocsin = f"fallback: [ana]\nnotifiers: {{hook: {{type: webhook, {url}{written}}}}}\n"
    config = smallest(tmp_path, tocsin=tocsin, environ={"TOK": "t0ken-of-chat", "PIN": "4u"})
    found = effective(config)["tocsin.yaml"]["notifiers"]["hook"]
    assert {key: found[key] for key in shown} == shown


@pytest.mark.parametrize(
    "regex", ["slow.?(query|key_reads)=[0-9]+", r"^pub?lic\|token=.*$", "(^|[?&])(api-)?sign(ed)?=.+", "x?{2}key=y"]
)
def test_a_regex_is_shown_as_it_is_written(regex: str) -> None:
    assert plain(regex) == regex


def test_no_secret_is_in_a_fault(tmp_path: Path) -> None:
    site(
        tmp_path,
        tocsin='fallback: ["${AM_TOKEN}"]\nsources: {am: {type: "${AM_TOKEN}", suspect_window: "${AM_TOKEN}"}}\n',
    )
    with pytest.raises(ConfigFaults) as caught:
        load(tmp_path, environ={"AM_TOKEN": "s3cret-token"})
    assert len(caught.value.faults) == 3
    assert "s3cret" not in str(caught.value)


# ---- what is shown ----


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    for name, text in effective(load(ROOT / "configs" / "site", environ={})).items():
        document = read(name, yaml.safe_dump(text, allow_unicode=True, sort_keys=False))
        assert document.faults == []
        value = {"thresholds": document.value} if name == "thresholds.yaml" else document.value
        FILES[name].model_validate(value)


def test_every_file_has_a_schema_that_is_json() -> None:
    found = schema()
    assert set(found) == set(FILES)
    assert json.loads(json.dumps(found)) == found
    assert "disk" in json.dumps(found["inspections.yaml"])


def test_the_shared_folder_is_found_in_a_checkout() -> None:
    assert layers.shared("configs") == ROOT / "configs"
    assert layers.packs() == sorted(p.name for p in (ROOT / "configs" / "packs").iterdir() if p.is_dir())


# ---- the default pack ----

NAMES = [
    ("NodeFilesystemAlmostOutOfSpace", "storage/disk_space", "sys-ops"),
    ("DiskSpaceLow", "storage/disk_space", "sys-ops"),
    ("DiskFillingUp", "storage/disk_space", "sys-ops"),
    ("KubePersistentVolumeFillingUp", "storage/disk_space", "sys-ops"),
    ("硬盘空间超出设定值", "storage/disk_space", "sys-ops"),
    ("NodeFilesystemAlmostOutOfFiles", "storage/inode", "sys-ops"),
    ("DiskInodesLow", "storage/inode", "sys-ops"),
    ("NodeRAIDDegraded", "storage/raid", "sys-ops"),
    ("BackupsLow", "storage/backup", "sys-ops"),
    ("UPSOnBattery", "facility/ups", "facility"),
    ("UpsReplaceBattery", "facility/ups", "facility"),
    ("机房UPS告警", "facility/ups", "facility"),
    ("RoomTemperature", "facility/temperature", "facility"),
    ("WaterLeakDetected", "facility/water_leak", "facility"),
    ("SmokeDetected", "facility/fire_smoke", "facility"),
    ("PowerFailure", "facility/power", "facility"),
    ("HostDown", "server/down", "sys-ops"),
    ("主机离线", "server/down", "sys-ops"),
    ("CpuHigh", "server/cpu", "sys-ops"),
    ("NodeMemoryHighUtilization", "server/memory", "sys-ops"),
    ("SwitchDown", "network/device", "net-ops"),
    ("SwitchPortDown", "network/link", "net-ops"),
    ("CoreDNSDown", "network/dns", "net-ops"),
    ("TlsExpiring", "middleware/cert", "app-ops"),
    ("RabbitmqTooManyMessagesInQueue", "middleware/queue", "app-ops"),
    ("DispatchQueueFull", "middleware/queue", "app-ops"),
    ("PostgresqlDown", "database/down", "dba"),
    ("MysqlSlaveReplicationLag", "database/replication", "dba"),
    ("PostgresqlDeadLocks", "database/lock", "dba"),
    ("OracleTablespaceFull", "database/tablespace", "dba"),
    ("ServiceHighErrorRate", "application/error_rate", "app-ops"),
    ("App5xxRatioHigh", "application/error_rate", "app-ops"),
    ("ServiceHighLatency", "application/latency", "app-ops"),
    ("BlackboxProbeFailed", "application/unavailable", "app-ops"),
    ("KubePodCrashLooping", "application/job_failed", "app-ops"),
    ("SSHBruteForce", "security/intrusion", "sec-ops"),
    ("VirusFound", "security/malware", "sec-ops"),
    ("TargetDown", "monitoring/target_missing", "sys-ops"),
    ("Watchdog", "monitoring/source_silent", "sys-ops"),
    ("SourceSilent", "monitoring/source_silent", "sys-ops"),
    ("DiskNotMounted", "storage/disk_fault", "sys-ops"),
    ("HttpDown", "application/unavailable", "app-ops"),
    ("HeartbeatMissing", "application/job_failed", "app-ops"),
    ("StepReachedNobody", "monitoring/parse_failure", "sys-ops"),
    ("SomethingNobodyKnows", "unclassified", "desk"),
    ("CapsuleOpened", "unclassified", "desk"),
]


@pytest.fixture(scope="module")
def pack() -> Config:
    return load(ROOT / "configs" / "site", environ={})


@pytest.mark.parametrize(("alertname", "category", "group"), NAMES, ids=[n for n, _, _ in NAMES])
def test_a_common_alert_name_finds_its_category_and_group(
    pack: Config, alertname: str, category: str, group: str
) -> None:
    found = Classifier(pack.classification, pack.severity).classify({"alertname": alertname})
    assert (found.category, found.group) == (category, group)


@pytest.mark.parametrize(
    ("labels", "level", "severity"),
    [
        pytest.param({"alertname": "DiskFull", "severity": "warning"}, "", 3, id="disk warning (4.17 scenario 1)"),
        pytest.param({"alertname": "DiskFull", "severity": "critical"}, "", 2, id="disk critical (4.6)"),
        pytest.param({"alertname": "DiskSpaceLow"}, "warn", 3, id="our disk inspection, warn (4.6)"),
        pytest.param({"alertname": "DiskSpaceLow"}, "crit", 2, id="our disk inspection, crit (4.6)"),
        pytest.param({"alertname": "UpsOnBattery"}, "", 2, id="UPS on battery (4.6)"),
        pytest.param({"alertname": "UpsBatteryLow"}, "", 1, id="UPS about to shut down (4.6)"),
        pytest.param({"alertname": "UpsReplaceBattery"}, "", 3, id="UPS battery to be replaced (4.6)"),
        pytest.param({"alertname": "X", "category": "security"}, "", 1, id="security whatever it is called (4.5)"),
        pytest.param({"alertname": "X", "severity": "critical"}, "", 2, id="unclassified critical"),
        pytest.param({"alertname": "X", "severity": "P1"}, "", 2, id="unclassified P1 with impact 3"),
        pytest.param({"alertname": "X"}, "", 3, id="unclassified (R51)"),
    ],
)
def test_the_pack_grades_as_the_procedure_says(pack: Config, labels: dict[str, str], level: str, severity: int) -> None:
    assert Classifier(pack.classification, pack.severity).classify(labels, level).severity == severity


def test_every_reading_of_our_own_has_a_class(pack: Config) -> None:
    classifier = Classifier(pack.classification, pack.severity)
    names = {known.alertname for known in KNOWN.values()}
    assert not {name for name in names if not classifier.classify({"alertname": name}).rule}


def test_the_matrix_is_that_of_the_procedure(pack: Config) -> None:
    for impact in range(1, 5):
        for urgency in range(1, 5):
            assert pack.severity.severity(urgency, impact) == (impact + urgency) // 2, (impact, urgency)


def test_every_classification_rule_can_be_met_and_has_its_own_id(pack: Config) -> None:
    rules = pack.classification.rules
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.set.group in pack.groups for rule in rules)
    assert not any(all_match(rule.match, {}) for rule in rules)


# ---- the manual ----

MANUAL = (ROOT / "docs" / "config.md").read_text("utf-8")


def sections() -> dict[str, str]:
    parts = re.split(r"^## `([a-z]+\.yaml)`$", MANUAL, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rules_in(annotation: Any) -> set[type[BaseModel]]:
    found = {annotation} if isinstance(annotation, type) and issubclass(annotation, BaseModel) else set()
    return found.union(*(rules_in(inner) for inner in getattr(annotation, "__args__", ())))


def keys_of(model: type[BaseModel]) -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        alias = field.alias or (field.serialization_alias or name)
        found |= {alias}.union(*(keys_of(inner) for inner in rules_in(field.annotation)))
    return found


@pytest.mark.parametrize("kind", ["inspection", "notifier"])
def test_the_manual_names_every_key_of_every_plugin(kind: str) -> None:
    section = sections()["inspections.yaml" if kind == "inspection" else "tocsin.yaml"]
    for name in plugins.known(kind):
        missing = {key for key in keys_of(plugins.load(kind, name).Config) if f"`{key}`" not in section}
        assert not missing, name
        assert f"| `{name}` |" in section


def test_the_manual_has_a_section_for_every_file() -> None:
    assert list(sections()) == list(FILES)


@pytest.mark.parametrize("file", list(FILES))
def test_the_manual_names_every_key_of_a_file(file: str) -> None:
    keys = keys_of(FILES[file]) - ({"thresholds"} if file == "thresholds.yaml" else set())
    said = sections()[file]
    if "(automation.md)" in said:
        said += (ROOT / "docs" / "automation.md").read_text("utf-8")
    missing = {key for key in keys if f"`{key}`" not in said}
    assert not missing
