"""What an incident was promised, and by which timetable it runs: read from its record and the configuration.

It stands in `Incident.targets`, stored as JSON, with what the steps of the incident have to remember:

    severity, response_s, resolve_s, calendar   the targets of its severity, in seconds of the time of that calendar
    version                                     of the configuration by which the promises were taken
    service, promises, contracts                what its service and its customers' contracts promise beyond that
    climbs, taken, calls, halted                of agent/ladder.py: climbs by severity, the marks of steps that have
                                                their record, calls by step, the state in which the timetable stands
    requested, noted_by                         escalations that were asked for, and who took note of one
    vendor_proposed, recall, updates            what was proposed or told already, so that it is not said twice
    stays, vendor_calls                         the clocks of groups (escalation/ola.py) and vendors
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from agent.configuration.config import Config
from agent.contracts import contracts_of
from collectors.remembering import remembers
from correlation.calendar import ALWAYS, Calendar, calendar_named
from correlation.incident import Incident
from escalation.forecast import silent_at
from escalation.sla import Pause, Promise, SlaPolicy, Target, due, fold, strictest
from escalation.timetable import EscalationPolicy, EscalationRules, Manual, PlannedStep, PredictedBreach, TimetableStep
from escalation.timetable import plan as planned_by

_EACH: tuple[Literal[1, 2, 3, 4], ...] = (1, 2, 3, 4)


@remembers("targets", 1024)
def _target(response_s: float, resolve_s: float, calendar: str) -> Target:
    return Target(response=timedelta(seconds=response_s), resolve=timedelta(seconds=resolve_s), calendar=calendar)


class Terms:
    """Targets, calendars and timetables of incidents, each of the version with which the incident was opened."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.policies: dict[int, tuple[SlaPolicy, EscalationPolicy]] = {}

    def hold(self, version: int, sla: SlaPolicy, escalation: EscalationPolicy) -> None:
        """Keep the targets and the timetable of a version; versions that agree in them share one copy."""
        fresh = (sla, escalation)
        held = {id(policies): policies for policies in self.policies.values()}
        self.policies[version] = next((policies for policies in held.values() if policies == fresh), fresh)

    def rules(self, incident: Incident) -> EscalationRules:
        """How the timetable of this incident runs."""
        return self._policy(incident).rules

    def manual(self, incident: Incident) -> Manual:
        """Who may ask for an escalation by hand."""
        return self._policy(incident).manual

    def update_pace(self, incident: Incident) -> timedelta | None:
        """How often a customer is told of it beside the end of the day; None: not at all."""
        pace = self._policies(incident)[0].default[incident.severity].customer_update
        return pace if isinstance(pace, timedelta) else None

    def timetable(self, incident: Incident) -> list[TimetableStep]:
        """The timetable of the severity that it has now."""
        return self._policy(incident).timetable.get(incident.severity, [])

    def breach_policy(self, incident: Incident) -> PredictedBreach:
        """When a breach of its target is to be expected."""
        return self._policy(incident).predicted_breach

    def silent_at(self, incident: Incident) -> datetime | None:
        """When a breach is to be expected because nobody has written anything; None: not while its clock stands."""
        return silent_at(
            self.breach_policy(incident),
            incident.opened_at,
            incident.heard_at or incident.opened_at,
            self.target(incident).resolve,
            self.calendar(incident),
            self.pauses(incident),
        )

    def plan(self, incident: Incident) -> list[PlannedStep]:
        """Every step of the severity that it has now, its clocks counted from the report."""
        return planned_by(
            self._policy(incident),
            incident.severity,
            incident.opened_at,
            self.target(incident),
            self.calendar(incident),
            self.pauses(incident),
        )

    def plan_from_relapse(self, incident: Incident) -> list[PlannedStep]:
        """All steps: the first clocks from the last relapse or growth on, the resolution clock from the report."""
        asked_at = self.asked_anew_at(incident)
        if asked_at is None:
            return self.plan(incident)
        again = self.plan_again(incident, self.again_from(incident, asked_at))
        return [*again, *(p for p in self.plan(incident) if p.step.clock == "resolution")]

    def asked_anew_at(self, incident: Incident) -> datetime | None:
        """When it last fired again or grew, and so has to be acknowledged anew; None: it never did."""
        return max((at for at in (incident.relapsed_at, incident.grew_at) if at is not None), default=None)

    def again_from(self, incident: Incident, relapsed_at: datetime) -> datetime:
        """When the first clocks start anew after a relapse: at once, or when whoever holds it has not answered."""
        if not incident.assignee:
            return relapsed_at
        return due(relapsed_at, self.target(incident).response, self.calendar(incident), ()) or relapsed_at

    def plan_again(self, incident: Incident, start: datetime) -> list[PlannedStep]:
        """The steps of the first clocks, as if it were reported at `start`."""
        target, calendar = self.target(incident), self.calendar(incident)
        planned = planned_by(self._policy(incident), incident.severity, start, target, calendar, (), 1, start)
        return [p for p in planned if p.step.clock != "resolution"]

    def snapshot(self, incident: Incident) -> None:
        """Fix the target of the severity on it; what the service is promised it holds from its opening on."""
        held = self._promises(incident)
        target = self._policies(incident)[0].default[incident.severity]
        if str(incident.severity) in held:
            target = Promise.model_validate(held[str(incident.severity)]).over(target)
        incident.targets = {
            **incident.targets,
            "severity": incident.severity,
            "response_s": target.response.total_seconds(),
            "resolve_s": target.resolve.total_seconds(),
            "calendar": target.calendar,
            **({"service": incident.service, "promises": held} if held else {}),
        }

    def _promises(self, incident: Incident) -> dict[str, Any]:
        """What was promised to its service when it was opened or last planned anew (procedure R105)."""
        if "response_s" in incident.targets and incident.targets.get("version", 0) == incident.config_version:
            held: dict[str, Any] = incident.targets.get("promises", {})
            return held
        service = self.config.services.get(incident.service)
        incident.targets = {
            **{k: v for k, v in incident.targets.items() if k not in ("promises", "contracts")},
            "version": incident.config_version,
        }
        contracts = contracts_of(incident, self.config)
        incident.targets = {**incident.targets, "contracts": sorted(contracts)} if contracts else incident.targets
        found: dict[str, Any] = {}
        for severity in _EACH if service is not None or contracts else ():
            beneath = service.sla.get(severity) if service is not None else None
            over = strictest([c.sla[severity] for c in contracts.values() if severity in c.sla])
            laid = {
                **(beneath.model_dump(mode="json", exclude_none=True) if beneath is not None else {}),
                **over.model_dump(mode="json", exclude_none=True),
            }
            if laid:
                found[str(severity)] = laid
        return found

    def target(self, incident: Incident) -> Target:
        """What it holds: `snapshot` was called before."""
        held = incident.targets
        return _target(held["response_s"], held["resolve_s"], held["calendar"])

    def calendar(self, incident: Incident) -> Calendar:
        """The calendar in whose time its targets count."""
        return calendar_named(incident.targets["calendar"], self.config.calendars)

    def workdays(self) -> Calendar:
        """The calendar by which a step repeats each workday."""
        return self.config.calendars.get("business") or ALWAYS

    def _policy(self, incident: Incident) -> EscalationPolicy:
        return self._policies(incident)[1]

    def _policies(self, incident: Incident) -> tuple[SlaPolicy, EscalationPolicy]:
        """An open incident keeps the targets and the timetable it was opened with."""
        return self.policies.get(incident.config_version, (self.config.sla, self.config.escalation))

    def pauses(self, incident: Incident) -> tuple[Pause, ...]:
        """When its resolution clock stood or stands: states that pause, and the time after its last alert ended."""
        rests = [Pause(*rest) for rest in incident.rests]
        if incident.restored_since is not None:
            rests.append(Pause(incident.restored_since, None))
        return fold(incident.history, self._policies(incident)[0].pause_in, rests)
