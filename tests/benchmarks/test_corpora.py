"""The benchmarks over corpora run as files, on any folder of their shape, and print all that the scorer says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks.correlation import agreement, topology_of
from benchmarks.knowledge import library_of

SCORER = """
import json, pathlib, sys
if sys.argv[1] == "--dir":
    for path in sorted(pathlib.Path(sys.argv[4]).iterdir()):
        print("ANSWER", path.name, path.read_text())
else:
    print("answers", pathlib.Path(sys.argv[2]).read_text())
print(json.dumps({"last": True}))
sys.exit(3)
"""


def run(script: str, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"benchmarks/{script}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def alert(name: str, instance: str) -> dict[str, Any]:
    labels = {"alertname": name, "instance": instance, "severity": "critical"}
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-11-23T15:12:00Z",
        "fingerprint": f"{len(name):016x}",
    }


def test_a_corpus_is_replayed_and_scored(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (tmp_path / "score.py").write_text(SCORER)
    body = {"version": "4", "alerts": [alert("HostDown", "db-1:9100"), alert("DiskFailing", "db-1:9100")]}
    lines = [{"note": "begin"}, {"t": 1795446721.0, "body": body}]
    (corpus / "one.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (corpus / "one.cmdb.json").write_text(json.dumps({"racks": [{"name": "r1", "ups": "u", "switch": "s"}]}))
    ran = run("correlation.py", "--corpus", corpus, "--stretch", "10")
    first, last = ran.stdout.splitlines()
    assert first.startswith("ANSWER one.answer.json")
    answer = json.loads(first.partition("answer.json ")[2])
    assert set(answer["incidents"]) == {f"{length:016x}@2026-11-23T15:12:00Z" for length in (8, 11)}
    assert json.loads(last) == {"last": True}
    assert ran.returncode == 3, "the exit code is the scorer's"
    assert sorted(p.name for p in corpus.iterdir()) == ["one.cmdb.json", "one.jsonl"], "nothing is written there"


def test_groupings_agree_by_what_chance_would_not_do() -> None:
    one = {"a": "1", "b": "1", "c": "2", "d": "2"}
    assert agreement(one, {"a": "x", "b": "x", "c": "y", "d": "y"}) == 1.0
    assert agreement(one, {"a": "1", "b": "2", "c": "1", "d": "2"}) < 0
    assert agreement(one, dict.fromkeys("abcd", "1")) == 0.0
    assert agreement({"a": "1"}, {"a": "2"}) == 1.0


def test_the_pack_answers_as_it_is_with_no_join_rule_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCORER)
    alerts = [alert("HostDown", "db-1:9100"), alert("HostDown", "db-2:9100")]
    for number, one in enumerate(alerts):
        one["labels"]["cluster"], one["fingerprint"] = "west", f"{number:016x}"
    (tmp_path / "one.jsonl").write_text(json.dumps({"t": 1795446721.0, "body": {"version": "4", "alerts": alerts}}))
    (tmp_path / "one.cmdb.json").write_text(json.dumps({"hosts": [{"name": "db-1"}, {"name": "db-2"}]}))
    answer = json.loads(run("correlation.py", "--corpus", tmp_path).stdout.splitlines()[0].partition("answer.json ")[2])
    assert len(set(answer["incidents"].values())) == len(alerts)


def test_known_errors_are_matched_timed_and_scored(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCORER)
    entry = {
        "id": "KE 1",
        "lang": "en",
        "title": "Battery of the UPS is worn",
        "alertname": "UpsOnBattery",
        "meaning": "The battery holds charge for minutes only.",
        "mitigation": "Replace the battery.",
    }
    chinese = {"id": "KE-2", "lang": "zh", "title": "磁盘空间不足", "alertname": None, "meaning": "日志占满分区。"}
    (tmp_path / "kb.jsonl").write_text("\n".join(json.dumps(e, ensure_ascii=False) for e in (entry, chinese)))
    query = {"id": "q1", "text": "UPS battery worn, charge lasts minutes", "relevant": ["KE 1"], "kind": "oncall"}
    (tmp_path / "q.jsonl").write_text(json.dumps(query))
    ran = run("knowledge.py", "--kb", tmp_path / "kb.jsonl", "--queries", tmp_path / "q.jsonl")
    assert "2 known errors" in ran.stdout
    assert '"matches": [["KE 1", ' in ran.stdout
    assert json.loads(ran.stdout.splitlines()[-1]) == {"last": True}


def test_without_a_scorer_nothing_is_run(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    ran = run("correlation.py", "--corpus", tmp_path / "deep")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--scorer" in ran.stderr


def test_things_stand_on_what_the_cmdb_says() -> None:
    cmdb = {
        "racks": [{"name": "r1", "ups": "ups-1", "switch": "sw-1"}],
        "hosts": [{"name": "h1", "rack": "r1", "nas": "nas-1"}, {"name": "h2", "rack": "gone", "nas": None}],
        "databases": [{"name": "orders", "host": "h1"}],
        "services": [
            {"name": "shop", "instances": ["h1:80", "h2:80"], "databases": ["orders"], "depends_on": ["shop", "pay"]}
        ],
        "storage": ["nas-1"],
        "dns": ["ns-1"],
    }
    stands_on = {name: item["depends_on"] for name, item in topology_of(cmdb).items()}
    assert stands_on == {
        "ups-1": [],
        "r1": ["ups-1"],
        "sw-1": ["r1"],
        "nas-1": [],
        "ns-1": [],
        "h1": ["r1", "sw-1", "nas-1"],
        "h2": [],
        "orders": ["h1"],
        "shop": ["h1", "h2", "orders"],
    }


def test_what_asks_for_a_service_by_its_url_is_about_it() -> None:
    services = [{"name": "shop", "url": "https://www.shop.example/ping"}, {"name": "pay", "url": None}]
    found = topology_of({"services": services})
    assert [item.get("match") for item in found.values()] == [{"instance": "https://www.shop.example/ping"}, None]


def test_an_entry_without_a_mitigation_is_still_an_entry() -> None:
    library, ids = library_of(iter([{"id": "x", "title": "T", "meaning": "m"}]))
    assert (len(library), ids) == (1, {"x": "x"})


def test_an_entry_of_blanks_is_named_by_its_id() -> None:
    library, ids = library_of(iter([{"id": "a b", "title": "  ", "mitigation": " \n"}]))
    assert [(one.id, one.title, ids[one.id]) for one in library] == [("entry-0", "entry-0", "a b")]


def test_services_that_call_each_other_make_no_ring() -> None:
    services = [
        {"name": "a", "depends_on": ["b"]},
        {"name": "b", "depends_on": ["c"]},
        {"name": "c", "depends_on": ["a"]},
    ]
    found = topology_of({"services": services})
    assert sorted(on for item in found.values() for on in item["depends_on"]) in (["a", "b"], ["a", "c"], ["b", "c"])
