"""A person reports an incident, or completes its record."""

from agent.deciders.forecast import look_ahead
from agent.deciders.known_errors import rank
from agent.deciders.majors import look_for_major
from agent.deciders.problems import count
from agent.group import as_json
from agent.intents import PersonReported, RecordEdited
from agent.turn import Turn
from collectors.moment import parse_moment
from correlation.incident import Incident
from correlation.store import UPSERT_COUNTER


class Stale(Exception):
    """The record was edited meanwhile; `now` is its version (409)."""

    def __init__(self, now: int) -> None:
        self.now = now
        super().__init__(f"the record is at version {now} by now: read it again and repeat the edit")


def person_reported(turn: Turn, intent: PersonReported) -> Incident:
    """A person reports: the same record, the same queue (procedure R2, R34)."""
    body, board = intent.body, turn.board
    labels = {k: str(v) for k, v in body.items() if isinstance(v, str | int)}
    verdict = turn.rules.classifier.classify(labels)
    urgency, impact = body.get("urgency") or verdict.urgency, body.get("impact") or verdict.impact
    category, target = body.get("category") or verdict.category, body.get("group") or verdict.group
    severity = turn.config.severity.severity(urgency, impact)
    incident = Incident(
        id=board.next_id("incident"),
        number=board.next_number(turn.now, turn.rules.zone),
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
        tier=turn.rules.tier_of(target),
        service=body.get("service") or "",
        recorder=intent.actor.id,
        reporter=body.get("reporter") or intent.actor.id,
        symptom=body.get("symptom") or "",
        occurred_at=parse_moment(body.get("occurred_at") or "") or turn.now,
        opened_at=turn.now,
        updated_at=turn.now,
        config_version=turn.config.version,
    )
    incident.history.append((turn.now, str(incident.state)))
    board.admit(incident)
    turn.journal("report", intent.actor.id, as_json(dict(body)))
    turn.group.add(UPSERT_COUNTER, str(board.counter[0]), board.counter[1])
    turn.ladder.begin(incident, turn.group)
    rank(turn, incident)
    turn.tell(incident.id, "opened", intent.actor.id, {"severity": severity, "category": category, "group": target})
    look_for_major(turn, incident)
    look_ahead(turn, incident)
    count(turn, incident)
    return incident


def record_edited(turn: Turn, intent: RecordEdited) -> Incident:
    incident = turn.incident(intent.number)
    if incident.version != intent.version:
        raise Stale(incident.version)
    changed = {k: v for k, v in intent.changes.items() if getattr(incident, k) != v}
    for name, value in changed.items():
        setattr(incident, name, parse_moment(value) if name.endswith("_at") and isinstance(value, str) else value)
    if changed:
        turn.journal("edit", intent.actor.id, as_json({"number": intent.number, "changes": changed}))
        turn.touch(incident)
        incident.version += 1
        incident.heard_at = turn.now
        turn.tell(incident.id, "edited", intent.actor.id, {"fields": sorted(changed)})
        look_ahead(turn, incident)
    return incident
