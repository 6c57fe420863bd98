"""An incident: its states, the moves between them, and what the record holds (procedure 4.4, 4.15)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

import msgspec

from collectors.labels import PackedLabels
from collectors.moment import moment_text
from correlation.refusal import Refusal
from correlation.storm_state import Storm, storm_title

Json = dict[str, Any]
Key = NewType("Key", str)
"""An alert: its origin and its fingerprint, in one text that sorts as the two do (`key_of`)."""


def key_of(origin: str, fingerprint: str) -> Key:
    """The key of an alert; neither part has a space in it."""
    return Key(f"{origin} {fingerprint}")


def origin_of(key: Key) -> str:
    """The origin in a key."""
    return key.partition(" ")[0]


def fingerprint_of(key: Key) -> str:
    """The fingerprint in a key."""
    return key.partition(" ")[2]


class State(StrEnum):
    """The twelve values of procedure 4.4."""

    __hash__ = str.__hash__  # an Enum hashes in Python, and every alert asks whether its incident is active
    NEW = "new"
    SALES_DECISION = "sales_decision"
    OUT_OF_SCOPE = "out_of_scope"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    PENDING_CUSTOMER = "pending_customer"
    PENDING_VENDOR = "pending_vendor"
    PENDING_CHANGE = "pending_change"
    RESOLVED = "resolved"
    PENDING_REVIEW = "pending_review"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"


PENDING = frozenset({State.PENDING_CUSTOMER, State.PENDING_VENDOR, State.PENDING_CHANGE})
WAITING = frozenset({State.NEW, State.ASSIGNED})
ACTIVE = WAITING | PENDING | {State.IN_PROGRESS, State.SALES_DECISION}
"""Before resolved: somebody still has work to do."""
ENDED = frozenset({State.ARCHIVED, State.CANCELLED, State.OUT_OF_SCOPE})
OPEN = frozenset(State) - ENDED
RECOVERABLE = WAITING | {State.IN_PROGRESS}
"""From these the agent resolves what fires no more; what waits for somebody stays as it is (procedure 4.4)."""
RELAPSABLE = frozenset({State.RESOLVED, State.PENDING_REVIEW})


class Action(StrEnum):
    """What a person may do with an incident."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    RETURN = "return"
    HANDOVER = "handover"
    NOTE = "note"
    SUSPEND = "suspend"
    RESUME = "resume"
    SNOOZE = "snooze"
    RESOLVE = "resolve"
    ACCEPT = "accept"
    ARCHIVE = "archive"
    REJECT = "reject"
    CANCEL = "cancel"
    ESCALATE = "escalate"
    SET_SEVERITY = "set-severity"
    CLASSIFY = "classify"
    MERGE = "merge"
    FEEDBACK = "feedback"
    OUT_OF_SCOPE = "out-of-scope"
    TO_SALES = "to-sales"
    SALES_DECIDE = "sales-decide"
    REPLAN = "replan"
    LINK = "link"
    RAISE_CHANGE = "raise-change"
    CONFIRM_RULE = "confirm-rule"
    DECLARE_MAJOR = "declare-major"
    BRIEF = "brief"
    REVIEW = "review"
    CALL_VENDOR = "call-vendor"
    CALLBACK = "callback"
    SET_ROOT = "set-root"
    SPLIT = "split"
    CONFIRM = "confirm"
    RECALL = "recall"


_S = State
FROM: Mapping[Action, frozenset[State]] = {
    Action.ACKNOWLEDGE: frozenset({_S.NEW, _S.ASSIGNED, _S.IN_PROGRESS}) | PENDING,
    Action.ASSIGN: frozenset({_S.NEW, _S.ASSIGNED, _S.IN_PROGRESS}) | PENDING,
    Action.RETURN: frozenset({_S.ASSIGNED, _S.IN_PROGRESS}),
    Action.HANDOVER: frozenset({_S.ASSIGNED, _S.IN_PROGRESS}),
    Action.NOTE: OPEN,
    Action.SUSPEND: frozenset({_S.IN_PROGRESS}),
    Action.RESUME: PENDING,
    Action.SNOOZE: ACTIVE,
    Action.RESOLVE: frozenset({_S.NEW, _S.ASSIGNED, _S.IN_PROGRESS, _S.PENDING_VENDOR, _S.PENDING_CHANGE}),
    Action.ACCEPT: frozenset({_S.RESOLVED}),
    Action.ARCHIVE: frozenset({_S.PENDING_REVIEW}),
    Action.REJECT: RELAPSABLE,
    Action.CANCEL: frozenset({_S.NEW, _S.ASSIGNED, _S.IN_PROGRESS}),
    Action.ESCALATE: ACTIVE,
    Action.SET_SEVERITY: OPEN,
    Action.CLASSIFY: OPEN,
    Action.MERGE: ACTIVE,
    Action.FEEDBACK: OPEN | {_S.ARCHIVED},
    Action.OUT_OF_SCOPE: frozenset({_S.NEW}),
    Action.TO_SALES: frozenset({_S.NEW, _S.OUT_OF_SCOPE}),
    Action.SALES_DECIDE: frozenset({_S.SALES_DECISION}),
    Action.REPLAN: ACTIVE,
    Action.LINK: OPEN | {_S.ARCHIVED},
    Action.RAISE_CHANGE: frozenset({_S.ASSIGNED, _S.IN_PROGRESS}) | PENDING | RELAPSABLE,
    Action.CONFIRM_RULE: ACTIVE,
    Action.DECLARE_MAJOR: ACTIVE | RELAPSABLE,
    Action.BRIEF: OPEN,
    Action.REVIEW: RELAPSABLE,
    Action.CALL_VENDOR: frozenset({_S.ASSIGNED, _S.IN_PROGRESS}) | PENDING,
    Action.CALLBACK: OPEN | {_S.ARCHIVED},
    Action.SPLIT: ACTIVE,
    Action.CONFIRM: OPEN | {_S.ARCHIVED},
    Action.SET_ROOT: OPEN | {_S.ARCHIVED},
    Action.RECALL: frozenset({_S.IN_PROGRESS}),
}
"""The states from which a person may act."""

NEXT: Mapping[Action, State] = {
    Action.ACKNOWLEDGE: _S.IN_PROGRESS,
    Action.RETURN: _S.NEW,
    Action.HANDOVER: _S.ASSIGNED,
    Action.RESUME: _S.IN_PROGRESS,
    Action.RESOLVE: _S.RESOLVED,
    Action.ACCEPT: _S.PENDING_REVIEW,
    Action.ARCHIVE: _S.ARCHIVED,
    Action.CANCEL: _S.CANCELLED,
    Action.OUT_OF_SCOPE: _S.OUT_OF_SCOPE,
    Action.TO_SALES: _S.SALES_DECISION,
}
"""Where an act that always leads to one state leads; the others decide by their body."""


PROBLEM, CHANGE, ITEM, KNOWN_ERROR, INCIDENT = "problem", "change", "configuration_item", "known_error", "incident"
LINKS = (PROBLEM, CHANGE, ITEM, KNOWN_ERROR, INCIDENT)
"""The kinds of links of an incident that people make."""
IMPROVEMENT = "improvement"
"""A suggestion of improvement that it led to (procedure R33)."""
INSPECTION = "inspection"
"""The record of a round that found it: its round and the beginning of its window (procedure R37)."""


ABOUT = ("instance", "device", "path", "service", "job")
"""Labels that name the thing that an alert is about, the plainest first."""


class IllegalAction(Refusal):
    """This act is not possible in this state; `allowed` names those that are, `merged_into` where to do it instead."""

    def __init__(self, action: str, state: State, merged_into: str | None = None) -> None:
        self.allowed, self.merged_into = allowed(state), merged_into
        super().__init__(self._told(action, state))

    def _told(self, action: str, state: State) -> str:
        if self.merged_into is not None:
            return (
                f"the incident was merged into {self.merged_into}, which has its alerts now: {action} is for that one"
            )
        possible = ", ".join(self.allowed) or "nothing, for it is over"
        return f"{action} is not possible while the incident is {state}; possible: {possible}"


def allowed(state: State) -> list[str]:
    """The acts that are possible in a state."""
    return [str(a) for a, states in FROM.items() if state in states]


class Why(msgspec.Struct, frozen=True):
    """A reason as it is stored: a code with its facts, never a sentence."""

    code: str
    facts: Json = {}


class Incident(msgspec.Struct, kw_only=True, gc=False):
    """What is known of one incident. Moments are aware and UTC; severity, urgency and impact 1 (highest) to 4."""

    id: int
    number: str
    title: str
    state: State = State.NEW
    version: int = 1
    kind: str = "incident"
    source: str = ""
    channel: str = ""
    severity: int = 4
    urgency: int = 4
    impact: int = 4
    initial_severity: int = 4
    final_severity: int | None = None
    category: str = ""
    initial_category: str = ""
    final_category: str | None = None
    group: str = ""
    tier: str = ""
    assignee: str | None = None
    service: str = ""
    recorder: str = "agent"
    reporter: str | None = None
    symptom: str = ""
    occurred_at: datetime
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None = None
    service_restored_at: datetime | None = None
    resolved_at: datetime | None = None
    response_due_at: datetime | None = None
    resolve_due_at: datetime | None = None
    next_due_at: datetime | None = None
    """The earliest step still to be taken: null with steps left would be limbo."""
    resolves_at: datetime | None = None
    """When the agent resolves it, the last alert having ended."""
    held_until: datetime | None = None
    """Snoozed or silenced: steps that come due wait until then."""
    resume_at: datetime | None = None
    relapse: int = 0
    relapsed_at: datetime | None = None
    grew_at: datetime | None = None
    """When it grew while somebody held it: from then on it waits for another acknowledgement."""
    storm: str | None = None
    """The place of the storm that it stands for; "": everywhere; null: of none."""
    grown: Json = {}
    """`items` and `kinds` of alerts that are new since it was acknowledged."""
    bounces: int = 0
    open_alerts: int = 0
    alert_count: int = 0
    root: Json | None = None
    known_errors: list[Json] = []
    to_rank: bool = False
    """No predicate holds for it, and its text has still to be held against the known errors."""
    targets: Json = {}
    history: list[tuple[datetime, str]] = []
    rests: list[tuple[datetime, datetime]] = []
    """Each stretch between the end of its last alert and the resolution that followed: no clock counts it."""
    resolution: Json = {}
    next_action: str = ""
    next_action_eta: datetime | None = None
    preempted_by: str | None = None
    """The more urgent incident that whoever worked on it was recalled for (procedure R54)."""
    billable: bool = False
    """Out of scope, and sales took it up (procedure R50)."""
    heard_at: datetime | None = None
    """When a person last did something to it, or wrote of it."""
    merged_into: str | None = None
    recurrence_of: str | None = None
    config_version: int = 0
    links: list[tuple[str, str]] = []
    """What it has to do with: kind (of LINKS) and name or number (procedure R97)."""
    commander: str | None = None
    major: Json | None = None
    """Null, or what made it a major incident: `at`, `code`, `by`, `reason`, `roles`; its `brief` and `review`."""
    rules_confirmed: dict[str, str] = {}
    """By restricted configuration item: who confirmed the customer's rule (procedure R68)."""
    feedback: dict[str, str] = {}
    """By known error: what was last said of it here."""
    form: Json = {}
    """What else the record form has (correlation/form.py), and `recorded_at` where that was after the report."""
    digest_at: datetime | None = None
    """When whoever holds the storm that it stands for hears next what came; null: no storm, or it is over."""
    storming: Storm | None = None
    """What the storm has seen that it stands for; null: of none, or it is over."""
    together: dict[str, str] = {}
    """Its kinds of alert that were joined by rule or topology, each with an item."""
    untold_since: datetime | None = None
    """When something of what fires was told last, where that is too long ago; null: it is not, or can be asked."""

    def linked(self, kind: str) -> list[str]:
        """What it is linked with of one kind, oldest first."""
        return [target for of, target in self.links if of == kind]

    @property
    def report(self) -> str:
        """What it says of itself: known errors are ranked by these words."""
        return f"{self.title} {self.symptom}"

    def count_alert(self) -> None:
        """One more alert came; a storm is called by how many there are."""
        self.alert_count += 1
        self.call_storm()

    def discount_alert(self) -> None:
        """One of its alerts is another incident's from now on."""
        self.alert_count -= 1
        self.call_storm()

    def call_storm(self) -> None:
        """The incident of a storm is called by its place and size; any other keeps its title."""
        if self.storm is not None:
            self.title = storm_title(self.storm, self.alert_count)

    @property
    def active(self) -> bool:
        """Whether somebody has still to work on it."""
        return self.state in ACTIVE

    @property
    def restored_since(self) -> datetime | None:
        """Since when nothing of it fires, while the agent waits to resolve it: its resolution clock stands."""
        waits = self.active and not self.open_alerts and self.resolves_at is not None
        return self.service_restored_at if waits else None

    def rest(self, now: datetime) -> None:
        """It is being resolved: what had passed since its last alert ended does not count."""
        since = self.restored_since
        if since is not None and since < now:
            self.rests.append((since, now))

    def move(self, state: State, now: datetime) -> None:
        """Enter a state; the history keeps every entry, the clocks are folded over it.

        What does not wait any more has no moment at which it is taken up again.
        """
        if state is not self.state:
            self.state = state
            self.resume_at = self.resume_at if state in PENDING else None
            self.history.append((now, str(state)))


class Episode(msgspec.Struct, kw_only=True, gc=False):
    """One stretch of firing of one alert: (origin, fingerprint, startsAt)."""

    id: int
    key: Key
    starts_at: datetime
    starts_written: str | None
    """How its start was written, where that is not as we write it."""
    labels: PackedLabels
    told: int
    """Hash of labels and start as received (`hash_of`): told again, they are known without a look at them."""
    open: bool
    incident: int = 0
    decision: str = ""
    ends_at: datetime | None = None
    ends_text: str = ""
    closed_at: datetime | None = None
    """When we learned of the end (ends_at is when the source says it was)."""
    last_at: datetime
    expires_at: datetime | None = None
    level: str = ""
    words: str = ""
    """What it says of itself, where no rule knows its name: it is classified by that."""
    expression: str = ""
    """What its Prometheus rule looks at; "" where its source names none."""
    count: int = 1
    latest_at: datetime | None = None
    """The start told last, where an earlier one was told after it; kept in memory alone."""
    previous: int = 0
    """The id of the firing of the same alert before this one; 0: none is remembered."""

    @property
    def origin(self) -> str:
        """Who tells of the alert."""
        return origin_of(self.key)

    @property
    def fingerprint(self) -> str:
        """What the alert is called by its origin."""
        return fingerprint_of(self.key)

    @property
    def starts_text(self) -> str:
        """The very string that told its start; "" where none did."""
        return (moment_text(self.starts_at) or "") if self.starts_written is None else self.starts_written
