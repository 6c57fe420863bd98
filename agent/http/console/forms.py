"""What a person can do to an incident from a page: a form for each act, and what a filled form asks for."""

import html
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from agent.http.auth import may
from agent.http.console.silences_page import ALL
from agent.http.console.words import say
from agent.http.incident_page import tag
from agent.http.views import FoundError, IncidentAlert
from agent.wording.foremost import named
from correlation.incident import FROM, Action, Incident
from correlation.permission import Actor, Forbidden, check
from escalation.words import Language, span_text
from knowledge.feedback import Outcome

_MINUTES = ("15", "30", "60", "240", "720")
_TYPES = ("workaround", "permanent", "no_fault", "user_withdrawn")


@dataclass(frozen=True)
class Field:
    """One field of a form; `choices` are those of a `choice`."""

    name: str
    kind: Literal["words", "choice", "tick", "number"] = "words"
    choices: Sequence[str] = ()


SILENCE = "silence"
"""A form of an incident's page that is no act on the incident: it is made of its alerts."""
_FORMS: Mapping[str, Sequence[Field]] = {
    Action.ACKNOWLEDGE: (),
    Action.NOTE: (Field("text"),),
    Action.SNOOZE: (Field("minutes", "choice", _MINUTES), Field("reason")),
    SILENCE: (Field("silenced", "choice"), Field("minutes", "choice", _MINUTES), Field("comment")),
    Action.HANDOVER: (Field("to", "choice"), Field("reason")),
    Action.ESCALATE: (Field("reason"),),
    Action.FEEDBACK: (Field("known_error", "choice"), Field("outcome", "choice", tuple(map(str, Outcome)))),
    Action.SET_ROOT: (Field("alert", "choice"), Field("reason")),
    Action.MERGE: (Field("into", "number"),),
    Action.RESOLVE: (Field("type", "choice", _TYPES), Field("resolution"), Field("note"), Field("restored", "tick")),
}
_CHOOSES: Mapping[str, tuple[str, int]] = {
    SILENCE: ("silenced", 1),
    Action.FEEDBACK: ("known_error", 1),
    Action.SET_ROOT: ("alert", 2),
    Action.MERGE: ("into", 1),
}
"""Among how many at least there must be a choice."""
KEY = "once"
"""The field of a form that is another each time it is shown: what is sent twice is done once."""
ACTS: Collection[str] = _FORMS.keys() - {SILENCE}
"""What can be done from a page."""


_LASTS: Mapping[str, str] = {Action.SNOOZE: "until", SILENCE: "ends_at"}
"""What the API calls the end of what is asked for so many minutes."""


def body_of(form: str, filled: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """What a filled form asks of the API; what it does not know of is left out, and what is missing the API says."""
    body: dict[str, Any] = {f.name: filled[f.name].strip() for f in _FORMS[form] if filled.get(f.name)}
    if form in _LASTS and body.get("minutes") in _MINUTES:
        body[_LASTS[form]] = (now + timedelta(minutes=int(body.pop("minutes")))).isoformat()
    if body.pop("restored", None):
        body["service_restored_at"] = now.isoformat()
    return body


def key_of(alert: IncidentAlert) -> str:
    """What a form calls an alert."""
    return f"{alert.fingerprint}@{alert.startsAt}"


class Forms:
    """The forms of one incident for one reader: of the acts that its state and their roles allow."""

    def __init__(
        self,
        incident: Incident,
        language: Language,
        groups: Mapping[str, str],
        found: Sequence[FoundError],
        alerts: Sequence[IncidentAlert],
        others: Mapping[str, str],
        *,
        covers_all: bool,
    ) -> None:
        """`found` are its known errors, `alerts` those that are shown.

        `groups` are those that it may be handed over to, by id what they are called. `others` are titles of incidents
        that it might be merged into, by number. `covers_all`: whether one silence can cover all of it that fires.
        """
        self._incident, self._language = incident, language
        fires = {key_of(one): named(one.labels, one.annotations) for one in alerts if one.status == "firing"}
        all_of_it = {ALL: say("all_firing", language)} if covers_all else {}
        self._choices: Mapping[str, Mapping[str, str]] = {
            "to": {"l2": say("l2", language), **groups},
            "minutes": {one: span_text(60 * int(one), language) for one in _MINUTES},
            "known_error": {one.id: one.title for one in found},
            "alert": {key_of(one): named(one.labels, one.annotations) for one in alerts},
            "silenced": {**all_of_it, **fires},
            "into": others,
        }

    def shown(self, actor: Actor, paged: Collection[str]) -> list[str]:
        """The forms as HTML; `paged` are the people who were paged for it."""
        forms = {action: self._form(action) for action in _FORMS if self._may(actor, action, paged)}
        at_once = forms.pop(Action.ACKNOWLEDGE, "")
        return [at_once, '<div class="acts">', *forms.values(), "</div>"]

    def _may(self, actor: Actor, form: str, paged: Collection[str]) -> bool:
        if not self._is_of_use(form):
            return False
        if form == SILENCE:
            return may(actor, "create_silence")
        try:
            check(actor, Action(form), self._incident, paged)
        except Forbidden:
            return False
        return True

    def _is_of_use(self, form: str) -> bool:
        """Whether its state allows it, and there is something to choose."""
        if form != SILENCE and self._incident.state not in FROM[Action(form)]:
            return False
        if form == Action.ACKNOWLEDGE:
            return self._incident.acknowledged_at is None
        choice, least = _CHOOSES.get(form, ("", 0))
        return len(self._choices.get(choice, ())) >= least

    def _form(self, action: str) -> str:
        asked = _FORMS[action]
        fields = [self._field(field) for field in asked]
        sends = say("send" if asked else str(action), self._language)
        fields.append(f'<input type="hidden" name="{KEY}" value="{secrets.token_urlsafe(12)}">')
        form = (
            f'<form method="post" action="/incidents/{self._incident.number}/{action}">'
            f"{''.join(fields)}{tag('button', sends)}</form>"
        )
        if not asked:
            return form
        return f"<details>{tag('summary', say(str(action), self._language))}{form}</details>"

    def _field(self, field: Field) -> str:
        called = html.escape(say(field.name, self._language))
        if field.kind == "tick":
            asked = f'<label class="tick"><input type="checkbox" name="{field.name}" value="yes"> {called}</label>'
            return asked if self._incident.open_alerts else ""
        if field.kind == "choice":
            called = html.escape(say("handover.to" if field.name == "to" else field.name, self._language))
            choices = self._choices.get(field.name) or {one: say(one, self._language) for one in field.choices}
            options = "".join(
                f'<option value="{html.escape(one)}">{html.escape(told)}</option>' for one, told in choices.items()
            )
            return f'<label>{called}<select name="{field.name}">{options}</select></label>'
        if field.kind == "number":
            known = "".join(
                f'<option value="{html.escape(one)}">{html.escape(told)}</option>'
                for one, told in self._choices[field.name].items()
            )
            asked = f'<input name="{field.name}" list="{field.name}" autocomplete="off" placeholder="INC-…" required>'
            return f'<label>{called}{asked}</label><datalist id="{field.name}">{known}</datalist>'
        return f'<label>{called}<textarea name="{field.name}" rows="2" required></textarea></label>'
