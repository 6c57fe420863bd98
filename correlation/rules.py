"""What ops write about joining, inhibition, flapping and the end of an incident."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from collectors.labels import Matcher, compile_pattern, matchers_from_yaml
from collectors.rule import Rule, Span, parse_span
from correlation.incident import State
from correlation.signals import Signal

_Pace = Annotated[Span, Field(ge=timedelta(seconds=1))]
Match = Annotated[tuple[Matcher, ...], BeforeValidator(matchers_from_yaml)]


class JoinRule(Rule):
    """Alerts that match and agree in these labels belong together, each within `window` of the one before.

    The window is counted from the last alert of the incident with the same values. `type` names the strategy in
    `correlation/strategies/`. An alert that lacks one of the labels is not joined by this rule.
    """

    id: str
    type: str = "labels"
    match: Match = ()
    join_by: list[str] = Field(min_length=1)
    window: Span = parse_span("15m")


class InhibitionRule(Rule):
    """While a source alert fires, target alerts with equal labels are suppressed (as in Alertmanager)."""

    id: str
    source: Match
    target: Match
    equal: list[str] = []


class Dedup(Rule):
    key: list[str] = ["source", "fingerprint"]
    identity_labels: list[str] = []
    refire_window: Span = parse_span("30m")
    """An alert that fires again this soon after its incident was resolved returns the incident to work."""
    tombstones_for: Span = parse_span("5d")
    """How long the end of a firing is remembered, so that a stale repetition is known as one."""


class Flapping(Rule):
    """An alert that changes `changes` times `within` this span is flapping: its ends count only after `hold`."""

    changes: int = Field(default=4, ge=2)
    within: Span = parse_span("30m")
    hold: Span = parse_span("30m")


class SilentSource(Rule):
    """A source whose `Watchdog` has been heard and then is not for `after` is silent."""

    expect_heartbeat: str = "Watchdog"
    after: Span = parse_span("10m")
    category: str = "monitoring/source_silent"


def _names_items(pattern: str) -> str:
    if not compile_pattern(pattern).groupindex:
        raise ValueError(f"{pattern!r} names no kind of item: write a named group, as (?P<host>[a-z0-9-]+)")
    return pattern


class Extraction(Rule):
    """Reads items out of the value of a label: each named group of `pattern` (RE2) is the kind of one."""

    label: str
    pattern: Annotated[str, AfterValidator(_names_items)]


class ItemPolicy(Rule):
    """Which labels name an item, by kind; and which one says what belongs to one place (`scope`)."""

    labels: dict[str, list[str]] = {}
    scope: list[str] = []
    extract: list[Extraction] = []


class EvidencePolicy(Rule):
    """How evidence becomes a join: what belongs together scores `join` or more (noisy-or of its weights)."""

    join: float = Field(default=0.6, gt=0, le=1)
    source_group: float = Field(default=0.5, ge=0, lt=0.6)
    text: float = Field(default=0.3, ge=0, lt=0.6)
    better_by: float = Field(default=0.0, ge=0, le=1)
    """By how much a later cause must be surer than the one an alert is with, to take it over."""
    quiet: Span = parse_span("5m")
    """Weak evidence counts for so long after the last alert."""
    wave_of: int = Field(default=3, ge=0)
    """So many items of one place on which one kind of trouble begins are one trouble; 0: never."""
    wave_within: Span = parse_span("1m")
    """Within so long of each other they begin."""
    settles: Span = parse_span("5m")
    """By how much later than its effects a cause may be told: until then a join may be put right."""
    unwritten: Span = parse_span("5m")
    """So near in time a trouble explains what it can bring about in its place, though nothing is written."""
    apart_for: Span = parse_span("30d")
    """For so long kinds of alert that a person split from each other are not joined again by themselves."""


class StormPolicy(Rule):
    """When incidents that open at once in one place are a storm, and so one incident; 0 `opened`: never.

    It is over when less than half as many alerts came `over_after`. `let_out` critical alerts of new kinds open their
    own incidents meanwhile. Whoever holds it hears what came `digest_after` its beginning, then each `digest_every`.
    """

    opened: int = Field(default=30, ge=0)
    within: Span = parse_span("1m")
    over_after: Span = parse_span("5m")
    let_out: int = Field(default=10, ge=0)
    digest_after: list[_Pace] = [parse_span("1m"), parse_span("5m"), parse_span("15m")]
    digest_every: _Pace = parse_span("30m")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise(self.digest_after)):
            raise ValueError(
                "digest_after counts from the beginning of the storm: write later instants after earlier ones"
            )
        return self

    def digest_wait(self, times: int) -> timedelta:
        """How long after the beginning, or the digest before it, digest `times` (from 0 on) comes."""
        after = self.digest_after
        if times >= len(after):
            return self.digest_every
        return after[times] - (after[times - 1] if times else timedelta())


class Growth(Rule):
    """From how many new items and kinds of alert on an acknowledged incident has grown; 0 never.

    Whoever holds it is then paged at once and acknowledges anew, as where its severity rises.
    """

    new_items: int = Field(default=1, ge=0)
    new_kinds: int = Field(default=3, ge=0)


class CorrelationPolicy(Rule):
    """correlation.yaml of a pack."""

    evidence: EvidencePolicy = EvidencePolicy()
    growth: Growth = Growth()
    storm: StormPolicy = StormPolicy()
    items: ItemPolicy = ItemPolicy()
    signals: list[Signal] = []
    waits: dict[str, Span] = {}
    """By the name of an alert: how long its rule waits before it fires (`for:` of a Prometheus rule)."""

    dedup: Dedup = Dedup()
    join: list[JoinRule] = []
    flapping: Flapping = Flapping()
    silent_source: SilentSource = SilentSource()


class AutoRecovered(Rule):
    """How the agent ends an incident by itself: `archive_after` is for packs without a review."""

    stable_for: Span = parse_span("15m")
    never_archive_automatically: bool | None = None
    archive_after: Annotated[Span, Field(ge=timedelta(seconds=1))] | None = None
    """So long after it was resolved, by whomever, an incident is archived as it stands; None: never."""

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.never_archive_automatically and self.archive_after is not None:
            raise ValueError(
                "archive_after and never_archive_automatically: true contradict each other: "
                "write never_archive_automatically: false, or leave archive_after out"
            )
        if self.never_archive_automatically is False and self.archive_after is None:
            raise ValueError("never_archive_automatically is false: write archive_after, such as 7d")
        return self


def _no_table_of_moves(written: object) -> None:
    """The moves are the product's; of a table that somebody wrote, say what it would have left out."""
    if written is None:
        return
    rows = [row for row in written if isinstance(row, dict)] if isinstance(written, list) else []
    reached = {"new", *(str(row.get("to")) for row in rows)}
    lost = ", ".join(state for state in State if state not in reached)
    what = f"no move leads to {lost}. The moves" if lost else "the moves"
    raise ValueError(f"{what} between states are the same at every site (docs/procedure.md): leave this key out")


class StatesPolicy(Rule):
    """states.yaml of a pack. The moves between states are the product's: `transitions` is refused with a word why."""

    initial: Literal["new"] = "new"
    transitions: Annotated[None, BeforeValidator(_no_table_of_moves)] = None
    auto_recovered: AutoRecovered = AutoRecovered()


class ConfigurationItem(Rule):
    """One host, rack, UPS, switch, service …: what topology.yaml says of it (procedure R98)."""

    kind: str = "host"
    criticality: Literal["critical", "important", "normal", "low"] = "normal"
    depends_on: list[str] = []
    owner: str | None = None
    location: str | None = None
    restricted: bool = False
    """Work on it follows its customer's rules (procedure R68)."""
    rule: str = ""
    """That rule, in words: whoever works on a restricted item confirms it first."""
    vendor: str | None = None
    match: Match = ()
