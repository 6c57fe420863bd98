"""What of an incident is told first: the alert that it came of, and the known errors that fit that one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from collectors.labels import Labels
from correlation.incident import ABOUT

_NEVER_ABOUT = frozenset({"alertname", "severity", "cluster", "env", "environment", "team", "region", "site"})
_MOST_LABELS = 3


def named(labels: Labels, annotations: Mapping[str, str]) -> str:
    """An alert in one line: its name, the thing it is about, and what it says of itself."""
    thing = next((labels[name] for name in ABOUT if labels.get(name)), "")
    if not thing:
        others = [f"{name}={value}" for name, value in labels.items() if name not in _NEVER_ABOUT]
        thing = ", ".join(others[:_MOST_LABELS])
    said = " ".join((annotations.get("summary") or annotations.get("title") or "").split())
    name = f"{labels.get('alertname', 'alert')} {thing}".strip()
    return f"{name}: {said}" if said else name


def is_root(root: Mapping[str, Any] | None, alert: Mapping[str, Any]) -> bool:
    """Whether an alert, as the API shows it, is the root of its incident."""
    return root is not None and all(alert.get(name) == root.get(name) for name in ("fingerprint", "startsAt"))


def because(code: str, text: str) -> str:
    """Why an alert is the root, to stand beside words that say that it is: without saying so once more."""
    _, *rest = re.split("[:：]", text, maxsplit=1) if code == "likely_root" else [text]
    return "".join(rest).strip() or text


def of_the_root_first(found: Sequence[Any], labels: Labels) -> list[Any]:
    """Known errors as they were found, stored or as the API shows them: those that fit the root alert first."""
    return sorted(found, key=lambda one: not _fits(one, labels))


def _fits(found: Any, labels: Labels) -> bool:
    """Whether the labels that its predicate was found by are this alert's."""
    facts = found["why"]["facts"] if isinstance(found, Mapping) else found.why.facts
    seen = facts.get("labels") or {}
    return bool(seen) and all(labels.get(name) == value for name, value in seen.items())
