"""What a person does to an incident: the moves of procedure 4.4, each with its line in the timeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectors.moment import moment_text, parse_moment
from correlation import callback, major, vendor
from correlation.incident import CHANGE, FROM, NEXT, PENDING, RELAPSABLE, Action, IllegalAction, Incident, State
from correlation.need import Missing, need
from correlation.outcome import Event
from correlation.permission import Actor
from correlation.refusal import Refusal
from correlation.severity import SeverityPolicy

Body = Mapping[str, Any]


@dataclass
class Acted:
    """What an act did. `effects` tells escalation what to do with the ladder."""

    events: list[Event] = field(default_factory=list)
    effects: set[str] = field(default_factory=set)

    @property
    def unchanged(self) -> bool:
        return not self.events


def act(incident: Incident, action: Action, body: Body, actor: Actor, severity: SeverityPolicy, now: datetime) -> Acted:
    """Carry out one act, or raise IllegalAction (409) or Missing (422) and change nothing.

    The same act again by the same person changes nothing and is no error.
    """
    if _repeats(incident, action, actor):
        return Acted()
    check_state(incident, action, actor)
    acted = _DO[action](incident, body, actor, severity, now)
    if not acted.unchanged and action in NEXT and not (action is Action.ACKNOWLEDGE and incident.state in PENDING):
        incident.move(NEXT[action], now)
    return acted


def check_state(incident: Incident, action: Action, actor: Actor) -> None:
    """Raise IllegalAction where this act is not possible now; the same one again by the same person always is."""
    if incident.state not in FROM[action] and not _repeats(incident, action, actor):
        raise IllegalAction(action, incident.state, incident.merged_into)


def check_lowering(incident: Incident, action: Action, body: Body, actor: Actor) -> None:
    """Raise Lowered where somebody else than the project manager would lower the severity (procedure R60)."""
    wanted = body.get("severity") if action is Action.SET_SEVERITY else None
    if isinstance(wanted, int) and wanted > incident.severity and "pm" not in actor.roles:
        raise Lowered(f"only pm may lower a severity; it is {incident.severity} and stays so (procedure R60)")


def _repeats(incident: Incident, action: Action, actor: Actor) -> bool:
    done = incident.resolution.get("acts", {})
    return action in NEXT and incident.state is NEXT[action] and done.get(str(action)) == actor.id


def _remember(incident: Incident, action: Action, actor: Actor) -> None:
    acts = {**incident.resolution.get("acts", {}), str(action): actor.id}
    incident.resolution = {**incident.resolution, "acts": acts}


def _acknowledge(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    facts = {"classification_ok": body["classification_ok"]} if body.get("classification_ok") is not None else {}
    if incident.state in (State.NEW, State.ASSIGNED):
        if incident.assignee is None or incident.state is State.NEW:
            incident.assignee = actor.id
        return _acknowledged(incident, actor, facts, now)
    if incident.acknowledged_at is None:
        return _acknowledged(incident, actor, facts, now)
    told = incident.resolution.get("also_acknowledged", [])
    if actor.id == incident.assignee or actor.id in told:
        return Acted()
    incident.resolution = {**incident.resolution, "also_acknowledged": [*told, actor.id]}
    return Acted([Event("acknowledged_too", {"assignee": incident.assignee or "", **facts})])


def _acknowledged(incident: Incident, actor: Actor, facts: dict[str, Any], now: datetime) -> Acted:
    incident.acknowledged_at, incident.grown = now, {}
    return Acted([Event("acknowledged", {"assignee": incident.assignee or "", **facts})], {"acknowledged"})


def _assign(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    person, group = body.get("person"), body.get("group")
    if not person and not group:
        raise Missing(["person", "group"], "name a person or a group")
    same = (person or None) == incident.assignee and (not group or group == incident.group)
    if same and incident.state is State.ASSIGNED:
        return Acted()
    incident.assignee = person or None
    incident.group = group or incident.group
    incident.move(State.ASSIGNED, now)
    told = {"page_assignee"} if person else {"page_group"}
    return Acted([Event("assigned", {"person": person or "", "group": incident.group})], told | {"resumed"})


def _return(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "reason")
    facts = {"reason": body["reason"], "group": incident.group, "suggested_group": body.get("suggested_group") or ""}
    incident.bounces += 1
    incident.group, incident.assignee, incident.acknowledged_at = "desk", None, None
    return Acted([Event("returned", {**facts, "bounces": incident.bounces})], {"returned"})


def _handover(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "to", "reason")
    to = body["to"]
    if to == "l2":
        incident.tier = "l2"
    else:
        incident.group = to
    incident.assignee = None
    return Acted(
        [Event("handed_over", {"to": to, "reason": body["reason"]})],
        {"handed_over", "page_l2" if to == "l2" else "page_group"},
    )


def _note(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "text")
    if body.get("next_action"):
        incident.next_action = body["next_action"]
    if body.get("eta"):
        incident.next_action_eta = parse_moment(body["eta"])
    return Acted([Event("note", {k: v for k, v in body.items() if v})])


_SUSPENDED = {"customer": State.PENDING_CUSTOMER, "vendor": State.PENDING_VENDOR, "change": State.PENDING_CHANGE}


def _suspend(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "for", "reason")
    if body["for"] == "customer":
        need(body, "resume_at")
    if body["for"] == "change" and not incident.linked(CHANGE):
        raise Missing(["raise-change"], "no change was raised from it: `raise-change` first (procedure R69)")
    incident.resume_at = parse_moment(body.get("resume_at") or "")
    incident.move(_SUSPENDED[body["for"]], now)
    facts = {"for": body["for"], "reason": body["reason"], "resume_at": moment_text(incident.resume_at)}
    return Acted([Event("suspended", facts)], {"paused"})


def _resume(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    incident.resume_at = None
    return Acted([Event("resumed", {})], {"resumed"})


def _snooze(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "until", "reason")
    until = parse_moment(body["until"])
    if until is None or until <= now:
        raise Missing(["until"], "until must be a moment to come")
    incident.held_until = until
    return Acted([Event("snoozed", {"until": moment_text(until), "reason": body["reason"]})], {"held"})


def _resolve(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "type", "resolution", "note")
    restored = parse_moment(body.get("service_restored_at") or "")
    if incident.open_alerts and restored is None:
        raise Missing(
            ["service_restored_at"],
            f"{incident.open_alerts} alert(s) still fire: give service_restored_at to say that the service is back",
        )
    incident.rest(now)
    incident.resolved_at = now
    incident.service_restored_at = restored or incident.service_restored_at or now
    incident.resolves_at = incident.resume_at = None
    facts = {
        "type": body["type"],
        "resolution": body["resolution"],
        "note": body["note"],
        "root_cause_known": body.get("root_cause_known"),
        "service_restored_at": moment_text(incident.service_restored_at),
        "override": bool(incident.open_alerts),
    }
    incident.resolution = {**callback.kept(incident), **facts, "acts": {str(Action.RESOLVE): actor.id}}
    return Acted([Event("resolved", facts)], {"resolved"})


def _accept(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "by", "via")
    facts = {"by": body["by"], "via": body["via"], "at": body.get("at") or moment_text(now)}
    incident.resolution = {**incident.resolution, "acceptance": facts}
    _remember(incident, Action.ACCEPT, actor)
    return Acted([Event("accepted", facts)])


def _archive(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "final_category", "final_severity")
    if not major.is_reviewed(incident):
        raise Missing(["review"], "it was a major incident: its `review` comes before the archive")
    incident.final_category, incident.final_severity = body["final_category"], body["final_severity"]
    _remember(incident, Action.ARCHIVE, actor)
    facts = {"final_category": incident.final_category, "final_severity": incident.final_severity}
    return Acted([Event("archived", facts)], {"stopped"})


def _reject(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "reason")
    was = incident.state
    _reopen(incident, now)
    return Acted([Event("rejected", {"reason": body["reason"], "was": str(was)})], {"reopened"})


def _reopen(incident: Incident, now: datetime) -> None:
    """Work starts again where it stopped: tier, group, assignee and clocks as before (procedure R75)."""
    incident.resolved_at = incident.service_restored_at = None
    incident.resolution = {**callback.kept(incident), "reopened": incident.resolution.get("reopened", 0) + 1}
    incident.move(State.IN_PROGRESS if incident.assignee else State.ASSIGNED, now)


def _cancel(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "reason")
    _remember(incident, Action.CANCEL, actor)
    return Acted([Event("cancelled", {"reason": body["reason"]})], {"stopped"})


def _escalate(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "reason")
    return Acted([Event("escalation_requested", {"reason": body["reason"]})], {"manual"})


def _set_severity(incident: Incident, body: Body, actor: Actor, policy: SeverityPolicy, now: datetime) -> Acted:
    need(body, "severity", "reason")
    wanted, was = body["severity"], incident.severity
    if wanted not in policy.scale:
        raise Missing(["severity"], f"severity must be one of {policy.scale}")
    if wanted == was:
        return Acted()
    check_lowering(incident, Action.SET_SEVERITY, body, actor)
    incident.severity = wanted
    kind = "severity_lowered" if wanted > was else "severity_raised"
    return Acted([Event(kind, {"was": was, "now": wanted, "reason": body["reason"]})], {"regraded"})


class Lowered(Refusal):
    """A severity may be lowered by the project manager alone (403)."""


def _classify(incident: Incident, body: Body, actor: Actor, policy: SeverityPolicy, now: datetime) -> Acted:
    need(body, "category")
    was, incident.category = incident.category, body["category"]
    effects: set[str] = set()
    if body.get("urgency") or body.get("impact"):
        incident.urgency = body.get("urgency") or incident.urgency
        incident.impact = body.get("impact") or incident.impact
        wanted = policy.severity(incident.urgency, incident.impact)
        if wanted < incident.severity:
            incident.severity, effects = wanted, {"regraded"}
    if incident.state is State.NEW:
        incident.move(State.ASSIGNED, now)
    return Acted([Event("classified", {"was": was, "now": incident.category, "severity": incident.severity})], effects)


def _feedback(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "known_error", "outcome")
    return Acted([Event("known_error_feedback", {"known_error": body["known_error"], "outcome": body["outcome"]})])


def _out_of_scope(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "reason")
    _remember(incident, Action.OUT_OF_SCOPE, actor)
    return Acted([Event("out_of_scope", {"reason": body["reason"]})], {"stopped", "tell_reporter"})


def _to_sales(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    _remember(incident, Action.TO_SALES, actor)
    return Acted([Event("to_sales", {})], {"paused", "tell_sales"})


def _sales_decide(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "accept", "reason")
    accepted = bool(body["accept"])
    incident.billable = incident.billable or accepted
    incident.move(State.NEW if accepted else State.OUT_OF_SCOPE, now)
    facts = {"accept": accepted, "reason": body["reason"]}
    return Acted([Event("sales_decided", facts)], {"resumed"} if accepted else {"stopped", "tell_reporter"})


def _replan(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    return Acted([Event("replanned", {})], {"replan"})


def _merge(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "into")
    return Acted([Event("merged", {"into": body["into"]})], {"merged"})


def _split(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """Alerts become an incident of their own; `off` are their names, none where they have already."""
    need(body, "alerts")
    off = body.get("off", body["alerts"])
    return Acted([Event("split", {"alerts": off})], {"split"}) if off else Acted()


def _confirm(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """This grouping is right: what is in it belongs together."""
    if incident.resolution.get("acts", {}).get(str(Action.CONFIRM)) == actor.id:
        return Acted()
    _remember(incident, Action.CONFIRM, actor)
    return Acted([Event("confirmed", {"alerts": incident.alert_count})], {"confirmed"})


def _link(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    need(body, "kind", "target")
    if (body["kind"], body["target"]) in incident.links:
        return Acted()
    return Acted([Event("linked", {"kind": body["kind"], "target": body["target"]})], {"linked"})


def _raise_change(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """Work waits for the change from here on, where somebody works on it (procedure R69)."""
    need(body, "title", "risk", "plan", "back_out")
    effects = {"change_raised"}
    if incident.state is State.IN_PROGRESS:
        incident.move(State.PENDING_CHANGE, now)
        effects.add("paused")
    return Acted([Event("change_raised", {name: body.get(name, "") for name in ("number", "title", "risk")})], effects)


def _confirm_rule(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """The engineer has read the customer's rules; `rules` are those of its restricted items (procedure R68)."""
    rules: Mapping[str, str] = body.get("rules") or {}
    fresh = {item: rule for item, rule in rules.items() if incident.rules_confirmed.get(item) is None}
    if not fresh:
        return Acted()
    incident.rules_confirmed = {**incident.rules_confirmed, **dict.fromkeys(fresh, actor.id)}
    return Acted([Event("rule_confirmed", {"items": sorted(fresh), "rules": [r for r in fresh.values() if r]})])


def _declare_major(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """Declared by hand; on one that is major already it names commander and roles."""
    need(body, "reason")
    acted = Acted()
    if not incident.major:
        facts = major.declare(incident, "person", actor.id, body["reason"], now)
        acted = Acted([Event("major_declared", facts)], {"major"})
    appointed = major.appoint(incident, body.get("commander"), body.get("roles") or {})
    if appointed:
        acted.events.append(Event("commander_named", {"roles": appointed}))
    return acted


def _brief(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """What people know for the special brief; the rest stays to be verified."""
    if not incident.major:
        raise Missing(["declare-major"], "a brief is written of a major incident: `declare-major` first")
    given = incident.major.get("brief", {})
    fresh = {name: text for name, text in body.items() if text and given.get(name) != text}
    if not fresh:
        return Acted()
    incident.major = {**incident.major, "brief": {**given, **fresh}}
    return Acted([Event("brief_written", {"fields": sorted(fresh)})])


def _review(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    was = incident.major
    facts = major.review(incident, body, actor.id, now)
    return Acted([Event("reviewed", facts)]) if incident.major != was else Acted()


def _call_vendor(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """The vendor's clock runs beside ours, which goes on; the desk hears of it (procedure R64)."""
    need(body, "vendor", "note")
    facts = vendor.call(incident, body, actor.id, now)
    return Acted([Event("vendor_called", facts)], {"vendor_called"}) if facts else Acted()


def _callback(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """What the customer said; nothing of it moves what is archived (procedure R85-R87)."""
    need(body, "reached", "persists")
    facts = callback.record(incident, body, actor.id, now)
    if facts is None:
        return Acted()
    acted, was = Acted([Event("called_back", facts)]), incident.state
    if body["persists"] and was in RELAPSABLE:
        _reopen(incident, now)
        acted.events.append(Event("reopened", {"was": str(was)}))
        acted.effects.add("reopened")
    if body["persists"] and was is State.ARCHIVED:
        acted.effects.add("recurs")
    if callback.is_unsatisfied(body) and was is not State.ARCHIVED:
        acted.events.append(Event("unsatisfied", {"score": body["score"]}))
        acted.effects.add("unsatisfied")
    callback.remember(incident, facts, actor.id, now)
    return acted


def _set_root(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """A person says which alert is the root: that stands."""
    need(body, "alert")
    root = incident.root or {}
    by_whom = (root.get("why") or {}).get("facts", {}).get("by")
    if body["alert"] == f"{root.get('fingerprint')}@{root.get('startsAt')}" and by_whom == actor.id:
        return Acted()
    facts = {name: body[name] for name in ("alert", "alertname", "reason") if body.get(name)}
    return Acted([Event("root_set", facts)], {"root_set"})


def _recall(incident: Incident, body: Body, actor: Actor, _: SeverityPolicy, now: datetime) -> Acted:
    """Whoever works on it is wanted for something more urgent; it goes back to its queue (procedure R54)."""
    need(body, "for", "reason")
    facts = {"for": body["for"], "person": incident.assignee or "", "reason": body["reason"]}
    incident.assignee, incident.preempted_by = None, body["for"]
    incident.move(State.ASSIGNED, now)
    return Acted([Event("recalled", facts)], {"recalled"})


_Do = Callable[[Incident, Body, Actor, SeverityPolicy, datetime], Acted]
_DO: Mapping[Action, _Do] = {
    Action.ACKNOWLEDGE: _acknowledge,
    Action.ASSIGN: _assign,
    Action.RETURN: _return,
    Action.HANDOVER: _handover,
    Action.NOTE: _note,
    Action.SUSPEND: _suspend,
    Action.RESUME: _resume,
    Action.SNOOZE: _snooze,
    Action.RESOLVE: _resolve,
    Action.ACCEPT: _accept,
    Action.ARCHIVE: _archive,
    Action.REJECT: _reject,
    Action.CANCEL: _cancel,
    Action.ESCALATE: _escalate,
    Action.SET_SEVERITY: _set_severity,
    Action.CLASSIFY: _classify,
    Action.MERGE: _merge,
    Action.FEEDBACK: _feedback,
    Action.OUT_OF_SCOPE: _out_of_scope,
    Action.TO_SALES: _to_sales,
    Action.SALES_DECIDE: _sales_decide,
    Action.REPLAN: _replan,
    Action.LINK: _link,
    Action.RAISE_CHANGE: _raise_change,
    Action.CONFIRM_RULE: _confirm_rule,
    Action.DECLARE_MAJOR: _declare_major,
    Action.BRIEF: _brief,
    Action.REVIEW: _review,
    Action.CALL_VENDOR: _call_vendor,
    Action.CALLBACK: _callback,
    Action.SET_ROOT: _set_root,
    Action.CONFIRM: _confirm,
    Action.SPLIT: _split,
    Action.RECALL: _recall,
}
