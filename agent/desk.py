"""The desk: what the agent decides about each intent, in order, with the rooms' deciders; it only moves memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agent.config import Config
from agent.database import Writer
from agent.group import Group, as_json
from agent.intents import (
    AlertsArrived,
    AlertsFound,
    ConfigChanged,
    Intent,
    LetterDied,
    Noted,
    OldRowsDue,
    PagesClaimed,
    PageTried,
    PersonActed,
    PersonReported,
    Pulled,
    RecordEdited,
    SilencePut,
    Suggested,
    TimePassed,
)
from agent.ladder import Ladder
from agent.paging import Claimed, claimed
from agent.plugins import strategy
from agent.store import (
    FORGET_ALERTS,
    FORGET_ANSWERS,
    FORGET_EPISODES,
    FORGET_JOURNAL,
    FORGET_LETTERS,
    INSERT_AUDIT,
    INSERT_DEAD_LETTER,
)
from collectors.alert import Alert
from collectors.labels import Labels, all_match
from collectors.moment import moment_text, parse_moment, same_to_the_millisecond
from correlation import act as acts
from correlation.board import Board
from correlation.classify import Classifier
from correlation.correlate import (
    NOTHING_HOLDS,
    Outcome,
    Round,
    Rules,
    beat_heard,
    confirm_suspect,
    correlate,
    drop_suspect,
    end_episodes,
    frozen,
    release,
    settle,
    silence_key,
    suppression,
)
from correlation.incident import RELAPSABLE, Action, Episode, Incident, State, Why
from correlation.inhibit import Inhibitors
from correlation.own import ORIGIN, own_alert
from correlation.permission import Actor, check
from correlation.silence import silenced_by
from correlation.store import (
    INCIDENT_BY_NUMBER,
    UPSERT_BEAT,
    UPSERT_COUNTER,
    UPSERT_SILENCE,
    incident_from,
    silence_values,
    to_json,
)
from correlation.strategies.same_alert import Join as SameAlert
from correlation.timeline import Chains
from escalation.agenda import Agenda
from escalation.escalate import Directory, take_due_steps
from escalation.outbox import Outbox
from escalation.store import PAGED, PAGED_EACH, Page
from escalation.timetable import hierarchical
from knowledge.match import Match, match_predicates

AGENT = "agent"
_QUIET = frozenset({"alerts_joined", "alerts_ended"})
"""Events that do not make a new version of the record: no edit is refused for them."""
_WORKING = (State.NEW, State.ASSIGNED, State.IN_PROGRESS)
_KNOWN_ERRORS = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_LASTS = timedelta(minutes=10)
"""A trouble of our own that is not told again for this long is over."""


class Stale(Exception):
    """The record was edited meanwhile; `now` is its version (409)."""

    def __init__(self, now: int) -> None:
        self.now = now
        super().__init__(f"the record is at version {now} by now: read it again and repeat the edit")


class NoSuchIncident(Exception):
    """No incident has this number (404)."""


class Desk:
    """Board, agenda and outbox in memory, and the rules in force; `decide` moves them and fills the group's rows."""

    def __init__(self, config: Config) -> None:
        self.board = Board()
        self.agenda = Agenda()
        self.outbox = Outbox()
        self.chains = Chains()
        self.ladder = Ladder(self.agenda, config)
        self.seq = 0
        self.unread: set[int] = set()
        """Incidents read from the store, without who was paged for them: read when somebody acts."""
        self.ranking: set[int] = set()
        """Incidents whose text is being ranked: their first page waits for it a moment."""
        self.counts: Counter[str] = Counter()
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Decide by this configuration from here on."""
        self.config = config
        self.ladder.config = config
        self.ladder.policies[config.version] = (config.sla, config.escalation)
        self.rules = rules_of(config)
        self.directory = Directory(config.people, config.groups, config.schedules, config.fallback)
        self._rebuild_inhibitors()

    def _rebuild_inhibitors(self) -> None:
        self.board.inhibitors = Inhibitors(self.config.inhibitions)
        if self.config.inhibitions:
            for episode in self.board.episodes.values():
                if episode.open:
                    self.board.inhibitors.add(episode.key, self.board.labels(episode))

    # the line

    def decide(self, intent: Intent, now: datetime, group: Group) -> Any:
        """Decide one intent; return what its caller waits for. Raises what refuses a person's act."""
        self.seq += 1
        result = self._DECIDERS[type(intent)](self, intent, now, group)
        group.pages.update(self.outbox.dirty)
        self.outbox.dirty.clear()
        return result

    def _journal(self, group: Group, now: datetime, kind: str, source: str, body: bytes) -> None:
        group.journal(self.seq, now, kind, source, body)

    # alerts

    def _alerts_arrived(self, intent: AlertsArrived, now: datetime, group: Group) -> None:
        self._journal(group, now, f"webhook/{intent.type}", intent.source, intent.body)
        source = self.config.sources.get(intent.source)
        kind = "monitoring" if source is None or source.type != "generic" else "generic"
        self._correlate(intent.parsed.alerts, kind, intent.source, now, group, intent.received_at)
        for rejected in intent.parsed.rejected:
            self._bury_letter(intent.source, rejected.reason, rejected.body, now, group)
        if intent.parsed.rejected:
            self._tell_of_letter(intent.source, intent.parsed.rejected[0].reason, now, group)

    def _alerts_found(self, intent: AlertsFound, now: datetime, group: Group) -> None:
        self._journal(group, now, intent.kind, "", as_json([_as_plain(a) for a in intent.alerts]))
        self._correlate(intent.alerts, intent.kind, ORIGIN, now, group)

    def _correlate(
        self,
        alerts: list[Alert],
        kind: str,
        source: str,
        now: datetime,
        group: Group,
        received_at: datetime | None = None,
    ) -> Outcome:
        out = correlate(alerts, self.board, self.rules, now, kind)
        self._follow(out, source, now, group, received_at or now)
        return out

    def _follow(self, out: Outcome, source: str, now: datetime, group: Group, received_at: datetime) -> None:
        """What a correlation changed: its rows, then what the later rooms make of it."""
        group.outcome(out, source, received_at)
        group.suspected |= out.suspected
        self.counts.update(out.decisions)
        for origin in out.beats:
            beat = self.board.beats[origin]
            group.add(UPSERT_BEAT, origin, beat.last_at, beat.apart_s, beat.missed, beat.gap_s)
        for incident in out.dirty.values():
            self._touch(incident, now, group)
            if incident.resolves_at is not None:
                self.agenda.look_at(incident.id, incident.resolves_at)
        self._climb(out, now, group)
        if out.own:
            own, out.own = out.own, []
            self._correlate(own, "self", ORIGIN, now, group)

    def _climb(self, out: Outcome, now: datetime, group: Group) -> None:
        """Known errors, ladders and timelines of the incidents that a correlation opened or changed."""
        opened = {i.id for i in out.opened}
        if opened:
            group.add(UPSERT_COUNTER, str(self.board.counter[0]), self.board.counter[1])
        for number, alerts in out.fresh_alerts.items():
            self._recognise(self.board.incidents[number], list(alerts.values()))
        for incident in out.opened:
            self.ladder.begin(incident, group)
            if not incident.known_errors:
                self._rank(incident, group)
        for number in out.raised - opened:
            self.ladder.regrade(self.board.incidents[number], group)
        for number in out.relapsed:
            self.ladder.relapse(self.board.incidents[number], now, group)
        for number, event in (*out.events, *out.summaries()):
            self._tell(number, event.kind, AGENT, event.facts, now, group)
            if number not in opened and event.kind not in _QUIET:
                self.board.incidents[number].version += 1

    def _recognise(self, incident: Incident, alerts: list[Labels]) -> None:
        """Find the known errors whose predicates hold (procedure R61, R62)."""
        known = {k["id"] for k in incident.known_errors}
        for match in match_predicates(alerts, self.config.known_errors):
            if match.id not in known and len(incident.known_errors) < _KNOWN_ERRORS:
                incident.known_errors.append(_match_facts(match))

    def _rank(self, incident: Incident, group: Group) -> None:
        """Have the known errors ranked by text after the commit."""
        group.opened_unknown.append(incident.id)
        self.ranking.add(incident.id)

    def _pulled(self, intent: Pulled, now: datetime, group: Group) -> None:
        """What the origin's Alertmanagers say: settles suspects, closes hidden ends, finds what was cut off."""
        board = self.board
        if not intent.answered:
            board.unanswered.add(intent.origin)
            return
        board.unanswered.discard(intent.origin)
        this = Round(board, self.rules, now, "monitoring")
        active = {a.fingerprint: a for a in intent.alerts}
        for suspect in [s for s in board.suspects.values() if s.origin == intent.origin]:
            shown = active.get(suspect.fingerprint)
            if shown is not None and same_to_the_millisecond(shown.starts_at, suspect.starts_at):
                confirm_suspect(this, suspect, "pulled")
            elif intent.complete:
                drop_suspect(this, suspect, "not_active_at_source")
        for shown in intent.alerts:
            episode = board.episodes.get((shown.origin, shown.fingerprint))
            if episode is not None and episode.open and episode.decision == "heartbeat":
                beat_heard(this, episode)
        absent = (board.episodes.get((intent.origin, mark)) for mark in sorted(intent.gone))
        over = [e for e in absent if e is not None and e.open and (intent.since is None or e.last_at >= intent.since)]
        end_episodes(this, over, "not_active_at_source")
        missed = [a for a in intent.alerts if a.fingerprint in intent.ours and self._is_missed(a)]
        if this.out.changed or missed:
            self._journal(group, now, "pulled", intent.source, as_json([_as_plain(a) for a in intent.alerts]))
        self._follow(this.out, intent.source, now, group, now)
        if missed:
            self._correlate(missed, "monitoring", intent.source, now, group)

    def _is_missed(self, alert: Alert) -> bool:
        """Active at its source, and never told to us: not at all, or not this firing of it."""
        known = self.board.episodes.get((alert.origin, alert.fingerprint))
        if known is None or known.open:
            return known is None
        return alert.starts_at > known.starts_at and not same_to_the_millisecond(alert.starts_at, known.starts_at)

    def _silence_put(self, intent: SilencePut, now: datetime, group: Group) -> None:
        silence = intent.silence
        self._journal(group, now, "silence", intent.actor, as_json({"id": silence.id, "by": intent.actor}))
        group.add(UPSERT_SILENCE, *silence_values(silence))
        self._audit(intent.actor, "silence", {"id": silence.id, "state": silence.state(now)}, now, group)
        this = Round(self.board, self.rules, now)
        if silence.ends_at <= now:
            self.board.silences.pop(silence.id, None)
            release(this, silence_key(silence.id))
            self._wake_held(now, group)
        else:
            self.board.silences[silence.id] = silence
        self._follow(this.out, ORIGIN, now, group, now)

    def _wake_held(self, now: datetime, group: Group) -> None:
        for incident in self.board.incidents.values():
            if self.agenda.of(incident.id):
                self.agenda.look_at(incident.id, now)

    # people

    def _person_acted(self, intent: PersonActed, now: datetime, group: Group) -> Incident:
        incident = self._incident(intent.number)
        check(intent.actor, intent.action, incident, self.outbox.paged(incident.id))
        self._check_names(intent, incident)
        if intent.action is Action.ACKNOWLEDGE and self._is_management_ack(intent.actor, incident):
            return self._acknowledge_step(intent.actor, incident, now, group)
        acted = acts.act(incident, intent.action, intent.body, intent.actor, self.config.severity, now)
        if acted.unchanged:
            return incident
        body = as_json(
            {"number": intent.number, "action": intent.action, "body": dict(intent.body), "by": intent.actor.id}
        )
        self._journal(group, now, "act", intent.actor.id, body)
        self._touch(incident, now, group)
        for event in acted.events:
            facts = {**event.facts, "on_behalf_of": intent.on_behalf_of} if intent.on_behalf_of else event.facts
            self._tell(incident.id, event.kind, intent.actor.id, facts, now, group)
        incident.version += 1
        for effect in sorted(acted.effects):
            self._EFFECTS[effect](self, incident, intent, now, group)
        return incident

    def _check_names(self, intent: PersonActed, incident: Incident) -> None:
        """Refuse people, groups and incidents that do not exist, before anything has moved."""
        body, config = intent.body, self.config
        if body.get("person") and body["person"] not in config.people:
            raise acts.Missing(["person"], f"there is no person {body['person']!r} in people.yaml")
        groups = {body.get("group"), body.get("to") if body.get("to") != "l2" else None, body.get("suggested_group")}
        for group in groups - {None, ""}:
            if group not in config.groups:
                raise acts.Missing(["group"], f"there is no group {group!r}: {', '.join(config.groups)}")
        if intent.action is Action.MERGE and body.get("into"):
            into = self._incident(body["into"])
            if into is incident or not into.active:
                raise acts.Missing(["into"], f"{body['into']} takes nothing in: it is {into.state}")

    def _is_management_ack(self, actor: Actor, incident: Incident) -> bool:
        """A manager who was paged takes note; the incident stays with whoever works on it (OUTSIDE §3).

        Whoever stands in for a responder is no manager: they were asked to take it.
        """
        workers = {"desk", "l1", "l2", "vendor", "pm"}
        told = self.outbox.paged(incident.id) - self.outbox.sought(incident.id)
        return not actor.rights & workers and actor.id in told

    def _acknowledge_step(self, actor: Actor, incident: Incident, now: datetime, group: Group) -> Incident:
        told = incident.targets.get("noted_by", [])
        if actor.id in told:
            return incident
        incident.targets = {**incident.targets, "noted_by": [*told, actor.id]}
        roles = actor.roles
        for step in list(self.agenda.of(incident.id)):
            if step.planned.repetition and roles & set(step.planned.step.tell):
                for closed in self.agenda.close([step], "cancelled", now, {"code": "noted", "by": actor.id}):
                    group.steps[closed.id] = closed
        self.ladder.refresh(incident, group)
        self._touch(incident, now, group)
        self._tell(incident.id, "escalation_acknowledged", actor.id, {}, now, group)
        return incident

    def _on_acknowledged(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        self.ladder.acknowledged(incident, now, group, intent.actor.id)
        self.outbox.cancel_seekers(incident.id, now, f"acknowledged by {intent.actor.id}")

    def _on_resolved(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        self._stop(incident, "resolved", now, group)
        self.agenda.look_at(incident.id, self._leaves_at(incident))

    def _on_stopped(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        self._stop(incident, str(incident.state), now, group)
        self.board.let_go(incident)
        self.agenda.look_at(incident.id, now)

    def _stop(self, incident: Incident, code: str, now: datetime, group: Group) -> None:
        self.ladder.stopped(incident, now, group, code)
        self.outbox.cancel_seekers(incident.id, now, code)
        self.board.release_slots(incident.id)

    def _on_reopened(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        self.board.take_back(incident)
        self.ladder.reopen(incident, now, group)

    def _on_regraded(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        self.ladder.regrade(incident, group)

    def _on_clocks(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        if incident.active and not self.agenda.of(incident.id):
            self._on_reopened(incident, intent, now, group)  # it had ended, and comes back from there
        self.ladder.clocks_moved(incident, group)
        if incident.resume_at is not None:
            self.agenda.look_at(incident.id, incident.resume_at)

    def _on_held(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        self.outbox.cancel_seekers(incident.id, now, "snoozed")

    def _on_call(self, step: str, tell: list[str], incident: Incident, now: datetime, group: Group) -> None:
        self.ladder.call(incident, step, tell, now, group)
        self.ladder.refresh(incident, group)

    def _on_manual(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        """One level up, now: the roles of the next management step of the timetable (procedure R92)."""
        steps = sorted(self.agenda.of(incident.id), key=lambda s: s.id)
        above = next((s for s in steps if s.planned.step.clock == "resolution" and hierarchical(s.planned.step)), None)
        tell = list(above.planned.step.tell) if above else ["pm"]
        self._on_call("manual", tell, incident, now, group)

    def _on_replan(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        incident.config_version = self.config.version
        self.ladder.regrade(incident, group)

    def _on_merged(self, incident: Incident, intent: PersonActed, now: datetime, group: Group) -> None:
        into = self._incident(intent.body["into"])
        incident.merged_into = into.number
        incident.move(State.CANCELLED, now)
        this = Round(self.board, self.rules, now)
        for episode in self.board.open_members(incident.id):
            self._move_episode(this, episode, incident, into)
        for join_key in self.board.slots_of.get(incident.id, []):
            slot = self.board.slots.get(join_key)
            if slot is not None and slot.incident == incident.id:
                self.board.slot(join_key, slot.last_at, into.id)
        if incident.severity < into.severity:
            this.out.tell(into, "severity_raised", was=into.severity, now=incident.severity, merged=incident.number)
            into.severity, into.urgency, into.impact = incident.severity, incident.urgency, incident.impact
            this.out.raised.add(into.id)
        this.out.tell(into, "merged_in", number=incident.number)
        self._follow(this.out, ORIGIN, now, group, now)
        self._stop(incident, "merged", now, group)
        self.agenda.look_at(incident.id, now)

    def _move_episode(self, this: Round, episode: Episode, old: Incident, new: Incident) -> None:
        self.board.members.get(old.id, set()).discard(episode.key)
        self.board.members.setdefault(new.id, set()).add(episode.key)
        episode.incident, episode.decision = new.id, "joined"
        old.open_alerts, new.open_alerts = old.open_alerts - 1, new.open_alerts + 1
        new.alert_count += 1
        new.resolves_at = new.service_restored_at = None
        this.out.changed[episode.id] = episode
        this.out.whys[episode.id] = (Why("merged", {"from": old.number}), None)
        this.out.dirty[new.id] = new

    def _person_reported(self, intent: PersonReported, now: datetime, group: Group) -> Incident:
        """A person reports: the same record, the same queue (procedure R2, R34)."""
        body, board = intent.body, self.board
        labels = {k: str(v) for k, v in body.items() if isinstance(v, str | int)}
        verdict = self.rules.classifier.classify(labels)
        urgency, impact = body.get("urgency") or verdict.urgency, body.get("impact") or verdict.impact
        category, target = body.get("category") or verdict.category, body.get("group") or verdict.group
        severity = self.config.severity.severity(urgency, impact)
        incident = Incident(
            id=board.next_id("incident"),
            number=board.next_number(now, self.rules.zone),
            title=body["title"],
            kind=body.get("kind") or "incident",
            source=body.get("source") or "user",
            channel=body.get("channel") or "api",
            severity=severity,
            urgency=urgency,
            impact=impact,
            initial_severity=severity,
            category=category,
            initial_category=category,
            group=target,
            tier=self.rules.tier_of(target),
            service=body.get("service") or "",
            recorder=intent.actor.id,
            reporter=body.get("reporter") or intent.actor.id,
            symptom=body.get("symptom") or "",
            occurred_at=parse_moment(body.get("occurred_at") or "") or now,
            opened_at=now,
            updated_at=now,
            config_version=self.config.version,
        )
        incident.history.append((now, str(incident.state)))
        board.admit(incident)
        self._journal(group, now, "report", intent.actor.id, as_json(dict(body)))
        group.add(UPSERT_COUNTER, str(board.counter[0]), board.counter[1])
        self.ladder.begin(incident, group)
        self._rank(incident, group)
        self._tell(
            incident.id,
            "opened",
            intent.actor.id,
            {"severity": severity, "category": category, "group": target},
            now,
            group,
        )
        return incident

    def _record_edited(self, intent: RecordEdited, now: datetime, group: Group) -> Incident:
        incident = self._incident(intent.number)
        if incident.version != intent.version:
            raise Stale(incident.version)
        changed = {k: v for k, v in intent.changes.items() if getattr(incident, k) != v}
        for name, value in changed.items():
            setattr(incident, name, parse_moment(value) if name.endswith("_at") and isinstance(value, str) else value)
        if changed:
            self._journal(group, now, "edit", intent.actor.id, as_json({"number": intent.number, "changes": changed}))
            self._touch(incident, now, group)
            incident.version += 1
            self._tell(incident.id, "edited", intent.actor.id, {"fields": sorted(changed)}, now, group)
        return incident

    def _incident(self, number: str) -> Incident:
        held = self.board.numbers.get(number)
        if held is None:
            raise NoSuchIncident(number)
        return self.board.incidents[held]

    # time

    def _time_passed(self, intent: TimePassed, now: datetime, group: Group) -> None:
        this = Round(self.board, self.rules, now, "monitoring")
        settle(this)
        self._follow(this.out, ORIGIN, now, group, now)
        for number in self.agenda.due(now):
            incident = self.board.incidents.get(number)
            if incident is not None:
                self._look_at(incident, now, group)

    def _look_at(self, incident: Incident, now: datetime, group: Group) -> None:
        """One incident has come up: resume it, resolve it, take its steps, or let it leave the board."""
        if incident.resume_at is not None and incident.resume_at <= now:
            incident.resume_at = None
            incident.move(State.IN_PROGRESS, now)
            self._tell(incident.id, "resumed", AGENT, {"why": "resume_at"}, now, group)
            self._touch(incident, now, group)
            self.ladder.clocks_moved(incident, group)
        if incident.resolves_at is not None and incident.resolves_at <= now:
            self._recover(incident, now, group)
        if incident.active:
            self._take_steps(incident, now, group)
        else:
            self._look_at_ended(incident, now, group)

    def _look_at_ended(self, incident: Incident, now: datetime, group: Group) -> None:
        """What can relapse no more lets go of its alerts, and leaves the board when nobody has to be told any more."""
        leaves = self._leaves_at(incident)
        if leaves > now:
            self.agenda.look_at(incident.id, leaves)
            return
        if self.board.let_go(incident):
            group.incidents[incident.id] = incident
        if self.outbox.has_open(incident.id):
            self.agenda.look_at(incident.id, now + timedelta(minutes=5))
            return
        self.board.drop(incident.id)
        self.outbox.forget(incident.id)

    def _leaves_at(self, incident: Incident) -> datetime:
        """From when on an incident that is not active can come back by a person's act alone."""
        if incident.state not in RELAPSABLE or incident.resolved_at is None:
            return incident.updated_at
        return incident.resolved_at + self.rules.correlation.dedup.refire_window + timedelta(microseconds=1)

    def is_over(self, incident: Incident, now: datetime) -> bool:
        """Whether an incident takes no alert of its own back any more."""
        return not incident.active and self._leaves_at(incident) <= now

    def is_over_by_id(self, incident: int, now: datetime) -> bool:
        """The same of an incident that the board may not hold any more."""
        held = self.board.incidents.get(incident)
        return held is None or self.is_over(held, now)

    def _recover(self, incident: Incident, now: datetime, group: Group) -> None:
        """Its alerts have been over for long enough: resolved as of the last one's end (issue: `stable_for`)."""
        this = Round(self.board, self.rules, now)
        if frozen(this, incident):
            incident.resolves_at = now + self.rules.states.auto_recovered.stable_for
            self.agenda.look_at(incident.id, incident.resolves_at)
            group.incidents[incident.id] = incident
            return
        if incident.state not in _WORKING:
            incident.resolves_at = None
            group.incidents[incident.id] = incident
            return
        incident.resolves_at = None
        incident.resolved_at = incident.service_restored_at or now
        incident.move(State.RESOLVED, now)
        incident.resolution = {**incident.resolution, "type": "auto_recovered"}
        incident.version += 1
        self._touch(incident, now, group)
        self._tell(
            incident.id,
            "resolved",
            AGENT,
            {"type": "auto_recovered", "at": moment_text(incident.resolved_at)},
            now,
            group,
        )
        self._stop(incident, "resolved", now, group)
        self.agenda.look_at(incident.id, self._leaves_at(incident))

    def _take_steps(self, incident: Incident, now: datetime, group: Group) -> None:
        due = [s for s in self.agenda.of(incident.id) if s.due_at is not None and s.due_at <= now]
        if not due:
            return
        until = self._held_until(incident, now)
        if until is not None:
            self.agenda.look_at(incident.id, until)
            return
        taken = take_due_steps(due, incident.group, incident.assignee, self.directory, now)
        for step, outcome, why in taken.outcomes:
            late = (now - (step.due_at or now)).total_seconds()
            group.lateness.append(late)
            self.ladder.taken(step, outcome, now, why, incident, group)
            facts = {"step": step.key, "outcome": outcome, **why, "do": list(step.planned.step.do)}
            self._tell(incident.id, "step", AGENT, facts, now, group)
        for call in taken.calls:
            self.outbox.page(incident, call, now, wait=incident.id in self.ranking)
        if any(outcome == "nobody" for _, outcome, _ in taken.outcomes):
            self._reached_nobody(incident, now, group)
        self._touch(incident, now, group)
        self.ladder.refresh(incident, group)

    def _reached_nobody(self, incident: Incident, now: datetime, group: Group) -> None:
        if incident.source != "self":
            summary = f"{incident.number}: a step reached nobody"
            alert = own_alert("StepReachedNobody", {"group": incident.group}, summary, now, lasts=_LASTS)
            self._correlate([alert], "self", ORIGIN, now, group)

    def _held_until(self, incident: Incident, now: datetime) -> datetime | None:
        """Snoozed, or everything of it that fires is silenced: until when its steps wait."""
        if incident.held_until is not None and incident.held_until > now:
            return incident.held_until
        if not self.board.silences or not incident.open_alerts:
            return None
        ends = []
        for episode in self.board.open_members(incident.id):
            silence = silenced_by(self.board.labels(episode), self.board.silences.values(), now)
            if silence is None:
                return None
            ends.append(silence.ends_at)
        return min(ends, default=None)

    def _old_rows(self, intent: OldRowsDue, now: datetime, group: Group) -> None:
        """Forget what is older than the retention says; incidents and their timelines stay."""
        keep = self.config.retention
        group.add(FORGET_JOURNAL, now - keep.journal)
        group.add(FORGET_LETTERS, now - keep.dead_letters)
        group.add(FORGET_ANSWERS, now - timedelta(hours=24))
        group.add(FORGET_ALERTS, now - keep.touches)
        group.add(FORGET_EPISODES, now - keep.touches)

    def next_due(self) -> datetime | None:
        """When time alone will next change something."""
        board = self.board
        moments = [self.agenda.next_due()]
        if board.suppressed.get(NOTHING_HOLDS):
            moments.append(_LONG_AGO)
        if board.expiries:
            moments.append(board.expiries[0][0])
        moments.extend(s.ends_at for s in board.silences.values())
        after = self.rules.correlation.silent_source.after
        moments.extend(
            b.last_at + max(after, timedelta(seconds=3 * b.apart_s)) for b in board.beats.values() if not b.missed
        )
        for suspect in board.suspects.values():
            ended = board.episodes.get(suspect.key)
            since = ended.closed_at if ended and ended.closed_at else suspect.last_at
            moments.append(since + self.rules.suspect_window(suspect.origin) + timedelta(microseconds=1))
        return min((m for m in moments if m is not None), default=None)

    # rebuilding

    async def fetch_incident(self, writer: Writer, number: str) -> None:
        """Have an incident on the board, with who was paged for it, before somebody acts on it."""
        if number not in self.board.numbers:
            for row in await writer.fetch(INCIDENT_BY_NUMBER, number):
                incident = incident_from(row)
                self.board.admit(incident)
                self.unread.add(incident.id)
                self.agenda.look_at(incident.id, self._leaves_at(incident))
        found = self.board.numbers.get(number)
        if found in self.unread:
            self.unread.discard(found)
            self.remember_pages(await writer.fetch(f"{PAGED} WHERE p.incident_id = ? {PAGED_EACH}", found))

    def remember_pages(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Who was called for which steps, as the rows of PAGED say."""
        for incident, step, person, rank, seeks, heard in rows:
            self.outbox.remember(incident, step, person, rank, seeks=bool(seeks), heard=bool(heard))

    def watch(self, incident: Incident, now: datetime) -> None:
        """Have an incident read from the store come up when time alone will change it."""
        for moment in (incident.resolves_at, incident.resume_at, incident.held_until):
            if moment is not None:
                self.agenda.look_at(incident.id, moment)
        if not incident.active:
            self.agenda.look_at(incident.id, self._leaves_at(incident))

    def hold_back(self, episode: Episode, labels: Labels, now: datetime) -> None:
        """A suppressed alert read from the store is held by what suppresses it now; by nothing: looked at again."""
        reason = suppression(Round(self.board, self.rules, now), episode, labels)
        self.board.suppressed.setdefault(reason[0] if reason else NOTHING_HOLDS, set()).add(episode.key)

    def _hold_back_again(self, now: datetime) -> None:
        """The rules have changed: what was suppressed is held by what suppresses it now."""
        held = sorted(set().union(*self.board.suppressed.values()))
        self.board.suppressed.clear()
        for key in held:
            episode = self.board.episodes[key]
            self.hold_back(episode, self.board.labels(episode), now)

    # pages

    def _pages_claimed(self, intent: PagesClaimed, now: datetime, group: Group) -> list[Claimed]:
        pages = self.outbox.claim(intent.pages, now, self.config.delivery)
        return [claimed(page, self.board.incidents.get(page.incident_id), self.config, self.board) for page in pages]

    def is_wanted(self, number: int) -> bool:
        """Whether a claimed page has still to be sent: meanwhile somebody may have taken the incident."""
        page = self.outbox.pages.get(number)
        return page is not None and self.outbox.is_wanted(page, self.board.incidents.get(page.incident_id))

    def _page_tried(self, intent: PageTried, now: datetime, group: Group) -> None:
        attempt = intent.attempt
        page = self.outbox.pages.get(attempt.page)
        if page is None:
            return
        incident = self.board.incidents.get(page.incident_id)
        policy = self.config.delivery
        self.outbox.attempted(attempt, incident, now, policy, self.config.people)
        self.counts[f"page/{page.notifier}/{'sent' if attempt.sent else 'failed'}"] += 1
        if incident is not None and (self.outbox.unheard(page) or self.outbox.in_vain(page, policy)):
            self._nobody_heard(incident, page, now, group)
        if page.open and page.attempts > 1:
            return
        kind = "page_sent" if attempt.sent else "page_failed"
        facts: dict[str, Any] = {"step": page.step, "person": page.person, "notifier": page.notifier}
        self._journal(group, now, kind, page.notifier, as_json({"page": page.id, "attempts": page.attempts}))
        reason = {"reason": attempt.reason[:300], "tries_again": page.open} if attempt.reason else {}
        self._tell(page.incident_id, kind, AGENT, {**facts, "attempts": page.attempts, **reason}, now, group)

    def _nobody_heard(self, incident: Incident, page: Page, now: datetime, group: Group) -> None:
        """No channel reaches anybody: the fallback people are paged instead (reliability R16)."""
        if not incident.active:
            return
        told = self.outbox.fall_back(incident, page, self.config.fallback, self.config.people, now)
        if not told and page.open:
            return
        if not told and page.seeks_responder and not self.outbox.is_heard(page):
            self._reached_nobody(incident, now, group)
        self._tell(incident.id, "fell_back", AGENT, {"person": page.person, "step": page.step, "to": told}, now, group)

    # known errors by text

    def _suggested(self, intent: Suggested, now: datetime, group: Group) -> None:
        incident = self.board.incidents.get(intent.incident)
        self.ranking.discard(intent.incident)
        if incident is None:
            return
        known = {k["id"] for k in incident.known_errors}
        fresh = [m for m in intent.matches if m.id not in known][: _KNOWN_ERRORS - len(known)]
        incident.known_errors.extend(_match_facts(m) for m in fresh)
        if fresh:
            group.incidents[incident.id] = incident
            self._tell(incident.id, "known_errors_suggested", AGENT, {"ids": [m.id for m in fresh]}, now, group)
        self.outbox.hurry(incident.id, now)

    # letters, configuration, audit

    def _letter_died(self, intent: LetterDied, now: datetime, group: Group) -> None:
        self._bury_letter(intent.source, intent.reason, intent.body, now, group)
        self._tell_of_letter(intent.source, intent.reason, now, group)

    def _bury_letter(self, source: str, reason: str, body: bytes, now: datetime, group: Group) -> None:
        letter = self.board.next_id("dead_letter")
        group.add(INSERT_DEAD_LETTER, letter, now, source[:200], reason[:2000], len(body), body[:65_536])
        self.counts["dead_letter"] += 1

    def _tell_of_letter(self, source: str, reason: str, now: datetime, group: Group) -> None:
        """One self-incident per source; whoever is no source of ours cannot open as many as they like."""
        summary = f"a message of {source} could not be taken: {reason}"[:300]
        labels = {"source": source} if source in self.config.sources else {}
        self._correlate([own_alert("DeadLetter", labels, summary, now, lasts=_LASTS)], "self", ORIGIN, now, group)

    def _config_changed(self, intent: ConfigChanged, now: datetime, group: Group) -> None:
        self.configure(intent.config)
        self._hold_back_again(now)
        self._journal(group, now, "reload", intent.by, as_json({"version": intent.config.version}))
        self._audit(intent.by, "reload", {"version": intent.config.version}, now, group)

    def _noted(self, intent: Noted, now: datetime, group: Group) -> None:
        self._audit(intent.who, intent.what, intent.facts, now, group)

    def _audit(self, who: str, what: str, facts: Mapping[str, Any], now: datetime, group: Group) -> None:
        group.add(INSERT_AUDIT, self.board.next_id("audit"), now, who, what, to_json(dict(facts)))

    # rows

    def _touch(self, incident: Incident, now: datetime, group: Group) -> None:
        incident.updated_at = now
        group.incidents[incident.id] = incident

    def _tell(self, number: int, kind: str, actor: str, facts: Mapping[str, Any], now: datetime, group: Group) -> None:
        group.timeline(self.board.next_id("timeline"), number, now, kind, actor, facts)

    _DECIDERS: Mapping[type[Any], Callable[..., Any]] = {
        AlertsArrived: _alerts_arrived,
        AlertsFound: _alerts_found,
        Pulled: _pulled,
        PersonActed: _person_acted,
        PersonReported: _person_reported,
        RecordEdited: _record_edited,
        SilencePut: _silence_put,
        TimePassed: _time_passed,
        OldRowsDue: _old_rows,
        PagesClaimed: _pages_claimed,
        PageTried: _page_tried,
        Suggested: _suggested,
        LetterDied: _letter_died,
        ConfigChanged: _config_changed,
        Noted: _noted,
    }
    _EFFECTS: Mapping[str, Callable[..., None]] = {
        "acknowledged": _on_acknowledged,
        "resolved": _on_resolved,
        "stopped": _on_stopped,
        "reopened": _on_reopened,
        "regraded": _on_regraded,
        "paused": _on_clocks,
        "resumed": _on_clocks,
        "held": _on_held,
        "manual": _on_manual,
        "replan": _on_replan,
        "merged": _on_merged,
        "page_assignee": lambda self, i, _, now, g: self._on_call("assigned", ["assignee"], i, now, g),
        "page_group": lambda self, i, _, now, g: self._on_call("assigned", ["l1"], i, now, g),
        "page_l2": lambda self, i, _, now, g: self._on_call("handover", ["l2"], i, now, g),
        "page_desk": lambda self, i, _, now, g: self._on_call("returned", ["desk"], i, now, g),
    }


def rules_of(config: Config) -> Rules:
    """What correlation is told by a configuration."""
    items = config.topology

    def criticality(labels: Labels) -> str:
        for name in ("host", "instance", "device", "ups", "service"):
            item = items.get(labels.get(name, "").partition(":")[0])
            if item is not None:
                return item.criticality
        return next((i.criticality for i in items.values() if i.match and all_match(i.match, labels)), "")

    by_origin = {source.origin or name: source for name, source in config.sources.items()}
    ten_minutes = timedelta(minutes=10)
    business = config.calendars.get("business")
    return Rules(
        classifier=Classifier(config.classification, config.severity),
        correlation=config.correlation,
        states=config.states,
        strategies=[SameAlert(), *(strategy(rule.type).Join(rule) for rule in config.join_rules)],
        zone=ZoneInfo(business.time_zone if business else "UTC"),
        criticality=criticality if items else lambda _: "",
        tier_of=lambda group: config.groups[group].tier if group in config.groups else "l1",
        suspect_window=lambda origin: by_origin[origin].suspect_window if origin in by_origin else ten_minutes,
        asks_sender=lambda origin: origin in by_origin and bool(by_origin[origin].api_urls),
        config_version=config.version,
    )


def _match_facts(match: Match) -> dict[str, Any]:
    return {"id": match.id, "confidence": match.confidence, "why": dict(match.why)}


def _as_plain(alert: Alert) -> dict[str, Any]:
    """An alert of our own making, as the journal keeps it."""
    return {
        "origin": alert.origin,
        "fingerprint": alert.fingerprint,
        "status": str(alert.status),
        "startsAt": moment_text(alert.starts_at),
        "endsAt": moment_text(alert.ends_at),
        "expiresAt": moment_text(alert.expires_at),
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "level": alert.level,
    }
