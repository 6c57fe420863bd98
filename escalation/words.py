"""Words that go to people: cut to size, without what a chat or a screen would take for something else."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Any, Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Catalogue = Mapping[str, tuple[str, str]]
"""What codes are called: in English, in Chinese."""
FIELD = 4000
"""The most characters of one field."""
MOST_ENTRIES = 64
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_CALLS_ALL = re.compile(r"(?<!\w)@(?=(?:all|here|channel|everyone)\b|所有人)", re.IGNORECASE)
_MARKUP = re.compile(r"<(?=[!@#]|at\b|[a-z][a-z0-9+.-]*:)|\](?=\()", re.IGNORECASE)
_SUSPECT = re.compile(r"[<@\]]|\s(?<! )|" + _UNSAFE.pattern)
"""What one of those above may change; most texts hold nothing of it."""
_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_PEOPLE = frozenset(
    {
        "assignee",
        "by",
        "comes",
        "instead_of",
        "leaves",
        "person",
        "replaces",
        "reporter",
        "roles",
        "told",
        "to",
        "wrote",
    }
)
"""Facts that name people. `to` and `told` may name a group or a role too, which nobody is called."""
_LONGEST_S = 1e9
_UNITS = (
    (86_400, "day", "days", "天"),
    (3_600, "hour", "hours", "小时"),
    (60, "minute", "minutes", "分钟"),
    (1, "second", "seconds", "秒"),
)
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


def one_line(text: str, most: int = FIELD) -> str:
    """Text without line breaks, control characters and direction marks, cut to a length.

    What a chat would read as a call to everybody (`@all`, `<!channel>`) or as a link under another name is broken
    with a space: only configuration may call people.
    """
    if len(text) <= most and not _SUSPECT.search(text):
        return text
    cleaned = _UNSAFE.sub(" ", text[: 2 * most].replace("\n", " ").replace("\t", " "))
    return cut(_MARKUP.sub(r"\g<0> ", _CALLS_ALL.sub("@ ", cleaned)), most)


def block(text: str, most: int = FIELD) -> str:
    """Text of several lines without control characters, cut to a length."""
    return cut(_UNSAFE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")), most)


def cut(text: str, most: int) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def cut_bytes(text: str, most: int) -> str:
    """Text of at most so many bytes of UTF-8: gateways count bytes, and a Chinese character has three."""
    raw = text.encode()
    return text if len(raw) <= most else raw[: most - 3].decode(errors="ignore") + "…"


def told(word: str, value: Any, language: Language) -> str:
    """A word, and what there is to say of it."""
    return f"{word}：{value}" if language == "zh" else f"{word}: {value}"


def besides(text: str, language: Language) -> str:
    """What is said in brackets, behind what it is about."""
    return f"（{text}）" if language == "zh" else f" ({text})"


def listed(values: Iterable[str], language: Language) -> str:
    """Several of a kind, in a line."""
    return ("、" if language == "zh" else ", ").join(values)


def web_address(text: str, most: int = FIELD) -> str:
    """A text that is one web address (http, https) of at most so many characters; of any other nothing.

    Whoever sends an alert chooses the text: `javascript:` and its like are no address that somebody may tap.
    """
    return text if len(text) <= most and _ADDRESS.fullmatch(text) and not _UNSAFE.search(text) else ""


def state_text(state: str, language: Language) -> str:
    """A state as people call it."""
    known = _STATES_ZH.get(state) if language == "zh" else None
    return known or one_line(state.replace("_", " "), 40)


def span_text(seconds: float, language: Language) -> str:
    """A span as people say it, in its two largest units: `30 minutes`, `1 hour 5 minutes`."""
    left = round(min(abs(seconds), _LONGEST_S))
    said = []
    for length, one, many, chinese in _UNITS:
        count, left = divmod(left, length)
        if count:
            said.append(f"{count} {chinese if language == 'zh' else one if count == 1 else many}")
        elif said:
            break
    shown = " ".join(said[:2]) or f"0 {_UNITS[-1][3 if language == 'zh' else 2]}"
    return f"-{shown}" if seconds <= -0.5 else shown


def local_text(moment: datetime, zone: tzinfo | None) -> str:
    """A moment as its reader's clock shows it, with the offset; in UTC where their zone is not known."""
    if zone is None:
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    local = moment.astimezone(zone)
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def by_name(facts: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Facts in which people, who stand there by id, are called by their names; also those of a reason among them."""
    if not names:
        return dict(facts)
    return {key: _by_name(value, names) if key in _PEOPLE else _within(value, names) for key, value in facts.items()}


def _by_name(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list | tuple):
        return [_by_name(one, names) for one in value]
    return {key: _by_name(one, names) for key, one in value.items()} if isinstance(value, Mapping) else value


def _within(value: Any, names: Mapping[str, str]) -> Any:
    is_reason = isinstance(value, Mapping) and value.keys() == {"code", "facts"}
    return {**value, "facts": by_name(value["facts"], names)} if is_reason else value


def bounded(value: Any) -> Any:
    """A value as JSON may hold it: texts cut, no half characters, no NaN."""
    if isinstance(value, str):
        text = str(value)
        plain = len(text) <= FIELD and text.isascii()
        return text if plain else cut(_SURROGATE.sub("\ufffd", text), FIELD)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict | Mapping):  # `dict` first: it is nearly always one, and asking for a Mapping is slow
        return {bounded(str(k)): bounded(v) for k, v in islice(value.items(), MOST_ENTRIES)}
    if isinstance(value, list | tuple):
        return [bounded(v) for v in value[:MOST_ENTRIES]]
    return bounded(str(value))
