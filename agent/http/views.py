"""What the API shows: the shapes of OUTSIDE §5, as models, so that the document and the answer are one."""

from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from collectors.moment import moment_text

T = TypeVar("T")

At = Annotated[
    datetime,
    PlainSerializer(moment_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-02T09:00:00.000Z"]}),
]
"""A moment of our own: RFC 3339, UTC, `Z`, milliseconds."""


class View(BaseModel):
    """Something shown."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Why(View):
    """A reason: what is stored is `code` with `facts`; `text` is made when read, in the reader's language."""

    code: str
    facts: dict[str, Any]
    text: str


class NextStep(View):
    step: str
    due_at: At
    targets: list[str]


class Root(View):
    fingerprint: str
    startsAt: str
    why: Why


class IncidentAlert(View):
    """An alert of an incident, with Alertmanager's names; `startsAt` and `endsAt` are the very strings received."""

    origin: str
    fingerprint: str
    startsAt: str
    endsAt: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    count: int
    why: Why


class FoundError(View):
    id: str
    title: str
    confidence: float
    why: Why
    workaround: str


class NearIncident(View):
    """A solved incident that resembles this one."""

    number: str
    title: str
    resolved_at: At
    type: str
    """permanent, workaround, …"""
    resolution: str
    why: Why


class NoKnownError(View):
    """That no known error fits, and the nearest of the incidents that were solved, at most three; often none."""

    text: str
    nearest: list[NearIncident]


class LinkView(View):
    """What an incident has to do with."""

    kind: str
    """problem, change, configuration_item, known_error, incident, inspection, improvement."""
    target: str
    at: At
    by: str


class Restricted(View):
    """A configuration item of the incident on which work follows its customer's rule."""

    item: str
    rule: str
    confirmed_by: str | None


class MajorView(View):
    """That it is a major incident, and how it is led; null where it is none."""

    at: str
    code: str
    """severity, person."""
    by: str
    reason: str
    roles: dict[str, str]
    review: dict[str, Any] | None


class Escalations(View):
    """How often it went on to another line or a vendor, and how often it went up."""

    functional: int
    hierarchical: int


class Record(View):
    """The rest of the record form (procedure 4.15)."""

    symptom: str
    channel: str
    recorder: str
    reporter: str | None
    occurred_at: At
    updated_at: At
    relapse: int
    bounces: int
    billable: bool
    preempted_by: str | None
    alert_count: int
    open_alerts: int
    initial_severity: int
    initial_category: str
    final_severity: int | None
    final_category: str | None
    next_action: str
    next_action_eta: At | None
    resume_at: At | None
    held_until: At | None
    resolution: dict[str, Any]
    config_version: int
    reported_at: At
    """From when on its clocks run."""
    recorded_at: At
    accepted_at: At | None
    archived_at: At | None
    proactive: bool
    """Found by monitoring or an inspection before anybody had to report it."""
    solved_tier: str | None
    """The line that resolved it."""
    affected_items: list[str]
    reporter_contact: str
    affected_user: str
    affected_contact: str
    customer: str
    owner: str
    site: str
    error_codes: list[str]
    request: str
    impact_actual: str
    impact_potential: str
    service_affecting: bool | None
    scope: Why | None
    """What the contracts say: `covered`, or why none covers it; null where that cannot be judged. A person decides."""
    is_change: Why | None
    """Why it is taken for a change; null where it is not."""
    service_affecting_rule: str | None
    """The classification rule that says so; null where a person did, or nobody."""
    outage_start: At | None
    outage_end: At | None
    cause_code: str
    lessons: str
    resolution_channel: str
    escalations: Escalations
    attachments: int
    """How many files it has."""
    last_customer_update: At | None
    """When a customer was last told of it."""


class IncidentView(View):
    """What an incident looks like (OUTSIDE §5). `alerts` holds at most 1,000, those that fire first; in lists 100."""

    model_config = ConfigDict(title="Incident")

    number: str
    title: str
    state: str
    version: int
    kind: str
    source: str
    severity: int
    urgency: int
    impact: int
    category: str
    group: str
    tier: str
    assignee: str | None
    service: str
    opened_at: At
    acknowledged_at: At | None
    service_restored_at: At | None
    resolved_at: At | None
    response_due_at: At | None
    resolve_due_at: At | None
    paused: bool
    next_step: NextStep | None
    root: Root | None
    alerts: list[IncidentAlert]
    known_errors: list[FoundError]
    no_known_error: NoKnownError | None
    """Null where one fits, and in lists."""
    merged_into: str | None
    recurrence_of: str | None
    commander: str | None
    major: MajorView | None
    links: list[LinkView]
    restricted: list[Restricted]
    record: Record


class Items(View, Generic[T]):
    """A page of a list; `next` is the cursor of the one after it, null on the last."""

    items: list[T]
    next: str | None = None


class AttachmentView(View):
    """A file of an incident."""

    id: int
    name: str
    kind: str
    """The media type under which it is served."""
    size: int
    sha256: str
    at: At
    by: str


class Happened(View):
    at: At
    kind: str
    actor: str
    facts: dict[str, Any]
    text: str


class Explained(View):
    """Why an alert is in this incident, and the best candidate that was rejected."""

    origin: str
    fingerprint: str
    startsAt: str
    decision: str
    why: Why
    rejected: Why | None
    root: Why | None
    """Why it is taken for the root; null of every other alert."""


class PlanDay(View):
    """What one day of the clock's calendar gave towards a due instant."""

    day: str
    minutes: float
    from_at: At
    until: At
    official: bool
    """False where the holidays of that day were not published yet."""


class PlanStep(View):
    """A step of the timetable: to come (`outcome` is null), or with its one terminal record."""

    step: str
    clock: str
    due_at: At | None
    """Null while its clock stands."""
    tell: list[str]
    targets: list[str]
    outcome: str | None
    at: At | None
    late_ms: int | None
    why: Why | None
    calendar: str
    """The calendar of its clock."""
    days: list[PlanDay]
    """Which day gave how many minutes until it is due; empty while its clock stands, and for a repetition."""


class VendorClock(View):
    """A vendor that was called, and its own clock; ours runs beside it."""

    vendor: str
    ticket: str
    called_at: At
    by: str
    calendar: str
    """The calendar of what it promised."""
    response_due_at: At | None
    """Null where it promised none."""
    resolve_due_at: At | None
    """Null where it promised none."""
    stopped_at: At | None
    """When the incident was resolved or ended; null while the clock runs."""


class OlaClock(View):
    """A stay with a group, and the clock of what that group promises the others (OLA); it runs beside ours."""

    group: str
    at: At
    left_at: At | None
    """When it went on to another; null while it is here."""
    calendar: str
    response_due_at: At | None
    resolve_due_at: At | None
    """Null where nothing is promised."""


class Promised(View):
    """What the incident was promised, and by what."""

    severity: int
    response_s: float
    resolve_s: float
    calendar: str
    service: str
    contracts: list[str]


class Plan(Items[PlanStep]):
    promised: Promised
    olas: list[OlaClock]
    """The groups that had it, oldest first."""
    vendors: list[VendorClock]
    """The vendors called, oldest first."""


class AlertView(View):
    """One firing of one alert, and what was decided about it."""

    key: str
    origin: str
    source: str
    fingerprint: str
    startsAt: str
    endsAt: str
    status: str
    decision: str
    labels: dict[str, str]
    annotations: dict[str, str]
    count: int
    received_at: At
    repairs: list[str]
    """What was wrong with it as it came, and was mended: `no_start`, `label_cut`, …"""
    why: Why
    incident: str | None


class PageView(View):
    """The promise to tell one person by one channel, and what became of it."""

    key: str
    incident: str
    step: str
    target: str
    role: str
    channel: str
    reason: Why
    attempts: int
    outcome: str
    """pending, claimed, sent, failed, cancelled."""
    detail: str
    due_at: At
    created_at: At
    next_attempt_at: At | None
    sent_at: At | None


class DeadLetterView(View):
    id: int
    at: At
    source: str
    reason: str
    size: int
    excerpt: str
    """The first 2,000 characters of what came."""


class OnCall(View):
    schedule: str
    group: str
    role: str
    people: list[str]
    """First the one to page, then who comes next."""


class OnCallView(View):
    at: At
    items: list[OnCall]


class Me(View):
    id: str
    name: str
    roles: list[str]
    groups: list[str]
    language: str


class SilenceView(View):
    id: str
    matchers: list[str]
    starts_at: At
    ends_at: At
    created_by: str
    comment: str
    created_at: At
    state: str


class WrittenBy(View):
    """Who wrote a known error over the API, and who edited it last."""

    version: int
    author: str
    written_at: At
    edited_by: str
    edited_at: At
    reason: str


class KnownErrorView(View):
    id: str
    title: str
    status: str
    category: str
    symptoms: str
    root_cause: str
    workaround: str
    solution: str
    match: list[list[str]]
    """Groups of matchers, one of which suffices."""
    owner: str
    review_at: date | None
    action: str
    """What may be run for it, by its name in `automation` of tocsin.yaml."""
    origin: str
    """pack, site (a file of the site), api (written over the API)."""
    source: str
    """`file:line` where it is written; empty for what was written over the API."""
    written: WrittenBy | None
    """Null for what stands in a file."""
    used: int
    helped_partly: int
    did_not_work: int
    not_applicable: int
    precision: float | None
    """At how many of the incidents with a word on it it helped, 0..1; null while there is none."""
    demoted: bool
    """It has failed too often: found by its words no more, and last where its predicates hold."""


class RunView(View):
    """An action of a known error, proposed for one alert of an incident, and what became of it."""

    model_config = ConfigDict(title="AutomationRun")

    id: int
    incident: str
    known_error: str
    action: str
    target: str
    argv: list[str]
    """The program and its arguments, as they are run: no shell reads them."""
    state: str
    """proposed, approved, started, succeeded, failed, timed_out, unknown, dry_run, stopped, declined, expired."""
    approve: str | None
    """The role that approves; `none`: nobody need; null: the site does not allow it any more."""
    proposed_at: At
    decided_by: str | None
    decided_at: At | None
    started_at: At | None
    ended_at: At | None
    exit_code: int | None
    why: Why | None
    """Which guard stopped it last."""
    output: str
    """What it said, the first 16 KiB."""
    verify_at: At | None
    """When its alert must have ended; null where that is not waited for."""
    verified: bool | None


class Refused(View):
    number: str
    status: int
    detail: str


class ArchivedMany(View):
    archived: list[str]
    refused: list[Refused]


class Document(View):
    """A document of its own form."""

    model_config = ConfigDict(extra="allow")
