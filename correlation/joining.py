"""Where a firing belongs: held back, joined to an incident that is open, or the first of its own."""

from functools import lru_cache
from hashlib import blake2b

import msgspec

from collectors.alert import Alert
from collectors.labels import Labels
from correlation.board import Board
from correlation.causes import causes
from correlation.choosing import Choice, choose, root_mark
from correlation.classify import Class
from correlation.growth import comes_in
from correlation.holding import suppression
from correlation.incident import Episode, Incident, Why
from correlation.merging import take_over, taken_over
from correlation.opening import enter, grade_to, open_incident
from correlation.outcome import Round, Rules
from correlation.place import Place
from correlation.root import worth_of
from correlation.scene import Mark, Scene
from correlation.slots import hold, keys_of, take_keys
from correlation.storm import has_opened, taken_in
from correlation.storm_state import Storm
from correlation.strategy import Firing
from correlation.together import CONFIRMING, learn_joined, see
from correlation.wave import come_in_wave, gather, note_wave
from correlation.weighing import UNWRITTEN, because, weigh

NOT_PLACED = frozenset({"suppressed", "stale", "heartbeat", "suspect"})
"""The decisions about alerts that came into no incident."""


@lru_cache(maxsize=1000)
def hash_of(group: str) -> str:
    """A group of a sender, in few characters."""
    return blake2b(group.encode(), digest_size=8).hexdigest() if group else ""


def place(
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


def _join_or_open(
    this: Round, episode: Episode, labels: Labels, alert: Alert | None, *, note: Why | None, came_from: int
) -> None:
    verdict = this.rules.class_of(episode, labels)
    before = this.board.scene.marks.get(episode.key)
    firing = firing_of(this, episode, labels, verdict, hash_of(alert.group) if alert is not None else "")
    keys = keys_of(this.rules, firing)
    choice = choose(this, firing, keys, came_from, before)
    effects = taken_over(this, firing.mark, firing.twins, choice.incident)
    lets_out = _explained_by_nothing(this, firing, verdict, choice, effects) if choice.incident is None else None
    incident, why = choice.incident, choice.why
    if incident is None:
        summary = alert.annotations.get("summary", "") if alert is not None else ""
        incident = open_incident(this, episode, labels, summary, verdict, firing.scope)
        if lets_out is not None:
            lets_out.note_let_out(incident.number)
        why, episode.decision = Why("first_of_incident", {"rule": verdict.rule}), "opened"
        if note is not None and note.code == "still_fires":
            incident.recurrence_of = note.facts["incident"]
    else:
        episode.decision = "joined"
        if before is None or before.incident != incident.id:
            comes_in(this, incident, [firing.mark])
        this.out.count(this.out.joined, incident, labels.get("alertname", ""), why.code)
    why = why if note is None else Why(note.code, {**note.facts, "then": why.code, **why.facts})
    this.out.whys[episode.id] = (why, choice.rejected)
    this.out.decisions[episode.decision] += 1
    if before is not None and before.incident != incident.id:
        this.reroot.add(before.incident)
    take_keys(this, firing.mark, keys, before, incident.id)
    _stand(this, firing.mark, incident, choice)
    enter(this, incident, episode, labels)
    if episode.decision == "joined":
        grade_to(this, incident, verdict, labels)
    for effect, weight, hops in effects:
        take_over(this, firing.mark, effect, weight, because(firing.mark, effect, hops))
    note_wave(this.board, this.rules.signals, firing.mark)
    if choice.wave:
        gather(this, choice.wave)
    if episode.decision == "opened":
        has_opened(this, firing, incident)
    _learn(this, firing, choice, effects)


def _learn(this: Round, firing: Firing, choice: Choice, effects: list[tuple[Mark, float, int]]) -> None:
    """What came together by rule or topology is learned."""
    is_written = any(hops != UNWRITTEN for _, _, hops in effects)
    if choice.why.code in CONFIRMING or is_written:
        into = this.board.incidents[firing.mark.incident]
        learn_joined(this, into, this.board.scene.under(firing.mark) if is_written else (firing.mark,))
    see(this.board, firing.scope, firing.mark)


def _explained_by_nothing(
    this: Round, firing: Firing, verdict: Class, choice: Choice, effects: list[tuple[Mark, float, int]]
) -> Storm | None:
    """It may still explain others, or come in a wave or a storm; returns the storm that lets it out."""
    _adopt(this, choice, effects)
    if choice.incident is None:
        come_in_wave(this, choice, firing.mark)
    came = taken_in(this, firing, verdict) if choice.incident is None else None
    if came is None:
        return None
    storm, is_let_out = came
    if is_let_out:
        choice.rejected = Why("let_out", {"incident": storm.number, "place": storm.storm})
        return storm.storming
    choice.incident, choice.why = storm, Why("storm", {"place": storm.storm})
    return None


def belongs(this: Round, ended: Episode, alert: Alert) -> Choice:
    """Where a firing that was over before it was told would have come; it opens and explains nothing any more."""
    labels = alert.labels
    if suppression(this, ended, labels) is not None:
        return Choice(None, Why("none"))
    verdict = this.rules.class_of(ended, labels)
    mark = mark_of(this.rules, ended, labels, verdict)
    twins = this.board.scene.of_twins(mark, this.rules.register)
    firing = Firing(labels, mark, mark.scope, hash_of(alert.group), twins)
    return choose(this, firing, keys_of(this.rules, firing), 0, None)


def firing_of(this: Round, episode: Episode, labels: Labels, verdict: Class, group: str) -> Firing:
    """An alert as strategies see it, put on the scene."""
    mark = mark_of(this.rules, episode, labels, verdict)
    mark.placed_at, mark.group = this.now, group
    this.board.scene.put(mark)
    return Firing(labels, mark, mark.scope, group, this.board.scene.of_twins(mark, this.rules.register))


def mark_of(rules: Rules, episode: Episode, labels: Labels, verdict: Class) -> Mark:
    """An alert as it stands on the scene."""
    signal, name = rules.signals.of(verdict), labels.get("alertname", "")
    item, kind = rules.register.subject_and_kind(labels, signal.on)
    signal = rules.signals.about(signal, kind)
    wait = rules.correlation.waits.get(name)
    return Mark(
        key=episode.key,
        id=episode.id,
        name=name,
        item=item,
        signal=signal,
        scope=rules.register.scope(labels, episode.origin),
        starts_at=episode.starts_at,
        began_at=episode.starts_at - wait if wait else episode.starts_at,
        severity=verdict.severity,
        worth=worth_of(signal.prior, verdict.severity),
        ends_at=episode.ends_at,
        starts_written=episode.starts_written,
    )


def remember(board: Board, rules: Rules, episode: Episode, place: Place) -> None:
    """Put an alert read from the store on the scene, in its place in the tree of its incident.

    Where its incident is not on the board, what its labels say of items is learned alone. Alerts come in the order in
    which they were placed.
    """
    incident = board.incidents.get(episode.incident)
    labels = board.labels(episode)
    verdict = rules.class_of(episode, labels)
    mark = mark_of(rules, episode, labels, verdict)
    if incident is None:
        return
    mark.placed_at, mark.group = place.since, place.group
    episode.incident = incident.id  # the number as one object: all alerts of an incident hold it
    board.scene.put(mark)
    board.scene.enter(mark, incident.id)
    firing = Firing(labels, mark, mark.scope, place.group)
    see(board, firing.scope, mark)
    if place.placed_at is not None:
        parent = board.episodes.get(place.parent) if place.parent is not None else None
        mark.parent, mark.weight = parent.key if parent is not None else place.parent, place.weight
    else:
        _find_parent(board, rules, mark)
    note_wave(board, rules.signals, mark)
    if incident.active:
        hold(board, keys_of(rules, firing), place.since, incident.id)


def remember_keys(board: Board, rules: Rules, episode: Episode, place: Place, incident: int) -> None:
    """An earlier firing of an alert read from the store: its incident has the group that it was told in.

    What its labels say belongs where the last firing is.
    """
    held = board.incidents.get(incident)
    if held is None or not held.active:
        return
    labels = board.labels(episode)
    verdict = rules.class_of(episode, labels)
    mark = mark_of(rules, episode, labels, verdict)
    firing = Firing(labels, mark, mark.scope, place.group)
    of_labels = keys_of(rules, msgspec.structs.replace(firing, group=""))
    hold(board, (key for key in keys_of(rules, firing) if key not in of_labels), place.since, incident, alerts=0)


def _find_parent(board: Board, rules: Rules, mark: Mark) -> None:
    """An older release did not write what an alert came of: the surest that its incident has is taken for it."""
    settles_s = rules.correlation.evidence.settles.total_seconds()
    fires = board.incidents[mark.incident].open_alerts > 0
    found = [
        (weigh(cause, mark, hops, settles_s, fires=fires), -cause.id, cause)
        for cause, hops in causes(mark, board.scene.of_twins(mark, rules.register), board.scene, rules)
        if cause.incident == mark.incident
    ]
    weight, _, parent = max(found, default=(0.0, 0, mark))
    if weight >= rules.correlation.evidence.join and not board.scene.comes_of(parent, mark):
        mark.parent, mark.weight = parent.key, weight


def _adopt(this: Round, choice: Choice, effects: list[tuple[Mark, float, int]]) -> None:
    """A cause that is told after its effects comes into their incident, rather than open one more."""
    roots = [effect for effect in effects if effect[0].parent is None]
    if roots:
        mark, weight, hops = min(roots, key=lambda found: found[0].incident)
        choice.incident = this.board.incidents[mark.incident]
        facts = {
            "alertname": mark.name,
            "item": mark.item,
            "weight": round(weight, 2),
            "evidence": {"topology": round(weight, 2)},
        }
        choice.why = Why("brought_about" if hops != UNWRITTEN else "unwritten_effect", facts)


def _stand(this: Round, mark: Mark, incident: Incident, choice: Choice) -> None:
    """Give an alert its place in the tree of its incident."""
    scene = this.board.scene
    scene.enter(mark, incident.id)
    this.out.placed[mark.id] = mark
    # Words and groups alone join to a storm what nothing in it explains: that is nobody's effect.
    if choice.weight and (choice.parent is not None or incident.storm is None):
        parent = scene.marks.get(choice.parent) if choice.parent is not None else root_mark(this, incident)
        if parent is not None and parent.incident == incident.id and not scene.comes_of(parent, mark):
            mark.parent, mark.weight = _first_of_its_kind(scene, parent, mark).key, choice.weight


def _first_of_its_kind(scene: Scene, parent: Mark, mark: Mark) -> Mark:
    """Of equal troubles on one item the first is the parent of the others: no chain grows with their number."""
    above = scene.marks.get(parent.parent) if parent.parent is not None else None
    if above is None or above.incident != mark.incident or above.item != parent.item:
        return parent
    return above if above.signal.id == parent.signal.id == mark.signal.id else parent


def release(this: Round, reason_key: str) -> None:
    """What was suppressed for this reason is looked at again: it opens, joins, or is held for another reason."""
    for key in sorted(this.board.suppressed.pop(reason_key, ())):
        episode = this.board.episodes.get(key)
        if episode is not None and episode.open and episode.decision == "suppressed":
            this.out.changed[episode.id] = episode
            place(this, episode, this.board.labels(episode), None)
