"""What Prometheus sends to `/api/v2/alerts`, and what an Alertmanager shows there."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.alert import NotThisFormat, Status
from collectors.labels import fingerprint
from collectors.webhooks.prometheus import RESOLVE_TIMEOUT, active_alerts, parse
from tests.house import START

LABELS = {"alertname": "A", "job": "j"}


def one(**keys: Any) -> Any:
    return parse(json.dumps([{"labels": LABELS, **keys}]).encode(), "prom", START)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(
            {}, {"status": Status.FIRING, "expires_at": START + RESOLVE_TIMEOUT, "starts_at": START}, id="bare"
        ),
        pytest.param(
            {"startsAt": "2026-03-02T08:00:00Z", "endsAt": "2026-03-02T09:04:00Z"},
            {"status": Status.FIRING, "expires_at": START + timedelta(minutes=4), "ends_at": None},
            id="an end to come is when it expires",
        ),
        pytest.param(
            {"startsAt": "2026-03-02T08:00:00Z", "endsAt": "2026-03-02T09:00:00Z"},
            {"status": Status.RESOLVED, "ends_at": START, "expires_at": None, "ends_text": "2026-03-02T09:00:00Z"},
            id="an end that is past is a resolve",
        ),
        pytest.param(
            {"endsAt": "2026-03-02T08:00:00Z"},
            {"status": Status.RESOLVED, "starts_at": START - timedelta(hours=1), "starts_text": ""},
            id="an end without a start",
        ),
        pytest.param({"endsAt": "0001-01-01T00:00:00Z"}, {"status": Status.FIRING}, id="the year 1 is no end"),
        pytest.param(
            {"endsAt": "9999-12-31T23:59:59Z"},
            {"status": Status.FIRING, "expires_at": datetime(9000, 1, 1, tzinfo=UTC), "ends_at": None},
            id="an end beyond what can be kept is one far ahead",
        ),
    ],
)
def test_an_alert_of_prometheus(keys: dict[str, Any], expected: dict[str, Any]) -> None:
    parsed = one(**keys)
    assert parsed.rejected == []
    assert {name: getattr(parsed.alerts[0], name) for name in expected} == expected
    assert parsed.alerts[0].fingerprint == fingerprint(LABELS)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "an object"),
        ({"labels": {}}, "at least one label"),
        ({"labels": {"a": ""}}, "at least one label"),
        ({"labels": LABELS, "startsAt": "soon"}, "startsAt is no moment"),
        ({"labels": LABELS, "endsAt": 5}, "endsAt is no moment"),
        ({"labels": LABELS, "startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T08:00:00Z"}, "before it starts"),
    ],
)
def test_an_invalid_alert_is_named_with_its_reason(item: Any, reason: str) -> None:
    parsed = parse(json.dumps([{"labels": LABELS}, item]).encode(), "prom", START)
    assert len(parsed.alerts) == 1
    assert [(r.index, reason in r.reason) for r in parsed.rejected] == [(1, True)]


@pytest.mark.parametrize("body", [b"{}", b"", b"7", b'"x"'])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(NotThisFormat):
        parse(body, "prom", START)


def shown(**keys: Any) -> dict[str, Any]:
    told = {"labels": LABELS, "startsAt": "2026-03-02T08:00:00.000Z", "endsAt": "2026-03-02T09:05:00.000Z"}
    return {**told, "fingerprint": fingerprint(LABELS), "status": {"state": "active"}, **keys}


def test_what_an_alertmanager_shows_fires_also_where_it_is_suppressed_there() -> None:
    found = active_alerts([shown(), shown(status={"state": "suppressed"})], "am", START)
    assert [a.firing for a in found] == [True, True]


@pytest.mark.parametrize(
    "item",
    [None, {}, {"labels": []}, shown(labels={}), shown(startsAt=""), shown(endsAt="2026-03-02T09:00:00.000Z")],
    ids=["nothing", "empty", "labels a list", "no labels", "no start", "over"],
)
def test_what_is_shown_and_tells_nothing_is_passed_over(item: Any) -> None:
    assert active_alerts([item, shown()], "am", START) == active_alerts([shown()], "am", START)


def test_an_answer_that_is_no_list_is_none() -> None:
    with pytest.raises(NotThisFormat):
        active_alerts({"status": "error"}, "am", START)
