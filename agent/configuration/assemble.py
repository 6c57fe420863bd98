"""The files of a site and of its pack, each right by itself, become one configuration."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from agent.configuration import layers
from agent.configuration.config import Config
from agent.configuration.layers import Layered
from knowledge.library import Library


def put_together(pack: str, files: Mapping[str, Any], laid: Mapping[str, Layered], known_errors: Library) -> Config:
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
