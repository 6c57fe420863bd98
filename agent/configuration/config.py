"""The configuration: all that deciders are told. It is never changed; a reload makes another."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from agent.configuration.faults import Fault
from agent.configuration.site import Contract, Customer, Retention, Round, Service, SourceConfig
from collectors.rule import Rule
from collectors.thresholds import JudgedConfig, Threshold, Thresholds, threshold_for
from correlation.calendar import BusinessCalendar
from correlation.classify import Classification
from correlation.rules import ConfigurationItem, CorrelationPolicy, InhibitionRule, JoinRule, StatesPolicy
from correlation.severity import SeverityPolicy
from correlation.window import WindowRule
from escalation.delivery import RetryPolicy
from escalation.notice import NoticeRule
from escalation.oncall import Schedule
from escalation.recovery import anybody_takes_ends
from escalation.roles import Group, Person, teams_of
from escalation.sla import SlaPolicy
from escalation.timetable import EscalationPolicy
from escalation.vendor import Vendor
from knowledge.automation import AutomationPolicy
from knowledge.feedback import FeedbackPolicy
from knowledge.library import Library
from knowledge.problem import ProblemPolicy


@dataclass(frozen=True)
class Config:
    """All that deciders are told: the site's files laid over those of its pack.

    `version` is the number under which it was stored (0: not yet). `thresholds` are the site's, `pack_thresholds` the
    pack's; `threshold` puts them together. In `join_rules` and in the rules of `classification` the site's come first.
    `files` has each file as it was read. `provenance` says for each file, by the path of a value in it, at which
    `file:line` that value was written. `hidden` has each secret and what is shown in its place.
    """

    pack: str
    zone: ZoneInfo
    severity: SeverityPolicy
    sla: SlaPolicy
    escalation: EscalationPolicy
    states: StatesPolicy
    correlation: CorrelationPolicy
    classification: Classification
    known_errors: Library
    is_library_read: bool = True
    """False where the site's known errors are so many that they are read once alerts are taken."""
    left_out: tuple[Fault, ...] = ()
    """What is wrong in files of known errors that was left out, the rest being taken."""
    version: int = 0
    external_url: str | None = None
    sources: Mapping[str, SourceConfig] = field(default_factory=dict)
    notifiers: Mapping[str, Any] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()
    retention: Retention = field(default_factory=Retention)
    delivery: RetryPolicy = field(default_factory=RetryPolicy)
    automation: AutomationPolicy = field(default_factory=AutomationPolicy)
    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    inspections: Mapping[str, Any] = field(default_factory=dict)
    rounds: Mapping[str, Round] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=dict)
    pack_thresholds: Thresholds = field(default_factory=dict)
    join_rules: tuple[JoinRule, ...] = ()
    inhibitions: tuple[InhibitionRule, ...] = ()
    windows: tuple[WindowRule, ...] = ()
    calendars: Mapping[str, BusinessCalendar] = field(default_factory=dict)
    notices: Mapping[str, NoticeRule] = field(default_factory=dict)
    topology: Mapping[str, ConfigurationItem] = field(default_factory=dict)
    problems: ProblemPolicy = field(default_factory=ProblemPolicy)
    feedback: FeedbackPolicy = field(default_factory=FeedbackPolicy)
    customers: Mapping[str, Customer] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    vendors: Mapping[str, Vendor] = field(default_factory=dict)
    files: Mapping[str, Rule] = field(default_factory=dict, repr=False)
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)
    warnings: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()
    """What will want attention one day, and that nobody can put right yet: no warning, also not with `strict`."""

    @property
    def tells_ends(self) -> bool:
        """Whether anybody is told that an incident has recovered by itself (`send_resolved`)."""
        return anybody_takes_ends(self.people.values(), self.notifiers)

    def teams_of(self, person: str) -> frozenset[str]:
        """The groups whose incidents are a person's own."""
        return teams_of(person, self.people, self.schedules, self.escalation.one_rota, self.groups)

    @cached_property
    def addressees(self) -> Mapping[str, Person]:
        """Whoever a page may be for: our people, and `customer/<name>` for each customer."""
        customers = {
            f"customer/{name}": Person(name=c.name, language=c.language, contacts=c.contacts)
            for name, c in self.customers.items()
        }
        return {**self.people, **customers}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What those whom a page may be for are called, by id; whoever shares a name is told apart by it."""
        shared = Counter(person.name for person in self.addressees.values())
        return {
            id_: person.name if shared[person.name] == 1 else f"{person.name} ({id_})"
            for id_, person in self.addressees.items()
        }

    def threshold(self, inspection: str, key: str) -> Threshold:
        """The threshold of a key of an inspection: thresholds.yaml over the inspection's own over the pack's."""
        config = self.inspections.get(inspection)
        own = config.own_thresholds(inspection) if isinstance(config, JudgedConfig) else {}
        return threshold_for(inspection, key, self.pack_thresholds, own, self.thresholds)

    def origin(self, source: str) -> str:
        """The origin under which the alerts of a source are known."""
        config = self.sources.get(source)
        return (config.origin if config else None) or source
