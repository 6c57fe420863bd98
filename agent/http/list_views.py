"""What the lists of the API show beside incidents: alerts, pages, who is on call, silences, known errors, runs."""

from datetime import date

from pydantic import ConfigDict

from agent.http.views import At, View, Why


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
    generatorURL: str
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
    window: str | None
    """The window of rules.yaml whose stretch this is; null of a silence that somebody made."""


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
