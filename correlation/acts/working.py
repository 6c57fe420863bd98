"""Acts of those who work on an incident: who has it, what it waits for, what was done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.moment import moment_text, parse_moment
from correlation import vendor
from correlation.acts.acted import Act, Acted
from correlation.incident import CHANGE, Incident, State
from correlation.need import Missing, need
from correlation.outcome import Event


def acknowledge(incident: Incident, this: Act) -> Acted:
    facts = (
        {"classification_ok": this.body["classification_ok"]} if this.body.get("classification_ok") is not None else {}
    )
    if incident.state in (State.NEW, State.ASSIGNED):
        if incident.assignee is None or incident.state is State.NEW:
            incident.assignee = this.actor.id
        return _acknowledged(incident, facts, this.now)
    if incident.acknowledged_at is None:
        return _acknowledged(incident, facts, this.now)
    told = incident.resolution.get("also_acknowledged", [])
    if this.actor.id == incident.assignee or this.actor.id in told:
        return Acted()
    incident.resolution = {**incident.resolution, "also_acknowledged": [*told, this.actor.id]}
    return Acted([Event("acknowledged_too", {"assignee": incident.assignee or "", **facts})])


def _acknowledged(incident: Incident, facts: dict[str, Any], now: datetime) -> Acted:
    incident.acknowledged_at, incident.grown = now, {}
    return Acted([Event("acknowledged", {"assignee": incident.assignee or "", **facts})], {"acknowledged"})


def assign(incident: Incident, this: Act) -> Acted:
    person, group = this.body.get("person"), this.body.get("group")
    if not person and not group:
        raise Missing(["person", "group"], "name a person or a group")
    same = (person or None) == incident.assignee and (not group or group == incident.group)
    if same and incident.state is State.ASSIGNED:
        return Acted()
    incident.assignee = person or None
    incident.group = group or incident.group
    incident.move(State.ASSIGNED, this.now)
    told = {"page_assignee"} if person else {"page_group"}
    return Acted([Event("assigned", {"person": person or "", "group": incident.group})], told | {"resumed"})


def give_back(incident: Incident, this: Act) -> Acted:
    need(this.body, "reason")
    facts = {
        "reason": this.body["reason"],
        "group": incident.group,
        "suggested_group": this.body.get("suggested_group") or "",
    }
    incident.bounces += 1
    incident.group, incident.assignee, incident.acknowledged_at = "desk", None, None
    return Acted([Event("returned", {**facts, "bounces": incident.bounces})], {"returned"})


def handover(incident: Incident, this: Act) -> Acted:
    need(this.body, "to", "reason")
    to = this.body["to"]
    if to == "l2":
        incident.tier = "l2"
    else:
        incident.group = to
    incident.assignee = None
    return Acted(
        [Event("handed_over", {"to": to, "reason": this.body["reason"]})],
        {"handed_over", "page_l2" if to == "l2" else "page_group"},
    )


def recall(incident: Incident, this: Act) -> Acted:
    """Whoever works on it is wanted for something more urgent; it goes back to its queue (procedure R54)."""
    need(this.body, "for", "reason")
    facts = {"for": this.body["for"], "person": incident.assignee or "", "reason": this.body["reason"]}
    incident.assignee, incident.preempted_by = None, this.body["for"]
    incident.move(State.ASSIGNED, this.now)
    return Acted([Event("recalled", facts)], {"recalled"})


def note(incident: Incident, this: Act) -> Acted:
    need(this.body, "text")
    if this.body.get("next_action"):
        incident.next_action = this.body["next_action"]
    if this.body.get("eta"):
        incident.next_action_eta = parse_moment(this.body["eta"])
    return Acted([Event("note", {k: v for k, v in this.body.items() if v})])


_SUSPENDED = {"customer": State.PENDING_CUSTOMER, "vendor": State.PENDING_VENDOR, "change": State.PENDING_CHANGE}


def suspend(incident: Incident, this: Act) -> Acted:
    need(this.body, "for", "reason")
    if this.body["for"] == "customer":
        need(this.body, "resume_at")
    if this.body["for"] == "change" and not incident.linked(CHANGE):
        raise Missing(["raise-change"], "no change was raised from it: `raise-change` first (procedure R69)")
    incident.resume_at = parse_moment(this.body.get("resume_at") or "")
    incident.move(_SUSPENDED[this.body["for"]], this.now)
    facts = {"for": this.body["for"], "reason": this.body["reason"], "resume_at": moment_text(incident.resume_at)}
    return Acted([Event("suspended", facts)], {"paused"})


def resume(incident: Incident, this: Act) -> Acted:
    incident.resume_at = None
    return Acted([Event("resumed", {})], {"resumed"})


def snooze(incident: Incident, this: Act) -> Acted:
    need(this.body, "until", "reason")
    until = parse_moment(this.body["until"])
    if until is None or until <= this.now:
        raise Missing(["until"], "until must be a moment to come")
    incident.held_until = until
    return Acted([Event("snoozed", {"until": moment_text(until), "reason": this.body["reason"]})], {"held"})


def escalate(incident: Incident, this: Act) -> Acted:
    need(this.body, "reason")
    return Acted([Event("escalation_requested", {"reason": this.body["reason"]})], {"manual"})


def replan(incident: Incident, this: Act) -> Acted:
    return Acted([Event("replanned", {})], {"replan"})


def call_vendor(incident: Incident, this: Act) -> Acted:
    """The vendor's clock runs beside ours, which goes on; the desk hears of it (procedure R64)."""
    need(this.body, "vendor", "note")
    facts = vendor.call(incident, this.body, this.actor.id, this.now)
    return Acted([Event("vendor_called", facts)], {"vendor_called"}) if facts else Acted()


def raise_change(incident: Incident, this: Act) -> Acted:
    """Work waits for the change from here on, where somebody works on it (procedure R69)."""
    need(this.body, "title", "risk", "plan", "back_out")
    effects = {"change_raised"}
    if incident.state is State.IN_PROGRESS:
        incident.move(State.PENDING_CHANGE, this.now)
        effects.add("paused")
    return Acted(
        [Event("change_raised", {name: this.body.get(name, "") for name in ("number", "title", "risk")})], effects
    )


def confirm_rule(incident: Incident, this: Act) -> Acted:
    """The engineer has read the customer's rules; `rules` are those of its restricted items (procedure R68)."""
    rules: Mapping[str, str] = this.body.get("rules") or {}
    fresh = {item: rule for item, rule in rules.items() if incident.rules_confirmed.get(item) is None}
    if not fresh:
        return Acted()
    incident.rules_confirmed = {**incident.rules_confirmed, **dict.fromkeys(fresh, this.actor.id)}
    return Acted([Event("rule_confirmed", {"items": sorted(fresh), "rules": [r for r in fresh.values() if r]})])
