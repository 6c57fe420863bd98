"""What the API shows, as models: the document is made of them, so that it and the answers are one."""

from datetime import datetime
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
    generatorURL: str
    """Where its sender shows it, as received: any text, and a web address only where it is one."""
    count: int
    why: Why


class FoundError(View):
    id: str
    title: str
    confidence: float
    why: Why
    workaround: str
    safety_note: str = ""
    """What to mind before the workaround is followed."""


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
    """That no known error fits, and the nearest of the incidents that were solved, at most three; often none.

    `pending`: not yet; the known errors are still being read, or looked through.
    """

    text: str
    pending: bool
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
    untold_since: At | None
    """When its alerts were told last, where that is too long ago and their sender cannot be asked."""
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


class HeldSteps(View):
    """That the steps of an incident wait, until when, and what holds them."""

    until: At
    why: Why


class IncidentView(View):
    """What an incident looks like. `alerts` holds at most 1,000, those that fire first; in lists 100."""

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
    held: HeldSteps | None
    """What its steps wait for: a silence, a window, or that it is snoozed; null where they do not."""
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
    held: HeldSteps | None
    """Until when what is due waits; null where it does not."""
    promised: Promised
    olas: list[OlaClock]
    """The groups that had it, oldest first."""
    vendors: list[VendorClock]
    """The vendors called, oldest first."""


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
