"""A person reports an incident, or completes its record."""

from collections.abc import Mapping
from typing import Any

from agent.deciders.classifying import await_classification
from agent.deciders.known_errors import rank
from agent.deciders.links import link
from agent.deciders.majors import look_for_major
from agent.deciders.names import check_category, check_group, check_moments
from agent.deciders.problems import count
from agent.deciders.recalls import propose_recall
from agent.deciders.watching import look_after
from agent.group import as_json
from agent.intents import PersonReported, RecordEdited
from agent.turn import Turn
from collectors.moment import moment_text, parse_moment
from correlation import form
from correlation.classify import Class
from correlation.incident import ITEM, IllegalAction, Incident, State
from correlation.need import Missing
from correlation.refusal import Refusal
from correlation.store import UPSERT_COUNTER


class Stale(Refusal):
    """The record was edited meanwhile; `now` is its version (409)."""

    def __init__(self, now: int) -> None:
        self.now = now
        super().__init__(f"the record is at version {now} by now: read it again and repeat the edit")


def person_reported(turn: Turn, intent: PersonReported) -> Incident:
    """A person reports over the API."""
    check_group(turn.config, "group", intent.body.get("group"))
    check_category(turn.config, "category", intent.body.get("category"))
    check_moments(intent.body, turn.now)
    incident = reported(turn, intent.body, intent.actor.id)
    turn.journal("report", intent.actor.id, as_json(dict(intent.body)))
    return incident


def reported(turn: Turn, body: Mapping[str, Any], recorder: str) -> Incident:
    """The same record, the same queue, however a report comes (procedure R2, R34).

    Raises Missing for what it lacks and for items that nobody knows.
    """
    _check_request(body)
    _check_items(turn, body)
    labels = {k: str(v) for k, v in body.items() if isinstance(v, str | int) and k not in form.FIELDS}
    verdict = turn.rules.classifier.classify_report(labels)
    incident = _registered(turn, body, recorder, verdict)
    turn.ladder.begin(incident, turn.group)
    by_hand = bool(body.get("urgency") and body.get("impact"))
    await_classification(turn, incident, graded=by_hand or bool(verdict.rule))
    rank(turn, incident)
    opened = {"severity": incident.severity, "category": incident.category, "group": incident.group}
    turn.tell(incident.id, "opened", recorder, opened)
    for item in body.get("affected_items") or ():
        link(turn, incident, ITEM, item, recorder)
    look_for_major(turn, incident)
    look_after(turn, incident)
    propose_recall(turn, incident)
    count(turn, incident)
    return incident


def _registered(turn: Turn, body: Mapping[str, Any], recorder: str, verdict: Class) -> Incident:
    """The incident of a report, on the board; what the report says goes before what the rules say of it."""
    board = turn.board
    reported_at = min(parse_moment(body.get("reported_at") or "") or turn.now, turn.now)
    urgency, impact = body.get("urgency") or verdict.urgency, body.get("impact") or verdict.impact
    severity = turn.config.severity.severity(urgency, impact)
    category, group = body.get("category") or verdict.category, body.get("group") or verdict.group
    incident = Incident(
        id=board.next_id("incident"),
        number=board.next_number(turn.now, turn.rules.zone),
        title=body["title"],
        kind=body.get("kind") or verdict.kind or "incident",
        source=body.get("source") or "user",
        channel=body.get("channel") or "api",
        severity=severity,
        urgency=urgency,
        impact=impact,
        initial_severity=severity,
        category=category,
        initial_category=category,
        group=group,
        tier=turn.rules.tier_of(group),
        service=body.get("service") or "",
        recorder=recorder,
        reporter=body.get("reporter") or recorder,
        symptom=body.get("symptom") or "",
        occurred_at=parse_moment(body.get("occurred_at") or "") or reported_at,
        opened_at=reported_at,
        updated_at=turn.now,
        config_version=turn.config.version,
        form=form.taken(body),
    )
    if reported_at < turn.now:
        incident.form["recorded_at"] = moment_text(turn.now)
    form.judge_service(incident, verdict.service_affecting, verdict.rule)
    incident.history.append((reported_at, str(incident.state)))
    board.admit(incident)
    turn.group.add(UPSERT_COUNTER, *board.counter)
    return incident


def _check_request(body: Mapping[str, Any]) -> None:
    """A request says what is asked for, in place of a symptom (procedure R45)."""
    if body.get("kind") == "service_request" and not (body.get("request") or body.get("symptom")):
        raise Missing(["request"], "a service request says in `request` what is asked for")


def _check_items(turn: Turn, body: Mapping[str, Any]) -> None:
    known = turn.desk.register.items
    strangers = [item for item in body.get("affected_items") or () if item not in known]
    if strangers:
        raise Missing(["affected_items"], f"there is no configuration item {strangers[0]!r}")


def record_edited(turn: Turn, intent: RecordEdited) -> Incident:
    incident = turn.incident(intent.number)
    if incident.state is State.ARCHIVED:  # final: links, callbacks and feedback alone go on (procedure R74)
        raise IllegalAction("edit", incident.state, incident.merged_into)
    if incident.version != intent.version:
        raise Stale(incident.version)
    outage = {n: incident.form.get(n) for n in form.MOMENTS if not intent.changes.keys().isdisjoint(form.MOMENTS)}
    check_moments({**outage, **intent.changes}, turn.now)
    filled = form.changed(incident, intent.changes)
    form.fill_in(incident, filled)
    plain = {k: v for k, v in intent.changes.items() if k not in form.FIELDS}
    changed = {k: v for k, v in plain.items() if getattr(incident, k) != v}
    for name, value in changed.items():
        setattr(incident, name, parse_moment(value) if name.endswith("_at") and isinstance(value, str) else value)
    changed |= filled
    if changed:
        turn.journal("edit", intent.actor.id, as_json({"number": intent.number, "changes": changed}))
        turn.touch(incident)
        incident.version += 1
        incident.heard_at = turn.now
        turn.tell(incident.id, "edited", intent.actor.id, {"fields": sorted(changed)})
        look_after(turn, incident)
    return incident
