"""The files of a configuration directory and their keys; what a room reads has its model in that room."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from collectors import round as rounds
from collectors.rule import Rule, Span, parse_span
from collectors.thresholds import Threshold
from correlation.calendar import BusinessCalendar, ZoneName
from correlation.classify import Classification, ClassificationRule, Match, Route
from correlation.rules import ConfigurationItem, CorrelationPolicy, InhibitionRule, JoinRule, StatesPolicy
from correlation.severity import SeverityPolicy
from correlation.window import WindowRule
from escalation.delivery import RetryPolicy
from escalation.notice import NoticeRule
from escalation.oncall import Schedule
from escalation.roles import Contact, Group, Person, ToldRole
from escalation.sla import PositiveSpan, Promise, SlaPolicy
from escalation.timetable import EscalationPolicy
from escalation.vendor import Vendor
from knowledge.automation import AutomationPolicy
from knowledge.feedback import FeedbackPolicy
from knowledge.problem import ProblemPolicy

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
Secret = Annotated[str, StringConstraints(min_length=1)]


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is no address: write http://host:port")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]


# ---- tocsin.yaml -------------------------------------------------------------------------------------------------


class Basic(Rule):
    """A source that sends user name and password."""

    username: str
    password: Secret


class Hmac(Rule):
    """A source that signs the raw body: `header` holds `sha256=<hex HMAC-SHA256>`."""

    secret: Secret
    header: str = "X-Signature-256"


OURS = frozenset({"tocsin", "inspection"})
"""Origins of our own alerts: no sender may speak in their name."""


class SourceConfig(Rule):
    """A push source. Without `token`, `basic` or `hmac` it needs a token of `tocsin token create --source`."""

    type: str
    token: Secret | Annotated[list[Secret], Field(min_length=1, max_length=2)] | None = None
    basic: Basic | None = None
    hmac: Hmac | None = None
    origin: Name | None = None
    api_urls: list[Address] = []
    suspect_window: Span = parse_span("10m")
    reconcile_every: PositiveSpan = parse_span("60s")
    untold_after: PositiveSpan = parse_span("12h")
    """Of an Alertmanager that cannot be asked: what fires and is told no more for so long is shown as that."""
    mapping: dict[str, Any] = {}
    tests: list[Any] = []
    acknowledge: str | None = None
    """Of a source of mails: the notifier by which a report is acknowledged, with its number."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = [name for name in ("token", "basic", "hmac") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} are written: a source is known by one of them, keep one")
        if self.acknowledge is not None and self.type != "email":
            raise ValueError(f"acknowledge is for type email: a source of type {self.type} answers nobody")
        if self.type != "generic" and (self.mapping or self.tests):
            raise ValueError(f"mapping and tests are for type generic: a source of type {self.type} needs none")
        return self

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens by which the source is known: none, one, or two while it is changed."""
        return (self.token,) if isinstance(self.token, str) else tuple(self.token or ())


class Retention(Rule):
    """How long rows are kept that no open incident needs."""

    journal: PositiveSpan = parse_span("35d")
    journal_bytes: Annotated[int, Field(ge=1)] = 10 * 1024**3
    """The oldest rows of the journal go when it weighs more than this, however young they are."""
    touches: PositiveSpan = parse_span("90d")
    """Firings that no incident holds."""
    dead_letters: PositiveSpan = parse_span("90d")
    timeline: PositiveSpan | None = None
    """What happened to incidents that have been over for so long; null: as long as `incidents`."""
    incidents: PositiveSpan | None = None
    """Incidents that have been over for so long; null: for ever."""

    @model_validator(mode="after")
    def _incidents_last(self) -> Self:
        if self.timeline is not None and self.incidents is not None and self.timeline > self.incidents:
            raise ValueError("timeline is longer than incidents: what happened goes with them, write at most that")
        return self

    @property
    def timeline_or_incidents(self) -> timedelta | None:
        """How long the timeline is kept; None: for ever."""
        return self.timeline if self.timeline is not None else self.incidents


class TocsinFile(Rule):
    """tocsin.yaml: where alerts come from, how people are reached, and which pack holds."""

    pack: Name = "iso20000-default"
    sources: dict[Name, SourceConfig] = {}
    notifiers: dict[Name, Any] = {}
    fallback: list[str] = []
    retention: Retention = Retention()
    delivery: RetryPolicy = RetryPolicy()
    automation: AutomationPolicy = AutomationPolicy()
    external_url: Address | None = None

    @field_validator("sources")
    @classmethod
    def _of_others(cls, sources: dict[str, SourceConfig]) -> dict[str, SourceConfig]:
        for name, source in sources.items():
            if OURS & {name, source.origin}:
                raise ValueError(f"{name}: {' and '.join(sorted(OURS))} are Tocsin itself: take another name or origin")
        return sources


# ---- people, rota, inspections, rules ----------------------------------------------------------------------------


class PeopleFile(Rule):
    """people.yaml."""

    people: dict[Name, Person] = {}
    groups: dict[Name, Group] = {}


class OncallFile(Rule):
    """oncall.yaml."""

    schedules: dict[Name, Schedule] = {}


class Round(rounds.Round):
    """A round that people make (procedure 4.6)."""

    owner: ToldRole = "l1"


class InspectionsFile(Rule):
    """inspections.yaml: what is read, and when."""

    inspections: dict[Name, Any] = {}
    rounds: dict[Name, Round] = {}


class RulesFile(Rule):
    """rules.yaml: what a site knows about its alerts; asked before the rules of the pack."""

    join: list[JoinRule] = []
    inhibit: list[InhibitionRule] = []
    classification: list[ClassificationRule] = []
    routes: list[Route] = []
    windows: list[WindowRule] = []

    @field_validator("join")
    @classmethod
    def _told_apart(cls, join: list[JoinRule]) -> list[JoinRule]:
        ids = [rule.id for rule in join]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two rules have the id {twice!r}: rename one, or what they join is mixed up")
        return join


class TopologyFile(Rule):
    """topology.yaml."""

    configuration_items: dict[str, ConfigurationItem] = {}


class Customer(Rule):
    """Whom services are for."""

    name: str
    language: Literal["en", "zh"] = "en"
    contacts: list[Contact] = []
    calendar: str = "business"
    """By whose workdays it is told at the end of the day."""


class Service(Rule):
    """A service as customers know it; `match` picks the alerts that concern it."""

    name: str = ""
    criticality: Literal["critical", "important", "normal", "low"] = "normal"
    owner: str | None = None
    customers: list[str] = []
    match: Match = ()
    sla: dict[Literal[1, 2, 3, 4], Promise] = {}


class Contract(Rule):
    """What a customer has been promised for which services."""

    customer: str
    services: list[str] = []
    """Left out: all services of the customer."""
    reference: str = ""
    items: list[str] = []
    """Configuration items that it covers. Left out: all."""
    hours: str | None = None
    """The calendar in whose hours something must be reported. Left out: at any time."""
    valid_from: date | None = None
    valid_until: date | None = None
    """Its first and its last day."""
    sla: dict[Literal[1, 2, 3, 4], Promise] = {}
    """What it promises beyond the service; of several contracts the strictest holds."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_from is not None and self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} is before valid_from {self.valid_from}: swap them")
        return self


class ServicesFile(Rule):
    """services.yaml."""

    customers: dict[Name, Customer] = {}
    services: dict[str, Service] = {}
    contracts: dict[Name, Contract] = {}
    vendors: dict[str, Vendor] = {}


class PackFile(Rule):
    """pack.yaml of a pack: what it is called, what it is for, and the pack that it is laid over."""

    extends: Name | None = None
    name: dict[Literal["en", "zh"], str] = {}
    about: dict[Literal["en", "zh"], str] = {}


# ---- the pack ----------------------------------------------------------------------------------------------------


class SeverityFile(Rule):
    """severity.yaml."""

    severity: SeverityPolicy


class SlaFile(Rule):
    """sla.yaml."""

    sla: SlaPolicy


class EscalationFile(Rule):
    """escalation.yaml."""

    escalation: EscalationPolicy


class StatesFile(Rule):
    """states.yaml."""

    states: StatesPolicy = StatesPolicy()


class ClassificationFile(Rule):
    """classification.yaml."""

    groups: dict[Name, Group] = {}
    classification: Classification = Classification()


class CalendarFile(Rule):
    """calendar.yaml. `time_zone` dates the numbers of incidents."""

    time_zone: ZoneName = "Asia/Shanghai"
    calendars: dict[Name, BusinessCalendar] = {}


class ProblemsFile(Rule):
    """problems.yaml."""

    problems: ProblemPolicy = ProblemPolicy()
    known_errors: FeedbackPolicy = FeedbackPolicy()


class NoticesFile(Rule):
    """notices.yaml."""

    notices: dict[Name, NoticeRule] = {}


class ThresholdsFile(Rule):
    """thresholds.yaml: its keys are those of readings, so it has no key of its own above them."""

    thresholds: dict[str, Threshold] = {}


FILES: Mapping[str, type[Rule]] = {
    "tocsin.yaml": TocsinFile,
    "people.yaml": PeopleFile,
    "oncall.yaml": OncallFile,
    "inspections.yaml": InspectionsFile,
    "thresholds.yaml": ThresholdsFile,
    "rules.yaml": RulesFile,
    "topology.yaml": TopologyFile,
    "services.yaml": ServicesFile,
    "severity.yaml": SeverityFile,
    "sla.yaml": SlaFile,
    "escalation.yaml": EscalationFile,
    "states.yaml": StatesFile,
    "classification.yaml": ClassificationFile,
    "calendar.yaml": CalendarFile,
    "correlation.yaml": CorrelationPolicy,
    "notices.yaml": NoticesFile,
    "problems.yaml": ProblemsFile,
}
"""Every file that may stand in a configuration directory; any of them may be absent."""

PACK_FILES = tuple(name for name in FILES if name not in ("tocsin.yaml", "people.yaml", "oncall.yaml"))
"""What a pack may hold; a site's file of the same name is laid over it key by key."""
BARE = ("thresholds.yaml",)
"""Files without a key above their content."""
