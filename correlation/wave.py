"""A wave: a trouble that comes of nothing else begins on several items of one place within moments, and so is one.

What may come of something else is one where its items stand on one thing, of which it may come.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import timedelta

from correlation.apart import kept_apart
from correlation.board import Board
from correlation.choosing import Choice, is_clear
from correlation.incident import Key, Why
from correlation.lessons import kind_of
from correlation.merging import take_over
from correlation.outcome import Round
from correlation.scene import Mark
from correlation.signals import Signals
from correlation.storming import is_storming

_SURE = 0.62
"""How sure it is that the others of a wave came of what its first came of: what explains one of them is surer."""
_NEWEST = 16
_PROGRAMS = frozenset({"service", "instance", "pod", "database"})
"""What runs somewhere: hubs do not glue what runs on them."""
_SHARE = 3
"""Of what stands on one thing so great a part has a wave that may come of it: a third."""
MOST_WAVES = 10_000


def note_wave(board: Board, signals: Signals, mark: Mark) -> None:
    """Remember an alert that came of nothing, or of one of its kind: others of its kind may follow."""
    if is_clear(signals, mark) and mark.item and _leads(board, mark):
        board.waves.setdefault((mark.scope, kind_of(mark.name)), deque(maxlen=_NEWEST)).append(mark.key)
        if len(board.waves) > MOST_WAVES:
            del board.waves[next(iter(board.waves))]


def come_in_wave(this: Round, choice: Choice, mark: Mark) -> None:
    """Choose the incident of the first of its wave for an alert that nothing explains, where it comes in one."""
    wave, on = _wave_of(this, mark)
    if not wave:
        return
    first = next(m for m in wave if m is not mark)
    facts = {"alertname": mark.name, "count": len(wave), "weight": _SURE}
    why = Why("wave", facts | {"on": on} if on else facts)
    choice.incident, choice.why, choice.wave = this.board.incidents[first.incident], why, wave
    if first is wave[0]:
        choice.weight, choice.parent = _SURE, first.parent or first.key  # one head: no chain grows with their number


def gather(this: Round, wave: Sequence[Mark]) -> None:
    """The alerts of a wave are one trouble: what the others opened comes to the first."""
    first, *others = wave
    for mark in others:
        if mark.parent is None:
            take_over(this, first, mark, _SURE, Why("wave", {"alertname": first.name, "count": len(wave)}))


def _wave_of(this: Round, mark: Mark) -> tuple[Sequence[Mark], str]:
    """The wave that an alert comes in, what began first first, and on what it has all its items; () where in none."""
    evidence = this.rules.correlation.evidence
    if not evidence.wave_of or not mark.item or is_storming(this):
        return (), ""
    if not is_clear(this.rules.signals, mark):
        return _on_one_thing(this, mark)
    enough, keys = mark.signal.wave_of or evidence.wave_of, this.board.waves.get((mark.scope, kind_of(mark.name)), ())
    if len(keys) + 1 < enough:
        return (), ""
    wave = _linked(_in_order(mark, _at_hand(this, mark, keys)), mark, evidence.wave_within)
    return (wave if len(_items(wave)) >= enough else ()), ""


def _on_one_thing(this: Round, mark: Mark) -> tuple[Sequence[Mark], str]:
    """The wave of a trouble that may come of something else: hosts have it that are a third of what is on one thing."""
    register, evidence = this.rules.register, this.rules.correlation.evidence
    enough = mark.signal.wave_of or evidence.wave_of
    if register.kind(mark.item) in _PROGRAMS:
        return (), ""
    near = this.board.scene.nearby.of(mark.scope, mark.signal.id)
    told = _in_order(mark, _at_hand(this, mark, [m.key for m in near.newest()]))
    if len(_items(told)) < enough:
        return (), ""
    for thing, hops in register.above(mark.item):
        if hops > 1:
            break
        on_it = next(iter(register.rings_below(thing)), ())
        wave = _linked([m for m in told if m.item in on_it], mark, evidence.wave_within)
        if len(_items(wave)) >= max(enough, len(on_it) / _SHARE):
            return wave, thing
    return (), ""


def _in_order(mark: Mark, others: Iterable[Mark]) -> Sequence[Mark]:
    return sorted([mark, *others], key=lambda m: (m.starts_at, m.key))


def _items(wave: Iterable[Mark]) -> Set[str]:
    return {mark.item for mark in wave}


def _at_hand(this: Round, mark: Mark, keys: Sequence[Key]) -> Iterator[Mark]:
    """Those of its kind that still came of nothing else, in incidents that may become one with its own."""
    board = this.board
    for key in dict.fromkeys(keys):
        other = board.scene.marks.get(key)
        incident = board.incidents.get(other.incident) if other is not None else None
        if other is None or other is mark or incident is None or incident.storm is not None:
            continue
        if incident.active and _leads(board, other) and kept_apart(this, mark, incident.id) is None:
            yield other


def _leads(board: Board, mark: Mark) -> bool:
    """Whether it came of nothing, or of one of its kind."""
    parent = board.scene.marks.get(mark.parent) if mark.parent is not None else None
    return parent is None or parent.signal.id == mark.signal.id


def _linked(told: Sequence[Mark], mark: Mark, within: timedelta) -> Sequence[Mark]:
    """Of these, in the order in which they began, those that steps of no more than `within` link to one."""
    first = last = told.index(mark)
    while first and told[first].starts_at - told[first - 1].starts_at <= within:
        first -= 1
    while last + 1 < len(told) and told[last + 1].starts_at - told[last].starts_at <= within:
        last += 1
    return told[first : last + 1]
