"""Alerts become incidents: identity, episode, silence, inhibition, join; each decision with its reason."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from collectors.alert import Alert
from collectors.labels import Labels, fingerprint
from collectors.moment import moment_text, same_to_the_millisecond
from correlation.board import Beat, Board, Key
from correlation.classify import Class, Classifier
from correlation.incident import RELAPSABLE, Episode, Incident, State, Why
from correlation.inhibit import Held
from correlation.own import own_alert
from correlation.rules import CorrelationPolicy, StatesPolicy
from correlation.silence import silenced_by
from correlation.strategy import Strategy

_TITLE = 200


@dataclass(frozen=True)
class Rules:
    """What correlation is told by the configuration."""

    classifier: Classifier
    correlation: CorrelationPolicy
    states: StatesPolicy
    strategies: Sequence[Strategy]
    zone: ZoneInfo
    criticality: Callable[[Labels], str] = lambda _: ""
    tier_of: Callable[[str], str] = lambda _: "l1"
    suspect_window: Callable[[str], timedelta] = lambda _: timedelta(minutes=10)
    asks_sender: Callable[[str], bool] = lambda _: False
    """Whether a pull can settle what a suspect of this origin is."""
    config_version: int = 0


class Event(msgspec.Struct, frozen=True):
    """One thing that happened to an incident, for its timeline."""

    kind: str
    facts: dict[str, Any] = {}


@dataclass
class Outcome:
    """What a decision changed: rows to write and what the later rooms must look at."""

    new: list[tuple[Alert, Episode]] = field(default_factory=list)
    touched: dict[int, Episode] = field(default_factory=dict)
    """Only count and last_at changed."""
    changed: dict[int, Episode] = field(default_factory=dict)
    """Open, incident, decision or ends changed."""
    whys: dict[int, tuple[Why, Why | None]] = field(default_factory=dict)
    """Per episode: why it is where it is, and the best candidate that was rejected."""
    opened: list[Incident] = field(default_factory=list)
    dirty: dict[int, Incident] = field(default_factory=dict)
    raised: set[int] = field(default_factory=set)
    relapsed: set[int] = field(default_factory=set)
    fresh_alerts: dict[int, dict[tuple[str, str], Labels]] = field(default_factory=dict)
    """Per incident: the labels of an alert of each name and severity that came new, for the known errors."""
    events: list[tuple[int, Event]] = field(default_factory=list)
    joined: dict[int, Counter[tuple[str, str]]] = field(default_factory=dict)
    """Per incident: how many alerts of which name joined for which reason; one line of its timeline."""
    ended: dict[int, Counter[tuple[str, str]]] = field(default_factory=dict)
    decisions: Counter[str] = field(default_factory=Counter)
    suspected: set[str] = field(default_factory=set)
    """Origins with a suspect that a pull could settle."""
    own: list[Alert] = field(default_factory=list)
    """Troubles of Tocsin's own that this decision found, to be correlated next."""
    beats: set[str] = field(default_factory=set)
    """Origins whose heartbeat was heard or missed."""

    def tell(self, incident: Incident, kind: str, **facts: Any) -> None:
        self.dirty[incident.id] = incident
        self.events.append((incident.id, Event(kind, facts)))

    def count(self, counts: dict[int, Counter[tuple[str, str]]], incident: Incident, name: str, code: str) -> None:
        self.dirty[incident.id] = incident
        counts.setdefault(incident.id, Counter())[(name, code)] += 1

    def summaries(self) -> Iterator[tuple[int, Event]]:
        """What happened to many alerts at once, as one event per incident."""
        for kind, counts in (("alerts_joined", self.joined), ("alerts_ended", self.ended)):
            for incident, found in counts.items():
                names: Counter[str] = Counter()
                reasons: Counter[str] = Counter()
                for (name, code), times in found.items():
                    names[name] += times
                    reasons[code] += times
                facts = {"count": names.total(), "alerts": dict(names.most_common(10)), "why": dict(reasons)}
                yield incident, Event(kind, facts)


@dataclass
class Round:
    """One decision in the making: the board, the rules, the moment, and what has changed so far."""

    board: Board
    rules: Rules
    now: datetime
    source: str = ""
    out: Outcome = field(default_factory=Outcome)


def correlate(alerts: Iterable[Alert], board: Board, rules: Rules, now: datetime, source: str = "") -> Outcome:
    """Decide what each alert is, in order, and move the board accordingly.

    `source` is who told it (`monitoring`, `inspection`, …), kept on incidents that it opens.
    """
    this = Round(board, rules, now, source)
    episodes, orphans, touched, duplicates = board.episodes, board.orphans, this.out.touched, 0
    for alert in alerts:
        episode = episodes.get((alert.origin, alert.fingerprint))
        if (
            episode is not None
            and episode.open
            and alert.ends_at is None
            and alert.starts_text == episode.starts_text
            and alert.labels_json == episode.labels_json
            and alert.level == episode.level
            and alert.firing
            and alert.expires_at is None
            and episode.decision != "heartbeat"
            and not (orphans and episode.key in orphans)
        ):
            episode.count += 1
            episode.last_at = now
            touched[episode.id] = episode
            duplicates += 1
        else:
            _take(this, alert, episode)
    if duplicates:
        this.out.decisions["duplicate"] += duplicates
    return this.out


# one alert


def _take(this: Round, alert: Alert, episode: Episode | None) -> None:
    if episode is not None and _is_another(alert, episode):
        alert = msgspec.structs.replace(
            alert, fingerprint=fingerprint(alert.labels), repairs=(*alert.repairs, "fingerprint_clash")
        )
        episode = this.board.episodes.get((alert.origin, alert.fingerprint))
    if not alert.firing:
        _take_resolved(this, alert, episode)
    elif episode is None:
        _begin(this, alert)
    elif episode.open:
        _take_again(this, alert, episode)
    else:
        _take_after_end(this, alert, episode)


def _is_another(alert: Alert, episode: Episode) -> bool:
    """Two alerts under one fingerprint: a sender that makes up its own."""
    return alert.labels_json != episode.labels_json and dict(alert.labels) != _decode(episode.labels_json)


def _decode(labels_json: bytes) -> dict[str, str]:
    return msgspec.json.decode(labels_json, type=dict[str, str])


def _later(alert: Alert, episode: Episode) -> bool:
    """Whether it began after this episode did: a pull knows beginnings to the millisecond only."""
    later = bool(alert.starts_text) and alert.starts_at > _latest(episode)
    return later and not same_to_the_millisecond(alert.starts_at, _latest(episode))


def _latest(episode: Episode) -> datetime:
    """The latest start that was told of an episode."""
    return episode.latest_at or episode.starts_at


def _take_again(this: Round, alert: Alert, episode: Episode) -> None:
    """Firing, while its episode is open."""
    if _later(alert, episode):
        # It ended and began again between two messages: the end was never told.
        _end(this, episode, alert.starts_at, "", "end_untold")
        _begin(this, alert)
        return
    if episode.key in this.board.orphans:
        _fires_on(this, alert, episode)
        return
    if alert.starts_text and alert.starts_at < episode.starts_at:
        _move_start(this, episode, alert)
    episode.count += 1
    episode.last_at = this.now
    this.out.touched[episode.id] = episode
    this.out.decisions["duplicate"] += 1
    if alert.expires_at is not None:
        _expire_at(this, episode, alert.expires_at)
    if alert.level != episode.level:
        _change_level(this, episode, alert)
    if episode.decision == "heartbeat":
        beat_heard(this, episode)


def _fires_on(this: Round, alert: Alert, episode: Episode) -> None:
    """Its incident was cancelled, archived or resolved, and it is told to fire on: somebody has to hear of it."""
    number = this.board.orphans[episode.key]
    _end(this, episode, this.now, "", "incident_over")
    _begin(this, alert, Why("still_fires", {"incident": number}))


def _move_start(this: Round, episode: Episode, alert: Alert) -> None:
    """It has fired for longer than was known; or this is an older firing that comes late, whose end is not its end."""
    episode.latest_at = _latest(episode)
    episode.starts_at, episode.starts_text = alert.starts_at, alert.starts_text
    this.out.changed[episode.id] = episode
    incident = this.board.incidents.get(episode.incident)
    if incident is not None:
        incident.occurred_at = min(incident.occurred_at, episode.starts_at)
        _choose_root(incident, episode)
        this.out.dirty[incident.id] = incident


def _expire_at(this: Round, episode: Episode, at: datetime) -> None:
    if episode.expires_at is None or at < episode.expires_at:
        heapq.heappush(this.board.expiries, (at, episode.key))
    episode.expires_at = at
    this.out.changed[episode.id] = episode


def _change_level(this: Round, episode: Episode, alert: Alert) -> None:
    before, episode.level = episode.level, alert.level
    this.out.changed[episode.id] = episode
    incident = this.board.incidents.get(episode.incident)
    if incident is not None:
        this.out.tell(
            incident, "level_changed", alertname=alert.labels.get("alertname", ""), was=before, now=alert.level
        )
        _grade(this, incident, alert.labels, alert.level)


def _take_after_end(this: Round, alert: Alert, ended: Episode) -> None:
    """Firing, though its last episode is over."""
    if _later(alert, ended):
        _begin(this, alert)
        return
    if not alert.starts_text:
        _begin(this, alert)
        return
    suspect = this.board.suspects.get(ended.key)
    over = this.now - (ended.closed_at or ended.last_at)
    if alert.expires_at is not None and not ended.ends_text:
        # Its end was never told, it was only not told again in time; and now it is.
        _begin(this, alert, Why("same_start", {"after_s": round(over.total_seconds())}))
        return
    asks = this.rules.asks_sender(alert.origin) and alert.origin not in this.board.unanswered
    if over > this.rules.suspect_window(alert.origin) and not asks:
        if suspect is not None:
            confirm_suspect(this, suspect, "seen_again")
        else:
            _begin(this, alert, Why("same_start", {"after_s": round(over.total_seconds())}))
        return
    if suspect is None:
        episode = _episode(this, alert, "suspect")
        this.board.suspects[ended.key] = episode
        this.out.new.append((alert, episode))
        this.out.whys[episode.id] = (Why("same_start_after_end", {"ended": moment_text(ended.ends_at)}), None)
    else:
        suspect.count += 1
        suspect.last_at = this.now
        this.out.touched[suspect.id] = suspect
    this.out.suspected.add(alert.origin)
    this.out.decisions["suspect"] += 1


def confirm_suspect(this: Round, suspect: Episode, code: str) -> None:
    """A suspect is a live outage after all: it becomes an episode, and says that its start was told before."""
    this.board.suspects.pop(suspect.key, None)
    ended = this.board.episodes.get(suspect.key)
    came_from = ended.incident if ended is not None else 0
    suspect.open = True
    this.board.hold(suspect)
    this.out.changed[suspect.id] = suspect
    note = Why("same_start", {"how": code})
    _place(this, suspect, this.board.labels(suspect), None, note=note, came_from=came_from)


def drop_suspect(this: Round, suspect: Episode, code: str) -> None:
    """A suspect was an old message: it opens nothing."""
    this.board.suspects.pop(suspect.key, None)
    suspect.decision = "stale"
    this.out.changed[suspect.id] = suspect
    this.out.whys[suspect.id] = (Why(code, {}), None)
    this.out.decisions["stale"] += 1


def _take_resolved(this: Round, alert: Alert, episode: Episode | None) -> None:
    ends_at = alert.ends_at or this.now
    if episode is None or (not episode.open and _later(alert, episode)):
        _end_unheard(this, alert, ends_at)
    elif episode.open and (not alert.starts_text or alert.starts_at >= _latest(episode) or ends_at > _latest(episode)):
        _end(this, episode, max(ends_at, episode.starts_at), alert.ends_text, "resolved")
        this.out.decisions["resolved"] += 1
        if _later(alert, episode):
            _end_unheard(this, alert, ends_at)
    else:
        if not episode.open:
            suspect = this.board.suspects.get(episode.key)
            if suspect is not None and (not alert.starts_text or alert.starts_at >= suspect.starts_at):
                drop_suspect(this, suspect, "resolved_again")
            if alert.ends_text and not episode.ends_text:
                # A pull had closed it; now the source says when it really was.
                episode.ends_at, episode.ends_text = ends_at, alert.ends_text
                this.out.changed[episode.id] = episode
        episode.count += 1
        this.out.touched[episode.id] = episode
        this.out.decisions["duplicate"] += 1


def _end_unheard(this: Round, alert: Alert, ends_at: datetime) -> None:
    """The end of a firing that was never told: remembered, so that the firing itself, coming late, is known as over."""
    key = (alert.origin, alert.fingerprint)
    suspect, before = this.board.suspects.get(key), this.board.episodes.get(key)
    if suspect is not None:
        drop_suspect(this, suspect, "resolved_again")
    ended = _episode(this, alert, "stale")
    ended.incident = before.incident if before is not None else 0
    ended.ends_at, ended.ends_text, ended.closed_at = ends_at, alert.ends_text, this.now
    this.board.bury(ended)
    this.out.new.append((alert, ended))
    this.out.whys[ended.id] = (Why("end_without_start"), None)
    this.out.decisions["stale"] += 1


def _episode(this: Round, alert: Alert, decision: str) -> Episode:
    before = this.board.episodes.get((alert.origin, alert.fingerprint))
    return Episode(
        previous=before.id if before is not None else 0,
        id=this.board.next_id("alert"),
        origin=alert.origin,
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        starts_text=alert.starts_text,
        labels_json=alert.labels_json,
        open=False,
        decision=decision,
        last_at=this.now,
        expires_at=alert.expires_at,
        level=alert.level,
    )


def _begin(this: Round, alert: Alert, note: Why | None = None) -> None:
    """A new firing: a new episode."""
    suspect = this.board.suspects.get((alert.origin, alert.fingerprint))
    if suspect is not None:
        drop_suspect(this, suspect, "fired_anew")
    before = this.board.episodes.get((alert.origin, alert.fingerprint))
    episode = _episode(this, alert, "")
    episode.open = True
    if before is not None:
        episode.incident = before.incident
        _count_change(this, episode.key)
    came_from, episode.incident = episode.incident, 0
    this.board.hold(episode)
    this.out.new.append((alert, episode))
    _place(this, episode, alert.labels, alert, note=note, came_from=came_from)


# where a firing belongs


def _place(
    this: Round, episode: Episode, labels: Labels, alert: Alert | None, *, note: Why | None = None, came_from: int = 0
) -> None:
    """Suppress it, or join it to an incident, or open one for it."""
    held = suppression(this, episode, labels)
    if held is not None:
        reason_key, why = held
        episode.decision = "heartbeat" if why.code == "heartbeat" else "suppressed"
        if episode.decision == "suppressed":
            this.board.suppressed.setdefault(reason_key, set()).add(episode.key)
        this.out.whys[episode.id] = (why, None)
        this.out.decisions["suppressed"] += 1
    else:
        _join_or_open(this, episode, labels, alert, note=note, came_from=came_from)
    this.board.inhibitors.add(episode.key, labels)


def suppression(this: Round, episode: Episode, labels: Labels) -> tuple[str, Why] | None:
    """What holds an alert back: the key to release it by, and the reason; None: nothing does."""
    if labels.get("alertname") == this.rules.correlation.silent_source.expect_heartbeat:
        beat_heard(this, episode)
        return "", Why("heartbeat", {})
    if this.board.silences:
        silence = silenced_by(labels, this.board.silences.values(), this.now)
        if silence is not None:
            facts = {"silence": silence.id, "by": silence.created_by, "until": moment_text(silence.ends_at)}
            return silence_key(silence.id), Why("silenced", facts)
    inhibited = this.board.inhibitors.inhibited_by(episode.key, labels)
    if inhibited is not None:
        held, (origin, mark) = inhibited
        return _held_key(held), Why("inhibited", {"rule": held[0], "origin": origin, "fingerprint": mark})
    return None


NOTHING_HOLDS = "nothing"
"""What was suppressed before a restart and is held by nothing now: looked at again at the next settling."""


def silence_key(silence: str) -> str:
    return f"silence\xff{silence}"


def _held_key(held: Held) -> str:
    return "inhibit\xff" + held[0] + "\xff" + "\xff".join(held[1])


def _join_or_open(
    this: Round, episode: Episode, labels: Labels, alert: Alert | None, *, note: Why | None, came_from: int
) -> None:
    keys = [strategy.key(labels) for strategy in this.rules.strategies]
    found, why, rejected = _find_incident(this, labels, keys, came_from)
    verdict = this.rules.classifier.classify(labels, episode.level, this.rules.criticality(labels))
    if found is None:
        incident = _open(this, episode, labels, alert, verdict)
        why, episode.decision = Why("first_of_incident", {"rule": verdict.rule}), "opened"
        if note is not None and note.code == "still_fires":
            incident.recurrence_of = note.facts["incident"]
    else:
        incident, episode.decision = found, "joined"
        this.out.count(this.out.joined, incident, labels.get("alertname", ""), why.code)
    if note is not None:
        why = Why(note.code, {**note.facts, "then": why.code, **why.facts})
    this.out.whys[episode.id] = (why, rejected)
    this.out.decisions[episode.decision] += 1
    _enter(this, incident, episode, labels)
    if found is not None:
        _grade_to(this, incident, verdict, labels)
    for strategy, join_key in zip(this.rules.strategies, keys, strict=True):
        if join_key is not None:
            this.board.slot(f"{strategy.id}\xff{join_key}", this.now, incident.id)


def _find_incident(
    this: Round, labels: Labels, keys: Sequence[str | None], came_from: int
) -> tuple[Incident | None, Why, Why | None]:
    before = this.board.incidents.get(came_from)
    if before is not None and (before.active or _may_relapse(this, before)):
        return before, Why("fired_again", {"incident": before.number}), None
    rejected: Why | None = None
    for strategy, join_key in zip(this.rules.strategies, keys, strict=True):
        slot = this.board.slots.get(f"{strategy.id}\xff{join_key}") if join_key is not None else None
        incident = this.board.incidents.get(slot.incident) if slot else None
        if slot is None or incident is None or not incident.active:
            continue
        why = strategy.why(labels)
        if strategy.window is not None and this.now - slot.last_at > strategy.window:
            late = round((this.now - slot.last_at).total_seconds())
            rejected = rejected or Why("window_over", {"incident": incident.number, "late_s": late, **why.facts})
            continue
        return incident, why, rejected
    return None, Why("none"), rejected


def _may_relapse(this: Round, incident: Incident) -> bool:
    ended = incident.resolved_at
    window = this.rules.correlation.dedup.refire_window
    return incident.state in RELAPSABLE and ended is not None and this.now - ended <= window


def _open(this: Round, episode: Episode, labels: Labels, alert: Alert | None, verdict: Class) -> Incident:
    now = this.now
    summary = alert.annotations.get("summary", "") if alert is not None else ""
    incident = Incident(
        id=this.board.next_id("incident"),
        number=this.board.next_number(now, this.rules.zone),
        title=title_of(labels, summary),
        state=State.ASSIGNED if verdict.rule else State.NEW,
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
    )
    return incident


def title_of(labels: Labels, summary: str) -> str:
    """A title from the alert's summary, else from its name and the thing that it is about."""
    if not summary:
        about = next((labels[n] for n in ("instance", "device", "path", "service", "job") if n in labels), "")
        summary = f"{labels.get('alertname', 'alert')} {about}".strip()
    return " ".join(summary.split())[:_TITLE]


def _enter(this: Round, incident: Incident, episode: Episode, labels: Labels) -> None:
    episode.incident = incident.id
    this.board.members.setdefault(incident.id, set()).add(episode.key)
    incident.open_alerts += 1
    incident.alert_count += 1
    incident.occurred_at = min(incident.occurred_at, episode.starts_at)
    this.out.dirty[incident.id] = incident
    kind = (labels.get("alertname", ""), labels.get("severity", ""))
    this.out.fresh_alerts.setdefault(incident.id, {}).setdefault(kind, labels)
    _choose_root(incident, episode)
    if incident.state in RELAPSABLE:
        _relapse(this, incident)
    elif incident.resolves_at is not None:
        incident.resolves_at = incident.service_restored_at = None
        this.out.tell(incident, "fires_again", alertname=labels.get("alertname", ""))


def _choose_root(incident: Incident, episode: Episode) -> None:
    """The earliest alert, until a better judge is at hand."""
    root = incident.root
    if root is None or episode.starts_at < root["at"]:
        incident.root = {
            "origin": episode.origin,
            "fingerprint": episode.fingerprint,
            "startsAt": episode.starts_text,
            "at": episode.starts_at,
            "why": {"code": "earliest", "facts": {}},
        }


def _relapse(this: Round, incident: Incident) -> None:
    """It was resolved and fires again: back to work, the resolution clock runs on (issue: relapse)."""
    incident.relapse += 1
    incident.relapsed_at = this.now
    incident.resolved_at = incident.service_restored_at = incident.resolves_at = incident.held_until = None
    incident.move(State.IN_PROGRESS if incident.assignee else State.ASSIGNED, this.now)
    this.out.relapsed.add(incident.id)
    this.out.tell(incident, "relapsed", relapse=incident.relapse, assignee=incident.assignee or "")


def _grade(this: Round, incident: Incident, labels: Labels, level: str) -> None:
    criticality = this.rules.criticality(labels)
    verdict = this.rules.classifier.classify(labels, level, criticality)
    _grade_to(this, incident, verdict, labels)


def _grade_to(this: Round, incident: Incident, verdict: Class, labels: Labels) -> None:
    """An alert may raise the severity; the agent never lowers it (procedure R60)."""
    if verdict.severity >= incident.severity:
        return
    before, incident.severity = incident.severity, verdict.severity
    incident.urgency, incident.impact = verdict.urgency, verdict.impact
    this.out.raised.add(incident.id)
    this.out.tell(incident, "severity_raised", was=before, now=incident.severity, alertname=labels.get("alertname", ""))


# ends


def _end(this: Round, episode: Episode, ends_at: datetime, ends_text: str, code: str) -> None:
    """An episode is over; its incident may be, and what it inhibited is looked at again."""
    board, labels = this.board, this.board.labels(episode)
    heartbeat = episode.decision == "heartbeat" and code != "end_untold"
    incident = board.incidents.get(episode.incident)
    member = incident is not None and episode.key in board.members.get(incident.id, ())
    episode.open, episode.ends_at, episode.ends_text, episode.closed_at = False, ends_at, ends_text, this.now
    episode.last_at, episode.expires_at = this.now, None
    board.bury(episode)
    this.out.changed[episode.id] = episode
    _count_change(this, episode.key)
    for reason_key in list(board.suppressed) if episode.decision == "suppressed" else ():
        board.suppressed[reason_key].discard(episode.key)
    freed = board.inhibitors.remove(episode.key, labels)
    if incident is not None and member:
        _leave(this, incident, episode, labels, code)
    if heartbeat:
        miss_beat(this, episode.origin, "watchdog_resolved")
    for held in freed:
        release(this, _held_key(held))


def _leave(this: Round, incident: Incident, episode: Episode, labels: Labels, code: str) -> None:
    incident.open_alerts -= 1
    this.out.count(this.out.ended, incident, labels.get("alertname", ""), code)
    if incident.open_alerts > 0 or not incident.active:
        return
    wait = this.rules.states.auto_recovered.stable_for
    if is_flapping(this, episode.key):
        wait = max(wait, this.rules.correlation.flapping.hold)
        this.out.tell(incident, "flapping", alertname=labels.get("alertname", ""), hold_s=round(wait.total_seconds()))
    incident.service_restored_at = max(incident.occurred_at, episode.ends_at or this.now)
    incident.resolves_at = this.now + wait
    this.out.tell(incident, "service_restored", resolves_at=moment_text(incident.resolves_at))


def _count_change(this: Round, key: Key) -> None:
    policy = this.rules.correlation.flapping
    changes = this.board.changes.setdefault(key, [])
    changes.append(this.now)
    del changes[: -policy.changes]


def is_flapping(this: Round, key: Key) -> bool:
    """Whether an alert has changed often lately (`flapping` in correlation.yaml)."""
    policy = this.rules.correlation.flapping
    changes = this.board.changes.get(key, [])
    return len(changes) >= policy.changes and this.now - changes[0] <= policy.within


def end_episodes(this: Round, episodes: Iterable[Episode], code: str) -> None:
    """Close episodes whose end nobody told: hidden behind a silence or a truncation, found by a pull."""
    for episode in list(episodes):
        _end(this, episode, this.now, "", code)


def expire(this: Round) -> None:
    """Close what its sender has not told again before the end it announced (`POST /api/v2/alerts`)."""
    heap = this.board.expiries
    while heap and heap[0][0] <= this.now:
        _, key = heapq.heappop(heap)
        episode = this.board.episodes.get(key)
        if episode is None or not episode.open or episode.expires_at is None:
            continue
        if episode.expires_at <= this.now:
            _end(this, episode, episode.expires_at, "", "expired")
        else:
            heapq.heappush(heap, (episode.expires_at, key))


def release(this: Round, reason_key: str) -> None:
    """What was suppressed for this reason is looked at again: it opens, joins, or is held for another reason."""
    for key in sorted(this.board.suppressed.pop(reason_key, ())):
        episode = this.board.episodes.get(key)
        if episode is not None and episode.open and episode.decision == "suppressed":
            this.out.changed[episode.id] = episode
            _place(this, episode, this.board.labels(episode), None)


# time


def settle(this: Round) -> None:
    """What time alone decides: expiries, stale suspects, silences that end, heartbeats missed, tombstones."""
    expire(this)
    if NOTHING_HOLDS in this.board.suppressed:
        release(this, NOTHING_HOLDS)
    for suspect in [s for s in this.board.suspects.values() if _suspect_is_old(this, s)]:
        drop_suspect(this, suspect, "not_seen_again")
    for silence in [s for s in this.board.silences.values() if s.ends_at <= this.now]:
        del this.board.silences[silence.id]
        release(this, silence_key(silence.id))
    for origin in this.board.beats:
        _check_beat(this, origin)
    _forget_old(this)


def _suspect_is_old(this: Round, suspect: Episode) -> bool:
    ended = this.board.episodes.get(suspect.key)
    since = ended.closed_at if ended is not None and ended.closed_at else suspect.last_at
    return this.now - since > this.rules.suspect_window(suspect.origin)


def _forget_old(this: Round) -> None:
    keep = this.rules.correlation.dedup.tombstones_for
    tombstones = this.board.tombstones
    while tombstones:
        key = next(iter(tombstones))
        if this.now - tombstones[key] <= keep:
            return
        this.board.forget(key)


# heartbeats of sources


def beat_heard(this: Round, episode: Episode) -> None:
    """A heartbeat was heard: in a message, or shown by a pull."""
    beat = this.board.beats.get(episode.origin)
    this.out.beats.add(episode.origin)
    if beat is None:
        this.board.beats[episode.origin] = Beat(this.now)
        return
    gap = (this.now - beat.last_at).total_seconds()
    if not beat.missed or abs(gap - beat.gap_s) <= gap / 4:
        # An outage is no pace; the same long gap twice is one.
        beat.apart_s = max(gap, beat.apart_s * 0.9)
    beat.gap_s = gap
    if beat.missed:
        this.out.own.append(_silence_alert(this, episode.origin, firing=False))
    beat.last_at, beat.missed = this.now, False


def _silence_alert(this: Round, origin: str, *, firing: bool) -> Alert:
    return own_alert("SourceSilent", {"source": origin}, f"nothing is heard of {origin}", this.now, firing=firing)


def _check_beat(this: Round, origin: str) -> None:
    beat = this.board.beats[origin]
    patience = max(this.rules.correlation.silent_source.after, timedelta(seconds=3 * beat.apart_s))
    if not beat.missed and this.now - beat.last_at >= patience:
        miss_beat(this, origin, "watchdog_missing")


def miss_beat(this: Round, origin: str, code: str) -> None:
    """A source that was heard has fallen silent: nothing of it is taken for recovered until it is heard again."""
    beat = this.board.beats.setdefault(origin, Beat(this.now))
    beat.missed = True
    this.out.beats.add(origin)
    this.out.own.append(_silence_alert(this, origin, firing=True))
    this.out.decisions["heartbeat_missed"] += 1
    for incident in this.board.incidents.values():
        if incident.resolves_at is not None and _speaks_for(this, incident, origin):
            this.out.tell(incident, "source_silent", origin=origin, why=code)


def frozen(this: Round, incident: Incident) -> bool:
    """Whether the source of an incident's alerts is silent, so that their end proves nothing."""
    return any(beat.missed and _speaks_for(this, incident, origin) for origin, beat in this.board.beats.items())


def _speaks_for(this: Round, incident: Incident, origin: str) -> bool:
    return incident.root is not None and incident.root.get("origin") == origin
