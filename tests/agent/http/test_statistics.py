"""Incidents in figures, counted by the store: on SQLite and on PostgreSQL (procedure R18, R25, R31)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner

from agent.__main__ import main
from agent.http.reads.counts import Asked, Counts
from correlation.permission import Actor
from tests.agent.http.serving import DISK_FULL, LINK_DOWN, START, Served, served

PATH = "/api/v1/statistics"
SOLVE = {"type": "permanent", "resolution": "a new fuse", "note": "changed"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.real("postgresql"))])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgres").url) if request.param == "postgres" else ""


@pytest_asyncio.fixture
async def api(store: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, store) as running:
        yield running


async def figures(api: Served, query: str = "", as_: str = "pat") -> dict[str, Any]:
    answered = await api.get(f"{PATH}?{query}", as_=as_)
    assert answered.status == 200, answered.text
    found: dict[str, Any] = answered.body
    return found


async def graded(api: Served, title: str, **more: Any) -> str:
    return await api.report(title, **{"urgency": 3, "impact": 3, "group": "sys-ops", **more})


async def test_it_is_counted_by_state_severity_kind_source_category_and_group(api: Served) -> None:
    await api.open_incident(DISK_FULL)
    await api.open_incident(LINK_DOWN)
    await graded(api, "till", category="hardware/till")
    await graded(api, "mouse", category="hardware/till", kind="service_request", request="a mouse", group="net-ops")
    found = await figures(api)
    assert (found["total"], found["complete"]) == (4, True)
    assert found["by_state"] == {"assigned": 2, "new": 2}
    assert found["by_severity"] == {"3": 3, "2": 1}
    assert found["by_kind"] == {"incident": 3, "service_request": 1}
    assert found["by_source"] == {"monitoring": 2, "user": 2}
    assert found["by_category"] == {"hardware/till": 2, "network/link": 1, "storage/disk_space": 1}
    assert found["by_group"] == {"net-ops": 2, "sys-ops": 2}
    of_group = await figures(api, "group=net-ops")
    assert (of_group["total"], [row["active"] for row in of_group["live"]]) == (2, [2])


async def test_nothing_at_all_is_counted_too(api: Served) -> None:
    found = await figures(api, "per=day&since=2026-02-28T09:00:00Z")
    assert (found["total"], found["by_state"], found["live"]) == (0, {}, [])
    assert found["solved"] == {"total": 0, "recovered": 0, "by_tier": {}, "first_line_rate": None}
    assert found["response"] == {"met": 0, "missed": 0, "running": 0, "paused": 0, "rate": None}
    assert sum(span["opened"] for span in found["spans"]) == 0


async def test_targets_that_were_kept_and_missed(api: Served) -> None:
    """Severity 3: four hours to answer, forty-eight to resolve."""
    kept, late, waits, given_up = [await graded(api, title) for title in ("kept", "late", "waits", "given up")]
    await api.act(kept, "acknowledge", as_="desk")
    await api.act(kept, "resolve", SOLVE, as_="desk")
    await api.act(given_up, "cancel", {"reason": "a test"}, as_="desk")
    await api.act(waits, "acknowledge", as_="desk")
    await api.act(
        waits, "suspend", {"for": "customer", "reason": "asked", "resume_at": "2026-04-02T09:00:00Z"}, as_="desk"
    )
    at_once = await figures(api)
    assert at_once["response"] == {"met": 2, "missed": 0, "running": 1, "paused": 0, "rate": 1.0}
    assert at_once["resolution"] == {"met": 1, "missed": 0, "running": 1, "paused": 1, "rate": 1.0}
    api.clock.set(START + timedelta(hours=5))
    await api.act(late, "acknowledge", as_="desk")
    api.clock.set(START + timedelta(hours=49))
    found = await figures(api)
    assert found["response"] == {"met": 2, "missed": 1, "running": 0, "paused": 0, "rate": 0.6667}
    assert found["resolution"] == {"met": 1, "missed": 1, "running": 0, "paused": 1, "rate": 0.5}
    (live,) = found["live"]
    assert (live["severity"], live["active"], live["resolution_missed"], live["paused"]) == (3, 2, 1, 1)
    await api.act(late, "resolve", SOLVE, as_="desk")
    assert (await figures(api))["resolution"]["missed"] == 1, "what was solved late was missed all the same"


async def test_who_solved_it_and_what_came_back(api: Served) -> None:
    first, second, third = [await graded(api, title) for title in ("one", "two", "three")]
    for number in (first, second, third):
        await api.act(number, "acknowledge", as_="desk")
    await api.act(second, "handover", {"to": "l2", "reason": "beyond us"}, as_="desk")
    await api.act(second, "acknowledge", as_="desk")
    said = {**SOLVE, "resolution": 'he said "reopened": and "type":"auto_recovered"'}
    for number in (first, second, third):
        await api.act(number, "resolve", said, as_="desk")
    await api.act(third, "reject", {"reason": "it is not"}, as_="desk")
    found = await figures(api)
    assert found["solved"] == {"total": 2, "recovered": 0, "by_tier": {"l1": 1, "l2": 1}, "first_line_rate": 0.5}
    assert (found["reopened"], found["relapsed"], found["returned"]) == (1, 0, 0)
    await api.act(third, "resolve", said, as_="desk")
    assert (await figures(api))["reopened"] == 1, "once reopened is reopened, also when it was solved in the end"


async def test_first_and_final_category_are_compared_once_it_is_reviewed(api: Served) -> None:
    for title, final in (("one", "power"), ("two", "power"), ("three", "hardware/till")):
        number = await graded(api, title, category="hardware/till")
        await api.act(number, "acknowledge", as_="desk")
        await api.act(number, "resolve", SOLVE, as_="desk")
        await api.act(number, "accept", {"by": "Bob", "via": "phone"}, as_="desk")
        await api.act(number, "archive", {"final_category": final, "final_severity": 3})
    await graded(api, "four", category="hardware/till")
    assert (await figures(api))["reclassified"] == {
        "reviewed": 3,
        "changed": 2,
        "rate": 0.6667,
        "pairs": [{"initial": "hardware/till", "final": "power", "count": 2}],
    }


async def test_days_weeks_and_months_begin_in_the_zone_of_the_pack(api: Served) -> None:
    """The pack is at home in Shanghai: there a day begins at 16:00 UTC."""
    await graded(api, "before midnight", reported_at="2026-03-01T15:59:59Z")
    await graded(api, "at midnight", reported_at="2026-03-01T16:00:00Z")
    await graded(api, "on Monday")
    found = await figures(api, "since=2026-02-28T16:00:00Z&until=2026-03-03T16:00:00Z&per=day")
    assert [(s["from_at"], s["opened"]) for s in found["spans"]] == [
        ("2026-02-28T16:00:00.000Z", 1),
        ("2026-03-01T16:00:00.000Z", 2),
        ("2026-03-02T16:00:00.000Z", 0),
    ]
    weeks = await figures(api, "since=2026-02-25T16:00:00Z&until=2026-03-05T00:00:00Z&per=week")
    assert [(s["from_at"], s["opened"]) for s in weeks["spans"]] == [
        ("2026-02-25T16:00:00.000Z", 1),
        ("2026-03-01T16:00:00.000Z", 2),
    ]
    months = await figures(api, "since=2026-02-10T00:00:00Z&until=2026-03-05T00:00:00Z&per=month")
    assert [s["from_at"] for s in months["spans"]][1:] == ["2026-02-28T16:00:00.000Z"]
    assert [s["opened"] for s in months["spans"]] == [0, 3]
    assert (await figures(api, "since=2026-03-02T00:00:00Z"))["total"] == 1


@pytest.mark.parametrize(
    "query", ["since=2025-01-01T00:00:00Z", "since=2026-03-03T00:00:00Z", "since=2025-10-01T00:00:00Z&per=day"]
)
async def test_a_period_that_cannot_be_counted_is_refused(query: str, api: Served) -> None:
    assert (await api.get(f"{PATH}?{query}")).status == 422


async def test_a_customer_counts_their_own_and_a_vendor_nothing(api: Served) -> None:
    await graded(api, "theirs", reporter="cus")
    await graded(api, "another's", reporter="Bob")
    assert [(await figures(api, as_=who))["total"] for who in ("cus", "desk", "vic", "root", "sal")] == [1, 2, 2, 2, 2]
    found = await figures(api, as_="cus")
    assert [row["active"] for row in found["live"]] == [1]
    assert (await api.get(PATH, as_="ven")).status == 403


async def test_names_beyond_the_most_frequent_are_the_others_and_the_newest_are_counted(api: Served) -> None:
    for name in range(102):
        await graded(api, "x", category=f"c/{name:03}")
    await graded(api, "x", category="c/101")
    by = (await figures(api))["by_category"]
    assert (len(by), by["c/101"], by["(others)"], sum(by.values())) == (101, 2, 2, 103)
    far: datetime = START + timedelta(days=1)
    asked = Asked(Actor("pat", frozenset({"pm"})), START - timedelta(days=1), far, None, far)
    cut = await Counts(api.daemon.engine, most=2).count(asked)
    assert (cut.flags["opened"], set(cut.by["category"])) == (2, {"c/101"})


async def test_the_command_line_prints_them(api: Served) -> None:
    number = await graded(api, "till", category="hardware/till")
    await api.act(number, "acknowledge", as_="desk")
    await api.act(number, "resolve", SOLVE, as_="desk")
    environment = {"TOCSIN_URL": api.url, "TOCSIN_TOKEN": await api.token("desk")}
    words = ["incident", "statistics", "--since", "2026-03-01T09:00:00Z", "--per", "day"]
    done = await asyncio.to_thread(CliRunner().invoke, main, words, env=environment)
    assert done.exit_code == 0, done.output
    assert "1 incident(s) opened from 2026-03-01T09:00" in done.output
    assert "category hardware/till" in done.output
    assert "first line: 100.0%" in done.output
    as_json = await asyncio.to_thread(CliRunner().invoke, main, [*words, "--json"], env=environment)
    assert '"hardware/till": 1' in as_json.output


async def test_what_engineers_said_of_known_errors_is_summed_up_and_told_to_no_outsider(api: Served) -> None:
    nothing = (await figures(api))["known_errors"]
    assert (nothing["precision"], nothing["judged"]) == (None, 0)
    said = {
        "used": "dns-failing",
        "helped_partly": "dns-failing",
        "did_not_work": "host-down",
        "not_applicable": "cpu-high",
    }
    for outcome, name in said.items():
        number = await graded(api, outcome)
        await api.act(number, "feedback", {"known_error": name, "outcome": outcome})
    found = (await figures(api))["known_errors"]
    assert found == {**dict.fromkeys(said, 1), "precision": 0.5, "judged": 3, "demoted": 0}
    await api.act(number, "feedback", {"known_error": "cpu-high", "outcome": "used"})
    assert (await figures(api))["known_errors"]["precision"] == 0.75, "the last word counts"
    assert (await figures(api, as_="cus"))["known_errors"] is None
