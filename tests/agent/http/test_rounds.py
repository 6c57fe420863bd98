"""Rounds over the API: listed with when they are due, recorded once, refused in order (procedure R36, R37)."""

from datetime import timedelta
from pathlib import Path

import pytest

from agent.configuration.load import load
from agent.intents import ConfigChanged
from tests.agent.http.serving import Served

ROUNDS = """\
rounds:
  room:
    windows: ["08:00-09:00"]
    items:
      - {key: disk_used_pct, unit: "%", warn: {gte: 85}, crit: {gte: 95}, category: storage/disk_space}
      - {key: on_battery, type: bool, crit: {eq: true}, category: facility/ups}
"""
GOOD = {"disk_used_pct": 50, "on_battery": False}


async def with_rounds(api: Served) -> None:
    (Path(api.daemon.options.config_dir) / "inspections.yaml").write_text(ROUNDS, "utf-8")
    api.daemon.in_force.config = load(Path(api.daemon.options.config_dir))
    await api.daemon.pipeline.submit(ConfigChanged(api.daemon.config, "root"))


async def test_a_round_is_listed_with_when_its_record_is_due(api: Served) -> None:
    await with_rounds(api)
    (shown,) = (await api.get("/api/v1/rounds")).items
    assert (shown["name"], shown["owner"], shown["items"]) == ("room", "l1", ["disk_used_pct", "on_battery"])


async def test_what_is_out_of_range_is_registered_and_linked_both_ways(api: Served) -> None:
    await with_rounds(api)
    values = {"disk_used_pct": 96, "on_battery": True}
    answered = await api.post("/api/v1/rounds/room", {"values": values, "note": "it hums"}, as_="ana")
    assert answered.status == 201
    disk, ups = [(await api.get(f"/api/v1/incidents/{n}")).body for n in answered.body["incidents"]]
    assert (disk["source"], disk["category"], disk["severity"]) == ("inspection", "storage/disk_space", 2)
    assert ups["category"] == "facility/ups"
    assert {"kind": "inspection", "target": answered.body["record"]}.items() <= disk["links"][0].items()
    api.clock.set(api.clock.now() + timedelta(minutes=1))
    again = await api.post("/api/v1/rounds/room", {"values": GOOD}, as_="ana")
    assert again.body["incidents"] == []


async def test_the_same_record_under_one_key_is_one(api: Served) -> None:
    await with_rounds(api)
    sent = {"values": {**GOOD, "disk_used_pct": 90}}
    answers = [
        await api.call("POST", "/api/v1/rounds/room", sent, headers={"Idempotency-Key": "k-1"}) for _ in range(2)
    ]
    assert answers[0].body == answers[1].body
    assert len((await api.get("/api/v1/incidents")).items) == 1


@pytest.mark.parametrize(
    ("name", "values", "as_", "status"),
    [
        ("hall", GOOD, "ana", 404),
        ("room", GOOD, "dora", 403),
        ("room", {"disk_used_pct": 50}, "ana", 422),
        ("room", {**GOOD, "on_battery": 1}, "ana", 422),
        ("room", {**GOOD, "humidity": 4}, "ana", 422),
    ],
)
async def test_what_cannot_be_a_record_is_refused_and_registers_nothing(
    name: str, values: dict[str, object], as_: str, status: int, api: Served
) -> None:
    await with_rounds(api)
    assert (await api.post(f"/api/v1/rounds/{name}", {"values": values}, as_=as_)).status == status
    assert (await api.get("/api/v1/incidents")).items == []
