"""Any JSON by a mapping that carries its own tests."""

import json
from datetime import timedelta
from typing import Any

import pytest

from collectors.alert import NotThisFormat, Status
from collectors.webhooks.generic import check, parse
from tests.house import START

MAPPING = {
    "alerts": "$.events",
    "alertname": "$.check.name",
    "labels": {"host": "$.host", "site": "$$.site", "kind": "probe"},
    "annotations": {"summary": "$.text"},
    "status": {"path": "state", "firing": ["bad"], "resolved": ["fine"]},
    "starts_at": "$.since",
    "level": "$.level",
}


def event(**keys: Any) -> dict[str, Any]:
    told = {"check": {"name": "ping"}, "host": "h1", "text": "down", "state": "BAD", "since": "2026-03-02T08:00:00Z"}
    return {**told, "level": "crit", **keys}


def mapped(*events: Any) -> Any:
    return parse(json.dumps({"site": "s1", "events": list(events)}).encode(), "form", START, MAPPING)


def test_a_mapping_finds_each_value_in_the_item_or_in_the_body() -> None:
    (found,) = mapped(event()).alerts
    assert dict(found.labels) == {"alertname": "ping", "host": "h1", "site": "s1", "kind": "probe"}
    assert found.annotations["summary"] == "down"
    assert (found.status, found.level) == (Status.FIRING, "crit")
    assert found.starts_at == START - timedelta(hours=1)


def test_the_end_is_now_where_none_is_told() -> None:
    (found,) = mapped(event(state="fine")).alerts
    assert (found.status, found.ends_at) == (Status.RESOLVED, START)


@pytest.mark.parametrize(
    ("item", "reason"),
    [(event(state="odd"), "neither firing nor resolved"), (event(check={}), "no name"), (7, "an object")],
)
def test_one_item_that_is_none_costs_the_others_nothing(item: Any, reason: str) -> None:
    parsed = mapped(item, event())
    assert len(parsed.alerts) == 1
    assert [(r.index, reason in r.reason) for r in parsed.rejected] == [(0, True)]


@pytest.mark.parametrize("level", ["catastrophic", 5, None, ["crit"]])
def test_a_level_that_is_not_ours_is_none(level: Any) -> None:
    assert mapped(event(level=level)).alerts[0].level == ""


@pytest.mark.parametrize("body", [{"site": "s1"}, {"events": {}}, [], 5])
def test_a_body_without_the_list_is_refused(body: Any) -> None:
    with pytest.raises(NotThisFormat):
        parse(json.dumps(body).encode(), "form", START, MAPPING)


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ({"alertname": "A"}, {"alertname": "A"}),
        ({"title": "A", "labels": {"x": 1}}, {"alertname": "A", "x": "1"}),
        ([{"alertname": "A"}], {"alertname": "A"}),
    ],
)
def test_without_a_mapping_the_plain_form_is_taken(body: Any, labels: dict[str, str]) -> None:
    (found,) = parse(json.dumps(body).encode(), "form", START).alerts
    assert dict(found.labels) == labels


@pytest.mark.parametrize("word", ["ok", "Resolved", "UP", "0", 0, False])
def test_without_a_mapping_the_usual_words_of_an_end_are_known(word: Any) -> None:
    body = json.dumps({"alertname": "A", "status": word}).encode()
    assert parse(body, "form", START).alerts[0].status is Status.RESOLVED


def test_the_tests_of_a_mapping_say_what_they_found() -> None:
    payload = {"site": "s1", "events": [event()]}
    assert check(MAPPING, [{"payload": payload, "expect": [{"alertname": "ping", "host": "h1"}]}]) == []
    (fault,) = check(MAPPING, [{"payload": payload, "expect": [{"host": "h2"}]}])
    assert "host is 'h1', not 'h2'" in fault
    (fault,) = check(MAPPING, [{"payload": payload, "expect": []}])
    assert "1 alert(s) instead of 0" in fault
    (fault,) = check(MAPPING, [{"payload": "no JSON", "expect": []}])
    assert fault.startswith("test 1: ")
