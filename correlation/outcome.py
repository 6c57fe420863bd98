"""One round of decisions: what correlation is told, and what it changed."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from collectors.alert import Alert
from collectors.labels import Labels
from correlation.board import Board
from correlation.classify import Class, Classifier
from correlation.incident import Episode, Incident, Key, Why
from correlation.lessons import Lesson, LessonKey
from correlation.rules import CorrelationPolicy, StatesPolicy
from correlation.scene import Mark
from correlation.signals import Signals
from correlation.strategy import Finder, Strategy
from correlation.topology import Topology
from correlation.window import Window


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
    untold_after: Callable[[str], timedelta | None] = lambda _: timedelta(hours=12)
    """How long alerts of this origin may be told no more before it is said; None: it tells nothing again."""
    asks_sender: Callable[[str], bool] = lambda _: False
    """Whether a pull can settle what a suspect of this origin is."""
    config_version: int = 0
    finders: Sequence[Finder] = ()
    signals: Signals = field(default_factory=lambda: Signals([]))
    register: Topology = field(default_factory=lambda: Topology({}))
    windows: Sequence[Window] = ()

    def class_of(self, episode: Episode, labels: Labels) -> Class:
        """The class of an alert that the board holds."""
        criticality = self.criticality(labels)
        return self.classifier.classify(labels, episode.level, criticality, episode.words, episode.expression)


class Event(msgspec.Struct, frozen=True):
    """One thing that happened to an incident, for its timeline."""

    kind: str
    facts: dict[str, Any] = {}


class Outcome(msgspec.Struct):
    """What a decision changed: rows to write and what the later rooms must look at."""

    new: list[tuple[Alert, Episode]] = []
    touched: dict[int, Episode] = {}
    """Only count and last_at changed."""
    changed: dict[int, Episode] = {}
    """Open, incident, decision or ends changed."""
    moved: dict[int, int] = {}
    """The incident of earlier firings that became another's; of the last ones it is in `changed`."""
    placed: dict[int, Mark] = {}
    """Those that came into an incident, or are taken to have come of another alert than before."""
    whys: dict[int, tuple[Why, Why | None]] = {}
    """Per episode: why it is where it is, and the best candidate that was rejected."""
    opened: list[Incident] = []
    dirty: dict[int, Incident] = {}
    raised: set[int] = set()
    relapsed: set[int] = set()
    clocks: set[int] = set()
    """Whose resolution clock has come to stand, or runs on, since nothing or something of them fires."""
    grown: dict[int, Why] = {}
    """Incidents that have grown while somebody held them, with what grew: they are asked anew."""
    fresh_alerts: dict[int, dict[tuple[str, str], Labels]] = {}
    """Per incident: the labels of an alert of each name and severity that came new, for the known errors."""
    events: list[tuple[int, Event]] = []
    joined: dict[int, Counter[tuple[str, str]]] = {}
    """Per incident: how many alerts of which name joined for which reason; one line of its timeline."""
    ended: dict[int, Counter[tuple[str, str]]] = {}
    decisions: Counter[str] = msgspec.field(default_factory=Counter)
    suspected: set[str] = set()
    """Origins with a suspect that a pull could settle."""
    regrouped: dict[int, list[Key]] = {}
    """Per incident that has alerts which were another's, or had those: what it took over."""
    own: list[Alert] = []
    """Troubles of Tocsin's own that this decision found, to be correlated next."""
    merged: list[tuple[Incident, Incident]] = []
    """Incidents that were merged into others, being of one trouble: (from, into)."""
    taught: dict[LessonKey, Lesson] = {}
    forgotten: list[Lesson] = []
    """What was learned, and what made way for it."""
    beats: set[str] = set()
    """Origins whose heartbeat was heard or missed."""

    def tell(self, incident: Incident, kind: str, **facts: Any) -> None:
        """Put a line on the timeline of an incident, and its row with this round."""
        self.dirty[incident.id] = incident
        self.events.append((incident.id, Event(kind, facts)))

    def count(self, counts: dict[int, Counter[tuple[str, str]]], incident: Incident, name: str, code: str) -> None:
        """Count one more alert of this name among `joined` or `ended` of an incident, for this reason."""
        self.dirty[incident.id] = incident
        found = counts.get(incident.id)
        if found is None:
            found = counts[incident.id] = Counter()
        found[name, code] += 1

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


class Round(msgspec.Struct):
    """One decision in the making: the board, the rules, the moment, and what has changed so far."""

    board: Board
    rules: Rules
    now: datetime
    source: str = ""
    out: Outcome = msgspec.field(default_factory=Outcome)
    reroot: set[int] = set()
    """Incidents whose root has to be named anew at the end of the round."""
    by: str = ""
    """The person whose act this is; "" where nobody's."""
