"""Alertmanager's webhook, version 4: each alert by itself, the clean road and the mending one alike."""

import json
from datetime import timedelta
from typing import Any

import pytest

from collectors.alert import NotThisFormat, Status
from collectors.labels import fingerprint
from collectors.webhooks.alertmanager import parse
from tests.house import DISK_FULL, START, alert, message

BROKEN = "\\ud800"
"""An escape that takes a message off the clean road."""


def mended(body: bytes) -> bytes:
    """The same message on the slow road."""
    return body.replace(b'"groupKey": "', b'"groupKey": "' + BROKEN.encode())


@pytest.mark.parametrize("road", [lambda b: b, mended], ids=["clean", "mending"])
def test_both_roads_read_the_same(road: Any) -> None:
    ended = alert({"alertname": "B", "名": "值"}, ends="2026-03-02T08:59:30Z")
    parsed = parse(road(message(alert(DISK_FULL), ended, truncatedAlerts=3)), "am", START)
    first, second = parsed.alerts
    assert (first.status, first.fingerprint, dict(first.labels)) == (Status.FIRING, fingerprint(DISK_FULL), DISK_FULL)
    assert first.starts_text == "2026-03-02T08:59:00.5Z"
    assert first.starts_at == START - timedelta(seconds=59.5)
    assert first.ends_at is None
    assert (second.status, second.ends_at) == (Status.RESOLVED, START - timedelta(seconds=30))
    assert second.labels["名"] == "值"
    assert (parsed.truncated, parsed.receiver, parsed.external_url) == (3, "tocsin", "http://am-1:9093")
    assert parsed.rejected == []


def test_each_alerts_own_status_counts_and_never_the_groups() -> None:
    body = message(alert(DISK_FULL), status="resolved")
    assert parse(body, "am", START).alerts[0].firing


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"version": "3", "alerts": []}', b'{"version": "4"}', b'{"alerts": []}', b"null", b"4"],
)
def test_what_is_no_message_says_what_to_change_at_the_sender(body: bytes) -> None:
    with pytest.raises(NotThisFormat):
        parse(body, "am", START)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({"status": "RESOLVED"}, {"status": Status.RESOLVED}, id="a status in capitals"),
        pytest.param({"status": "odd"}, {"status": Status.FIRING, "repairs": ("no_status",)}, id="an unknown status"),
        pytest.param(
            {"status": "odd", "endsAt": "2026-03-02T08:00:00Z"},
            {"status": Status.RESOLVED, "repairs": ("no_status",)},
            id="an unknown status and an end that is past",
        ),
        pytest.param(
            {"startsAt": "soon"}, {"starts_at": START, "starts_text": "", "repairs": ("no_start",)}, id="no start"
        ),
        pytest.param({"fingerprint": ""}, {"fingerprint": fingerprint(DISK_FULL)}, id="no fingerprint"),
        pytest.param({"fingerprint": "FORGED"}, {"fingerprint": fingerprint(DISK_FULL)}, id="a forged fingerprint"),
        pytest.param({"fingerprint": "0" * 16}, {"fingerprint": "0" * 16}, id="a fingerprint of the sender's own"),
        pytest.param(
            {"fingerprint": "0" * 16, "startsAt": ""},
            {"fingerprint": "0" * 16},
            id="a fingerprint of the sender's own on an alert that is mended",
        ),
        pytest.param({"endsAt": "x" * 9_000}, {"ends_at": None, "ends_text": "x" * 64}, id="an end without end"),
        pytest.param({"generatorURL": "u" * 9_000}, {"generator_url": "u" * 4_096}, id="a link without end"),
    ],
)
def test_what_one_alert_has_wrong_is_mended_and_said(keys: dict[str, Any], expected: dict[str, Any]) -> None:
    told = json.loads(message(alert(DISK_FULL), alert({"alertname": "Good"})))
    told["alerts"][0].update(keys)
    parsed = parse(json.dumps(told).encode(), "am", START)
    assert {name: getattr(parsed.alerts[0], name) for name in expected} == expected
    assert parsed.alerts[1].labels["alertname"] == "Good"


@pytest.mark.parametrize("poison", [alert({"alertname": "Odd", "n": "\x00"}), {"labels": {}}, "x"])
def test_one_alert_that_needs_mending_takes_no_other_out_of_its_group(poison: Any) -> None:
    told = json.loads(message(alert(DISK_FULL)))
    told["groupKey"] = '{}:{alertname="磁盘"}'
    told["alerts"].append(poison)
    parsed = parse(json.dumps(told).encode(), "am", START)
    assert {found.group for found in parsed.alerts} == {'{}:{alertname="磁盘"}'}


def test_fewer_than_none_left_out_is_none() -> None:
    assert parse(message(alert(DISK_FULL), truncatedAlerts=-1), "am", START).truncated == 0


@pytest.mark.parametrize("item", [None, 7, "x", [], {}, {"labels": None}, {"labels": {}}, {"labels": {"a": ""}}])
def test_what_has_no_identity_is_rejected_with_its_place_and_the_others_are_taken(item: Any) -> None:
    told = json.loads(message(alert(DISK_FULL)))
    told["alerts"].append(item)
    parsed = parse(json.dumps(told).encode(), "am", START)
    assert len(parsed.alerts) == 1
    assert [r.index for r in parsed.rejected] == [1]


def test_labels_out_of_bounds_are_cut_and_the_alert_keeps_the_senders_identity() -> None:
    labels = {"alertname": "Many", **{f"l{n}": "v" * 100 for n in range(200)}}
    (found,) = parse(message(alert(labels)), "am", START).alerts
    assert found.fingerprint == fingerprint(labels)
    assert len(found.labels) == 64
    assert found.repairs == ("labels_dropped",)


def test_two_alerts_that_differ_only_in_what_is_cut_off_are_two() -> None:
    many = {"alertname": "Many", **{f"l{n:03}": "v" for n in range(200)}}
    found = parse(message(alert({**many, "z": "1"}), alert({**many, "z": "2"})), "am", START).alerts
    assert found[0].fingerprint != found[1].fingerprint
