"""Alerts move between incidents when a better cause is told, and incidents that were one trouble become one."""

from collections.abc import Collection, Iterable
from itertools import chain

from correlation.apart import kept_apart
from correlation.causes import effects
from correlation.form import AFFECTING, BY_RULE, judge_service
from correlation.growth import comes_in, grows
from correlation.incident import Incident, State, Why
from correlation.outcome import Round
from correlation.rest import fires_no_more, run_on
from correlation.scene import Mark
from correlation.slots import move_slots
from correlation.unwritten import unwritten_effects
from correlation.weighing import nearness, weigh


def taken_over(this: Round, cause: Mark, twins: Iterable[Mark], into: Incident | None) -> list[tuple[Mark, float, int]]:
    """The alerts that this one explains, and better than what they are with; the surest and oldest first.

    `twins` are those of its trouble on the other instances of its service; `into` is where it came in itself.
    """
    if not cause.signal.explains:
        return []
    policy, board = this.rules.correlation.evidence, this.board
    settles_s, starts_at = policy.settles.total_seconds(), cause.starts_at
    earliest = starts_at - policy.settles
    found = []
    nearby = unwritten_effects(cause, board.scene, this.rules, policy.unwritten)
    for mark, hops in chain(effects(cause, twins, board.scene, this.rules, policy.join), nearby):
        if mark.starts_at < earliest:
            continue
        weight = weigh(cause, mark, hops, settles_s, fires=True, least=policy.join)
        if weight < policy.join or (mark.ends_at is not None and mark.ends_at < starts_at):
            continue
        if mark.weight and not _is_better(this, mark, cause, (weight, hops), into):
            continue
        incident = board.incidents.get(mark.incident)
        if incident is None or not incident.active or board.scene.comes_of(cause, mark):
            continue
        if kept_apart(this, cause, mark.incident) is None:
            found.append((mark, weight, hops))
    found.sort(key=lambda one: (-one[1], one[0].id))
    return found


def _is_better(this: Round, mark: Mark, cause: Mark, found: tuple[float, int], into: Incident | None) -> bool:
    """Whether a cause explains an alert better than what it is with; `found` is how surely, from how many steps away.

    In another incident what is nearer counts more.
    """
    (weight, hops), held, by = found, mark.weight, this.rules.correlation.evidence.better_by
    parent = this.board.scene.marks.get(mark.parent) if mark.parent is not None else None
    if parent is None or (into is not None and mark.incident == into.id):
        return weight > held + by
    if parent.item == cause.item and parent.signal.id == cause.signal.id:
        return weight > held + by
    steps = this.rules.register.steps(mark.item, parent.item)
    return weight * nearness(cause, mark, hops) > held * nearness(parent, mark, steps) + by


def may_move(incident: Incident) -> bool:
    """Whether alerts may be taken out again: nobody has taken note of the incident yet."""
    return incident.active and incident.acknowledged_at is None and incident.source != "self"


def take_over(this: Round, cause: Mark, effect: Mark, weight: float, why: Why) -> None:
    """An alert, with all that came of it, is taken to have come of another; its incident may be one with that one's."""
    board = this.board
    if board.scene.comes_of(cause, effect):
        return
    was = board.incidents.get(effect.incident)
    if was is None or effect.incident == cause.incident:
        _come_of(this, effect, cause, weight)
        this.reroot.add(effect.incident)
        return
    if not may_move(was):
        return
    into = board.incidents[cause.incident]
    code = "wave" if why.code == "wave" else "unwritten_better" if why.code == "unwritten" else "better_cause"
    why = Why(code, {"from": was.number, **why.facts, "weight": round(weight, 2)})
    moving = board.scene.under(effect)
    if any(kept_apart(this, mark, into.id) is not None for mark in moving):
        return
    _come_of(this, effect, cause, weight)
    if len(moving) < len(board.scene.of.get(was.id, ())):
        move_slots(this, moving, was, into)
        move(this, moving, was, into, why)
    elif was.id < into.id and may_move(into):
        merge(this, into, was, why)
    else:
        merge(this, was, into, why)


def _come_of(this: Round, effect: Mark, cause: Mark, weight: float) -> None:
    effect.parent, effect.weight = cause.key, weight
    this.out.placed[effect.id] = effect


def merge(this: Round, incident: Incident, into: Incident, why: Why, *, told: bool = False) -> None:
    """Two incidents were one trouble: the first is cancelled, and all its alerts are the second's.

    `told`: a person did it, and the act is on the timeline already.
    """
    scene = this.board.scene
    move(this, list(scene.of.get(incident.id, {}).values()), incident, into, why)
    this.board.pass_slots(incident.id, into.id)
    if not told:
        grows(this, into, Why("grew", {"new": incident.number, "what": "merged"}))
    incident.merged_into = into.number
    incident.move(State.CANCELLED, this.now)
    if not told:
        this.out.tell(incident, "merged", into=into.number)
    this.out.tell(into, "merged_in", number=incident.number)
    this.out.merged.append((incident, into))


def move(this: Round, marks: list[Mark], old: Incident, new: Incident, why: Why) -> None:
    """Have these alerts be another incident's."""
    comes_in(this, new, marks)
    hand_over(this, marks, old, new, why)
    judge_service(new, old.form.get(AFFECTING), old.form.get(BY_RULE, ""))
    if old.severity < new.severity:
        this.out.tell(new, "severity_raised", was=new.severity, now=old.severity, merged=old.number)
        grows(this, new, Why("severity_raised", {"was": new.severity, "now": old.severity}))
        new.severity, new.urgency, new.impact = old.severity, old.urgency, old.impact
        this.out.raised.add(new.id)


def hand_over(this: Round, marks: Collection[Mark], old: Incident, new: Incident, why: Why) -> None:
    """Alerts become another incident's; the one that they leave may have come to rest by that.

    It counts those that it has left; where all leave it, it is over, and still says how many it was about.
    """
    this.board.known.pop(old.id, None)
    goes_on = len(marks) < len(this.board.scene.of.get(old.id, ()))
    for mark in marks:
        this.board.scene.enter(mark, new.id)
        _move_episode(this, mark, old, new, why)
        if goes_on:
            old.discount_alert()
    this.out.dirty[old.id], this.out.dirty[new.id] = old, new
    this.out.regrouped.setdefault(old.id, [])
    this.out.regrouped.setdefault(new.id, []).extend(mark.key for mark in marks)
    if old.active and not old.open_alerts and old.resolves_at is None and this.board.scene.of.get(old.id):
        fires_no_more(this, old, this.rules.states.auto_recovered.stable_for)
    this.reroot |= {old.id, new.id}


def _move_episode(this: Round, mark: Mark, old: Incident, new: Incident, why: Why) -> None:
    board, episode = this.board, this.board.episodes.get(mark.key)
    this.out.whys[mark.id] = (why, None)
    new.count_alert()
    if episode is None or episode.id != mark.id:
        this.out.moved[mark.id] = new.id  # another firing, or only its end, was told since
        if episode is not None and episode.incident == old.id:
            episode.incident = new.id
            this.out.changed[episode.id] = episode
        return
    episode.incident, episode.decision = new.id, "joined"
    this.out.changed[episode.id] = episode
    new.occurred_at = min(new.occurred_at, episode.starts_at)
    if episode.open:
        board.members.get(old.id, {}).pop(episode.key, None)
        board.members.setdefault(new.id, {})[episode.key] = None
        old.open_alerts, new.open_alerts = old.open_alerts - 1, new.open_alerts + 1
        new.resolves_at = None
        run_on(this, new)
