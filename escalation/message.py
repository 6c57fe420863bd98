"""What a page says, from the incident as it is when it is sent; in the reader's language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

import msgspec

from collectors.moment import moment_text
from collectors.rule import format_span
from escalation.delivery import Message
from escalation.notice_text import compose_notice, headline, is_notice
from escalation.recovery import RECOVERED, RECOVERED_WITH, is_end
from escalation.words import Language, block, bounded, cut_bytes, local_text, one_line, state_text

_SUBJECT, _TEXT, _SHORT = 200, 8000, 200
_MOST_ALERTS, _MOST_STEPS, _MOST_KNOWN, _MOST_ANNOTATIONS, _MOST_NEAR = 20, 20, 5, 8, 3
_FIRST, _MOST_TOLD = 2, 10
"""How many alerts stand before what helps, and how many are told at all."""
_HOLE = re.compile(r"\{(\w+)\}")
_OVER = frozenset({"resolved", "pending_review", "archived", "cancelled", "out_of_scope"})
_WAITS = frozenset({"new", "assigned"})
_NEVER_LATE = frozenset({"severity_raised"})
"""The steps of a higher severity count from the report: that they are overdue is the raise, and no delay of ours."""


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
class NearShown:
    """A solved incident that resembles this one, as it is sent along where no known error fits."""

    number: str
    title: str
    resolution: str
    why: str
    link: str = ""


class PageFacts(msgspec.Struct, frozen=True):
    """What is known at the moment of sending: of the incident, and of why this one person is told.

    `said` is shared by the pages of one moment that are about one incident in the same words: what they all say is
    put into words by the first of them.
    """

    number: str = ""
    title: str = ""
    severity: int = 4
    state: str = ""
    category: str = ""
    group: str = ""
    group_called: str = ""
    """What this reader calls the group."""
    assignee: str | None = None
    opened_at: datetime | None = None
    resolved_at: datetime | None = None
    response_due_at: datetime | None = None
    resolve_due_at: datetime | None = None
    alerts: Sequence[Mapping[str, Any]] = ()
    alert_count: int = 0
    firing: int = 0
    root: str = ""
    """What the first of `alerts` says, where the others are taken to come of it."""
    known_errors: Sequence[KnownErrorShown] = ()
    step: str = ""
    role: str = ""
    target: str = ""
    reason: Mapping[str, Any] = {}
    late_s: float = 0.0
    unconfirmed: bool = False
    supersedes: Sequence[str] = ()
    nearest: Sequence[NearShown] = ()
    looked_for: bool = True
    """False where known errors are still looked through for it."""
    links: Mapping[str, str] = {}
    template: str = ""
    """In which words a customer is told; empty: in ours."""
    zone: tzinfo | None = None
    """Where the reader's clock is; None: not known."""
    said: dict[Language, "_Said"] = msgspec.field(default_factory=dict)


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
    "root": ("Likely root", "可能的根源"),
    "further": ("Further alerts", "其他告警"),
    "also": ("Also due", "同时到期"),
    "late": ("Late by", "延迟"),
    "again": ("repeat", "重复"),
    "repeat": (
        "This is a repeat: whether the first delivery arrived is not known.",
        "重复发送:上一次是否送达未知。",
    ),
    "at": ("at", "于"),
    "nobody": ("nobody", "无"),
    "unknown": ("No known error fits.", "没有匹配的已知错误。"),
    "not_yet": ("No known error yet: they are still looked through.", "暂无已知错误,仍在查找。"),
    "nearest": ("Nearest of those that were solved:", "最相近的已解决事件:"),
    "solved": ("Solved by", "解决办法"),
    "acknowledge": ("Acknowledge", "响应(接手处理)"),
    "console": ("Console", "控制台"),
    "open": ("Open", "查看"),
}
# A page may be sent long after its reason came up: what may have changed since then is told in the past.
_REASONS: dict[str, tuple[str, str]] = {
    "opened": ("a new incident: you are told as {role}", "新事件:按角色 {role} 通知"),
    "response_overdue": ("nobody had acknowledged by {at} of the response target", "响应时限已过 {at},尚无人确认"),
    "resolution_mark": ("{at} of the resolution target has passed", "解决时限已用 {at}"),
    "breach": ("the resolution target was missed", "已超过解决时限"),
    "breach_expected": ("it is not expected to be resolved in time", "预计无法按期解决"),
    "unacknowledged": ("nobody had acknowledged the escalation", "升级尚无人确认"),
    "raised_unacknowledged": (
        "nobody of the level below had acknowledged the escalation",
        "下一级无人确认升级,现上报至您",
    ),
    "repeat": ("it was still not resolved (repetition {repetition})", "到期仍未解决(第 {repetition} 次重复通知)"),
    "relapse": ("it fired again after it was resolved (relapse {relapse})", "解决后再次告警(第 {relapse} 次复发)"),
    "manual": ("somebody asked for escalation", "有人请求升级"),
    "assigned": ("it was assigned to you", "事件已派给您"),
    "handover": ("it was handed over to the second line", "已移交二线"),
    "returned": ("it came back to the desk", "已退回服务台"),
    "problem": ("a problem is proposed: take it up or decline it", "建议建立问题:请受理或驳回"),
    "change": ("a request for change waits for your decision", "变更请求待您审批"),
    "change_decided": ("its request for change was decided", "变更请求已有结论"),
    "major": ("it was declared a major incident", "已宣布为重大事件"),
    "received": ("we have their mail", "已收到其邮件"),
    "desk_informed": ("for the desk to know", "告知服务台"),
    "told_besides": ("for your group to know: another has it", "告知您所在的组:由其他组处理"),
    "out_of_scope": ("it is not in the scope of what is served", "该事项不在受理责任范围内"),
    "out_of_scope_proposed": (
        "no contract covers it: decide whether it is out of scope",
        "无合同覆盖该事项:请决定是否不予受理",
    ),
    "change_proposed": (
        "it is really a change: decide whether a request for change is raised",
        "该事项实为变更:请决定是否提出变更请求",
    ),
    "to_sales": ("sales decides whether it is done for money", "由销售部门决定是否有偿受理"),
    "recall_proposed": (
        "everybody is busy: recall somebody from less urgent work",
        "人员均忙:建议召回低紧急度事件的工程师",
    ),
    "recalled": ("you are recalled to it from less urgent work", "您已从低紧急度事件召回处理此事件"),
    "preempted": ("whoever worked on it was recalled: it is back in the queue", "处理人已被召回,事件退回队列"),
    "unclassified": ("nobody had classified and graded it after {at}", "登记 {at} 后仍未分类定级"),
    "bounced": ("it came back to the desk again and again", "事件多次被退回服务台"),
    "vendor_proposed": ("a vendor might be called: decide whether and whom", "建议联系厂商:请决定是否联系及联系谁"),
    "action_failed": (
        "an action that was run did not do what it should: look at the timeline",
        "已执行的自动操作未达到预期:请查看时间线",
    ),
    "action_waits": (
        "action {action} on {target} waits for your yes or no: `tocsin automation approve {run}`, or decline",
        "对 {target} 的操作 {action} 待您批准:`tocsin automation approve {run}`,或否决",
    ),
    "unsatisfied": ("a callback found the customer unsatisfied", "回访发现客户不满意"),
    RECOVERED: ("it recovered by itself: none of its alerts fires any more", "已自行恢复:其告警已全部解除"),
    RECOVERED_WITH: (
        "it recovered by itself, and {merged} with it, which had become part of it",
        "已自行恢复;{merged} 已并入此事件,一并恢复",
    ),
    "reopened": ("the resolution was refused: work starts again", "解决结果被驳回,重新开始处理"),
    "fallback": ("no channel reaches {instead_of}: you stand in", "无法联系 {instead_of},由您代接"),
    "grew": ("it has grown since it was acknowledged: {new}", "确认后事件范围扩大:{new}"),
    "storm_digest": (
        "the storm goes on: {count} more alerts ({kinds}), about {items}; {firing} fire now. "
        "Opened by themselves: {let_out}",
        "告警风暴仍在持续:新增 {count} 个告警({kinds}),涉及 {items};目前 {firing} 个正在告警。单独建立的事件:{let_out}",
    ),
    "storm_over": (
        "the storm is over: {count} more alerts ({kinds}), {firing} fire still. Opened by themselves: {let_out}",
        "告警风暴已结束:新增 {count} 个告警({kinds}),仍有 {firing} 个在告警。单独建立的事件:{let_out}",
    ),
    "severity_raised": ("the severity was raised", "严重程度已提升"),
    "self_incident": ("Tocsin itself needs help", "Tocsin 自身出现问题,需要处理"),
    "test": ("a test: there is nothing to do", "测试通知,无需处理"),
}


def _say(word: str, language: Language) -> str:
    return _WORDS[word][language == "zh"]


_ROLES_ZH = {
    "customer": "客户",
    "reporter": "报告人",
    "desk": "服务台",
    "l1": "一线",
    "l2": "二线",
    "l1_lead": "一线负责人",
    "l2_lead": "二线负责人",
    "vendor": "厂商",
    "pm": "项目经理",
    "dept_manager": "部门经理",
    "director": "总监",
    "executive": "高层领导",
    "sales": "销售",
    "ops": "运维",
    "oncall_second": "备班",
    "assignee": "处理人",
}


def reason_text(reason: Mapping[str, Any], role: str, language: Language) -> str:
    """Why somebody is paged, as a sentence. An unknown code is shown as it is, an unknown fact as `?`."""
    code = str(reason.get("code", ""))
    if is_notice(code):
        return headline(code, reason.get("facts") or {}, language)
    found = _REASONS.get(code)
    if found is None:
        return one_line(code, 100)
    facts = {**(reason.get("facts") or {}), "role": _ROLES_ZH.get(role, role) if language == "zh" else role}
    # One pass, so that braces inside a fact stay what they are.
    return _HOLE.sub(lambda hole: one_line(str(facts.get(hole[1], "?")) or "–", 100), found[language == "zh"])


def compose(facts: PageFacts, language: Language = "en") -> Message:
    """Return subject, text, short text and payload, as the incident stands now; never raises.

    What came with alerts is data, never a template. Sizes are bounded: subject and short text 200 characters, text
    8000 bytes, with its link before what may be cut, each field of the payload 4000 characters.
    """
    code = str(facts.reason.get("code", ""))
    if is_notice(code):
        told = facts.reason.get("facts") or {}
        return compose_notice(code, told, language, facts.late_s, facts.links, facts.template)
    if is_end(code):
        facts = msgspec.structs.replace(facts, links={k: v for k, v in facts.links.items() if k != "acknowledge"})
    said = _said(facts, language)
    reason = reason_text(facts.reason, facts.role, language)
    head = f"{said.head}{_standing(facts, language)}"
    subject = one_line(f"{head} {said.title[1]}", _SUBJECT)
    short = one_line(f"{head} {said.title[2]}{_root(facts, language, '; ', 60)}: {reason}", _SHORT)
    text = cut_bytes("\n".join(_lines(facts, said, reason, language)).rstrip(), _TEXT)
    return Message(subject, text, short, _payload(facts, said, reason, text, language))


class _Said:
    """What all pages of one moment say of an incident in one language."""

    def __init__(self, facts: PageFacts, language: Language) -> None:
        self.alerts = facts.alerts
        self.head = f"[{one_line(facts.number, 40)} sev{facts.severity}]"
        self.title = tuple(one_line(facts.title, most) for most in (_SUBJECT, 160, 90))
        self.standing = _standing_lines(facts, language)
        self.moments: dict[tzinfo | None, list[str]] = {}
        self.known = _known_errors(facts, language)
        self.alert_lines, self.further = _alerts(facts, language)
        self.incident = bounded(_incident(facts))
        self.firing = bounded(list(facts.alerts[:_MOST_ALERTS]))
        self.errors = bounded(_errors(facts))


def _said(facts: PageFacts, language: Language) -> _Said:
    found = facts.said.get(language)
    if found is None or found.alerts is not facts.alerts:
        found = facts.said[language] = _Said(facts, language)
    return found


def receipt(number: str, title: str, language: Language = "en") -> Message:
    """What a reporter is told: that it came, and its number; nothing of what is inside the house."""
    shown = one_line(title, 160)
    if language == "zh":
        subject = f"[{number}] 已收到:{shown}"
        text = f"您好:\n\n您的来信已收到并登记,编号为 {number}。\n如需补充,请直接回复本邮件。\n\n主题:{shown}"
    else:
        subject = f"[{number}] received: {shown}"
        text = (
            f"We have your message and have recorded it as {number}.\n"
            f"To add something, just answer this mail.\n\nSubject: {shown}"
        )
    return Message(one_line(subject, _SUBJECT), text, one_line(subject, _SHORT), {"number": number, "title": shown})


def _standing(facts: PageFacts, language: Language) -> str:
    """What the subject adds to an incident that somebody has, or that is over; and whether this is a repeat."""
    said = []
    if facts.state and facts.state not in _WAITS:
        over = facts.state in _OVER
        has_it = f": {one_line(facts.assignee, 40)}" if facts.assignee and not over else ""
        if facts.state != "resolved" or facts.resolved_at is None:
            said.append(state_text(facts.state, language) + has_it)
        if over and facts.resolved_at is not None:
            at = f"{_say('at', language)} {local_text(facts.resolved_at, facts.zone)}"
            said.append(f"{state_text('resolved', language)} {at}")
    if facts.unconfirmed:
        said.append(_say("again", language))
    return f" ({'; '.join(said)})" if said else ""


def _line(word: str, value: Any, language: Language) -> str:
    return f"{_say(word, language)}: {value}"


def _lines(facts: PageFacts, said: _Said, reason: str, language: Language) -> list[str]:
    root = _root(facts, language, "", _SUBJECT)
    lines = [said.title[0], *([root] if root else []), "", _line("why", reason, language)]
    if facts.supersedes:
        lines.append(_line("also", ", ".join(one_line(step, 40) for step in facts.supersedes[:_MOST_STEPS]), language))
    if facts.late_s >= 2 and facts.reason.get("code") not in _NEVER_LATE:
        lines.append(_line("late", format_span(timedelta(seconds=round(min(facts.late_s, 1e9)))), language))
    if facts.unconfirmed:
        lines.append(_say("repeat", language))
    if facts.reason.get("code") == "test":
        return lines
    if is_end(facts.reason.get("code", "")):
        return [*lines, *_link(facts, language), "", *_moments(facts, language), said.alert_lines[0]]
    if facts.zone not in said.moments:
        said.moments[facts.zone] = _moments(facts, language)
    known = said.known or [_say("unknown" if facts.looked_for else "not_yet", language), *_nearest(facts, language), ""]
    return [
        *lines,
        *_link(facts, language),
        "",
        *said.standing,
        *said.moments[facts.zone],
        "",
        *said.alert_lines,
        "",
        *known,
        *said.further,
    ]


def _root(facts: PageFacts, language: Language, before: str, most: int) -> str:
    """What the trouble is taken to come of, where the title does not say it; `before` stands before it."""
    if not facts.root or facts.root.endswith(facts.title):
        return ""
    return f"{before}{_line('root', one_line(facts.root, most), language)}"


def _link(facts: PageFacts, language: Language) -> list[str]:
    """For people the page that acknowledges, and the console; the record is for programs, which send a token."""
    asked = [name for name in ("acknowledge", "console") if name in facts.links] or ["open"]
    return [_line(name, one_line(facts.links[name]), language) for name in asked if name in facts.links]


def _standing_lines(facts: PageFacts, language: Language) -> list[str]:
    assignee = one_line(facts.assignee, 100) if facts.assignee else _say("nobody", language)
    told = {
        "state": state_text(facts.state, language),
        "severity": facts.severity,
        "category": one_line(facts.category, 100),
        "group": one_line(facts.group_called or facts.group, 100),
        "assignee": assignee,
    }
    return [_line(word, value, language) for word, value in told.items()]


def _moments(facts: PageFacts, language: Language) -> list[str]:
    """When it was opened and is due, on the clock of a reader."""
    told = {
        "opened": facts.opened_at,
        "resolved": facts.resolved_at if facts.state in _OVER else None,
        "response_due": facts.response_due_at,
        "resolve_due": facts.resolve_due_at,
    }
    if is_end(facts.reason.get("code", "")):
        told = {word: told[word] for word in ("opened", "resolved")}
    return [_line(word, local_text(at, facts.zone), language) for word, at in told.items() if at is not None]


def _known_errors(facts: PageFacts, language: Language) -> list[str]:
    lines: list[str] = []
    for known in facts.known_errors[:2]:
        lines.append(f"{_say('known_error', language)}: {one_line(known.id, 100)} {one_line(known.title, 200)}")
        lines.append(f"{_say('because', language)}: {one_line(known.why, 300)}")
        if known.safety_note:
            lines.append(f"{_say('safety', language)}: {block(known.safety_note, 1000)}")
        lines.append(f"{_say('workaround', language)}:\n{block(known.workaround, 2500)}")
        lines.append("")
    return lines


def _nearest(facts: PageFacts, language: Language) -> list[str]:
    """How what resembles it was solved: that may help where nothing is known (procedure R63)."""
    lines = [_say("nearest", language)] if facts.nearest else []
    for near in facts.nearest[:_MOST_NEAR]:
        lines.append(f"- {one_line(near.number, 40)} {one_line(near.title, 160)} ({one_line(near.why, 200)})")
        lines.append(f"  {_say('solved', language)}: {one_line(near.resolution, 300)}")
        lines += [f"  {one_line(near.link)}"] if near.link else []
    return lines


def _alerts(facts: PageFacts, language: Language) -> tuple[list[str], list[str]]:
    """The first alerts, which stand before what helps with them, and those that stand behind it."""
    head = f"{_say('alerts', language)}: {facts.alert_count} ({facts.firing} {_say('firing', language)})"
    first, others = _told(facts.alerts[:_FIRST], facts.title), _told(facts.alerts[_FIRST:_MOST_TOLD], facts.title)
    return [head, *first], [f"{_say('further', language)}:", *others] if others else []


def _told(alerts: Sequence[Mapping[str, Any]], title: str) -> list[str]:
    lines: list[str] = []
    for alert in alerts:
        labels = dict(alert.get("labels") or {})
        name = labels.pop("alertname", "")
        about = ", ".join(f"{one_line(str(k), 60)}={one_line(str(v), 100)}" for k, v in list(labels.items())[:6])
        lines.append(f"  {one_line(str(name), 100)} {about}".rstrip())
        lines += _annotations(alert, title)
    return lines


def _annotations(alert: Mapping[str, Any], title: str) -> list[str]:
    """What the rule says of it, runbook and dashboard among it; not what the title says already."""
    said = [(str(key), str(value)) for key, value in (alert.get("annotations") or {}).items() if value != title]
    return [f"    {one_line(key, 60)}: {one_line(value, 500)}" for key, value in said[:_MOST_ANNOTATIONS]]


def _payload(facts: PageFacts, said: _Said, reason: str, text: str, language: Language) -> dict[str, Any]:
    return {
        "incident": said.incident,
        "step": bounded(facts.step),
        "target": bounded(facts.target),
        "role": bounded(facts.role),
        "reason": bounded({**facts.reason, "text": reason}),
        "supersedes": bounded(list(facts.supersedes[:_MOST_STEPS])),
        "repeat_unconfirmed": facts.unconfirmed,
        "alert_count": facts.alert_count,
        "alerts": said.firing,
        "known_errors": said.errors,
        "nearest": bounded(_near(facts)),
        "links": bounded(dict(facts.links)),
        "language": language,
        "text": text,
    }


def _errors(facts: PageFacts) -> list[dict[str, Any]]:
    return [
        {
            "id": known.id,
            "title": one_line(known.title, _SUBJECT),
            "workaround": block(known.workaround),
            "safety_note": block(known.safety_note),
            "why": one_line(known.why),
            "confidence": known.confidence,
        }
        for known in facts.known_errors[:_MOST_KNOWN]
    ]


def _near(facts: PageFacts) -> list[dict[str, str]]:
    return [
        {
            "number": near.number,
            "title": one_line(near.title, _SUBJECT),
            "resolution": block(near.resolution),
            "why": one_line(near.why),
            "link": near.link,
        }
        for near in facts.nearest[:_MOST_NEAR]
    ]


def _incident(facts: PageFacts) -> dict[str, Any]:
    return {
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
    }
