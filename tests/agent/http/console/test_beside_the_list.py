"""Silences made from an incident and ended, incidents merged, and how well known errors do: as a browser sees it."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.http.console.silences_page import MOST_ALERTS, covers_all, matchers_of
from collectors.labels import Matcher, all_match
from tests.agent.http.console.test_console import Browser, key_of, signed_in
from tests.agent.http.serving import LINK_DOWN, Served
from tests.house import alert

DISKS = [{"alertname": "DiskFull", "instance": f"db-1:910{n}", "severity": "critical"} for n in range(2)]
SILENCED = {"silenced": "all", "minutes": "60", "comment": "known, see the change"}


async def opened(api: Served) -> str:
    """An incident of two alerts."""
    await api.receive(*map(alert, DISKS))
    (found,) = (await api.get("/api/v1/incidents")).items
    assert found["record"]["alert_count"] == 2
    return str(found["number"])


async def made(api: Served) -> list[dict[str, str]]:
    return [one for one in (await api.get("/api/v1/silences")).items if one["state"] == "active"]


async def options_of(browser: Browser, number: str, form: str) -> dict[str, str]:
    """What a form offers to choose from: the value, and what it is called."""
    page = (await browser.open(f"/incidents/{number}")).text
    shown = page.partition(f'action="/incidents/{number}/{form}"')[2].partition("</form>")[0]
    return {html.unescape(v): html.unescape(t) for v, t in re.findall(r'<option value="([^"]+)">([^<]+)<', shown)}


# merging


async def test_an_incident_is_merged_into_another_by_its_number(api: Served) -> None:
    one, other = await api.open_incident(), await api.open_incident(LINK_DOWN)
    browser = await signed_in(api, "pat")
    assert set(await options_of(browser, one, "merge")) == {other}
    answered = await browser.send(f"/incidents/{one}/merge", into=f" {other} ")
    assert answered.status == 303, answered.text
    assert (await api.get(f"/api/v1/incidents/{one}")).body["merged_into"] == other
    assert f'<a href="/incidents/{other}">' in (await browser.open(f"/incidents/{one}")).text


async def test_where_there_is_no_other_incident_none_is_asked_for(api: Served) -> None:
    number = await api.open_incident()
    assert "/merge" not in (await (await signed_in(api, "pat")).open(f"/incidents/{number}")).text


@pytest.mark.parametrize("into", ["", "nonsense", "INC-20200101-0001"])
async def test_what_it_cannot_be_merged_into_is_told_and_nothing_is_done(api: Served, into: str) -> None:
    one = await api.open_incident()
    await api.open_incident(LINK_DOWN)
    refused = await (await signed_in(api, "pat")).send(f"/incidents/{one}/merge", into=into)
    assert refused.status in (404, 422)
    assert (await api.get(f"/api/v1/incidents/{one}")).body["merged_into"] is None


# silencing


async def test_until_when_it_is_silenced_is_told_on_the_readers_clock_alone(api: Served) -> None:
    number = await opened(api)
    browser = await signed_in(api, "ana")
    answered = await browser.send(
        f"/incidents/{number}/silence", **SILENCED, once=await key_of(browser, number, "silence")
    )
    assert answered.status == 303, answered.text
    wei = await signed_in(api, "wei")
    for path in (f"/incidents/{number}", "/"):
        told = (await wei.open(path)).text
        assert re.search(r"被 Ana 静默至 2026-03-02 18:00:0\d \+08:00", told)
        assert "UTC" not in told
    await api.receive(*(alert(labels, ends="2026-03-02T09:00:00Z") for labels in DISKS))
    assert "UTC" not in (await wei.open(f"/incidents/{number}")).text
    lines = (await api.get(f"/api/v1/incidents/{number}/timeline")).items
    assert any("UTC" in line["text"] for line in lines), "the API speaks in UTC"


async def test_all_of_an_incident_that_fires_is_silenced_once_however_often_it_is_tapped(api: Served) -> None:
    number = await opened(api)
    browser = await signed_in(api, "ana")
    assert "all of it that fires" in (await options_of(browser, number, "silence")).values()
    once = await key_of(browser, number, "silence")
    for _ in range(2):
        answered = await browser.send(f"/incidents/{number}/silence", **SILENCED, once=once)
        assert (answered.status, answered.headers["Location"]) == (303, f"/incidents/{number}"), answered.text
    (silence,) = await made(api)
    matchers = [Matcher.parse(text) for text in silence["matchers"]]
    assert all(all_match(matchers, labels) for labels in DISKS)
    assert not all_match(matchers, {**DISKS[0], "instance": "db-2:9100"})
    assert (silence["created_by"], silence["comment"]) == ("ana", "known, see the change")
    assert "Waits until" in (await browser.open(f"/incidents/{number}")).text


async def test_one_alert_of_several_is_silenced_and_the_others_are_not(api: Served) -> None:
    number = await opened(api)
    browser = await signed_in(api, "ana")
    offered = await options_of(browser, number, "silence")
    (key,) = (key for key, told in offered.items() if "db-1:9101" in told)
    await browser.send(f"/incidents/{number}/silence", **{**SILENCED, "silenced": key})
    (silence,) = await made(api)
    matchers = [Matcher.parse(text) for text in silence["matchers"]]
    assert [all_match(matchers, labels) for labels in DISKS] == [False, True]


async def test_a_silence_stands_on_its_page_and_is_ended_there(api: Served) -> None:
    number = await opened(api)
    ana = await signed_in(api, "ana")
    await ana.send(f"/incidents/{number}/silence", **SILENCED)
    (silence,) = await made(api)
    assert "href='/silences'" in (await ana.open("/")).text
    page = html.unescape((await ana.open("/silences")).text)
    assert 'alertname="DiskFull"' in page
    assert "Ana: known, see the change" in page
    answered = await ana.send(f"/silences/{silence['id']}/end")
    assert (answered.status, answered.headers["Location"]) == (303, "/silences")
    assert await made(api) == []
    assert "Nothing is silenced." in (await ana.open("/silences")).text
    assert (await ana.send(f"/silences/{silence['id']}/end")).status == 303, "ended again it stays as it is"


async def test_nobody_silences_or_ends_more_than_the_api_allows(api: Served) -> None:
    number = await opened(api)
    await (await signed_in(api, "pat")).send(f"/incidents/{number}/silence", **SILENCED)
    (silence,) = await made(api)
    end = f"/silences/{silence['id']}/end"
    for who, sees in (("vic", 200), ("cus", 403), ("ana", 200)):
        browser = await signed_in(api, who)
        page = await browser.open("/silences")
        assert page.status == sees
        assert end not in page.text
        assert (await browser.send(end)).status == 403
        if who != "ana":
            assert f"/incidents/{number}/silence" not in (await browser.open(f"/incidents/{number}")).text
            assert (await browser.send(f"/incidents/{number}/silence", **SILENCED)).status in (403, 404)
    assert len(await made(api)) == 1
    refused = await (await signed_in(api, "desk")).ask("POST", end, {}, Origin="https://evil.example")
    assert refused.status == 403
    assert end in (await (await signed_in(api, "desk")).open("/silences")).text


@pytest.mark.parametrize(
    ("filled", "status"),
    [
        ({"silenced": "nonsense"}, 422),
        ({"silenced": ""}, 422),
        ({"minutes": "-5"}, 422),
        ({"minutes": "99999999"}, 422),
        ({"comment": ""}, 422),
    ],
)
async def test_what_is_wrong_with_a_silence_is_told_and_none_is_made(
    api: Served, filled: dict[str, str], status: int
) -> None:
    number = await opened(api)
    browser = await signed_in(api, "ana")
    assert (await browser.send(f"/incidents/{number}/silence", **{**SILENCED, **filled})).status == status
    assert await made(api) == []


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
LABELS = st.dictionaries(st.sampled_from(["alertname", "instance", "device", "severity"]), TEXTS, min_size=1)


@given(st.lists(LABELS.map(lambda one: {"job": "j", **one}), min_size=1, max_size=5), LABELS)
def test_matchers_hold_for_the_alerts_they_were_made_of_and_for_what_shares_their_values_alone(
    alerts: list[dict[str, str]], other: dict[str, str]
) -> None:
    matchers = matchers_of(alerts)
    assert [Matcher.parse(str(one)) for one in matchers] == matchers
    assert all(all_match(matchers, labels) for labels in alerts)
    shared = set(alerts[0]).intersection(*alerts)
    like = {"job": "j", **other}
    alike = all(like.get(name, "") in {labels[name] for labels in alerts} for name in shared)
    assert all_match(matchers, like) is alike


def test_one_silence_covers_no_crowd_and_nothing_that_has_no_label_in_common() -> None:
    many = [{"alertname": "A", "instance": str(n)} for n in range(MOST_ALERTS + 1)]
    assert covers_all(many[:MOST_ALERTS])
    assert not covers_all(many)
    assert not covers_all(many[:1])
    assert not covers_all([{"a": "1"}, {"b": "1"}])
    assert not covers_all([{"alertname": "A" * 600}, {"alertname": "B" * 600}])


# known errors


async def test_how_well_known_errors_do_the_worst_first(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "ana")
    assert "nothing was said yet" in (await browser.open("/known-errors")).text
    await api.act(number, "feedback", {"known_error": "host-down", "outcome": "did_not_work"}, "ana")
    await api.act(number, "feedback", {"known_error": "disk-space-low", "outcome": "used"}, "ana")
    page = (await browser.open("/known-errors")).text
    total = (await api.get("/api/v1/statistics")).body["known_errors"]["precision"]
    assert f"<dd>{total:.0%}</dd>" in page
    assert page.index("A host is down") < page.index("A filesystem is almost full")
    assert "100%" in page[page.index("A filesystem is almost full") :]
    assert (await (await signed_in(api, "cus")).open("/known-errors")).status == 403
    assert "有效率" in (await (await signed_in(api, "wei")).open("/known-errors")).text


@pytest.mark.parametrize("path", ["/silences", "/known-errors"])
async def test_whoever_signs_in_there_goes_on_there(api: Served, path: str) -> None:
    browser = Browser(api)
    page = await browser.open(path)
    assert page.status == 401
    there = re.search(r'name="there" value="([^"]*)"', page.text)
    assert there is not None
    answered = await browser.send("/sign-in", token=await api.token("ana"), there=there[1])
    assert answered.headers["Location"] == path
