"""Problems, changes, configuration items, briefs and links over the API."""

from typing import Any

import pytest

from tests.agent.http.serving import Served

RFC = {"title": "grow the disk", "risk": "low", "plan": "lvextend", "back_out": "none needed"}


async def test_a_problem_is_opened_diagnosed_and_written_as_a_known_error(api: Served) -> None:
    number = await api.open_incident()
    made = await api.post("/api/v1/problems", {"title": "disks fill", "incidents": [number]}, as_="ana")
    assert (made.status, made.body["state"], made.body["why"]["code"]) == (201, "open", "problem_person")
    path = made.headers["Location"]
    assert (await api.get(f"{path}/known-error")).status == 422
    known = {"root_cause": "no rotation", "workaround": "delete old logs"}
    assert (await api.post(f"{path}/diagnose", known, as_="ana")).body["state"] == "known_error"
    draft = (await api.get(f"{path}/known-error")).body
    assert draft["file"] == "knowledge/prb-0001.md"
    assert "## Workaround\n\ndelete old logs" in draft["text"]
    (link,) = [x for x in (await api.get(f"/api/v1/incidents/{number}")).body["links"] if x["kind"] == "problem"]
    assert (link["target"], link["by"]) == (made.body["number"], "ana")
    refused = await api.post(f"{path}/close", {}, as_="pat")
    assert (refused.status, refused.body["allowed"]) == (409, ["diagnose", "resolve", "link"])
    assert (await api.post("/api/v1/problems/PRB-0099/close", {}, as_="pat")).status == 404


async def test_problems_and_changes_are_listed_newest_first_page_by_page(api: Served) -> None:
    for place in range(3):
        await api.post("/api/v1/problems", {"title": f"problem {place}"})
        await api.post("/api/v1/changes", {**RFC, "title": f"change {place}"})
    for kind in ("problems", "changes"):
        first = (await api.get(f"/api/v1/{kind}?limit=2")).body
        rest = (await api.get(f"/api/v1/{kind}?limit=2&cursor={first['next']}")).body
        assert [i["title"][-1] for i in (*first["items"], *rest["items"])] == ["2", "1", "0"]
        assert rest["next"] is None
    assert (await api.get("/api/v1/problems?state=proposed")).items == []


async def test_a_change_is_raised_from_an_incident_and_approved_by_another(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    raised = await api.post("/api/v1/changes", {**RFC, "incident": number}, as_="ana")
    assert (raised.status, raised.body["incident"]) == (201, number)
    path = raised.headers["Location"]
    assert (await api.get(f"/api/v1/incidents/{number}")).body["state"] == "pending_change"
    assert (await api.post(f"{path}/approve", {}, as_="ana")).status == 403
    approved = await api.post(f"{path}/approve", {}, as_="dora")
    assert (approved.body["state"], approved.body["approver"]) == ("approved", "dora")
    assert (await api.post(f"{path}/approve", {}, as_="dora")).body["version"] == approved.body["version"]
    assert (await api.post(f"{path}/complete", {"note": "done"}, as_="ana")).body["state"] == "done"
    assert (await api.get(f"/api/v1/incidents/{number}")).body["state"] == "in_progress"
    assert [c["number"] for c in (await api.get(f"/api/v1/changes?incident={number}")).items] == ["CHG-0001"]


async def test_a_configuration_item_is_written_over_and_added(api: Served) -> None:
    number = await api.open_incident()
    path = "/api/v1/configuration-items"
    body = {"location": "room 2", "reason": "moved", "incident": number}
    edited = (await api.call("PATCH", f"{path}/db-1", body, as_="ana")).body
    assert (edited["location"], edited["criticality"], edited["incidents"]) == ("room 2", "important", [number])
    assert [(e["author"], e["changes"]) for e in edited["edits"]] == [("ana", {"location": "room 2"})]
    added = await api.post(path, {"id": "rack-a", "kind": "rack", "reason": "new"}, as_="ana")
    assert added.status == 201
    assert (await api.post(path, {"id": "rack-a", "kind": "rack", "reason": "new"}, as_="ana")).status == 409
    assert (await api.call("PATCH", f"{path}/db-1", {"depends_on": ["nowhere"], "reason": "x"})).status == 409
    assert (await api.call("PATCH", f"{path}/db-1", {"criticality": "low", "reason": "x"}, as_="ana")).status == 403
    assert (await api.call("PATCH", f"{path}/nothing", {"kind": "x", "reason": "x"})).status == 404
    first = (await api.get(f"{path}?limit=1")).body
    rest = (await api.get(f"{path}?limit=1&cursor={first['next']}")).body
    assert [i["id"] for i in (*first["items"], *rest["items"])] == ["db-1", "rack-a"]


@pytest.mark.parametrize(
    ("method", "item", "body", "status", "said"),
    [
        ("PATCH", "db-1", {"depends_on": ["rack-a"]}, 409, "stands on rack-a"),
        ("PATCH", "db-1", {"depends_on": ["db-1"]}, 409, "db-1 stands on db-1: nothing stands on itself"),
        ("PATCH", "db-1", {"depends_on": ["rack-b"]}, 409, "no configuration item 'rack-b' (did you mean 'rack-a'?)"),
        ("POST", "", {"id": "DB-1"}, 409, "there is a configuration item 'db-1' already: change that one"),
        ("POST", "", {"id": "new-1", "depends_on": ["RACK-A"]}, 409, "(did you mean 'rack-a'?)"),
        ("POST", "", {"id": "new-1", "depends_on": ["new-1"]}, 409, "new-1 stands on new-1"),
        ("PATCH", "DB-1", {"owner": "wei"}, 404, "(did you mean 'db-1'?)"),
    ],
)
async def test_what_files_are_refused_for_is_refused_over_the_api_and_changes_nothing(
    api: Served, method: str, item: str, body: dict[str, Any], status: int, said: str
) -> None:
    path = "/api/v1/configuration-items"
    await api.post(path, {"id": "rack-a", "kind": "rack", "depends_on": ["db-1"], "reason": "new"}, as_="ana")
    before = (await api.get(path)).body
    url = f"{path}/{item}" if item else path
    refused = await api.call(method, url, {**body, "reason": "x"}, as_="ana")
    assert (refused.status, said in refused.body["detail"]) == (status, True), refused.body
    assert (await api.get(path)).body == before
    assert (await api.call("PATCH", f"{path}/rack-a", {"owner": "wei", "reason": "x"}, as_="ana")).status == 200


async def test_the_brief_of_a_major_incident_leaves_nothing_out(api: Served) -> None:
    number = await api.open_incident()
    assert (await api.act(number, "brief", {"casualties": "none"})).status == 409
    assert (await api.act(number, "declare-major", {"reason": "all tills stand"})).body["major"]["code"] == "person"
    assert (await api.act(number, "brief", {"casualties": "none"})).status == 200
    brief = (await api.get(f"/api/v1/incidents/{number}/brief", headers={"Accept-Language": "zh"})).body
    assert (brief["major"], brief["complete"]) == (True, False)
    said = {line["name"]: line["text"] for line in brief["fields"]}
    assert (said["casualties"], said["estimated_direct_loss"]) == ("none", "待核实")
    assert len(said) == 16


async def test_links_are_refused_for_what_does_not_exist_and_made_once(api: Served) -> None:
    number = await api.open_incident()
    assert (await api.act(number, "link", {"kind": "change", "target": "CHG-0009"})).status == 409
    linked = await api.act(number, "link", {"kind": "known_error", "target": "disk-space-low"})
    assert ("known_error", "disk-space-low") in {(x["kind"], x["target"]) for x in linked.body["links"]}
    again = await api.act(number, "link", {"kind": "known_error", "target": "disk-space-low"})
    assert again.body["version"] == linked.body["version"]
