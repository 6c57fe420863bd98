"""What a page says, from the incident as it is when it is sent; in the reader's language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from collectors.moment import moment_text
from escalation.delivery import Message

Language = Literal["en", "zh"]
_SUBJECT, _TEXT, _SHORT, _FIELD = 200, 8000, 200, 4000
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class KnownErrorShown:
    """A known error as it is sent along: what to do, and why it is believed to fit."""

    id: str
    title: str
    workaround: str
    safety_note: str
    why: str
    confidence: float


@dataclass(frozen=True)
class PageFacts:
    """What is known at the moment of sending."""

    number: str
    title: str
    severity: int
    state: str
    category: str
    group: str
    assignee: str | None
    opened_at: datetime | None
    resolved_at: datetime | None
    response_due_at: datetime | None
    resolve_due_at: datetime | None
    step: str
    role: str
    target: str
    reason: Mapping[str, Any]
    late_s: float = 0.0
    unconfirmed: bool = False
    supersedes: Sequence[str] = ()
    alerts: Sequence[Mapping[str, Any]] = ()
    alert_count: int = 0
    firing: int = 0
    known_errors: Sequence[KnownErrorShown] = ()
    links: Mapping[str, str] = field(default_factory=dict)


def one_line(text: str, most: int = _FIELD) -> str:
    """Text without line breaks, control characters and direction marks, cut to a length."""
    cleaned = _UNSAFE.sub(" ", text.replace("\r", " ").replace("\n", " ").replace("\t", " "))
    return cleaned if len(cleaned) <= most else cleaned[: most - 1] + "…"


def _block(text: str, most: int = _FIELD) -> str:
    cleaned = _UNSAFE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return cleaned if len(cleaned) <= most else cleaned[: most - 1] + "…"


_WORDS: dict[str, tuple[str, str]] = {
    "state": ("State", "状态"),
    "severity": ("Severity", "严重程度"),
    "category": ("Category", "事件分类"),
    "group": ("Group", "处理组"),
    "assignee": ("Assignee", "处理人"),
    "opened": ("Opened", "登记时间"),
    "resolved": ("Resolved", "解决时间"),
    "response_due": ("Response due", "响应期限"),
    "resolve_due": ("Resolution due", "解决期限"),
    "why": ("Why you", "通知原因"),
    "alerts": ("Alerts", "告警"),
    "firing": ("firing", "正在告警"),
    "known_error": ("Known error", "已知错误"),
    "workaround": ("Workaround", "应急措施"),
    "safety": ("Safety", "安全提示"),
    "because": ("It fits because", "匹配依据"),
    "also": ("Also due", "同时到期"),
    "late": ("Late by", "延迟"),
    "repeat": (
        "This is a repeat: whether the first delivery arrived is not known.",
        "重复发送:上一次是否送达未知。",
    ),
    "nobody": ("nobody", "无"),
    "unknown": ("No known error fits.", "没有匹配的已知错误。"),
    "acknowledge": ("Acknowledge", "确认接手"),
    "open": ("Open", "查看"),
}
_STATES_ZH = {
    "new": "已登记",
    "sales_decision": "待销售决定",
    "out_of_scope": "不受理",
    "assigned": "已派单",
    "in_progress": "处理中",
    "pending_customer": "挂起-待客户",
    "pending_vendor": "挂起-待厂商",
    "pending_change": "待变更",
    "resolved": "已解决",
    "pending_review": "待审核",
    "archived": "已归档",
    "cancelled": "已取消",
}
_REASONS: dict[str, tuple[str, str]] = {
    "opened": ("a new incident: you are told as {role}", "新事件:按角色 {role} 通知"),
    "response_overdue": ("nobody has acknowledged by {at} of the response target", "响应时限已过 {at},仍无人确认"),
    "resolution_mark": ("{at} of the resolution target has passed", "解决时限已用 {at}"),
    "breach": ("the resolution target is missed", "已超过解决时限"),
    "repeat": ("it is still not resolved (repetition {repetition})", "仍未解决(第 {repetition} 次重复通知)"),
    "relapse": ("it fires again after it was resolved (relapse {relapse})", "解决后再次告警(第 {relapse} 次复发)"),
    "manual": ("somebody asked for escalation", "有人请求升级"),
    "assigned": ("it was assigned to you", "事件已派给您"),
    "handover": ("it was handed over to the second line", "已移交二线"),
    "returned": ("it came back to the desk", "已退回服务台"),
    "reopened": ("the resolution was refused: work starts again", "解决结果被驳回,重新开始处理"),
    "fallback": ("no channel reaches {instead_of}: you stand in", "无法联系 {instead_of},由您代接"),
    "severity_raised": ("the severity was raised", "严重程度已提升"),
    "test": ("a test: there is nothing to do", "测试通知,无需处理"),
}


def _say(word: str, language: Language) -> str:
    return _WORDS[word][language == "zh"]


def reason_text(reason: Mapping[str, Any], role: str, language: Language) -> str:
    """Why somebody is paged, as a sentence. An unknown code is shown as it is."""
    code = str(reason.get("code", ""))
    found = _REASONS.get(code)
    if found is None:
        return code
    text = found[language == "zh"]
    for name, value in {"role": role, **reason.get("facts", {})}.items():
        text = text.replace("{" + str(name) + "}", one_line(str(value), 100))
    return text


def state_text(state: str, language: Language) -> str:
    """A state as people call it."""
    return _STATES_ZH.get(state, state) if language == "zh" else state.replace("_", " ")


def compose(facts: PageFacts, language: Language = "en") -> Message:
    """Return subject, text, short text and payload. What came with alerts is data, never a template."""
    reason = reason_text(facts.reason, facts.role, language)
    head = f"[{facts.number} sev{facts.severity}]"
    title = one_line(facts.title, 160)
    shown = facts.state if facts.state in ("resolved", "cancelled") else ""
    state = f" ({state_text(shown, language)})" if shown else ""
    subject = one_line(f"{head}{state} {title}", _SUBJECT)
    short = one_line(f"{head}{state} {title}: {reason}", _SHORT)
    text = _block("\n".join(_lines(facts, reason, language)), _TEXT)
    return Message(subject, text, short, _payload(facts, reason, text, language))


def _lines(facts: PageFacts, reason: str, language: Language) -> list[str]:
    def line(word: str, value: Any) -> str:
        return f"{_say(word, language)}: {value}"

    lines = [one_line(facts.title, _SUBJECT), ""]
    lines.append(line("why", reason))
    if facts.supersedes:
        lines.append(line("also", ", ".join(facts.supersedes)))
    if facts.late_s >= 2:
        lines.append(line("late", f"{facts.late_s:.0f} s"))
    if facts.unconfirmed:
        lines.append(_say("repeat", language))
    lines.append(line("state", state_text(facts.state, language)))
    lines.append(line("severity", facts.severity))
    lines.append(line("category", one_line(facts.category, 100)))
    lines.append(line("group", one_line(facts.group, 100)))
    lines.append(line("assignee", facts.assignee or _say("nobody", language)))
    for word, moment in (
        ("opened", facts.opened_at),
        ("resolved", facts.resolved_at),
        ("response_due", facts.response_due_at),
        ("resolve_due", facts.resolve_due_at),
    ):
        if moment is not None:
            lines.append(line(word, moment_text(moment)))
    lines += ["", *_known_errors(facts, language), *_alerts(facts, language)]
    for name in ("acknowledge", "open"):
        if name in facts.links:
            lines.append(f"{_say(name, language)}: {facts.links[name]}")
    return lines


def _known_errors(facts: PageFacts, language: Language) -> list[str]:
    if not facts.known_errors:
        return [_say("unknown", language), ""]
    lines = []
    for known in facts.known_errors[:2]:
        lines.append(f"{_say('known_error', language)}: {known.id} {one_line(known.title, 200)}")
        lines.append(f"{_say('because', language)}: {one_line(known.why, 300)}")
        if known.safety_note:
            lines.append(f"{_say('safety', language)}: {_block(known.safety_note, 1000)}")
        lines.append(f"{_say('workaround', language)}:\n{_block(known.workaround, 2500)}")
        lines.append("")
    return lines


def _alerts(facts: PageFacts, language: Language) -> list[str]:
    lines = [f"{_say('alerts', language)}: {facts.alert_count} ({facts.firing} {_say('firing', language)})"]
    for alert in facts.alerts[:10]:
        labels = {k: v for k, v in alert.get("labels", {}).items() if k != "alertname"}
        about = ", ".join(f"{k}={one_line(str(v), 100)}" for k, v in list(labels.items())[:6])
        lines.append(f"  {one_line(str(alert.get('labels', {}).get('alertname', '')), 100)} {about}")
    return [*lines, ""]


def _payload(facts: PageFacts, reason: str, text: str, language: Language) -> dict[str, Any]:
    return {
        "incident": {
            "number": facts.number,
            "title": one_line(facts.title, _SUBJECT),
            "state": facts.state,
            "severity": facts.severity,
            "category": facts.category,
            "group": facts.group,
            "assignee": facts.assignee,
            "opened_at": moment_text(facts.opened_at),
            "resolved_at": moment_text(facts.resolved_at),
            "response_due_at": moment_text(facts.response_due_at),
            "resolve_due_at": moment_text(facts.resolve_due_at),
        },
        "step": facts.step,
        "target": facts.target,
        "role": facts.role,
        "reason": {**facts.reason, "text": reason},
        "supersedes": list(facts.supersedes),
        "repeat_unconfirmed": facts.unconfirmed,
        "alert_count": facts.alert_count,
        "alerts": list(facts.alerts[:20]),
        "known_errors": [
            {
                "id": k.id,
                "title": k.title,
                "workaround": _block(k.workaround),
                "safety_note": _block(k.safety_note),
                "why": k.why,
                "confidence": k.confidence,
            }
            for k in facts.known_errors
        ],
        "links": dict(facts.links),
        "language": language,
        "text": text,
    }
