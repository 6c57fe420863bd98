"""Which open incident an alert belongs to: the evidence of every strategy, put together and held to a threshold."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from correlation.apart import kept_apart
from correlation.incident import Incident, Why
from correlation.opening import may_relapse
from correlation.outcome import Round
from correlation.scene import Key, Mark
from correlation.strategy import Evidence, Firing, Strategy

_SHOWN = 4
_WORTH_TELLING = 0.3
_FIRED_AGAIN, _MAY_BE_AGAIN = 0.96, 0.62


class Choice(msgspec.Struct):
    """Where an alert belongs (None: nowhere yet), why, and the best that was rejected.

    `weight` is how sure that is by what is strong, where anything is: what a better cause has to surpass.
    """

    incident: Incident | None
    why: Why
    weight: float = 0.0
    parent: Key | None = None
    rejected: Why | None = None


def choose(this: Round, firing: Firing, keys: Sequence[str | None], came_from: int, before: Mark | None) -> Choice:
    """The incident whose evidence, put together, is the surest; none where it falls short.

    `keys` are the alert's join keys, one per strategy; `came_from` is the incident of its last firing, `before` that
    firing.
    """
    found: dict[int, list[Evidence]] = {}
    rejected: Why | None = None
    apart: Why | None = None
    for evidence in _gather(this, firing, keys, came_from, before):
        if evidence.weight > 0:
            found.setdefault(evidence.incident, []).append(evidence)
        elif evidence.why.code == "window_over":
            rejected = rejected or evidence.why
    if this.board.lessons.apart:
        for incident in found.keys() - {came_from}:
            why = kept_apart(this, firing.mark, incident)
            if why is not None:
                apart = apart or why
                del found[incident]
    if not found:
        return Choice(None, Why("none"), rejected=apart or rejected)
    ranked = sorted([_placed(all_, incident) for incident, all_ in found.items()])
    best, (joins, strong, score) = ranked[0][-1], _score(found[ranked[0][-1]])
    if not joins or score < this.rules.correlation.evidence.join:
        return Choice(None, Why("none"), rejected=apart or _short(this, found[best], score) or rejected)
    if apart is not None:
        rejected = apart
    elif len(ranked) > 1:
        rejected = _short(this, found[ranked[1][-1]], -ranked[1][2]) or rejected
    evidence = max(found[best], key=lambda e: (e.strong, e.weight))
    facts = {**evidence.why.facts, "weight": round(score, 2), "evidence": _shown(found[best])}
    why = Why(evidence.why.code, facts)
    parent = next((e.of for e in sorted(found[best], key=lambda e: -e.weight) if e.of is not None), None)
    return Choice(this.board.incidents[best], why, strong or score, parent, rejected)


def _gather(
    this: Round, firing: Firing, keys: Sequence[str | None], came_from: int, before: Mark | None
) -> Iterator[Evidence]:
    again = this.board.incidents.get(came_from)
    if again is not None and (again.active or may_relapse(this, again)):
        yield _fired_again(this, firing, again, before)
    for strategy, key in zip(this.rules.strategies, keys, strict=True):
        slot = this.board.slots.get(f"{strategy.id}\xff{key}") if key is not None else None
        for number, last_at in slot.holders if slot is not None else ():
            incident = this.board.incidents.get(number)
            if incident is not None and incident.active and incident is not again:
                yield _of_slot(this, firing, strategy, last_at, incident)
    for finder in this.rules.finders:
        yield from finder.find(firing, this.board, this.rules)


def _fired_again(this: Round, firing: Firing, incident: Incident, before: Mark | None) -> Evidence:
    """It belongs where it was; what may come of something else only until a better explanation is at hand."""
    sure = firing.mark.signal.id not in this.rules.signals.symptoms or not firing.mark.item
    parent = before.parent if before is not None and before.incident == incident.id else None
    why = Why("fired_again", {"incident": incident.number})
    if sure:
        return Evidence("history", _FIRED_AGAIN, incident.id, why, of=parent)
    return Evidence("topology", _MAY_BE_AGAIN, incident.id, why, of=parent)


def _of_slot(this: Round, firing: Firing, strategy: Strategy, last_at: datetime, incident: Incident) -> Evidence:
    why, weight = strategy.why(firing.labels), strategy.weight
    late = this.now - last_at
    if strategy.window is not None and late > strategy.window:
        facts = {"incident": incident.number, "late_s": round(late.total_seconds()), **why.facts}
        why, weight = Why("window_over", facts), 0.0
    elif not strategy.strong and not _may_share(this, firing.mark, incident):
        weight = 0.0
    return Evidence(strategy.kind, weight, incident.id, why, strong=strategy.strong)


def _may_share(this: Round, mark: Mark, incident: Incident) -> bool:
    """Whether weak evidence counts: both may come of something unseen, and what is written does not keep them apart."""
    rules = this.rules
    if mark.signal.id not in rules.signals.symptoms and mark.signal is not rules.signals.other:
        return False
    root = root_mark(this, incident)
    return root is None or rules.register.kin(mark.item, root.item)


def root_mark(this: Round, incident: Incident) -> Mark | None:
    """The mark of the alert that is taken for an incident's root."""
    root = incident.root
    return this.board.scene.marks.get((root["origin"], root["fingerprint"])) if root is not None else None


def _score(evidence: Sequence[Evidence]) -> tuple[bool, float, float]:
    """Whether it may join at all; the noisy-or over strong kinds; and over all kinds, the best of each.

    What is weak decides only where nothing strong does.
    """
    best: dict[str, tuple[float, bool]] = {}
    for one in evidence:
        if one.kind not in best or one.weight > best[one.kind][0]:
            best[one.kind] = (one.weight, one.strong)
    strong = all_ = 1.0
    for weight, is_strong in best.values():
        all_ *= 1 - weight
        if is_strong:
            strong *= 1 - weight
    return strong < 1 or len(best) > 1, round(1 - strong, 6), round(1 - all_, 6)


def _placed(evidence: Sequence[Evidence], incident: int) -> tuple[bool, float, float, Key, int]:
    """Where an incident stands among others, the surest first; of equals, whoever was told first counts last."""
    joins, strong, score = _score(evidence)
    return not joins, -strong, -score, min((e.of for e in evidence if e.of is not None), default=("", "")), incident


def _short(this: Round, evidence: Sequence[Evidence], score: float) -> Why | None:
    """The best candidate that was rejected, where it is worth telling."""
    if score < _WORTH_TELLING:
        return None
    incident = this.board.incidents[evidence[0].incident]
    facts = {"incident": incident.number, "weight": round(score, 2), "needed": this.rules.correlation.evidence.join}
    return Why("evidence_short", {**facts, "evidence": _shown(evidence)})


def _shown(evidence: Sequence[Evidence]) -> dict[str, float]:
    best = sorted(evidence, key=lambda e: -e.weight)[:_SHOWN]
    return {e.kind: round(e.weight, 2) for e in reversed(best)}
