"""Rows become what is shown: reasons get their sentence, steps the people they would reach now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from agent.configuration.config import Config
from agent.desk import Desk
from agent.http import list_views, masking, views
from agent.http.masking import MASKED
from agent.http.reads import AlertPair, Reads, json_of
from agent.http.sums import Sums
from agent.storage.store import DeadLetterRow
from agent.wording.sentences import happened, text
from collectors.moment import ZERO_YEAR, moment_text, parse_moment
from correlation import form
from correlation.calendar import calendar_named
from correlation.holding import steps_held
from correlation.incident import ACTIVE, ITEM, Json, State
from correlation.permission import OUTSIDERS, Actor
from correlation.root import root_told
from correlation.silence import Silence
from correlation.store import silence_from
from correlation.tables import IncidentRow, SilenceRow, TimelineRow
from correlation.vendor import calls_of
from escalation.escalate import take_due_steps
from escalation.ola import STAYS
from escalation.page_words import reason_text
from escalation.sla import Pause, explain, fold, stopped_at
from escalation.store import PageRow, Step, StepRow
from escalation.timetable import PlannedStep, TimetableStep
from knowledge.match import sentence
from knowledge.past import Near, alert_of, in_common
from knowledge.store import LinkRow

ALERTS_SHOWN, ALERTS_LISTED = 1000, 100
AGENT = "agent"
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

    def is_masked(self, reporter: str | None) -> bool:
        """Whether it is hidden who reported, and how to reach them."""
        return masking.is_masked(self.actor, reporter)

    def hides_words(self, reporter: str | None) -> bool:
        """Whether what people wrote is hidden too."""
        return masking.hides_words(self.actor, reporter)

    @property
    def _spoken(self) -> Literal["en", "zh"]:
        return "zh" if self.language == "zh" else "en"

    def why(self, stored: Any) -> views.Why:
        """A stored reason with its sentence."""
        reason = stored or _NOTHING
        facts = {k: _plain(v) for k, v in (reason.get("facts") or {}).items()}
        return views.Why(code=reason["code"], facts=facts, text=text(reason["code"], facts, self.language))

    def targets(self, step: StepRow, incident: IncidentRow) -> list[str]:
        """The people whom a step would page now, by the rota of this moment."""
        taken = take_due_steps([_step(step)], incident.group, incident.assignee, self.desk.directory, self.now)
        return list(taken.outcomes[0][2]["told"])

    # incidents

    async def incidents(self, reads: Reads, rows: Sequence[IncidentRow], most: int) -> list[views.IncidentView]:
        """Incidents in full, with at most `most` alerts each."""
        ids = [row.id for row in rows]
        alerts, steps, links = await reads.alerts_of(ids, most), await reads.next_steps(ids), await reads.links(ids)
        sums = await reads.sums(ids)
        return [
            self.incident(row, alerts.get(row.id, []), steps.get(row.id), sums[row.id], links.get(row.id, ()))
            for row in rows
        ]

    async def roots(self, reads: Reads, rows: Sequence[IncidentRow]) -> dict[int, views.IncidentAlert]:
        """By the incident, the alert that its others are taken to come of, as people are told of it."""
        of_several = {row.id: self._root_told(row) for row in rows if row.alert_count > 1}
        found = await reads.roots_of({incident: root for incident, root in of_several.items() if root})
        return {incident: self.incident_alert(pair) for incident, pair in found.items()}

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
            paused=row.state in (State.SALES_DECISION, *self.config.sla.pause_in) or _restored_since(row) is not None,
            next_step=self._next_step(step, row) if active and step is not None else None,
            held=self.held(row),
            root=None
            if root is None
            else views.Root(fingerprint=root["fingerprint"], startsAt=root["startsAt"], why=self.why(root.get("why"))),
            alerts=[self.incident_alert(pair) for pair in alerts],
            known_errors=[self.found_error(found) for found in json_of(row.known_errors)],
            no_known_error=None,
            major=self._major(json_of(row.major), row.reporter),
            links=[views.LinkView(kind=r.kind, target=r.target, at=r.at, by=r.by) for r in links],
            restricted=self.restricted(row, links),
            record=self._record(row, links, sums),
        )

    def _record(self, row: IncidentRow, links: Sequence[LinkRow], sums: Sums) -> views.Record:
        kept = {k: v for k, v in json_of(row.resolution).items() if k != "acts"}
        judged = json_of(row.form)
        filled = _form(row, kept, links) | _summed(sums)
        filled |= {name: self.why(judged[name]) if name in judged else None for name in (form.SCOPE, form.IS_CHANGE)}
        plain = {n: getattr(row, n) for n in views.Record.model_fields if n != "resolution" and n not in filled}
        plain |= filled
        if self.is_masked(row.reporter):
            words = self.hides_words(row.reporter)
            hidden = {"reporter", "recorder", *form.CONTACTS}
            hidden |= {"symptom", "next_action", *form.WORDS} if words else set()
            plain |= {name: MASKED for name in hidden if plain[name] not in (None, "", AGENT)}
            kept = masking.masked_facts(kept, words=words, reporter=row.reporter)
        return views.Record(**plain, resolution=kept)

    def _major(self, stored: Mapping[str, Any] | None, reporter: str | None) -> views.MajorView | None:
        if stored is None:
            return None
        if self.is_masked(reporter):
            stored = masking.masked_facts(stored, words=self.hides_words(reporter), reporter=reporter)
        return views.MajorView.model_validate({name: stored.get(name) for name in views.MajorView.model_fields})

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
        said = happened(row.kind, facts, self.language)
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
            decision=_decision(episode.decision),
            why=self.why(json_of(episode.why)),
            rejected=self.why(rejected) if rejected else None,
            root=self.why(root["why"]) if is_root and root["startsAt"] == starts_text(pair) else None,
        )

    def plan_step(self, row: StepRow, incident: IncidentRow) -> views.PlanStep:
        definition = TimetableStep.model_validate_json(row.definition)
        why = json_of(row.why)
        facts = {k: v for k, v in why.items() if k != "code"}
        return views.PlanStep(
            step=row.key,
            clock=definition.clock,
            due_at=row.due_at,
            tell=list(definition.tell),
            targets=list(why.get("told", ())) if row.outcome else self.targets(row, incident),
            outcome=row.outcome or None,
            at=row.at,
            late_ms=row.late_ms,
            why=self.why({"code": why.get("code", row.outcome), "facts": facts}) if row.outcome else None,
            calendar=self._calendar_name(definition, incident),
            days=self._days(definition, row, incident),
        )

    def plan(self, row: IncidentRow, steps: list[views.PlanStep]) -> views.Plan:
        """The steps, with what was promised and the clocks that run beside ours."""
        targets = json_of(row.targets)
        held = {name: targets[name] for name in ("severity", "response_s", "resolve_s", "calendar")}
        promised = views.Promised(**held, service=row.service, contracts=targets.get("contracts", []))
        olas = [views.OlaClock(**stay) for stay in targets.get(STAYS, ())]
        return views.Plan(
            items=steps, held=self.held(row), promised=promised, olas=olas, vendors=self.vendor_clocks(row)
        )

    def vendor_clocks(self, row: IncidentRow) -> list[views.VendorClock]:
        """The vendors called; a clock stops where the incident does, and not while it waits."""
        stopped = stopped_at(_history(row), _rests(row))
        return [
            views.VendorClock(
                **{name: called[name] for name in ("vendor", "ticket", "by", "calendar")},
                called_at=called["at"],
                response_due_at=called["response_due_at"],
                resolve_due_at=called["resolve_due_at"],
                stopped_at=stopped,
            )
            for called in calls_of(json_of(row.targets))
        ]

    def _calendar_name(self, step: TimetableStep, incident: IncidentRow) -> str:
        """Created steps count real time, the others the time of the calendar that the incident was promised."""
        return "24x7" if step.clock == "created" else str(json_of(incident.targets).get("calendar", "24x7"))

    def _days(self, step: TimetableStep, row: StepRow, incident: IncidentRow) -> list[views.PlanDay]:
        """Which day of the calendar gave how many minutes, from the report to the due instant."""
        if row.due_at is None or row.repetition or row.relapse:
            return []
        calendar = calendar_named(self._calendar_name(step, incident), self.config.calendars)
        known = getattr(calendar, "known_until", None)
        pauses = self._pauses(incident) if step.clock == "resolution" else ()
        return [
            views.PlanDay(
                day=given.day.isoformat(),
                minutes=round(given.counted / timedelta(minutes=1), 3),
                from_at=given.windows[0][0],
                until=given.windows[-1][1],
                official=known is None or given.day <= known,
            )
            for given in explain(incident.opened_at, row.due_at, calendar, pauses)
        ]

    def _pauses(self, incident: IncidentRow) -> tuple[Pause, ...]:
        return fold(_history(incident), self.config.sla.pause_in, _rests(incident))

    # lists

    def alert(self, pair: AlertPair, numbers: Mapping[int, str]) -> list_views.AlertView:
        alert, episode = pair
        return list_views.AlertView(
            key=f"{alert.fingerprint}@{starts_text(pair)}",
            origin=alert.origin,
            source=alert.source,
            fingerprint=alert.fingerprint,
            startsAt=starts_text(pair),
            endsAt=ends_text(pair),
            status="firing" if episode.open else "resolved",
            decision=_decision(episode.decision),
            labels=json_of(alert.labels),
            annotations=json_of(alert.annotations),
            count=episode.count,
            received_at=alert.received_at,
            repairs=alert.repairs.split(",") if alert.repairs else [],
            why=self.why(json_of(episode.why)),
            incident=numbers.get(episode.incident_id),
        )

    def page(self, row: PageRow, numbers: Mapping[int, str]) -> list_views.PageView:
        reason = json_of(row.reason)
        return list_views.PageView(
            key=row.key,
            incident=numbers.get(row.incident_id, ""),
            step=row.step,
            target=row.person,
            role=row.role,
            channel=row.notifier,
            reason=views.Why(
                code=reason["code"], facts=reason["facts"], text=reason_text(reason, row.role, self._spoken)
            ),
            attempts=row.attempts,
            outcome=row.state,
            detail=row.outcome,
            due_at=row.due_at,
            created_at=row.created_at,
            next_attempt_at=row.next_attempt_at if row.open else None,
            sent_at=row.sent_at,
        )

    def silence(self, silence: Silence) -> list_views.SilenceView:
        return list_views.SilenceView(
            id=silence.id,
            matchers=[str(m) for m in silence.matchers],
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            created_by=silence.created_by,
            comment=silence.comment,
            created_at=silence.created_at,
            state=silence.state(self.now),
            window=silence.window or None,
        )


def dead_letter(row: DeadLetterRow, *, masked: bool = False) -> list_views.DeadLetterView:
    excerpt = MASKED if masked else row.body[:8000].decode("utf-8", "replace")[:2000]
    return list_views.DeadLetterView(
        id=row.id, at=row.at, source=row.source, reason=row.reason, size=row.size, excerpt=excerpt
    )


def silence_of(row: SilenceRow) -> Silence:
    """The silence of a row."""
    return silence_from(tuple(getattr(row, name) for name in SilenceRow.model_fields))


def starts_text(pair: AlertPair) -> str:
    """`startsAt` as it was received; where the sender gave none, the moment that was taken for it."""
    alert = pair[0]
    return alert.starts_text or moment_text(alert.starts_at) or ""


def ends_text(pair: AlertPair) -> str:
    """`endsAt` as it was received; Alertmanager's year 1 while it fires, our own moment where no end was told."""
    episode = pair[1]
    if episode.open:
        return ZERO_YEAR
    return episode.ends_text or moment_text(episode.ends_at) or ZERO_YEAR


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


def _form(row: IncidentRow, resolution: Mapping[str, Any], links: Sequence[LinkRow]) -> dict[str, Any]:
    """The fields of the record form that are no columns of their own."""
    filled, history = json_of(row.form), _history(row)
    empty = {name: None if name == "service_affecting" else [] if name == "error_codes" else "" for name in form.FIELDS}
    return {
        **empty,
        **{name: value for name, value in filled.items() if name in form.FIELDS},
        **{name: parse_moment(filled.get(name) or "") for name in form.MOMENTS},
        "reported_at": row.opened_at,
        "recorded_at": parse_moment(filled.get("recorded_at") or "") or row.opened_at,
        "accepted_at": parse_moment((resolution.get("acceptance") or {}).get("at") or ""),
        "archived_at": form.entered_at(history, State.ARCHIVED),
        "proactive": form.is_proactive(row.source),
        form.BY_RULE: filled.get(form.BY_RULE),
        "solved_tier": row.tier if row.resolved_at is not None else None,
        "affected_items": [link.target for link in links if link.kind == ITEM],
    }


def _summed(sums: Sums) -> dict[str, Any]:
    return {
        "escalations": views.Escalations(functional=sums.functional, hierarchical=sums.hierarchical),
        "attachments": sums.attachments,
        "last_customer_update": sums.last_customer_update,
    }


def _history(row: IncidentRow) -> list[tuple[datetime, str]]:
    history = [(parse_moment(at), state) for at, state in json_of(row.history)]
    return [(at, state) for at, state in history if at is not None]


def _restored_since(row: IncidentRow) -> datetime | None:
    """As Incident.restored_since."""
    waits = State(row.state) in ACTIVE and not row.open_alerts and row.resolves_at is not None
    return row.service_restored_at if waits else None


def _rests(row: IncidentRow) -> list[Pause]:
    moments = [(parse_moment(since), parse_moment(until)) for since, until in json_of(row.rests)]
    rests = [Pause(since, until) for since, until in moments if since is not None]
    since = _restored_since(row)
    return [*rests, Pause(since, None)] if since is not None else rests


def _decision(stored: str) -> str:
    return "suppressed" if stored == "heartbeat" else stored


def _plain(value: Any) -> Any:
    return moment_text(value) if isinstance(value, datetime) else value


def _step(row: StepRow) -> Step:
    definition = TimetableStep.model_validate_json(row.definition)
    planned = PlannedStep(row.severity, definition, row.due_at, row.repetition, row.relapse)
    return Step(id=row.id, incident=row.incident_id, planned=planned, due_at=row.due_at)
