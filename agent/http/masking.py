"""Who sees personal data: whoever works on an incident, and who reported it; for all others it is masked."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from agent.erasing.identity import SAID
from correlation.callback import CALLBACKS
from correlation.permission import Actor

MASKED = "(masked)"
WORKS = frozenset({"desk", "l1", "l2", "pm", "dept_manager", "sales", "ops"})
"""Roles that need to know who reported an incident, and in which words."""
_IDENTIFYING = frozenset(
    {"reporter", "reporter_contact", "affected_user", "affected_contact", "on_behalf_of", "acceptance", CALLBACKS}
)
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_AGENT = "agent"


def is_masked(actor: Actor | None, reporter: str | None) -> bool:
    """Whether it is hidden who reported: from whoever neither works on incidents nor is the reporter. None: nobody."""
    return actor is not None and not actor.rights & WORKS and actor.id != reporter


def hides_words(actor: Actor | None, reporter: str | None) -> bool:
    """Whether what people wrote is hidden too. A vendor is called to work on it: what is wrong, they have to know."""
    return is_masked(actor, reporter) and actor is not None and "vendor" not in actor.rights


def masked_title(title: str, reporter: str | None, actor: Actor | None) -> str:
    """The title of what somebody reported is in their words; that of an alert's incident is not."""
    return MASKED if reporter is not None and hides_words(actor, reporter) else title


def masked_facts(value: Any, *, words: bool, reporter: str | None, key: str = "") -> Any:
    """Facts without who reported and, with `words`, without what anybody wrote."""
    match value:
        case dict():
            return {k: masked_facts(v, words=words, reporter=reporter, key=k) for k, v in value.items()}
        case None | "" | bool():
            return value
    if isinstance(value, str) and _ADDRESS.search(value):
        return MASKED
    if key in _IDENTIFYING or (words and key in SAID) or (reporter is not None and value == reporter):
        return MASKED
    if isinstance(value, list):
        return [masked_facts(one, words=words, reporter=reporter, key=key) for one in value]
    return value


def masked_happening(kind: str, facts: Mapping[str, Any], *, words: bool, reporter: str | None) -> dict[str, Any]:
    """The facts of a line of the timeline; who accepted is a customer, by name."""
    found: dict[str, Any] = masked_facts(facts, words=words, reporter=reporter)
    return found | {"by": MASKED} if kind == "accepted" and found.get("by") else found


def masked_actor(actor: str, reporter: str | None, ours: Collection[str]) -> str:
    """Who did it: the agent and people of the organisation are named."""
    return actor if actor == _AGENT or (actor in ours and actor != reporter) else MASKED
