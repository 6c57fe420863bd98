"""An incident is opened, takes an alert in, is graded by it, and comes back when it fires again."""

from collectors.labels import Labels
from correlation.classify import Class
from correlation.form import judge_service
from correlation.growth import grows
from correlation.incident import ABOUT, RELAPSABLE, Episode, Incident, State, Why, key_of
from correlation.lessons import kind_of
from correlation.outcome import Round
from correlation.rest import run_on
from correlation.root import RANKED, as_meant, as_root, counts_for_root, first_root, likely_root, named_by_person
from correlation.slots import take_keys_again

TITLE = 200


def may_relapse(this: Round, incident: Incident) -> bool:
    """Whether an alert that fires again now returns a resolved incident to work (`refire_window`)."""
    ended = incident.resolved_at
    window = this.rules.correlation.dedup.refire_window
    return incident.state in RELAPSABLE and ended is not None and this.now - ended <= window


def open_incident(
    this: Round, episode: Episode, labels: Labels, summary: str, verdict: Class, place: str = ""
) -> Incident:
    """Open an incident for an alert.

    `summary` is what its sender calls it; `place` is where that is, for those that count towards a storm.
    """
    now = this.now
    incident = Incident(
        id=this.board.next_id("incident"),
        number=this.board.next_number(now, this.rules.zone),
        title=title_of(labels, summary),
        state=State.ASSIGNED if verdict.rule or verdict.route else State.NEW,
        kind=verdict.kind or "incident",
        source=this.source,
        channel="webhook" if this.source == "monitoring" else this.source,
        severity=verdict.severity,
        urgency=verdict.urgency,
        impact=verdict.impact,
        initial_severity=verdict.severity,
        category=verdict.category,
        initial_category=verdict.category,
        group=verdict.group,
        tier=this.rules.tier_of(verdict.group),
        service=verdict.service,
        occurred_at=min(episode.starts_at, now),
        opened_at=now,
        updated_at=now,
        config_version=this.rules.config_version,
    )
    incident.history.append((now, str(incident.state)))
    judge_service(incident, verdict.service_affecting, verdict.rule)
    this.board.admit(incident)
    this.out.opened.append(incident)
    this.out.tell(
        incident,
        "opened",
        alertname=labels.get("alertname", ""),
        severity=verdict.severity,
        category=verdict.category,
        group=verdict.group,
        rule=verdict.rule,
        **({"route": verdict.route} if verdict.route else {}),
        **({"also": list(verdict.also)} if verdict.also else {}),
        **({"place": place} if place else {}),
    )
    return incident


def title_of(labels: Labels, summary: str) -> str:
    """A title from the alert's summary, else from its name and the thing that it is about."""
    if not summary:
        about = next((labels[n] for n in ABOUT if n in labels), "")
        summary = f"{labels.get('alertname', 'alert')} {about}".strip()
    return " ".join(summary.split())[:TITLE]


def enter(this: Round, incident: Incident, episode: Episode, labels: Labels) -> None:
    """Take a firing into an incident; one that was resolved is worked on again."""
    episode.incident = incident.id
    this.board.members.setdefault(incident.id, {})[episode.key] = None
    incident.open_alerts += 1
    incident.count_alert()
    incident.occurred_at = min(incident.occurred_at, episode.starts_at)
    this.out.dirty[incident.id] = incident
    kind = (labels.get("alertname", ""), labels.get("severity", ""))
    this.out.fresh_alerts.setdefault(incident.id, {}).setdefault(kind, labels)
    if incident.root is None:
        incident.root = first_root(episode)
    _look_at_root(this, incident, episode)
    if incident.state in RELAPSABLE:
        _relapse(this, incident)
    elif incident.resolves_at is not None or incident.service_restored_at is not None:
        incident.resolves_at = None
        run_on(this, incident)
        this.out.tell(incident, "fires_again", alertname=labels.get("alertname", ""))


def _look_at_root(this: Round, incident: Incident, episode: Episode) -> None:
    scene = this.board.scene
    if incident.id in this.reroot or len(scene.of.get(incident.id, ())) > RANKED:
        return
    mark = scene.marks.get(episode.key)
    of_roots = this.board.lessons.of_roots
    taught = bool(of_roots) and mark is not None and kind_of(mark.name) in of_roots
    if mark is None or taught or not counts_for_root(scene, incident, mark):
        this.reroot.add(incident.id)


def name_roots(this: Round) -> None:
    """Name the roots of the incidents that this round has changed."""
    for number in sorted(this.reroot):
        incident = this.board.incidents.get(number)
        if incident is not None:
            rechoose_root(this, incident)
    this.reroot.clear()


def rechoose_root(this: Round, incident: Incident) -> None:
    """Name the likely root anew; what a person said stands."""
    if named_by_person(incident) and not _lost_its_root(this, incident):
        return
    scene, lessons = this.board.scene, this.board.lessons
    mark, facts = likely_root(scene, incident.id)
    if mark is None:
        return
    meant = as_meant(scene, incident.id, mark, lessons) if lessons.of_roots else None
    mark, why = meant or (mark, Why("likely_root", facts))
    incident.root = as_root(mark, why)
    this.out.dirty[incident.id] = incident


def _lost_its_root(this: Round, incident: Incident) -> bool:
    """Whether the alert that was named is another incident's by now."""
    root = incident.root or {}
    mark = this.board.scene.marks.get(key_of(root["origin"], root["fingerprint"]))
    return mark is not None and mark.incident != incident.id


def _relapse(this: Round, incident: Incident) -> None:
    """It was resolved and fires again: back to work, the resolution clock runs on."""
    incident.relapse += 1
    incident.relapsed_at = this.now
    incident.resolved_at = incident.service_restored_at = incident.resolves_at = incident.held_until = None
    incident.move(State.IN_PROGRESS if incident.assignee else State.ASSIGNED, this.now)
    take_keys_again(this, incident)
    this.out.relapsed.add(incident.id)
    this.out.tell(incident, "relapsed", relapse=incident.relapse, assignee=incident.assignee or "")


def grade(this: Round, incident: Incident, episode: Episode, labels: Labels) -> Class:
    """Grade an incident by an alert as it is now; returns what that alert is."""
    verdict = this.rules.class_of(episode, labels)
    grade_to(this, incident, verdict, labels)
    return verdict


def grade_to(this: Round, incident: Incident, verdict: Class, labels: Labels) -> None:
    """An alert may raise the severity, and say that a service is affected; the agent never lowers (R11, R60)."""
    if judge_service(incident, verdict.service_affecting, verdict.rule) and verdict.service_affecting:
        this.out.tell(incident, "service_affected", alertname=labels.get("alertname", ""), rule=verdict.rule)
    if verdict.severity >= incident.severity:
        return
    before, incident.severity = incident.severity, verdict.severity
    incident.urgency, incident.impact = verdict.urgency, verdict.impact
    this.out.raised.add(incident.id)
    grows(this, incident, Why("severity_raised", {"was": before, "now": incident.severity}))
    this.out.tell(incident, "severity_raised", was=before, now=incident.severity, alertname=labels.get("alertname", ""))
