"""The console, as a browser uses it: a cookie, links and forms."""

import asyncio
import html
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest

from agent import tokens
from agent.intents import Suggested
from tests.agent.http.serving import LINK_DOWN, Served
from tests.house import DISK_FULL, alert
from tests.real.running import until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Page:
    """What a browser was answered."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Browser:
    """Keeps the cookie, and follows nothing by itself."""

    api: Served
    cookie: str = ""
    seen: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, filled: dict[str, str] | None = None, **headers: str) -> Page:
        sent = {**({"Cookie": self.cookie} if self.cookie else {}), **(FORM if filled is not None else {}), **headers}
        data = urlencode(filled).encode() if filled is not None else None
        async with self.api.session.request(
            method, self.api.url + path, data=data, headers=sent, allow_redirects=False
        ) as response:
            if "Set-Cookie" in response.headers:
                self.seen.append(response.headers["Set-Cookie"])
                self.cookie = response.headers["Set-Cookie"].partition(";")[0]
            return Page(response.status, await response.text(), dict(response.headers))

    async def open(self, path: str) -> Page:
        return await self.ask("GET", path)

    async def send(self, path: str, /, **filled: str) -> Page:
        return await self.ask("POST", path, filled)


async def signed_in(api: Served, person: str) -> Browser:
    browser = Browser(api)
    answered = await browser.send("/sign-in", token=await api.token(person), there="/")
    assert (answered.status, answered.headers["Location"]) == (303, "/")
    return browser


# signing in


@pytest.mark.parametrize("path", ["/", "/incidents/INC-20260302-0001"])
async def test_nobody_sees_anything_without_a_token(api: Served, path: str) -> None:
    number = await api.open_incident()
    page = await Browser(api).open(path)
    assert page.status == 401
    assert number not in re.sub(r'name="there" value="[^"]*"', "", page.text)
    assert page.headers["WWW-Authenticate"] == "Bearer", "a browser is to show the form, and ask nothing itself"


async def test_who_signs_in_goes_on_where_they_wanted_to(api: Served) -> None:
    number = await api.open_incident()
    browser = Browser(api)
    there = re.search(r'name="there" value="([^"]*)"', (await browser.open(f"/incidents/{number}")).text)
    assert there is not None
    answered = await browser.send("/sign-in", token=await api.token("ana"), there=there[1])
    assert answered.headers["Location"] == f"/incidents/{number}"
    assert "DiskFull" in (await browser.open(f"/incidents/{number}")).text


async def test_the_cookie_is_kept_from_pages_and_from_other_sites(api: Served) -> None:
    browser = await signed_in(api, "ana")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in browser.seen[-1]
    assert "Secure" not in browser.seen[-1], "the address here is http: the browser would drop it"


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example/", "/\\evil.example", "/api/v1/me", "/ack/x"]
)
async def test_signing_in_leads_nowhere_else(api: Served, there: str) -> None:
    answered = await Browser(api).send("/sign-in", token=await api.token("ana"), there=there)
    assert (answered.status, answered.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("token", ["", "tcs_wrong", "\x00", "x" * 5000, "a; Path=/"])
async def test_a_token_that_is_nobodys_is_refused_and_said(api: Served, token: str) -> None:
    answered = await Browser(api).send("/sign-in", token=token)
    assert answered.status == 401
    assert "not valid" in answered.text


async def test_a_revoked_token_is_signed_out(api: Served) -> None:
    browser = await signed_in(api, "ana")
    assert (await browser.open("/")).status == 200
    for row in await tokens.listed(api.storage):
        await tokens.revoke(api.storage, row.id, api.clock.now())

    async def signed_out() -> bool:
        return (await browser.open("/")).status == 401

    await until(signed_out, "the token is refused", within=10)


async def test_signing_out_forgets_the_token(api: Served) -> None:
    browser = await signed_in(api, "ana")
    assert (await browser.send("/sign-out")).status == 303
    assert (await browser.open("/")).status == 401


async def test_the_cookie_opens_nothing_of_the_api(api: Served) -> None:
    browser = await signed_in(api, "pat")
    assert (await browser.open("/api/v1/me")).status == 401


# the list


async def test_the_list_shows_what_is_open_and_who_has_it(api: Served) -> None:
    one, other = await api.open_incident(), await api.open_incident(LINK_DOWN)
    await api.act(one, "acknowledge", as_="ana")
    page = (await (await signed_in(api, "luis")).open("/")).text
    assert f'href="/incidents/{one}"' in page
    assert f'href="/incidents/{other}"' in page
    assert "with Ana" in page
    assert "nobody has it" in page
    assert "<script" not in page


def lines_of(page: str, number: str) -> list[str]:
    """What the card of an incident says."""
    card = page[page.index(f'href="/incidents/{number}"') :].partition("</a>")[0]
    return re.findall(r"<span class=soft>([^<]*)</span>", card)


async def test_a_card_says_since_when_it_fires_and_when_all_alerts_were_cleared(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "luis")
    assert "1 firing since 2026-03-02 08:59:00 UTC" in lines_of((await browser.open("/")).text, number)
    assert "<dt>Firing since</dt><dd>2026-03-02 08:59:00 UTC" in (await browser.open(f"/incidents/{number}")).text
    await api.receive(alert(DISK_FULL, ends="2026-03-02T09:00:10Z"))
    (cleared,) = [line for line in lines_of((await browser.open("/")).text, number) if "cleared" in line]
    assert cleared.startswith("all alerts cleared at 2026-03-02 09:00:")
    page = (await browser.open(f"/incidents/{number}")).text
    assert "<dt>All alerts cleared</dt><dd>2026-03-02 09:00:" in page
    assert "Firing since" not in page
    assert "firing since" not in page


async def test_people_are_called_by_their_names(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    browser = await signed_in(api, "wei")
    assert "处理人 Ana" in (await browser.open("/")).text
    page = (await browser.open(f"/incidents/{number}")).text
    assert "· Ana</time>已响应；由 Ana 负责" in page
    assert "<span class=soft>伟</span>" in page


async def test_forms_offer_spans_and_groups_as_people_say_them(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "assign", {"person": "wei"}, "desk")
    page = (await (await signed_in(api, "wei")).open(f"/incidents/{number}")).text
    for offered in ('value="30">30 分钟<', 'value="720">12 小时<', 'value="l2">二线<', 'value="sys-ops">系统运维<'):
        assert offered in page
    page = (await (await signed_in(api, "pat")).open(f"/incidents/{number}")).text
    for offered in ('value="30">30 minutes<', 'value="l2">the second line<', 'value="sys-ops">sys-ops<'):
        assert offered in page


async def test_an_alert_that_comes_again_and_again_is_the_root_of_no_other(api: Served) -> None:
    for second in (1, 3, 5):
        at = f"2026-03-02T08:59:0{second}Z"
        await api.receive(alert(DISK_FULL, starts=at, annotations={"summary": f"disk 9{second} % full"}))
        await api.receive(alert(DISK_FULL, starts=at, ends=f"2026-03-02T08:59:0{second + 1}Z"))
    (found,) = (await api.get("/api/v1/incidents")).items
    assert found["record"]["alert_count"] == 3
    browser = await signed_in(api, "ana")
    assert "Likely root" not in (await browser.open("/")).text
    assert "Likely root" not in (await browser.open(f"/incidents/{found['number']}")).text


async def test_the_list_looks_again_by_itself_and_pages_with_forms_do_not(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "luis")
    assert "Refresh" in (await browser.open("/")).headers
    assert "Refresh" not in (await browser.open(f"/incidents/{number}")).headers


async def test_resolved_ones_and_a_search_are_a_tap_away(api: Served) -> None:
    one, other = await api.open_incident(), await api.open_incident(LINK_DOWN)
    await api.act(one, "cancel", {"reason": "a drill"}, "desk")
    browser = await signed_in(api, "luis")
    assert one not in (await browser.open("/")).text
    assert one in (await browser.open("/?show=all")).text
    found = (await browser.open("/?show=all&q=LinkDown")).text
    assert other in found
    assert one not in found
    assert "Nothing is found." in (await browser.open("/?q=xyzzy")).text


async def test_a_long_list_goes_on(api: Served) -> None:
    for number in range(52):
        await api.report(f"printer {number} is out of paper")
    browser = await signed_in(api, "pat")
    first = (await browser.open("/")).text
    (more,) = re.findall(r'href="/\?([^"]*cursor=[^"]*)"', first)
    second = (await browser.open("/?" + more.replace("&amp;", "&"))).text
    numbers = [set(re.findall(r'href="/incidents/(INC-[0-9-]+)"', page)) for page in (first, second)]
    assert [len(numbers[0]), len(numbers[1])] == [50, 2]
    assert not numbers[0] & numbers[1]


@pytest.mark.parametrize("query", ["show=nonsense", "cursor=nonsense", "other=1", "q=" + "x" * 300])
async def test_a_bad_query_is_told_on_a_page(api: Served, query: str) -> None:
    page = await (await signed_in(api, "luis")).open(f"/?{query}")
    assert page.status == 422
    assert "<a href" in page.text


async def test_it_speaks_the_language_of_who_reads(api: Served) -> None:
    await api.open_incident()
    assert "尚无人接手" in (await (await signed_in(api, "wei")).open("/")).text
    asked = await Browser(api).ask("GET", "/", None, **{"Accept-Language": "zh-CN,zh;q=0.9"})
    assert "登录" in asked.text


async def test_who_is_on_call_is_for_people_of_the_organisation(api: Served) -> None:
    assert "On call now" in (await (await signed_in(api, "luis")).open("/")).text
    assert "On call now" not in (await (await signed_in(api, "cus")).open("/")).text


async def test_an_outsider_sees_their_own_alone(api: Served) -> None:
    alarm, own = await api.open_incident(), await api.report("my mail does not go", as_="cus")
    browser = await signed_in(api, "cus")
    page = (await browser.open("/?show=all")).text
    assert own in page
    assert alarm not in page
    assert (await browser.open(f"/incidents/{alarm}")).status == 404


# an incident


async def test_what_came_with_an_alert_is_no_html(api: Served) -> None:
    await api.receive(alert({"alertname": "DiskFull<b>", "instance": '"><script>alert(1)</script>'}))
    browser = await signed_in(api, "ana")
    (number,) = set(re.findall(r"/incidents/(INC-[0-9-]+)", (await browser.open("/")).text))
    for path in ("/", f"/incidents/{number}"):
        page = (await browser.open(path)).text
        assert "<script>" not in page
        assert "<b>" not in page
    assert 'value="&quot;&gt;&lt;x' in (await browser.open("/?q=%22%3E%3Cx")).text


async def test_list_and_page_name_the_alert_that_the_others_came_of_and_what_helps_with_that(api: Served) -> None:
    """The title is that of the alert which was told first, a symptom here."""
    at_first = {"alertname": "PostgresDown", "instance": "db-1:9187", "severity": "critical"}
    cause = alert({"alertname": "HostDown", "instance": "db-1:9100"}, annotations={"summary": "no ping"})
    await api.receive(alert(at_first))
    browser = await signed_in(api, "ana")
    assert "Likely root" not in (await browser.open("/")).text, "one alert is no tree"
    await api.receive(cause)
    listed = (await browser.open("/")).text
    assert "PostgresDown db-1:9187" in listed
    assert "Likely root: HostDown db-1:9100: no ping" in listed
    (number,) = set(re.findall(r"/incidents/(INC-[0-9-]+)", listed))
    page = (await browser.open(f"/incidents/{number}")).text
    assert "Likely root: HostDown db-1:9100: no ping" in page
    assert page.index("A host is down") < page.index("A database is down")
    assert page.index("firing · HostDown") < page.index("firing · PostgresDown")


@pytest.mark.parametrize(
    "told",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//evil.example/",
        'http://prom/"onmouseover="alert(1)',
        "http://prom/ javascript:alert(1)",
        "graph?g0.expr=up",
    ],
)
async def test_what_is_no_web_address_is_text_wherever_a_sender_writes_it(api: Served, told: str) -> None:
    said = {"runbook_url": "javascript:alert(1)", "dashboard_url": "https://dash/d/1"}
    await api.receive(alert(DISK_FULL, annotations=said, generatorURL=told))
    browser = await signed_in(api, "ana")
    (number,) = set(re.findall(r"/incidents/(INC-[0-9-]+)", (await browser.open("/")).text))
    page = (await browser.open(f"/incidents/{number}")).text
    assert set(re.findall(r'<a href="([^"]*)"', page)) == {"/", "https://dash/d/1"}
    assert "runbook_url: javascript:alert(1)" in page
    assert html.escape(told.strip()) in page
    assert "<script" not in page


async def test_each_alert_leads_to_where_it_is_looked_at(api: Served) -> None:
    address = "http://prom-1:9090/graph?g0.expr=a%20%3E%201&g0.tab=1"
    await api.receive(alert(DISK_FULL, generatorURL=address))
    browser = await signed_in(api, "wei")
    (number,) = set(re.findall(r"/incidents/(INC-[0-9-]+)", (await browser.open("/")).text))
    page = (await browser.open(f"/incidents/{number}")).text
    link = f'<a href="{html.escape(address)}" rel="noopener noreferrer">prom-1:9090</a>'
    assert f"在监控系统中查看：{link}" in page


async def test_the_page_of_what_was_merged_leads_to_what_it_became(api: Served) -> None:
    first, second = await api.open_incident(), await api.open_incident(LINK_DOWN)
    await api.act(first, "merge", {"into": second})
    page = (await (await signed_in(api, "ana")).open(f"/incidents/{first}")).text
    assert f'<a href="/incidents/{second}">{second}</a>' in page
    assert "nobody has it" not in page


async def test_the_page_says_why_its_alerts_are_together(api: Served) -> None:
    await api.receive(
        alert({"alertname": "DiskFull", "instance": "db-1:9100", "severity": "warning"}),
        alert({"alertname": "DiskFull", "instance": "db-1:9100", "severity": "critical"}),
    )
    browser = await signed_in(api, "ana")
    (number,) = set(re.findall(r"/incidents/(INC-[0-9-]+)", (await browser.open("/")).text))
    why = (await browser.open(f"/incidents/{number}")).text.partition("Why these alerts are together")[2]
    said = [line["why"]["text"] for line in (await api.get(f"/api/v1/incidents/{number}/why")).items]
    assert len(said) == 2
    assert all(text.replace("'", "&#x27;").replace('"', "&quot;") in why for text in said)


async def test_the_button_acknowledges_and_the_form_is_gone(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "ana")
    assert f'action="/incidents/{number}/acknowledge"' in (await browser.open(f"/incidents/{number}")).text
    answered = await browser.send(f"/incidents/{number}/acknowledge")
    assert (answered.status, answered.headers["Location"]) == (303, f"/incidents/{number}")
    found = (await api.get(f"/api/v1/incidents/{number}")).body
    assert (found["state"], found["assignee"]) == ("in_progress", "ana")
    assert f'action="/incidents/{number}/acknowledge"' not in (await browser.open(f"/incidents/{number}")).text


@pytest.mark.parametrize(
    ("action", "filled", "kind"),
    [
        ("note", {"text": "the disk is being emptied 正在清理"}, "note"),
        ("escalate", {"reason": "needs the vendor"}, "escalation_requested"),
        ("snooze", {"minutes": "60", "reason": "the batch ends at ten"}, "snoozed"),
        ("handover", {"to": "l2", "reason": "needs a second pair of eyes"}, "handed_over"),
        ("feedback", {"known_error": "disk-space-low", "outcome": "used"}, "known_error_feedback"),
        (
            "resolve",
            {"type": "workaround", "resolution": "emptied", "note": "see the ticket", "restored": "yes"},
            "resolved",
        ),
    ],
)
async def test_each_form_does_what_the_api_does(api: Served, action: str, filled: dict[str, str], kind: str) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    browser = await signed_in(api, "ana")
    form = (await browser.open(f"/incidents/{number}")).text.partition(f'action="/incidents/{number}/{action}"')[2]
    assert set(filled) <= set(re.findall(r'name="([a-z_]+)"', form.partition("</form>")[0]))
    answered = await browser.send(f"/incidents/{number}/{action}", **filled)
    assert answered.status == 303, answered.text
    happened = (await api.get(f"/api/v1/incidents/{number}/timeline")).items
    assert any(line["kind"] == kind and line["actor"] == "ana" for line in happened), [h["kind"] for h in happened]


async def test_the_page_says_how_sure_a_known_error_is_or_that_none_is_found_yet_and_asks_of_what_was_found(
    api: Served,
) -> None:
    known, unknown = await api.open_incident(), await api.report("blank invoices from the printer")
    browser = await signed_in(api, "pat")
    found = (await browser.open(f"/incidents/{known}")).text
    assert "95% · " in found
    assert '<option value="disk-space-low">A filesystem is almost full</option>' in found
    none_yet = (await browser.open(f"/incidents/{unknown}")).text
    assert ("still looked through" in none_yet, "/feedback" in none_yet) == (True, False)
    desk = api.daemon.pipeline.desk
    await api.daemon.pipeline.submit(Suggested(desk.board.numbers[unknown], ()))
    assert "No known error fits." in (await browser.open(f"/incidents/{unknown}")).text


async def test_another_root_is_named_where_there_are_several_alerts(api: Served) -> None:
    number = await api.open_incident({"alertname": "PostgresDown", "instance": "db-1:9187", "severity": "critical"})
    browser = await signed_in(api, "pat")
    assert "/set-root" not in (await browser.open(f"/incidents/{number}")).text, "one alert is its own root"
    await api.receive(alert({"alertname": "HostDown", "instance": "db-1:9100", "severity": "critical"}))
    page = (await browser.open(f"/incidents/{number}")).text
    form = page.partition(f'action="/incidents/{number}/set-root"')[2].partition("</form>")[0]
    offered = dict(re.findall(r'<option value="([^"]+)">([^<]+)</option>', form))
    (other,) = (key for key, said in offered.items() if said == "PostgresDown db-1:9187")
    answered = await browser.send(f"/incidents/{number}/set-root", alert=other, reason="it was the upgrade")
    assert answered.status == 303, answered.text
    page = (await browser.open(f"/incidents/{number}")).text
    assert "Likely root: PostgresDown db-1:9187" in page
    assert "Pat said so: it was the upgrade" in page


async def key_of(browser: Browser, number: str, action: str) -> str:
    """What the form of an act carries, as the page shows it now."""
    form = (await browser.open(f"/incidents/{number}")).text.partition(f'action="/incidents/{number}/{action}"')[2]
    found = re.search(r'name="once" value="([^"]+)"', form.partition("</form>")[0])
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("action", "filled", "kind"),
    [("note", {"text": "seen"}, "note"), ("escalate", {"reason": "needs the vendor"}, "escalation_requested")],
)
async def test_a_form_that_is_tapped_twice_is_done_once(
    api: Served, action: str, filled: dict[str, str], kind: str
) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    browser = await signed_in(api, "ana")
    sent = {**filled, "once": await key_of(browser, number, action)}
    answered = await asyncio.gather(*(browser.send(f"/incidents/{number}/{action}", **sent) for _ in range(2)))
    assert [(a.status, a.headers["Location"]) for a in answered] == [(303, f"/incidents/{number}")] * 2
    assert await told(api, number, kind) == 1
    assert await key_of(browser, number, action) != sent["once"], "shown again, it is another form"
    await browser.send(f"/incidents/{number}/{action}", **{**filled, "once": await key_of(browser, number, action)})
    assert await told(api, number, kind) == 2


async def told(api: Served, number: str, kind: str) -> int:
    happened = (await api.get(f"/api/v1/incidents/{number}/timeline")).items
    return [line["kind"] for line in happened].count(kind)


async def test_a_form_of_before_with_other_words_is_not_taken_for_sent(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "wei")
    once = await key_of(browser, number, "note")
    assert (await browser.send(f"/incidents/{number}/note", text="seen", once=once)).status == 303
    gone_back_to = await browser.send(f"/incidents/{number}/note", text="and mended", once=once)
    assert gone_back_to.status == 409
    assert "请重新打开事件页面" in gone_back_to.text
    assert await told(api, number, "note") == 1


async def test_a_form_that_was_refused_can_be_mended_and_sent(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "ana")
    once = await key_of(browser, number, "note")
    assert (await browser.send(f"/incidents/{number}/note", once=once)).status == 422
    assert (await browser.send(f"/incidents/{number}/note", text="seen", once=once)).status == 303


async def test_what_is_missing_is_said_and_nothing_is_done(api: Served) -> None:
    number = await api.open_incident()
    await api.act(number, "acknowledge", as_="ana")
    browser = await signed_in(api, "ana")
    refused = await browser.send(f"/incidents/{number}/resolve", type="workaround", resolution="x", note="y")
    assert refused.status == 422
    assert "still fire" in refused.text
    assert (await browser.send(f"/incidents/{number}/note")).status == 422
    assert (await browser.send(f"/incidents/{number}/snooze", minutes="-5", reason="x")).status == 422
    assert (await api.get(f"/api/v1/incidents/{number}")).body["state"] == "in_progress"


async def test_nobody_does_more_than_they_may(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "vic")
    page = (await browser.open(f"/incidents/{number}")).text
    assert f'action="/incidents/{number}' not in page
    assert (await browser.send(f"/incidents/{number}/acknowledge")).status == 403
    assert (await api.get(f"/api/v1/incidents/{number}")).body["state"] == "assigned"


@pytest.mark.parametrize("action", ["cancel", "nonsense", "set-severity"])
async def test_what_has_no_form_is_not_done(api: Served, action: str) -> None:
    number = await api.open_incident()
    refused = await (await signed_in(api, "pat")).send(f"/incidents/{number}/{action}", reason="x")
    assert refused.status == 404


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://here.evil.example"])
async def test_a_form_of_another_site_is_refused(api: Served, origin: str) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "ana")
    for path in (f"/incidents/{number}/acknowledge", "/sign-out", "/sign-in"):
        assert (await browser.ask("POST", path, {}, Origin=origin)).status == 403
    assert (await api.get(f"/api/v1/incidents/{number}")).body["state"] == "assigned"
    for ours in (api.url, "http://here"):
        done = await browser.ask("POST", f"/incidents/{number}/acknowledge", {}, Origin=ours)
        assert done.status == 303, ours


async def test_a_form_that_is_too_large_is_refused(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "ana")
    assert (await browser.send(f"/incidents/{number}/note", text="x" * 100_000)).status == 413
    many = {f"f{n}": "x" for n in range(100)}
    assert (await browser.ask("POST", f"/incidents/{number}/note", many)).status == 400


async def test_an_incident_whose_steps_wait_says_until_when_and_for_what(api: Served) -> None:
    number = await api.open_incident()
    silence = {"matchers": ['alertname="DiskFull"'], "ends_at": "2026-03-02T10:00:00Z", "comment": "new disks"}
    assert (await api.post("/api/v1/silences", silence, as_="ana")).status == 201
    browser = await signed_in(api, "ana")
    said = "silenced by Ana until 2026-03-02 10:00:00 UTC"
    card = lines_of((await browser.open("/")).text, number)
    held = f"Waits until 2026-03-02 10:00:00 UTC: {said}"
    assert card[card.index(held) + 1].startswith("next step 2026-03-02 10:00:00 UTC"), "what is held comes no sooner"
    shown = (await browser.open(f"/incidents/{number}")).text
    assert "<dt>Waits until</dt>" in shown
    assert said in shown
