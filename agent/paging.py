"""A page is composed when it is sent, from the incident as it then is."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from agent.config import Config
from agent.threads import RECEIPT
from collectors.moment import moment_text
from correlation.board import Board
from correlation.calendar import parse_zone
from correlation.incident import Episode, Incident
from escalation.delivery import Message, PageToSend
from escalation.message import KnownErrorShown, NearShown, PageFacts, compose, receipt
from escalation.roles import OUTSIDE
from escalation.store import Page
from escalation.words import Language
from knowledge.match import sentence
from knowledge.past import Past, alert_of, in_common

_SHOWN = 10
"""How many alerts a page shows."""
Links = Callable[[str, str], dict[str, str]]
"""The links of an incident's number for a person."""
Annotations = Mapping[int, Mapping[str, str]]


def no_links(_number: str, _person: str) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Claimed:
    """A claimed page with what was known of its incident at that moment; `composed` makes it ready to send."""

    page: int
    key: str
    step: str
    target: str
    to: str
    attempt: int
    notifier: str
    facts: PageFacts
    language: Language
    created_at: datetime
    alerts: tuple[int, ...] = ()
    """The rows of the alerts that are shown."""

    def composed(self, links: Links, annotations: Annotations | None = None) -> PageToSend:
        """The page with its message; `annotations` by the row of an alert. Takes a millisecond: not for the line."""
        if self.step == RECEIPT:
            message = receipt(self.facts.number, self.facts.title, self.language)
            answers = self.facts.reason["facts"].get("answers", "")
            return replace(self._page(self.facts.number, message), answers=answers)
        facts = replace(self.facts, links=links(self.facts.number, self.target)) if self.facts.number else self.facts
        if annotations:
            shown = zip(self.alerts, facts.alerts, strict=True)
            facts = replace(facts, alerts=[{**a, "annotations": annotations.get(row, {})} for row, a in shown])
        linked = [replace(one, link=links(one.number, self.target).get("open", "")) for one in facts.nearest]
        facts = replace(facts, nearest=linked)
        return self._page(facts.number, compose(facts, self.language))

    def _page(self, number: str, message: Message) -> PageToSend:
        return PageToSend(
            page=self.page,
            key=self.key,
            incident=number,
            step=self.step,
            target=self.target,
            to=self.to,
            attempt=self.attempt,
            notifier=self.notifier,
            message=message,
            created_at=self.created_at,
        )


def claimed(page: Page, incident: Incident | None, config: Config, board: Board, past: Past) -> Claimed:
    """Note what a page is about, in the language of whom it is for."""
    person = config.addressees.get(page.person)
    language: Language = person.language if person else "zh" if page.reason["facts"].get("language") == "zh" else "en"
    shown = _shown(incident, board)
    return Claimed(
        page=page.id,
        key=page.key,
        step=page.step,
        target=page.person,
        to=page.address,
        attempt=page.attempts,
        notifier=page.notifier,
        facts=replace(
            _facts(page, incident, config, board, language, shown), nearest=_nearest(page, incident, past, language)
        ),
        language=language,
        created_at=page.created_at,
        alerts=tuple(e.id for e in shown),
    )


def _shown(incident: Incident | None, board: Board) -> list[Episode]:
    """The alerts that a page shows: those that fire, oldest first."""
    members = (board.episodes[key] for key in board.members.get(incident.id if incident else 0, ()))
    return heapq.nsmallest(_SHOWN, members, key=lambda e: (e.starts_at, e.id))


def _facts(
    page: Page, incident: Incident | None, config: Config, board: Board, language: Language, shown: Sequence[Episode]
) -> PageFacts:
    number = incident.number if incident is not None else ""
    person = config.people.get(page.person)
    return PageFacts(
        number=number,
        title=incident.title if incident else "",
        severity=incident.severity if incident else 4,
        state=str(incident.state) if incident else "",
        category=incident.category if incident else "",
        group=incident.group if incident else "",
        assignee=incident.assignee if incident else None,
        opened_at=incident.opened_at if incident else None,
        resolved_at=incident.resolved_at if incident else None,
        response_due_at=incident.response_due_at if incident else None,
        resolve_due_at=incident.resolve_due_at if incident else None,
        step=page.step,
        role=page.role,
        target=page.person,
        reason=page.reason,
        late_s=_late(page.created_at, page.due_at),
        unconfirmed=page.unconfirmed,
        supersedes=page.supersedes,
        alerts=[
            {"labels": dict(board.labels(e)), "startsAt": e.starts_text or moment_text(e.starts_at)} for e in shown
        ],
        alert_count=incident.alert_count if incident else 0,
        firing=incident.open_alerts if incident else 0,
        known_errors=_known_errors(incident, config, language),
        template=_template(page, config, language),
        zone=parse_zone(person.time_zone) if person is not None and person.time_zone else None,
    )


def _nearest(page: Page, incident: Incident | None, past: Past, language: Language) -> list[NearShown]:
    """The solved incidents nearest to one that no known error fits; for people of the organisation."""
    if incident is None or incident.known_errors or page.role in OUTSIDE:
        return []
    found = past.nearest(incident.id, alert_of(incident.root), incident.category, incident.title)
    return [
        NearShown(near.solved.number, near.solved.title, near.solved.resolution, in_common(near.why, language))
        for near in found
    ]


def _template(page: Page, config: Config, language: Language) -> str:
    """The site's words for a customer; empty where it has none."""
    rule = config.notices.get((page.reason.get("facts") or {}).get("rule", "")) if page.role == "customer" else None
    return rule.template.get(language, "") if rule is not None else ""


def _late(created_at: datetime, due_at: datetime) -> float:
    return (created_at - due_at).total_seconds()


def _known_errors(incident: Incident | None, config: Config, language: Language) -> list[KnownErrorShown]:
    shown = []
    for found in incident.known_errors if incident is not None else ():
        known = config.known_errors.get(found["id"])
        if known is not None:
            shown.append(
                KnownErrorShown(
                    id=known.id,
                    title=known.text("title", language),
                    workaround=known.text("workaround", language),
                    safety_note=known.text("safety_note", language),
                    why=sentence(found["why"], language),
                    confidence=found["confidence"],
                )
            )
    return shown
