"""An alertmanager.yml as the beginning of a site."""

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from agent.__main__ import main
from agent.configuration.load import load
from agent.switching.from_alertmanager import NoAlertmanagerFile, site_of
from correlation.classify import Classification, Classifier, Route
from tests.correlation.test_classify import SEVERITY

WRITTEN = Path(__file__).parent / "alertmanager.yml"


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AM_TOKEN", "a-token")
    return tmp_path / "site"


def run(file: Path, target: Path) -> Result:
    return CliRunner().invoke(main, ["import", "alertmanager", str(file), "--to", str(target)])


def taken(**written: Any) -> dict[str, Any]:
    receivers = [{"name": n, "email_configs": [{"to": f"{n}@example.org"}]} for n in ("all", "db", "web", "log")]
    common = {"smtp_smarthost": "mail:25", "smtp_from": "am@example.org", "smtp_require_tls": False}
    site = site_of({"global": common, "receivers": receivers, **written})
    return {**site.files, "left": site.left}


@pytest.mark.real("prometheus-alertmanager")
def test_what_is_imported_is_a_file_that_alertmanager_takes() -> None:
    amtool = shutil.which("amtool")
    assert amtool
    subprocess.run([amtool, "check-config", str(WRITTEN)], check=True, capture_output=True)


def test_the_site_loads_and_each_alert_goes_to_the_group_of_its_receiver(target: Path) -> None:
    done = run(WRITTEN, target)
    assert done.exit_code == 0, done.output
    config = load(target)
    classifier = Classifier(config.classification, config.severity)
    for labels, group in [
        ({"alertname": "DiskSpaceLow"}, "ops-mail"),
        ({"alertname": "DiskSpaceLow", "severity": "critical"}, "audit"),
        ({"alertname": "DiskSpaceLow", "team": "db", "severity": "critical"}, "db-pager"),
        ({"alertname": "DiskSpaceLow", "team": "db", "severity": "warning"}, "team-db"),
        ({"alertname": "DiskSpaceLow", "team": "db", "severity": "info"}, "ops-mail"),
        ({"alertname": "DiskSpaceLow", "service": "cart"}, "web"),
        ({"alertname": "DiskSpaceLow", "job": "blackbox", "env": "stage"}, "web"),
    ]:
        found = classifier.classify(labels)
        assert (found.group, found.category) == (group, "storage/disk_space"), labels
    assert [(r.id, r.equal) for r in config.inhibitions] == [
        ("inhibit-1", ["alertname", "instance"]),
        ("inhibit-2", ["instance"]),
    ]
    assert classifier.classify({"team": "db", "severity": "critical"}).also == ("audit",)
    assert [(w.id, w.routes, w.times[0].days) for w in config.windows] == [("offhours", ["4-web"], ["Sat", "Sun"])]
    assert list(config.fallback) == ["ops-mail"]
    assert [c.after for c in config.people["team-db"].contacts] == [None, timedelta()]
    ends = {n: [c.send_resolved for c in p.contacts] for n, p in config.people.items()}
    assert ends["team-db"] == [True, None], "Slack because it says so, mail as an Alertmanager does"
    assert ends["audit"] == [True], "webhooks are told unless they say no"


def test_secrets_stand_in_files_that_only_their_owner_reads(target: Path) -> None:
    run(WRITTEN, target)
    written = "".join(path.read_text() for path in target.glob("*.yaml"))
    assert "smtp-secret" not in written
    assert "hooks.slack.com" not in written
    assert (target / "secrets/smtp").read_text() == "smtp-secret\n"
    assert {oct(path.stat().st_mode & 0o777) for path in (target / "secrets").iterdir()} == {"0o600"}


def test_what_is_not_taken_over_is_said(target: Path) -> None:
    said = run(WRITTEN, target).output
    for words in (
        "receiver db-pager, pagerduty_configs: write its channel by hand",
        "continue: its group is told once, when the incident opens",
        "group_by: ",
        "templates: ",
    ):
        assert f"left to you: {words}" in said, words


def test_nothing_that_is_there_is_written_over(target: Path) -> None:
    target.mkdir()
    (target / "tocsin.yaml").write_text("pack: mine\n")
    refused = run(WRITTEN, target)
    assert (refused.exit_code, "is not empty: name a new folder" in refused.output) == (1, True)
    assert [path.name for path in target.iterdir()] == ["tocsin.yaml"]


@pytest.mark.parametrize("text", ["groups: []", "a: [", "- 1", "", "route: {receiver: [x]}"])
def test_what_is_no_alertmanager_file_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(text)
    refused = run(file, tmp_path / "site")
    assert refused.exit_code == 1
    assert str(file) in refused.output
    assert "Traceback" not in refused.output
    assert not (tmp_path / "site").exists()


def told(written: Any, labels: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """The group that an alert goes to, and those told besides."""
    routes = [Route.model_validate(r) for r in taken(route=written)["rules.yaml"]["routes"]]
    found = Classifier(Classification(routes=routes), SEVERITY).classify(labels)
    return found.group, found.also


def test_routes_that_go_on_are_told_besides_and_take_what_nothing_after_them_takes() -> None:
    routes = [
        {"receiver": "log", "matchers": ['env="prod"'], "continue": True},
        {"receiver": "db", "matchers": ['team="db"'], "continue": True},
        {"receiver": "web", "matchers": ['team=~"db|web"']},
    ]
    route = {"receiver": "all", "routes": routes}
    assert told(route, {"team": "db"}) == ("web", ("db",))
    assert told(route, {"team": "db", "env": "prod"}) == ("web", ("log", "db"))
    assert told(route, {"env": "prod"}) == ("log", ())
    assert told(route, {}) == ("all", ())


def test_a_nested_route_that_goes_on_is_told_beside_its_own_kind_alone() -> None:
    below = [
        {"receiver": "log", "matchers": ['env="prod"'], "continue": True},
        {"receiver": "web", "match": {"a": "b"}},
    ]
    route = {"receiver": "all", "routes": [{"receiver": "db", "matchers": ['team="db"'], "routes": below}]}
    assert told(route, {"team": "db", "env": "prod"}) == ("log", ())
    assert told(route, {"team": "db", "env": "prod", "a": "b"}) == ("web", ("log",))
    assert told(route, {"team": "db"}) == ("db", ())
    assert told(route, {"env": "prod"}) == ("all", ())


# times

NIGHTS = {"name": "nights", "time_intervals": [{"times": [{"start_time": "22:00", "end_time": "24:00"}]}]}


def muted(*intervals: dict[str, Any], **said: Any) -> dict[str, Any]:
    web = {"receiver": "web", "matchers": ['team="web"'], **said}
    return taken(route={"receiver": "all", "routes": [web]}, time_intervals=list(intervals))


def test_what_is_muted_is_held_by_a_window_of_its_route() -> None:
    interval = {
        "times": [{"start_time": "20:00", "end_time": "24:00"}, {"start_time": "00:00", "end_time": "06:00"}],
        "weekdays": ["monday:wednesday", "saturday"],
        "days_of_month": ["1:7", "-1"],
        "months": ["may:august", "12"],
        "years": ["2026:2027"],
        "location": "Europe/Berlin",
    }
    found = muted({"name": "nights", "time_intervals": [interval]}, mute_time_intervals=["nights"])
    assert found["rules.yaml"]["windows"] == [
        {
            "id": "nights",
            "routes": ["1-web"],
            "time_zone": "Europe/Berlin",
            "times": [
                {
                    "hours": "00:00-06:00,20:00-24:00",
                    "days": ["Mon", "Tue", "Wed", "Sat"],
                    "days_of_month": ["1:7", "-1:-1"],
                    "months": ["5:8", "12:12"],
                }
            ],
            "effective_from": "2026-01-01",
            "effective_until": "2027-12-31",
        }
    ]


def test_what_is_active_in_hours_is_held_outside_of_them() -> None:
    days = {"name": "days", "time_intervals": [{"weekdays": ["monday:friday"]}]}
    (window,) = muted(NIGHTS, days, active_time_intervals=["nights", "days"])["rules.yaml"]["windows"]
    assert (window["id"], window["outside"], len(window["times"])) == ("outside-nights-days", True, 2)


def test_a_window_stands_once_for_all_routes_that_it_mutes() -> None:
    routes = [{"receiver": r, "matchers": [f'team="{r}"'], "mute_time_intervals": ["nights"]} for r in ("db", "web")]
    found = taken(route={"receiver": "all", "routes": routes}, time_intervals=[NIGHTS])
    assert [(w["id"], w["routes"]) for w in found["rules.yaml"]["windows"]] == [("nights", ["1-db", "2-web"])]


@pytest.mark.parametrize(
    ("interval", "said", "why"),
    [
        ({"weekdays": ["someday"]}, {}, "'someday' is no day, month or year"),
        ({"times": [{"start_time": "22:00", "end_time": "06:00"}]}, {}, "22:00 to 06:00 ends before it begins"),
        ({"location": "Mars/Olympus"}, {}, "'Mars/Olympus' is no time zone"),
        ({}, {}, "holds without an end"),
        ({"years": ["2026"]}, {"active_time_intervals": ["this"]}, "it names years"),
        ({"times": [{}]}, {}, "start_time"),
        ({}, {"mute_time_intervals": ["that"]}, "there is no time interval that"),
    ],
)
def test_times_without_an_equal_are_left_to_a_person(interval: dict[str, Any], said: dict[str, Any], why: str) -> None:
    found = muted({"name": "this", "time_intervals": [interval]}, **(said or {"mute_time_intervals": ["this"]}))
    assert "windows" not in found["rules.yaml"]
    assert [line for line in found["left"] if "write it by hand" in line and why in line], found["left"]


def test_a_muted_route_that_goes_on_is_named() -> None:
    found = muted(NIGHTS, mute_time_intervals=["nights"], **{"continue": True})
    assert [line for line in found["left"] if "told besides at any hour" in line]
    assert found["rules.yaml"]["windows"][0]["routes"] == ["2-web"]


def test_a_muted_route_that_goes_on_is_held_also_where_only_nobody_takes_what_follows() -> None:
    """Alertmanager 0.25 tells nobody of it at night; the route that went on took it here, at any hour."""
    site = site_of(
        {
            "route": {
                "receiver": "all",
                "routes": [
                    {"receiver": "web", "match": {"team": "web"}, "continue": True, "mute_time_intervals": ["nights"]},
                    {"receiver": "db", "match": {"db": "yes"}, "continue": True, "mute_time_intervals": ["nights"]},
                    {"receiver": "null", "match": {"noise": "yes"}},
                ],
            },
            "receivers": [{"name": "null"}],
            "time_intervals": [NIGHTS],
        }
    )
    routes, (window,) = site.files["rules.yaml"]["routes"], site.files["rules.yaml"]["windows"]

    def taken_by(labels: dict[str, str]) -> str:
        by_routes = Classification(routes=[Route.model_validate(one) for one in routes])
        return Classifier(by_routes, SEVERITY).classify(labels).route

    for labels in ({"team": "web"}, {"db": "yes"}, {"team": "web", "db": "yes"}):
        assert taken_by({**labels, "noise": "yes"}) in window["routes"], labels
        assert taken_by(labels) in window["routes"], labels
    assert taken_by({"noise": "yes"}) == next(one["id"] for one in routes if one.get("pages") is False)


def test_a_route_that_is_muted_below_one_that_goes_on_is_named_too() -> None:
    below = [{"receiver": "db", "matchers": ['db="yes"'], "mute_time_intervals": ["nights"]}]
    web = {"receiver": "web", "matchers": ['team="web"'], "continue": True, "routes": below}
    found = taken(route={"receiver": "all", "routes": [web]}, time_intervals=[NIGHTS])
    assert [line for line in found["left"] if line.startswith("route to db, continue and times")]


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        (['a="b"', "c=~d"], ['a="b"', 'c=~"d"']),
        (['{a="b, c", d!="e"}'], ['a="b, c"', 'd!="e"']),
        (["a!~'x|y'"], ["a!~\"'x|y'\""]),
        ([r'a="say \"hi\""'], [r'a="say \"hi\""']),
    ],
)
def test_matchers_are_read_in_each_form(written: Any, ours: list[str]) -> None:
    (route, _) = taken(route={"receiver": "all", "routes": [{"receiver": "db", "matchers": written}]})["rules.yaml"][
        "routes"
    ]
    assert route["match"] == ours


def test_what_goes_to_a_receiver_without_a_channel_pages_nobody_here_either() -> None:
    """It is how an Alertmanager drops alerts (`null`, `blackhole`): the fallback is not to be paged for them."""
    mail = {"to": "ops@example.org", "from": "am@example.org", "smarthost": "mail:25"}
    receivers = [{"name": "null"}, {"name": "empty", "email_configs": []}, {"name": "ops", "email_configs": [mail]}]
    routes = [
        {"receiver": "null", "matchers": ['severity="none"']},
        {"receiver": "empty", "match": {"env": "lab"}, "continue": True},
        {"receiver": "ops", "match": {"team": "a"}, "routes": [{"receiver": "null", "match": {"noise": "yes"}}]},
    ]
    site = site_of({"route": {"receiver": "ops", "routes": routes}, "receivers": receivers})
    assert [route for route in site.files["rules.yaml"]["routes"] if route.get("pages") is False] == [
        {"id": "1-null", "match": ['severity="none"'], "pages": False},
        {"id": "2-null", "match": ['team="a"', 'noise="yes"'], "pages": False},
        {"id": "4-empty", "match": ['env="lab"'], "pages": False},
    ]
    assert set(site.files["people.yaml"]["groups"]) == {"ops"}
    assert [line for line in site.left if line.startswith("receiver null")]


def test_a_receiver_whose_channels_are_not_taken_over_goes_on_paging() -> None:
    receivers = [{"name": "pd", "pagerduty_configs": [{"routing_key": "x"}]}]
    site = site_of({"route": {"receiver": "pd"}, "receivers": receivers})
    assert site.files["rules.yaml"]["routes"] == [{"id": "1-pd", "match": [], "group": "pd"}]


def test_a_receiver_that_sends_to_us_is_not_taken_over() -> None:
    """A file that was changed as docs/switching.md says, and is imported again."""
    mail = {"to": "ops@x.org", "smarthost": "mail:25", "from": "c@x.org"}
    copy = {"name": "tocsin", "webhook_configs": [{"url": "http://127.0.0.1:9099/webhooks/alertmanager/am"}]}
    route = {"receiver": "ops", "routes": [{"receiver": "tocsin", "continue": True}, {"receiver": "ops"}]}
    site = site_of({"route": route, "receivers": [{"name": "ops", "email_configs": [mail]}, copy]})
    assert [r["group"] for r in site.files["rules.yaml"]["routes"]] == ["ops", "ops"]
    assert list(site.files["people.yaml"]["people"]) == ["ops"]
    assert "route to tocsin: it sends to Tocsin: nothing to do" in site.left


def test_every_address_of_a_mail_is_told() -> None:
    receivers = [{"name": "all", "email_configs": [{"to": "a@x.org, b@x.org", "smarthost": "mail:25", "from": "c@x"}]}]
    site = site_of({"route": {"receiver": "all"}, "receivers": receivers})
    told = site.files["people.yaml"]["people"]["all"]["contacts"]
    assert [(c["to"], c.get("after")) for c in told] == [("a@x.org", None), ("b@x.org", "0s")]


def test_a_template_is_nobodys_address() -> None:
    receivers = [{"name": "all", "slack_configs": [{"api_url": "https://x/y", "channel": "#{{ .team }}"}]}]
    site = site_of({"route": {"receiver": "all"}, "receivers": receivers})
    assert site.files["people.yaml"]["people"] == {}
    assert any("is a template" in line for line in site.left)


def test_a_file_without_a_route_is_refused() -> None:
    with pytest.raises(NoAlertmanagerFile, match=r"name the alertmanager\.yml itself"):
        site_of(yaml.safe_load("receivers: []"))
