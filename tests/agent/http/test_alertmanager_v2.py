"""Alertmanager's API as its own tool sees it, and what the tool does not show."""

import asyncio
import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.agent.http.serving import DISK_FULL, LINK_DOWN, Served
from tests.house import alert
from tests.real.running import PATIENCE, give_to_nobody, without_rights

SILENCE = {
    "matchers": [{"name": "alertname", "value": "DiskFull", "isRegex": False, "isEqual": True}],
    "startsAt": "2026-03-02T08:00:00Z",
    "endsAt": "2026-03-02T10:00:00Z",
    "createdBy": "somebody",
    "comment": "new disks",
}


async def test_alerts_stand_as_alertmanager_shows_them(api: Served) -> None:
    await api.receive(alert(DISK_FULL), alert(LINK_DOWN))
    found = (await api.get("/api/v2/alerts")).body
    assert [a["labels"]["alertname"] for a in sorted(found, key=lambda a: a["labels"]["alertname"])] == [
        "DiskFull",
        "LinkDown",
    ]
    for one in found:
        assert one["status"] == {"inhibitedBy": [], "silencedBy": [], "mutedBy": [], "state": "active"}
        assert datetime.fromisoformat(one["endsAt"]) > datetime.fromisoformat(one["updatedAt"])
        assert {"fingerprint", "startsAt", "receivers", "generatorURL", "annotations"} <= set(one)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ('filter=alertname="DiskFull"', 1),
        ("filter=alertname%3D~%22.*Full%22&filter=severity!=critical", 0),
        ("receiver=sys-.*", 1),
        ("active=false", 0),
        ("silenced=false", 2),
    ],
)
async def test_alerts_are_filtered_as_alertmanager_does(api: Served, query: str, count: int) -> None:
    await api.receive(alert(DISK_FULL), alert(LINK_DOWN))
    assert len((await api.get(f"/api/v2/alerts?{query}")).body) == count


@pytest.mark.parametrize("query", ["filter=x", "filter=a%3D~(", "receiver=(", "active=maybe"])
async def test_a_bad_filter_is_400_and_a_json_string(api: Served, query: str) -> None:
    answered = await api.get(f"/api/v2/alerts?{query}")
    assert answered.status == 400
    assert isinstance(answered.body, str)


async def test_a_group_is_an_incident(api: Served) -> None:
    number = await api.open_incident()
    (group,) = (await api.get("/api/v2/alerts/groups")).body
    assert (group["labels"], group["receiver"]["name"], len(group["alerts"])) == (
        {"incident": number},
        "sys-ops",
        1,
    )
    assert {"name": "sys-ops"} in (await api.get("/api/v2/receivers")).body


async def test_a_silence_is_made_shown_changed_and_ended(api: Served) -> None:
    made = await api.post("/api/v2/silences", SILENCE, as_="ana")
    silence = made.body["silenceID"]
    await api.receive(alert(DISK_FULL))
    (held,) = (await api.get("/api/v2/alerts")).body
    assert held["status"] == {"inhibitedBy": [], "silencedBy": [silence], "mutedBy": [], "state": "suppressed"}
    shown = (await api.get(f"/api/v2/silence/{silence}")).body
    assert (shown["status"], shown["createdBy"], shown["matchers"]) == (
        {"state": "active"},
        "ana",
        SILENCE["matchers"],
    )
    longer = {**SILENCE, "id": silence, "endsAt": "2026-03-02T11:00:00Z"}
    assert (await api.post("/api/v2/silences", longer, as_="ana")).body["silenceID"] == silence
    other = {**longer, "matchers": [{"name": "alertname", "value": "Link.*", "isRegex": True}]}
    fresh = (await api.post("/api/v2/silences", other, as_="ana")).body["silenceID"]
    states = {s["id"]: s["status"]["state"] for s in (await api.get("/api/v2/silences")).body}
    assert states == {silence: "expired", fresh: "active"}
    assert len((await api.get("/api/v2/silences?filter=alertname=DiskFull")).body) == 1
    assert (await api.call("DELETE", f"/api/v2/silence/{fresh}", as_="ana")).status == 200
    assert (await api.get(f"/api/v2/silence/{fresh}")).body["status"]["state"] == "expired"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"endsAt": "2026-03-02T08:30:00Z"}, 400, id="over already"),
        pytest.param({"endsAt": "soon"}, 400, id="no moment"),
        pytest.param({"matchers": []}, 400, id="no matcher"),
        pytest.param({"matchers": [{"name": "a", "value": ".*", "isRegex": True}]}, 400, id="everything"),
        pytest.param({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, 400, id="no regex"),
        pytest.param({"id": "00000000-0000-4000-8000-000000000000"}, 404, id="not there"),
    ],
)
async def test_a_silence_that_cannot_be_meant_is_refused(api: Served, changes: dict[str, Any], status: int) -> None:
    answered = await api.post("/api/v2/silences", {**SILENCE, **changes})
    assert (answered.status, type(answered.body)) == (status, str)
    assert (await api.get("/api/v2/silences")).body == []


async def test_a_silence_that_is_sent_twice_under_one_key_is_put_once(api: Served) -> None:
    key = {"Idempotency-Key": "s-1"}
    first = await api.post("/api/v2/silences", SILENCE, headers=key)
    again = await api.post("/api/v2/silences", SILENCE, headers=key)
    assert (first.status, again.status, first.body) == (200, 200, again.body)
    assert (await api.post("/api/v2/silences", {**SILENCE, "comment": "other"}, headers=key)).status == 422
    assert [s["id"] for s in (await api.get("/api/v2/silences")).body] == [first.body["silenceID"]]


async def test_without_a_token_alertmanagers_api_says_nothing(api: Served) -> None:
    for path in ("status", "alerts", "alerts/groups", "receivers", "silences", "silence/x"):
        assert (await api.get(f"/api/v2/{path}", as_="")).status == 401
    assert (await api.post("/api/v2/silences", SILENCE, as_="vic")).status == 403


async def amtool(api: Served, directory: Path, person: str, *words: str, basic: bool = False) -> str:
    """What Debian's amtool prints when `person` calls."""
    token = await api.token(person)
    sent: dict[str, Any] = {"authorization": {"credentials": token}}
    if basic:
        sent = {"basic_auth": {"username": person, "password": token}}
    home = give_to_nobody(directory / "amtool")
    (home / "http.yml").write_text(json.dumps(sent))
    command = [
        *without_rights(), "amtool", f"--alertmanager.url={api.url}", f"--http.config.file={home / 'http.yml'}",
        "--no-version-check", *words,
    ]  # fmt: skip
    ran = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd="/",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)},
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()
    return ran.stdout.decode()


@pytest.mark.real("amtool")
@pytest.mark.parametrize("basic", [False, True], ids=["bearer", "basic"])
async def test_amtool_queries_alerts_and_adds_queries_and_expires_silences(
    api: Served, open_dir: Path, basic: bool
) -> None:
    await api.receive(alert(DISK_FULL), alert(LINK_DOWN))

    async def tool(*words: str) -> str:
        return await amtool(api, open_dir, "ana", *words, basic=basic)

    found = json.loads(await tool("alert", "query", "-o", "json", "alertname=DiskFull"))
    assert [a["labels"]["instance"] for a in found] == ["db-1:9100"]
    assert "LinkDown" in await tool("alert", "query")
    # amtool asks the wall clock what is over, and the daemon of this test stands in March 2026.
    starts, ends = "2026-03-02T09:00:00Z", "2199-01-01T00:00:00Z"
    silence = (
        await tool("silence", "add", "alertname=~Disk.*", "--comment=new disks", f"--start={starts}", f"--end={ends}")
    ).strip()
    (shown,) = json.loads(await tool("silence", "query", "-o", "json"))
    assert (shown["id"], shown["createdBy"], shown["matchers"][0]["isRegex"]) == (silence, "ana", True)
    assert json.loads(await tool("alert", "query", "-o", "json", "--silenced"))[0]["status"]["silencedBy"] == [silence]
    await tool("silence", "expire", silence)
    assert json.loads(await tool("silence", "query", "-o", "json")) == []
