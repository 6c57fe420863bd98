"""What a page says, from the incident as it is when it is sent; in the reader's language."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from escalation.delivery import Message
from escalation.notice_text import compose_notice, is_notice
from escalation.page_facts import MOST_NEAR, MOST_STEPS, PageFacts
from escalation.page_payload import payload, same_of
from escalation.page_words import reason_text, say
from escalation.recovery import is_end
from escalation.words import (
    Language,
    besides,
    block,
    by_name,
    cut_bytes,
    listed,
    local_text,
    one_line,
    span_text,
    state_text,
    told,
    web_address,
)

_SUBJECT, _TEXT, _SHORT = 200, 8000, 200
_MOST_ANNOTATIONS = 8
_SEMICOLON = {"en": "; ", "zh": "；"}
_ADDRESS = 500
"""A longer address is left out of the text: one that is cut leads nowhere."""
_FIRST, _MOST_TOLD = 2, 10
"""How many alerts stand before what helps, and how many are told at all."""
_OVER = frozenset({"resolved", "pending_review", "archived", "cancelled", "out_of_scope"})
_WAITS = frozenset({"new", "assigned"})
_NEVER_LATE = frozenset({"severity_raised"})
"""The steps of a higher severity count from the report: that they are overdue is the raise, and no delay of ours."""


def compose(facts: PageFacts, language: Language = "en") -> Message:
    """Return subject, text, short text and payload, as the incident stands now; never raises.

    What came with alerts is data, never a template. Sizes are bounded: subject and short text 200 characters, text
    8000 bytes, with its link before what may be cut, each field of the payload 4000 characters.
    """
    code = str(facts.reason.get("code", ""))
    if is_notice(code):
        about = facts.reason.get("facts") or {}
        return compose_notice(code, about, language, facts.late_s, facts.links, facts.template, facts.names)
    if is_end(code):
        facts = msgspec.structs.replace(facts, links={k: v for k, v in facts.links.items() if k != "acknowledge"})
    said = _said(facts, language)
    about = by_name(facts.reason.get("facts") or {}, facts.names)
    reason = reason_text({"code": code, "facts": about}, facts.role, language)
    head = f"{said.head}{_standing(facts, language)}"
    subject = one_line(f"{head} {said.title[1]}", _SUBJECT)
    short = one_line(told(f"{head} {said.title[2]}{_root(facts, language, True, 60)}", reason, language), _SHORT)
    text = cut_bytes("\n".join(_lines(facts, said, reason, language)).rstrip(), _TEXT)
    return Message(subject, text, short, payload(facts, said.same, reason, text, language))


class _Said:
    """What all pages of one moment say of an incident in one language."""

    def __init__(self, facts: PageFacts, language: Language) -> None:
        self.alerts = facts.alerts
        self.head = f"[{one_line(facts.number, 40)} sev{facts.severity}]"
        # for the text, the subject, the short text
        self.title = tuple(one_line(facts.title, most) for most in (_SUBJECT, 160, 90))
        self.standing = _standing_lines(facts, language)
        self.moments: dict[tzinfo | None, list[str]] = {}
        self.known = _known_errors(facts, language)
        self.alert_lines, self.further = _alerts(facts, language)
        self.same = same_of(facts)


def _said(facts: PageFacts, language: Language) -> _Said:
    found = facts.said.get(language)
    if found is None or found.alerts is not facts.alerts:
        found = facts.said[language] = _Said(facts, language)
    return found


def _standing(facts: PageFacts, language: Language) -> str:
    """What the subject adds to an incident that somebody has, or that is over; and whether this is a repeat."""
    said = []
    if facts.state and facts.state not in _WAITS:
        over = facts.state in _OVER
        state = state_text(facts.state, language)
        if facts.state != "resolved" or facts.resolved_at is None:
            said.append(told(state, _holder(facts, 40), language) if facts.assignee and not over else state)
        if over and facts.resolved_at is not None:
            at = f"{say('at', language)} {local_text(facts.resolved_at, facts.zone)}"
            said.append(f"{state_text('resolved', language)} {at}")
    if facts.unconfirmed:
        said.append(say("again", language))
    return besides(_SEMICOLON[language].join(said), language) if said else ""


def _holder(facts: PageFacts, most: int) -> str:
    return one_line(facts.names.get(facts.assignee, facts.assignee), most) if facts.assignee else ""


def _line(word: str, value: Any, language: Language) -> str:
    return told(say(word, language), value, language)


def _lines(facts: PageFacts, said: _Said, reason: str, language: Language) -> list[str]:
    root = _root(facts, language, False, _SUBJECT)
    lines = [said.title[0], *([root] if root else []), "", _line("why", reason, language)]
    if facts.supersedes:
        lines.append(
            _line("also", listed((one_line(step, 40) for step in facts.supersedes[:MOST_STEPS]), language), language)
        )
    if facts.late_s >= 2 and facts.reason.get("code") not in _NEVER_LATE:
        lines.append(_line("late", span_text(facts.late_s, language), language))
    if facts.unconfirmed:
        lines.append(say("repeat", language))
    if facts.reason.get("code") == "test":
        return lines
    if is_end(facts.reason.get("code", "")):
        return [*lines, *_link(facts, language), "", *_moments(facts, language), said.alert_lines[0]]
    if facts.zone not in said.moments:
        said.moments[facts.zone] = _moments(facts, language)
    known = said.known or [say("unknown" if facts.looked_for else "not_yet", language), *_nearest(facts, language), ""]
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


def _root(facts: PageFacts, language: Language, goes_on: bool, most: int) -> str:
    """What the trouble is taken to come of, where the title does not say it; it `goes_on` in the line of that."""
    if not facts.root or facts.root.endswith(facts.title):
        return ""
    return f"{_SEMICOLON[language] if goes_on else ''}{_line('root', one_line(facts.root, most), language)}"


def _link(facts: PageFacts, language: Language) -> list[str]:
    """For people the page that acknowledges, and the console; the record is for programs, which send a token."""
    asked = [name for name in ("acknowledge", "console") if name in facts.links] or ["open"]
    return [_line(name, one_line(facts.links[name]), language) for name in asked if name in facts.links]


def _standing_lines(facts: PageFacts, language: Language) -> list[str]:
    standing = {
        "state": state_text(facts.state, language),
        "severity": facts.severity,
        "category": one_line(facts.category, 100),
        "group": one_line(facts.group_called or facts.group, 100),
        "assignee": _holder(facts, 100) or say("nobody", language),
    }
    return [_line(word, value, language) for word, value in standing.items()]


def _moments(facts: PageFacts, language: Language) -> list[str]:
    """When it was opened and is due, on the clock of a reader."""
    moments = {
        "opened": facts.opened_at,
        "resolved": facts.resolved_at if facts.state in _OVER else None,
        "response_due": facts.response_due_at,
        "resolve_due": facts.resolve_due_at,
    }
    if is_end(facts.reason.get("code", "")):
        moments = {word: moments[word] for word in ("opened", "resolved")}
    return [_line(word, local_text(at, facts.zone), language) for word, at in moments.items() if at is not None]


def _known_errors(facts: PageFacts, language: Language) -> list[str]:
    lines: list[str] = []
    for known in facts.known_errors[:2]:
        lines.append(_line("known_error", f"{one_line(known.id, 100)} {one_line(known.title, 200)}", language))
        lines.append(_line("because", one_line(known.why, 300), language))
        if known.safety_note:
            lines.append(_line("safety", block(known.safety_note, 1000), language))
        lines.append(f"{_line('workaround', '', language).rstrip()}\n{block(known.workaround, 2500)}")
        lines.append("")
    return lines


def _nearest(facts: PageFacts, language: Language) -> list[str]:
    """How what resembles it was solved: that may help where nothing is known (procedure R63)."""
    lines = [say("nearest", language)] if facts.nearest else []
    for near in facts.nearest[:MOST_NEAR]:
        why = besides(one_line(near.why, 200), language)
        lines.append(f"- {one_line(near.number, 40)} {one_line(near.title, 160)}{why}")
        lines.append(f"  {_line('solved', one_line(near.resolution, 300), language)}")
        lines += [f"  {one_line(near.link)}"] if near.link else []
    return lines


def _alerts(facts: PageFacts, language: Language) -> tuple[list[str], list[str]]:
    """The first alerts, which stand before what helps with them, and those that stand behind it."""
    firing = besides(f"{facts.firing} {say('firing', language)}", language)
    head = _line("alerts", f"{facts.alert_count}{firing}", language)
    first, others = (
        _told(part, facts.title, language) for part in (facts.alerts[:_FIRST], facts.alerts[_FIRST:_MOST_TOLD])
    )
    return [head, *first], [_line("further", "", language).rstrip(), *others] if others else []


def _told(alerts: Sequence[Mapping[str, Any]], title: str, language: Language) -> list[str]:
    lines: list[str] = []
    for alert in alerts:
        labels = dict(alert.get("labels") or {})
        name = labels.pop("alertname", "")
        about = ", ".join(f"{one_line(str(k), 60)}={one_line(str(v), 100)}" for k, v in list(labels.items())[:6])
        lines.append(f"  {one_line(str(name), 100)} {about}".rstrip())
        lines += _annotations(alert, title)
        if at_source := web_address(str(alert.get("generatorURL") or ""), _ADDRESS):
            lines.append(f"    {_line('at_source', one_line(at_source), language)}")
    return lines


def _annotations(alert: Mapping[str, Any], title: str) -> list[str]:
    """What the rule says of it, runbook and dashboard among it; not what the title says already."""
    said = [(str(key), str(value)) for key, value in (alert.get("annotations") or {}).items() if value != title]
    return [f"    {one_line(key, 60)}: {one_line(value, 500)}" for key, value in said[:_MOST_ANNOTATIONS]]
