"""Windows over the API: shown as silences, said in plan, why and console, ended by a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.intents import ConfigChanged
from correlation.window import WindowRule
from tests.agent.http.serving import DISK_FULL, LINK_DOWN, START, Served
from tests.house import alert

NIGHT = {
    "id": "night-batch",
    "match": ['alertname="DiskFull"'],
    "time_zone": "Europe/Berlin",
    "times": [{"hours": "11:00-13:00"}],
    "comment": "the batch fills disks",
}
"""From 10:00 to 12:00 UTC."""
OPENS, CLOSES = "2026-03-02T10:00:00.000Z", "2026-03-02T12:00:00.000Z"


@pytest.fixture
async def night(api: Served) -> Served:
    api.daemon.in_force.config = replace(api.daemon.config, windows=(WindowRule.model_validate(NIGHT),))
    await api.daemon.pipeline.submit(ConfigChanged(api.daemon.config, "root"))
    return api


async def later(api: Served, **span: int) -> None:
    api.clock.set(START + timedelta(**span))
    await api.settle()


async def test_a_window_is_among_the_silences_before_and_while_it_holds(night: Served) -> None:
    (shown,) = (await night.get("/api/v1/silences")).items
    assert [shown[n] for n in ("window", "state", "starts_at", "ends_at", "comment", "created_by")] == [
        "night-batch",
        "pending",
        OPENS,
        CLOSES,
        "the batch fills disks",
        "window night-batch",
    ]
    await later(night, hours=1)
    (of_v2,) = (await night.get("/api/v2/silences")).body
    assert (of_v2["id"], of_v2["status"]["state"], of_v2["createdBy"]) == (shown["id"], "active", "window night-batch")
    assert (await night.get(f"/api/v2/silence/{shown['id']}")).body == of_v2
    await night.receive(alert(DISK_FULL), alert(LINK_DOWN))
    silenced = {a["labels"]["alertname"]: a["status"]["silencedBy"] for a in (await night.get("/api/v2/alerts")).body}
    assert silenced == {"DiskFull": [shown["id"]], "LinkDown": []}
    suppressed = (await night.get("/api/v1/alerts?decision=suppressed")).items
    assert [a["why"]["text"] for a in suppressed] == ["held by the window night-batch until 2026-03-02 12:00:00 UTC"]


async def test_an_incident_that_waits_says_for_what_and_until_when(night: Served) -> None:
    number = await night.open_incident()
    path = f"/api/v1/incidents/{number}"
    assert (await night.get(path)).body["held"] is None
    await later(night, hours=1)
    held = {
        "until": CLOSES,
        "code": "in_window",
        "text": "held by the window night-batch until 2026-03-02 12:00:00 UTC",
    }
    for where in (path, f"{path}/plan"):
        told = (await night.get(where)).body["held"]
        assert {"until": told["until"], "code": told["why"]["code"], "text": told["why"]["text"]} == held
    (listed,) = (await night.get("/api/v1/incidents")).items
    assert listed["held"]["until"] == CLOSES
    lines = [line["text"] for line in (await night.get(f"{path}/timeline")).items]
    assert f"its steps wait: {held['text']}" in lines
    chinese = await night.get(f"{path}/plan", headers={"Accept-Language": "zh"})
    assert "时间窗 night-batch" in chinese.body["held"]["why"]["text"]


async def test_a_person_ends_this_night_and_the_next_one_comes(night: Served) -> None:
    await later(night, hours=1)
    await night.receive(alert(DISK_FULL))
    (shown,) = (await night.get("/api/v1/silences")).items
    path = f"/api/v1/silences/{shown['id']}"
    assert (await night.call("DELETE", path, as_="ana")).status == 403
    ended = await night.call("DELETE", path, as_="desk")
    assert (ended.status, ended.body["state"]) == (200, "expired")
    await night.settle()
    assert len((await night.get("/api/v1/incidents")).items) == 1
    states = {(s["state"], s["starts_at"][:10]) for s in (await night.get("/api/v1/silences")).items}
    assert states == {("expired", "2026-03-02"), ("pending", "2026-03-03")}


async def test_a_window_is_not_changed_over_the_api(night: Served) -> None:
    (shown,) = (await night.get("/api/v2/silences")).body
    longer = {**shown, "endsAt": "2026-03-02T15:00:00Z"}
    refused = await night.post("/api/v2/silences", longer)
    assert refused.status == 400
    assert "window night-batch of rules.yaml" in refused.text
    assert datetime.fromisoformat(shown["endsAt"]) == datetime(2026, 3, 2, 12, tzinfo=UTC)
