"""Alerts, pages, dead letters, who is on call, silences, and what the configuration knows."""

from datetime import timedelta

import pytest

from agent.http.reads.alerts import AlertReads
from collectors.labels import Matcher, fingerprint
from tests.agent.http.serving import DISK_FULL, LINK_DOWN, START, Served
from tests.house import alert, at

MARK = fingerprint(DISK_FULL)


async def fire(api: Served, times: int) -> None:
    """The alert fires and ends, so many times, with another alert in between."""
    for place in range(times):
        begins = START + timedelta(minutes=10 * place)
        api.clock.set(begins)
        await api.receive(alert(DISK_FULL, at(begins)))
        await api.receive(alert({**LINK_DOWN, "instance": f"sw-{place}"}, at(begins)))
        await api.receive(alert(DISK_FULL, at(begins), at(begins + timedelta(minutes=1))))


async def test_alerts_are_listed_newest_first_with_their_decision_and_incident(api: Served) -> None:
    number = await api.open_incident()
    await api.receive(alert(DISK_FULL))
    await api.receive(alert(LINK_DOWN, ends="2026-03-02T09:00:00Z"))
    stale, opened = (await api.get("/api/v1/alerts")).items
    assert (stale["decision"], stale["incident"], stale["why"]["code"]) == ("stale", None, "end_without_start")
    assert (opened["decision"], opened["incident"], opened["count"]) == ("opened", number, 2)
    assert opened["key"] == f"{MARK}@2026-03-02T08:59:00.5Z"
    assert [a["key"] for a in (await api.get("/api/v1/alerts?decision=duplicate")).items] == [opened["key"]]
    assert (await api.get("/api/v1/alerts?origin=other")).items == []


async def test_what_was_mended_in_an_alert_is_shown_beside_it(api: Served) -> None:
    await api.receive(alert({**DISK_FULL, "text": "a\x00b"}, "soon"), alert(LINK_DOWN))
    whole, mended = (await api.get("/api/v1/alerts")).items
    assert (mended["repairs"], mended["labels"]["text"]) == (["label_mended", "no_start"], "a\ufffdb")
    assert whole["repairs"] == []


async def test_the_firings_of_one_alert_are_found_page_by_page(api: Served) -> None:
    await fire(api, 4)
    seen, cursor = [], ""
    while True:
        page = (await api.get(f"/api/v1/alerts?fingerprint={MARK}&limit=3{cursor}")).body
        seen += [a["startsAt"] for a in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [at(START + timedelta(minutes=10 * n)) for n in (3, 2, 1, 0)]


async def test_firings_further_back_than_the_window_are_found_along_their_chain(api: Served) -> None:
    await fire(api, 5)
    reads = AlertReads(api.daemon.engine, window=2)
    board = api.daemon.pipeline.desk.board
    found, more = await reads.alerts(board, None, MARK, None, 10**18, 10)
    assert [a.starts_at for a, _ in found] == [START + timedelta(minutes=10 * n) for n in (4, 3, 2, 1, 0)]
    assert more is None
    found, more = await reads.alerts(board, "am", MARK, None, 10**18, 2)
    assert ([a.id for a, _ in found], more) == ([9, 7], "alerts-n-7")
    older, more = await reads.alerts(board, "am", MARK, None, 7, 10)
    assert ([a.id for a, _ in older], more) == ([5, 3, 1], None)


async def test_a_request_that_looks_through_its_window_in_vain_says_where_to_go_on(api: Served) -> None:
    await fire(api, 3)
    reads = AlertReads(api.daemon.engine, window=2)
    found, more = await reads.alerts(api.daemon.pipeline.desk.board, None, None, "stale", 10**18, 10)
    assert (found, more) == ([], "alerts-n-5")


async def test_a_place_in_one_list_is_none_in_another(api: Served) -> None:
    await fire(api, 2)
    cursor = (await api.get("/api/v1/alerts?limit=1")).body["next"]
    for other in ("pages", "incidents", "dead-letters", "problems", "configuration-items", "automation-runs"):
        refused = await api.get(f"/api/v1/{other}?cursor={cursor}", as_="root")
        assert (refused.status, refused.body["faults"][0]["field"]) == (422, "cursor"), other
    assert (await api.get(f"/api/v1/alerts?cursor={cursor}")).status == 200


async def test_pages_say_whom_by_what_and_what_became_of_it(api: Served) -> None:
    number = await api.open_incident()
    await api.open_incident(LINK_DOWN)
    pages = (await api.get(f"/api/v1/pages?incident={number}&person=luis")).items
    (page,) = pages
    assert (page["incident"], page["step"], page["target"], page["channel"]) == (number, "2/c0", "luis", "hook")
    assert (page["attempts"], page["outcome"], page["reason"]["code"]) == (1, "sent", "opened")
    assert page["sent_at"] is not None
    assert page["key"] not in {p["key"] for p in (await api.get("/api/v1/pages?person=pat")).items}
    assert (await api.get("/api/v1/pages?incident=INC-20260302-9999")).items == []


async def test_a_dead_letter_shows_what_came_and_why_it_was_not_taken(api: Served) -> None:
    sent = {"Authorization": "Bearer am-secret-token"}
    assert (await api.post("/webhooks/alertmanager/am", as_="", data=b"{nonsense", headers=sent)).status == 400
    (letter,) = (await api.get("/api/v1/dead-letters", as_="root")).items
    assert (letter["source"], letter["size"], letter["excerpt"]) == ("am", 9, "{nonsense")


async def test_who_is_on_call_at_a_moment(api: Served) -> None:
    now = (await api.get("/api/v1/oncall")).body
    assert now["items"] == [{"schedule": "sys-l1", "group": "sys-ops", "role": "l1", "people": ["luis", "ana"]}]
    later = (await api.get("/api/v1/oncall?at=2026-03-10T00:00:00%2B02:00")).body
    assert (later["at"], later["items"][0]["people"]) == ("2026-03-09T22:00:00.000Z", ["ana", "luis"])


async def test_i_am_who_my_token_says(api: Served) -> None:
    assert (await api.get("/api/v1/me", as_="wei")).body == {
        "id": "wei",
        "name": "伟",
        "roles": ["l2"],
        "groups": ["sys-expert"],
        "language": "zh",
    }


async def test_the_configuration_items_and_known_errors_are_those_of_the_configuration(api: Served) -> None:
    items = (await api.get("/api/v1/configuration-items")).items
    assert [(i["id"], i["criticality"]) for i in items] == [("db-1", "important")]
    errors = (await api.get("/api/v1/known-errors")).items
    assert [e["id"] for e in errors] == [e.id for e in api.daemon.config.known_errors]


async def test_a_known_error_shows_what_engineers_say_of_it(api: Served) -> None:
    number = await api.open_incident()
    said = await api.act(number, "feedback", {"known_error": "disk-space-low", "outcome": "helped_partly"})
    assert said.status == 200
    strange = await api.act(number, "feedback", {"known_error": "disk-of-gold", "outcome": "used"})
    assert (strange.status, "disk-of-gold" in strange.body["detail"]) == (422, True)
    shown = {e["id"]: e for e in (await api.get("/api/v1/known-errors")).items}
    kept = ("used", "helped_partly", "did_not_work", "not_applicable", "precision", "demoted")
    assert [shown["disk-space-low"][name] for name in kept] == [0, 1, 0, 0, 1.0, False]
    assert [shown["clock-skew"][name] for name in kept] == [0, 0, 0, 0, None, False]


# silences

SILENCE = {"matchers": ['alertname="DiskFull"'], "ends_at": "2026-03-02T10:00:00Z", "comment": "new disks come"}


async def test_a_silence_holds_alerts_back_and_says_so_until_it_is_ended(api: Served) -> None:
    made = await api.post("/api/v1/silences", SILENCE, as_="ana")
    assert (made.status, made.body["created_by"], made.body["state"]) == (201, "ana", "active")
    await api.receive(alert(DISK_FULL))
    (held,) = (await api.get("/api/v1/alerts")).items
    assert (held["decision"], held["incident"], held["why"]["facts"]["silence"]) == (
        "suppressed",
        None,
        made.body["id"],
    )
    path = f"/api/v1/silences/{made.body['id']}"
    assert (await api.call("DELETE", path, as_="luis")).status == 403
    ended = await api.call("DELETE", path, as_="desk")
    assert (ended.status, ended.body["state"]) == (200, "expired")
    assert (await api.call("DELETE", path, as_="desk")).status == 200
    assert len((await api.get("/api/v1/incidents")).items) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"matchers": ["alertname"]}, 422, id="no matcher"),
        pytest.param({"matchers": ['a=~"("']}, 422, id="no regex"),
        pytest.param({"matchers": []}, 422, id="none"),
        pytest.param({"matchers": ['a=~".*"', 'b!="x"']}, 403, id="everything"),
        pytest.param({"ends_at": "2026-03-02T08:00:00Z"}, 409, id="over already"),
        pytest.param({"comment": ""}, 422, id="no comment"),
    ],
)
async def test_a_silence_that_cannot_be_meant_is_refused(api: Served, changes: dict[str, object], status: int) -> None:
    assert (await api.post("/api/v1/silences", {**SILENCE, **changes}, as_="desk")).status == status
    assert (await api.get("/api/v1/silences")).items == []


@pytest.mark.parametrize(
    "matcher",
    [
        pytest.param(Matcher("instance", "=~", r"db\-1\.example\.com:\d+"), id="escapes"),
        pytest.param(Matcher("instance", "!~", r"(?i)(?:db|web)-[0-9]+"), id="groups"),
        pytest.param(Matcher("volume", "=~", r"C:\\.*"), id="a backslash in a regex"),
        pytest.param(Matcher("volume", "=", "C:\\"), id="a backslash"),
        pytest.param(Matcher("msg", "=~", 'say "so".*'), id="quotes in a regex"),
        pytest.param(Matcher("主机", "=", "数据库"), id="another script"),
    ],
)
async def test_a_silence_that_is_shown_can_be_posted_again(api: Served, matcher: Matcher) -> None:
    meant = {
        "name": matcher.name,
        "value": matcher.value,
        "isRegex": "~" in matcher.op,
        "isEqual": matcher.op[0] == "=",
    }
    one = {"name": "alertname", "value": "DiskFull", "isRegex": False, "isEqual": True}
    sent = {"matchers": [one, meant], "startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T10:00:00Z"}
    made = await api.post("/api/v2/silences", {**sent, "comment": "new disks", "createdBy": "ana"}, as_="ana")
    assert made.status == 200, made.text
    (shown,) = (await api.get("/api/v1/silences")).items
    again = await api.post("/api/v1/silences", {**SILENCE, "matchers": shown["matchers"]}, as_="ana")
    assert (again.status, again.body["matchers"]) == (201, shown["matchers"]), again.text
    assert [Matcher.parse(text) for text in again.body["matchers"]][1] == matcher


@pytest.mark.parametrize("silence", ["x", "00000000-0000-4000-8000-000000000000", "%00", "%2e%2e"])
async def test_a_silence_that_is_not_there_is_404(api: Served, silence: str) -> None:
    assert (await api.call("DELETE", f"/api/v1/silences/{silence}", as_="desk")).status == 404
