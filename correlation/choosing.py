"""Which open incident an alert belongs to: the evidence of every strategy, put together and held to a threshold."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter

import msgspec

from correlation.apart import kept_apart
from correlation.board import LOOKED_AT
from correlation.incident import Incident, Key, Why, key_of
from correlation.opening import may_relapse
from correlation.outcome import Round
from correlation.scene import Mark
from correlation.signals import Signals
from correlation.strategy import Evidence, Firing

_SHOWN = 4
_WORTH_TELLING = 0.3
_FIRED_AGAIN, _MAY_BE_AGAIN, _HARDLY_AGAIN = 0.96, 0.62, 0.45
_RECOVERED = timedelta(minutes=3)
"""So long after what it came of is over, a symptom that fires again has come of something else."""
_AT_REST = timedelta(seconds=100)
"""So long after it where nothing of its incident fires."""
_ALIKE = 1.12
"""Of two causes about as sure the one in whose incident alerts of this name began at the same time is likelier."""
_Standing = tuple[bool, float, float, Key, int]
_NOBODY = Key("")
_by_weight, _by_strength = attrgetter("weight"), attrgetter("strong", "weight")


class Choice(msgspec.Struct):
    """Where an alert belongs (None: nowhere yet), why, and the best that was rejected.

    `weight` is how sure that is by what is strong, where anything is: what a better cause has to surpass.
    """

    incident: Incident | None
    why: Why
    weight: float = 0.0
    parent: Key | None = None
    rejected: Why | None = None
    wave: Sequence[Mark] = ()
    """The wave that it comes in, what began first first."""


def choose(this: Round, firing: Firing, keys: Sequence[str | None], came_from: int, before: Mark | None) -> Choice:
    """The incident whose evidence, put together, is the surest; none where it falls short.

    `keys` are the alert's join keys, one per strategy, as the board's slots have them; `came_from` is the incident of
    its last firing, `before` that firing.
    """
    found: dict[int, list[Evidence]] = {}
    rejected = _gather(this, firing, keys, came_from, before, found)
    apart = _leave_apart(this, firing, came_from, found) if this.board.lessons.apart else None
    if not found:
        return Choice(None, Why("none"), rejected=apart or rejected)
    (fails, _, score, _, best), second = _two_best(found)
    evidence, score = found[best], -score
    if fails or score < this.rules.correlation.evidence.join:
        return Choice(None, Why("none"), rejected=apart or _short(this, evidence, score) or rejected)
    if apart is not None:
        rejected = apart
    elif second is not None:
        rejected = _short(this, found[second[-1]], -second[2]) or rejected
    why = max(evidence, key=_by_strength).tell()
    facts = {**why.facts, "weight": round(score, 2), "evidence": _shown(evidence)}
    parent = next((e.of for e in sorted(evidence, key=_by_weight, reverse=True) if e.of is not None), None)
    weight = _score(evidence)[1] or score
    return Choice(this.board.incidents[best], Why(why.code, facts), weight, parent, rejected)


def _leave_apart(this: Round, firing: Firing, came_from: int, found: dict[int, list[Evidence]]) -> Why | None:
    """Drop the incidents that a person keeps apart from this alert; the reason of the first."""
    apart: Why | None = None
    for incident in found.keys() - {came_from}:
        why = kept_apart(this, firing.mark, incident)
        if why is not None:
            apart = apart or why
            del found[incident]
    return apart


def _two_best(found: Mapping[int, Sequence[Evidence]]) -> tuple[_Standing, _Standing | None]:
    """Where the surest incident stands, and the next."""
    if len(found) == 1:
        ((incident, evidence),) = found.items()
        return _standing(evidence, incident), None
    best, second = sorted([_standing(evidence, incident) for incident, evidence in found.items()])[:2]
    return best, second


def _standing(evidence: Sequence[Evidence], incident: int) -> _Standing:
    """Where an incident stands among others, the surest first; of equals, whoever was told first counts last."""
    joins, _, score = _score(evidence)
    strong = max((e.weight * e.near for e in evidence if e.strong), default=0.0)
    if len(evidence) == 1:
        return not joins, -strong, -score, evidence[0].of or _NOBODY, incident
    if any(e.kind == "text" for e in evidence):
        strong *= _ALIKE
    return not joins, -strong, -score, min((e.of for e in evidence if e.of is not None), default=_NOBODY), incident


def _gather(
    this: Round,
    firing: Firing,
    keys: Sequence[str | None],
    came_from: int,
    before: Mark | None,
    found: dict[int, list[Evidence]],
) -> Why | None:
    """Collect what speaks for each incident; what is told of one whose window is over, where there is one."""
    board, over = this.board, None
    again = board.incidents.get(came_from) if came_from else None
    if again is not None and (again.active or may_relapse(this, again)):
        found[again.id] = [_fired_again(this, firing, again, before)]
    may_share = not is_clear(this.rules.signals, firing.mark)
    alike: Set[int] = _begun_with(this, firing.mark) if may_share else frozenset()
    for strategy, key in zip(this.rules.strategies, keys, strict=True):
        slot = board.slots.get(key) if key is not None else None
        if slot is None or not (strategy.strong or may_share):
            continue
        since = this.now - strategy.window if strategy.window is not None else None
        tell = partial(strategy.why, firing.labels)
        holders = slot.holders if slot.earlier else ((slot.incident, slot.last_at),)
        for number, last_at in holders[: 1 if strategy.strong else LOOKED_AT]:
            incident = board.incidents.get(number)
            if incident is None or incident is again or not incident.active:
                continue
            if since is not None and last_at < since:
                over = over or _window_over(this, incident, last_at, tell())
            elif strategy.strong or (number in alike and _may_share(this, firing.mark, incident)):
                evidence = Evidence(strategy.kind, strategy.weight, number, tell, strong=strategy.strong)
                found.setdefault(number, []).append(evidence)
    for finder in this.rules.finders:
        for evidence in finder.find(firing, board, this.rules):
            found.setdefault(evidence.incident, []).append(evidence)
    return over


def _fired_again(this: Round, firing: Firing, incident: Incident, before: Mark | None) -> Evidence:
    """It belongs where it was; what may come of something else only until a better explanation is at hand."""
    sure = firing.mark.signal.id not in this.rules.signals.symptoms or not firing.mark.item
    parent = before.parent if before is not None and before.incident == incident.id else None
    tell = partial(Why, "fired_again", {"incident": incident.number})
    if sure:
        return Evidence("history", _FIRED_AGAIN, incident.id, tell, of=parent)
    weight = _HARDLY_AGAIN if _has_recovered(this, firing.mark, before, incident) else _MAY_BE_AGAIN
    return Evidence("topology", weight, incident.id, tell, of=parent)


def _has_recovered(this: Round, mark: Mark, before: Mark | None, incident: Incident) -> bool:
    """Whether its last firing in this incident is over for long, or all of it is and so is what that firing came of."""
    if before is None or before.incident != incident.id or before.ends_at is None or before.parent is None:
        return False
    cause = this.board.scene.marks.get(before.parent)
    if cause is None:
        return False
    if mark.starts_at - before.ends_at > _RECOVERED:
        return True
    return not incident.open_alerts and cause.ends_at is not None and mark.starts_at - cause.ends_at > _AT_REST


def _window_over(this: Round, incident: Incident, last_at: datetime, why: Why) -> Why:
    late = round((this.now - last_at).total_seconds())
    return Why("window_over", {"incident": incident.number, "late_s": late, **why.facts})


def is_clear(signals: Signals, mark: Mark) -> bool:
    """Whether it is of a kind that comes of nothing else: weak evidence does not count for it."""
    return mark.signal.id not in signals.symptoms and mark.signal.id != signals.other.id


def _may_share(this: Round, mark: Mark, incident: Incident) -> bool:
    """Whether both may come of something unseen: what is written does not keep them apart."""
    root = root_mark(this, incident)
    if root is None:
        return True
    if abs(mark.starts_at - root.starts_at) > 2 * this.rules.correlation.evidence.wave_within:
        return False
    return not this.rules.register.written or this.rules.register.kin(mark.item, root.item)


def _begun_with(this: Round, mark: Mark) -> Set[int]:
    """The incidents in which a trouble of its kind began at about the same time: both may come of something unseen."""
    within = this.rules.correlation.evidence.wave_within
    alike = this.board.scene.nearby.of(mark.scope, mark.signal.id).newest()
    return {other.incident for other in alike if abs(other.starts_at - mark.starts_at) <= within}


def root_mark(this: Round, incident: Incident) -> Mark | None:
    """The mark of the alert that is taken for an incident's root."""
    root = incident.root
    return this.board.scene.marks.get(key_of(root["origin"], root["fingerprint"])) if root is not None else None


def _score(evidence: Sequence[Evidence]) -> tuple[bool, float, float]:
    """Whether it may join at all; the surest of the strong kinds; and the noisy-or over all kinds, the best of each.

    What is weak decides only where nothing strong does.
    """
    if len(evidence) == 1:
        weight = round(evidence[0].weight, 6)
        return evidence[0].strong, weight if evidence[0].strong else 0.0, weight
    best: dict[str, Evidence] = {}
    for one in evidence:
        known = best.get(one.kind)
        if known is None or one.weight > known.weight:
            best[one.kind] = one
    strong, none = 0.0, 1.0
    for one in best.values():
        none *= 1 - one.weight
        if one.strong:
            strong = max(strong, one.weight)
    return strong > 0 or len(best) > 1, round(strong, 6), round(1 - none, 6)


def _short(this: Round, evidence: Sequence[Evidence], score: float) -> Why | None:
    """The best candidate that was rejected, where it is worth telling."""
    if score < _WORTH_TELLING:
        return None
    incident = this.board.incidents[evidence[0].incident]
    needed = this.rules.correlation.evidence.join
    facts = {"incident": incident.number, "weight": round(score, 2), "needed": needed, "evidence": _shown(evidence)}
    return Why("evidence_short", facts)


def _shown(evidence: Sequence[Evidence]) -> dict[str, float]:
    if len(evidence) == 1:
        return {evidence[0].kind: round(evidence[0].weight, 2)}
    best = sorted(evidence, key=_by_weight, reverse=True)[:_SHOWN]
    return {e.kind: round(e.weight, 2) for e in reversed(best)}
