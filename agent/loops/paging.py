"""A page is composed when it is sent, from the incident as it then is."""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace as change

from agent.configuration.config import Config
from agent.threads import RECEIPT
from agent.wording.foremost import named, of_the_root_first
from agent.wording.sentences import text
from collectors.labels import Labels
from collectors.moment import moment_text
from correlation.board import Board
from correlation.calendar import parse_zone
from correlation.incident import Incident, Key, key_of
from correlation.root import BY_PEOPLE, root_told
from escalation.delivery import Message, PageToSend
from escalation.message import compose
from escalation.page_facts import Described, KnownErrorShown, NearShown, PageFacts
from escalation.receipt import receipt
from escalation.roles import OUTSIDE, called
from escalation.store import Page
from escalation.words import Language, web_address
from knowledge.match import sentence
from knowledge.past import Past, alert_of, in_common

_SHOWN = 10
"""How many alerts a page shows."""
Links = Callable[[str, str], dict[str, str]]
"""The links of an incident's number for a person."""
Descriptions = Mapping[int, Described]
"""By the row of an alert, what its sender tells beside the labels."""


def no_links(_number: str, _person: str) -> dict[str, str]:
    return {}


_NOTHING = Described({})


class Claimed(msgspec.Struct, frozen=True):
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
    has_root: bool = False
    """Whether the first of these is the root of others."""
    root_why: str = ""
    """Who says so, where people do."""

    def composed(self, links: Links, described: Descriptions | None = None) -> PageToSend:
        """The page with its message, its alerts as they are `described`. Not for the line: it takes its time."""
        facts = self.facts
        if self.step == RECEIPT:
            message = receipt(facts.number, facts.title, self.language)
            answers = facts.reason["facts"].get("answers", "")
            return replace(self._page(facts.number, message), answers=answers)
        if facts.number:
            facts = change(facts, links=links(facts.number, self.target))
        if described and any(row in described for row in self.alerts):
            facts = change(facts, alerts=self._described(described))
        if self.has_root:
            root = named(facts.alerts[0]["labels"], facts.alerts[0].get("annotations") or {})
            facts = change(facts, root=f"{root} ({self.root_why})" if self.root_why else root)
        if facts.nearest:
            linked = [replace(one, link=_of_console(links(one.number, self.target))) for one in facts.nearest]
            facts = change(facts, nearest=linked)
        return self._page(facts.number, compose(facts, self.language))

    def _described(self, described: Descriptions) -> list[dict[str, Any]]:
        """Programs are told where an alert is looked at only where that is a web address."""
        shown = []
        for row, alert in zip(self.alerts, self.facts.alerts, strict=True):
            annotations, generator_url = described.get(row, _NOTHING)
            at_source = web_address(generator_url)
            shown.append({**alert, "annotations": annotations, **({"generatorURL": at_source} if at_source else {})})
        return shown

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


class _Shown(NamedTuple):
    """The alerts that a page shows: their rows, what is said of them, and whether the first is the root of others."""

    rows: tuple[int, ...]
    alerts: list[dict[str, Any]]
    has_root: bool


class Briefing:
    """What the pages of one moment are about: of an incident, looked up and said once, however many are told of it."""

    def __init__(self, config: Config, board: Board, past: Past) -> None:
        self._config, self._board, self._past = config, board, past
        self._shown: dict[int, _Shown] = {}
        self._facts: dict[tuple[int, Language], PageFacts] = {}
        self._near: dict[tuple[int, Language], list[NearShown]] = {}

    def claimed(self, page: Page, incident: Incident | None) -> Claimed:
        """Note what a page is about, in the language of whom it is for."""
        person = self._config.addressees.get(page.person)
        language: Language = (
            person.language if person else "zh" if page.reason["facts"].get("language") == "zh" else "en"
        )
        shown = self._alerts(incident)
        return Claimed(
            page=page.id,
            key=page.key,
            step=page.step,
            target=page.person,
            to=page.address,
            attempt=page.attempts,
            notifier=page.notifier,
            facts=self._facts_for(page, incident, language),
            language=language,
            created_at=page.created_at,
            alerts=shown.rows,
            has_root=shown.has_root,
            root_why=_said_by_people(incident, language),
        )

    def _alerts(self, incident: Incident | None) -> _Shown:
        """Those that fire: first the root, then the oldest."""
        number = incident.id if incident is not None else 0
        found = self._shown.get(number)
        if found is None:
            board, root = self._board, self._root(incident)
            members = [board.episodes[key] for key in board.members.get(number, ())]
            shown = heapq.nsmallest(_SHOWN, members, key=lambda e: (e.key != root, e.starts_at, e.id))
            said = [
                {"labels": dict(board.labels(e)), "startsAt": e.starts_text or moment_text(e.starts_at)} for e in shown
            ]
            has_root = len(shown) > 1 and shown[0].key == root
            found = self._shown[number] = _Shown(tuple(e.id for e in shown), said, has_root)
        return found

    def _root(self, incident: Incident | None) -> Key | None:
        """The alert that the others came of, as people are told of it."""
        if incident is None:
            return None
        lasts = incident.id in self._board.storms.values()
        root = root_told(incident.root, storm=incident.storm is not None, lasts=lasts)
        return key_of(root["origin"], root["fingerprint"]) if root is not None else None

    def _facts_for(self, page: Page, incident: Incident | None, language: Language) -> PageFacts:
        about = (incident.id if incident is not None else 0, language)
        shared = self._facts.get(about)
        if shared is None:
            shared = self._facts[about] = self._facts_of(incident, language)
        person = self._config.people.get(page.person)
        return change(
            shared,
            step=page.step,
            role=page.role,
            target=page.person,
            reason=page.reason,
            late_s=(page.created_at - page.due_at).total_seconds(),
            unconfirmed=page.unconfirmed,
            supersedes=page.supersedes,
            nearest=self._nearest(page, incident, language),
            template=_template(page, self._config, language),
            names=self._config.names,
            zone=parse_zone(person.time_zone) if person is not None and person.time_zone else None,
        )

    def _facts_of(self, incident: Incident | None, language: Language) -> PageFacts:
        alerts = self._alerts(incident).alerts
        if incident is None:
            return PageFacts(alerts=alerts)
        return PageFacts(
            number=incident.number,
            title=incident.title,
            severity=incident.severity,
            state=str(incident.state),
            category=incident.category,
            group=incident.group,
            group_called=called(incident.group, self._config.groups, language),
            assignee=incident.assignee,
            opened_at=incident.opened_at,
            resolved_at=incident.resolved_at,
            response_due_at=incident.response_due_at,
            resolve_due_at=incident.resolve_due_at,
            alerts=alerts,
            alert_count=incident.alert_count,
            firing=incident.open_alerts,
            known_errors=_known_errors(incident, self._root_labels(incident), self._config, language),
            looked_for=self._config.is_library_read and not incident.to_rank,
        )

    def _root_labels(self, incident: Incident) -> Labels:
        shown = self._alerts(incident)
        return shown.alerts[0]["labels"] if shown.has_root else {}

    def _nearest(self, page: Page, incident: Incident | None, language: Language) -> list[NearShown]:
        """The solved incidents nearest to one that no known error fits; for people of the organisation."""
        if incident is None or incident.known_errors or page.role in OUTSIDE:
            return []
        found = self._near.get((incident.id, language))
        if found is None:
            near = self._past.nearest(incident.id, alert_of(incident.root), incident.category, incident.title)
            found = self._near[incident.id, language] = [
                NearShown(one.solved.number, one.solved.title, one.solved.resolution, in_common(one.why, language))
                for one in near
            ]
        return found


def _of_console(links: Mapping[str, str]) -> str:
    """Where people read an incident."""
    return links.get("console") or links.get("open", "")


def _said_by_people(incident: Incident | None, language: Language) -> str:
    """Who named the root, of this incident or of those like it; empty where it is what likely is."""
    why = (incident.root or {}).get("why", {}) if incident is not None else {}
    return text(why["code"], why["facts"], language) if why.get("code") in BY_PEOPLE else ""


def claimed(page: Page, incident: Incident | None, config: Config, board: Board, past: Past) -> Claimed:
    """What one page is about, by itself."""
    return Briefing(config, board, past).claimed(page, incident)


def _template(page: Page, config: Config, language: Language) -> str:
    """The site's words for a customer; empty where it has none."""
    rule = config.notices.get((page.reason.get("facts") or {}).get("rule", "")) if page.role == "customer" else None
    return rule.template.get(language, "") if rule is not None else ""


def _known_errors(incident: Incident, root: Labels, config: Config, language: Language) -> list[KnownErrorShown]:
    shown = []
    for found in of_the_root_first(incident.known_errors, root):
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
