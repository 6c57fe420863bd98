"""Who may call what: tokens, roles, and what outsiders see."""

import asyncio
import base64
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from agent import tokens
from agent.evidence import examine
from agent.http.api import routes_of
from agent.http.auth import ACCESS, may, token_in
from agent.intents import ConfigChanged
from agent.storage.store import AuditRow, TokenRow
from agent.tokens import Known
from correlation.incident import Action
from correlation.permission import WHO_MAY, Actor
from tests.agent.http.serving import LINK_DOWN, Served
from tests.real.running import until

EVERY = {"desk", "l1", "l2", "pm", "dept_manager", "sales", "ops", "viewer", "customer", "vendor", "reporter"}
INSIDE = EVERY - {"customer", "vendor", "reporter"}
ON_CALL = INSIDE - {"viewer"}
SILENCES = {"desk", "l1", "l2", "pm"}
SOLVING = {"desk", "l1", "l2", "pm", "dept_manager"}
MATRIX = {
    "list_incidents": EVERY,
    "get_incident": EVERY,
    "get_timeline": EVERY,
    "get_why": EVERY,
    "get_plan": EVERY,
    "report_incident": EVERY - {"vendor", "viewer"},
    "edit_incident": {"desk", "l1", "l2", "pm"},
    "archive_incidents": {"pm"},
    "erase_person": {"ops"},
    "list_attachments": EVERY,
    "get_attachment": EVERY,
    "attach": EVERY,
    "get_statistics": EVERY - {"vendor"},
    "list_alerts": INSIDE,
    "list_pages": INSIDE,
    "list_dead_letters": INSIDE,
    "get_oncall": INSIDE,
    "list_shifts": INSIDE,
    "list_overrides": INSIDE,
    "create_override": ON_CALL,
    "end_override": ON_CALL,
    "create_swap": ON_CALL,
    "import_calendar": ON_CALL,
    "get_calendar": INSIDE,
    "get_me": EVERY,
    "list_notices": INSIDE,
    "hold_notice": ON_CALL,
    "release_notice": ON_CALL,
    "edit_notice": ON_CALL,
    "list_callbacks": INSIDE,
    "list_rounds": INSIDE,
    "record_round": ON_CALL,
    "list_silences": INSIDE,
    "create_silence": SILENCES,
    "end_silence": SILENCES,
    "list_known_errors": INSIDE,
    "list_automation_runs": INSIDE,
    "get_automation_run": INSIDE,
    "approve_automation_run": {"desk", "l1", "l2", "pm", "dept_manager", "ops"},
    "decline_automation_run": {"desk", "l1", "l2", "pm", "dept_manager", "ops"},
    "get_known_error": INSIDE,
    "write_known_error": {"desk", "l1", "l2", "pm", "ops"},
    "edit_known_error": {"desk", "l1", "l2", "pm", "ops"},
    "list_configuration_items": INSIDE,
    "get_configuration_item": INSIDE,
    "add_configuration_item": {"desk", "l1", "l2", "pm", "ops"},
    "edit_configuration_item": {"desk", "l1", "l2", "pm", "ops"},
    "get_brief": INSIDE,
    "list_problems": INSIDE,
    "get_problem": INSIDE,
    "draft_known_error": INSIDE,
    "open_problem": SOLVING,
    "take_up_problem": {"pm", "dept_manager"},
    "decline_problem": {"pm", "dept_manager"},
    "diagnose_problem": SOLVING,
    "resolve_problem": SOLVING,
    "reopen_problem": {"pm", "dept_manager"},
    "close_problem": {"pm", "dept_manager"},
    "link_problem": SOLVING,
    "list_improvements": INSIDE,
    "get_improvement": INSIDE,
    "suggest_improvement": ON_CALL,
    "accept_improvement": {"pm", "dept_manager"},
    "decline_improvement": {"pm", "dept_manager"},
    "complete_improvement": {"pm", "dept_manager"},
    "list_changes": INSIDE,
    "get_change": INSIDE,
    "request_change": {"desk", "l1", "l2", "pm"},
    "approve_change": {"pm", "dept_manager"},
    "refuse_change": {"pm", "dept_manager"},
    "withdraw_change": {"desk", "l1", "l2", "pm"},
    "complete_change": {"desk", "l1", "l2", "pm"},
    "back_out_change": {"desk", "l1", "l2", "pm"},
    "events": EVERY,
    "openapi": EVERY,
    "v2_status": INSIDE,
    "v2_alerts": INSIDE,
    "v2_alert_groups": INSIDE,
    "v2_receivers": INSIDE,
    "v2_silences": INSIDE,
    "v2_get_silence": INSIDE,
    "v2_post_silence": SILENCES,
    "v2_delete_silence": SILENCES,
    "reload": {"ops"},
}
"""Role x route; acts on incidents are in correlation/permission.py."""


@pytest.mark.parametrize("operation", sorted(ACCESS))
def test_the_table_of_roles_and_routes_is_as_it_was_decided(operation: str) -> None:
    found = {role for role in EVERY if may(Actor("somebody", frozenset({role})), operation)}
    if operation.replace("_", "-") in list(Action):
        assert found == EVERY, "the incident decides"
    else:
        assert found == MATRIX[operation]


def test_leads_directors_and_executives_have_the_rights_of_others() -> None:
    assert may(Actor("x", frozenset({"l1_lead"})), "create_silence")
    assert may(Actor("x", frozenset({"executive"})), "report_incident")
    assert not may(Actor("x", frozenset({"executive"})), "create_silence")


async def test_no_route_lacks_its_line_in_the_table(api: Served) -> None:
    from tests.agent.http.test_openapi import api_of

    assert {route.name for route in routes_of(api_of(api))} <= set(ACCESS)


async def test_a_viewer_reads_everything_and_changes_nothing(api: Served) -> None:
    from tests.agent.http.test_openapi import api_of

    number = await api.open_incident()
    problem = (await api.post("/api/v1/problems", {"title": "disks fill"})).body["number"]
    found = {"root_cause": "no rotation", "workaround": "delete logs"}
    await api.post(f"/api/v1/problems/{problem}/diagnose", found)
    raised = {"title": "grow", "risk": "low", "plan": "lvextend", "back_out": "none"}
    change = (await api.post("/api/v1/changes", raised)).body["number"]
    path = f"/api/v1/incidents/{number}/attachments"
    attached = await api.call("POST", path, data=b"x", headers={"Content-Type": "text/plain"})
    ids = {"number": number, "problem": problem, "change": change, "item": "db-1", "known_error": "disk-space-low"}
    ids["run"] = str(await api.propose_action())
    ids |= {"notice": "1", "round": "room"}
    said = {"title": "label the breakers", "text": "nobody knew which was which"}
    ids["improvement"] = (await api.post("/api/v1/improvements", said)).body["number"]
    ids["attachment"] = attached.body["id"]
    for route in routes_of(api_of(api)):
        path = route.path.format(**ids, id="00000000-0000-4000-8000-000000000000")
        answered = await api.call(route.method, path, as_="vic")
        assert answered.status == (200 if route.method == "GET" else 403), route


@pytest.mark.parametrize("action", list(Action))
async def test_who_may_not_act_is_told_who_may(api: Served, action: Action) -> None:
    number = await api.open_incident()
    answered = await api.act(number, str(action), {}, as_="vic")
    assert answered.status == 403
    assert next(iter(WHO_MAY[action])) in answered.body["detail"]


# tokens


async def test_absent_unknown_revoked_and_expired_tokens_get_one_answer(api: Served) -> None:
    await api.token("ana")
    writer, now = api.daemon.writer, api.clock.now()
    late = await tokens.create(writer, person="ana", now=now, expires_at=now + timedelta(seconds=1))
    gone = await tokens.create(writer, person="nobody", now=now)
    source = await tokens.create(writer, source="am", now=now)
    ended = await tokens.create(writer, person="luis", now=now)
    (row,) = [t for t in await tokens.listed(writer) if t.person == "luis"]
    await tokens.revoke(writer, row.id, now)
    api.clock.set(now + timedelta(seconds=2))
    sent = ["", "Bearer", "Bearer ", "Bearer x", "Bearer tcs_x", "Bearer " + "t" * 5000, "Basic !", "Token x"]
    sent += [f"Bearer {token}" for token in (late, gone, source, ended, "tcs_" + "é" * 43)]
    answers = [await api.get("/api/v1/me", as_="", headers={"Authorization": s} if s else {}) for s in sent]
    assert {a.status for a in answers} == {401}
    assert len({a.text for a in answers}) == 1
    assert {a.headers["WWW-Authenticate"] for a in answers} == {"Bearer"}


async def test_a_revoked_token_is_refused_within_moments(api: Served) -> None:
    assert (await api.get("/api/v1/me", as_="ana")).status == 200
    (row,) = [t for t in await tokens.listed(api.storage) if t.person == "ana"]
    await tokens.revoke(api.storage, row.id, api.clock.now())

    async def refused() -> bool:
        return (await api.get("/api/v1/me", as_="ana")).status == 401

    await until(refused, "the token is refused", within=10)


def test_what_is_known_of_a_token_is_forgotten_after_its_life_and_beyond_its_bound() -> None:
    async def look() -> tuple[int | None, int | None, int | None]:
        known: Known[int] = Known(most=1, life_s=60)
        known.put("a", 1)
        known.put("b", 2)
        old: Known[int] = Known(life_s=-1)
        old.put("c", 3)
        return known.get("a"), known.get("b"), old.get("c")

    assert asyncio.run(look()) == (None, 2, None)


@pytest.mark.parametrize(("who", "status"), [("ana", 403), ("nobody", 401)])
async def test_a_reload_is_for_ops(api: Served, who: str, status: int) -> None:
    answered = await api.call("POST", "/-/reload", as_=who if who != "nobody" else "")
    assert (answered.status, answered.body["status"]) == (status, status)
    assert answered.headers["Content-Type"] == "application/problem+json"


async def test_a_file_that_cannot_be_read_keeps_what_is_in_force_also_where_nobody_asked_over_the_api(
    api: Served, tmp_path: Path
) -> None:
    before, people = api.daemon.in_force.config, tmp_path / "site" / "people.yaml"
    people.unlink()
    people.symlink_to("/proc/self/mem")  # the first byte of it cannot be read, by root either
    (fault,) = [f for f in await api.daemon.in_force.reload("SIGHUP") if f.startswith("people.yaml")]
    assert fault.startswith("people.yaml:1:1: it cannot be read (Input/output error): check its permissions")
    assert api.daemon.in_force.config is before


async def test_a_token_is_nowhere_in_the_store(api: Served) -> None:
    token = await api.token("ana")
    await api.get("/api/v1/me", as_="ana")
    path = api.storage.removeprefix("sqlite:///")
    for file in Path(path).parent.glob("tocsin.db*"):
        if not file.name.endswith((".lock", ".reserve")):
            assert token.encode() not in file.read_bytes()


async def test_making_and_ending_a_token_is_audited_beside_a_running_daemon(api: Served) -> None:
    await tokens.create(api.storage, person="ana", now=api.clock.now(), by="root")
    number = await api.report("the daemon goes on")
    assert number
    await api.daemon.pipeline.submit(ConfigChanged(api.daemon.config, "root"))
    async with AsyncSession(api.daemon.engine) as session:
        rows = (await session.exec(select(AuditRow))).all()
    assert [(r.who, r.what) for r in rows if r.who == "root"] == [("root", "token created"), ("root", "reload")]


async def test_the_first_token_is_made_once(api: Served) -> None:
    assert api.daemon.first_token is not None
    me = await api.get("/api/v1/me", as_="", headers={"Authorization": f"Bearer {api.daemon.first_token}"})
    assert (me.body["id"], me.body["roles"]) == ("admin", ["ops", "pm"])
    await api.daemon.note_told()
    assert await tokens.first_token(api.daemon.writer, api.clock.now()) is None


async def test_a_first_token_that_nobody_was_told_makes_way_for_another(api: Served) -> None:
    """The daemon ended between its commit and its words, even twice."""
    again = await tokens.first_token(api.daemon.writer, api.clock.now())
    shown = await tokens.first_token(api.daemon.writer, api.clock.now())
    assert again and shown
    await tokens.note_told(api.daemon.writer)
    for token, status in ((api.daemon.first_token, 401), (again, 401), (shown, 200)):
        assert (await api.get("/api/v1/me", as_="", headers={"Authorization": f"Bearer {token}"})).status == status
    assert [t.person for t in await tokens.listed(api.daemon.writer)].count("admin") == 1
    assert (await examine(api.storage)).faults == []


async def test_who_has_a_token_beside_an_untold_one_is_given_no_other(api: Served) -> None:
    await tokens.create(api.storage, person="ana", now=api.clock.now())
    assert await tokens.first_token(api.daemon.writer, api.clock.now()) is None


async def test_the_key_of_links_survives_a_start_and_logs_nobody_in(api: Served) -> None:
    assert await tokens.link_secret(api.daemon.writer, api.clock.now()) == api.daemon.secret
    async with AsyncSession(api.daemon.engine) as session:
        (row,) = (await session.exec(select(TokenRow).where(TokenRow.id == "links"))).all()
    assert (row.person, row.source) == (None, None)
    assert all(t.id != "links" for t in await tokens.listed(api.daemon.writer))


async def test_a_source_token_names_its_source(api: Served) -> None:
    source = await tokens.create(api.daemon.writer, source="am", now=api.clock.now())
    assert await tokens.source_of(source, api.daemon.engine) == "am"
    assert await tokens.source_of(await api.token("ana"), api.daemon.engine) is None
    assert await tokens.source_of("tcs_none", api.daemon.engine) is None


def test_a_password_of_basic_is_taken_for_a_token() -> None:
    assert token_in("Basic " + base64.b64encode(b"any:tcs_a:b").decode()) == "tcs_a:b"
    assert token_in("bearer tcs_a") == "tcs_a"


# outsiders


async def test_a_customer_sees_what_is_theirs_and_nothing_else(api: Served) -> None:
    alien = await api.open_incident()
    mine = await api.report("my screen is black", as_="cus", reporter="ana")
    assert [i["number"] for i in (await api.get("/api/v1/incidents", as_="cus")).items] == [mine]
    assert (await api.get(f"/api/v1/incidents/{mine}", as_="cus")).body["record"]["reporter"] == "cus"
    for path in (alien, f"{alien}/timeline", f"{alien}/why", f"{alien}/plan"):
        assert (await api.get(f"/api/v1/incidents/{path}", as_="cus")).status == 404
    assert (await api.act(alien, "note", {"text": "x"}, as_="cus")).status == 404
    assert (await api.act(mine, "note", {"text": "x"}, as_="cus")).status == 200
    assert (await api.act(mine, "cancel", {"reason": "x"}, as_="cus")).status == 403


@pytest.mark.parametrize("who", ["cus", "ven", "vic"])
async def test_what_is_not_there_or_not_theirs_comes_before_who_may(api: Served, who: str) -> None:
    alien, none = await api.open_incident(), "INC-20260302-9999"
    seen = 403 if who == "vic" else 404
    for number, status in ((alien, seen), (none, 404)):
        edited = await api.call("PATCH", f"/api/v1/incidents/{number}", {"title": "x"}, as_=who)
        assert edited.status == status
    assert (await api.get(f"/api/v1/incidents/{none}/brief", as_=who)).status == 404
    assert (await api.get(f"/api/v1/incidents/{alien}/brief", as_=who)).status == (200 if who == "vic" else 404)


async def test_a_vendor_sees_what_its_group_was_given(api: Served) -> None:
    number, other = await api.open_incident(), await api.open_incident(LINK_DOWN)
    assert (await api.get("/api/v1/incidents", as_="ven")).items == []
    await api.act(number, "assign", {"group": "acme"})
    assert [i["number"] for i in (await api.get("/api/v1/incidents", as_="ven")).items] == [number]
    assert (await api.act(number, "acknowledge", as_="ven")).status == 200
    assert (await api.get(f"/api/v1/incidents/{other}", as_="ven")).status == 404
    assert (await api.get("/api/v1/alerts", as_="ven")).status == 403
