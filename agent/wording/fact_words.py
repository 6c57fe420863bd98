"""What the facts of a sentence are called, in English and in Chinese, and which of them say nothing."""

from collections.abc import Mapping
from typing import Any

from escalation.words import Catalogue

OUTCOMES_ZH = {
    "paged": "已通知",
    "fallback": "已通知备用人员",
    "superseded": "已被后续步骤取代",
    "nobody": "无人可通知",
    "done": "已执行",
    "cancelled": "已取消",
    "used": "有效",
    "helped_partly": "部分有效",
    "did_not_work": "无效",
    "not_applicable": "不适用",
}
"""Of a step, and of a known error that was tried."""


YES_NO = (("no", "yes"), ("否", "是"))


EVIDENCE: Catalogue = {
    "topology": ("what depends on what", "依赖关系"),
    "rule": ("a join rule", "合并规则"),
    "history": ("it was there before", "此前属于该事件"),
    "learned": ("what came together before", "以往同时出现"),
    "source_group": ("one group of its source", "来源的同一分组"),
    "text": ("words alike", "文字相近"),
}


_NO_KIND = ("other", "alone")
SAYS_NOTHING: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "likely_root": {"signal": _NO_KIND, "reach": (0,), "after_s": (0,), "same_name": (0, 1)},
    "stands_on": {"signal": _NO_KIND},
    "same_item": {"signal": _NO_KIND},
    "unwritten": {"signal": _NO_KIND},
    "no_known_error": {"count": (0,)},
    "no_known_error_yet": {"count": (0,)},
    "alerts_joined": {"count": (1,)},
    "alerts_ended": {"count": (1,)},
}
