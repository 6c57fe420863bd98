"""What a page says: the state as it is when it is sent, in the reader's language, and nothing an alert may command."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlation.incident import State
from escalation.escalate import CALLS
from escalation.message import compose
from escalation.page_facts import KnownErrorShown, PageFacts
from escalation.page_words import reason_text
from escalation.roles import ASSIGNEE, ROLES
from escalation.words import Language, one_line, state_text

AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
LANGUAGES: tuple[Language, ...] = get_args(Language)


def known_error(**changed: Any) -> KnownErrorShown:
    said: dict[str, Any] = {
        "id": "disk-full",
        "title": "A disk is full",
        "workaround": "1. df -h\n2. rotate the logs",
        "safety_note": "Delete nothing of the database.",
        "why": "alertname is DiskFull",
        "confidence": 0.9,
    }
    return KnownErrorShown(**{**said, **changed})


def facts(**changed: Any) -> PageFacts:
    said: dict[str, Any] = {
        "number": "INC-20260302-0001",
        "title": "DiskFull on mon-1",
        "severity": 2,
        "state": "assigned",
        "category": "storage",
        "group": "sys-ops",
        "assignee": None,
        "opened_at": AT,
        "resolved_at": None,
        "response_due_at": AT + timedelta(minutes=15),
        "resolve_due_at": AT + timedelta(hours=4),
        "step": "2/p75",
        "role": "l1",
        "target": "ana",
        "reason": {"code": "opened", "facts": {}},
        "alerts": [{"labels": {"alertname": "DiskFull", "instance": "mon-1"}, "startsAt": "2026-03-02T08:29:00Z"}],
        "alert_count": 3,
        "firing": 1,
        "known_errors": [known_error()],
        "links": {"acknowledge": "http://tocsin/a/x", "open": "http://tocsin/i/x"},
    }
    return PageFacts(**{**said, **changed})


REASONS = [
    # code, facts, English, Chinese
    ("opened", {}, "a new incident: you are told as l1", "新事件：按角色 一线 通知"),
    (
        "response_overdue",
        {"at": "100%"},
        "nobody had acknowledged by 100% of the response target",
        "响应时限已过 100%，尚无人确认",
    ),
    ("resolution_mark", {"at": "75%"}, "75% of the resolution target has passed", "解决时限已用 75%"),
    ("breach", {"at": "100%"}, "the resolution target was missed", "已超过解决时限"),
    ("repeat", {"repetition": 3}, "it was still not resolved (repetition 3)", "到期仍未解决（第 3 次重复通知）"),
    ("relapse", {"relapse": 1}, "it fired again after it was resolved (relapse 1)", "解决后再次告警（第 1 次复发）"),
    ("manual", {}, "somebody asked for escalation", "有人请求升级"),
    ("assigned", {}, "it was assigned to you", "事件已派给您"),
    ("handover", {}, "it was handed over to the second line", "已移交二线"),
    ("returned", {}, "it came back to the desk", "已退回服务台"),
    ("fallback", {"instead_of": "wei"}, "no channel reaches wei: you stand in", "无法联系 wei，由您代接"),
    ("severity_raised", {}, "the severity was raised", "严重程度已提升"),
    ("self_incident", {}, "Tocsin itself needs help", "Tocsin 自身出现问题，需要处理"),
    ("test", {}, "a test: there is nothing to do", "测试通知，无需处理"),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("code", "said", "en", "zh"), REASONS, ids=[r[0] for r in REASONS])
def test_every_reason_is_a_sentence_in_the_readers_language(
    code: str, said: dict[str, Any], en: str, zh: str, language: Language
) -> None:
    message = compose(facts(reason={"code": code, "facts": said}), language)
    sentence = {"en": en, "zh": zh}[language]
    assert sentence in message.text
    assert sentence in message.short
    assert message.payload["reason"] == {"code": code, "facts": said, "text": sentence}
    assert message.payload["language"] == language


@pytest.mark.parametrize("code", sorted(CALLS))
def test_every_call_that_an_act_makes_has_a_sentence(code: str) -> None:
    for language in LANGUAGES:
        assert reason_text({"code": code, "facts": {}}, "l1", language) != code


@pytest.mark.parametrize("role", sorted({*ROLES, ASSIGNEE} - {"viewer"}))
def test_every_role_that_is_told_has_a_chinese_name(role: str) -> None:
    assert role not in reason_text({"code": "opened", "facts": {}}, role, "zh")


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_chinese_name(state: State) -> None:
    assert not state_text(state, "zh").isascii()
    assert "_" not in state_text(state, "en")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        pytest.param({"code": "of a later version", "facts": {}}, "of a later version", id="a code nobody knows"),
        pytest.param(
            {"code": "repeat", "facts": {}}, "it was still not resolved (repetition ?)", id="a fact is missing"
        ),
        pytest.param({"code": "breach"}, "the resolution target was missed", id="no facts"),
        pytest.param({}, "", id="nothing"),
        pytest.param(
            {"code": "fallback", "facts": {"instead_of": "{at} {role} {0.__class__}", "at": "75%"}},
            "no channel reaches {at} {role} {0.__class__}: you stand in",
            id="braces in a fact are no holes (S19)",
        ),
    ],
)
def test_a_reason_is_told_whatever_it_holds(reason: dict[str, Any], text: str) -> None:
    assert reason_text(reason, "l1", "en") == text


WHEN = "2026-03-02 08:30:00 UTC"


@pytest.mark.parametrize(
    ("changed", "en", "zh"),
    [
        pytest.param({"state": "new"}, "", "", id="new"),
        pytest.param({"state": "assigned", "assignee": "ana"}, "", "", id="assigned: nobody has it yet"),
        pytest.param(
            {"state": "in_progress", "assignee": "ana"}, " (in progress: ana)", "（处理中：ana）", id="ana has it"
        ),
        pytest.param({"state": "pending_vendor"}, " (pending vendor)", "（挂起-待厂商）", id="with the vendor"),
        pytest.param(
            {"state": "resolved", "resolved_at": AT, "assignee": "ana"},
            f" (resolved at {WHEN})",
            f"（已解决 于 {WHEN}）",
            id="resolved",
        ),
        pytest.param(
            {"state": "archived", "resolved_at": AT},
            f" (archived; resolved at {WHEN})",
            f"（已归档；已解决 于 {WHEN}）",
            id="archived: that is not when it was resolved",
        ),
        pytest.param({"state": "cancelled"}, " (cancelled)", "（已取消）", id="cancelled"),
        pytest.param({"unconfirmed": True}, " (repeat)", "（重复）", id="it may have come before"),
        pytest.param(
            {"state": "in_progress", "assignee": "ana", "unconfirmed": True},
            " (in progress: ana; repeat)",
            "（处理中：ana；重复）",
            id="both",
        ),
    ],
)
def test_subject_and_short_text_say_how_it_stands_when_sent(changed: dict[str, Any], en: str, zh: str) -> None:
    for language, standing in zip(LANGUAGES, (en, zh), strict=True):
        message = compose(facts(**changed), language)
        assert message.subject == f"[INC-20260302-0001 sev2]{standing} DiskFull on mon-1"
        assert message.short.startswith(message.subject)
        assert message.payload["repeat_unconfirmed"] is changed.get("unconfirmed", False)


@pytest.mark.parametrize("code", [r[0] for r in REASONS if r[0] != "test"])
def test_what_is_resolved_is_never_told_as_going_on(code: str) -> None:
    """A page that waited for its channel while the incident ended."""
    reason = {"code": code, "facts": {"at": "75%", "repetition": 1, "relapse": 1, "instead_of": "wei"}}
    message = compose(facts(state="resolved", resolved_at=AT, firing=0, alerts=[], reason=reason))
    assert f"resolved at {WHEN}" in message.subject
    assert f"Resolved: {WHEN}" in message.text
    for going_on in ("is still", "it fires", "is missed", "(1 firing)"):
        assert going_on not in message.text


def test_what_was_resolved_once_and_is_worked_on_again_is_not_told_as_resolved() -> None:
    message = compose(facts(state="in_progress", assignee="ana", resolved_at=AT))
    assert "esolved" not in message.subject
    assert "Resolved:" not in message.text


def test_the_english_text_reads_as_it_is_meant() -> None:
    assert (
        compose(facts(late_s=750, unconfirmed=True, supersedes=["2/p50", "3/p100"])).text
        == """DiskFull on mon-1

Why you: a new incident: you are told as l1
Also due: 2/p50, 3/p100
Late by: 12 minutes 30 seconds
This is a repeat: whether the first delivery arrived is not known.
Acknowledge: http://tocsin/a/x

State: assigned
Severity: 2
Category: storage
Group: sys-ops
Assignee: nobody
Opened: 2026-03-02 08:30:00 UTC
Response due: 2026-03-02 08:45:00 UTC
Resolution due: 2026-03-02 12:30:00 UTC

Alerts: 3 (1 firing)
  DiskFull instance=mon-1

Known error: disk-full A disk is full
It fits because: alertname is DiskFull
Safety: Delete nothing of the database.
Workaround:
1. df -h
2. rotate the logs"""
    )


def test_what_the_trouble_came_of_stands_below_the_title_and_in_the_short_text() -> None:
    """The title is of what was told first: at night nobody is to look for the cause among its effects."""
    alerts = [{"labels": {"alertname": name, "instance": "x"}} for name in ("UpsOnBattery", "A", "B", "C")]
    told = compose(facts(root="UpsOnBattery ups=ups-a: on battery", alerts=alerts))
    assert told.text.startswith("DiskFull on mon-1\nLikely root: UpsOnBattery ups=ups-a: on battery\n\nWhy you:")
    assert "Likely root: UpsOnBattery ups=ups-a: on battery: a new incident" in told.short
    assert told.text.index("UpsOnBattery instance=x") < told.text.index("Known error") < told.text.index("B instance=x")
    assert "可能的根源：UpsOnBattery" in compose(facts(root="UpsOnBattery"), "zh").text
    assert "root" not in compose(facts(root="DiskFull mon-1: DiskFull on mon-1")).text, "the title says it already"


def test_a_raise_is_not_called_a_delay() -> None:
    late = facts(late_s=65, reason={"code": "severity_raised", "facts": {}})
    assert "Late" not in compose(late).text
    assert "Late by: 1 minute 5 seconds" in compose(facts(late_s=65)).text


def test_a_page_leads_people_to_the_console_and_programs_to_the_record() -> None:
    links = {"acknowledge": "http://tocsin/a/x", "console": "http://tocsin/c/x", "open": "http://tocsin/i/x"}
    told = compose(facts(links=links))
    assert "Acknowledge: http://tocsin/a/x\nConsole: http://tocsin/c/x\n" in told.text
    assert "http://tocsin/i/x" not in told.text
    assert told.payload["links"] == links


def test_a_test_says_that_it_is_one_and_nothing_of_an_incident() -> None:
    text = compose(
        PageFacts(title="Tocsin", reason={"code": "test", "facts": {}}, links={"open": "http://tocsin"})
    ).text
    assert text == "Tocsin\n\nWhy you: a test: there is nothing to do"


def test_the_chinese_text_uses_the_words_of_the_procedure() -> None:
    text = compose(facts(known_errors=[]), "zh").text
    for words in ("状态：已派单", "严重程度：2", "处理组：sys-ops", "响应期限：", "解决期限：", "没有匹配的已知错误。"):
        assert words in text
    assert "State" not in text


def test_while_known_errors_are_looked_through_no_page_says_that_none_fits() -> None:
    told_in: list[tuple[Language, str]] = [("en", "No known error yet"), ("zh", "暂无已知错误")]
    for language, words in told_in:
        told = compose(facts(known_errors=[], looked_for=False), language).text
        assert words in told
        assert "No known error fits" not in told
        assert "没有匹配" not in told


def test_the_payload_is_what_the_manual_says() -> None:
    payload = compose(facts(known_errors=[known_error()])).payload
    assert set(payload) == {
        "incident",
        "step",
        "target",
        "role",
        "reason",
        "supersedes",
        "repeat_unconfirmed",
        "alert_count",
        "alerts",
        "known_errors",
        "nearest",
        "links",
        "language",
        "text",
    }
    assert payload["incident"] == {
        "number": "INC-20260302-0001",
        "title": "DiskFull on mon-1",
        "state": "assigned",
        "severity": 2,
        "category": "storage",
        "group": "sys-ops",
        "assignee": None,
        "opened_at": "2026-03-02T08:30:00.000Z",
        "resolved_at": None,
        "response_due_at": "2026-03-02T08:45:00.000Z",
        "resolve_due_at": "2026-03-02T12:30:00.000Z",
    }
    assert (payload["step"], payload["target"], payload["role"]) == ("2/p75", "ana", "l1")
    assert payload["alerts"] == list(facts().alerts)
    assert payload["known_errors"][0]["workaround"] == "1. df -h\n2. rotate the logs"


def test_the_same_facts_make_the_same_message() -> None:
    assert compose(facts()) == compose(facts())


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("{{ ''.__class__ }} {% for x in y %} ${HOME} %(a)s {0.__class__}", id="templates (S19)"),
        pytest.param("<script>alert(1)</script>", id="markup stays text (S18)"),
        pytest.param("load < 5 and a@b.example [x] (y)", id="what only looks like it"),
        pytest.param("磁盘已满 🔥 façade", id="letters of the world"),
    ],
)
def test_the_text_of_an_alert_is_shown_as_it_came(title: str) -> None:
    message = compose(facts(title=title))
    assert title in message.subject
    assert title in message.text
    assert message.payload["incident"]["title"] == title


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        pytest.param("disk\r\nBcc: eve@example.org", "disk  Bcc: eve@example.org", id="a header (S36)"),
        pytest.param("a\x00b\x1b[31mc\x7f\x85d", "a b [31mc  d", id="control characters"),
        pytest.param("safe\u202eexe.gpj\u2066x\u200f", "safe exe.gpj x ", id="turned around (S18)"),
        pytest.param("a\u2028b\u2029c", "a b c", id="line separators"),
        pytest.param("half \ud83d", "half  ", id="half a character"),
        pytest.param(
            "@all @Here @channel @everyone @所有人", "@ all @ Here @ channel @ everyone @ 所有人", id="everybody"
        ),
        pytest.param("<!channel> <@U123> <#C1>", "< !channel> < @U123> < #C1>", id="Slack's everybody"),
        pytest.param('<at user_id="all">x</at>', '< at user_id="all">x</at>', id="Feishu's everybody"),
        pytest.param("<http://evil|Acknowledge>", "< http://evil|Acknowledge>", id="a link under another name"),
        pytest.param("[Acknowledge](http://evil)", "[Acknowledge] (http://evil)", id="the same in Markdown"),
    ],
)
def test_an_alert_cannot_command_the_channel(came: str, shown: str) -> None:
    assert one_line(came) == shown
    message = compose(facts(title=came, alerts=[{"labels": {"alertname": came, "pod": came}}], group=came))
    for text in (message.subject, message.short, message.text):
        assert came not in text


def test_a_label_cannot_write_a_line_of_its_own() -> None:
    forged = "x\nAcknowledge: http://evil/"
    text = compose(
        facts(alerts=[{"labels": {"alertname": forged, forged: forged}}], title=forged, category=forged)
    ).text
    assert [line for line in text.splitlines() if line.startswith("Acknowledge:")] == ["Acknowledge: http://tocsin/a/x"]


@pytest.mark.parametrize("filler", ["x", "磁", "🔥"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_sizes_are_bounded_and_the_links_are_always_whole(filler: str, language: Language) -> None:
    long = filler * 50_000
    huge = facts(
        title=long,
        alerts=[{"labels": {"alertname": long, **{f"l{n}": long for n in range(100)}}}] * 50,
        known_errors=[known_error(title=long, workaround=long, safety_note=long, why=long)] * 10,
        supersedes=[long] * 100,
        reason={"code": "fallback", "facts": {"instead_of": long}},
        assignee=long,
        state="in_progress",
    )
    message = compose(huge, language)
    assert len(message.subject) <= 200
    assert len(message.short) <= 200
    assert len(message.text.encode()) <= 8000
    assert [line for line in message.text.splitlines()[:8] if line.endswith("http://tocsin/a/x")]
    assert max(len(text) for text in texts(message.payload) if text != message.text) <= 4000
    assert len(message.payload["alerts"]) == 20


def texts(value: Any) -> list[str]:
    """Every text inside a JSON value, names too."""
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    ("label", "sent"),
    [
        pytest.param("half \ud83d", "half \ufffd", id="half a character is replaced"),
        pytest.param("a\x00\u202eb", "a\x00\u202eb", id="what JSON can hold is sent as it came: programs compare it"),
        pytest.param("x" * 5000, "x" * 3999 + "…", id="what is too long is cut"),
    ],
)
def test_labels_reach_programs_as_they_came_as_far_as_json_can_hold_them(label: str, sent: str) -> None:
    payload = compose(facts(alerts=[{"labels": {"pod": label}}])).payload
    assert payload["alerts"] == [{"labels": {"pod": sent}}]


def test_a_value_that_is_no_number_is_sent_as_nothing() -> None:
    payload = compose(facts(known_errors=[known_error(confidence=float("nan"))])).payload
    assert payload["known_errors"][0]["confidence"] is None


NASTY = "\x00\r\n\t\x1b\x85\u2028\u202e\ufeff\ud83d\udd25{}%<@]( 磁🔥"
ANY = st.text(st.sampled_from(NASTY) | st.characters(exclude_categories=()), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
    max_leaves=5,
)
MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))
ANYTHING = st.builds(
    PageFacts,
    number=ANY,
    title=ANY,
    severity=st.integers(1, 4),
    state=st.sampled_from(list(State)) | ANY,
    category=ANY,
    group=ANY,
    assignee=st.none() | ANY,
    opened_at=MOMENTS,
    resolved_at=MOMENTS,
    response_due_at=MOMENTS,
    resolve_due_at=MOMENTS,
    step=ANY,
    role=ANY,
    target=ANY,
    reason=st.fixed_dictionaries(
        {"code": st.sampled_from([r[0] for r in REASONS]) | ANY, "facts": st.dictionaries(ANY, JSON, max_size=3)}
    ),
    late_s=st.floats(),
    unconfirmed=st.booleans(),
    supersedes=st.lists(ANY, max_size=3),
    alerts=st.lists(st.fixed_dictionaries({"labels": st.dictionaries(ANY, ANY, max_size=3)}), max_size=3),
    alert_count=st.integers(0),
    firing=st.integers(0),
    known_errors=st.lists(
        st.builds(KnownErrorShown, id=ANY, title=ANY, workaround=ANY, safety_note=ANY, why=ANY, confidence=st.floats()),
        max_size=2,
    ),
    links=st.dictionaries(st.sampled_from(["acknowledge", "open"]) | ANY, ANY, max_size=3),
)


@settings(deadline=None, max_examples=60)
@given(known=ANYTHING, language=st.sampled_from(LANGUAGES))
def test_any_facts_make_a_message_that_can_be_sent(known: PageFacts, language: Language) -> None:
    message = compose(known, language)
    assert not [c for c in message.subject + message.short if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert (len(message.subject), len(message.short)) <= (200, 200)
    assert not [c for c in message.text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    sent = json.dumps(message.payload, allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(sent) == message.payload


def test_moments_are_told_on_the_readers_clock_and_in_utc_to_programs() -> None:
    told = compose(facts(zone=ZoneInfo("Asia/Shanghai"), state="resolved", resolved_at=AT))
    assert "Opened: 2026-03-02 16:30:00 +08:00" in told.text
    assert "(resolved at 2026-03-02 16:30:00 +08:00)" in told.subject
    assert told.payload["incident"]["opened_at"] == "2026-03-02T08:30:00.000Z"
    assert f"Opened: {WHEN}" in compose(facts()).text


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("http://prom-1:9090/graph?g0.expr=up%20%3D%3D%200", True),
        ("HTTPS://prom/graph", True),
        (f"http://prom/graph?g0.expr={'a' * 500}", False),
        ("javascript:alert(1)//http://prom", False),
        ("http://prom/ @all", False),
        ("http://prom/\u202egnp.exe", False),
        ("/graph?g0.expr=up", False),
        ("", False),
    ],
)
def test_a_page_leads_back_to_where_its_alert_is_looked_at_if_that_is_an_address(told: str, said: bool) -> None:
    page = compose(facts(alerts=[{"labels": {"alertname": "DiskFull"}, "annotations": {}, "generatorURL": told}]))
    assert (f"    At its source: {told}\n" in f"{page.text}\n") is said
    assert said or "At its source" not in page.text


def test_what_a_rule_says_of_its_alert_is_sent_along_but_not_the_title_again() -> None:
    annotations = {"summary": "DiskFull on mon-1", "runbook_url": "https://wiki/disk", "description": "two\nlines"}
    told = compose(facts(alerts=[{"labels": {"alertname": "DiskFull"}, "annotations": annotations}]))
    assert "  DiskFull\n    runbook_url: https://wiki/disk\n    description: two lines\n" in told.text + "\n"
    assert "summary" not in told.text
    assert told.payload["alerts"][0]["annotations"]["runbook_url"] == "https://wiki/disk"
