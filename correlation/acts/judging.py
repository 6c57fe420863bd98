"""Acts that say what an incident is: its category and severity, which alerts belong to it, its root, its links."""

from correlation.acts.acted import Act, Acted, did_last, remember
from correlation.incident import Action, Incident, State
from correlation.need import Missing, need
from correlation.outcome import Event
from correlation.permission import check_lowering


def classify(incident: Incident, this: Act) -> Acted:
    need(this.body, "category")
    was, incident.category = incident.category, this.body["category"]
    effects: set[str] = set()
    if this.body.get("urgency") or this.body.get("impact"):
        incident.urgency = this.body.get("urgency") or incident.urgency
        incident.impact = this.body.get("impact") or incident.impact
        wanted = this.severity.severity(incident.urgency, incident.impact)
        if wanted < incident.severity:
            incident.severity, effects = wanted, {"regraded"}
    if incident.state is State.NEW:
        incident.move(State.ASSIGNED, this.now)
    return Acted([Event("classified", {"was": was, "now": incident.category, "severity": incident.severity})], effects)


def set_severity(incident: Incident, this: Act) -> Acted:
    need(this.body, "severity", "reason")
    wanted, was = this.body["severity"], incident.severity
    if wanted not in this.severity.scale:
        raise Missing(["severity"], f"severity must be one of {this.severity.scale}")
    if wanted == was:
        return Acted()
    check_lowering(this.actor, Action.SET_SEVERITY, incident, this.body)
    incident.severity = wanted
    kind = "severity_lowered" if wanted > was else "severity_raised"
    return Acted([Event(kind, {"was": was, "now": wanted, "reason": this.body["reason"]})], {"regraded"})


def feedback(incident: Incident, this: Act) -> Acted:
    need(this.body, "known_error", "outcome")
    return Acted(
        [Event("known_error_feedback", {"known_error": this.body["known_error"], "outcome": this.body["outcome"]})]
    )


def set_root(incident: Incident, this: Act) -> Acted:
    """A person says which alert is the root: that stands."""
    need(this.body, "alert")
    root = incident.root or {}
    by_whom = (root.get("why") or {}).get("facts", {}).get("by")
    if this.body["alert"] == f"{root.get('fingerprint')}@{root.get('startsAt')}" and by_whom == this.actor.id:
        return Acted()
    facts = {name: this.body[name] for name in ("alert", "alertname", "reason") if this.body.get(name)}
    return Acted([Event("root_set", facts)], {"root_set"})


def confirm(incident: Incident, this: Act) -> Acted:
    """This grouping is right: what is in it belongs together."""
    if did_last(incident, Action.CONFIRM, this.actor):
        return Acted()
    remember(incident, Action.CONFIRM, this.actor)
    return Acted([Event("confirmed", {"alerts": incident.alert_count})], {"confirmed"})


def merge(incident: Incident, this: Act) -> Acted:
    need(this.body, "into")
    return Acted([Event("merged", {"into": this.body["into"]})], {"merged"})


def split(incident: Incident, this: Act) -> Acted:
    """Alerts become an incident of their own; `off` are their names, none where they have already."""
    need(this.body, "alerts")
    off = this.body.get("off", this.body["alerts"])
    return Acted([Event("split", {"alerts": off})], {"split"}) if off else Acted()


def link(incident: Incident, this: Act) -> Acted:
    need(this.body, "kind", "target")
    if (this.body["kind"], this.body["target"]) in incident.links:
        return Acted()
    return Acted([Event("linked", {"kind": this.body["kind"], "target": this.body["target"]})], {"linked"})
