"""The special brief of a major incident, drafted from its record (专报; S5.1, procedure 4.10)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collectors.moment import moment_text
from correlation.incident import Incident, State

UNKNOWN = {"en": "to be verified", "zh": "待核实"}
"""What stands where something is not known: no field is ever left out."""

FIELDS: tuple[tuple[str, str, str, str], ...] = (
    ("occurred", "time", "Time", "发生时间"),
    ("occurred", "place", "Place", "地点"),
    ("occurred", "unit", "Unit", "单位"),
    ("occurred", "persons", "Persons", "人员"),
    ("course", "summary", "Short course", "简要经过"),
    ("course", "casualties", "Casualties", "伤亡情况"),
    ("course", "estimated_direct_loss", "Estimated direct loss", "初步估计的直接经济损失"),
    ("cause", "preliminary_cause", "Preliminary cause", "原因初步分析"),
    ("measures", "taken", "Measures taken", "已采取的措施"),
    ("measures", "next", "Next measures", "下一步措施"),
    ("measures", "control_state", "State of control", "控制情况"),
    ("measures", "trend_forecast", "Forecast", "发展趋势预测"),
    ("issuer", "reporting_unit", "Reporting unit", "报送单位"),
    ("issuer", "signer", "Signer", "签发人"),
    ("issuer", "contact", "Contact", "联系人"),
    ("issuer", "phone", "Phone", "联系电话"),
)
"""Block, name, and label in English and Chinese, in the order in which they are printed."""
PLAIN = frozenset({"time", "place", "unit", "control_state", "reporting_unit"})
"""Fields that say nothing of people, in nobody's words."""


class BriefField(NamedTuple):
    block: str
    name: str
    label: str
    text: str
    known: bool


def drafted(incident: Incident, places: Sequence[str], language: str = "en", cause: str = "") -> list[BriefField]:
    """Every field of the brief of an incident: what people wrote, else what the record says, else "to be verified".

    `places` are the locations of its configuration items, `cause` that of its problem.
    """
    chinese = language == "zh"
    given: Mapping[str, str] = (incident.major or {}).get("brief", {})
    recorded = _recorded(incident, places, chinese, cause)
    found = []
    for block, name, en, zh in FIELDS:
        text = given.get(name) or recorded.get(name, "")
        shown = text or UNKNOWN["zh" if chinese else "en"]
        found.append(BriefField(block, name, zh if chinese else en, shown, bool(text)))
    return found


def _recorded(incident: Incident, places: Sequence[str], chinese: bool, cause: str) -> dict[str, str]:
    summary = incident.title if not incident.symptom else f"{incident.title}: {incident.symptom}"
    return {
        "time": moment_text(incident.occurred_at) or "",
        "place": ", ".join(dict.fromkeys(places)),
        "summary": summary,
        "preliminary_cause": cause,
        "taken": str(incident.resolution.get("resolution") or ""),
        "next": incident.next_action,
        "control_state": _control(incident, chinese),
        "reporting_unit": incident.group,
        "contact": incident.commander or incident.assignee or "",
    }


def _control(incident: Incident, chinese: bool) -> str:
    restored = moment_text(incident.service_restored_at)
    if incident.service_restored_at is not None and incident.open_alerts == 0:
        return f"服务已于 {restored} 恢复" if chinese else f"service restored at {restored}"
    if incident.state in (State.NEW, State.ASSIGNED):
        return "尚未有人响应" if chinese else "nobody has acknowledged it yet"
    return "处理中，尚未恢复" if chinese else "being worked on, service is not restored"


def text_of(fields: Sequence[BriefField]) -> str:
    """The brief as plain text, a line for each field."""
    return "\n".join(f"{field.label}: {field.text}" for field in fields)
