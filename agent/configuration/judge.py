"""What is right by itself and wrong together, as far as the files that it needs could be read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent.configuration import coverage, crosscheck
from agent.configuration.faults import Findings
from agent.configuration.layers import Layered
from agent.configuration.route_faults import route_faults
from agent.configuration.topology_faults import unknown_kinds
from agent.configuration.window_faults import window_faults
from collectors.thresholds import Thresholds

Layers = Mapping[str, Layered]
Files = Mapping[str, Any]
"""By file what it says; None where it could not be read."""


def judge(
    layers: Layers,
    files: Files,
    inspections: Mapping[str, Any],
    pack: Thresholds,
    now: datetime | None,
    found: Findings,
) -> None:
    """Note what does not hang together. `pack`: its thresholds alone; with `now` what the coming weeks lack, too."""
    _judge_times(layers, files, now, found)
    if files["thresholds.yaml"] is not None:
        written = files["thresholds.yaml"].thresholds
        found.faults += crosscheck.thresholds(layers, written, inspections, pack)
    _judge_rules(layers["rules.yaml"], files, now, found)
    if files["topology.yaml"] is not None and files["correlation.yaml"] is not None:
        found.notes += unknown_kinds(layers["topology.yaml"], files["correlation.yaml"])
    _judge_reach(layers, files, now, found)


def _judge_times(layers: Layers, files: Files, now: datetime | None, found: Findings) -> None:
    escalation, sla, calendar = (files[f"{n}.yaml"] for n in ("escalation", "sla", "calendar"))
    if escalation is not None:
        targets = sla.sla.default if sla is not None else None
        found.sort(crosscheck.timetable(layers, escalation.escalation, targets), found.warnings)
    if calendar is not None and now is not None:
        found.sort(crosscheck.calendars(layers, calendar.calendars, now), found.notes)


def _judge_rules(layered: Layered, files: Files, now: datetime | None, found: Findings) -> None:
    rules, classified, calendar = (files[f"{n}.yaml"] for n in ("rules", "classification", "calendar"))
    if None in (rules, classified, calendar):
        return
    found.sort(route_faults(layered, rules.routes), found.warnings)
    routes = [*rules.routes, *classified.classification.routes]
    found.sort(window_faults(layered, rules.windows, calendar.calendars, routes, now), found.warnings)


def _judge_reach(layers: Layers, files: Files, now: datetime | None, found: Findings) -> None:
    """Whom the timetable reaches: where `fallback` stands in, or nobody is written at all, it is no error yet."""
    people, oncall, tocsin, escalation = (files[f"{n}.yaml"] for n in ("people", "oncall", "tocsin", "escalation"))
    if None in (people, oncall, tocsin, escalation):
        return
    one_rota = escalation.escalation.one_rota
    reach = crosscheck.Reach(layers, people.people, oncall.schedules, tocsin.fallback, one_rota)
    gaps = list(reach.faults())
    if now is not None:
        gaps += coverage.faults(layers["oncall.yaml"], oncall.schedules, now)
    lenient = reach.fallback_reaches or not people.people
    (found.warnings if lenient else found.faults).extend(gaps)
