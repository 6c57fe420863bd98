"""The configuration: read whole, checked whole, and never changed; a reload makes another."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from agent.configuration import coverage, crosscheck, layers, plugins, show
from agent.configuration.build import build
from agent.configuration.faults import Fault, Path, fault_at, hide, suggest
from agent.configuration.known_errors import action_faults, is_large, read_library, review_faults
from agent.configuration.layers import Layered
from agent.configuration.route_faults import route_faults
from agent.configuration.show import effective
from agent.configuration.site import (
    FILES,
    PACK_FILES,
    Contract,
    Customer,
    Retention,
    Round,
    Service,
    SourceConfig,
    ThresholdsFile,
)
from agent.configuration.topology_faults import topology_faults, unknown_kinds
from agent.configuration.window_faults import window_faults
from agent.configuration.yaml import Document
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
from escalation.roles import Group, Person
from escalation.sla import SlaPolicy
from escalation.timetable import EscalationPolicy
from escalation.vendor import Vendor
from knowledge.automation import AutomationPolicy
from knowledge.feedback import FeedbackPolicy
from knowledge.library import Library
from knowledge.problem import ProblemPolicy

__all__ = ["Config", "ConfigFaults", "SourceConfig", "effective", "load", "schema"]

DEFAULT_PACK = "iso20000-default"

F = TypeVar("F", bound=Rule)


class ConfigFaults(Exception):
    """The configuration cannot be used; `faults` are all that is wrong, in the order of files and lines."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


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

    @cached_property
    def addressees(self) -> Mapping[str, Person]:
        """Whoever a page may be for: our people, and `customer/<name>` for each customer."""
        customers = {
            f"customer/{name}": Person(name=c.name, language=c.language, contacts=c.contacts)
            for name, c in self.customers.items()
        }
        return {**self.people, **customers}

    def threshold(self, inspection: str, key: str) -> Threshold:
        """The threshold of a key of an inspection: thresholds.yaml over the inspection's own over the pack's."""
        config = self.inspections.get(inspection)
        own = config.own_thresholds(inspection) if isinstance(config, JudgedConfig) else {}
        return threshold_for(inspection, key, self.pack_thresholds, own, self.thresholds)

    def origin(self, source: str) -> str:
        """The origin under which the alerts of a source are known."""
        config = self.sources.get(source)
        return (config.origin if config else None) or source


def load(
    config_dir: FilePath | str,
    pack: str | None = None,
    *,
    strict: bool = False,
    environ: Mapping[str, str] = os.environ,
    now: datetime | None = None,
    library_later: bool = False,
    but_faulty: bool = False,
) -> Config:
    """Return the configuration of a directory. Raises ConfigFaults with every fault of every file.

    `pack` wins over the `pack:` of tocsin.yaml. With `strict` a warning is a fault. With `now` calendars and rotas
    are looked through for the 60 days from there (procedure S2.1). With `library_later` the site's known errors are
    left out where they are many (`is_library_read`); with `but_faulty` those that are wrong are (`left_out`). The
    directory is only read.
    """
    folder = FilePath(config_dir)
    if not folder.is_dir():
        raise ConfigFaults([Fault(str(config_dir), 1, 1, "", "there is no such directory: name it with --config.dir")])
    return _Loading(folder, environ, strict, now, library_later and is_large(folder), but_faulty).config(pack)


class _Loading:
    """One load, begun to end by `config`: the files as laid over each other, and what was found wrong so far.

    Faults stop the load when all files were looked at; `_warnings` stop it where it is `strict`, `_notes` never.
    """

    def __init__(
        self,
        folder: FilePath,
        environ: Mapping[str, str],
        strict: bool,
        now: datetime | None,
        library_later: bool,
        but_faulty: bool,
    ) -> None:
        self._folder, self._environ, self._strict, self._now = folder, environ, strict, now
        self._library_later = library_later
        self._left_out: list[Fault] | None = [] if but_faulty else None
        self._faults: list[Fault] = layers.misnamed(folder)
        self._warnings: list[Fault] = [*layers.strangers(folder), *layers.emptied(folder)]
        self._notes: list[Fault] = []
        self._layers: dict[str, Layered] = {}
        self._thresholds = Layered("thresholds.yaml")

    def config(self, pack: str | None) -> Config:
        """Read, lay over each other, build and cross-check all files. Raises ConfigFaults with every fault of them."""
        pack, pack_thresholds = self._read(pack)
        files = {name: self._build(model, self._layers[name]) for name, model in FILES.items()}
        notifiers = self._plugins("notifier", "tocsin.yaml", "notifiers")
        inspections = self._plugins("inspection", "inspections.yaml", "inspections")
        self._sources()
        self._strategies()
        self._faults += crosscheck.references(self._layers)
        self._faults += topology_faults(self._layers["topology.yaml"])
        known_errors = self._known_errors(pack)
        found: Mapping[str, Any] = files
        self._judge(found, inspections, pack_thresholds)
        if found["tocsin.yaml"] is not None:
            self._wrong_in_library(action_faults(known_errors, found["tocsin.yaml"].automation))
        self._stop_if(self._faults or (self._strict and self._warnings))
        config = _put_together(pack, found, {**self._layers, "thresholds.yaml": self._thresholds}, known_errors)
        return replace(
            config,
            notifiers=notifiers,
            inspections=inspections,
            pack_thresholds=pack_thresholds,
            is_library_read=not self._library_later,
            left_out=tuple(self._told(self._left_out or [])),
            warnings=tuple(self._told(self._warnings)),
            notes=tuple(self._told(self._notes)),
        )

    def _stop_if(self, wrong: object) -> None:
        if wrong:
            raise ConfigFaults(self._told([*self._faults, *(self._warnings if self._strict else ())]))

    def _told(self, faults: list[Fault]) -> list[Fault]:
        """The faults as people are told them: each once, in the order of files and lines, without any secret."""
        hidden = {secret: shown for layered in self._layers.values() for secret, shown in layered.hidden.items()}
        names = list(FILES)
        told = {layers.as_written(fault._replace(message=hide(fault.message, hidden))) for fault in faults}
        return sorted(told, key=lambda f: (names.index(f.file) if f.file in names else len(names), f))

    # reading

    def _read(self, pack: str | None) -> tuple[str, Thresholds]:
        """Read all files; return the name of the pack, and its thresholds alone.

        They are kept apart from the site's because those of an inspection come between the two (`Config.threshold`).
        """
        site = layers.read_folder(self._folder, FILES, "", self._faults)
        layers.put_secrets(site, self._folder, self._environ, self._faults)
        pack = pack or _pack_named(site)
        below = self._read_pack(pack, site)
        of_pack = below.pop("thresholds.yaml", [])
        thresholds = layers.lay("thresholds.yaml", *of_pack)
        self._layers = {name: layers.lay(name, *below.get(name, ()), site.get(name)) for name in FILES}
        self._thresholds = layers.lay("thresholds.yaml", *of_pack, site.get("thresholds.yaml"))
        built = self._build(ThresholdsFile, thresholds)
        return pack, built.thresholds if built else {}

    def _read_pack(self, pack: str, site: Mapping[str, Document]) -> dict[str, list[Document]]:
        if pack not in layers.packs():
            marks = site["tocsin.yaml"].marks if "tocsin.yaml" in site else {}
            message = f"there is no pack {pack!r}{suggest(pack, layers.packs())}"
            self._faults.append(fault_at(marks, ("pack",), message, file="tocsin.yaml"))
            pack = DEFAULT_PACK
        return layers.read_pack(pack, PACK_FILES, self._faults)

    def _build(self, model: type[F], layered: Layered) -> F | None:
        if not layered.readable:
            return None
        built, faults = build(model, layered.value, layered.marks, hidden=layered.hidden)
        self._add(faults)
        return built

    def _add(self, faults: list[Fault]) -> None:
        """Note faults; where a secret is missing, nothing more is said of it."""
        known = {fault[:3] for fault in self._faults}
        self._faults += [fault for fault in faults if fault[:3] not in known]

    # plugins

    def _plugins(self, kind: str, file: str, key: str) -> dict[str, Any]:
        layered, found = self._layers[file], {}
        for name, written in layered.section(key).items():
            module = self._plugin(kind, layered, (key, name), written)
            if module is not None:
                built, faults = build(module.Config, written, layered.marks, at=(key, name), hidden=layered.hidden)
                self._add(faults)
                found[name] = built
        return found

    def _plugin(self, kind: str, layered: Layered, path: Path, written: Any) -> Any:
        named = written.get("type") if isinstance(written, dict) else None
        if not isinstance(named, str):
            message = f"the key 'type' is missing: write one of {', '.join(plugins.known(kind))}"
            self._faults.append(fault_at(layered.marks, path, message, key=True))
            return None
        try:
            return plugins.load(kind, named)
        except plugins.UnknownPlugin as error:
            self._faults.append(fault_at(layered.marks, (*path, "type"), str(error)))
            return None

    def _sources(self) -> None:
        layered = self._layers["tocsin.yaml"]
        for name, written in layered.section("sources").items():
            if isinstance(written, dict) and "type" in written:
                module = self._plugin("webhook", layered, ("sources", name), written)
                if hasattr(module, "AlertMapping"):
                    self._mapping(module, layered, ("sources", name), written)

    def _mapping(self, module: Any, layered: Layered, path: Path, written: Mapping[str, Any]) -> None:
        """A mapping must be one, and do what its own tests say."""
        mapping, tests = written.get("mapping") or {}, written.get("tests") or []
        faults = build(module.AlertMapping, mapping, layered.marks, at=(*path, "mapping"))[1]
        faults += build(list[module.MappingTest], tests, layered.marks, at=(*path, "tests"))[1]
        if not faults:
            failed = module.check(mapping, tests)
            faults = [fault_at(layered.marks, (*path, "tests"), text, key=True) for text in failed]
        self._add(faults)

    def _strategies(self) -> None:
        for file in ("rules.yaml", "correlation.yaml"):
            layered = self._layers[file]
            rules = layered.value.get("join") if isinstance(layered.value, dict) else None
            for place, rule in enumerate(rules if isinstance(rules, list) else ()):
                if isinstance(rule, dict) and "type" in rule:
                    module = self._plugin("strategy", layered, ("join", place), rule)
                    if module is not None and not getattr(module.Join, "by_rule", False):
                        message = (
                            f"{rule['type']!r} is always asked and takes no join rule: write labels, or leave type out"
                        )
                        self._faults.append(fault_at(layered.marks, ("join", place, "type"), message))

    def _known_errors(self, pack: str) -> Library:
        place = next((p for p in layers.lineage(pack) if (layers.pack_folder(p) / "knowledge").is_dir()), pack)
        library, faults = read_library(
            layers.pack_folder(place), self._folder, place, entries_of_site=not self._library_later
        )
        self._wrong_in_library(faults)
        if self._now is not None:
            self._warnings += review_faults(library, self._now)
        return library

    def _wrong_in_library(self, faults: list[Fault]) -> None:
        (self._faults if self._left_out is None else self._left_out).extend(faults)

    # what hangs together

    def _judge(self, files: Mapping[str, Any], inspections: Mapping[str, Any], pack: Thresholds) -> None:
        """Look at what is right by itself and wrong together, as far as the files that it needs could be read."""
        escalation, sla, calendar = (files[f"{n}.yaml"] for n in ("escalation", "sla", "calendar"))
        if escalation is not None:
            targets = sla.sla.default if sla is not None else None
            for fault, is_error in crosscheck.timetable(self._layers, escalation.escalation, targets):
                (self._faults if is_error else self._warnings).append(fault)
        if files["thresholds.yaml"] is not None:
            written = files["thresholds.yaml"].thresholds
            self._faults += crosscheck.thresholds(self._layers, written, inspections, pack)
        if calendar is not None and self._now is not None:
            for fault, is_error in crosscheck.calendars(self._layers, calendar.calendars, self._now):
                (self._faults if is_error else self._notes).append(fault)
        if files["rules.yaml"] is not None and calendar is not None and files["classification.yaml"] is not None:
            for fault, is_error in route_faults(self._layers["rules.yaml"], files["rules.yaml"].routes):
                (self._faults if is_error else self._warnings).append(fault)
            routes = [*files["rules.yaml"].routes, *files["classification.yaml"].classification.routes]
            faults = window_faults(
                self._layers["rules.yaml"], files["rules.yaml"].windows, calendar.calendars, routes, self._now
            )
            for fault, is_error in faults:
                (self._faults if is_error else self._warnings).append(fault)
        if files["topology.yaml"] is not None and files["correlation.yaml"] is not None:
            self._notes += unknown_kinds(self._layers["topology.yaml"], files["correlation.yaml"])
        self._judge_reach(files)

    def _judge_reach(self, files: Mapping[str, Any]) -> None:
        """Whom the timetable reaches: where `fallback` stands in, or nobody is written at all, it is no error yet."""
        people, oncall, tocsin, escalation = (files[f"{n}.yaml"] for n in ("people", "oncall", "tocsin", "escalation"))
        if None in (people, oncall, tocsin, escalation):
            return
        one_rota = escalation.escalation.one_rota
        reach = crosscheck.Reach(self._layers, people.people, oncall.schedules, tocsin.fallback, one_rota)
        found = list(reach.faults())
        if self._now is not None:
            found += coverage.faults(self._layers["oncall.yaml"], oncall.schedules, self._now)
        lenient = reach.fallback_reaches or not people.people
        (self._warnings if lenient else self._faults).extend(found)


def _pack_named(site: Mapping[str, Document]) -> str:
    value = site["tocsin.yaml"].value if "tocsin.yaml" in site else None
    named = value.get("pack") if isinstance(value, dict) else None
    return named if isinstance(named, str) else DEFAULT_PACK


def _put_together(pack: str, files: Mapping[str, Any], laid: Mapping[str, Layered], known_errors: Library) -> Config:
    """Return the configuration of files that are all right; a site's rules come before those of the pack."""
    tocsin, people, rules, services = (files[f"{n}.yaml"] for n in ("tocsin", "people", "rules", "services"))
    correlation, classified = files["correlation.yaml"], files["classification.yaml"]
    calendar, inspections = files["calendar.yaml"], files["inspections.yaml"]
    of_pack = classified.classification
    more = {"rules": [*rules.classification, *of_pack.rules], "routes": [*rules.routes, *of_pack.routes]}
    classification = of_pack.model_copy(update=more)
    return Config(
        pack=pack,
        zone=ZoneInfo(calendar.time_zone),
        severity=files["severity.yaml"].severity,
        sla=files["sla.yaml"].sla,
        escalation=files["escalation.yaml"].escalation,
        states=files["states.yaml"].states,
        correlation=correlation,
        classification=classification,
        known_errors=known_errors,
        external_url=tocsin.external_url,
        sources=tocsin.sources,
        fallback=tuple(dict.fromkeys(tocsin.fallback)),
        retention=tocsin.retention,
        delivery=tocsin.delivery,
        automation=tocsin.automation,
        people=people.people,
        groups={**classified.groups, **people.groups},
        schedules=files["oncall.yaml"].schedules,
        rounds=inspections.rounds,
        thresholds=files["thresholds.yaml"].thresholds,
        join_rules=(*rules.join, *correlation.join),
        inhibitions=tuple(rules.inhibit),
        windows=tuple(rules.windows),
        calendars=calendar.calendars,
        notices=files["notices.yaml"].notices,
        topology=files["topology.yaml"].configuration_items,
        problems=files["problems.yaml"].problems,
        feedback=files["problems.yaml"].known_errors,
        customers=services.customers,
        services=services.services,
        contracts=services.contracts,
        vendors=services.vendors,
        files=files,
        provenance={name: layers.provenance(layered) for name, layered in laid.items()},
        hidden={secret: shown for layered in laid.values() for secret, shown in layered.hidden.items()},
    )


def schema() -> dict[str, Any]:
    """Return for each file its JSON schema, for editors; plugins bring theirs."""
    found = {name: show.schema_of(model) for name, model in FILES.items()}
    found["thresholds.yaml"] = show.unwrapped(found["thresholds.yaml"], "thresholds")
    for file, key, kind in (
        ("tocsin.yaml", "notifiers", "notifier"),
        ("inspections.yaml", "inspections", "inspection"),
    ):
        configs = [plugins.load(kind, name).Config for name in plugins.known(kind)]
        found[file] = show.with_plugins(found[file], key, configs)
    return found
