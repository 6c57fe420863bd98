"""An incident as one reader sees it: reasons get their sentence, steps the people they would reach now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from agent.configuration.config import Config
from agent.desk import Desk
from agent.http import masking, views
from agent.http.masking import MASKED
from agent.http.reads.alerts import AlertPair
from agent.http.reads.incidents import IncidentReads
from agent.http.reads.sums import Sums
from agent.http.render.record import major_of, record_of
from agent.http.render.stored import decision_of, ends_text, json_of, restored_since, starts_text, step_of
from agent.wording.sentences import happened, on_clock, text
from collectors.moment import moment_text
from correlation.holding import steps_held
from correlation.incident import ACTIVE, ITEM, Json, State
from correlation.permission import OUTSIDERS, Actor
from correlation.root import root_told
from correlation.tables import IncidentRow, TimelineRow
from escalation.escalate import take_due_steps
from escalation.store import StepRow
from escalation.words import Language, by_name
from knowledge.match import sentence
from knowledge.past import Near, alert_of, in_common
from knowledge.store import LinkRow

ALERTS_SHOWN, ALERTS_LISTED = 1000, 100
"""Of one incident by itself, and of each in a list."""
_NOTHING: Mapping[str, Any] = {"code": "none", "facts": {}}


@dataclass(frozen=True)
class Reader:
    """For whom something is shown: the configuration and the moment it is seen by, and the language."""

    config: Config
    desk: Desk
    now: datetime
    language: str
    actor: Actor | None = None
    """Who reads; None: nothing is masked."""
    zone: tzinfo | None = None
    """On whose clock sentences tell moments; None: in UTC."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What sentences call people, by id; programs are told ids."""

    def is_masked(self, reporter: str | None) -> bool:
        """Whether it is hidden who reported, and how to reach them."""
        return masking.is_masked(self.actor, reporter)

    def hides_words(self, reporter: str | None) -> bool:
        """Whether what people wrote is hidden too."""
        return masking.hides_words(self.actor, reporter)

    @property
    def spoken(self) -> Language:
        """The language as the rooms know it."""
        return "zh" if self.language == "zh" else "en"

    def why(self, stored: Any) -> views.Why:
        """A stored reason with its sentence."""
        reason = stored or _NOTHING
        facts = {k: _plain(v) for k, v in (reason.get("facts") or {}).items()}
        return views.Why(code=reason["code"], facts=facts, text=self._sentence(text, reason["code"], facts))

    def _sentence(self, say: Callable[[str, Json, str], str], code: str, facts: Json) -> str:
        return say(code, by_name(on_clock(facts, self.zone), self.names), self.language)

    def targets(self, step: StepRow, incident: IncidentRow) -> list[str]:
        """The people whom a step would page now, by the rota of this moment."""
        taken = take_due_steps([step_of(step)], incident.group, incident.assignee, self.desk.directory, self.now)
        return list(taken.outcomes[0][2]["told"])

    # incidents

    async def incidents(self, reads: IncidentReads, rows: Sequence[IncidentRow], most: int) -> list[views.IncidentView]:
        """Incidents in full, with at most `most` alerts each."""
        ids = [row.id for row in rows]
        alerts, steps, links = await reads.alerts_of(ids, most), await reads.next_steps(ids), await reads.links(ids)
        sums = await reads.sums(ids)
        return [
            self.incident(row, alerts.get(row.id, []), steps.get(row.id), sums[row.id], links.get(row.id, ()))
            for row in rows
        ]

    async def roots(self, reads: IncidentReads, rows: Sequence[IncidentRow]) -> dict[int, views.IncidentAlert]:
        """By the incident, the alert that its others are taken to come of, as people are told of it."""
        of_several = {row.id: self._root_told(row) for row in rows if self._is_of_several(row)}
        found = await reads.roots_of({incident: root for incident, root in of_several.items() if root})
        return {incident: self.incident_alert(pair) for incident, pair in found.items()}

    def _is_of_several(self, row: IncidentRow) -> bool:
        """Whether it is about several alerts: one that came again and again is the root of no other."""
        marks = self.desk.board.scene.of.get(row.id)
        return row.alert_count > 1 and (not marks or len(marks) > 1)

    def _root_told(self, row: IncidentRow) -> Json | None:
        lasts = row.id in self.desk.board.storms.values()
        return root_told(json_of(row.root), storm=row.storm is not None, lasts=lasts)

    def incident(
        self,
        row: IncidentRow,
        alerts: Sequence[AlertPair],
        step: StepRow | None,
        sums: Sums,
        links: Sequence[LinkRow] = (),
    ) -> views.IncidentView:
        root = self._root_told(row)
        active = State(row.state) in ACTIVE
        same = {name: getattr(row, name) for name in _SAME}
        return views.IncidentView(
            **same | {"title": masking.masked_title(row.title, row.reporter, self.actor)},
            paused=row.state in (State.SALES_DECISION, *self.config.sla.pause_in) or restored_since(row) is not None,
            next_step=self._next_step(step, row) if active and step is not None else None,
            held=self.held(row),
            root=None
            if root is None
            else views.Root(fingerprint=root["fingerprint"], startsAt=root["startsAt"], why=self.why(root.get("why"))),
            alerts=[self.incident_alert(pair) for pair in alerts],
            known_errors=[self.found_error(found) for found in json_of(row.known_errors)],
            no_known_error=None,
            major=major_of(self, json_of(row.major), row.reporter),
            links=[views.LinkView(kind=r.kind, target=r.target, at=r.at, by=r.by) for r in links],
            restricted=self.restricted(row, links),
            record=record_of(self, row, links, sums),
        )

    def restricted(self, row: IncidentRow, links: Sequence[LinkRow]) -> list[views.Restricted]:
        """The restricted items of an incident, and who confirmed the rule of each (procedure R68)."""
        confirmed = json_of(row.rules_confirmed)
        rules = self.desk.register.restricted([link.target for link in links if link.kind == ITEM])
        return [views.Restricted(item=i, rule=rule, confirmed_by=confirmed.get(i)) for i, rule in rules.items()]

    def held(self, row: IncidentRow) -> views.HeldSteps | None:
        """Until when its steps wait, and why; whom a silence is by is not for people of other organisations."""
        incident = self.desk.board.incidents.get(row.id)
        if incident is None or not incident.active or (self.actor is not None and self.actor.outside):
            return None
        found = steps_held(self.desk.board, incident, self.now)
        if found is None:
            return None
        return views.HeldSteps(until=found[0], why=self.why({"code": found[1].code, "facts": found[1].facts}))

    def _next_step(self, step: StepRow, row: IncidentRow) -> views.NextStep | None:
        if step.due_at is None:
            return None
        return views.NextStep(step=step.key, due_at=step.due_at, targets=self.targets(step, row))

    def incident_alert(self, pair: AlertPair) -> views.IncidentAlert:
        alert, episode = pair
        return views.IncidentAlert(
            origin=alert.origin,
            fingerprint=alert.fingerprint,
            startsAt=starts_text(pair),
            endsAt=ends_text(pair),
            status="firing" if episode.open else "resolved",
            labels=json_of(alert.labels),
            annotations=json_of(alert.annotations),
            generatorURL=alert.generator_url,
            count=episode.count,
            why=self.why(json_of(episode.why)),
        )

    def found_error(self, found: Mapping[str, Any]) -> views.FoundError:
        """A known error as it was found, with the title and the workaround that the library has now."""
        entry = self.config.known_errors.get(found["id"])
        return views.FoundError(
            id=found["id"],
            title=entry.text("title", self.language) if entry else found["id"],
            confidence=found["confidence"],
            why=views.Why(
                code=found["why"]["code"], facts=found["why"]["facts"], text=sentence(found["why"], self.language)
            ),
            workaround=entry.text("workaround", self.language) if entry else "",
            safety_note=entry.text("safety_note", self.language) if entry else "",
        )

    def no_known_error(self, row: IncidentRow) -> views.NoKnownError | None:
        """Where no known error fits: that it is so, and the nearest of what was solved (procedure R63)."""
        if json_of(row.known_errors):
            return None
        outside = self.actor is not None and self.actor.outside
        alert = alert_of(json_of(row.root))
        found = [] if outside else self.desk.past.nearest(row.id, alert, row.category, row.title)
        nearest = [self._near(near) for near in found]
        waits = row.to_rank and row.state in ACTIVE
        pending = waits or not self.config.is_library_read
        said = text("no_known_error_yet" if pending else "no_known_error", {"count": len(nearest)}, self.language)
        return views.NoKnownError(text=said, pending=pending, nearest=nearest)

    def _near(self, near: Near) -> views.NearIncident:
        solved, hidden = near.solved, self.hides_words(None)
        why = views.Why(code=near.why["code"], facts=near.why["facts"], text=in_common(near.why, self.language))
        return views.NearIncident(
            number=solved.number,
            title=MASKED if hidden and solved.is_reported else solved.title,
            resolved_at=solved.resolved_at,
            type=solved.type,
            resolution=MASKED if hidden else solved.resolution,
            why=why,
        )

    def happened(self, row: TimelineRow, reporter: str | None) -> views.Happened:
        """A line of the timeline of an incident that this person reported; None: an alert did."""
        facts, actor = json_of(row.facts), row.actor
        if self.is_masked(reporter):
            facts = masking.masked_happening(row.kind, facts, words=self.hides_words(reporter), reporter=reporter)
            actor = masking.masked_actor(actor, reporter, self._ours)
        said = self._sentence(happened, row.kind, facts)
        return views.Happened(at=row.at, kind=row.kind, actor=actor, facts=facts, text=said)

    @property
    def _ours(self) -> set[str]:
        """The people of the organisation."""
        return {name for name, person in self.config.people.items() if not set(person.roles) <= OUTSIDERS}

    def explained(self, pair: AlertPair, incident: IncidentRow) -> views.Explained:
        alert, episode = pair
        root = self._root_told(incident) or {}
        is_root = all(root.get(n) == getattr(alert, n) for n in ("origin", "fingerprint"))
        rejected = json_of(episode.rejected)
        return views.Explained(
            origin=alert.origin,
            fingerprint=alert.fingerprint,
            startsAt=starts_text(pair),
            decision=decision_of(episode.decision),
            why=self.why(json_of(episode.why)),
            rejected=self.why(rejected) if rejected else None,
            root=self.why(root["why"]) if is_root and root["startsAt"] == starts_text(pair) else None,
        )


_SAME = (
    "number",
    "title",
    "state",
    "version",
    "kind",
    "source",
    "severity",
    "urgency",
    "impact",
    "category",
    "group",
    "tier",
    "assignee",
    "service",
    "opened_at",
    "acknowledged_at",
    "service_restored_at",
    "resolved_at",
    "response_due_at",
    "resolve_due_at",
    "merged_into",
    "recurrence_of",
    "commander",
)


def _plain(value: Any) -> Any:
    return moment_text(value) if isinstance(value, datetime) else value
