"""Scenario files are played: acceptance tests that a user writes."""

import json
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from agent.configuration.config import Config
from agent.configuration.faults import Fault
from agent.configuration.load import load
from agent.http.problems import problem_of
from agent.loading.fetch import fetch_incident
from agent.rehearsal.house import House
from agent.rehearsal.scenario import BadScenario, Expect, Line, Scenario, Wanted, WantedProblem, read
from collectors.labels import fingerprint
from collectors.moment import moment_text, parse_moment
from collectors.rule import format_span
from correlation.incident import INSPECTION, Incident
from correlation.refusal import Refusal

__all__ = ["BadScenario", "Stage", "perform", "read", "rehearse"]


async def rehearse(path: str, config_dir: str) -> list[str]:
    """Run one scenario file; return what was not as expected, each with its file and line.

    Raises BadScenario, and agent.configuration.config.ConfigFaults for its configuration.
    """
    scenario, places = read(path)
    folder = Path(path).parent / scenario.config if scenario.config else Path(config_dir)
    return await perform(scenario, places, load(folder))


async def perform(scenario: Scenario, places: list[Fault], config: Config) -> list[str]:
    """Run a scenario on a configuration."""
    start = parse_moment(scenario.start)
    assert start is not None
    stage = Stage(await House(config, start).open(), start)
    faults = []
    for line, place in zip(scenario.steps, places, strict=True):
        await stage.advance_to(start + line.at)
        for wrong in await stage.play(line):
            faults.append(f"{place.file}:{place.line}: at {format_span(line.at)}: {wrong}")
    await stage.house.close()
    return faults


class Stage:
    """A scenario in play."""

    def __init__(self, house: House, start: datetime) -> None:
        self.house = house
        self._start = start
        self._seen_pages = 0
        self._started: dict[str, datetime] = {}
        self._down = False

    async def advance_to(self, moment: datetime) -> None:
        """Let time pass; a daemon that is down does nothing meanwhile."""
        if self._down:
            self.house.clock.set(moment)
        else:
            await self.house.advance_to(moment)

    async def play(self, line: Line) -> list[str]:
        """Do what a line says; return what was not as expected."""
        for labels in [*([line.alert] if line.alert else []), *(line.alerts or [])]:
            await self._send(line.source, labels, firing=True)
        if line.resolve is not None:
            await self._send(line.source, line.resolve, firing=False)
        if line.break_ is not None:
            self.house.broken.add(line.break_)
        if line.mend is not None:
            self.house.broken.discard(line.mend)
        if line.restart:
            await self.house.restart()
        self._down = line.down or (self._down and not line.restart)
        if line.report is not None:
            await self.house.report(line.report, line.by or "")
        wrong = await self._act(line) if line.act is not None else []
        if line.made is not None:
            wrong += await self._refusable(line, self.house.round(line.made, line.body, line.by or ""))
        wrong += await self._notice(line) if line.notice is not None else []
        return wrong + (await self._compare(line.expect) if line.expect is not None else [])

    async def _send(self, source: str, labels: Mapping[str, str], *, firing: bool) -> None:
        mark = fingerprint(labels)
        if firing and mark not in self._started:
            self._started[mark] = self.house.now
        started = self._started.get(mark, self.house.now)
        if not firing:
            self._started.pop(mark, None)
        alert = {
            "status": "firing" if firing else "resolved",
            "labels": dict(labels),
            "annotations": {},
            "startsAt": moment_text(started),
            "endsAt": "0001-01-01T00:00:00Z" if firing else moment_text(self.house.now),
            "fingerprint": mark,
        }
        body = {"version": "4", "status": alert["status"], "receiver": "rehearsal", "alerts": [alert]}
        await self.house.receive(json.dumps(body, ensure_ascii=False).encode(), source)

    async def _number(self, count: int) -> str | None:
        rows = await self.house.writer.fetch("SELECT number FROM incident ORDER BY id")
        return rows[count - 1][0] if 0 < count <= len(rows) else None

    async def _act(self, line: Line) -> list[str]:
        number = await self._number(line.incident)
        if number is None or line.act is None:
            return [f"there is no incident {line.incident} to {line.act}"]
        return await self._refusable(line, self.house.act(number, line.act, await self._named(line), line.by or ""))

    async def _notice(self, line: Line) -> list[str]:
        rows = await self.house.writer.fetch(
            "SELECT n.id FROM notice n JOIN incident i ON i.id = n.incident_id WHERE i.number = ? ORDER BY n.id DESC",
            await self._number(line.incident),
        )
        if not rows or line.notice is None:
            return [f"there is no notice of incident {line.incident} to {line.notice}"]
        text = str(line.body.get("text", ""))
        return await self._refusable(line, self.house.notice(rows[0][0], line.notice, line.by or "", text))

    async def _refusable(self, line: Line, doing: Awaitable[Any]) -> list[str]:
        """Do it; return what was wrong with how it was refused, or that it was not."""
        try:
            await doing
        except Refusal as refusal:
            return _other_refusal(line, refusal)
        return [f"{_what(line)} by {line.by} was not refused"] if line.refused is not None else []

    async def _named(self, line: Line) -> dict[str, Any]:
        """The body of an act; an incident that it names by its count has its number."""
        counted = {k: v for k, v in line.body.items() if k in ("for", "into") and isinstance(v, int)}
        return {**line.body, **{key: await self._number(count) for key, count in counted.items()}}

    async def _compare(self, expect: Expect) -> list[str]:
        wrong = []
        if expect.page is not None or expect.pages is not None or expect.steps is not None:
            fresh = self.house.sent[self._seen_pages :]
            self._seen_pages = len(self.house.sent)
            wanted = expect.pages if expect.pages is not None else [expect.page] if expect.page is not None else None
            people = [s.person for s in fresh]
            if wanted is not None and sorted(people) != sorted(wanted):
                wrong.append(f"pages went to {people or 'nobody'}, not to {wanted or 'nobody'}")
            steps = sorted({s.step for s in fresh})
            if expect.steps is not None and steps != sorted(expect.steps):
                wrong.append(f"steps paged were {steps}, not {sorted(expect.steps)}")
        if expect.incidents is not None:
            rows = await self.house.writer.fetch("SELECT count(*) FROM incident")
            if rows[0][0] != expect.incidents:
                wrong.append(f"there are {rows[0][0]} incident(s), not {expect.incidents}")
        if expect.incident is not None:
            wrong += await self._compare_incident(expect.incident)
        if expect.problems is not None:
            wrong += await self._compare_problems(expect.problems)
        return wrong

    async def _compare_problems(self, wanted: list[WantedProblem]) -> list[str]:
        rows = await self.house.writer.fetch("SELECT origin, state, incidents FROM problem ORDER BY id")
        numbers = [number for (number,) in await self.house.writer.fetch("SELECT number FROM incident ORDER BY id")]
        there = [
            {"origin": origin, "state": state, "incidents": [numbers.index(n) + 1 for n in msgspec.json.decode(named)]}
            for origin, state, named in rows
        ]
        asked = [problem.model_dump(exclude_unset=True) for problem in wanted]
        same = len(there) == len(asked) and all(
            ask.items() <= is_.items() for ask, is_ in zip(asked, there, strict=True)
        )
        return [] if same else [f"problems are {there or 'none'}, not {asked or 'none'}"]

    async def _compare_incident(self, wanted: Wanted) -> list[str]:
        number = await self._number(wanted.number)
        if number is None:
            return [f"there is no incident {wanted.number}"]
        if number not in self.house.desk.board.numbers:
            await fetch_incident(self.house.desk, self.house.writer, number)
        incident = self.house.incident(number)
        is_now = self._as_seen(incident)
        others = {
            name: await self._number(count)
            for name in ("recurrence_of", "preempted_by")
            if (count := getattr(wanted, name)) is not None
        }
        asked = wanted.model_dump(exclude_unset=True, exclude={"number", "told", "not_told", "late"}) | others
        return [
            f"{number}: {name} is {_shown(is_now[name])}, not {_shown(value)}"
            for name, value in asked.items()
            if is_now[name] != value
        ] + await self._compare_timeline(number, wanted)

    async def _compare_timeline(self, number: str, wanted: Wanted) -> list[str]:
        kinds = {kind for _, kind, _, _ in await self.house.timeline(number)}
        wrong = []
        if wanted.late is not None:
            late = await self.house.writer.fetch(
                "SELECT DISTINCT s.key FROM step s JOIN incident i ON i.id = s.incident_id "
                "WHERE i.number = ? AND s.late_ms >= 1000 AND s.outcome != 'cancelled' ORDER BY s.key",
                number,
            )
            there = [step for (step,) in late]
            wrong += [f"{number}: late were {there}, not {sorted(wanted.late)}"] * (there != sorted(wanted.late))
        lacks, has = sorted(set(wanted.told) - kinds), sorted(set(wanted.not_told) & kinds)
        return (
            wrong
            + [f"{number}: its timeline has no {', '.join(lacks)}: {sorted(kinds)}"] * bool(lacks)
            + [f"{number}: its timeline has {', '.join(has)}"] * bool(has)
        )

    def _as_seen(self, incident: Incident) -> dict[str, Any]:
        def since(moment: datetime | None) -> timedelta | None:
            return None if moment is None else moment - self._start

        labels = {e.fingerprint: self.house.desk.board.labels(e) for e in self.house.desk.board.episodes.values()}
        root = labels.get((incident.root or {}).get("fingerprint", ""), {})
        return {
            "state": str(incident.state),
            "kind": incident.kind,
            "severity": incident.severity,
            "initial_severity": incident.initial_severity,
            "final_severity": incident.final_severity,
            "category": incident.category,
            "final_category": incident.final_category,
            "tier": incident.tier,
            "bounces": incident.bounces,
            "reopened": incident.resolution.get("reopened", 0),
            "major": bool(incident.major),
            "commander": incident.commander,
            "billable": incident.billable,
            "recurrence_of": incident.recurrence_of,
            "service_affecting": incident.form.get("service_affecting"),
            "preempted_by": incident.preempted_by,
            "group": incident.group,
            "assignee": incident.assignee,
            "alerts": incident.alert_count,
            "firing": incident.open_alerts,
            "relapse": incident.relapse,
            "root": root.get("alertname"),
            "known_error": incident.known_errors[0]["id"] if incident.known_errors else None,
            "inspection": next(reversed(incident.linked(INSPECTION)), None),
            "response_due": since(incident.response_due_at),
            "resolve_due": since(incident.resolve_due_at),
            "acknowledged": since(incident.acknowledged_at),
            "resolved": since(incident.resolved_at),
            "paused": incident.resolve_due_at is None,
        }


def _other_refusal(line: Line, refusal: Exception) -> list[str]:
    """Why a refusal is not the one that was expected; empty where it is."""
    if line.refused is None:
        return [f"{_what(line)} by {line.by} was refused: {refusal}"]
    if isinstance(line.refused, int):
        status = problem_of(refusal).status
        return [] if status == line.refused else [f"refused with {status}, not {line.refused}: {refusal}"]
    return [] if line.refused in str(refusal) else [f"refused, but with another reason: {refusal}"]


def _what(line: Line) -> str:
    if line.made is not None:
        return f"the record of {line.made}"
    return str(line.act) if line.act is not None else f"{line.notice} of a notice"


def _shown(value: Any) -> str:
    return format_span(value) if isinstance(value, timedelta) else repr(value)
