"""A PromQL expression: each series is a reading; what is no answer is an outage."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from collectors.inspections.prometheus import Config, Inspect
from collectors.source import Reading, Unreachable
from collectors.thresholds import Kept, Threshold, judge_all, threshold_for
from tests.collectors.inspections.reading import at, findings, values
from tests.collectors.inspections.web import Web
from tests.real.running import Port


def config(url: str, **more: Any) -> Config:
    written = {"type": "prometheus", "every": "1m", "url": url, "query": "queue_length > 0", **more}
    return Config.model_validate(written)


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as serving:
        yield serving


def vector(*series: tuple[dict[str, str], str]) -> str:
    result = [{"metric": labels, "value": [1772442000, value]} for labels, value in series]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


async def test_each_series_is_a_reading_with_its_labels(web: Web) -> None:
    web.body = vector(({"__name__": "q", "queue": "机房"}, "7"), ({"queue": "b"}, "+Inf"))
    inspection = Inspect("queues", config(f"{web.url}/prom/", token="t0k"))
    told = await inspection.read(at(0))
    assert [(r.key, dict(r.labels), r.value) for r in told if isinstance(r, Reading)] == [
        ("queues", {"queue": "机房"}, 7.0),
        ("queues", {"queue": "b"}, float("inf")),
    ]
    ((method, path, query, headers),) = web.seen
    assert (method, path, query) == ("GET", "/prom/api/v1/query", {"query": "queue_length > 0"})
    assert headers["Authorization"] == "Bearer t0k"
    await inspection.close()


async def test_a_scalar_is_one_reading_without_labels(web: Web) -> None:
    web.body = json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [1772442000, "4.5"]}})
    inspection = Inspect("x", config(web.url, key="load"))
    assert values(await inspection.read(at(0))) == {"load": 4.5}
    await inspection.close()


async def test_an_empty_answer_is_well_and_a_series_that_vanished_resolves(web: Web) -> None:
    inspection = Inspect("queues", config(web.url, warn=5))
    kept: dict[Any, Kept] = {}
    seen: list[dict[str, str | None]] = []
    for body in (vector(), vector(({"q": "a"}, "7"), ({"q": "b"}, "1")), vector(({"q": "b"}, "1")), vector()):
        web.body = body
        told = await inspection.read(at(len(seen)))
        found, kept = judge_all(told, kept, lambda _: Threshold.model_validate({"warn": 5}), at(len(seen)))
        seen.append({dict(f.labels)["q"]: f.level for f in found})
    assert seen == [{}, {"a": "warn", "b": None}, {"a": None, "b": None}, {"b": None}]
    await inspection.close()


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        pytest.param(
            400, '{"status":"error","errorType":"bad_data","error":"parse error"}', "parse error", id="promql"
        ),
        pytest.param(503, '{"status":"error","error":"not ready"}', "not ready", id="not-ready"),
        pytest.param(200, "<html>login</html>", "does not answer as one", id="a-web-page"),
        pytest.param(200, "[]", "no answer of its API", id="other-json"),
        pytest.param(
            200, '{"status":"success","data":{"resultType":"matrix","result":[]}}', "instant vector", id="range"
        ),
        pytest.param(200, vector(*(({"n": str(n)}, "1") for n in range(4))), "4 series", id="too-many"),
    ],
)
async def test_what_is_no_answer_is_an_outage_that_says_why(web: Web, status: int, body: str, says: str) -> None:
    web.status, web.body = status, body
    inspection = Inspect("x", config(web.url, limit=3))
    with pytest.raises(Unreachable, match=says):
        await inspection.read(at(0))
    await inspection.close()


async def test_a_prometheus_that_is_gone_is_an_outage() -> None:
    port = Port()
    inspection = Inspect("x", config(f"http://127.0.0.1:{port.number}"))
    with pytest.raises(Unreachable, match=r"check `url`"):
        await inspection.read(at(0))
    await inspection.close()
    port.release()


def test_thresholds_beside_the_query_are_those_of_its_key() -> None:
    written = config("http://p", key="queue", warn=5, crit={"gt": 9}, severity={"warn": 4}, **{"for": "2m"})
    own = written.own_thresholds("queues")
    assert own == {
        "queue": Threshold.model_validate({"warn": 5, "crit": {"gt": 9}, "severity": {"warn": 4}, "for": "2m"})
    }
    assert config("http://p", warn=5).own_thresholds("queues").keys() == {"queues"}
    assert config("http://p").own_thresholds("queues") == {}
    laid = threshold_for("queues", "queue", {}, own, {"queues.queue": Threshold.model_validate({"warn": 6})})
    assert laid == Threshold.model_validate({"warn": 6, "crit": {"gt": 9}, "severity": {"warn": 4}, "for": "2m"})


async def test_an_alert_may_be_named(web: Web) -> None:
    web.body = vector(({}, "7"))
    inspection = Inspect("q", config(web.url, alertname="QueueStuck"))
    found, _ = judge_all(await inspection.read(at(0)), {}, lambda _: Threshold.model_validate({"warn": 5}), at(0))
    assert findings(found) == {"QueueStuck": ("warn", None)}
    await inspection.close()


async def test_labels_that_are_ours_in_an_alert_go_beside_them(web: Web) -> None:
    """`ALERTS` has the label alertname: two of its series stay two alerts."""
    series = [({"alertname": name, "inspection": "x", "host": "a"}, "1") for name in ("A", "B")]
    web.body = vector(*series)
    inspection = Inspect("firing", config(web.url))
    assert [dict(r.labels) for r in await inspection.read(at(0))] == [
        {"exported_alertname": name, "exported_inspection": "x", "host": "a"} for name in ("A", "B")
    ]
    await inspection.close()
