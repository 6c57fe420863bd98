"""Acts that end an incident, or say that it has not ended: resolved, accepted, archived, refused, called back."""

from datetime import datetime

from collectors.moment import moment_text, parse_moment
from correlation import callback, major
from correlation.acts.acted import Act, Acted, remember
from correlation.incident import RELAPSABLE, Action, Incident, State
from correlation.need import Missing, need
from correlation.outcome import Event


def resolve(incident: Incident, this: Act) -> Acted:
    need(this.body, "type", "resolution", "note")
    restored = parse_moment(this.body.get("service_restored_at") or "")
    if incident.open_alerts and restored is None:
        raise Missing(
            ["service_restored_at"],
            f"{incident.open_alerts} alert(s) still fire: give service_restored_at to say that the service is back",
        )
    incident.rest(this.now)
    incident.resolved_at = this.now
    incident.service_restored_at = restored or incident.service_restored_at or this.now
    incident.resolves_at = incident.resume_at = None
    facts = {
        "type": this.body["type"],
        "resolution": this.body["resolution"],
        "note": this.body["note"],
        "root_cause_known": this.body.get("root_cause_known"),
        "service_restored_at": moment_text(incident.service_restored_at),
        "override": bool(incident.open_alerts),
    }
    incident.resolution = {**callback.kept(incident), **facts, "acts": {str(Action.RESOLVE): this.actor.id}}
    return Acted([Event("resolved", facts)], {"resolved"})


def accept(incident: Incident, this: Act) -> Acted:
    need(this.body, "by", "via")
    facts = {"by": this.body["by"], "via": this.body["via"], "at": this.body.get("at") or moment_text(this.now)}
    incident.resolution = {**incident.resolution, "acceptance": facts}
    remember(incident, Action.ACCEPT, this.actor)
    return Acted([Event("accepted", facts)])


def archive(incident: Incident, this: Act) -> Acted:
    need(this.body, "final_category", "final_severity")
    if not major.is_reviewed(incident):
        raise Missing(["review"], "it was a major incident: its `review` comes before the archive")
    incident.final_category, incident.final_severity = this.body["final_category"], this.body["final_severity"]
    remember(incident, Action.ARCHIVE, this.actor)
    facts = {"final_category": incident.final_category, "final_severity": incident.final_severity}
    return Acted([Event("archived", facts)], {"stopped"})


def reject(incident: Incident, this: Act) -> Acted:
    need(this.body, "reason")
    was = incident.state
    _reopen(incident, this.now)
    return Acted([Event("rejected", {"reason": this.body["reason"], "was": str(was)})], {"reopened"})


def _reopen(incident: Incident, now: datetime) -> None:
    """Work starts again where it stopped: tier, group, assignee and clocks as before (procedure R75)."""
    incident.resolved_at = incident.service_restored_at = None
    incident.resolution = {**callback.kept(incident), "reopened": incident.resolution.get("reopened", 0) + 1}
    incident.move(State.IN_PROGRESS if incident.assignee else State.ASSIGNED, now)


def cancel(incident: Incident, this: Act) -> Acted:
    need(this.body, "reason")
    remember(incident, Action.CANCEL, this.actor)
    return Acted([Event("cancelled", {"reason": this.body["reason"]})], {"stopped"})


def out_of_scope(incident: Incident, this: Act) -> Acted:
    need(this.body, "reason")
    remember(incident, Action.OUT_OF_SCOPE, this.actor)
    return Acted([Event("out_of_scope", {"reason": this.body["reason"]})], {"stopped", "tell_reporter"})


def to_sales(incident: Incident, this: Act) -> Acted:
    remember(incident, Action.TO_SALES, this.actor)
    return Acted([Event("to_sales", {})], {"paused", "tell_sales"})


def sales_decide(incident: Incident, this: Act) -> Acted:
    need(this.body, "accept", "reason")
    accepted = bool(this.body["accept"])
    incident.billable = incident.billable or accepted
    incident.move(State.NEW if accepted else State.OUT_OF_SCOPE, this.now)
    facts = {"accept": accepted, "reason": this.body["reason"]}
    return Acted([Event("sales_decided", facts)], {"resumed"} if accepted else {"stopped", "tell_reporter"})


def call_back(incident: Incident, this: Act) -> Acted:
    """What the customer said; nothing of it moves what is archived (procedure R85-R87)."""
    need(this.body, "reached", "persists")
    facts = callback.record(incident, this.body, this.actor.id, this.now)
    if facts is None:
        return Acted()
    acted, was = Acted([Event("called_back", facts)]), incident.state
    if this.body["persists"] and was in RELAPSABLE:
        _reopen(incident, this.now)
        acted.events.append(Event("reopened", {"was": str(was)}))
        acted.effects.add("reopened")
    if this.body["persists"] and was is State.ARCHIVED:
        acted.effects.add("recurs")
    if callback.is_unsatisfied(this.body) and was is not State.ARCHIVED:
        acted.events.append(Event("unsatisfied", {"score": this.body["score"]}))
        acted.effects.add("unsatisfied")
    callback.remember(incident, facts, this.actor.id, this.now)
    return acted
