"""Acknowledge links."""

from datetime import timedelta

import pytest

from agent.http.ack import BadLink, ack_link, read_link
from tests.agent.http.serving import LINK_DOWN, START, Served
from tests.house import alert

SECRET = b"a key of this test"


def token_of(link: str) -> str:
    return link.rpartition("/")[2]


async def link_for(api: Served, number: str, person: str) -> str:
    made = ack_link(api.daemon.secret, "http://here/", number, person, api.clock.now())
    assert made.startswith("http://here/ack/")
    return "/ack/" + token_of(made)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing_however_often(api: Served, method: str) -> None:
    number = await api.open_incident()
    path = await link_for(api, number, "luis")
    for _ in range(3):
        page = await api.call(method, path, as_="", headers={"User-Agent": "Mozilla/5.0", "Cookie": "a=b"})
        assert page.status == 200
    assert "<script" not in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert (await api.get(f"/api/v1/incidents/{number}")).body["state"] == "assigned"


async def test_the_button_acts_as_the_person_of_the_link_and_once(api: Served) -> None:
    number = await api.open_incident()
    path = await link_for(api, number, "luis")
    assert '<form method="post">' in (await api.get(path, as_="")).text
    assert (await api.post(path, as_="")).status == 200
    found = (await api.get(f"/api/v1/incidents/{number}")).body
    assert (found["state"], found["assignee"]) == ("in_progress", "luis")
    assert (await api.post(path, as_="")).status == 200
    assert (await api.get(f"/api/v1/incidents/{number}")).body["version"] == found["version"]


async def test_the_page_is_in_the_persons_language(api: Served) -> None:
    number = await api.open_incident()
    page = (await api.get(await link_for(api, number, "wei"), as_="")).text
    assert "响应" in page
    assert "系统运维" in page


async def test_a_link_is_over_after_a_day(api: Served) -> None:
    number = await api.open_incident()
    path = await link_for(api, number, "luis")
    api.clock.set(api.clock.now() + timedelta(hours=24))
    assert (await api.get(path, as_="")).status == 410
    assert (await api.post(path, as_="")).status == 410
    assert (await api.get(f"/api/v1/incidents/{number}")).body["state"] == "assigned"


async def test_a_link_acknowledges_nothing_that_has_ended(api: Served) -> None:
    number = await api.open_incident()
    path = await link_for(api, number, "luis")
    await api.act(number, "cancel", {"reason": "none"})
    assert "<form" not in (await api.get(path, as_="")).text
    assert (await api.post(path, as_="")).status == 409


async def test_a_link_gives_nobody_more_than_they_may(api: Served) -> None:
    """`noa` is of another group and was not paged; `nobody` is not of this organisation."""
    number = await api.open_incident()
    for person in ("noa", "vic", "nobody"):
        assert (await api.post(await link_for(api, number, person), as_="")).status == 403
    token = token_of(await link_for(api, number, "luis"))
    assert (await api.get("/api/v1/me", as_="", headers={"Authorization": f"Bearer {token}"})).status == 401


async def test_the_link_of_a_page_is_valid_for_a_day_by_the_clock_of_its_daemon(api: Served) -> None:
    token = token_of(api.daemon.links("INC-20260302-0001", "luis")["acknowledge"])
    made_at = api.clock.now()
    assert read_link(api.daemon.secret, token, made_at + timedelta(hours=24, seconds=-1)).person == "luis"
    with pytest.raises(BadLink, match="expired"):
        read_link(api.daemon.secret, token, made_at + timedelta(hours=24))


def test_a_link_that_was_changed_is_refused() -> None:
    token = token_of(ack_link(SECRET, "http://here", "INC-20260302-0001", "luis", START))
    assert read_link(SECRET, token, START).number == "INC-20260302-0001"
    other = token_of(ack_link(SECRET, "http://here", "INC-20260302-0002", "luis", START))
    payload, _, signature = token.rpartition(".")
    forged = [
        payload,
        payload + ".",
        "." + signature,
        other.rpartition(".")[0] + "." + signature,
        token[:-2] + ("AA" if not token.endswith("AA") else "BB"),
        "",
        "none.none",
        token_of(ack_link(b"another key", "http://here", "INC-20260302-0001", "luis", START)),
    ]
    for made in forged:
        with pytest.raises(BadLink) as refused:
            read_link(SECRET, made, START)
        assert refused.value.status == 403, made


async def test_what_came_with_an_alert_is_no_html(api: Served) -> None:
    labels = {"alertname": "DiskFull", "instance": "<script>alert(1)</script>"}
    await api.receive(alert(labels))
    (found,) = (await api.get("/api/v1/incidents")).items
    page = await api.get(await link_for(api, found["number"], "luis"), as_="")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_the_page_shows_what_the_paged_person_needs(api: Served) -> None:
    said = {
        "summary": "full",
        "runbook_url": "https://wiki/disk?a=1&b=2",
        "note": 'no <b>tag</b> javascript:alert("x")',
    }
    await api.receive(
        alert({"alertname": "DiskFull", "instance": "db-1:9100", "severity": "critical"}, annotations=said)
    )
    (found,) = (await api.get("/api/v1/incidents")).items
    text = (await api.get(await link_for(api, found["number"], "luis"), as_="")).text
    for shown in (found["number"], "DiskFull", "instance=db-1:9100", "nobody has it", "opened with severity"):
        assert shown in text, shown
    assert '<a href="https://wiki/disk?a=1&amp;b=2" rel="noopener noreferrer">https://wiki' in text
    assert '<a href="http://prom-1:9090/graph" rel="noopener noreferrer">prom-1:9090</a>' in text
    assert text.count("<a ") == 2
    assert "<b>" not in text
    assert text.index("<form") < text.index("instance=db-1")


async def test_what_to_mind_stands_before_the_workaround(api: Served) -> None:
    await api.receive(alert({"alertname": "DiskSpaceLow", "instance": "db-1:9100", "severity": "critical"}))
    (found,) = (await api.get("/api/v1/incidents")).items
    (known,) = (await api.get(f"/api/v1/incidents/{found['number']}")).body["known_errors"]
    assert known["safety_note"].startswith("Do not delete files of a running database")
    text = (await api.get(await link_for(api, found["number"], "luis"), as_="")).text
    assert 0 < text.index("Safety: Do not delete files") < text.index(known["workaround"].splitlines()[0][:20])


async def test_a_customer_sees_no_more_than_the_title(api: Served) -> None:
    await api.receive(alert({"alertname": "DiskFull", "instance": "db-1:9100", "severity": "critical"}))
    (found,) = (await api.get("/api/v1/incidents")).items
    text = (await api.get(await link_for(api, found["number"], "cus"), as_="")).text
    assert found["title"] in text
    assert "instance=db-1" not in text


async def test_the_page_is_in_utc_or_on_the_clock_of_its_person(api: Served) -> None:
    number = await api.open_incident()
    for person, at in (("luis", "2026-03-02 09:00:00 UTC"), ("wei", "2026-03-02 17:00:00 +08:00")):
        assert at in (await api.get(await link_for(api, number, person), as_="")).text


async def test_the_link_of_an_incident_that_was_merged_acknowledges_the_one_that_has_its_alerts(api: Served) -> None:
    """Whoever taps the first of three pages is not told that nothing is to be done."""
    first, second = await api.open_incident(), await api.open_incident(LINK_DOWN)
    third = await api.report("nobody can work", group="sys-ops")
    path = await link_for(api, first, "luis")
    await api.act(first, "merge", {"into": second})
    await api.act(second, "merge", {"into": third})
    shown = await api.get(path, as_="")
    assert shown.status == 200
    assert f"merged into {third}" in shown.text
    assert "<form" in shown.text
    done = await api.post(path, as_="")
    assert done.status == 200, done.text
    found = (await api.get(f"/api/v1/incidents/{third}")).body
    assert (found["state"], found["assignee"]) == ("in_progress", "luis")
    assert (await api.get(f"/api/v1/incidents/{first}")).body["state"] == "cancelled"


async def test_whoever_was_paged_for_what_was_merged_may_acknowledge_what_it_became(api: Served) -> None:
    """`noa` is of the group of the first alone; somebody of neither who was not paged may not."""
    of_noa, of_ana = await api.open_incident(LINK_DOWN), await api.open_incident()
    paged = {page["target"] for page in (await api.get(f"/api/v1/pages?incident={of_noa}")).items}
    assert "noa" in paged
    await api.act(of_noa, "assign", {"group": "net-ops"})
    refused = await api.post(await link_for(api, of_ana, "noa"), as_="")
    assert refused.status == 403
    await api.act(of_noa, "merge", {"into": of_ana})
    assert (await api.post(await link_for(api, of_noa, "vic"), as_="")).status == 403
    assert (await api.post(await link_for(api, of_noa, "noa"), as_="")).status == 200
    assert (await api.get(f"/api/v1/incidents/{of_ana}")).body["assignee"] == "noa"


async def test_an_act_on_what_was_merged_is_told_where_it_went(api: Served) -> None:
    first, second = await api.open_incident(), await api.open_incident(LINK_DOWN)
    await api.act(first, "merge", {"into": second})
    refused = await api.act(first, "acknowledge", {}, as_="ana")
    assert (refused.status, refused.body["allowed"]) == (409, [])
    assert f"merged into {second}" in refused.body["detail"]


async def test_what_went_to_another_incident_is_not_announced_as_more(api: Served) -> None:
    number, other = await api.open_incident(), await api.open_incident(LINK_DOWN)
    await api.act(other, "merge", {"into": number})
    moved = next(
        one["fingerprint"]
        for one in (await api.get(f"/api/v1/incidents/{number}")).body["alerts"]
        if one["labels"]["alertname"] == "LinkDown"
    )
    assert (await api.act(number, "split", {"alerts": [moved]})).status == 200
    assert "and more" not in (await api.get(await link_for(api, number, "luis"), as_="")).text
