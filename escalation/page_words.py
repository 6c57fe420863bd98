"""The words of a page, in English and in Chinese: its headings, why somebody is told, and what roles are called."""

import re
from collections.abc import Mapping
from typing import Any

from escalation.notice_text import headline, is_notice
from escalation.recovery import RECOVERED, RECOVERED_WITH
from escalation.words import Catalogue, Language, one_line

_HOLE = re.compile(r"\{(\w+)\}")
_WORDS: Catalogue = {
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
    "at_source": ("At its source", "在监控系统中查看"),
    "further": ("Further alerts", "其他告警"),
    "also": ("Also due", "同时到期"),
    "late": ("Late by", "延迟"),
    "again": ("repeat", "重复"),
    "repeat": ("This is a repeat: whether the first delivery arrived is not known.", "重复发送：上一次是否送达未知。"),
    "at": ("at", "于"),
    "nobody": ("nobody", "无"),
    "unknown": ("No known error fits.", "没有匹配的已知错误。"),
    "not_yet": ("No known error yet: they are still looked through.", "暂无已知错误，仍在查找。"),
    "nearest": ("Nearest of those that were solved:", "最相近的已解决事件："),
    "solved": ("Solved by", "解决办法"),
    "acknowledge": ("Acknowledge", "响应（接手处理）"),
    "console": ("Console", "控制台"),
    "open": ("Open", "查看"),
}
# A page may be sent long after its reason came up: what may have changed since then is told in the past.
_REASONS: Catalogue = {
    "opened": ("a new incident: you are told as {role}", "新事件：按角色 {role} 通知"),
    "response_overdue": ("nobody had acknowledged by {at} of the response target", "响应时限已过 {at}，尚无人确认"),
    "resolution_mark": ("{at} of the resolution target has passed", "解决时限已用 {at}"),
    "breach": ("the resolution target was missed", "已超过解决时限"),
    "breach_expected": ("it is not expected to be resolved in time", "预计无法按期解决"),
    "unacknowledged": ("nobody had acknowledged the escalation", "升级尚无人确认"),
    "raised_unacknowledged": (
        "nobody of the level below had acknowledged the escalation",
        "下一级无人确认升级，现上报至您",
    ),
    "repeat": ("it was still not resolved (repetition {repetition})", "到期仍未解决（第 {repetition} 次重复通知）"),
    "relapse": ("it fired again after it was resolved (relapse {relapse})", "解决后再次告警（第 {relapse} 次复发）"),
    "manual": ("somebody asked for escalation", "有人请求升级"),
    "assigned": ("it was assigned to you", "事件已派给您"),
    "handover": ("it was handed over to the second line", "已移交二线"),
    "returned": ("it came back to the desk", "已退回服务台"),
    "problem": ("a problem is proposed: take it up or decline it", "建议建立问题：请受理或驳回"),
    "change": ("a request for change waits for your decision", "变更请求待您审批"),
    "change_decided": ("its request for change was decided", "变更请求已有结论"),
    "major": ("it was declared a major incident", "已宣布为重大事件"),
    "received": ("we have their mail", "已收到其邮件"),
    "desk_informed": ("for the desk to know", "告知服务台"),
    "told_besides": ("for your group to know: another has it", "告知您所在的组：由其他组处理"),
    "out_of_scope": ("it is not in the scope of what is served", "该事项不在受理责任范围内"),
    "out_of_scope_proposed": (
        "no contract covers it: decide whether it is out of scope",
        "无合同覆盖该事项：请决定是否不予受理",
    ),
    "change_proposed": (
        "it is really a change: decide whether a request for change is raised",
        "该事项实为变更：请决定是否提出变更请求",
    ),
    "to_sales": ("sales decides whether it is done for money", "由销售部门决定是否有偿受理"),
    "recall_proposed": (
        "everybody is busy: recall somebody from less urgent work",
        "人员均忙：建议召回低紧急度事件的工程师",
    ),
    "recalled": ("you are recalled to it from less urgent work", "您已从低紧急度事件召回处理此事件"),
    "preempted": ("whoever worked on it was recalled: it is back in the queue", "处理人已被召回，事件退回队列"),
    "unclassified": ("nobody had classified and graded it after {at}", "登记 {at} 后仍未分类定级"),
    "bounced": ("it came back to the desk again and again", "事件多次被退回服务台"),
    "vendor_proposed": ("a vendor might be called: decide whether and whom", "建议联系厂商：请决定是否联系及联系谁"),
    "action_failed": (
        "an action that was run did not do what it should: look at the timeline",
        "已执行的自动操作未达到预期：请查看时间线",
    ),
    "action_waits": (
        "action {action} on {target} waits for your yes or no: `tocsin automation approve {run}`, or decline",
        "对 {target} 的操作 {action} 待您批准：`tocsin automation approve {run}`，或否决",
    ),
    "unsatisfied": ("a callback found the customer unsatisfied", "回访发现客户不满意"),
    RECOVERED: ("it recovered by itself: none of its alerts fires any more", "已自行恢复：其告警已全部解除"),
    RECOVERED_WITH: (
        "it recovered by itself, and {merged} with it, which had become part of it",
        "已自行恢复；{merged} 已并入此事件，一并恢复",
    ),
    "reopened": ("the resolution was refused: work starts again", "解决结果被驳回，重新开始处理"),
    "fallback": ("no channel reaches {instead_of}: you stand in", "无法联系 {instead_of}，由您代接"),
    "grew": ("it has grown since it was acknowledged: {new}", "确认后事件范围扩大：{new}"),
    "storm_digest": (
        "the storm goes on: {count} more alerts ({kinds}), about {items}; {firing} fire now. "
        "Opened by themselves: {let_out}",
        "告警风暴仍在持续：新增 {count} 个告警（{kinds}），涉及 {items}；目前 {firing} 个正在告警。"
        "单独建立的事件：{let_out}",
    ),
    "storm_over": (
        "the storm is over: {count} more alerts ({kinds}), {firing} fire still. Opened by themselves: {let_out}",
        "告警风暴已结束：新增 {count} 个告警（{kinds}），仍有 {firing} 个在告警。单独建立的事件：{let_out}",
    ),
    "severity_raised": ("the severity was raised", "严重程度已提升"),
    "self_incident": ("Tocsin itself needs help", "Tocsin 自身出现问题，需要处理"),
    "test": ("a test: there is nothing to do", "测试通知，无需处理"),
}
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


def say(word: str, language: Language) -> str:
    """A heading, or a remark of its own."""
    return _WORDS[word][language == "zh"]


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
