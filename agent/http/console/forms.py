"""What a person can do to an incident from a page: a form for each act, and what a filled form asks for."""

import html
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from agent.http.console.words import say
from agent.http.incident_page import tag
from agent.http.views import FoundError, IncidentAlert
from agent.wording.foremost import named
from correlation.incident import FROM, Action, Incident
from correlation.permission import Actor, Forbidden, check
from escalation.words import Language
from knowledge.feedback import Outcome

_MINUTES = ("15", "30", "60", "240", "720")
_TYPES = ("workaround", "permanent", "no_fault", "user_withdrawn")


@dataclass(frozen=True)
class Field:
    """One field of a form; `choices` are those of a `choice`."""

    name: str
    kind: Literal["words", "choice", "tick"] = "words"
    choices: Sequence[str] = ()


_FORMS: Mapping[Action, Sequence[Field]] = {
    Action.ACKNOWLEDGE: (),
    Action.NOTE: (Field("text"),),
    Action.SNOOZE: (Field("minutes", "choice", _MINUTES), Field("reason")),
    Action.HANDOVER: (Field("to", "choice"), Field("reason")),
    Action.ESCALATE: (Field("reason"),),
    Action.FEEDBACK: (Field("known_error", "choice"), Field("outcome", "choice", tuple(map(str, Outcome)))),
    Action.SET_ROOT: (Field("alert", "choice"), Field("reason")),
    Action.RESOLVE: (Field("type", "choice", _TYPES), Field("resolution"), Field("note"), Field("restored", "tick")),
}
KEY = "once"
"""The field of a form that is another each time it is shown: what is sent twice is done once."""
ACTS: Collection[Action] = _FORMS.keys()
"""What can be done from a page."""


def body_of(action: Action, filled: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """What a filled form asks of the API; what it does not know of is left out, and what is missing the API says."""
    body: dict[str, Any] = {f.name: filled[f.name] for f in _FORMS[action] if filled.get(f.name)}
    if action is Action.SNOOZE and body.get("minutes") in _MINUTES:
        body["until"] = (now + timedelta(minutes=int(body.pop("minutes")))).isoformat()
    if body.pop("restored", None):
        body["service_restored_at"] = now.isoformat()
    return body


class Forms:
    """The forms of one incident for one reader: of the acts that its state and their roles allow."""

    def __init__(
        self,
        incident: Incident,
        language: Language,
        groups: Sequence[str],
        found: Sequence[FoundError],
        alerts: Sequence[IncidentAlert],
    ) -> None:
        """`groups` are those that it may be handed over to, `found` its known errors, `alerts` those that are shown."""
        self._incident, self._language = incident, language
        self._choices: Mapping[str, Mapping[str, str]] = {
            "to": {name: name for name in ("l2", *groups)},
            "known_error": {one.id: one.title for one in found},
            "alert": {f"{one.fingerprint}@{one.startsAt}": named(one.labels, one.annotations) for one in alerts},
        }

    def shown(self, actor: Actor, paged: Collection[str]) -> list[str]:
        """The forms as HTML; `paged` are the people who were paged for it."""
        forms = {action: self._form(action) for action in _FORMS if self._may(actor, action, paged)}
        at_once = forms.pop(Action.ACKNOWLEDGE, "")
        return [at_once, '<div class="acts">', *forms.values(), "</div>"]

    def _may(self, actor: Actor, action: Action, paged: Collection[str]) -> bool:
        if self._incident.state not in FROM[action]:
            return False
        if action is Action.ACKNOWLEDGE and self._incident.acknowledged_at is not None:
            return False
        if action is Action.FEEDBACK and not self._choices["known_error"]:
            return False
        if action is Action.SET_ROOT and len(self._choices["alert"]) <= 1:
            return False
        try:
            check(actor, action, self._incident, paged)
        except Forbidden:
            return False
        return True

    def _form(self, action: Action) -> str:
        asked = _FORMS[action]
        fields = [self._field(action, field) for field in asked]
        sends = say("send" if asked else str(action), self._language)
        fields.append(f'<input type="hidden" name="{KEY}" value="{secrets.token_urlsafe(12)}">')
        form = (
            f'<form method="post" action="/incidents/{self._incident.number}/{action}">'
            f"{''.join(fields)}{tag('button', sends)}</form>"
        )
        if not asked:
            return form
        return f"<details>{tag('summary', say(str(action), self._language))}{form}</details>"

    def _field(self, action: Action, field: Field) -> str:
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
        return f'<label>{called}<textarea name="{field.name}" rows="2" required></textarea></label>'
