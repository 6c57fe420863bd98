"""The page of silences, and what a silence that is made from an incident covers."""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from agent.http.console.words import say
from agent.http.incident_page import tag
from agent.http.list_views import SilenceView
from collectors.labels import Labels, Matcher
from escalation.words import Language, local_text, told

ALL = "all"
MOST_ALERTS = 64
"""One silence covers at most so many alerts of an incident by name."""
_MOST_MATCHERS, _LONGEST = 50, 1000


def matchers_of(alerts: Sequence[Labels]) -> list[Matcher]:
    """Matchers that each of these alerts (at least one) matches, and beside them as little as labels can say."""
    shared = set(alerts[0]).intersection(*alerts)
    found = []
    for name in sorted(shared):
        values = sorted({labels[name] for labels in alerts})
        one_of = "|".join(map(re.escape, values))
        found.append(Matcher(name, "=", values[0]) if len(values) == 1 else Matcher(name, "=~", one_of))
    return found


def covers_all(alerts: Sequence[Labels]) -> bool:
    """Whether one silence can cover them all, and no others that share but a word with them."""
    if not 1 < len(alerts) <= MOST_ALERTS:
        return False
    found = [str(matcher) for matcher in matchers_of(alerts)]
    return bool(found) and len(found) <= _MOST_MATCHERS and max(map(len, found)) <= _LONGEST


class SilencesPage:
    """The silences that hold or are to come, for one reader."""

    def __init__(self, language: Language, zone: tzinfo | None, names: Mapping[str, str] | None = None) -> None:
        self._language, self._zone, self._names = language, zone, names or {}

    def body(self, silences: Sequence[SilenceView], may_end: Mapping[str, bool]) -> list[str]:
        """A card for each, with the button that ends it for whom `may_end` has its id true."""
        cards = [self._card(one, ends=may_end[one.id]) for one in silences]
        return [tag("h1", self._say("silences")), *(cards or [tag("p", self._say("no_silence"), "soft")])]

    def _say(self, word: str) -> str:
        return say(word, self._language)

    def _card(self, one: SilenceView, *, ends: bool) -> str:
        by = self._names.get(one.created_by, one.created_by)
        made_by = f"{self._say('window')} {one.window}" if one.window else told(by, one.comment, self._language)
        starts = f"{self._say('from')} {local_text(one.starts_at, self._zone)} " if one.state == "pending" else ""
        lines = [f"{starts}{self._say('until')} {local_text(one.ends_at, self._zone)}", made_by]
        button = ""
        if ends:
            path = f"/silences/{html.escape(one.id)}/end"
            button = f'<form method="post" action="{path}">{tag("button", self._say("end_silence"))}</form>'
        matchers = tag("strong", ", ".join(one.matchers))
        return f'<div class="card">{matchers}{"".join(tag("span", line, "soft") for line in lines)}{button}</div>'
