"""The list of incidents as a page: what is due first stands first, a card for each."""

import html
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from agent.http.console.words import say
from agent.http.incident_page import goes_on_at, tag
from agent.http.render.stored import Firing
from agent.http.views import At, IncidentAlert, IncidentView
from agent.wording.foremost import named
from correlation.incident import State
from escalation.words import Language, listed, local_text, state_text, told

SHOWN: Mapping[str, Sequence[str]] = {
    "active": ("active",),
    "resolved": (State.RESOLVED, State.PENDING_REVIEW),
    "all": (),
}
"""What the list can show, and the states that it asks for."""


class BoardPage:
    """The page for one reader; `show` is one of SHOWN, `q` what was searched for, `names` what people are called."""

    def __init__(
        self, language: Language, zone: tzinfo | None, show: str, q: str, names: Mapping[str, str] | None = None
    ) -> None:
        self._language, self._zone, self._show, self._q, self._names = language, zone, show, q, names or {}

    def body(
        self,
        person: str,
        incidents: Sequence[IncidentView],
        following: str | None,
        on_call: Mapping[str, Sequence[str]],
        roots: Mapping[str, IncidentAlert],
        firing: Mapping[str, Firing],
        *,
        inside: bool,
    ) -> list[str]:
        """Who reads it, what can be asked, who is on call (by schedule), the incidents, and where they go on.

        By number: `roots` are the alerts that incidents of several are taken to come of, `firing` says since when they
        fire. `inside`: whether whoever reads it is of the organisation, and may see its other pages.
        """
        return [
            sign_out(self._called(person), self._language),
            self._asked(),
            self._also() if inside else "",
            self._on_call(on_call) if on_call else "",
            *(self._card(one, roots.get(one.number), firing.get(one.number, Firing())) for one in incidents),
            self._nothing() if not incidents else "",
            f'<p><a href="/?{html.escape(self._query(following))}">{self._say("more")}</a></p>' if following else "",
        ]

    def _say(self, word: str) -> str:
        return say(word, self._language)

    def _query(self, cursor: str | None = None) -> str:
        asked = {"show": self._show, "q": self._q, "cursor": cursor or ""}
        return urlencode({name: value for name, value in asked.items() if value})

    def _asked(self) -> str:
        shows = "".join(
            f'<a href="/?show={one}"{" aria-current=page" if one == self._show else ""}>{self._say(one)}</a>'
            for one in SHOWN
        )
        search, q = self._say("search"), html.escape(self._q)
        return (
            f'<nav>{shows}</nav><form method="get" action="/" class="search">'
            f'<input type="hidden" name="show" value="{self._show}">'
            f'<input type="search" name="q" value="{q}" aria-label="{search}" placeholder="{search}">'
            f"<button>{search}</button></form>"
        )

    def _also(self) -> str:
        pages = {"/silences": "silences", "/known-errors": "known_errors"}
        return f"<nav>{''.join(f'<a href={path!r}>{self._say(word)}</a>' for path, word in pages.items())}</nav>"

    def _on_call(self, on_call: Mapping[str, Sequence[str]]) -> str:
        lines = [
            tag("dt", schedule) + tag("dd", self._all_called(people) or self._say("nobody"))
            for schedule, people in on_call.items()
        ]
        return f"<details>{tag('summary', self._say('on_call'))}<dl>{''.join(lines)}</dl></details>"

    def _nothing(self) -> str:
        return tag("p", self._say("none" if self._show == "active" and not self._q else "nothing"), "soft")

    def _firing(self, one: IncidentView, firing: Firing) -> list[str]:
        """How many of its alerts fire and since when, or since when none does."""
        if firing.since is not None:
            return [self._say("firing_since").format(count=one.record.open_alerts, at=self._at(firing.since))]
        return [self._say("cleared").format(at=self._at(firing.cleared))] if firing.cleared is not None else []

    def _waits(self, one: IncidentView) -> list[str]:
        """What happens next; where that is held back, first until when."""
        lines = []
        if one.held is not None:
            until = f"{self._say('held')} {self._at(one.held.until)}"
            lines.append(told(until, one.held.why.text, self._language))
        if one.next_step is not None:
            to = f" {self._say('to')} {self._all_called(one.next_step.targets)}" if one.next_step.targets else ""
            lines.append(f"{self._say('next_step')} {self._at(goes_on_at(one, one.next_step))}{to}")
        return lines

    def _called(self, person: str) -> str:
        return self._names.get(person, person)

    def _all_called(self, people: Sequence[str]) -> str:
        return listed(map(self._called, people), self._language)

    def _at(self, moment: datetime | At) -> str:
        return local_text(moment, self._zone)

    def _card(self, one: IncidentView, root: IncidentAlert | None, firing: Firing) -> str:
        holder = f"{self._say('with')} {self._called(one.assignee)}" if one.assignee else self._say("nobody_has_it")
        lines = [
            f"{one.number} · {state_text(one.state, self._language)} · {holder}",
            *self._firing(one, firing),
            *self._waits(one),
        ]
        severity = tag("span", f"{self._say('severity')} {one.severity}", "sev")
        came_of = named(root.labels, root.annotations) if root is not None else ""
        if came_of and not came_of.endswith(one.title):
            lines.insert(0, told(self._say("root"), came_of, self._language))
        below = "".join(tag("span", line, "soft") for line in lines)
        return (
            f'<a class="card s{one.severity}" href="/incidents/{one.number}">'
            f"{severity}{tag('strong', one.title)}{below}</a>"
        )


def sign_out(person: str, language: Language) -> str:
    """Who is signed in, and the button that ends it."""
    button = tag("button", say("sign_out", language))
    return f'<form method="post" action="/sign-out" class="who">{tag("span", person, "soft")}{button}</form>'


def sign_in(language: Language, there: str, said: str = "") -> list[str]:
    """The page that asks for a token; `there` is where it goes on."""
    return [
        tag("h1", "Tocsin"),
        tag("p", said, "safety") if said else "",
        f'<form method="post" action="/sign-in"><input type="hidden" name="there" value="{html.escape(there)}">'
        f"<label>{html.escape(say('token', language))}"
        '<input type="password" name="token" autocomplete="current-password" required></label>'
        f"{tag('button', say('sign_in', language))}</form>",
        tag("p", told(say("how", language), "", language).rstrip(), "soft"),
        tag("code", say("how_said", language), "command"),
    ]
