"""Reasons and events become sentences when they are read, in the reader's language; what is stored is a code.

In a template `{name}` is a fact; a part in square brackets is left out where one of its facts is absent or empty.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from agent.wording.fact_words import EVIDENCE, OUTCOMES_ZH, SAYS_NOTHING, YES_NO
from agent.wording.happenings import HAPPENED
from agent.wording.reasons import REASONS
from agent.wording.trouble_words import cause_text, signal_text
from collectors.moment import parse_moment
from escalation.words import LANGUAGES, Language, listed, local_text, span_text

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_FACT = re.compile(r"\{(\w+)\}")
_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$")
"""A moment as a fact, which people read without its milliseconds."""


def text(code: str, facts: Mapping[str, Any], language: str = "en") -> str:
    """The sentence of a reason; an unknown code is its own sentence."""
    return _say(REASONS.get(code) or HAPPENED.get(code), code, facts, language)


def happened(kind: str, facts: Mapping[str, Any], language: str = "en") -> str:
    """The sentence of a line of the timeline; an unknown kind is its own sentence."""
    return _say(HAPPENED.get(kind) or REASONS.get(kind), kind, facts, language)


def on_clock(value: Any, zone: tzinfo | None) -> Any:
    """Facts with their moments as the reader's clock shows them; as they are where their zone is not known."""
    if zone is None:
        return value
    if isinstance(value, Mapping):
        return {name: on_clock(one, zone) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [on_clock(one, zone) for one in value]
    moment = parse_moment(value) if isinstance(value, str) and _MOMENT.match(value) else value
    return local_text(moment, zone) if isinstance(moment, datetime) else value


def language_of(header: str, default: str = "en") -> str:
    """The language that an Accept-Language header wants most, of those spoken here."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, weight = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        if primary in LANGUAGES or primary == "*":
            wanted.append((-_weight(weight), place, default if primary == "*" else primary))
    best = min(wanted, default=None)
    return default if best is None or best[0] >= 0 else best[2]


def _weight(text: str) -> float:
    found = re.fullmatch(r"\s*q=([01](?:\.[0-9]{1,3})?)\s*", text)
    return float(found[1]) if found else 1.0


def _say(pair: tuple[str, str] | None, code: str, facts: Mapping[str, Any], language: str) -> str:
    if pair is None:
        return code
    template = pair[1] if language == "zh" else pair[0]
    told = {n: _shown(_said(n, value, facts, language), language) for n, value in _telling(code, facts)}
    if language == "zh" and "outcome" in told:
        told["outcome"] = OUTCOMES_ZH.get(told["outcome"], told["outcome"])

    # Brackets of the template are taken out before facts come in: a fact never becomes a template.
    pieces = _OPTIONAL.split(template)
    kept = [_fill(piece, told) if place % 2 == 0 else _optional(piece, told) for place, piece in enumerate(pieces)]
    return "".join(kept).strip()


def _telling(code: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The facts but those that say nothing to anybody: that none came of it, that it is the only one of its name."""
    nothing = SAYS_NOTHING.get(code, {})
    return ((name, value) for name, value in facts.items() if value not in nothing.get(name, ()))


def _said(name: str, value: Any, facts: Mapping[str, Any], language: str) -> Any:
    """A reason among the facts is said in its own sentence, and evidence by what it is."""
    if name == "then" and value in REASONS:
        return text(value, {n: v for n, v in facts.items() if n != "then"}, language)
    if name.endswith("_s") and isinstance(value, int | float):
        return span_text(value, _spoken(language))
    if name == "signal":
        return signal_text(str(value), _spoken(language))
    if name in ("alerts", "why") and _counts(value):
        return [_counted(what, count, name, value, language) for what, count in value.items()]
    if name == "evidence" and isinstance(value, Mapping):
        return [f"{EVIDENCE.get(kind, (kind, kind))[language == 'zh']} {weight}" for kind, weight in value.items()]
    is_reason = isinstance(value, Mapping) and value.keys() == {"code", "facts"}
    return text(value["code"], value["facts"], language) if is_reason else value


def _counts(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(type(count) is int for count in value.values())


def _counted(what: str, count: int, name: str, among: Mapping[str, int], language: str) -> str:
    """How many alerts of a name, or for one reason; of what is the only one, no number is said."""
    said = cause_text(what, _spoken(language)) if name == "why" else what
    return said if count == 1 or (name == "why" and len(among) == 1) else f"{said} ×{count}"


def _spoken(language: str) -> Language:
    return "zh" if language == "zh" else "en"


def _optional(part: str, told: Mapping[str, str]) -> str:
    return _fill(part, told) if all(told.get(name) for name in _FACT.findall(part)) else ""


def _fill(template: str, told: Mapping[str, str]) -> str:
    return _FACT.sub(lambda found: told.get(found[1], "?") or "–", template)


def _shown(value: Any, language: str) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, Mapping):
        return listed((f"{k}={_shown(v, language)}" for k, v in value.items()), _spoken(language))
    if isinstance(value, list | tuple):
        return listed((_shown(v, language) for v in value), _spoken(language))
    if isinstance(value, bool):
        return YES_NO[language == "zh"][value]
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return _MOMENT.sub(r"\1 \2 UTC", str(value))
