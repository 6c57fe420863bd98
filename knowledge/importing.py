"""What others have written becomes known errors: rule files of Prometheus, folders of runbooks by alert."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from collectors.rule import parse_span
from knowledge.markdown import fence_after

_SECTIONS = {
    "meaning": "Symptoms",
    "impact": "Symptoms",
    "symptoms": "Symptoms",
    "diagnosis": "Root cause",
    "root cause": "Root cause",
    "cause": "Root cause",
    "mitigation": "Workaround",
    "workaround": "Workaround",
    "resolution": "Workaround",
    "prevention": "Solution",
    "solution": "Solution",
}
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_SPACE = re.compile(r"\s+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HEADING = re.compile(r"##(?!#)\s*(.*?)[\s:#]*(?:\{.*\})?\s*")
_TEXTS = ("summary", "description", "message")
_LONGEST = 500
_NO_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


class BadRunbook(ValueError):
    """A runbook that cannot become a known error; its text says what to write."""


def aliases_of(rules: Any) -> Iterator[tuple[str, str]]:
    """Yield (alert, text) for every text of every alerting rule: summary, description and expression.

    `rules` is a rule file as read, of Prometheus (`groups:`) or of its operator (`spec: {groups:}`, alone or as one of
    `items:`). Template actions are left out, for they stand for values. What is no rule is passed over.
    """
    for rule in _alerting(rules):
        yield from ((rule["alert"], text) for text in _texts(rule))


def waits_of(rules: Any) -> Iterator[tuple[str, timedelta]]:
    """Yield (alert, span) for every alerting rule that waits before it fires; what is no span is passed over."""
    for rule in _alerting(rules):
        with contextlib.suppress(ValueError):
            if rule.get("for") and (span := parse_span(rule["for"])):
                yield rule["alert"], span


def _alerting(rules: Any) -> Iterator[Mapping[str, Any]]:
    for one in (rules, *_list(rules, "items")):
        spec = one.get("spec") if isinstance(one, Mapping) else None
        for group in _list(spec if isinstance(spec, Mapping) else one, "groups"):
            for rule in _list(group, "rules"):
                if isinstance(rule, Mapping) and isinstance(rule.get("alert"), str):
                    yield rule


def _list(of: Any, key: str) -> list[Any]:
    found = of.get(key) if isinstance(of, Mapping) else None
    return found if isinstance(found, list) else []


def _texts(rule: Mapping[str, Any]) -> Iterator[str]:
    notes = rule.get("annotations")
    written = [notes.get(name) for name in _TEXTS] if isinstance(notes, Mapping) else []
    for text in (*written, rule.get("expr")):
        if isinstance(text, str) and (plain := _SPACE.sub(" ", _TEMPLATE.sub(" ", text)).strip()):
            yield plain[:_LONGEST]


def known_error_of(alert: str, text: str) -> str:
    """Return the file of a known error made of the runbook of an alert, as prometheus-operator's are written.

    Meaning and impact become symptoms, diagnosis the root cause, mitigation the workaround; other headings stay as
    smaller ones where they stand. Raises BadRunbook where no workaround is written.
    """
    sections: dict[str, list[str]] = {}
    into: list[str] | None = None
    fence = ""
    for line in _body(text):
        heading = None if fence else _HEADING.fullmatch(line)
        fence = fence_after(fence, line)
        if heading is None:
            if into is not None:
                into.append(line)
        elif name := _SECTIONS.get(heading[1].lower()):
            into = sections.setdefault(name, [])
        elif into is not None:
            into.append(f"### {heading[1]}")
    whole = {name: "\n".join(lines).strip() for name, lines in sections.items()}
    if not whole.get("Workaround"):
        raise BadRunbook("it has no workaround: write a section `## Mitigation` that says what helps at once")
    return _written(alert, whole)


def _body(text: str) -> Iterator[str]:
    """The lines below a front matter, if there is one."""
    lines = text.removeprefix("\ufeff").splitlines()
    if lines and lines[0].rstrip() == "---" and "---" in (line.rstrip() for line in lines[1:]):
        lines = lines[[line.rstrip() for line in lines].index("---", 1) + 1 :]
    yield from lines


def _written(alert: str, sections: Mapping[str, str]) -> str:
    order = ("Symptoms", "Root cause", "Workaround", "Solution")
    parts = [f"## {name}\n{sections[name]}" for name in order if sections.get(name)]
    title = _CAMEL.sub(" ", alert)
    front = f"---\nid: {_scalar(alert)}\ntitle: {_scalar(title)}\nmatch: {{alertname: {_scalar(alert)}}}\n---"
    return "\n\n".join([front, *parts]) + "\n"


def _scalar(text: str) -> str:
    """A text as YAML reads it back: `123`, `null` and `on` are none unless they are quoted."""
    plain = text[0].isalpha() and text.lower() not in _NO_TEXT
    return text if plain else f'"{text}"'
