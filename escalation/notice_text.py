"""What a notice says: a list for whoever coordinates, a few plain sentences for a customer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from escalation.delivery import Message
from escalation.words import Language, block, bounded, by_name, cut_bytes, one_line, span_text, state_text, told

_TEXT = 8000
_HOLE = re.compile(r"\{(\w+)\}")
_LINES = {
    "assignee": ("has it", "处理人"),
    "next_action": ("next", "下一步"),
    "eta": ("expected", "预计完成"),
    "due_at": ("due", "解决期限"),
}
CUSTOMER = (
    "{number}: {title}\nState: {state}\nNext: {next_action}\nExpected to be done: {eta}",
    "{number}：{title}\n状态：{state}\n下一步：{next_action}\n预计完成：{eta}",
)
"""What a customer is told where no template is written."""
_NOT_KNOWN = ("not known yet", "待定")

LISTS: Mapping[str, tuple[str, str]] = {
    "eod_open": (
        "{count} incident(s) unresolved at the end of the workday",
        "临近下班：未解决事件 {count} 个",
    ),
    "eod_ask": (
        "{count} incident(s) of yours without an expected action: write one with a note",
        "您有 {count} 个事件未填写预期行动，请补充",
    ),
    "review_list": ("{count} incident(s) wait for your review", "待审核事件 {count} 个"),
    "callback_list": (
        "{count} incident(s) of the week still to be called back, of {due}",
        "本周需回访事件：还有 {count} 个，共 {due} 个",
    ),
    "callback_report": (
        "callbacks of the week: {done} of {due} done, mean score {score}, {persists} persist(s)",
        "本周回访：完成 {done}/{due}，平均分 {score}，问题仍存在 {persists} 个",
    ),
    "handover_notice": (
        "handover of {schedule}: {leaves} → {comes}; {count} incident(s) open in the group",
        "{schedule} 交接班：{leaves} → {comes}；组内未解决事件 {count} 个",
    ),
    "rota_changed": ("{author} changed the rota of {schedule}", "{author} 变更了 {schedule} 的排班"),
    "round_missed": (
        "nobody has made the round {round} that was to be made from {opens} to {closes}",
        "巡检 {round} 未按时完成（应于 {opens} 至 {closes} 进行）",
    ),
    "rota_ended": (
        "{author} took back a change of the rota of {schedule}",
        "{author} 撤销了 {schedule} 的一项排班变更",
    ),
}
"""By code: the first line of a message that is about no one incident."""
TO_CUSTOMERS: Mapping[str, tuple[str, str]] = {
    "eod_customer": ("Your incident {number} at the end of the workday", "您的事件 {number} 的当日进展"),
    "customer_warned": ("Your incident {number} may not be resolved in time", "您的事件 {number} 可能无法按期解决"),
    "customer_update": ("Your incident {number}: where it stands", "您的事件 {number} 的最新进展"),
}
"""By code: the subject of a message to a customer."""


def is_notice(code: str) -> bool:
    """Whether a page of this reason is a notice."""
    return code in LISTS or code in TO_CUSTOMERS


def headline(code: str, facts: Mapping[str, Any], language: Language) -> str:
    """The first line, or the subject, of a notice."""
    pair = LISTS.get(code) or TO_CUSTOMERS[code]
    return one_line(_filled(pair[language == "zh"], facts, language), 200)


def _filled(template: str, facts: Mapping[str, Any], language: Language) -> str:
    """A template with its facts, in one pass: braces inside a fact stay what they are."""
    return _HOLE.sub(lambda hole: _value(hole[1], facts, language), template)


def _value(name: str, facts: Mapping[str, Any], language: Language) -> str:
    value = facts.get(name)
    if name == "state" and isinstance(value, str):
        return state_text(value, language)
    return one_line(str(value), 500) if value not in (None, "") else _NOT_KNOWN[language == "zh"]


def compose_notice(
    code: str,
    facts: Mapping[str, Any],
    language: Language,
    late_s: float = 0.0,
    links: Mapping[str, str] | None = None,
    template: str = "",
    names: Mapping[str, str] | None = None,
) -> Message:
    """Return subject, text, short text and payload of a notice; to a customer in the words of `template`.

    `names` are what its words call people, by id.
    """
    subject = headline(code, by_name(facts, names or {}), language)
    if code in TO_CUSTOMERS:
        said = facts.get("text") or _filled(template or CUSTOMER[language == "zh"], facts, language)
        lines = [block(str(said), 6000)]
    else:
        changes = [by_name(change, names or {}) for change in facts.get("changes") or ()]
        lines = [subject, "", *_changed(changes, language)]
        lines += _listed(facts.get("incidents") or (), language)
        if facts.get("more"):
            lines.append({"en": "… and {} more", "zh": "……另有 {} 个"}[language].format(facts["more"]))
    if late_s >= 2:
        span = span_text(late_s, language)
        lines.append({"en": f"(late by {span})", "zh": f"（延迟 {span}）"}[language])
    text = cut_bytes("\n".join(lines).rstrip(), _TEXT)
    opened = "" if code in TO_CUSTOMERS else (links or {}).get("open", "")
    payload = bounded({"notice": code, **{k: v for k, v in facts.items() if k != "text"}, "links": {"open": opened}})
    return Message(subject, text, one_line(subject, 200), {**payload, "text": text, "language": language})


_CHANGE = (
    "{person} stands in for {replaces}, from {from} until {until}: {reason}",
    "{person} 代 {replaces} 值班，自 {from} 至 {until}：{reason}",
)


def _changed(changes: Sequence[Mapping[str, Any]], language: Language) -> list[str]:
    return [_filled(_CHANGE[language == "zh"], change, language) for change in changes]


def _listed(incidents: Sequence[Mapping[str, Any]], language: Language) -> list[str]:
    lines = []
    for incident in incidents:
        flag = "! " if incident.get("overdue") else ""
        state = state_text(str(incident.get("state", "")), language)
        head = f"{flag}{incident.get('number')} sev{incident.get('severity')} {state}"
        lines.append(told(head, one_line(str(incident.get("title", "")), 120), language))
        said = [
            told(words[language == "zh"], one_line(str(incident[name]), 200), language)
            for name, words in _LINES.items()
            if incident.get(name)
        ]
        if said:
            lines.append("    " + {"en": "; ", "zh": "；"}[language].join(said))
    return lines
