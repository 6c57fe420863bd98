"""Incidents over the API: their shape, lists, acts and the order of refusals."""

import zlib
from datetime import timedelta
from typing import Any

import pytest

from agent.cli.showing import headline
from agent.intents import Suggested
from agent.loops.paging import Briefing
from correlation.incident import FROM, Action, State
from tests.agent.http.serving import DISK_FULL, LINK_DOWN, Served
from tests.house import alert

SHAPE = {
    "number", "title", "state", "version", "kind", "source", "severity", "urgency", "impact", "category", "group",
    "tier", "assignee", "service", "opened_at", "acknowledged_at", "service_restored_at", "resolved_at",
    "response_due_at", "resolve_due_at", "paused", "next_step", "root", "alerts", "known_errors", "merged_into",
    "recurrence_of",
}  # fmt: skip
"""The keys of an incident in docs/api.md, and `record` with the rest of the form."""


async def test_an_incident_has_exactly_the_shape_of_the_contract(api: Served) -> None:
    number = await api.open_incident()
    found = (await api.get(f"/api/v1/incidents/{number}")).body
    assert set(found) == SHAPE | {"held", "record", "commander", "major", "links", "restricted", "no_known_error"}
    assert found["opened_at"] == "2026-03-02T09:00:00.000Z"
    assert found["next_step"]["step"] == "2/r50"
    assert found["next_step"]["targets"] == ["luis", "ana"]
    assert found["root"] == {
        "fingerprint": found["alerts"][0]["fingerprint"],
        "startsAt": "2026-03-02T08:59:00.5Z",
        "why": found["root"]["why"],
    }
    assert set(found["root"]["why"]) == {"code", "facts", "text"}
    assert found["root"]["why"]["code"] == "likely_root"


async def test_what_stands_inside_alerts_keeps_alertmanagers_names_and_the_very_strings(api: Served) -> None:
    number = await api.open_incident()
    (found,) = (await api.get(f"/api/v1/incidents/{number}")).body["alerts"]
    assert set(found) == {
        "origin", "fingerprint", "startsAt", "endsAt", "status", "labels", "annotations", "count", "why",
        "generatorURL",
    }  # fmt: skip
    assert found["generatorURL"] == "http://prom-1:9090/graph"
    (listed,) = (await api.get("/api/v1/alerts")).items
    assert listed["generatorURL"] == "http://prom-1:9090/graph"
    assert (found["startsAt"], found["endsAt"], found["status"]) == (
        "2026-03-02T08:59:00.5Z",
        "0001-01-01T00:00:00Z",
        "firing",
    )
    await api.receive(alert(DISK_FULL, ends="2026-03-02T10:01:02.123456789+01:00"))
    (found,) = (await api.get(f"/api/v1/incidents/{number}")).body["alerts"]
    assert (found["endsAt"], found["status"]) == ("2026-03-02T10:01:02.123456789+01:00", "resolved")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("zh-CN,zh;q=0.9", "没有可并入的事件，因此新建事件（按规则 disk 分类）"),
        ("en", "no open incident took it in, so it opened this one (classified by rule disk)"),
        ("fr, zh;q=0.1", "没有可并入的事件，因此新建事件（按规则 disk 分类）"),
    ],
)
async def test_a_reason_is_said_in_the_language_that_the_reader_accepts(api: Served, header: str, said: str) -> None:
    number = await api.open_incident()
    found = (await api.get(f"/api/v1/incidents/{number}/why", headers={"Accept-Language": header})).items
    assert found[0]["why"] == {"code": "first_of_incident", "facts": {"rule": "disk"}, "text": said}


async def test_without_a_wish_the_language_is_the_persons_own(api: Served) -> None:
    number = await api.open_incident()
    (found, *_) = (await api.get(f"/api/v1/incidents/{number}/timeline", as_="wei")).items
    assert found["text"].startswith("建立事件")


async def test_the_timeline_says_what_happened_in_order_and_in_pieces(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    path = f"/api/v1/incidents/{number}/timeline"
    kinds, cursor = [], ""
    while True:
        page = (await api.get(f"{path}?limit=2{cursor}")).body
        kinds += [h["kind"] for h in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    whole = [h["kind"] for h in (await api.get(path)).items]
    assert kinds == whole
    assert (whole[0], whole[-1]) == ("opened", "acknowledged")


async def test_the_root_that_a_person_sets_is_shown_with_them_and_why_says_so(api: Served) -> None:
    number = await api.open_incident()
    path = f"/api/v1/incidents/{number}"
    (alert,) = (await api.get(path)).body["alerts"]
    key = f"{alert['fingerprint']}@{alert['startsAt']}"
    unknown = await api.act(number, "set-root", {"alert": "ffff@2026-03-02T08:59:00Z"}, as_="ana")
    assert (unknown.status, "fingerprint" in unknown.body["detail"]) == (409, True)
    found = await api.act(number, "set-root", {"alert": key, "reason": "seen"}, as_="ana")
    assert (found.status, found.body["root"]["why"]["text"]) == (200, "ana said so: seen")
    (explained,) = (await api.get(f"{path}/why")).items
    assert explained["root"]["code"] == "person"
    told = (await api.get(f"{path}/timeline")).items[-1]
    assert (told["kind"], told["actor"], told["text"]) == ("root_set", "ana", "the root is DiskFull: seen")


async def test_the_plan_says_which_day_gave_how_many_minutes(api: Served) -> None:
    number = await api.open_incident()
    steps = {s["step"]: s for s in (await api.get(f"/api/v1/incidents/{number}/plan")).items}
    assert steps["2/p75"]["calendar"] == "24x7"
    assert steps["2/p75"]["days"] == [
        {
            "day": "2026-03-02",
            "minutes": 360.0,
            "from_at": "2026-03-02T09:00:00.000Z",
            "until": "2026-03-02T15:00:00.000Z",
            "official": True,
        }
    ]
    assert steps["2/c0"]["days"] == []


async def test_the_plan_names_steps_taken_with_their_record_and_steps_to_come_with_their_people(api: Served) -> None:
    number = await api.open_incident()
    steps = {s["step"]: s for s in (await api.get(f"/api/v1/incidents/{number}/plan")).items}
    assert steps["2/c0"]["outcome"] == "paged"
    assert "luis" in steps["2/c0"]["targets"]
    assert (steps["2/r50"]["outcome"], steps["2/r50"]["tell"]) == (None, ["l1", "oncall_second"])
    assert steps["2/r50"]["targets"] == ["luis", "ana"]
    await api.act(number, "acknowledge", as_="ana")
    steps = {s["step"]: s for s in (await api.get(f"/api/v1/incidents/{number}/plan")).items}
    assert (steps["2/r50"]["outcome"], steps["2/r50"]["why"]["code"]) == ("cancelled", "acknowledged")


async def test_the_plan_says_what_was_promised_and_which_group_had_it(api: Served) -> None:
    number = await api.open_incident()
    plan = (await api.get(f"/api/v1/incidents/{number}/plan")).body
    assert (plan["promised"]["severity"], plan["promised"]["resolve_s"], plan["promised"]["contracts"]) == (
        2,
        28800,
        [],
    )
    assert [(stay["group"], stay["left_at"]) for stay in plan["olas"]] == [("sys-ops", None)]


async def test_the_plan_shows_the_clock_of_each_vendor_that_was_called_beside_ours(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    before = (await api.get(f"/api/v1/incidents/{number}/plan")).body
    assert before["vendors"] == []
    await api.act(number, "call-vendor", {"vendor": "acme", "ticket": "T-1", "note": "dead"}, as_="ana")
    moments = {e["kind"]: e["at"] for e in (await api.get(f"/api/v1/incidents/{number}/timeline")).items}
    clock = {
        "vendor": "acme", "ticket": "T-1", "called_at": moments["vendor_called"], "by": "ana", "calendar": "24x7",
        "response_due_at": None, "resolve_due_at": None, "stopped_at": None,
    }  # fmt: skip
    plan = (await api.get(f"/api/v1/incidents/{number}/plan")).body
    assert plan["vendors"] == [clock]
    ours = {s["step"]: s["due_at"] for s in plan["items"]}
    assert {s["step"]: s["due_at"] for s in before["items"]}.items() <= ours.items()
    body = {"type": "permanent", "resolution": "r", "note": "n", "service_restored_at": "2026-03-02T09:00:00Z"}
    await api.act(number, "resolve", body, as_="ana")
    ended = (await api.get(f"/api/v1/incidents/{number}")).body["resolved_at"]
    assert (await api.get(f"/api/v1/incidents/{number}/plan")).body["vendors"] == [{**clock, "stopped_at": ended}]


@pytest.mark.parametrize(
    ("action", "body", "missing"),
    [
        ("call-vendor", {}, ["vendor", "note"]),
        ("call-vendor", {"vendor": "acme"}, ["note"]),
        ("callback", {}, ["reached", "persists"]),
        ("callback", {"reached": True}, ["persists"]),
        ("callback", {"reached": False, "persists": True}, ["reached"]),
    ],
)
async def test_what_a_call_lacks_is_named(api: Served, action: str, body: dict[str, Any], missing: list[str]) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    answered = await api.act(number, action, body)
    assert (answered.status, answered.body["missing"]) == (422, missing)


# lists


async def test_each_sort_walks_through_every_incident_once(api: Served) -> None:
    numbers = []
    for place in range(7):
        numbers.append(await api.report(f"trouble {place}", urgency=1 + place % 3, impact=2))
        api.clock.set(api.clock.now() + timedelta(seconds=1))
    await api.act(numbers[2], "cancel", {"reason": "none"})
    await api.act(numbers[4], "cancel", {"reason": "none"})
    for sort in ("due", "opened", "updated"):
        seen, cursor = [], ""
        while True:
            page = (await api.get(f"/api/v1/incidents?sort={sort}&limit=2{cursor}")).body
            seen += page["items"]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert sorted(i["number"] for i in seen) == numbers, sort
        if sort == "opened":
            assert [i["number"] for i in seen] == numbers[::-1]
        if sort == "updated":
            assert [i["number"] for i in seen[:2]] == [numbers[4], numbers[2]]
        if sort == "due":
            dues = [i["next_step"]["due_at"] for i in seen if i["next_step"]]
            assert dues == sorted(dues)
            assert {i["number"] for i in seen[-2:]} == {numbers[2], numbers[4]}


@pytest.mark.parametrize(("made_for", "sent_to"), [("due", "opened"), ("opened", "updated"), ("updated", "due")])
async def test_a_place_in_one_order_is_none_in_another(api: Served, made_for: str, sent_to: str) -> None:
    for place in range(2):
        await api.report(f"trouble {place}")
    cursor = (await api.get(f"/api/v1/incidents?sort={made_for}&limit=1")).body["next"]
    refused = await api.get(f"/api/v1/incidents?sort={sent_to}&limit=1&cursor={cursor}")
    assert (refused.status, refused.body["faults"][0]["field"]) == (422, "cursor")
    assert f"a place in {made_for!r}, and this is {sent_to!r}: send `next` of the page before" in refused.body["detail"]


FILTERS: list[tuple[str, set[str]]] = [
    ("state=active", {"disk", "link", "mail"}),
    ("state=open", {"disk", "link", "mail"}),
    ("state=cancelled", {"gone"}),
    ("state=cancelled&state=active", {"disk", "link", "mail", "gone"}),
    ("severity=1", {"mail"}),
    ("severity=1&severity=2", {"mail", "disk", "gone"}),
    ("group=sys-ops", {"disk"}),
    ("q=MAIL", {"mail"}),
    ("q=%25", set()),
    ("q=x%27%20OR%201%3D1--", set()),
    ("since=2026-03-02T09:00:05Z", {"mail", "gone"}),
    ("updated_since=2030-01-01T00:00:00%2B01:00", set()),
]


@pytest.mark.parametrize(("query", "wanted"), FILTERS, ids=[f[0] for f in FILTERS])
async def test_filters_pick_what_they_name(api: Served, query: str, wanted: set[str]) -> None:
    numbers = {await api.open_incident(): "disk", await api.open_incident(LINK_DOWN): "link"}
    api.clock.set(api.clock.now() + timedelta(seconds=5))
    numbers[await api.report("the mail is down", urgency=1, impact=1)] = "mail"
    numbers[gone := await api.report("nothing", urgency=2, impact=2)] = "gone"
    await api.act(gone, "cancel", {"reason": "none"})
    assert {numbers[i["number"]] for i in (await api.get(f"/api/v1/incidents?{query}")).items} == wanted


BAD_QUERIES = [
    ("limti=5", "an unknown key"),
    ("limit=5&limit=6", "a key given twice"),
    ("limit=0", "below the least"),
    ("limit=501", "above the most"),
    ("limit=ten", "no number"),
    ("state=closed", "no state"),
    ("severity=5", "no severity"),
    ("sort=title", "no order"),
    ("since=yesterday", "no moment"),
    ("since=2026-02-30T00:00:00Z", "no day"),
    ("cursor=abc", "no cursor"),
]


@pytest.mark.parametrize("query", [q for q, _ in BAD_QUERIES], ids=[why for _, why in BAD_QUERIES])
async def test_a_query_that_cannot_be_meant_is_refused_as_a_problem(api: Served, query: str) -> None:
    answered = await api.get(f"/api/v1/incidents?{query}")
    assert (answered.status, answered.headers["Content-Type"]) == (422, "application/problem+json")


# acts


async def test_the_answer_to_an_act_is_the_incident_and_the_same_act_again_changes_nothing(api: Served) -> None:
    number = await api.open_incident()
    first = await api.act(number, "acknowledge", as_="ana")
    assert (first.status, first.body["state"], first.body["assignee"]) == (200, "in_progress", "ana")
    again = await api.act(number, "acknowledge", as_="ana")
    assert (again.status, again.body["version"]) == (200, first.body["version"])


async def test_acknowledging_what_another_holds_is_200_and_leaves_the_assignee(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    second = await api.act(number, "acknowledge", as_="luis")
    assert (second.status, second.body["assignee"]) == (200, "ana")
    kinds = [h["kind"] for h in (await api.get(f"/api/v1/incidents/{number}/timeline")).items]
    assert kinds[-1] == "acknowledged_too"


async def test_refusals_come_in_the_order_401_404_403_409_422(api: Served) -> None:
    """One request has everything wrong; each thing put right shows the next."""
    number = await api.open_incident()
    await api.act(number, "cancel", {"reason": "none"})
    wrong: Any = {"for": "nobody"}
    path = "/api/v1/incidents/INC-20260302-9999/suspend"
    assert (await api.post(path, wrong, as_="")).status == 401
    assert (await api.post(path, wrong, as_="vic")).status == 404
    path = f"/api/v1/incidents/{number}/suspend"
    refused = await api.post(path, wrong, as_="vic")
    assert (refused.status, "desk" in refused.body["detail"]) == (403, True)
    refused = await api.post(path, wrong, as_="pat")
    assert (refused.status, refused.body["allowed"]) == (409, [str(a) for a in FROM if State.CANCELLED in FROM[a]])
    other = await api.open_incident(LINK_DOWN)
    await api.act(other, "acknowledge", as_="pat")
    refused = await api.act(other, "suspend", {"for": "customer"}, as_="pat")
    assert (refused.status, refused.body["missing"]) == (422, ["reason"])
    refused = await api.act(other, "suspend", {"for": "customer", "reason": "asked"}, as_="pat")
    assert (refused.status, refused.body["missing"]) == (422, ["resume_at"])


async def test_a_name_that_does_not_exist_is_422_only_where_the_act_is_possible(api: Served) -> None:
    number = await api.open_incident()
    assert (await api.act(number, "assign", {"person": "nobody"}, as_="pat")).body["missing"] == ["person"]
    await api.act(number, "cancel", {"reason": "none"})
    assert (await api.act(number, "assign", {"person": "nobody"}, as_="pat")).status == 409


async def test_resolving_while_an_alert_fires_needs_the_persons_word(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    body = {"type": "workaround", "resolution": "logs cut", "note": "freed 20 GB"}
    refused = await api.act(number, "resolve", body, as_="ana")
    assert (refused.status, refused.body["missing"]) == (422, ["service_restored_at"])
    done = await api.act(number, "resolve", {**body, "service_restored_at": "2026-03-02T09:00:00Z"}, as_="ana")
    assert (done.status, done.body["state"]) == (200, "resolved")
    assert done.body["service_restored_at"] == "2026-03-02T09:00:00.000Z"


async def test_only_what_is_merged_has_to_be_ones_own_and_what_takes_it_in_stays_its_holders(api: Served) -> None:
    own, others = await api.open_incident(), await api.open_incident(LINK_DOWN)
    await api.act(others, "acknowledge", as_="noa")
    refused = await api.act(others, "merge", {"into": own}, as_="ana")
    assert (refused.status, "is not theirs" in refused.body["detail"]) == (403, True)
    merged = await api.act(own, "merge", {"into": others}, as_="ana")
    assert (merged.status, merged.body["merged_into"]) == (200, others)
    took = (await api.get(f"/api/v1/incidents/{others}")).body
    assert (took["assignee"], took["record"]["alert_count"]) == ("noa", 2)
    told = (await api.get(f"/api/v1/incidents/{others}/timeline")).items
    assert [line["facts"]["number"] for line in told if line["kind"] == "merged_in"] == [own]


async def test_merging_into_what_is_not_there_is_404_and_into_what_has_ended_409(api: Served) -> None:
    number, other = await api.open_incident(), await api.open_incident(LINK_DOWN)
    assert (await api.act(number, "merge", {"into": "INC-20260302-9999"})).status == 404
    await api.act(other, "cancel", {"reason": "none"})
    assert (await api.act(number, "merge", {"into": other})).status == 409
    assert "is this incident" in (await api.act(number, "merge", {"into": number})).body["detail"]
    third = await api.report("a third")
    merged = await api.act(number, "merge", {"into": third})
    assert (merged.body["state"], merged.body["merged_into"]) == ("cancelled", third)
    assert (await api.get(f"/api/v1/incidents/{number}")).status == 200


async def test_on_behalf_of_is_for_the_desk(api: Served) -> None:
    number = await api.open_incident()
    body = {"text": "they called", "on_behalf_of": "a user"}
    assert (await api.act(number, "note", body, as_="ana")).status == 403
    assert (await api.act(number, "note", body, as_="desk")).status == 200
    last = (await api.get(f"/api/v1/incidents/{number}/timeline")).items[-1]
    assert (last["actor"], last["facts"]["on_behalf_of"]) == ("desk", "a user")


@pytest.mark.parametrize(
    ("whom", "holder"), [("ana", "ana"), ("a user", "desk"), ("vic", "desk")], ids=["a worker", "a user", "a viewer"]
)
async def test_what_the_desk_acknowledges_for_somebody_who_works_here_is_theirs(
    api: Served, whom: str, holder: str
) -> None:
    number = await api.open_incident()
    held = (await api.act(number, "acknowledge", {"on_behalf_of": whom}, as_="desk")).body
    assert (held["state"], held["assignee"]) == ("in_progress", holder)
    last = (await api.get(f"/api/v1/incidents/{number}/timeline")).items[-1]
    assert (last["kind"], last["actor"], last["facts"]["on_behalf_of"]) == ("acknowledged", "desk", whom)


async def test_several_are_archived_at_once_and_each_refusal_is_named(api: Served) -> None:
    done = []
    for title in ("one", "two"):
        number = await api.report(title, urgency=2, impact=2)
        await api.act(number, "acknowledge")
        await api.act(number, "resolve", {"type": "permanent", "resolution": "done", "note": "done"})
        await api.act(number, "accept", {"by": "a user", "via": "phone"})
        done.append(number)
    fresh = await api.report("three")
    sent = {"numbers": [*done, fresh, "INC-20260302-9999"]}
    assert (await api.post("/api/v1/incidents/archive", sent, as_="desk")).status == 403
    answered = (await api.post("/api/v1/incidents/archive", sent)).body
    assert answered["archived"] == done
    assert [(r["number"], r["status"]) for r in answered["refused"]] == [(fresh, 409), ("INC-20260302-9999", 404)]
    assert (await api.get(f"/api/v1/incidents/{done[0]}")).body["record"]["final_severity"] == 2


async def test_five_hundred_at_once_are_each_archived_or_refused_and_none_is_lost(api: Served) -> None:
    ready = []
    for n in range(12):
        number = await api.report(f"report {n}", urgency=2, impact=2)
        if n % 3:
            await api.act(number, "resolve", {"type": "permanent", "resolution": "r", "note": "n"}, as_="desk")
        ready.append(number)
    await api.act(ready[1], "accept", {"by": "a user", "via": "phone"}, as_="desk")
    await api.act(ready[0], "cancel", {"reason": "none"}, as_="desk")
    unknown = [f"INC-20260302-{n}" for n in range(5000, 5488)]
    sent = {"numbers": [*ready, *unknown], "accept": {"by": "a user", "via": "phone"}}
    answered = await api.post("/api/v1/incidents/archive", sent)
    assert answered.status == 200, answered.text
    assert answered.body["archived"] == [number for n, number in enumerate(ready) if n % 3]
    refused = {r["number"]: r["status"] for r in answered.body["refused"]}
    assert refused == {number: 409 for n, number in enumerate(ready) if not n % 3} | dict.fromkeys(unknown, 404)
    again = (await api.post("/api/v1/incidents/archive", sent)).body
    assert again["archived"] == answered.body["archived"]
    assert (await api.post("/api/v1/incidents/archive", {"numbers": [*sent["numbers"], "INC-1"]})).status == 422


async def test_what_is_only_resolved_is_accepted_and_archived_in_one_request(api: Served) -> None:
    by_alert = await api.open_incident()
    reported = await api.report("it is slow", reporter="a user", urgency=2, impact=2)
    for number in (by_alert, reported):
        await api.act(number, "acknowledge")
        body = {
            "type": "permanent",
            "resolution": "done",
            "note": "done",
            "service_restored_at": "2026-03-02T09:00:00Z",
        }
        await api.act(number, "resolve", body)
    sent: dict[str, Any] = {"numbers": [by_alert, reported]}
    answered = (await api.post("/api/v1/incidents/archive", sent)).body
    assert answered["archived"] == [by_alert], "nobody reported it: whoever archives it accepts it (R72)"
    assert [(r["number"], r["status"]) for r in answered["refused"]] == [(reported, 409)], (
        "its user is to be asked (R71)"
    )
    answered = (await api.post("/api/v1/incidents/archive", sent | {"accept": {"by": "a user", "via": "phone"}})).body
    assert answered == {"archived": [by_alert, reported], "refused": []}
    record = (await api.get(f"/api/v1/incidents/{reported}")).body
    assert (record["state"], record["record"]["resolution"]["acceptance"]["by"]) == ("archived", "a user")


# the record


async def test_an_edit_names_the_version_it_was_made_on(api: Served) -> None:
    number = await api.report("it is slow")
    path = f"/api/v1/incidents/{number}"
    shown = await api.get(path)
    assert shown.headers["ETag"] == '"1"'
    edited = await api.call("PATCH", path, {"title": "it is slower"}, headers={"If-Match": shown.headers["ETag"]})
    assert (edited.status, edited.body["title"], edited.body["version"]) == (200, "it is slower", 2)
    old = await api.call("PATCH", path, {"title": "x"}, headers={"If-Match": "1"})
    assert (old.status, old.body["version"], old.body["made_on"]) == (409, 2, 1)
    wrong = await api.call("PATCH", path, {"nothing": "x"}, headers={"If-Match": "1"})
    assert (wrong.status, wrong.body["version"], wrong.body["made_on"]) == (409, 2, 1)
    assert (await api.call("PATCH", path, {"nothing": "x"}, headers={"If-Match": "2"})).status == 422
    without = await api.call("PATCH", path, {"title": "x"})
    assert (without.status, without.body["missing"]) == (422, ["If-Match"])
    moments = {"occurred_at": "2026-03-02T08:00:00Z", "next_action_eta": "2026-03-02T10:00:00+01:00"}
    edited = await api.call("PATCH", path, moments, headers={"If-Match": '"2"'})
    assert edited.body["record"]["occurred_at"] == "2026-03-02T08:00:00.000Z"
    assert edited.body["record"]["next_action_eta"] == "2026-03-02T09:00:00.000Z"


@pytest.mark.parametrize("name", ["state", "number", "severity", "assignee", "version", "resolution", "id", "history"])
async def test_an_edit_reaches_no_other_field_of_the_record(api: Served, name: str) -> None:
    number = await api.report("it is slow")
    path = f"/api/v1/incidents/{number}"
    before = (await api.get(path)).body
    refused = await api.call("PATCH", path, {name: 1, "title": "mine"}, headers={"If-Match": "1"})
    assert refused.status == 422
    assert (await api.get(path)).body == before


async def test_the_record_is_completed_by_those_who_own_it_and_nobody_else(api: Served) -> None:
    number = await api.open_incident()
    path = f"/api/v1/incidents/{number}"
    version = (await api.get(path)).headers["ETag"]
    for person, status in (("vic", 403), ("noa", 403), ("sal", 403), ("luis", 200)):
        answered = await api.call("PATCH", path, {"symptom": "full"}, as_=person, headers={"If-Match": version})
        assert answered.status == status, person


# what is sent


BAD_BODIES = [
    (b"{", "application/json", 400, "no JSON"),
    (b"[" * 100_000, "application/json", 400, "too deep"),
    (b'{"a": NaN}', "application/json", 400, "not a number"),
    (b'{"title": "\\ud800"}', "application/json", 400, "half of a surrogate"),
    (b'{"title": "x", "\\u0074itle": "y"}', "application/json", 400, "a key twice"),
    (b'{"title": "x", "request": {"a": 1, "b": {}, "a": 1}}', "application/json", 400, "a key twice further in"),
    (b"\xff\xfe{}", "application/json", 400, "UTF-16"),
    (b"title=x", "application/x-www-form-urlencoded", 415, "a form"),
    (b'{"title": "x"}', "text/plain", 415, "plain text"),
    (b"[]", "application/json", 422, "a list"),
    (b"null", "application/json", 422, "null"),
    (b'{"title": 1}', "application/json", 422, "a number for a text"),
    (b'{"title": ""}', "application/json", 422, "an empty title"),
    (b'{"title": "x", "severity": 1}', "application/json", 422, "an unknown key"),
    (b'{"title": "x", "occurred_at": "0"}', "application/json", 422, "no moment"),
    (b'{"title": "x", "occurred_at": "2026-02-30T00:00:00Z"}', "application/json", 422, "no day"),
    (b'{"title": "x", "urgency": true}', "application/json", 422, "true for a number"),
    (b'{"title": "x", "group": "nowhere"}', "application/json", 422, "no group"),
    (b'{"title": "' + b"x" * (1024 * 1024) + b'"}', "application/json", 413, "over the limit"),
]


@pytest.mark.parametrize(("data", "kind", "status"), [b[:3] for b in BAD_BODIES], ids=[b[3] for b in BAD_BODIES])
async def test_a_body_that_cannot_be_taken_is_a_problem_and_opens_nothing(
    api: Served, data: bytes, kind: str, status: int
) -> None:
    answered = await api.post("/api/v1/incidents", as_="desk", data=data, headers={"Content-Type": kind})
    assert (answered.status, answered.headers["Content-Type"]) == (status, "application/problem+json")
    assert (await api.get("/api/v1/incidents")).items == []


async def test_a_key_that_stands_twice_is_named_and_one_in_each_of_two_objects_is_taken(api: Served) -> None:
    headers = {"Content-Type": "application/json"}
    number = await api.open_incident()
    twice = b'{"reason": "a drill", "reason": "a real one"}'
    refused = await api.post(f"/api/v1/incidents/{number}/cancel", data=twice, headers=headers)
    assert refused.body["detail"] == "the body has the key 'reason' twice in one object: send it once"
    matchers = b'[{"name": "a", "value": "1", "isRegex": false}, {"name": "b", "value": "2", "isRegex": false}]'
    until = b'"startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T10:00:00Z", "createdBy": "x", "comment": "y"'
    silence = b'{"matchers": ' + matchers + b", " + until + b"}"
    assert (await api.post("/api/v2/silences", data=silence, headers=headers)).status == 200
    again = silence[:-1] + b', "comment": "z"}'
    assert (await api.post("/api/v2/silences", data=again, headers=headers)).status == 400


async def test_an_encoded_body_is_415(api: Served) -> None:
    sent = {"Content-Type": "application/json", "Content-Encoding": "deflate"}
    data = zlib.compress(b'{"title": "x"}')
    assert (await api.post("/api/v1/incidents", data=data, headers=sent)).status == 415


async def test_nul_is_replaced_and_the_rest_is_kept(api: Served) -> None:
    number = await api.report("a\x00b")
    assert (await api.get(f"/api/v1/incidents/{number}")).body["title"] == "a�b"


# what is no route


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nowhere", 404, None),
        ("GET", "/api/v1/nowhere", 404, None),
        ("GET", "/api/v1/incidents/INC%0A1", 404, None),
        ("GET", "/api/v1/incidents/archive", 405, "POST"),
        ("POST", "/api/v1/incidents/INC-20260302-0001/nothing", 404, None),
        ("DELETE", "/api/v1/incidents", 405, "GET,HEAD,POST"),
        ("PUT", "/api/v2/alerts", 405, "GET,HEAD,POST"),
        ("DELETE", "/metrics", 405, "GET,HEAD"),
    ],
)
async def test_what_is_no_route_is_a_problem_too(
    api: Served, method: str, path: str, status: int, allow: str | None
) -> None:
    answered = await api.call(method, path)
    assert (answered.status, answered.headers["Content-Type"]) == (status, "application/problem+json")
    assert answered.headers.get("Allow") == allow


async def test_every_act_of_the_house_has_its_body_its_route_and_its_words() -> None:
    from agent.http.act_bodies import ACTS, SUMMARIES

    assert set(ACTS) == set(SUMMARIES) == set(Action)


async def test_where_no_known_error_fits_the_nearest_solved_incidents_are_shown_to_whoever_may_read_them(
    api: Served,
) -> None:
    first = await api.report("blank invoices from the printer", reporter="cus")
    second = await api.report("blank invoices from the printer", reporter="cus")
    path = f"/api/v1/incidents/{second}"
    none_yet = (await api.get(path)).body["no_known_error"]
    assert (none_yet["pending"], none_yet["text"][:18]) == (True, "no known error yet")
    await api.daemon.pipeline.submit(Suggested(api.daemon.pipeline.desk.board.numbers[second], ()))
    none = (await api.get(path)).body["no_known_error"]
    assert none == {"text": "no known error fits", "pending": False, "nearest": []}
    await api.act(first, "acknowledge", as_="desk")
    done = {"type": "workaround", "resolution": "a new drum", "note": "drum"}
    await api.act(first, "resolve", done, as_="desk")
    (near,) = (await api.get(path)).body["no_known_error"]["nearest"]
    assert (near["number"], near["type"], near["resolution"]) == (first, "workaround", "a new drum")
    assert (near["why"]["code"], near["why"]["text"].startswith("The same category, and these words")) == (
        "same_words",
        True,
    )
    (masked,) = (await api.get(path, as_="vic")).body["no_known_error"]["nearest"]
    assert (masked["title"], masked["resolution"]) == ("(masked)", "(masked)")
    assert (await api.get(path, as_="cus")).body["no_known_error"]["nearest"] == []
    assert {i["no_known_error"] for i in (await api.get("/api/v1/incidents")).items if i["number"] == second} == {None}
    number = await api.open_incident({"alertname": "DiskFull", "instance": "db-1"})
    assert (await api.get(f"/api/v1/incidents/{number}")).body["no_known_error"] is None


async def test_a_storm_is_called_so_and_has_a_root_only_where_that_explains_others(api: Served) -> None:
    names = ("aglqw", "zzkmo", "yrrpt", "bbdfh", "oomqx")
    await api.receive(
        *(alert({"alertname": names[n % 5], "instance": f"x-{n}", "severity": "warning"}) for n in range(40))
    )

    async def storm() -> dict[str, Any]:
        found = (await api.get("/api/v1/incidents?limit=500")).items
        return next(one for one in found if one["title"].startswith("Alert storm"))

    number = (await storm())["number"]
    assert headline(await storm(), 60) == "Alert storm in am: 40 alerts"
    for _ in range(2):
        shown = await storm()
        assert shown["root"] is None
        why = (await api.get(f"/api/v1/incidents/{number}/why")).body
        assert {one["root"] for one in why["items"]} == {None}
        claimed = Briefing(api.daemon.config, api.daemon.pipeline.desk.board, api.daemon.pipeline.desk.past)
        incident = api.daemon.pipeline.desk.board.incidents[api.daemon.pipeline.desk.board.numbers[number]]
        assert not claimed._alerts(incident).has_root
        api.clock.set(api.clock.now() + timedelta(hours=1))
        await api.settle()
    assert api.daemon.pipeline.desk.board.storms == {}
    named = shown["alerts"][7]
    body = {"alert": named["fingerprint"], "reason": "I saw it"}
    assert (await api.act(number, "set-root", body, as_="desk")).status == 200
    assert (await storm())["root"]["fingerprint"] == named["fingerprint"]
