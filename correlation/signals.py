"""What kind of trouble an alert tells of, and which kinds of trouble it can bring about."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from collectors.remembering import Held
from collectors.rule import Rule, Span, parse_span
from correlation.classify import Class

OTHER = "other"
_SYMPTOM = 0.8
"""What comes of another trouble with less certainty is mostly a trouble of its own."""
_NONE: frozenset[str] = frozenset()
_MOST_FOUND = 10_000


class Signal(Rule):
    """One kind of trouble.

    `of` names classification rules and categories (`network` stands for `network/…` too); the rule is asked first.
    `explains` says how sure it is, from 0 to 1, that a trouble of another kind comes of this one, on the same item or
    on one that depends on it. `prior` is how likely an alert of this kind is the root of its incident.
    """

    id: str
    of: list[str] = []
    on: list[str] = []
    """The kinds of item it is about, where its labels name several."""
    explains: dict[str, float] = {}
    prior: float = Field(default=0.3, ge=0, le=1)
    fades: Span = parse_span("1h")
    """After this long it explains half as much."""
    lingers: bool = False
    """Its end proves little: who would tell has lost its power. It explains as long as its incident fires."""
    peers: bool = False
    """It has another end: it may come of a trouble of any other item of its kind."""
    through: list[str] = []
    """It is told through things of these kinds that stand on the item: their trouble may be all it is."""
    not_through: list[str] = []
    """Of these troubles of what it is told through it does not come: they are what callers see."""
    wide: bool = False
    """Everything in its place may stand on it, and nobody writes that down: name service, cooling, the way out."""
    relieves: list[str] = []
    """What it keeps off things of these kinds falls on them: those that stand on its item stand on them too."""
    wave_of: int = Field(default=0, ge=0)
    """Begun on so many items of one place at once it is one trouble; 0: on so many as `evidence` says."""
    by_kind: dict[str, str] = {}
    """The signal that it is of an item of this kind (`*`: of any other, `""`: of none); what does not answer may be
    anything."""
    mutes: bool = False
    """It silences what tells of its item: what was told of that moments before has not ended by being told no more."""
    at_once: bool = False
    """It is told soon after what it came of or not at all: as its cause fades beside others, so it does for it."""
    afterwards: bool = False
    """It is told when what it came of may be over, as that a host has started again: that explains it no less."""


class Signals:
    """The signals of a configuration, looked up by class; and what each can be explained by."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.by_id: Mapping[str, Signal] = {s.id: s for s in signals}
        self.other = self.by_id.get(OTHER) or Signal(id=OTHER)
        self._of = {name: s for s in reversed(signals) for name in s.of}
        self._found: dict[tuple[str, str], Signal] = {}
        self._explained: dict[tuple[str, float], frozenset[str]] = {}
        self._others: dict[tuple[str, float], frozenset[str]] = {}
        self._roots: dict[tuple[str, float, float], Sequence[str]] = {}
        self._through: dict[tuple[str, str], frozenset[str]] = {}
        self._beneath: dict[str, frozenset[str]] = {}
        self._ends: dict[str, frozenset[str]] = {}
        self._beside: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
        told = {name for s in signals for name, sure in s.explains.items() if s.id != name and sure >= _SYMPTOM}
        self.symptoms = frozenset(told)
        """The signals that something else has often brought about."""
        by: dict[str, set[str]] = {}
        for signal in signals:
            for name, weight in signal.explains.items():
                if weight > 0:
                    by.setdefault(name, set()).add(signal.id)
        self._explaining = {name: frozenset(found) for name, found in by.items()}
        self.relieving = frozenset(s.id for s in signals if s.relieves)
        """The signals of what keeps work off other things."""

    def of(self, verdict: Class) -> Signal:
        """The signal of an alert of this class."""
        key = verdict.trouble or (verdict.rule, verdict.category)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _MOST_FOUND:
                self._found.clear()
            found = self._found[key] = self._look_up(*key)
        return found

    def about(self, signal: Signal, kind: str) -> Signal:
        """The signal of an alert, now that the kind of its item is known."""
        name = signal.by_kind.get(kind) or signal.by_kind.get("*") if signal.by_kind else None
        return self.by_id.get(name, signal) if name is not None else signal

    def held(self) -> dict[str, Held]:
        """How full its memory is."""
        return {"signals": Held(len(self._found), _MOST_FOUND)}

    def explaining(self, signal: Signal) -> frozenset[str]:
        """The signals that can bring this one about on an item that its own stands on."""
        return self._explaining.get(signal.id, _NONE)

    def roots_of(self, signal: Signal, least: float, prior: float) -> Sequence[str]:
        """The other signals that bring this one about so surely at least, and are so often the root of it all."""
        key = (signal.id, least, prior)
        found = self._roots.get(key)
        if found is None:
            able = (self.by_id[name] for name in sorted(self.explaining(signal) - {signal.id}))
            fit = [o.id for o in able if o.explains[signal.id] >= least and o.prior >= prior and not o.wide]
            found = self._roots[key] = fit
        return found

    def others_of(self, signal: Signal, least: float) -> frozenset[str]:
        """The other signals that this one explains by so much at least."""
        key = (signal.id, least)
        found = self._others.get(key)
        if found is None:
            found = self._others[key] = self.explained_by(signal, least) - {signal.id}
        return found

    def beside(self, signal: Signal, others: frozenset[str]) -> frozenset[str] | None:
        """Of what is on the same item, what counts: these others, its own kind, and what may be anything; None: all."""
        if signal.id == OTHER:
            return None
        found = self._beside.get((signal.id, others))
        if found is None:
            if len(self._beside) >= _MOST_FOUND:
                self._beside.clear()
            found = self._beside[signal.id, others] = others | {signal.id, OTHER}
        return found

    def explained_by(self, signal: Signal, least: float) -> frozenset[str]:
        """The signals that this one explains by so much at least."""
        key = (signal.id, least)
        found = self._explained.get(key)
        if found is None:
            found = self._explained[key] = frozenset(n for n, weight in signal.explains.items() if weight >= least)
        return found

    def told_of(self, signal: Signal) -> frozenset[str]:
        """The signals that can bring this one about on what it is told through."""
        if not signal.not_through:
            return self.explaining(signal)
        found = self._beneath.get(signal.id)
        if found is None:
            found = self._beneath[signal.id] = self.explaining(signal).difference(signal.not_through)
        return found

    def told_through(self, signal: Signal, kind: str) -> frozenset[str]:
        """The signals that this one explains and that are told through things of a kind."""
        key = (signal.id, kind)
        found = self._through.get(key)
        if found is None:
            explained = (self.by_id[name] for name in signal.explains if name in self.by_id)
            told = (other for other in explained if kind in other.through and signal.id not in other.not_through)
            found = self._through[key] = frozenset(other.id for other in told)
        return found

    def told_of_ends(self, signal: Signal) -> frozenset[str]:
        """The signals that this one explains and that have another end."""
        found = self._ends.get(signal.id)
        if found is None:
            explained = (self.by_id[name] for name in signal.explains if name in self.by_id)
            found = self._ends[signal.id] = frozenset(other.id for other in explained if other.peers)
        return found

    def _look_up(self, rule: str, category: str) -> Signal:
        for name in (rule, category, category.partition("/")[0]):
            if name in self._of:
                return self._of[name]
        return self.other
