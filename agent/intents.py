"""What may change anything: every intent goes through the one line, in order, and is kept in the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from agent.configuration.config import Config
from agent.erasing.identity import Identity
from collectors.alert import Alert, Parsed
from correlation.incident import Action
from correlation.permission import Actor
from correlation.silence import Silence
from escalation.delivery import Attempt
from escalation.rota import RotaChange
from knowledge.change import ChangeAction
from knowledge.improvement import ImprovementAction
from knowledge.match import Match
from knowledge.problem import ProblemAction
from knowledge.run import RunState
from knowledge.written import Laid


@dataclass(frozen=True)
class Intent:
    """What may change anything; `agent/deciders` has a function for each kind."""


@dataclass(frozen=True)
class Mark:
    """The Idempotency-Key of a request: `key` and `person` whose it is, `digest` of method, path and body.

    `about` is by what its answer is found again, where the result of the intent has no number to say it.
    """

    key: str
    person: str
    digest: str
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked(Intent):
    """What a person asks for over the API; with a mark, that it was done is written with what was done."""

    mark: Mark | None = None


@dataclass(frozen=True)
class AlertsArrived(Intent):
    """A message of a push source; `body` is what was received, for the journal."""

    source: str
    origin: str
    type: str
    body: bytes
    parsed: Parsed
    received_at: datetime
    part: bool = False
    """The rest of a message whose first part has brought the body to the journal."""


@dataclass(frozen=True)
class AlertsFound(Intent):
    """Alerts of our own making: an inspection, or a trouble of Tocsin itself (`kind`: inspection, self)."""

    alerts: list[Alert]
    kind: str


@dataclass(frozen=True)
class Pulled(Intent):
    """What the Alertmanagers of an origin say is active.

    `answered`: at least one did; `complete`: all of them. `gone`: fingerprints that they have not shown twice in a
    row. `since`: one of them started then and may only have forgotten what was heard of before. `ours`: fingerprints
    routed to us.
    """

    source: str
    origin: str
    alerts: list[Alert]
    answered: bool
    complete: bool
    gone: frozenset[str] = frozenset()
    since: datetime | None = None
    ours: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PersonActed(Asked):
    """A person acts on an incident."""

    number: str
    action: Action
    body: Mapping[str, Any]
    actor: Actor
    on_behalf_of: str | None = None
    was_paged: bool = False
    """They were paged for one that was merged into it since."""


@dataclass(frozen=True)
class PersonReported(Asked):
    """A person reports an incident (procedure R34)."""

    body: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True, kw_only=True)
class FileAttached(Asked):
    """A person attaches a file to an incident."""

    number: str
    name: str
    kind: str
    content: bytes = field(repr=False)
    actor: Actor


@dataclass(frozen=True)
class RecordEdited(Intent):
    """A person completes the record; made on this version of it."""

    number: str
    version: int
    changes: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True)
class ProblemOpened(Asked):
    """A person opens a problem; `body` names its incidents."""

    body: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True)
class ProblemActed(Asked):
    """A person acts on a problem."""

    number: str
    action: ProblemAction
    body: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True)
class ImprovementSuggested(Asked):
    """Somebody suggests an improvement; `body` may name the incident that showed it."""

    body: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True)
class ImprovementActed(Asked):
    """A person acts on a suggestion of improvement."""

    number: str
    action: ImprovementAction
    body: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True)
class ChangeRaised(Asked):
    """A person raises a request for change that no incident asks for."""

    body: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True)
class ChangeActed(Asked):
    """A person decides on a request for change, or tells what came of it."""

    number: str
    action: ChangeAction
    body: Mapping[str, Any]
    actor: Actor


@dataclass(frozen=True)
class ItemEdited(Asked):
    """A person writes over a configuration item, or adds one (`new`).

    `incident` is the one during whose handling it changed (procedure R103). `values` has null for what goes back to
    what the file says.
    """

    item: str
    values: Mapping[str, Any]
    reason: str
    actor: Actor
    until: datetime | None = None
    incident: str | None = None
    new: bool = False


@dataclass(frozen=True)
class KnownErrorWritten(Asked):
    """A person writes a known error; `made_on` is the version that an edit was made on (None: it is a new one).

    `values` has null for what is taken away.
    """

    id: str
    values: Mapping[str, Any]
    reason: str
    actor: Actor
    made_on: int | None = None


@dataclass(frozen=True)
class RunDecided(Asked):
    """A person approves or declines the run of an action; with `dry_run` they only ask what would be run."""

    run: int
    approve: bool
    actor: Actor
    dry_run: bool = False
    reason: str = ""


@dataclass(frozen=True)
class RunsClaimed(Intent):
    """The runner is about to run what is approved."""


@dataclass(frozen=True)
class RunEnded(Intent):
    """What the runner saw of a run: succeeded, failed, timed_out; unknown where nobody saw its end."""

    run: int
    state: RunState
    exit_code: int | None = None
    output: str = ""
    error: str = ""


@dataclass(frozen=True)
class SilencePut(Asked):
    """A silence is made, changed, or (ends_at now) ended."""

    silence: Silence
    actor: str


@dataclass(frozen=True)
class RotaChanged(Asked):
    """Overrides are laid over the rota, or the two halves of a swap: all of them or none."""

    changes: tuple[RotaChange, ...]
    actor: Actor


@dataclass(frozen=True)
class RotaEnded(Intent):
    """An override is taken back, with the other half of its swap."""

    id: str
    actor: Actor


@dataclass(frozen=True)
class TimePassed(Intent):
    """Something may have come due: for every incident, or for those of `only`; not for those `without`."""

    only: frozenset[int] | None = None
    without: frozenset[int] = frozenset()


@dataclass(frozen=True)
class NoticesDue(Intent):
    """Notices have come due by `at`, or the calendar has to be looked through for those to come."""

    at: datetime


@dataclass(frozen=True)
class NoticeActed(Asked):
    """Somebody holds, releases or edits what a customer will be told (`action`: hold, release, edit)."""

    notice: int
    action: Literal["hold", "release", "edit"]
    actor: Actor
    text: str = ""


@dataclass(frozen=True)
class RoundMade(Asked):
    """Somebody has made a round: a value for each of its items (procedure R37)."""

    round: str
    values: Mapping[str, Any]
    actor: Actor
    note: str = ""


@dataclass(frozen=True)
class Remembered(Intent):
    """What an inspection has to know after a restart. No decision hangs on it: the journal has no line of it."""

    inspection: str
    memory: str


@dataclass(frozen=True)
class OldRowsDue(Intent):
    """It is time to let go of rows that nothing needs any more (retention in tocsin.yaml)."""

    now: datetime
    """When it was looked: older than the retention is what is older than it at this moment."""
    journal_through: int = 0
    """The journal weighs too much: up to this row it goes whatever its age."""


@dataclass(frozen=True)
class RowsErased(Intent):
    """Rows of a table, by their keys, stop naming a person: on their own in a group, so that nothing else moves them.

    `by`: who asked for it. `read_anew`: the desk is read from the store after it, with all that was changed so far.
    """

    who: Identity
    table: str
    keys: tuple[tuple[Any, ...], ...]
    by: str
    read_anew: bool = False


@dataclass(frozen=True)
class PagesClaimed(Intent):
    """The outbox is about to send these."""

    pages: tuple[int, ...]


@dataclass(frozen=True)
class PageTried(Intent):
    """What became of one attempt at a page."""

    attempt: Attempt


@dataclass(frozen=True)
class Suggested(Intent):
    """The text ranking has found known errors for an incident."""

    incident: int
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class LetterDied(Intent):
    """Something that could not be taken: kept, and told as a self-incident, unless that is what could not be done."""

    source: str
    reason: str
    body: bytes
    received_at: datetime
    told: bool = True


@dataclass(frozen=True)
class ClockAdopted(Intent):
    """The wall clock was put right by this much, and what waits was moved with it."""

    shift: timedelta


@dataclass(frozen=True)
class ConfigChanged(Intent):
    """A reload: decided with from here on."""

    config: Config
    by: str
    laid: Laid | None = None
    """Its known errors under what people had written when it was read."""


@dataclass(frozen=True)
class Noted(Intent):
    """An act on no incident, for the audit: a login, a token, a reload, a test page."""

    who: str
    what: str
    facts: Mapping[str, Any]
